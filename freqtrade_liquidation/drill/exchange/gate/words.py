"""Between Gate's words and the engine's: contracts, sizes, times, order parameters."""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from freqtrade_liquidation.drill.exchange.core import Call
from freqtrade_liquidation.drill.exchange.gate.refusals import deny
from freqtrade_liquidation.drill.exchange.markets import Market
from freqtrade_liquidation.drill.exchange.records import ZERO

SETTLE: Final = "usdt"
UNNAMED: Final = "practice-"
"""What the engine's own client order ids begin with; Gate calls such an order ``api``."""

_PAGE: Final = 100
_NAME: Final = re.compile(r"t-[0-9A-Za-z_.-]{1,28}")
_TIME_IN_FORCE: Final = {"gtc": "GTC", "ioc": "IOC", "poc": "GTX", "fok": "FOK"}


def market_of(call: Call) -> Market:
    """:return: the market that the request names.

    :raises Refusal: CONTRACT_NOT_FOUND.
    """
    if call.params.get("settle", SETTLE) != SETTLE:
        raise deny("CONTRACT_NOT_FOUND", status=404)
    return call.core.futures.market(call.symbol)


def is_settled_here(call: Call) -> bool:
    """:return: whether the request is about USDT contracts: nothing is settled in anything else."""
    return call.params.get("settle", SETTLE) == SETTLE


def size(market: Market, amount: Decimal) -> str:
    """:return: *amount* (base currency, signed) in contracts. ``X-Gate-Size-Decimal``: as text."""
    return f"{amount / market.contract_size:.0f}"


def seconds(time_ms: int) -> float:
    """:return: *time_ms* as Gate writes times."""
    return round(time_ms / 1000, 3)


def is_within(call: Call, time_ms: int) -> bool:
    """:return: whether *time_ms* is within ``from`` and ``to``, which are whole seconds."""
    start = int(call.params.get("from") or 0)
    end = int(call.params.get("to") or 2**40)
    return start * 1000 <= time_ms < (end + 1) * 1000


def page(call: Call, rows: Sequence[Any]) -> list[Any]:
    """:return: the page that ``limit`` (at most 100, and 100 if not sent) and ``offset`` name."""
    limit = min(_PAGE, int(call.params.get("limit") or _PAGE))
    offset = int(call.params.get("offset") or 0)
    return list(rows[offset : offset + limit])


def whole(text: str | None, name: str) -> int:
    """:return: a number of contracts.

    :raises Refusal: INVALID_PARAM_VALUE, if it is no whole number.
    """
    try:
        value = Decimal(text or "")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value != int(value):
        raise deny("INVALID_PARAM_VALUE", f"invalid argument: {name}")
    return int(value)


def is_true(params: dict[str, str], name: str) -> bool:
    """:return: whether *name* was sent and true."""
    return params.get(name, "").lower() == "true"


def order_params(call: Call, prefix: str = "") -> dict[str, str]:
    """:return: the order of the request in the engine's words.

    :param prefix: ``initial.`` for the order that a trigger is to place.
    :raises Refusal: for what Gate does not take.
    """
    sent = {name.removeprefix(prefix): value for name, value in call.params.items()
            if name.startswith(prefix)}  # fmt: skip
    market = market_of(call)
    contracts = whole(sent.get("size"), "size")
    closes = is_true(sent, "close")
    if contracts == 0:
        contracts = _closing_size(call, market) if closes else 0
    if contracts == 0:
        raise deny("POSITION_EMPTY" if closes else "INVALID_PARAM_VALUE", "invalid argument: size")
    params = {
        "symbol": market.symbol, "side": "BUY" if contracts > 0 else "SELL",
        "quantity": f"{abs(contracts) * market.contract_size:f}",
        "reduceOnly": str(closes or is_true(sent, "reduce_only")).lower(),
    } | _pricing(sent)  # fmt: skip
    return params | _name(sent.get("text"))


def _closing_size(call: Call, market: Market) -> int:
    amount = call.core.futures.position(market.symbol).amount
    return int(-amount / market.contract_size) if amount else 0


def _pricing(sent: dict[str, str]) -> dict[str, str]:
    price, force = sent.get("price", ""), sent.get("tif") or "gtc"
    if force not in _TIME_IN_FORCE:
        raise deny("INVALID_PARAM_VALUE", "invalid argument: tif")
    try:
        at_market = Decimal(price) == ZERO
    except InvalidOperation:
        raise deny("INVALID_PARAM_VALUE", "invalid argument: price") from None
    if not at_market:
        return {"type": "LIMIT", "price": price, "timeInForce": _TIME_IN_FORCE[force]}
    if force not in ("ioc", "fok"):
        raise deny("INVALID_PARAM_VALUE", "invalid argument: tif of a market order")
    return {"type": "MARKET", "timeInForce": _TIME_IN_FORCE[force]}


def _name(text: str | None) -> dict[str, str]:
    if text is None or text in ("", "api", "web", "app"):
        return {}
    if not _NAME.fullmatch(text):
        raise deny("INVALID_PARAM_VALUE", "invalid argument: text")
    return {"newClientOrderId": text}

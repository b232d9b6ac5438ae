"""Names for our orders, as each exchange takes them, and our own ones told from others'.

A name is the only handle on an order whose answer was lost.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from freqtrade_liquidation.exchange.rules.kin import rule_for

MARK: Final = "ftl"
"""What the names of our closing orders begin with."""
BOT_MARK: Final = "fte"
"""What the names of the bot's own orders begin with."""


def _form(mark: str) -> re.Pattern[str]:
    digits = mark.encode().hex()
    return re.compile(
        rf"(?:t-)?{mark}[0-9a-f]{{15}}|0x{digits}[0-9a-f]{{26}}"
        rf"|{digits}[0-9a-f]{{2}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}"
    )


_OURS: Final = _form(MARK)
_BOTS: Final = _form(BOT_MARK)


def _plain(mark: str, digits: str) -> str:
    """18 letters and digits fit every other exchange that freqtrade supports: binance 36 of
    ``[.A-Z:/a-z0-9_-]``, okx 32 letters and digits, kraken 18 of free text (the shortest), bybit
    36, bitget 32 or more, kucoin 40, bingx 40, htx 64, krakenfutures 100 characters.
    """
    return f"{mark}{digits[:15]}"


def _gate(mark: str, digits: str) -> str:
    """``text``: ``t-`` and at most 28 characters. Source: ccxt ``gate.create_order_request``,
    which puts ``t-`` in front where it is missing; then the answer would name another order."""
    return f"t-{_plain(mark, digits)}"


def _cloid(mark: str, digits: str) -> str:
    """128 bits in hexadecimal. Source: Hyperliquid's exchange endpoint, ``c`` (cloid)."""
    return f"0x{mark.encode().hex()}{digits[:26]}"


def _uuid(mark: str, digits: str) -> str:
    """A UUID. Source: Bitvavo's REST API, ``clientOrderId``."""
    return str(uuid.UUID(f"{mark.encode().hex()}{digits[:26]}"))


FORMATS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "gate": _gate,
    "hyperliquid": _cloid,
    "bitvavo": _uuid,
}
"""By ccxt's exchange id."""


def client_order_id(api: Any, digits: str) -> str:
    """A name for an order at ccxt's exchange *api*.

    :param digits: 32 hexadecimal digits, random: ``uuid4().hex``. At least 15 of them are used.
    """
    return rule_for(FORMATS, api, _plain)(MARK, digits)


def bot_order_id(api: Any, digits: str) -> str:
    """A name for an order that freqtrade places.

    :param digits: see :func:`client_order_id`.
    """
    return rule_for(FORMATS, api, _plain)(BOT_MARK, digits)


STOP_NAMES: Final[Mapping[str, str | None]] = {
    # OKX, Place algo order: algoClOrdId; ccxt sends clOrdId, which that endpoint does not have.
    "okx": "algoClOrdId",
    # Gate API v4, price-triggered orders: "initial.text" and "put.text" say web, api or app.
    "gate": None,
}
"""The parameter of ccxt's that names a stop; ``None`` = a stop takes no name. By ccxt's exchange
id; elsewhere it is ``clientOrderId``.

Source: ccxt's ``create_order`` of each exchange that freqtrade supports stops on. binance: sent as
``newClientOrderId`` (spot) or ``clientAlgoId`` (algo order); bybit ``orderLinkId``; bitget and
kucoin ``clientOid``; kraken ``cl_ord_id``; krakenfutures ``cliOrdId``; htx ``client-order-id``;
hyperliquid ``c``; bingx ``newClientOrderId``.
"""


def stop_name(api: Any, name: str) -> dict[str, str]:
    """ccxt's parameters that give a stop its *name* at ccxt's exchange *api*; empty where it takes
    none."""
    parameter = rule_for(STOP_NAMES, api, "clientOrderId")
    return {} if parameter is None else {parameter: name}


def name_of(order: Mapping[str, Any]) -> str | None:
    """The name that ccxt's *order* bears.

    Source: OKX, Get algo order list, ``algoClOrdId``, which ccxt does not read.
    """
    name = order.get("clientOrderId") or (order.get("info") or {}).get("algoClOrdId")
    return str(name) if name else None


def is_bots(name: str) -> bool:
    """Whether *name* has the form of :func:`bot_order_id`."""
    return _BOTS.fullmatch(name) is not None


def is_ours(name: str | None) -> bool:
    """Whether *name*, as an exchange gave it back, is one of :func:`client_order_id`."""
    return name is not None and _OURS.fullmatch(name.lower()) is not None


def is_same(answered: str | None, sent: str) -> bool:
    """Whether *answered*, as the exchange gave it back, is the name that was *sent*.

    Gate puts ``t-`` in front of a name that lacks it (as those of older runs did).
    """
    return answered is not None and answered.lower() in (sent, f"t-{sent}")


def is_another(answered: str | None, sent: str) -> bool:
    """Whether *answered* is a name, and not the one that was *sent*.

    Gate puts words of its own ("api", "web", …) where an order bears no name, or none any more.
    Source: Gate API v4, ``text``: a name begins with ``t-``.
    """
    if not answered or (sent.startswith("t-") and not answered.lower().startswith("t-")):
        return False
    return not is_same(answered, sent)

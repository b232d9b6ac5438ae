"""What has to be asked so that no position and no order is missed.

ccxt's ``fetch_positions()`` and ``fetch_open_orders()`` without a pair are one request. On some
exchanges that is one settle currency, or one page of the list: read so, a book looks flat that is
not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.exchange.rules.kinds import Ask, Kind, kinds_of
from freqtrade_liquidation.exchange.rules.raw_lists import Params

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """A list that comes in pages.

    :param size: entries of a full page. It is asked for, for the default may be smaller.
    :param next_page: what asks for the page after these rows of this one, given all rows so far;
        ``None`` = there is none.
    """

    size: int
    next_page: Callable[[Rows, int], Params | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One list to be asked for, page by page.

    :param params: ccxt's ``params`` of the first page, without its size.
    :param kind: the orders that it lists, where they are a list of their own.
    :param mixed: it lists orders of other markets, too.
    :param full: a list of this many entries may have been cut off; ``None`` = it comes whole.
    """

    params: Params
    kind: Kind | None = None
    mixed: bool = False
    paging: Paging | None = None
    full: int | None = None

    @property
    def stop(self) -> bool:
        """Whether what it lists stands apart from the ordinary orders."""
        return self.kind is not None

    @property
    def ask(self) -> Ask | None:
        """What is asked instead of ccxt's ``fetch_open_orders``."""
        return None if self.kind is None else self.kind.ask


def _by_cursor(page: Rows, so_far: int) -> Params | None:
    """Source: ccxt ``bybit.add_pagination_cursor_to_result``: one row carries it, which is not the
    first any more once ccxt has sorted them."""
    cursors = (row.get("info", {}).get("nextPageCursor") for row in page)
    return next(({"cursor": cursor} for cursor in cursors if cursor), None)


def _by_offset(page: Rows, so_far: int) -> Params | None:
    return {"offset": so_far}


def _older_than(param: str) -> Callable[[Rows, int], Params | None]:
    def next_page(page: Rows, so_far: int) -> Params | None:
        return {param: min((str(row["id"]) for row in page), key=_age)}  # ccxt sorts rows

    return next_page


def _age(order_id: str) -> tuple[int, str]:
    """Ids are numbers that grow. Of one that is none the page after it is asked for in vain, and a
    page that brings nothing new is no proof of the end."""
    return len(order_id), order_id


_GATE: Final = Paging(size=100, next_page=_by_offset)
POSITION_PAGES: Final[Mapping[str, Paging]] = {
    # Bybit V5, Get Position Info: limit at most 200, nextPageCursor
    "bybit": Paging(size=200, next_page=_by_cursor),
    # Gate API v4, List all positions of a user: limit and offset
    "gate": _GATE,
}
"""By ccxt's exchange id. The others' endpoint has no pages."""

ORDER_PAGES: Final[Mapping[str, Paging]] = {
    # Bybit V5, Get Open Orders: limit at most 50, 20 if not asked for; nextPageCursor
    "bybit": Paging(size=50, next_page=_by_cursor),
    # OKX, Get order list and Get algo order list: limit at most 100; "after" an order id
    "okx": Paging(size=100, next_page=_older_than("after")),
    # Gate API v4, List futures orders and List auto orders: limit 100 if not asked for; offset
    "gate": _GATE,
    # Bitget V2, Get Pending Orders and Pending Trigger Orders: limit at most 100; idLessThan
    "bitget": Paging(size=100, next_page=_older_than("idLessThan")),
}
"""By ccxt's exchange id. Elsewhere ccxt's ``features`` say whether a list may be cut off."""


def _settle_coin(settle: str) -> Params:
    return {"settleCoin": settle}


def _settle(settle: str) -> Params:
    return {"settle": settle.lower()}


def _product_type(settle: str) -> Params:
    return {"productType": f"{settle}-FUTURES"}


SPLIT_BY_SETTLE: Final[Mapping[str, Callable[[str], Params]]] = {
    # ccxt bybit.fetch_positions and fetch_open_orders: settleCoin, else options.defaultSettle
    "bybit": _settle_coin,
    # ccxt gate.prepare_request: settle is a part of the path, usdt if not given
    "gate": _settle,
    # ccxt bitget.handle_product_type_and_params: USDT-FUTURES if not given
    "bitget": _product_type,
}
"""Where one request lists one settle currency, by ccxt's exchange id."""

OPEN_ONLY: Final[Mapping[str, Params]] = {
    # Gate lists every contract ever traded: empty ones would fill the page. "holding": open ones.
    "gate": {"holding": "true"},
}
ORDERS_OF: Final[Mapping[str, Params]] = {
    # ccxt binance.fetch_open_orders asks the spot market, whatever options.defaultType says. The
    # others follow that option, and most would pass "type" on to the exchange (hyperliquid
    # instead of its own "type").
    "binance": {"type": "swap"},
    # OKX lists the orders of all markets, spot too.
    "okx": {"instType": "SWAP"},
}

MIXED: Final[Mapping[str, bool]] = {
    # frontendOpenOrders: every open order of the account, spot and perpetuals
    "hyperliquid": True,
}


def position_questions(exchange: Exchange) -> list[Question]:
    """What shows every linear swap position of the account."""
    api: Any = exchange._api
    extra = rule_for(OPEN_ONLY, api, {})
    paging = rule_for(POSITION_PAGES, api, None)
    return [Question(params={**part, **extra}, paging=paging) for part in _parts(exchange)]


def order_questions(exchange: Exchange) -> list[Question]:
    """What shows every open order of the account in linear swaps, stops included."""
    api: Any = exchange._api
    of, paging = rule_for(ORDERS_OF, api, {}), rule_for(ORDER_PAGES, api, None)
    full = None if paging else _cut_off_at(api)
    mixed = rule_for(MIXED, api, False)
    parts, kinds = _parts(exchange), kinds_of(exchange)
    ordinary = [
        Question(params={**part, **of}, mixed=mixed, paging=paging, full=full) for part in parts
    ]
    listed = [
        Question(
            params={**part, **of, "stop": True, **kind.params},
            kind=kind,
            mixed=mixed,
            paging=paging,
            full=full,
        )
        for kind in kinds
        if not kind.is_raw
        for part in parts
    ]
    raw = [
        Question(
            params={**part, **kind.params},
            kind=kind,
            mixed=kind.mixed,
            full=kind.full,
        )
        for kind in kinds
        if kind.is_raw
        for part in ([{}] if kind.whole_account else parts)
    ]
    return [*ordinary, *listed, *raw]


def requests_of_a_look(exchange: Exchange) -> int:
    """How many a look takes at least: each list of positions and of orders; on spot the balance."""
    if exchange.trading_mode != TradingMode.FUTURES:
        return 1
    return len(position_questions(exchange)) + len(order_questions(exchange))


def _parts(exchange: Exchange) -> list[Params]:
    """The account in the parts that the exchange lists it in."""
    split = rule_for(SPLIT_BY_SETTLE, exchange._api, None)
    if split is not None:
        return [split(settle) for settle in settle_currencies(exchange)]
    # Hyperliquid's HIP-3 exchanges are accounts of their own. freqtrade's own fetch_positions
    # takes one that does not answer for empty. Source: freqtrade Hyperliquid.fetch_positions.
    dexes: list[str] = getattr(exchange, "_get_configured_hip3_dexes", list)()
    return [{}, *({"dex": dex} for dex in dexes)]


def settle_currencies(exchange: Exchange) -> list[str]:
    """Those of the linear swaps that ccxt knows, and the bot's own."""
    swaps = (m for m in exchange.markets.values() if m.get("swap") and m.get("linear"))
    return sorted({exchange._config["stake_currency"], *(market["settle"] for market in swaps)})


def _cut_off_at(api: Any) -> int | None:
    """Source: ccxt ``features``: the most that one answer to ``fetchOpenOrders`` holds."""
    limit = api.feature_value_by_type("swap", "linear", "fetchOpenOrders", "limit")
    return None if limit is None else int(limit)

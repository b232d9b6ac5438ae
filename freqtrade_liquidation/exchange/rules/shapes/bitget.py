"""Bitget, classic and unified accounts: where the rows of each list are."""

from typing import Any, Final

from freqtrade_liquidation.exchange.shape import (
    Either,
    Listing,
    Shape,
    identity,
    number,
    text,
    word,
    words,
)

_BITGET: Final[dict[str, Any]] = {"says": {"code": "00000"}, "at": ("data",)}
_BITGET_LIST: Final[dict[str, Any]] = {
    "says": {"code": "00000"},
    "at": ("data", "entrustedList"),
    "null_with": "endId",
}
_BITGET_ROW: Final = (
    identity("orderId"),
    text("symbol"),
    text("side"),
    text("status", "planStatus"),
    number("cTime"),
)
_UNIFIED_ROW: Final = (
    identity("orderId"),
    text("symbol"),
    text("category"),
    text("orderStatus"),
    text("side"),
    number("createdTime"),
)
_FOR_A_POSITION: Final = word("planType", among="pos_loss pos_profit")
BITGET: Final = (
    Shape(
        lists=Listing.POSITIONS,
        path=r"/api/v2/mix/position/all-position",
        **_BITGET,
        row=(text("symbol"), word("holdSide", among="long short"), number("total")),
        amount="total",
        source="Bitget V2, Get All Positions",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/api/v2/mix/order/(orders-pending|orders-history)",
        **_BITGET_LIST,
        row=(*_BITGET_ROW, text("posSide"), number("size")),
        source="Bitget V2, Get Pending Orders; without orders entrustedList and endId are null",
    ),
    Shape(
        lists=Listing.STOPS,
        path=r"/api/v2/mix/order/(orders-plan-pending|orders-plan-history)",
        **_BITGET_LIST,
        row=(*_BITGET_ROW, text("posSide"), Either((number("size"), _FOR_A_POSITION))),
        source="Bitget V2, Get Pending Trigger Order; a TPSL order of the position has no size",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/api/v2/mix/account/accounts",
        **_BITGET,
        row=(text("marginCoin"), number("available"), number("accountEquity")),
        source="Bitget V2, Get Account List",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/api/v2/spot/account/assets",
        **_BITGET,
        row=(text("coin"), number("available"), number("frozen"), number("locked")),
        source="Bitget V2, Get Account Assets",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/api/v2/spot/trade/(unfilled-orders|history-orders)",
        **_BITGET,
        row=(*_BITGET_ROW, number("size")),
        source="Bitget V2, Get Current Orders and Get History Orders",
    ),
    Shape(
        lists=Listing.STOPS,
        path=r"/api/v2/spot/trade/(current-plan-order|history-plan-order)",
        says={"code": "00000"},
        at=("data", "orderList"),
        row=(*_BITGET_ROW, number("size")),
        source="Bitget V2, Get Current Plan Orders",
    ),
    Shape(
        lists=Listing.POSITIONS,
        path=r"/api/v3/position/current-position",
        says={"code": "00000"},
        at=("data", "list"),
        null_with="",
        row=(text("symbol"), word("posSide", among="long short"), number("total")),
        amount="total",
        source="Bitget V3 (unified account), Get Position Info; without positions list is null",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/api/v3/trade/(unfilled-orders|history-orders)",
        sent="-FUTURES",
        says={"code": "00000"},
        at=("data", "list"),
        row=(*_UNIFIED_ROW, words("posSide"), number("qty")),
        source="Bitget V3 (unified account), Get Open Orders. ccxt "
        "bitget.parse_order takes an order without posSide for one on spot",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/api/v3/trade/(unfilled-orders|history-orders)",
        says={"code": "00000"},
        at=("data", "list"),
        row=(*_UNIFIED_ROW, number("qty")),
        source="Bitget V3 (unified account), Get Open Orders",
    ),
    Shape(
        lists=Listing.STOPS,
        path=r"/api/v3/trade/unfilled-strategy-orders",
        sent="-FUTURES",
        **_BITGET,
        row=(
            identity("orderId"),
            text("symbol"),
            text("side", "posSide"),
            words("posSide"),
            words("qty"),
        ),
        source="Bitget V3 (unified account), Get Open Strategy Orders",
    ),
    Shape(
        lists=Listing.STOPS,
        path=r"/api/v3/trade/unfilled-strategy-orders",
        **_BITGET,
        row=(identity("orderId"), text("symbol"), text("side", "posSide"), words("qty")),
        source="Bitget V3 (unified account), Get Open Strategy Orders",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/api/v3/account/assets",
        says={"code": "00000"},
        at=("data", "assets"),
        row=(text("coin"), number("balance"), number("available")),
        source="Bitget V3 (unified account), Get Account Assets",
    ),
)

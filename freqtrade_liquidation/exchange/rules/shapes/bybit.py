"""Bybit and Bybit EU: where the rows of each list are."""

from typing import Any, Final

from freqtrade_liquidation.exchange.shape import (
    SIDES,
    Listing,
    Shape,
    flag,
    identity,
    number,
    text,
    word,
    words,
)

_BYBIT: Final[dict[str, Any]] = {"says": {"retCode": "0"}, "at": ("result", "list")}
_ORDER: Final = (
    identity("orderId"),
    text("symbol"),
    SIDES,
    text("orderStatus"),
    number("qty"),
    number("createdTime"),
    flag("reduceOnly"),
)
BYBIT: Final = (
    Shape(
        lists=Listing.POSITIONS,
        path=r"/v5/position/list",
        **_BYBIT,
        beside=("result.nextPageCursor",),
        row=(text("symbol"), word("side", among="buy sell none -"), number("size")),
        amount="size",
        source="Bybit V5, Get Position Info; side is empty in a row of size 0",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/v5/order/(realtime|history)",
        sent="category=linear",
        **_BYBIT,
        beside=("result.nextPageCursor",),
        row=(*_ORDER, words("tpslMode")),
        source="Bybit V5, Get Open & Closed Orders; qty of a stop for the whole position is 0. "
        "ccxt bybit.parse_order takes an order without tpslMode for one on spot",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/v5/order/(realtime|history)",
        **_BYBIT,
        beside=("result.nextPageCursor",),
        row=_ORDER,
        source="Bybit V5, Get Open & Closed Orders",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/v5/account/wallet-balance",
        says={"retCode": "0"},
        at=("result", "list", 0, "coin"),
        beside=("result.list.0.accountType",),
        row=(text("coin"), number("walletBalance")),
        source="Bybit V5, Get Wallet Balance: one account, and its coins",
    ),
)

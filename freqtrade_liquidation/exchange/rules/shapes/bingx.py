"""BingX: where the rows of each list are."""

from typing import Final

from freqtrade_liquidation.exchange.shape import SIDES, Listing, Shape, identity, number, text

BINGX: Final = (
    Shape(
        lists=Listing.BALANCE,
        path=r"/openApi/spot/v1/account/balance",
        says={"code": "0"},
        at=("data", "balances"),
        row=(text("asset"), number("free"), number("locked")),
        source="BingX Spot API, Query Assets",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/openApi/spot/v1/trade/(openOrders|historyOrders)",
        says={"code": "0"},
        at=("data", "orders"),
        row=(
            identity("orderId"),
            text("symbol"),
            SIDES,
            text("status"),
            number("origQty"),
            number("time"),
        ),
        source="BingX Spot API, Current Open Orders and Query Order history",
    ),
)

"""HTX: where the rows of each list are."""

from typing import Final

from freqtrade_liquidation.exchange.shape import Listing, Shape, identity, number, text

HTX: Final = (
    Shape(
        lists=Listing.BALANCE,
        path=r"/v1/account/accounts/\d+/balance",
        says={"status": "ok"},
        at=("data", "list"),
        row=(text("currency"), text("type"), number("balance")),
        source="HTX, Get Account Balance of a Specific Account",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/v1/order/(orders|openOrders|history)",
        says={"status": "ok"},
        at=("data",),
        row=(
            identity("id"),
            text("symbol"),
            text("type"),
            text("state"),
            number("amount"),
            number("created-at"),
        ),
        source="HTX, Search Past Orders and Get All Open Orders; type begins with the side",
    ),
)

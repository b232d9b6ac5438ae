"""Hyperliquid: where the rows of each list are."""

from typing import Final

from freqtrade_liquidation.exchange.shape import Listing, Shape, flag, identity, number, text, word

_BY_SIDE_LETTER: Final = "a b"
HYPERLIQUID: Final = (
    Shape(
        lists=Listing.POSITIONS,
        method="POST",
        path=r"/info",
        sent='"type":"clearinghouseState"',
        at=("assetPositions",),
        row=(text("position.coin"), number("position.szi")),
        amount="position.szi",
        source="Hyperliquid info endpoint, Retrieve user's perpetuals account summary; the sign of "
        "szi is the side",
    ),
    Shape(
        lists=Listing.ORDERS,
        method="POST",
        path=r"/info",
        sent='"type":"frontendOpenOrders"',
        row=(
            identity("oid"),
            text("coin"),
            word("side", among=_BY_SIDE_LETTER),
            number("sz"),
            number("origSz"),
            number("timestamp"),
            flag("reduceOnly"),
        ),
        source="Hyperliquid info endpoint, Retrieve a user's open orders with additional frontend "
        "info; sz of a stop for the whole position is 0",
    ),
    Shape(
        lists=Listing.ORDERS,
        method="POST",
        path=r"/info",
        sent='"type":"historicalOrders"',
        row=(
            identity("order.oid"),
            text("order.coin"),
            word("order.side", among=_BY_SIDE_LETTER),
            number("order.origSz"),
            number("order.timestamp"),
        ),
        source="Hyperliquid info endpoint, Retrieve a user's historical orders",
    ),
    Shape(
        lists=Listing.BALANCE,
        method="POST",
        path=r"/info",
        sent='"type":"spotClearinghouseState"',
        at=("balances",),
        row=(text("coin"), number("total"), number("hold")),
        source="Hyperliquid info endpoint, Retrieve a user's token balances",
    ),
)

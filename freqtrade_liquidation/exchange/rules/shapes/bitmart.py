"""BitMart: where the rows of each list are."""

from typing import Final

from freqtrade_liquidation.exchange.shape import SIDES, Listing, Shape, identity, number, text

BITMART: Final = (
    Shape(
        lists=Listing.BALANCE,
        path=r"/spot/v1/wallet",
        says={"code": "1000"},
        at=("data", "wallet"),
        row=(text("id", "currency"), number("available"), number("frozen")),
        source="BitMart Spot API, Get Spot Wallet Balance",
    ),
    Shape(
        lists=Listing.ORDERS,
        method="POST",
        path=r"/spot/v4/query/(open-orders|history-orders)",
        says={"code": "1000"},
        at=("data",),
        row=(identity("orderId"), text("symbol"), SIDES, number("size"), number("createTime")),
        source="BitMart Spot API, Current Open Orders V4 and Account Orders V4",
    ),
)
"""Supported by freqtrade until 2026.4; the ccxt of later releases has it no more."""

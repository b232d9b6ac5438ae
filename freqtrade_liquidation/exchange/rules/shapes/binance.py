"""Binance, Binance.US and Binance USDⓈ-M: where the rows of each list are."""

from typing import Final

from freqtrade_liquidation.exchange.shape import (
    SIDES,
    Either,
    Listing,
    Shape,
    flag,
    identity,
    number,
    text,
    true,
)

_BINANCE_ORDER: Final = (
    identity("orderId"),
    text("symbol"),
    SIDES,
    text("status"),
    number("origQty"),
    number("time"),
)
BINANCE: Final = (
    Shape(
        lists=Listing.POSITIONS,
        path=r"/fapi/v[23]/positionRisk",
        row=(text("symbol"), number("positionAmt")),
        amount="positionAmt",
        source="Binance USDⓈ-M Futures API, Position Information V3",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/fapi/v1/(openOrders|allOrders)",
        row=(*_BINANCE_ORDER, flag("reduceOnly")),
        source="Binance USDⓈ-M Futures API, Current All Open Orders; origQty of a closePosition "
        "order is 0",
    ),
    Shape(
        lists=Listing.STOPS,
        path=r"/fapi/v1/openAlgoOrders",
        row=(
            identity("algoId"),
            text("symbol"),
            text("positionSide"),
            SIDES,
            Either((number("quantity"), true("closePosition"))),
            flag("reduceOnly"),
        ),
        source="Binance USDⓈ-M Futures API, Current All Algo Open Orders; a closePosition order "
        "has no quantity",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/fapi/v[23]/account",
        at=("assets",),
        row=(text("asset"), number("walletBalance")),
        source="Binance USDⓈ-M Futures API, Account Information V3",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/api/v3/account",
        at=("balances",),
        row=(text("asset"), number("free"), number("locked")),
        source="Binance Spot API, Account information",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/api/v3/(openOrders|allOrders)",
        row=_BINANCE_ORDER,
        source="Binance Spot API, Current open orders and All orders",
    ),
)

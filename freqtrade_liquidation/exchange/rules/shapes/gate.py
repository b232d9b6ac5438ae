"""Gate and Gate EU: where the rows of each list are."""

from typing import Final

from freqtrade_liquidation.exchange.shape import (
    EACH,
    SIDES,
    Holder,
    Listing,
    Shape,
    flag,
    identity,
    number,
    text,
    word,
)

_GATE_FUTURES: Final = r"/api/v4/futures/\w+"
GATE: Final = (
    Shape(
        lists=Listing.POSITIONS,
        path=_GATE_FUTURES + r"/positions",
        row=(text("contract"), number("size")),
        amount="size",
        source="Gate API v4, List all positions of a user; the sign of size is the side",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=_GATE_FUTURES + r"/(orders|orders_timerange)",
        row=(
            identity("id"),
            text("contract"),
            text("status"),
            number("size"),
            number("create_time"),
            flag("is_reduce_only"),
        ),
        source="Gate API v4, List futures orders; size 0 closes the position",
    ),
    Shape(
        lists=Listing.STOPS,
        path=_GATE_FUTURES + r"/price_orders",
        row=(identity("id"), text("initial.contract"), number("initial.size")),
        source="Gate API v4, List auto orders; size 0 closes the position",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=_GATE_FUTURES + r"/accounts",
        holder=Holder.ONE,
        row=(text("currency"), number("total"), number("available")),
        source="Gate API v4, Query futures account",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/api/v4/spot/accounts",
        row=(text("currency"), number("available"), number("locked")),
        source="Gate API v4, List spot accounts",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/api/v4/unified/accounts",
        at=("balances",),
        holder=Holder.OBJECT,
        row=(number("available"), number("freeze")),
        source="Gate API v4, Get unified account information",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/api/v4/spot/orders",
        row=(
            identity("id"),
            text("currency_pair"),
            SIDES,
            number("amount"),
            number("create_time_ms"),
        ),
        source="Gate API v4, List orders",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/api/v4/spot/open_orders",
        at=(EACH, "orders"),
        row=(
            identity("id"),
            text("currency_pair"),
            SIDES,
            number("amount"),
            number("create_time_ms"),
        ),
        source="Gate API v4, List all open orders: by pair",
    ),
    Shape(
        lists=Listing.STOPS,
        path=r"/api/v4/spot/price_orders",
        row=(
            identity("id"),
            text("market"),
            word("put.side", among="buy sell"),
            number("put.amount"),
        ),
        source="Gate API v4, Retrieve running auto order list",
    ),
)

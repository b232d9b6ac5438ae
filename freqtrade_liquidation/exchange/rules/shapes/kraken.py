"""Kraken and Kraken Futures: where the rows of each list are."""

from typing import Any, Final

from freqtrade_liquidation.exchange.shape import (
    SIDES,
    Holder,
    Listing,
    Need,
    Shape,
    flag,
    identity,
    number,
    text,
    word,
)

_KRAKEN: Final[dict[str, Any]] = {
    "method": "POST",
    "says": {"error": "[]"},
    "holder": Holder.OBJECT,
}
_KRAKEN_ORDER: Final = (
    text("descr.pair"),
    word("descr.type", among="buy sell"),
    text("status"),
    number("vol"),
    number("opentm"),
)
KRAKEN: Final = (
    Shape(
        lists=Listing.BALANCE,
        path=r"/0/private/BalanceEx",
        **_KRAKEN,
        at=("result",),
        row=(number("balance"),),
        source="Kraken REST API, Get Extended Balance",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/0/private/OpenOrders",
        **_KRAKEN,
        at=("result", "open"),
        row=_KRAKEN_ORDER,
        source="Kraken REST API, Get Open Orders",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/0/private/ClosedOrders",
        **_KRAKEN,
        at=("result", "closed"),
        row=_KRAKEN_ORDER,
        source="Kraken REST API, Get Closed Orders",
    ),
)


def _is_event(value: Any) -> bool:
    """What happened, by its name. Which of the many kinds has an order in it, ccxt decides."""
    return isinstance(value, dict) and all(isinstance(inside, dict) for inside in value.values())


KRAKENFUTURES: Final = (
    Shape(
        lists=Listing.POSITIONS,
        path=r"/derivatives/api/v3/openpositions",
        says={"result": "success"},
        at=("openPositions",),
        row=(text("symbol"), word("side", among="long short"), number("size")),
        amount="size",
        source="Kraken Futures REST API, Get open positions",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/derivatives/api/v3/openorders",
        says={"result": "success"},
        at=("openOrders",),
        row=(
            identity("order_id"),
            text("symbol"),
            SIDES,
            number("unfilledSize"),
            text("receivedTime"),
            flag("reduceOnly"),
        ),
        source="Kraken Futures REST API, Get open orders",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/api/history/v[23]/orders",
        at=("elements",),
        row=(Need(("event",), _is_event, "object"),),
        source="Kraken Futures History API, Get order events",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/derivatives/api/v3/accounts",
        says={"result": "success"},
        at=("accounts",),
        holder=Holder.OBJECT,
        row=(text("type"),),
        source="Kraken Futures REST API, Get wallets",
    ),
)

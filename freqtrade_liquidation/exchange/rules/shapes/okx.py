"""OKX and its houses: where the rows of each list are."""

from typing import Any, Final

from freqtrade_liquidation.exchange.shape import SIDES, Listing, Shape, identity, number, text, word

_OKX: Final[dict[str, Any]] = {"says": {"code": "0"}, "at": ("data",)}
OKX: Final = (
    Shape(
        lists=Listing.POSITIONS,
        path=r"/api/v5/account/positions",
        **_OKX,
        row=(text("instId"), word("posSide", among="long short net"), number("pos")),
        amount="pos",
        source="OKX V5, Get positions",
    ),
    Shape(
        lists=Listing.ORDERS,
        path=r"/api/v5/trade/(orders-pending|orders-history|orders-history-archive)",
        **_OKX,
        row=(
            identity("ordId"),
            text("instId"),
            SIDES,
            text("state"),
            number("sz"),
            number("cTime"),
        ),
        source="OKX V5, Get order list and Get order history",
    ),
    Shape(
        lists=Listing.STOPS,
        path=r"/api/v5/trade/orders-algo-(pending|history)",
        **_OKX,
        row=(
            identity("algoId"),
            text("instId"),
            SIDES,
            number("sz", "closeFraction"),
            number("cTime"),
        ),
        source="OKX V5, Get algo order list; sz is empty where closeFraction closes the position",
    ),
    Shape(
        lists=Listing.BALANCE,
        path=r"/api/v5/account/balance",
        says={"code": "0"},
        at=("data", 0, "details"),
        row=(text("ccy"), number("eq")),
        source="OKX V5, Get balance: one account, and its coins",
    ),
)

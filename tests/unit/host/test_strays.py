"""Orders whose answers were lost: found where the amounts do not add up without them."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from freqtrade_liquidation.host.strays import find_strays, unexplained
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.executions import Close
from freqtrade_liquidation.orders.trades import KnownTrade
from tests.integration.exchanges import trade

BTC = "BTC/USDT:USDT"
OPENED = datetime(2026, 5, 1, tzinfo=UTC)


def short_or_long(side: Side, amount: float = 2.0) -> KnownTrade:
    return trade(BTC, amount, side=side, opened_at=OPENED, order_ids=frozenset({"first"}))


def closed(amount: float, side: Side = Side.LONG) -> Close:
    order = ClosingOrder(pair=BTC, side=side, amount=amount, client_order_id="ftl1")
    answer = {"id": "c", "status": "closed", "filled": amount, "average": 1.0}
    return Close(order=order, answer=answer)


def order(order_id: str, side: str, filled: float, at_s: float = 0.0) -> dict[str, Any]:
    at_ms = int((OPENED.timestamp() + at_s) * 1000)
    return {"id": order_id, "side": side, "filled": filled, "timestamp": at_ms,
            "clientOrderId": f"name-{order_id}"}  # fmt: skip


class Answering:
    """A wire whose exchange lists *orders*."""

    def __init__(self, *orders: dict[str, Any]) -> None:
        self.orders = orders

    async def read(self, ask: Any, *, timeout_s: float) -> Any:
        return ask(self)

    def fetch_orders(self, pair: str, since: datetime) -> Any:
        return list(self.orders)


def found(known: KnownTrade, beyond: float, *orders: dict[str, Any]) -> list[str]:
    wire: Any = Answering(*orders)
    strays = asyncio.run(find_strays(wire, known, beyond, {"name-ours"}, timeout_s=1.0))
    return [stray["id"] for stray in strays]


@pytest.mark.parametrize(
    ("states", "sold", "beyond"),
    [
        ([], 2.0, 0.0),
        ([], 2.0 * (1 + 1e-9), 0.0),
        ([], 3.0, 1.0),
        ([], 1.5, -0.5),
        ([order("open", "buy", 1.0)], 3.0, 0.0),
        ([order("open", "sell", 0.5), None], 1.5, 0.0),
    ],
)
def test_amounts_that_do_not_add_up_are_noticed(
    states: list[dict[str, Any] | None], sold: float, beyond: float
) -> None:
    assert unexplained(short_or_long(Side.LONG), states, [closed(sold)]) == pytest.approx(beyond)


@pytest.mark.parametrize(("side", "enter", "leave"), [
    (Side.LONG, "buy", "sell"), (Side.SHORT, "sell", "buy"),
])  # fmt: skip
def test_lost_entry_and_lost_exit_are_found(side: Side, enter: str, leave: str) -> None:
    first = order("first", enter, 2.0)
    assert found(short_or_long(side), 1.0, first, order("lost", enter, 1.0, 5)) == ["lost"]
    assert found(short_or_long(side), -0.5, first, order("lost", leave, 0.5, 5)) == ["lost"]


def test_orders_that_do_not_explain_it_are_nobodys_business() -> None:
    """Adopting them would make a wrong trade more wrong."""
    first = order("first", "buy", 2.0)
    assert found(short_or_long(Side.LONG), 1.0, first, order("other", "buy", 0.3, 5)) == []


def test_order_before_the_trades_first_one_is_another_trades() -> None:
    orders = order("earlier", "buy", 1.0, -2), order("first", "buy", 2.0), order("ours", "sell", 3)
    assert found(short_or_long(Side.LONG), 1.0, *orders) == []

"""A market order that has to carry a price: the price is asked for before anything is sent."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from freqtrade_liquidation.place import CURRENT, Place, at

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.futures import FuturesOrders
from freqtrade_liquidation.plan import Urgency
from tests.simulation.virtual import run

SETUPS = {str(setup): setup for setup in setups()}


class Wire:
    """Notes what is asked and sent; *price* ``None`` = that question is never answered."""

    def __init__(self, price: float | None) -> None:
        self.price = price
        self.reads = self.writes = 0
        self.write_timeout_s = 0.0

    async def read(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
        self.reads += 1
        if self.price is None:
            await asyncio.Event().wait()
        return self.price

    async def write(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
        self.writes += 1
        self.write_timeout_s = timeout_s
        return {"id": "1", "status": "open"}


def close(name: str, wire: Wire) -> FuturesOrders:
    lab = Lab(SETUPS[name])
    sender: Any = wire
    venue = FuturesOrders(lab.exchange, sender, (), gate=EntryGate())
    order = ClosingOrder(pair=lab.pair, side=Side.LONG, amount=1.0, client_order_id="x")
    asyncio.run(venue.execute_market_close(order, timeout_s=0.1))
    return venue


def test_order_without_its_price_is_not_sent_and_has_no_unknown_outcome() -> None:
    """On spot an unknown outcome forbids to sell; here nothing was sent."""
    wire = Wire(price=None)
    with pytest.raises(ExchangeUnavailable, match="not sent"):
        close("hyperliquid futures cross", wire)
    assert (wire.reads, wire.writes) == (1, 0)


@pytest.mark.parametrize(
    ("name", "reads"), [("hyperliquid futures cross", 1), ("okx futures isolated", 0)]
)
def test_price_is_asked_for_where_it_is_needed_and_nowhere_else(name: str, reads: int) -> None:
    wire = Wire(price=60000.0)
    venue = close(name, wire)
    assert (wire.reads, wire.writes) == (reads, 1)
    assert len(venue.executions.closes) == 1


class Queue(Wire):
    """The question for the price waits for its turn for half a minute."""

    async def read(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
        place = CURRENT.get()
        assert place is not None
        with place.queued():
            await asyncio.sleep(30.0)
        return await super().read(call, timeout_s=timeout_s)


def test_price_that_waited_for_its_turn_leaves_time_for_the_order() -> None:
    """With none left it was sent all the same, and its answer not waited for."""
    lab, queue = Lab(SETUPS["hyperliquid futures cross"]), Queue(price=60000.0)
    sender: Any = queue
    venue = FuturesOrders(lab.exchange, sender, (), gate=EntryGate())
    order = ClosingOrder(pair=lab.pair, side=Side.LONG, amount=1.0, client_order_id="x")

    async def attempt() -> None:
        async with asyncio.timeout(2.0) as timeout:
            whole = Place(
                urgency=Urgency.CLOSE, exposure=1.0, wait_until=60.0, attempt=timeout,
                attempt_s=lambda: 2.0,
            )  # fmt: skip
            with at(whole):
                await venue.execute_market_close(order, timeout_s=2.0)

    run(attempt())
    assert (queue.reads, queue.writes, queue.write_timeout_s) == (1, 1, 1.0)

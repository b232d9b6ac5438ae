"""A market order that has to carry a price: the price is asked for before anything is sent."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.futures import FuturesOrders
from tests.simulation.virtual import run

SETUPS = {str(setup): setup for setup in setups()}


class Client:
    """Notes what is asked and sent.

    :param price: ``None`` = that question is never answered.
    :param takes_s: how long its answer takes.
    """

    def __init__(self, price: float | None, *, takes_s: float = 0.0) -> None:
        self.price = price
        self.takes_s = takes_s
        self.reads = self.writes = 0
        self.read_timeout_s = self.write_timeout_s = 0.0

    async def read(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
        self.reads, self.read_timeout_s = self.reads + 1, timeout_s
        await asyncio.sleep(min(self.takes_s, timeout_s))
        if self.price is None or self.takes_s > timeout_s:
            raise ExchangeUnavailable("no answer")
        return self.price

    async def write(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
        self.writes, self.write_timeout_s = self.writes + 1, timeout_s
        return {"id": "1", "status": "open"}


def close(name: str, client: Client, *, timeout_s: float = 4.0) -> FuturesOrders:
    lab = Lab(SETUPS[name])
    sender: Any = client
    orders = FuturesOrders(lab.exchange, sender, (), gate=EntryGate())
    order = ClosingOrder(pair=lab.pair, side=Side.LONG, amount=1.0, client_order_id="x")
    run(orders.execute_market_close(order, timeout_s=timeout_s))
    return orders


def test_order_without_its_price_is_not_sent_and_has_no_unknown_outcome() -> None:
    """On spot an unknown outcome forbids to sell; here nothing was sent."""
    client = Client(price=None)
    with pytest.raises(ExchangeUnavailable, match="not sent"):
        close("hyperliquid futures cross", client)
    assert (client.reads, client.writes) == (1, 0)


@pytest.mark.parametrize(
    ("name", "reads"), [("hyperliquid futures cross", 1), ("okx futures isolated", 0)]
)
def test_price_is_asked_for_where_it_is_needed_and_nowhere_else(name: str, reads: int) -> None:
    client = Client(price=60000.0)
    orders = close(name, client)
    assert (client.reads, client.writes) == (reads, 1)
    assert len(orders.executions.closes) == 1


def test_price_takes_half_of_the_time_at_most_and_leaves_the_order_the_rest() -> None:
    """Else the order would leave with no time for its answer."""
    client = Client(price=60000.0, takes_s=1.5)
    close("hyperliquid futures cross", client, timeout_s=4.0)
    assert (client.read_timeout_s, client.write_timeout_s) == (2.0, 2.5)

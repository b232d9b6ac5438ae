"""Nonces are never told twice, whichever copy of the exchange tells them."""

import asyncio
import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.exchange.nonces import are_in_order, make_new, milliseconds
from tests.unit.host.bare_exchange import wire_to
from tests.unit.test_place import asker


def test_milliseconds_grow_in_all_threads_together() -> None:
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: [milliseconds() for _ in range(500)], range(8)))
    every = [value for of_thread in told for value in of_thread]
    assert len(set(every)) == len(every)
    assert all(values == sorted(values) for values in told)


@pytest.mark.parametrize(("name", "teller"), [("hyperliquid", "milliseconds"), ("kraken", "nonce")])
def test_copies_of_an_exchange_share_no_nonce(name: str, teller: str) -> None:
    """ccxt's own counter, if it has one, is in the options, which each copy has of its own."""
    api = getattr(ccxt, name)()
    nonces = []
    for _ in range(50):
        twin = copy.copy(api)
        twin.options = {**api.options}
        make_new(twin)
        nonces.append(getattr(twin, "incrementing_nonce", getattr(twin, teller))())
    assert nonces == sorted(set(nonces))


def test_binance_keeps_its_own_clock() -> None:
    """It compares the time with its own: nothing to be gained, something to be lost."""
    api = ccxt.binance()
    make_new(api)
    assert "milliseconds" not in vars(api)
    assert not are_in_order(api)


class Line:
    """Calls that end when they are told to, and how many were under way at once."""

    def __init__(self) -> None:
        self.gates: list[threading.Event] = []
        self.under_way = self.most = 0

    def call(self) -> Callable[[Any], str]:
        gate = threading.Event()
        self.gates.append(gate)

        def wait(exchange: Any) -> str:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            assert gate.wait(10)
            self.under_way -= 1
            return "answered"

        return wait


def test_slot_of_a_request_that_nobody_waits_for_is_free_when_its_thread_ends() -> None:
    """The nonce of the abandoned request is the smaller one: the next must not overtake it."""
    line = Line()

    async def main() -> None:
        wire = wire_to("kraken")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await wire.read(line.call(), timeout_s=5)
        with pytest.raises(ExchangeUnavailable, match="other requests had to go first"):
            await wire.read(line.call(), timeout_s=0.04)
        waiting = asyncio.ensure_future(wire.read(line.call(), timeout_s=5))
        await asyncio.sleep(0)
        line.gates[0].set()
        line.gates[2].set()
        assert await waiting == "answered"
        wire.close()

    asyncio.run(main())
    assert line.most == 1


def test_waiting_for_the_only_slot_is_no_attempt() -> None:
    """One look is many requests on spot, one after the other: none of them was ever late, and all
    were given up after a second of waiting."""
    line = Line()

    async def main() -> list[str]:
        wire, asks = wire_to("kraken"), asker()
        asking = [
            asyncio.ensure_future(asks.once(partial(wire.read, line.call()))) for _ in range(2)
        ]
        async with asyncio.timeout(10):
            while not asks.queueing:  # noqa: ASYNC110 - a place has no event to wait for
                await asyncio.sleep(0)
        assert [place.attempt.when() is None for place in asks._places] == [False, True]
        for gate in line.gates:
            gate.set()
        answers = await asyncio.gather(*asking)
        wire.close()
        return answers

    assert asyncio.run(main()) == ["answered"] * 2
    assert line.most == 1


def test_other_exchanges_are_asked_side_by_side() -> None:
    together = threading.Barrier(3, timeout=10)

    async def main() -> list[int]:
        wire = wire_to("binance")
        asking = [wire.read(lambda exchange: together.wait(), timeout_s=20) for _ in range(3)]
        try:
            return await asyncio.gather(*asking)
        finally:
            wire.close()

    assert sorted(asyncio.run(main())) == [0, 1, 2]

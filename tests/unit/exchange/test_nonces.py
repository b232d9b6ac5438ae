"""Nonces are never told twice, whichever copy of the exchange tells them."""

import asyncio
import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import ccxt
import pytest

from freqtrade_liquidation.exchange.nonces import are_in_order, make_new, milliseconds
from tests.unit.host.bare_exchange import client_of


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


def test_other_exchanges_are_asked_side_by_side() -> None:
    together = threading.Barrier(3, timeout=10)

    async def main() -> list[int]:
        client = client_of("binance")
        asking = [client.read(lambda exchange: together.wait(), timeout_s=20) for _ in range(3)]
        try:
            return await asyncio.gather(*asking)
        finally:
            client.close()

    assert sorted(asyncio.run(main())) == [0, 1, 2]

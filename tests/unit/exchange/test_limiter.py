"""The limiter on virtual time: never too many arrivals, the urgent first, nobody held up."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import ccxt
import pytest
from freqtrade.exchange import Exchange
from freqtrade.exchange.common import SUPPORTED_EXCHANGES
from hypothesis import given
from hypothesis import strategies as st

from freqtrade_liquidation.exchange.limiter import (
    CANCEL,
    LAG_S,
    ORDER,
    READ,
    REQUEST,
    WRITE,
    Limiter,
    Window,
    _kinds_of,
)
from freqtrade_liquidation.exchange.limits import PUBLISHED, limits_of, published
from freqtrade_liquidation.plan import Urgency
from freqtrade_liquidation.request_priority import Priority
from tests.simulation.virtual import run

RATE = 5
ways = st.floats(min_value=0.0, max_value=LAG_S / 5)
"""With a handshake a request is five of them under way until it arrives."""


def per_second(limit: int = RATE) -> Limiter:
    return Limiter([Window(span_s=1.0, limit=limit)])


@given(st.lists(st.tuples(ways, ways, st.booleans()), max_size=4 * RATE))
def test_no_second_holds_more_arrivals_than_the_limit(
    journeys: list[tuple[float, float, bool]],
) -> None:
    """However long each request and each answer takes on its way; where no connection is free, two
    more go there and back before it."""
    arrivals: list[float] = []
    free = 0

    async def send(limiter: Limiter, there_s: float, back_s: float) -> None:
        nonlocal free
        with limiter.counted(await limiter.turn((REQUEST,), (0, 0.0))):
            if not free:
                await asyncio.sleep(2 * (there_s + back_s))
            free -= bool(free)
            await asyncio.sleep(there_s)
            arrivals.append(asyncio.get_running_loop().time())
            await asyncio.sleep(back_s)
        free += 1

    async def main() -> None:
        limiter, sent = per_second(), []
        for there_s, back_s, waits in journeys:
            sent.append(asyncio.ensure_future(send(limiter, there_s, back_s)))
            if waits:  # else side by side with the next
                await sent[-1]
        await asyncio.gather(*sent)

    run(main())
    arrivals.sort()
    assert len(arrivals) == len(journeys)
    for earlier, later in zip(arrivals, arrivals[RATE:], strict=False):
        assert later - earlier >= 1.0 - 1e-9


ranks = st.tuples(st.sampled_from([int(u) for u in Urgency]), st.floats(-1e6, 0.0))


@given(st.lists(ranks, max_size=20))
def test_who_waits_goes_by_urgency_and_exposure(queue: list[tuple[int, float]]) -> None:
    went: list[tuple[int, float]] = []

    async def send(limiter: Limiter, rank: tuple[int, float]) -> None:
        with limiter.counted(await limiter.turn((REQUEST,), rank)):
            went.append(rank)

    async def main() -> None:
        limiter = per_second(1)
        await send(limiter, (0, 0.0))  # the limit is used up: all others wait
        went.clear()
        await asyncio.gather(*(send(limiter, rank) for rank in queue))

    run(main())
    assert went == sorted(queue)


def test_request_that_hangs_holds_up_nobody() -> None:
    async def main() -> float:
        limiter = per_second(1)
        await limiter.turn((REQUEST,), (0, 0.0))  # never answered
        await limiter.turn((REQUEST,), (0, 0.0))
        return asyncio.get_running_loop().time()

    async def timed() -> float:
        began = asyncio.get_running_loop().time()
        return await main() - began

    assert run(timed()) == pytest.approx(1.0 + LAG_S)


def test_answer_brings_forward_the_turn_of_who_waits_already() -> None:
    """It waited as if no answer came: for `LAG_S` more in each second."""

    async def send(limiter: Limiter) -> float:
        with limiter.counted(await limiter.turn((REQUEST,), (0, 0.0))):
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(0.1)
        return began

    async def main() -> list[float]:
        limiter = per_second(1)
        return await asyncio.gather(*(send(limiter) for _ in range(3)))

    first, *later = run(main())
    assert [began - first for began in later] == pytest.approx([1.1, 2.2])


def test_who_gave_up_waiting_is_passed_over() -> None:
    async def main() -> float:
        limiter = per_second(1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        with limiter.counted(await limiter.turn((REQUEST,), (0, 0.0))):
            pass
        impatient = asyncio.ensure_future(limiter.turn((REQUEST,), (0, 0.0)))
        patient = asyncio.ensure_future(limiter.turn((REQUEST,), (1, 0.0)))
        await asyncio.sleep(0.1)
        impatient.cancel()
        await patient
        return loop.time() - began

    assert run(main()) == pytest.approx(1.0)


def test_limit_of_orders_lets_questions_pass() -> None:
    async def main() -> float:
        limiter = Limiter([Window(span_s=10.0, limit=1, kind=ORDER)])
        began = asyncio.get_running_loop().time()
        for _ in range(3):
            await limiter.turn((REQUEST,), (0, 0.0))
        await limiter.turn((REQUEST, ORDER), (0, 0.0))
        return asyncio.get_running_loop().time() - began

    assert run(main()) == pytest.approx(0.0)


def wrapper(name: str, mode: str = "futures", **ccxt_config: Any) -> Exchange:
    config = {"exchange": {"ccxt_config": ccxt_config}, "trading_mode": mode}
    return cast(Exchange, SimpleNamespace(_config=config, _api=SimpleNamespace(id=name)))


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        (wrapper("okx", rateLimit=50), [(1.0, 20, REQUEST)]),
        (wrapper("okx", rateLimit=3000), [(3.0, 1, REQUEST)]),
        (wrapper("okx", rateLimit=50, enableRateLimit=False), []),
        (wrapper("okx"), []),
        (wrapper("binance"), [(10.0, 300, ORDER), (60.0, 1200, ORDER)]),
        (wrapper("binance", "spot"), [(10.0, 100, ORDER)]),
        # The user's own limit holds beside the published ones.
        (
            wrapper("binance", rateLimit=20),
            [(1.0, 50, REQUEST), (10.0, 300, ORDER), (60.0, 1200, ORDER)],
        ),
        (wrapper("bybit"), [(1.0, 10, ORDER), (1.0, 10, CANCEL), (1.0, 50, READ)]),
        (wrapper("bybit", "spot"), [(1.0, 20, ORDER), (1.0, 20, CANCEL), (1.0, 50, READ)]),
        (wrapper("htx"), [(3.0, 72, WRITE), (3.0, 72, READ)]),
        (wrapper("elsewhere"), []),
    ],
)
def test_published_limits_hold_and_the_users_own_beside_them(
    exchange: Exchange, expected: list[tuple[float, int, str]]
) -> None:
    assert [(w.span_s, w.limit, w.kind) for w in limits_of(exchange)] == expected


@pytest.mark.parametrize("name", SUPPORTED_EXCHANGES)
def test_each_supported_exchange_has_its_limits_with_their_source(name: str) -> None:
    """Also those that ccxt derives from another one."""
    found = published(getattr(ccxt, name)())
    assert found in PUBLISHED.values()
    assert found.source


@pytest.mark.parametrize(
    ("write", "urgency", "kinds"),
    [
        (False, Urgency.LOOK, {REQUEST, READ}),
        (False, Urgency.CLOSE, {REQUEST, READ}),
        (True, Urgency.CLOSE, {REQUEST, WRITE, ORDER}),
        (True, Urgency.PUT_BACK, {REQUEST, WRITE, ORDER}),
        (True, Urgency.CANCEL_ENTRY, {REQUEST, WRITE, CANCEL}),
        (True, Urgency.TIDY_UP, {REQUEST, WRITE, CANCEL}),
    ],
)
def test_request_counts_as_what_it_is(write: bool, urgency: Urgency, kinds: set[str]) -> None:
    """A close that is read back uses up no order of the limit."""
    priority = Priority(urgency=urgency, exposure=1.0, wait_until=0.0)
    assert _kinds_of(priority, write=write) == kinds

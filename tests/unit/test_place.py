"""A verb that waits for its turn: its attempt begins when it is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import ExchangeRefused, OutcomeUnknown
from freqtrade_liquidation.exchange.single_flight import SharedFlight
from freqtrade_liquidation.model import OpenOrder, OrderRole
from freqtrade_liquidation.place import CURRENT, Place, within
from freqtrade_liquidation.plan import Urgency, urgency_of_cancel
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.run.asking import LOOK_NEEDS_S, Asker, now
from freqtrade_liquidation.trail import Trail
from tests.simulation.virtual import run

BACKOFF = Backoff(base_s=0.5, max_retries=3, random=Random(1))
LONG_S = 10.0
"""Longer than any attempt (2 s)."""


def asker(seconds: float = 60.0) -> Asker:
    trail = Trail(MemoryAuditLog(), correlation_id="liq_1", trigger="cli")
    deadline = Deadline.after(seconds)
    return Asker(deadline, BACKOFF, trail, reserved_s=lambda: 0.0)


def place() -> Place:
    found = CURRENT.get()
    assert found is not None
    return found


async def waits_long(*, timeout_s: float) -> str:
    with place().queued():
        await asyncio.sleep(LONG_S)
    return "sent"


async def waits_long_and_hangs(*, timeout_s: float) -> str:
    await waits_long(timeout_s=timeout_s)
    await asyncio.sleep(LONG_S)
    return "answered"


def test_waiting_for_a_turn_is_no_attempt() -> None:
    async def main() -> str:
        return await asker().once(waits_long, urgency=Urgency.CLOSE)

    assert run(main()) == "sent"


def test_the_attempt_is_bounded_once_it_is_sent() -> None:
    async def main() -> float:
        began = now()
        with pytest.raises(OutcomeUnknown):
            await asker().once(waits_long_and_hangs, urgency=Urgency.CLOSE)
        return now() - began

    assert run(main()) == pytest.approx(LONG_S + 2.0)


def test_two_requests_of_a_verb_wait_side_by_side() -> None:
    """The time of the attempt begins when the last one is sent."""

    async def both(*, timeout_s: float) -> list[str]:
        async def short() -> str:
            with place().queued():
                await asyncio.sleep(1.0)
            return "sent"

        return list(await asyncio.gather(short(), waits_long(timeout_s=timeout_s)))

    async def main() -> list[str]:
        return await asker().once(both)

    assert run(main()) == ["sent", "sent"]


@pytest.mark.parametrize(
    ("urgency", "spared_s"),
    [(Urgency.PUT_BACK, 0.0), (Urgency.LOOK, 0.0), (Urgency.CLOSE, LOOK_NEEDS_S)],
)
def test_acts_stop_waiting_while_there_is_time_for_a_last_look(
    urgency: Urgency, spared_s: float
) -> None:
    async def when(*, timeout_s: float) -> float:
        return place().wait_until - now()

    async def main() -> float:
        return await asker(5.0).once(when, urgency=urgency)

    assert run(main()) == pytest.approx(5.0 - spared_s)


@pytest.mark.parametrize(
    ("role", "blocks_close", "urgency"),
    [
        (OrderRole.ENTRY, False, Urgency.CANCEL_ENTRY),
        (OrderRole.EXIT, False, Urgency.TIDY_UP),
        (OrderRole.PROTECTIVE, False, Urgency.TIDY_UP),
        (OrderRole.PROTECTIVE, True, Urgency.CLOSE),
    ],
)
def test_entries_are_cancelled_before_harmless_leftovers(
    role: OrderRole, blocks_close: bool, urgency: Urgency
) -> None:
    order = OpenOrder(
        pair="BTC/USDT", order_id="1", role=role, side="sell", amount=1, blocks_close=blocks_close
    )
    assert urgency_of_cancel(order) is urgency
    assert Urgency.CLOSE < Urgency.CANCEL_ENTRY < Urgency.TIDY_UP < Urgency.BOOK


def test_question_that_two_verbs_share_outlives_the_one_that_asked_it() -> None:
    """On spot positions and orders share their reads; one of them may fail by something else."""

    async def wait_for_a_turn(timeout_s: float) -> None:
        await asyncio.sleep(0.2)
        await waits_long(timeout_s=timeout_s)

    async def main() -> list[object]:
        flight, asks = SharedFlight(wait_for_a_turn), asker()

        async def refused(*, timeout_s: float) -> None:
            async def refuse() -> None:
                await asyncio.sleep(0.1)
                raise ExchangeRefused("no")

            await asyncio.gather(flight.join(timeout_s), refuse())

        async def orders(*, timeout_s: float) -> str:
            await asyncio.sleep(0.05)
            await flight.join(timeout_s)
            return "read"

        verbs = (asks.once(refused), asks.once(orders))
        return list(await asyncio.gather(*verbs, return_exceptions=True))

    failed, read = run(main())
    assert isinstance(failed, ExchangeRefused)
    assert read == "read"


@pytest.mark.parametrize("joins_after_s", [0.05, 1.0], ids=["before it waits", "while it waits"])
@pytest.mark.parametrize("then_hangs", [False, True])
def test_waiting_for_the_turn_of_a_shared_question_is_no_attempt(
    joins_after_s: float, then_hangs: bool
) -> None:
    """Its second asker's either: on spot the list of orders was given up while it still waited in
    the line, and without it nothing is sold."""

    async def ask(timeout_s: float) -> None:
        await asyncio.sleep(0.2)
        verb = waits_long_and_hangs if then_hangs else waits_long
        await verb(timeout_s=timeout_s)

    async def main() -> tuple[list[object], float]:
        flight, asks = SharedFlight(ask), asker()

        async def positions(*, timeout_s: float) -> str:
            await flight.join(timeout_s)
            return "positions"

        async def orders(*, timeout_s: float) -> str:
            await asyncio.sleep(joins_after_s)
            await flight.join(timeout_s)
            return "orders"

        verbs = (asks.once(positions), asks.once(orders))
        began = now()
        return list(await asyncio.gather(*verbs, return_exceptions=True)), now() - began

    answers, took_s = run(main())
    if then_hangs:
        assert [type(answer) for answer in answers] == [OutcomeUnknown, OutcomeUnknown]
        assert took_s == pytest.approx(0.2 + LONG_S + 2.0), "bounded once it is sent"
    else:
        assert answers == ["positions", "orders"]


@pytest.mark.parametrize(
    ("verb", "end", "then_s"),
    [(waits_long, "priced", 0.0), (waits_long_and_hangs, "no price", 1.0)],
)
def test_part_of_a_verb_waits_in_nobodys_time(
    verb: Callable[..., Awaitable[str]], end: str, then_s: float
) -> None:
    """The price that some orders need: it may take half of the attempt, once it is asked for."""

    async def close(*, timeout_s: float) -> str:
        try:
            async with within(timeout_s / 2):
                await verb(timeout_s=timeout_s)
        except TimeoutError:
            return "no price"
        return "priced"

    async def main() -> tuple[str, float]:
        asks, began = asker(), now()
        return await asks.once(close, urgency=Urgency.CLOSE), now() - began

    ended, took_s = run(main())
    assert ended == end
    assert took_s == pytest.approx(LONG_S + then_s)

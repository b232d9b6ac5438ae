"""Which request goes first where the exchange takes only so many, and how long a verb may take."""

import asyncio

import pytest

from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import ExchangeRefused, ExchangeUnavailable, OutcomeUnknown
from freqtrade_liquidation.exchange.single_flight import SharedFlight
from freqtrade_liquidation.model import OpenOrder, OrderRole
from freqtrade_liquidation.plan import Urgency, urgency_of_cancel
from freqtrade_liquidation.request_priority import CURRENT, Priority
from freqtrade_liquidation.run.request_runner import LOOK_NEEDS_S, RequestRunner, now
from freqtrade_liquidation.trail import Trail
from tests.simulation.virtual import run


def runner(seconds: float = 60.0, *, reserved_s: float = 0.0) -> RequestRunner:
    trail = Trail(MemoryAuditLog(), correlation_id="liq_1", trigger="cli")
    return RequestRunner(Deadline.after(seconds), trail, reserved_s=lambda: reserved_s)


def priority() -> Priority:
    found = CURRENT.get()
    assert found is not None
    return found


async def hangs(*, timeout_s: float) -> str:
    await asyncio.Event().wait()
    return "never"


def test_verb_has_all_the_time_that_is_left_of_the_run() -> None:
    """Nobody hangs up before the deadline: an answer after nearly a minute counts."""

    async def slow(*, timeout_s: float) -> float:
        await asyncio.sleep(59.0)
        return timeout_s

    async def main() -> float:
        asks = runner(60.0)
        return await asks.once(slow, asks.priority("close", Urgency.CLOSE))

    assert run(main()) == pytest.approx(60.0)


def test_verb_that_is_not_answered_ends_where_the_reserve_begins_and_may_have_acted() -> None:
    async def main() -> float:
        asks, began = runner(5.0, reserved_s=0.5), now()
        with pytest.raises(OutcomeUnknown):
            await asks.once(hangs, asks.priority("close", Urgency.CLOSE))
        return now() - began

    assert run(main()) == pytest.approx(4.5)


def test_verb_without_time_is_not_sent() -> None:
    async def main() -> None:
        asks = runner(0.5, reserved_s=0.5)
        with pytest.raises(ExchangeUnavailable, match="not sent"):
            await asks.once(hangs, asks.priority("close", Urgency.CLOSE))

    run(main())


def test_defect_in_a_verb_is_an_unknown_outcome() -> None:
    async def broken(*, timeout_s: float) -> str:
        raise KeyError("id")

    async def main() -> None:
        asks = runner()
        with pytest.raises(OutcomeUnknown, match="KeyError"):
            await asks.once(broken, asks.priority("close", Urgency.CLOSE))

    run(main())


@pytest.mark.parametrize(
    ("urgency", "spared_s"),
    [(Urgency.PUT_BACK, 0.0), (Urgency.LOOK, 0.0), (Urgency.CLOSE, LOOK_NEEDS_S)],
)
def test_acts_stop_waiting_while_there_is_time_for_a_last_look(
    urgency: Urgency, spared_s: float
) -> None:
    async def when(*, timeout_s: float) -> float:
        return priority().wait_until - now()

    async def main() -> float:
        asks = runner(5.0)
        return await asks.once(when, asks.priority("close", urgency))

    assert run(main()) == pytest.approx(5.0 - spared_s)


def test_larger_exposure_goes_first_among_equally_urgent_ones() -> None:
    def rank(urgency: Urgency, exposure: float) -> tuple[int, float]:
        return Priority(urgency=urgency, exposure=exposure, wait_until=0.0).rank

    ranks = [rank(Urgency.CLOSE, 2.0), rank(Urgency.CLOSE, 1.0), rank(Urgency.CANCEL_ENTRY, 9.0)]
    assert ranks == sorted(ranks)


def test_priority_knows_whether_its_requests_wait_and_when_the_last_one_left() -> None:
    async def main() -> tuple[list[int], float]:
        asks = runner()
        mine, began, waiting = asks.priority("close", Urgency.CLOSE), now(), []
        with mine.queued():
            with mine.queued():
                waiting.append(mine.waiting)
                await asyncio.sleep(1.0)
            waiting.append(mine.waiting)
            await asyncio.sleep(2.0)
        return [*waiting, mine.waiting], mine.queued_until - began

    waited, left_after_s = run(main())
    assert waited == [2, 1, 0]
    assert left_after_s == pytest.approx(3.0)


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

    async def ask(timeout_s: float) -> None:
        await asyncio.sleep(10.0)

    async def main() -> list[object]:
        flight, asks = SharedFlight(ask), runner()

        async def refused(*, timeout_s: float) -> None:
            async def refuse() -> None:
                await asyncio.sleep(0.1)
                raise ExchangeRefused("no")

            await asyncio.gather(flight.join(timeout_s), refuse())

        async def orders(*, timeout_s: float) -> str:
            await asyncio.sleep(0.005)
            await flight.join(timeout_s)
            return "read"

        verbs = (asks.once(verb, asks.priority("look", Urgency.LOOK)) for verb in (refused, orders))
        return list(await asyncio.gather(*verbs, return_exceptions=True))

    failed, read = run(main())
    assert isinstance(failed, ExchangeRefused)
    assert read == "read"

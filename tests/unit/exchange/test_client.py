"""Questions and changes over a line whose answers are scripted, on virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from freqtrade_liquidation.errors import (
    AccountRefused,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    NotSent,
    OutcomeUnknown,
)
from freqtrade_liquidation.exchange.client import (
    BESIDE,
    IN_ORDER_S,
    LONGEST_PAUSE_S,
    STALLS_AFTER_S,
    UNKNOWN_S,
    ExchangeClient,
)
from freqtrade_liquidation.plan import Urgency
from freqtrade_liquidation.request_priority import Priority, at
from tests.simulation.virtual import run
from tests.unit.host.bare_exchange import client_of

HANGS: Final = (None, "never")
TRIP_S: Final = 0.1
"""The median round trip, where one is known: an answer is late after twice as long."""


class Script:
    """A line: each attempt gets the next answer.

    :param answers: seconds until it comes (``None`` = never), and what it says or raises; the last
        one stands for all that follow.
    :param ready_s: how long the line is busy with something that every request needs.
    :ivar sent_at: seconds from the first question to each attempt.
    :ivar under_way: attempts that nobody has answered or called off.
    """

    clock_offset_s = 0.0

    def __init__(self, *answers: tuple[float | None, Any], ready_s: float = 0.0) -> None:
        self._answers = list(answers)
        self._ready_s = ready_s
        self._began: float | None = None
        self.sent_at: list[float] = []
        self.writes: list[bool] = []
        self.timeouts_s: list[float] = []
        self.under_way = self.most = 0

    def begin(self) -> None:
        """From now on the seconds count."""
        self._began = asyncio.get_running_loop().time()

    async def ready(self, *, timeout_s: float) -> None:
        await asyncio.sleep(min(self._ready_s, timeout_s))

    async def send(self, call: Callable[[Any], Any], *, timeout_s: float, write: bool) -> Any:
        assert self._began is not None
        self.sent_at.append(asyncio.get_running_loop().time() - self._began)
        self.writes.append(write)
        self.timeouts_s.append(timeout_s)
        after_s, answer = self._answers[min(len(self.sent_at), len(self._answers)) - 1]
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if after_s is None:
                await asyncio.Event().wait()
            else:
                await asyncio.sleep(after_s)
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.under_way -= 1

    def close(self) -> None:
        """Nothing is open."""


def nothing(exchange: Any) -> Any:
    """What is called does not matter: the script answers."""


Ask = Callable[[ExchangeClient], Any]


def after(seconds: float) -> Any:
    """About so many seconds; typed so that it may stand in a tuple."""
    return pytest.approx(seconds)


def asked(
    line: Script,
    ask: Ask,
    *,
    name: str = "binance",
    trip_s: float | None = TRIP_S,
    priority: Priority | None = None,
) -> tuple[Any, float]:
    """What *ask* gets or raises, and after how many seconds; then nothing is left running."""

    async def main() -> tuple[Any, float]:
        client, loop = client_of(name, line), asyncio.get_running_loop()
        if trip_s is not None:
            client.round_trips.add(trip_s, at=loop.time())
        line.begin()
        began = loop.time()
        try:
            if priority is None:
                answer = await ask(client)
            else:
                priority.wait_until += began
                with at(priority):
                    answer = await ask(client)
        except LiquidationError as error:
            answer = error
        took_s = loop.time() - began
        await asyncio.sleep(0)
        assert line.under_way == 0, "nobody waits for these any more"
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others
        return answer, took_s

    return run(main())


def read(timeout_s: float = 5.0) -> Ask:
    return lambda client: client.read(nothing, timeout_s=timeout_s)


def write(timeout_s: float = 5.0) -> Ask:
    return lambda client: client.write(nothing, timeout_s=timeout_s)


# -- questions ------------------------------------------------------------------------------------


def test_question_that_is_late_is_asked_again_beside_itself_and_no_more_than_twice() -> None:
    line = Script(HANGS)
    answer, took_s = asked(line, read())
    assert line.sent_at[:3] == pytest.approx([0.0, 2 * TRIP_S, 4 * TRIP_S])
    assert line.most == BESIDE == 3
    assert isinstance(answer, ExchangeUnavailable)
    assert took_s == pytest.approx(5.0), "nobody hangs up before the caller's time is over"
    assert line.writes == [False] * len(line.writes)


@pytest.mark.parametrize(
    ("urgency", "sent_at"),
    [(Urgency.LOOK, [0.0, 0.1, 0.1]), (Urgency.BOOK, [0.0, 0.2]), (None, [0.0, 0.2])],
)
def test_list_is_asked_again_while_its_answer_would_still_be_in_time(
    urgency: Urgency | None, sent_at: list[float]
) -> None:
    """A book was told as not proven: of 40 answers that took 1 to 3 s the slowest came 2 s before
    the end, and the only list that followed took longer than that."""
    line = Script(HANGS)
    priority = None
    if urgency is not None:
        priority = Priority(urgency=urgency, exposure=0.0, wait_until=0.25)
    asked(line, read(timeout_s=0.25), priority=priority)
    assert line.sent_at == pytest.approx(sent_at)


@pytest.mark.parametrize(("answer_s", "took_s"), [(0.1, 1.9), (1.4, 3.2)])
def test_question_whose_attempts_all_hang_is_not_dead(answer_s: float, took_s: float) -> None:
    """Three connections that a balancer forgot: the third place is given to a new attempt, each
    time with more patience, so that an exchange that is slow now is heard, too."""
    line = Script(HANGS, HANGS, HANGS, (answer_s, "answer"))
    answer, took = asked(line, read())
    assert (answer, line.most) == ("answer", BESIDE)
    assert took <= took_s


def test_exchange_that_has_become_slow_is_not_hung_up_on() -> None:
    """The first two attempts stay: each answer takes longer than the patience with the third."""
    line = Script((4.9, "first"), HANGS)
    assert asked(line, read()) == ("first", after(4.9))
    assert line.timeouts_s[:2] == pytest.approx([5.0, 5.0 - 2 * TRIP_S])
    assert line.most == BESIDE


def test_third_attempt_is_given_up_after_growing_times() -> None:
    line = Script(HANGS)
    asked(line, read(20.0))
    assert line.timeouts_s[2:5] == pytest.approx([1.0, 2.0, 4.0])
    slow = Script(HANGS)
    asked(slow, read(20.0), trip_s=0.5)
    assert slow.timeouts_s[2] == pytest.approx(2.0), "four round trips"


@pytest.mark.parametrize(
    ("answers", "answer", "took_s"),
    [
        ([HANGS, (0.05, "second")], "second", 0.25),
        ([(0.3, "first"), (2.0, "second")], "first", 0.3),
        ([(4.9, "first"), HANGS, HANGS], "first", 4.9),
        ([HANGS, HANGS, (0.1, "third")], "third", 0.5),
    ],
    ids=["the second", "the first, though late", "very late", "the third"],
)
def test_first_good_answer_counts_whichever_attempt_it_is_for(
    answers: list[tuple[float | None, Any]], answer: str, took_s: float
) -> None:
    assert asked(Script(*answers), read()) == (answer, after(took_s))


def test_each_attempt_may_take_all_the_time_that_is_left() -> None:
    line = Script(HANGS)
    asked(line, read(1.2))
    assert line.timeouts_s == pytest.approx([1.2, 1.0, 0.8])


def test_exchange_that_swallows_the_first_requests_is_asked_again() -> None:
    """No other request was sent for the rest of the run: nobody knew what was late."""
    line = Script(HANGS, (0.1, "answer"))
    assert asked(line, read(), trip_s=None) == ("answer", after(STALLS_AFTER_S + 0.1))


def test_first_answer_that_is_slow_counts_too() -> None:
    line = Script((3.0, "first"), HANGS)
    assert asked(line, read(), trip_s=None) == ("first", after(3.0))
    assert line.sent_at == pytest.approx([0.0, STALLS_AFTER_S, 2 * STALLS_AFTER_S])


def test_round_trip_that_another_request_shows_meanwhile_counts() -> None:
    line = Script(HANGS, (0.1, "answer"))

    async def ask(client: ExchangeClient) -> Any:
        asking = asyncio.ensure_future(client.read(nothing, timeout_s=5.0))
        await asyncio.sleep(0.15)
        client.round_trips.add(TRIP_S, at=asyncio.get_running_loop().time())
        return await asking

    answer, took_s = asked(line, ask, trip_s=None)
    assert answer == "answer"
    assert took_s <= UNKNOWN_S + 0.1 + 1e-6


def test_question_that_fails_is_asked_again_after_growing_pauses_until_it_is_answered() -> None:
    failures = [ExchangeUnavailable("503"), OutcomeUnknown("dropped")] * 4
    line = Script(*((0.0, error) for error in failures), (0.0, "answer"))
    heard: list[LiquidationError] = []
    priority = Priority(urgency=Urgency.LOOK, exposure=0.0, wait_until=60.0, failed=heard.append)
    answer, _ = asked(line, read(60.0), priority=priority)
    assert answer == "answer"
    pauses = [
        later - earlier for earlier, later in zip(line.sent_at, line.sent_at[1:], strict=False)
    ]
    for pause_s, base_s in zip(pauses, [0.2, 0.4, 0.8, *[LONGEST_PAUSE_S] * 5], strict=True):
        assert base_s / 2 - 1e-6 <= pause_s <= base_s + 1e-6
    assert [str(error) for error in heard] == [str(error) for error in failures]


@pytest.mark.parametrize("seconds", [0.5, 5.0, 60.0])
def test_question_that_fails_for_ever_is_asked_until_the_time_is_over(seconds: float) -> None:
    line = Script((0.01, ExchangeUnavailable("503")))
    answer, took_s = asked(line, read(seconds))
    assert str(answer) == "503"
    assert took_s == pytest.approx(seconds)
    assert line.sent_at[-1] > seconds - 1.1 * LONGEST_PAUSE_S, "no count ends it"


def test_question_waits_as_long_as_the_exchange_asks() -> None:
    line = Script((0.1, ExchangeUnavailable("429", retry_after_s=3.0)), (0.1, "answer"))
    assert asked(line, read()) == ("answer", after(3.2))
    assert line.sent_at == pytest.approx([0.0, 3.1])


def test_answer_says_how_long_the_exchange_wants_to_be_left_alone() -> None:
    answer, _ = asked(Script((0.1, ExchangeUnavailable("418", retry_after_s=300.0))), read())
    assert answer.retry_after_s == 300.0


def test_attempt_that_failed_does_not_take_the_one_in_flight_with_it() -> None:
    line = Script((1.0, "first"), (0.05, ExchangeUnavailable("503")), HANGS)
    assert asked(line, read()) == ("first", after(1.0))


@pytest.mark.parametrize("kind", [ExchangeRefused, AccountRefused])
def test_refusal_is_the_answer_at_once(kind: type[ExchangeRefused]) -> None:
    """Also from the second attempt, while the first hangs."""
    for answers, took_s in (([(0.1, kind("no"))], 0.1), ([HANGS, (0.1, kind("no"))], 0.3)):
        line = Script(*answers)
        answer, found_s = asked(line, read())
        assert type(answer) is kind
        assert found_s == pytest.approx(took_s)
        assert len(line.sent_at) == len(answers)


def test_question_that_its_caller_drops_leaves_nothing_running() -> None:
    line = Script(HANGS)

    async def dropped(client: ExchangeClient) -> str:
        try:
            async with asyncio.timeout(0.3):
                await client.read(nothing, timeout_s=5.0)
        except TimeoutError:
            return "dropped"
        return "answered"

    assert asked(line, dropped) == ("dropped", after(0.3))
    assert len(line.sent_at) == 2


# -- changes --------------------------------------------------------------------------------------


def test_change_is_sent_once_and_its_late_answer_counts() -> None:
    line = Script((4.9, "done"), (0.0, "twice"))
    assert asked(line, write()) == ("done", after(4.9))
    assert (len(line.sent_at), line.writes) == (1, [True])


def test_change_without_an_answer_is_unknown_and_never_sent_again() -> None:
    line = Script(HANGS)
    answer, took_s = asked(line, write())
    assert isinstance(answer, OutcomeUnknown)
    assert took_s == pytest.approx(5.0)
    assert len(line.sent_at) == 1


@pytest.mark.parametrize("error", [ExchangeUnavailable("503"), ExchangeRefused("no")])
def test_change_that_did_not_act_is_its_callers_business(error: LiquidationError) -> None:
    line = Script((0.1, error))
    assert asked(line, write()) == (error, after(0.1))
    assert len(line.sent_at) == 1


# -- what comes before an attempt -----------------------------------------------------------------


def test_round_trip_begins_when_the_request_is_sent() -> None:
    """A clock that is being set, or a queue, tells nothing of how long the exchange takes."""
    line = Script((0.3, "answer"), ready_s=1.0)
    seen: list[float | None] = []

    async def ask(client: ExchangeClient) -> Any:
        answer = await client.read(nothing, timeout_s=5.0)
        seen.append(client.round_trips.longest_s)
        return answer

    assert asked(line, ask, trip_s=None) == ("answer", after(1.3))
    assert seen == [pytest.approx(0.3)]


def test_clock_that_is_not_set_in_time_costs_half_of_the_time_at_most() -> None:
    line = Script((0.1, "done"), ready_s=60.0)
    assert asked(line, write()) == ("done", after(2.6))


# -- one at a time --------------------------------------------------------------------------------


def both(*asks: Ask) -> Ask:
    async def together(client: ExchangeClient) -> list[Any]:
        async def one(ask: Ask) -> Any:
            try:
                return await ask(client)
            except LiquidationError as error:
                return type(error)

        return list(await asyncio.gather(*map(one, asks)))

    return together


@pytest.mark.parametrize("name", ["kraken", "krakenfutures"])
def test_where_nonces_must_grow_the_next_request_leaves_when_this_one_is_answered(
    name: str,
) -> None:
    line = Script((0.3, "answer"))
    answers, _ = asked(line, both(read(), write(), read()), name=name)
    assert answers == ["answer"] * 3
    assert line.sent_at == pytest.approx([0.0, 0.3, 0.6])
    assert line.most == 1


def test_elsewhere_requests_leave_side_by_side() -> None:
    line = Script((0.15, "answer"))
    asked(line, both(*[read()] * 3))
    assert line.sent_at == [0.0, 0.0, 0.0]


def test_where_nonces_must_grow_one_that_hangs_holds_up_the_next_a_bounded_time() -> None:
    """Nor is it asked again beside itself: that would be another nonce in flight."""
    line = Script(HANGS, HANGS, (0.1, "third"))
    answers, _ = asked(line, both(write(9.0), write(9.0), read(9.0)), name="kraken")
    assert answers == [OutcomeUnknown, OutcomeUnknown, "third"]
    assert line.sent_at == pytest.approx([0.0, IN_ORDER_S, 2 * IN_ORDER_S])


def test_request_that_had_no_turn_in_time_is_not_sent_and_has_no_unknown_outcome() -> None:
    """On spot an unknown outcome forbids to sell; here nothing was sent."""
    for second in (read(1.0), write(1.0)):
        line = Script(HANGS)
        answers, _ = asked(line, both(write(1.5), second), name="kraken")
        assert answers == [OutcomeUnknown, NotSent]
        assert line.sent_at == [0.0]


def test_request_in_the_queue_keeps_the_time_for_the_last_look_free() -> None:
    line = Script(HANGS)

    async def ask(client: ExchangeClient) -> tuple[Any, float]:
        first = asyncio.ensure_future(client.write(nothing, timeout_s=1.9))
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ExchangeUnavailable, match="not sent"):
            await client.write(nothing, timeout_s=1.9)
        waited_s = loop.time() - began
        with pytest.raises(OutcomeUnknown):
            await first
        return "not sent", waited_s

    priority = Priority(urgency=Urgency.CLOSE, exposure=1.0, wait_until=1.4)
    (answer, waited_s), _ = asked(line, ask, name="kraken", priority=priority)
    assert (answer, waited_s) == ("not sent", after(1.4))
    assert priority.waiting == 0


def test_request_that_its_caller_dropped_holds_up_the_next_a_bounded_time() -> None:
    line = Script(HANGS, (0.1, "answer"))

    async def ask(client: ExchangeClient) -> Any:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.read(nothing, timeout_s=5.0)
        return await client.read(nothing, timeout_s=5.0)

    answer, took_s = asked(line, ask, name="kraken")
    assert answer == "answer"
    assert took_s <= IN_ORDER_S + 0.1 + 1e-6

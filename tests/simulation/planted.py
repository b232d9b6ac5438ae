"""Known bugs, planted one at a time into the real code: each is caught, or the net has a hole.

A bug replaces one part of the run for as long as it is planted; nothing of it is in the package.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from freqtrade_liquidation import manager as managing
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import NothingToReduce, OutcomeUnknown
from freqtrade_liquidation.model import CancelStatus, OrderRole, Request, Side
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.plan import Book, PairWork, Rules, next_work
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.run import acting, asking, judging, looking
from freqtrade_liquidation.run import attempts as attempting
from freqtrade_liquidation.run import run as running
from freqtrade_liquidation.run.fills import Fills
from freqtrade_liquidation.run.report import Sight
from freqtrade_liquidation.run.stops import Stops
from freqtrade_liquidation.trail import Trail

Plant = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Bug:
    """A mistake that somebody could make.

    :param words: what it does, for the table in docs/simulation.md.
    :param breaks: the invariant that must catch it.
    """

    words: str
    breaks: str
    planted: Plant


PLANTED: Final[dict[str, Bug]] = {}


def _bug(words: str, *, breaks: str) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        name = plant.__name__.lstrip("_")
        PLANTED[name] = Bug(words, breaks, plant)
        return plant

    return register


@contextmanager
def _both(*plants: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for plant in plants:
            stack.enter_context(plant)
        yield


def _swap(owner: object, name: str, part: object) -> AbstractContextManager[Any]:
    return patch.object(owner, name, part)


@_bug(
    "sends a closing order again when its answer does not come",
    breaks="a_look_precedes_every_further_attempt",
)
def resend_on_timeout() -> AbstractContextManager[Any]:
    once = asking.Asker.once

    async def twice(self: asking.Asker, verb: Any, **place: Any) -> Any:
        try:
            return await once(self, verb, **place)
        except OutcomeUnknown:
            if _verb_of(verb) != "execute_market_close":
                raise
            return await once(self, verb, **place)

    return _swap(asking.Asker, "once", twice)


def _verb_of(verb: Any) -> str:
    return str(verb.func.__name__) if isinstance(verb, partial) else ""


@_bug(
    "cancels a futures stop beside its close", breaks="no_position_is_left_without_the_stop_it_had"
)
def cancel_stop_first() -> AbstractContextManager[Any]:
    def work(book: Book, rules: Rules, limits: Any) -> list[PairWork]:
        return [
            replace(piece, cancels=(*piece.cancels, *_stops_of(book, piece.pair, limits)))
            if piece.close and not rules.closes_need_orders
            else piece
            for piece in next_work(book, rules, limits)
        ]

    return _swap(running, "next_work", work)


def _stops_of(book: Book, pair: str, limits: Any) -> list[Any]:
    stops = (o for o in book.orders_of(pair) if o.role is OrderRole.PROTECTIVE)
    return [order for order in stops if limits.may_cancel(order)]


@_bug("takes a pair for closed once an order for it was sent", breaks="completed_is_flat")
def trust_sent_as_filled() -> AbstractContextManager[Any]:
    saw = running.Run._saw

    def without_what_was_sent(self: running.Run, book: Book, *, first: bool) -> None:
        sent = self._attempts._closes
        book = replace(book, positions=tuple(p for p in book.positions if p.pair not in sent))
        self._looker.book = book
        saw(self, book, first=first)

    return _swap(running.Run, "_saw", without_what_was_sent)


@_bug("calls a pair closed by a look older than its last order", breaks="outcomes_are_true")
def verified_by_an_old_look() -> AbstractContextManager[Any]:
    sight = judging.Judge._sight

    def always_verified(self: judging.Judge, pair: str, *, timed_out: bool) -> Sight:
        return replace(sight(self, pair, timed_out=timed_out), verified=True)

    return _swap(judging.Judge, "_sight", always_verified)


@_bug("does not write the last event", breaks="one_final_event")
def drop_the_last_event() -> AbstractContextManager[Any]:
    return _swap(managing.LiquidationManager, "_note_end", lambda self, trail, result: None)


@_bug("does not write what the exchange answered to a close", breaks="every_answer_is_on_record")
def drop_the_answers() -> AbstractContextManager[Any]:
    return _dropping(Event.CLOSE_ANSWERED)


@_bug("does not write that a stop was lost", breaks="a_lost_stop_is_told")
def keep_silent_about_a_lost_stop() -> AbstractContextManager[Any]:
    return _dropping(Event.STOP_LOST)


def _dropping(kind: Event) -> AbstractContextManager[Any]:
    note = Trail.note

    def note_others(self: Trail, event_type: Event, *args: Any, **data: Any) -> None:
        if event_type is not kind:
            note(self, event_type, *args, **data)

    return _swap(Trail, "note", note_others)


@_bug("allows one attempt too many", breaks="attempts_are_bounded")
def one_attempt_too_many() -> AbstractContextManager[Any]:
    return _swap(Backoff, "allows", lambda self, made: made <= self.max_retries + 1)


@_bug("allows one attempt too few", breaks="time_that_is_left_is_used")
def one_attempt_too_few() -> AbstractContextManager[Any]:
    return _swap(Backoff, "allows", lambda self, made: made <= max(0, self.max_retries - 1))


@_bug("starts the deadline anew with each question", breaks="the_deadline_holds")
def deadline_restarted() -> AbstractContextManager[Any]:
    ask = asking.Asker.until_answered
    whole: dict[int, float] = {}

    async def with_a_new_deadline(self: asking.Asker, what: str, verb: Any) -> Any:
        seconds = whole.setdefault(id(self), self.deadline.left_s)
        self.deadline = Deadline.after(seconds)
        return await ask(self, what, verb)

    return _swap(asking.Asker, "until_answered", with_a_new_deadline)


@_bug(
    "asks again before the exchange allows it", breaks="the_exchange_is_not_asked_before_it_wants"
)
def retry_after_ignored() -> AbstractContextManager[Any]:
    return _swap(asking, "_asked_s", lambda error: 0.0)


@_bug(
    "lets whoever asks for more join a run for fewer pairs",
    breaks="an_operator_gets_what_he_asks_for",
)
def join_the_narrower_run() -> AbstractContextManager[Any]:
    return _swap(Request, "covers", lambda self, other: True)


@_bug(
    "lets an operator join a run that leaves positions on purpose",
    breaks="an_operator_gets_what_he_asks_for",
)
def join_the_lenient_run() -> AbstractContextManager[Any]:
    return _swap(managing, "_as_thorough", lambda running, other, config: True)


@_bug("says that it has widened a run and goes on as before", breaks="completed_is_flat")
def widen_in_name_only() -> AbstractContextManager[Any]:
    return _swap(running.Run, "widen", lambda self, *, needs_s: True)


@_bug("touches pairs that it was not asked for", breaks="what_is_out_of_scope_is_not_touched")
def scope_ignored() -> AbstractContextManager[Any]:
    return _swap(running, "in_scope", lambda book, pairs: book)


@_bug("closes though `close_positions` is false", breaks="what_is_to_stay_stays")
def configuration_ignored() -> AbstractContextManager[Any]:
    def all_of_it(request: Request, config: Any, *, closes_need_orders: bool) -> Rules:
        return Rules(closes_need_orders=closes_need_orders)

    return _swap(managing, "rules_for", all_of_it)


@_bug("sends closes without reduce-only", breaks="closes_are_reduce_only")
def not_reduce_only() -> AbstractContextManager[Any]:
    return _swap(requests, "TradingMode", SimpleNamespace(FUTURES="no market"))


@_bug("keeps no time to put stops back", breaks="no_position_is_left_without_the_stop_it_had")
def no_time_to_put_back() -> AbstractContextManager[Any]:
    return _swap(running.Run, "_reserved_s", lambda self: 0.0)


@_bug(
    "clears the stops of positions that are open",
    breaks="no_position_is_left_without_the_stop_it_had",
)
def stops_cleared_too_early() -> AbstractContextManager[Any]:
    def all_stops(book: Book) -> dict[str, Any]:
        orders = [o for o in book.orders or () if o.role is not OrderRole.ENTRY]
        return {o.pair: tuple(x for x in orders if x.pair == o.pair) for o in orders}

    return _swap(running, "leftovers", all_stops)


@_bug(
    "puts a stop back for all that it covered, though a part is sold",
    breaks="stops_cover_no_more_than_is_left",
)
def whole_stop_put_back() -> AbstractContextManager[Any]:
    def whole(self: Stops, pair: str, amount: float) -> list[Any]:
        return [(stop, stop.amount) for stop in self._removed[pair]]

    return _swap(Stops, "_shares", whole)


@_bug(
    "puts a stop back for what an order has sold since the last look",
    breaks="stops_cover_no_more_than_is_left",
)
def stop_for_what_is_sold() -> AbstractContextManager[Any]:
    return _swap(Fills, "left_of", lambda self, position: position)


@_bug("calls a position protected that is not", breaks="protection_is_true")
def protected_by_hope() -> AbstractContextManager[Any]:
    return _swap(judging.Judge, "_is_protected", lambda self, pair: True)


@_bug("sends the order for the wrong side", breaks="adds_no_exposure")
def wrong_side() -> AbstractContextManager[Any]:
    order_for = acting._closing_order

    def other_side(position: Any, amount: float, name: str) -> Any:
        other = Side.SHORT if position.side is Side.LONG else Side.LONG
        return replace(order_for(position, amount, name), side=other)

    return _swap(acting, "_closing_order", other_side)


@_bug(
    "sells spot coins again whose sell has no known outcome",
    breaks="the_users_own_stays",
)
def uncertain_sold_again() -> AbstractContextManager[Any]:
    def work(book: Book, rules: Rules, limits: Any) -> list[PairWork]:
        certain = tuple(replace(position, uncertain=False) for position in book.positions)
        return next_work(replace(book, positions=certain), rules, limits)

    return _swap(running, "next_work", work)


@_bug(
    "calls a book flat though an entry may have filled between two answers",
    breaks="completed_is_flat",
)
def flat_without_proof() -> AbstractContextManager[Any]:
    look = looking.Looker.look

    async def taken_for_proven(self: looking.Looker) -> Book:
        self._resting, self.unsettled = set(), frozenset()
        return await look(self)

    return _swap(looking.Looker, "look", taken_for_proven)


@_bug("takes an unreadable list of orders for an empty one", breaks="completed_is_flat")
def unreadable_is_empty() -> AbstractContextManager[Any]:
    read = looking.Looker._read_orders

    async def read_or_empty(self: looking.Looker, question: Any) -> Any:
        return await read(self, question) or ()

    return _swap(looking.Looker, "_read_orders", read_or_empty)


@_bug("does not wait for an entry in the air", breaks="completed_is_flat")
def entry_in_the_air_forgotten() -> AbstractContextManager[Any]:
    return _swap(running.Run, "_unsettled", lambda self: set())


@_bug("leaves a pair out of the report that it has seen open", breaks="nothing_shown_is_left_out")
def pair_left_out() -> AbstractContextManager[Any]:
    outcomes = judging.Judge.outcomes

    def without_the_first(self: judging.Judge, seen: Any, *args: Any, **more: Any) -> Any:
        return outcomes(self, dict(list(seen.items())[1:]), *args, **more)

    return _swap(judging.Judge, "outcomes", without_the_first)


@_bug("writes what it intends after it was done", breaks="intent_precedes_the_request")
def intent_after_the_request() -> AbstractContextManager[Any]:
    commit = Trail.commit

    def at_the_end(self: Trail, run: Any = None) -> None:
        if run is not None:
            commit(self, run)

    return _swap(Trail, "commit", at_the_end)


@_bug(
    "looks at the exchange before its start is on record", breaks="nothing_is_sent_outside_of_runs"
)
def look_before_the_start() -> AbstractContextManager[Any]:
    execute = managing.LiquidationManager._execute

    async def look_first(self: Any, *args: Any, **more: Any) -> Any:
        looking_ahead = asyncio.ensure_future(self._order_manager.get_open_orders(timeout_s=0.1))
        await asyncio.wait([looking_ahead])
        looking_ahead.exception()
        return await execute(self, *args, **more)

    return _swap(managing.LiquidationManager, "_execute", look_first)


@_bug("lets a defect in a run reach whoever asked", breaks="never_raises")
def defect_not_caught() -> AbstractContextManager[Any]:
    def stumble(self: Any) -> None:
        for task in list(self.in_air.values()):
            if task.done() and self._attempts.errors:
                raise KeyError("a pair that nobody expected")
        for pair in [pair for pair, task in self.in_air.items() if task.done()]:
            del self.in_air[pair]

    return _swap(acting.Actor, "collect", stumble)


@_bug("does nothing at all", breaks="a_calm_run_ends_flat")
def nothing_is_done() -> AbstractContextManager[Any]:
    async def only_look(self: running.Run) -> None:
        self._saw(await self._looker.look(), first=True)

    return _swap(running.Run, "_until_flat", only_look)


@_bug(
    "gives a pair up when the exchange has nothing to reduce, though its list lags",
    breaks="time_that_is_left_is_used",
)
def nothing_to_reduce_gives_up() -> AbstractContextManager[Any]:
    failed = attempting.Attempts.failed

    def give_up(self: attempting.Attempts, pair: str, words: str, error: Any = None) -> None:
        failed(self, pair, words, error)
        if isinstance(error, NothingToReduce):
            self.give_up(pair, words)

    return _swap(attempting.Attempts, "failed", give_up)


@_bug("widens a run that has had its last look", breaks="completed_is_flat")
def widened_after_the_last_look() -> AbstractContextManager[Any]:
    def widen(self: running.Run, *, needs_s: float) -> bool:
        self.pairs = None
        return True

    return _swap(running.Run, "widen", widen)


@_bug("calls a book flat though something unexpected has happened", breaks="completed_is_flat")
def defect_allows_completed() -> AbstractContextManager[Any]:
    clear, proven = running.Run._clear_leftovers, running.Run._is_proven_flat

    async def clear_and_stumble(self: running.Run) -> None:
        await clear(self)
        raise KeyError("a pair that nobody expected")

    def without_the_defect(self: running.Run) -> bool:
        self._stumbled = False
        return proven(self)

    return _both(
        _swap(running.Run, "_clear_leftovers", clear_and_stumble),
        _swap(running.Run, "_is_proven_flat", without_the_defect),
    )


@_bug(
    "puts stops back by the last whole look, not by newer positions",
    breaks="stops_cover_no_more_than_is_left",
)
def put_back_by_an_old_book() -> AbstractContextManager[Any]:
    position_of = running.Run._position_of

    def by_the_book(self: running.Run, pair: str) -> Any:
        newer = self._looker.positions
        self._looker.positions = self._looker.book.positions if self._looker.book else newer
        try:
            return position_of(self, pair)
        finally:
            self._looker.positions = newer

    return _swap(running.Run, "_position_of", by_the_book)


@_bug("counts a refused cancel as done", breaks="what_is_told_cancelled_is")
def refused_cancel_is_done() -> AbstractContextManager[Any]:
    return _swap(acting, "_is_done", lambda answer: answer.status is not CancelStatus.UNKNOWN)


@_bug("takes a stop whose cancel was refused for removed", breaks="a_stop_comes_back_as_it_was")
def refused_cancel_is_a_removed_stop() -> AbstractContextManager[Any]:
    heard = Stops.heard

    def hear(self: Stops, answer: Any) -> None:
        refused = answer.status is CancelStatus.REFUSED
        heard(self, replace(answer, status=CancelStatus.CANCELLED) if refused else answer)

    return _swap(Stops, "heard", hear)


@_bug("puts a stop back at another trigger", breaks="a_stop_comes_back_as_it_was")
def put_back_at_another_trigger() -> AbstractContextManager[Any]:
    stop = requests.stop

    def elsewhere(order: Any, amount: float, price: float, **more: Any) -> Any:
        return stop(order, amount, price * 0.98, **more)

    return _swap(requests, "stop", elsewhere)


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """Plants the bug called *name*; ``None`` = none."""
    if name is None:
        yield
        return
    with PLANTED[name].planted():
        yield

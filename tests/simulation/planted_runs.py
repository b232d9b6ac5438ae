"""Bugs in the manager and the run: what is sent when, what is proven, what is told."""

import asyncio
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

from freqtrade_liquidation import manager as managing
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import OutcomeUnknown
from freqtrade_liquidation.model import CancelStatus, OrderRole, PairState, Request, Side
from freqtrade_liquidation.plan import Book, PairWork, Rules, next_work
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.run import order_sender as sending
from freqtrade_liquidation.run import outcome_judge as judging
from freqtrade_liquidation.run import proof
from freqtrade_liquidation.run import request_runner as asking
from freqtrade_liquidation.run import run as running
from freqtrade_liquidation.run.stops import Stops
from freqtrade_liquidation.trail import Trail
from tests.simulation.planted import both, bug, swap

Planted = AbstractContextManager[Any]


@bug(
    "sends a closing order again when its answer does not come",
    breaks="a_look_precedes_every_further_attempt",
)
def resend_on_timeout() -> Planted:
    once = asking.RequestRunner.once

    async def twice(self: asking.RequestRunner, verb: Any, priority: Any) -> Any:
        try:
            return await once(self, verb, priority)
        except OutcomeUnknown:
            if not isinstance(verb, partial) or verb.func.__name__ != "execute_market_close":
                raise
            return await once(self, verb, priority)

    return swap(asking.RequestRunner, "once", twice)


@bug(
    "cancels a futures stop beside its close", breaks="no_position_is_left_without_the_stop_it_had"
)
def cancel_stop_first() -> Planted:
    def work(book: Book, rules: Rules, limits: Any) -> list[PairWork]:
        return [
            replace(piece, cancels=(*piece.cancels, *_stops_of(book, piece.pair, limits)))
            if piece.close and not rules.closes_need_orders
            else piece
            for piece in next_work(book, rules, limits)
        ]

    return swap(running, "next_work", work)


def _stops_of(book: Book, pair: str, limits: Any) -> list[Any]:
    stops = (o for o in book.orders_of(pair) if o.role is OrderRole.PROTECTIVE)
    return [order for order in stops if limits.may_cancel(order)]


@bug("takes a pair for closed once an order for it was sent", breaks="completed_is_flat")
def trust_sent_as_filled() -> Planted:
    verdict = running.Run._verdict

    def flat_once_sent(self: running.Run, pair: str) -> proof.Verdict:
        sent = self._attempts.sent_at(pair) > 0
        return proof.Verdict.FLAT if sent else verdict(self, pair)

    return swap(running.Run, "_verdict", flat_once_sent)


@bug(
    "takes one list that lacks a position for the proof that it is gone", breaks="completed_is_flat"
)
def one_list_is_proof() -> Planted:
    return swap(proof, "_is_explained", lambda evidence: True)


@bug("does not write the last event", breaks="one_final_event")
def drop_the_last_event() -> Planted:
    return swap(managing.LiquidationManager, "_note_end", lambda self, trail, result: None)


@bug("does not write what the exchange answered to a close", breaks="every_answer_is_on_record")
def drop_the_answers() -> Planted:
    return _dropping(Event.CLOSE_ANSWERED)


@bug("does not write that a stop was lost", breaks="a_lost_stop_is_told")
def keep_silent_about_a_lost_stop() -> Planted:
    return _dropping(Event.STOP_LOST)


def _dropping(kind: Event) -> Planted:
    note = Trail.note

    def note_others(self: Trail, event_type: Event, *args: Any, **data: Any) -> None:
        if event_type is not kind:
            note(self, event_type, *args, **data)

    return swap(Trail, "note", note_others)


@bug("allows one attempt too many", breaks="attempts_are_bounded")
def one_attempt_too_many() -> Planted:
    return swap(Backoff, "allows", lambda self, made: made <= self.max_retries + 1)


@bug("allows one attempt too few", breaks="time_that_is_left_is_used")
def one_attempt_too_few() -> Planted:
    return swap(Backoff, "allows", lambda self, made: made <= max(0, self.max_retries - 1))


@bug("gives itself a second more than it has", breaks="the_deadline_holds")
def deadline_moved() -> Planted:
    begin = running.Run.__init__

    def later(self: running.Run, *args: Any, deadline: Deadline, **more: Any) -> None:
        begin(self, *args, deadline=Deadline(deadline.at + 1.0), **more)

    return swap(running.Run, "__init__", later)


@bug(
    "tries again before the exchange allows it", breaks="the_exchange_is_not_asked_before_it_wants"
)
def retry_after_ignored() -> Planted:
    delay_s = Backoff.delay_s

    def hasty(self: Backoff, attempts_made: int, *, retry_after_s: float | None = None) -> float:
        return delay_s(self, attempts_made)

    return swap(Backoff, "delay_s", hasty)


@bug(
    "lets whoever asks for more join a run for fewer pairs",
    breaks="completed_is_flat",
)
def join_the_narrower_run() -> Planted:
    return swap(Request, "covers", lambda self, other: True)


@bug(
    "lets an operator join a run that leaves positions on purpose",
    breaks="an_operator_gets_what_he_asks_for",
)
def join_the_lenient_run() -> Planted:
    return swap(managing, "_as_thorough", lambda running, other, config: True)


@bug("says that it has widened a run and goes on as before", breaks="completed_is_flat")
def widen_in_name_only() -> Planted:
    return swap(running.Run, "widen", lambda self, *, needs_s: True)


@bug("widens a run that has had its last look", breaks="time_that_is_left_is_used")
def widened_after_the_last_look() -> Planted:
    def widen(self: running.Run, *, needs_s: float) -> bool:
        self.pairs = None
        return True

    return swap(running.Run, "widen", widen)


@bug("touches pairs that it was not asked for", breaks="what_is_out_of_scope_is_not_touched")
def scope_ignored() -> Planted:
    return both(
        swap(running, "in_scope", lambda book, pairs: book),
        swap(running.Run, "_in_scope", lambda self, pairs: set(pairs)),
    )


@bug("closes though `close_positions` is false", breaks="what_is_to_stay_stays")
def configuration_ignored() -> Planted:
    def all_of_it(request: Request, config: Any, *, closes_need_orders: bool) -> Rules:
        return Rules(closes_need_orders=closes_need_orders)

    return swap(managing, "rules_for", all_of_it)


@bug("keeps no time to put stops back", breaks="no_position_is_left_without_the_stop_it_had")
def no_time_to_put_back() -> Planted:
    return swap(running.Run, "_reserved_s", lambda self: 0.0)


@bug(
    "clears the stops of positions that are open",
    breaks="no_position_is_left_without_the_stop_it_had",
)
def stops_cleared_too_early() -> Planted:
    def all_stops(book: Book, *more: Any) -> dict[str, Any]:
        orders = [o for o in book.orders or () if o.role is not OrderRole.ENTRY]
        return {o.pair: tuple(x for x in orders if x.pair == o.pair) for o in orders}

    return both(
        swap(running, "leftovers", all_stops),
        swap(running.Run, "_verdict", _flat_at_the_end(running.Run._verdict)),
    )


def _flat_at_the_end(verdict: Any) -> Any:
    def told(self: running.Run, pair: str) -> proof.Verdict:
        found: proof.Verdict = verdict(self, pair)
        return proof.Verdict.FLAT if self._ending and self._kept_s == 0.0 else found

    return told


@bug(
    "puts stops back by what was first known, not by what is left",
    breaks="stops_cover_no_more_than_is_left",
)
def put_back_by_an_old_book() -> Planted:
    return swap(running.Run, "_position_of", lambda self, pair: self._history[pair].first)


@bug("calls a position protected that is not", breaks="protection_is_true")
def protected_by_hope() -> Planted:
    return swap(judging.OutcomeJudge, "_is_protected", lambda self, pair, book: True)


@bug("tells a pair closed that is open", breaks="outcomes_are_true")
def open_told_closed() -> Planted:
    told = {**judging.STATES, proof.Verdict.OPEN: PairState.CLOSED}
    return swap(judging, "STATES", told)


@bug("sends the order for the wrong side", breaks="adds_no_exposure")
def wrong_side() -> Planted:
    order_for = sending._closing_order

    def other_side(position: Any, amount: float, name: str) -> Any:
        other = Side.SHORT if position.side is Side.LONG else Side.LONG
        return replace(order_for(position, amount, name), side=other)

    return swap(sending, "_closing_order", other_side)


@bug("sells spot coins again whose sell has no known outcome", breaks="the_users_own_stays")
def uncertain_sold_again() -> Planted:
    def work(book: Book, rules: Rules, limits: Any) -> list[PairWork]:
        certain = tuple(replace(position, uncertain=False) for position in book.positions)
        return next_work(replace(book, positions=certain), rules, limits)

    return swap(running, "next_work", work)


@bug("does not wait for an entry in the air", breaks="completed_is_flat")
def entry_in_the_air_forgotten() -> Planted:
    return swap(running.Run, "_unsettled_in_scope", lambda self: set())


@bug("leaves a pair out of the report that it has seen open", breaks="nothing_shown_is_left_out")
def pair_left_out() -> Planted:
    pairs = running.Run._outcome_pairs

    def without_the_first(self: running.Run) -> set[str]:
        return set(sorted(pairs(self))[1:])

    return swap(running.Run, "_outcome_pairs", without_the_first)


@bug("does not say why flat is not proven", breaks="what_is_not_flat_has_a_reason")
def reason_kept_back() -> Planted:
    return swap(running.Run, "_why_not_proven", lambda self, scoped: [])


@bug("writes what it intends after it was done", breaks="intent_precedes_the_request")
def intent_after_the_request() -> Planted:
    commit = Trail.commit

    def at_the_end(self: Trail, run: Any = None) -> None:
        if run is not None:
            commit(self, run)

    return swap(Trail, "commit", at_the_end)


@bug(
    "looks at the exchange before its start is on record", breaks="nothing_is_sent_outside_of_runs"
)
def look_before_the_start() -> Planted:
    execute = managing.LiquidationManager._execute

    async def look_first(self: Any, *args: Any, **more: Any) -> Any:
        looking_ahead = asyncio.ensure_future(self._order_manager.get_open_orders(timeout_s=0.1))
        await asyncio.wait([looking_ahead])
        looking_ahead.exception()
        return await execute(self, *args, **more)

    return swap(managing.LiquidationManager, "_execute", look_first)


@bug("lets a defect in a run reach whoever asked", breaks="never_raises")
def defect_not_caught() -> Planted:
    collect = sending.OrderSender.collect

    def stumble(self: Any) -> None:
        collect(self)
        if self._attempts.errors:
            raise KeyError("a pair that nobody expected")

    return swap(sending.OrderSender, "collect", stumble)


@bug("calls a book flat though something unexpected has happened", breaks="completed_is_flat")
def defect_allows_completed() -> Planted:
    clear, is_flat = running.Run._clear_leftovers, running.Run._is_flat

    async def clear_and_stumble(self: running.Run) -> None:
        await clear(self)
        raise KeyError("a pair that nobody expected")

    def without_the_defect(self: running.Run) -> bool:
        self._stumbled = False
        return is_flat(self)

    return both(
        swap(running.Run, "_clear_leftovers", clear_and_stumble),
        swap(running.Run, "_is_flat", without_the_defect),
    )


@bug("does nothing at all", breaks="a_calm_run_ends_flat")
def nothing_is_done() -> Planted:
    async def do_nothing(self: running.Run) -> None:
        await asyncio.sleep(0.1)

    return swap(running.Run, "_until_flat", do_nothing)


@bug("counts a refused cancel as done", breaks="what_is_told_cancelled_is")
def refused_cancel_is_done() -> Planted:
    return swap(sending, "_is_done", lambda answer: answer.status is not CancelStatus.UNKNOWN)


@bug("takes a stop whose cancel was refused for removed", breaks="a_stop_comes_back_as_it_was")
def refused_cancel_is_a_removed_stop() -> Planted:
    heard = Stops.heard

    def hear(self: Stops, answer: Any) -> None:
        refused = answer.status is CancelStatus.REFUSED
        heard(self, replace(answer, status=CancelStatus.CANCELLED) if refused else answer)

    return swap(Stops, "heard", hear)

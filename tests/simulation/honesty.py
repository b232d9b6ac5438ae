"""Invariants: what is told is true, and everything is told."""

from collections.abc import Iterator

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.model import PairState
from freqtrade_liquidation.state import LiquidationState
from tests.simulation.case import TINY, Case, invariant
from tests.simulation.journal import What
from tests.simulation.play import Answer
from tests.simulation.runs import FINAL, OPERATORS, OneRun
from tests.simulation.schedule import Endpoint
from tests.simulation.world.records import Kind, Order, Owner

GONE = (PairState.CLOSED, PairState.DUST)
REASONS = ("NOT PROVEN", "could open a position", "refused this account", "unexpected error")


@invariant
def completed_is_flat(case: Case) -> Iterator[str]:
    """When it is told, nothing is open and no entry rests, in the scope of everybody who is told
    so; and nothing that the bot had sent opens anything later. However old the exchange's lists
    are. What a person does by hand after the last list was read, nobody can know, nor what of his
    every list has left out."""
    for run in case.ended:
        done = [a for a in _askers(case, run) if a.result and a.result.success]
        if not done:
            continue
        if any("unexpected error" in words for words in done[0].result.errors):  # type: ignore[union-attr]
            yield "COMPLETED, and something unexpected happened inside"
        scope = case.pairs_of(run)
        for answer in done:
            scope |= case.pairs if answer.asked.pairs is None else frozenset(answer.asked.pairs)
        for pair in sorted(scope & case.extent):
            yield from (f"COMPLETED, and {words}" for words in _not_flat(case, run, pair))


def _askers(case: Case, run: OneRun) -> list[Answer]:
    """Those who are told its result and asked for something."""
    return [answer for answer in run.answers if not case.wants_nothing(answer.asked)]


def _not_flat(case: Case, run: OneRun, pair: str) -> Iterator[str]:
    assert run.ended is not None
    moment = run.ended.at
    amount = case.open_at(pair, moment) - never_told(case, run, pair)
    if case.without_dust(pair, amount) > TINY:
        yield f"{pair} is open with {amount:g}"
    listed_at = _as_of_orders(case, run)
    for order in case.entries_at(pair, moment):
        if order.owner is not Owner.USER or order.placed_at < listed_at:
            yield f"entry {order.order_id} of {pair} rests"
    for change in case.fills(pair):
        opens = abs(change.after) > abs(change.before) + TINY
        if case.at(change) > moment and change.by is Owner.BOT and opens:
            yield f"{pair}: an entry of the bot's fills {case.at(change) - moment:.3f} s later"


def as_of_positions(case: Case, run: OneRun) -> float:
    """From when the newest of what the exchange said of positions is. (A spot position is what the
    orders say, which are up to date, and the balance.) In scope trades the lists of orders tell
    what is ours of a position: one counts if they were answered, too, as they were asked beside it
    or later."""
    lags, spot = case.schedule.lags, case.schedule.spot
    read = run.read(Endpoint.BALANCE if spot else Endpoint.POSITIONS)
    if case.schedule.shared and not spot:
        read = [fact for fact in read if fact.at <= _orders_read_at(run)]
    newest = max((fact.executed_at or 0.0 for fact in read), default=None)
    if newest is None:
        return run.began.at
    return newest - (lags.balance if spot else lags.positions)


def as_of_pair(case: Case, run: OneRun, pair: str) -> float:
    """The same for *pair* alone, as the run can know it: of two lists the one that was asked for
    later counts, whichever the exchange took first. In scope trades a look is whole when all of its
    questions are answered, or late. On spot the bot's orders tell what is left of it, as they were
    answered last."""
    as_of, lag = as_of_positions(case, run), case.schedule.lags.positions
    if case.schedule.spot:
        return min((as_of, *run.told_of_orders(pair).values()))
    if not case.schedule.shared:
        lists = [(read.at, read.executed_at or 0.0) for read in run.read(Endpoint.POSITIONS)]
        return min(as_of, max(lists, default=(0.0, as_of + lag))[1] - lag)
    looks = (fact.executed_at or 0.0 for fact in run.facts if fact.what is What.SHOWN)
    return min(as_of, max(looks, default=run.began.at) - lag)


def never_told(case: Case, run: OneRun, pair: str) -> float:
    """Base currency of *pair* that no answer could tell *run* by its end: a person traded it after
    the newest list, or had placed an order that no list told of, or every list left it out."""
    assert run.ended is not None
    moment, as_of = run.ended.at, as_of_positions(case, run)
    by_hand = case.by_others_since(pair, as_of, moment)
    if not any(fact.what is What.LISTED for fact in run.facts):
        by_hand += case.entered_since(pair, as_of, moment, by=(Owner.USER,))
    return by_hand + case.never_shown(run, pair, moment)


def _as_of_orders(case: Case, run: OneRun) -> float:
    """From when the newest whole look at the resting orders is: one list of several is none."""
    asked = [fact.executed_at or 0.0 for fact in run.facts if fact.what is What.LISTED]
    return max(asked, default=run.began.at) - case.schedule.lags.orders


def _orders_read_at(run: OneRun) -> float:
    """Until when all lists of orders have been read: what one of them alone shows is no look yet.
    0.0 = one of them never was."""
    lists = [run.last_read(e) for e in (Endpoint.ORDERS, Endpoint.STOPS, Endpoint.ALGOS)]
    return min((one.executed_at or 0.0) if one else 0.0 for one in lists)


@invariant
def outcomes_are_true(case: Case) -> Iterator[str]:
    """Nothing is told closed that is open. Nothing is told open that the newest whole look, and
    all that has happened since, show closed. (Where no list of positions was answered, closed is
    what the bot had, as far as its database knew; and what every list has left out, nobody can
    know, nor what an entry has filled since that is to stay.)"""
    for run in case.ended:
        if run.result is None or run.ended is None:
            continue
        moment = run.ended.at
        for outcome in run.result.outcomes:
            pair = outcome.pair
            if pair not in case.pairs:
                continue
            as_of = as_of_pair(case, run, pair)
            amount = case.open_at(pair, moment) - never_told(case, run, pair)
            if not case.schedule.config.get("cancel_orders", True):
                amount -= case.entered_since(pair, as_of, moment)
            if not _is_told_by_lists(case, run, pair):
                unknown = case.unknown_to_the_database(pair)
                amount = min(amount, case.bots_left(pair, moment) - unknown)
            if outcome.state in GONE and case.without_dust(pair, amount) > TINY:
                yield f"{pair} is told {outcome.state}, and is open with {amount:g}"
            most = case.most_since(pair, as_of, moment) + case.bought_back(pair)
            if outcome.state is PairState.OPEN and most <= TINY:
                yield f"{pair} is told open, and is closed since {moment - as_of:.2f} s at least"


def _is_told_by_lists(case: Case, run: OneRun, pair: str) -> bool:
    """A list shows more of *pair* than the database had, or was asked for after the last close."""
    lists = [fact for fact in run.facts if fact.what is What.SHOWN]
    closes = (run.end_of(close) for close in run.sent(Endpoint.CLOSE) if close.pair == pair)
    closed_at = max((end.at for end in closes if end is not None), default=run.began.at)
    if any((one.executed_at or 0.0) >= closed_at for one in lists):
        return True
    recorded = case.recorded(pair) + TINY
    return any(p.pair == pair and p.amount > recorded for one in lists for p in one.payload)


@invariant
def protection_is_true(case: Case) -> Iterator[str]:
    """What is told protected has a stop, as far as the newest list of orders and the newest answer
    about the stop itself could tell."""
    for run in case.ended:
        if run.result is None or run.ended is None:
            continue
        lags = case.schedule.lags
        listed = [f.executed_at or f.at for f in run.facts if f.what is What.LISTED]
        listed_at = max(listed, default=run.ended.at) - max(lags.stops, lags.orders)
        for outcome in run.result.outcomes:
            if not outcome.protected or outcome.pair not in case.pairs:
                continue
            told_at = run.told_of_orders(outcome.pair)
            stops = [
                order
                for order in case.account.orders.values()
                if order.pair == outcome.pair
                and order.kind is Kind.STOP
                and order.placed_at <= run.ended.at
                and order.ended_at >= min(listed_at, told_at.get(order.order_id, listed_at))
                and not (order.ended_by is Owner.RUN and order.ended_at < run.ended.at)
            ]
            if not stops:
                yield f"{outcome.pair} is told protected, and no stop stands"


@invariant
def what_is_told_cancelled_is(case: Case) -> Iterator[str]:
    """Each order that is on record as cancelled was cancelled by us."""
    for run in case.runs:
        for event in run.events:
            if event.event_type is not Event.ORDERS_CANCELLED:
                continue
            for order_id in event.additional_data["order_ids"]:
                order = case.account.orders.get(order_id)
                if order is not None and order.ended_by is not Owner.RUN:
                    yield f"{order.pair}: {order_id} is told cancelled, and is {order.status}"


@invariant
def a_trade_without_a_position_is_named(case: Case) -> Iterator[str]:
    """Where freqtrade has a trade and the exchange has neither position nor coins nor an entry for
    it, the report says so."""
    for run in case.ended:
        if run.result is None or run.result.skip_reason:
            continue
        told = " ".join((*run.result.errors, *(o.pair for o in run.result.outcomes)))
        for book in case.schedule.books:
            trade, pair = book.trade, book.pair
            if trade is None or not trade.amount or trade.dry_run or book.bots:
                continue
            untouched = not any(fact.pair == pair for fact in case.changes)
            if untouched and pair in case.pairs_of(run) and pair not in told:
                yield f"{pair}: freqtrade has a trade, nothing is there, and nobody is told"


@invariant
def nothing_shown_is_left_out(case: Case) -> Iterator[str]:
    """Every position that a run was shown, in the scope of those it answers, has its outcome,
    and every one that is left has words with it."""
    for run in case.ended:
        if run.result is None or run.result.skip_reason:
            continue
        scope = case.pairs_of(run)
        told = {outcome.pair for outcome in run.result.outcomes}
        newest = 0.0
        for fact in run.facts:
            if fact.what is not What.SHOWN or (fact.executed_at or 0.0) < newest:
                continue  # one that was asked for earlier says nothing any more
            newest = fact.executed_at or 0.0
            for position in fact.payload:
                if position.pair in scope and not position.is_dust and position.pair not in told:
                    yield f"{position.pair} was shown open and has no outcome"
                    told.add(position.pair)
        for outcome in run.result.outcomes:
            if outcome.state not in GONE and not outcome.error:
                yield f"{outcome.pair} is left, and no words say why"


@invariant
def what_is_not_flat_has_a_reason(case: Case) -> Iterator[str]:
    """A run that does not end flat says why: a pair that is left, what could open one, or what
    keeps flat from being proven. And the bot's stops that rest on closed pairs are named."""
    for run in case.ended:
        result = run.result
        if result is None or run.ended is None or result.state is LiquidationState.SKIPPED:
            continue
        told = " ".join(result.errors)
        left = any(outcome.state not in GONE for outcome in result.outcomes)
        if not (result.success or left or any(words in told for words in REASONS)):
            yield f"{result.state}, and no words say why: {told}"
        gone = {outcome.pair for outcome in result.outcomes if outcome.state in GONE}
        for order in case.account.orders.values():
            if (
                order.pair in gone
                and _is_left_stop(case, run, order)
                and order.order_id not in told
            ):
                yield f"{order.pair}: stop {order.order_id} is left, and nobody is told"


def _is_left_stop(case: Case, run: OneRun, order: Order) -> bool:
    """A stop of the bot's that rested from before the run until after it. One that its lists have
    left out, or are too old to have, nobody can know; nor one that is not in freqtrade's database
    where no list came, or where the account is shared."""
    assert run.ended is not None
    may_be_listed = case.schedule.spot or any(fact.what is What.LISTED for fact in run.facts)
    if (case.schedule.shared or not may_be_listed) and not case.is_on_record(order):
        return False
    as_of = _as_of_orders(case, run) + case.schedule.lags.orders - case.schedule.lags.stops
    rested = order.placed_at < min(run.began.at, as_of) and order.ended_at > run.ended.at
    return rested and order.kind is Kind.STOP and order.owner is Owner.BOT


@invariant
def one_final_event(case: Case) -> Iterator[str]:
    """Each run has exactly one, it is the last, and result, row and event say the same."""
    for run in case.runs:
        finals = [event for event in run.events if event.event_type in FINAL]
        if len(finals) != 1 or run.ended is None:
            yield f"{len(finals)} final events"
            continue
        result = run.result
        if result is None:
            continue
        event, row = run.ended.payload, case.played.runs[run.correlation_id]
        if not str(event.event_type).endswith(f"_{result.state}") or row.state != result.state:
            yield f"{event.event_type} on record, row {row.state}, result {result.state}"
        if event.additional_data["positions_failed"] != result.positions_failed:
            yield "the final event and the result count what is left differently"


@invariant
def never_raises(case: Case) -> Iterator[str]:
    """Whoever asks gets a result; nothing unexpected happens inside."""
    yield from case.played.defects
    for answer in case.played.answers:
        if answer.raised is not None:
            yield f"{answer.asked.trigger} got {answer.raised}"
        elif answer.result is None:
            yield f"{answer.asked.trigger} got no result"
        for words in answer.result.errors if answer.result else ():
            if "unexpected error" in words:
                yield words


@invariant
def an_operator_gets_what_he_asks_for(case: Case) -> Iterator[str]:
    """No operator is told the result of a run that leaves something on purpose, and nobody that
    of a run for fewer pairs."""
    config = case.schedule.config
    thorough = config.get("close_positions", True) and config.get("cancel_orders", True)
    for run in case.ended:
        for answer in _askers(case, run):
            asked = answer.asked
            if asked.trigger in OPERATORS and run.automatic and not thorough:
                yield f"{asked.trigger} joined a run by {run.trigger} that leaves things on purpose"
            if asked.trigger in OPERATORS and answer.result and answer.result.skip_reason:
                yield f"{asked.trigger} was skipped: {answer.result.skip_reason}"
            scope = case.pairs if asked.pairs is None else frozenset(asked.pairs)
            started_for = run.events[0].additional_data["pairs"]
            widened = any(a.asked.pairs is None for a in _askers(case, run))
            narrow = frozenset(started_for or ()) if not widened else case.pairs
            if started_for is not None and not scope <= narrow:
                yield f"{asked.trigger} asked for {sorted(scope)}, the run was for {started_for}"


@invariant
def every_answer_is_on_record(case: Case) -> Iterator[str]:
    """What the exchange said to a closing order is in the audit trail, under the order's name."""
    for run in case.ended:
        noted = {
            event.additional_data.get("client_order_id")
            for event in run.events
            if event.event_type in (Event.CLOSE_ANSWERED, Event.ATTEMPT_FAILED)
        }
        for request in run.sent(Endpoint.CLOSE):
            end = run.end_of(request)
            answered = end is not None and end.what in (What.ANSWERED, What.RAISED)
            if answered and request.order_id not in noted:
                yield f"{request.pair}: the answer to a closing order is not on record"

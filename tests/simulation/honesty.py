"""Invariants: what is told is true, and everything is told."""

from collections.abc import Iterator

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.model import OrderRole, PairState
from freqtrade_liquidation.state import LiquidationState
from tests.simulation.case import CRUMB, Case, invariant
from tests.simulation.journal import Actor, Fact, What
from tests.simulation.play import Answer
from tests.simulation.runs import FINAL, OPERATORS, OneRun
from tests.simulation.schedule import Verb

GONE = (PairState.CLOSED, PairState.DUST)


@invariant
def completed_is_flat(case: Case) -> Iterator[str]:
    """At the moment of the last look nothing was open and no entry rested, in the scope of
    everybody who is told so. What a person opened later, or what the exchange's own list was too
    old to show, nobody can know."""
    for run in case.ended:
        done = [a for a in _askers(case, run) if a.result and a.result.success]
        if not done:
            continue
        scope = case.pairs_of(run)
        for answer in done:
            scope |= case.pairs if answer.asked.pairs is None else frozenset(answer.asked.pairs)
        yield from _not_flat(case, run, scope)


def _askers(case: Case, run: OneRun) -> list[Answer]:
    """Those who are told its result and asked for something."""
    return [answer for answer in run.answers if not case.wants_nothing(answer.asked)]


def _not_flat(case: Case, run: OneRun, scope: frozenset[str]) -> Iterator[str]:
    shown, listed = _last(run, What.SHOWN), _last(run, What.LISTED)
    if shown is None or listed is None:
        yield "COMPLETED, and positions or orders were never shown"
        return
    as_of, listed_at = shown.before, listed.after
    moment = max(as_of + case.schedule.lag_s, listed_at)
    for pair in sorted(scope):
        amount = case.truth.open_at(pair, moment) - _ours_between(case, pair, moment, shown.at)
        if amount > CRUMB and not _came_unseen(case, pair, as_of, moment):
            yield f"COMPLETED, and {pair} is open with {amount:g}"
        for order in case.truth.resting_at(pair, OrderRole.ENTRY, moment):
            yield f"COMPLETED, and entry {order.order_id} of {pair} rests"


def _came_unseen(case: Case, pair: str, as_of: float, moment: float) -> bool:
    """Somebody changed it where no list could show it any more."""
    return any(
        fact.at > as_of
        and (fact.actor is Actor.USER or fact.at <= as_of + case.schedule.lag_s)
        and fact.actor is not Actor.US
        for fact in case.truth.fills[pair]
        if fact.at <= moment
    )


def _last(run: OneRun, what: What, before: Fact | None = None) -> Fact | None:
    facts = run.facts if before is None else run.facts[: run.facts.index(before)]
    return next((fact for fact in reversed(facts) if fact.what is what), None)


@invariant
def outcomes_are_true(case: Case) -> Iterator[str]:
    """A pair is called closed only if it was so at the last look, and that look began after our
    last order for it was sent; what is called open had what is said."""
    for run in case.ended:
        if run.result is None:
            continue
        shown = _last(run, What.SHOWN)
        for outcome in run.result.outcomes:
            if outcome.state is PairState.NOT_PROVEN:
                continue
            if shown is None:
                yield f"{outcome.pair} is called {outcome.state}, and nothing was ever shown"
                continue
            most = case.truth.any_at(outcome.pair, shown.before, shown.after)
            # What our own orders filled is known a little later than the rest (spot).
            least = most - _ours_between(case, outcome.pair, shown.after, shown.at)
            told = outcome.residual_amount
            if told is None or not least - CRUMB <= told <= most + CRUMB:
                yield f"{outcome.pair} is called {outcome.state} with {told}, it was {most:g}"
            minimum = case.played.account.markets[outcome.pair].minimum
            if outcome.state in GONE and least >= minimum:
                yield f"{outcome.pair} is called {outcome.state}, it was open with {least:g}"
            yield from _unverified(run, outcome.pair, shown)


def _ours_between(case: Case, pair: str, after: float, until: float) -> float:
    return sum(
        -fact.amount
        for fact in case.truth.fills[pair]
        if fact.actor is Actor.US and case.schedule.spot and after < fact.at <= until
    )


def _unverified(run: OneRun, pair: str, shown: Fact | None) -> Iterator[str]:
    asked = shown.request.seq if shown and shown.request else -1
    later = [f for f in run.sent(Verb.CLOSE) if f.pair == pair and f.seq > asked]
    if later:
        yield f"{pair} is called verified, and an order for it was sent after the last look"


@invariant
def protection_is_true(case: Case) -> Iterator[str]:
    """What is called protected has a stop: one stood at the last list of orders or later."""
    for run in case.ended:
        for outcome in run.result.outcomes if run.result else ():
            if not outcome.protected:
                continue
            since = _listed_at(run)
            stood = any(
                life.order.pair == outcome.pair
                and life.order.role is OrderRole.PROTECTIVE
                and life.gone >= since
                for life in case.truth.lives.values()
            )
            if not stood:
                yield f"{outcome.pair} is called protected, and no stop stands"


def _listed_at(run: OneRun) -> float:
    """When the orders were listed that the run's last book holds, or somewhat before: a list
    counts only as a part of a look that succeeded."""
    listed = _last(run, What.LISTED, before=_last(run, What.SHOWN))
    return listed.after if listed else run.began.at


@invariant
def nothing_shown_is_left_out(case: Case) -> Iterator[str]:
    """Every position that a run was shown, in the scope of those it answers, has its outcome, and
    every one that is left has words with it."""
    for run in case.ended:
        if run.result is None or run.result.state is LiquidationState.SKIPPED:
            continue
        told = {outcome.pair: outcome for outcome in run.result.outcomes}
        scope = case.pairs_of(run)
        shown = _last(run, What.SHOWN)
        for position in shown.payload if shown else ():
            if position.pair in scope and not position.is_dust and position.pair not in told:
                yield f"{position.pair} was shown with {position.amount:g} and has no outcome"
        for pair, outcome in told.items():
            if outcome.state not in GONE and not outcome.error:
                yield f"{pair} is left, and nobody says why"


@invariant
def one_final_event(case: Case) -> Iterator[str]:
    """Each run has exactly one, it is the last, and result, row and event say the same."""
    finals: dict[str, list[Fact]] = {}
    for fact in case.played.journal.of(What.EVENT):
        if fact.payload.event_type in FINAL:
            finals.setdefault(fact.payload.correlation_id, []).append(fact)
    for run in case.runs:
        ends, killed = finals.get(run.correlation_id, []), _is_killed(run)
        if len(ends) != (0 if killed else 1):
            yield f"the run by {run.trigger} has {len(ends)} final events"
        if run.ended is None or run.result is None:
            continue
        event, result = run.ended.payload, run.result
        row = case.played.runs[run.correlation_id]
        if not str(event.event_type).endswith(f"_{result.state}") or row.state != result.state:
            yield f"{event.event_type} on record, row {row.state}, result {result.state}"
        if event.additional_data["positions_failed"] != result.positions_failed:
            yield "the final event and the result count what is left differently"


def _is_killed(run: OneRun) -> bool:
    return run.facts[-1].what is What.CRASH


@invariant
def never_raises(case: Case) -> Iterator[str]:
    """Whoever asks gets a result; nothing unexpected happens inside."""
    for answer in case.played.answers:
        if answer.raised is not None:
            yield f"{answer.asked.trigger} got {answer.raised}"
        elif answer.result is None and case.played.crashed_at is None:
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
        for request in run.sent(Verb.CLOSE):
            end = run.end_of(request)
            answered = end is not None and end.what in (What.ANSWERED, What.RAISED)
            if answered and request.order_id not in noted:
                yield f"{request.pair}: the answer to a closing order is not on record"

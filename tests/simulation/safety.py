"""Invariants: nothing that a run does adds risk or takes protection away."""

from collections.abc import Iterator

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.model import OrderRole, PairState
from tests.simulation.case import CRUMB, Case, invariant
from tests.simulation.journal import Actor, Fact, What
from tests.simulation.runs import OneRun
from tests.simulation.schedule import Verb


@invariant
def adds_no_exposure(case: Case) -> Iterator[str]:
    """No order of ours opens, grows or flips a position."""
    for fact in case.played.journal.of(What.FILL):
        grows = abs(fact.after) > abs(fact.before) + CRUMB or fact.after * fact.before < 0
        if fact.actor is Actor.US and grows:
            yield f"{fact.pair}: our order took the position from {fact.before:g} to {fact.after:g}"


@invariant
def closes_are_reduce_only(case: Case) -> Iterator[str]:
    """Every closing order says so, futures or spot."""
    for run in case.runs:
        for request in run.sent(Verb.CLOSE):
            _, reduce_only = request.payload
            if not reduce_only:
                yield f"{request.pair}: a closing order without reduce_only"


@invariant
def sells_only_what_the_bot_bought(case: Case) -> Iterator[str]:
    """Spot: the user's own coins stay, whatever our orders and our stops sell."""
    if not case.schedule.spot:
        return
    left = {market.pair: market.amount for market in case.schedule.markets}
    for fact in case.played.journal.of(What.FILL):
        if fact.actor is Actor.USER:
            continue
        left[fact.pair] += fact.amount
        if left[fact.pair] < -CRUMB and fact.amount < 0:
            yield f"{fact.pair}: {-left[fact.pair]:g} sold that the bot never bought"


@invariant
def stops_cover_no_more_than_is_left(case: Case) -> Iterator[str]:
    """Spot: stops that are put back could not sell the user's own coins. One whose outcome was not
    known, and which the exchange executes when every run is over, nobody can know; nor what a
    person buys after the last look that was answered."""
    if not case.schedule.spot:
        return
    journal = case.played.journal
    ends = [fact.at for fact in journal.of(What.RESULT)]
    shown = [fact for fact in journal.of(What.SHOWN) if fact.request is not None]
    for fact in journal.of(What.PLACED):
        if fact.actor is not Actor.US or fact.request is None or (ends and fact.at > max(ends)):
            continue
        left = case.truth.bots[fact.pair].at(fact.at)
        looks = [look.request.at for look in shown if look.request and look.seq < fact.request.seq]
        seen_at = max(looks, default=0.0) - case.schedule.lag_s
        bought_since = any(
            fill.actor is Actor.USER and fill.amount > 0 and seen_at < fill.at <= fact.at
            for fill in case.truth.fills[fact.pair]
        )
        if fact.after > left + CRUMB and not bought_since:
            yield f"{fact.pair}: stops for {fact.after:g}, the bot holds {left:g}"


@invariant
def no_position_is_left_without_the_stop_it_had(case: Case) -> Iterator[str]:
    """Unless the exchange refused the put-back or never answered it, or never answered the sell
    (its stop could then only sell the user's own coins). A killed run cannot put back."""
    if case.played.crashed_at is not None:
        return
    for pair in sorted(case.pairs):
        taken = _stops_taken(case, pair)
        if not taken or _stops_were_touched_by_hand(case, pair):
            continue
        needed, standing = _protection(case, pair, taken)
        if needed > standing + CRUMB and not _is_excused(case, pair):
            yield (
                f"{pair}: {needed:g} had a stop that we took, {standing:g} has one at the end, and "
                "the exchange did not refuse to put it back"
            )


@invariant
def a_lost_stop_is_told(case: Case) -> Iterator[str]:
    """Whatever the reason: it is on record, under its pair."""
    if case.played.crashed_at is not None:
        return
    told = {e.pair for run in case.runs for e in run.events if e.event_type is Event.STOP_LOST}
    for pair in sorted(case.pairs - told):
        taken = _stops_taken(case, pair)
        if not taken or _stops_were_touched_by_hand(case, pair):
            continue
        needed, standing = _protection(case, pair, taken)
        if needed > standing + CRUMB and not _is_dust(case, pair, needed):
            yield f"{pair}: {needed:g} had a stop, {standing:g} has one, and no event says so"


def _is_dust(case: Case, pair: str, amount: float) -> bool:
    """No order of that size can be placed, a stop neither."""
    return any(amount < m.minimum for m in case.schedule.markets if m.pair == pair)


def _stops_taken(case: Case, pair: str) -> list[Fact]:
    """Stops that our cancels took, as far as the run could know: a cancel that the exchange
    executes, unanswered, after the run's last list takes a stop that was just seen."""
    return [
        fact
        for run in case.runs
        for fact in case.played.journal.of(What.GONE)
        if fact.pair == pair
        and fact.actor is Actor.US
        and fact.payload.role is OrderRole.PROTECTIVE
        and fact.request in run.requests
        and _could_be_known(run, fact)
    ]


def _could_be_known(run: OneRun, gone: Fact) -> bool:
    end = run.end_of(gone.request) if gone.request else None
    if end is not None and end.what is What.ANSWERED:
        return True
    last_look = max((fact.seq for fact in run.facts if fact.what is What.LOOKED), default=-1)
    return any(
        fact.after >= gone.at and fact.seq < last_look
        for fact in run.facts
        if fact.what is What.LISTED
    )


def _stops_were_touched_by_hand(case: Case, pair: str) -> bool:
    """By a person, or by a cancel of ours that was executed when no run could know any more."""
    known = _stops_taken(case, pair)
    return any(
        fact.actor is Actor.USER or (fact.actor is Actor.US and fact not in known)
        for fact in case.played.journal.of(What.GONE)
        if fact.pair == pair and fact.payload.role is OrderRole.PROTECTIVE
    )


def _protection(case: Case, pair: str, taken: list[Fact]) -> tuple[float, float]:
    """Base currency: what should be covered at the end, and what is."""
    first = min(fact.request.seq for fact in taken if fact.request)
    shown = [f for f in case.played.journal.of(What.SHOWN) if f.seq < first]
    since = shown[-1].before if shown else float("-inf")
    moments = [since, *(f.at for f in case.truth.fills[pair] if f.at > since)]
    # What appeared after that never had a stop.
    least = min(case.truth.open_at(pair, moment) for moment in moments)
    least = min(least, _could_know_of(case, pair))
    stops = [
        order
        for order in case.played.account.orders.values()
        if order.pair == pair and order.role is OrderRole.PROTECTIVE
    ]
    put_back = {f.order_id for f in case.played.journal.of(What.PLACED) if f.actor is Actor.US}
    untouched = sum(order.amount for order in stops if order.order_id not in put_back)
    triggered = sum(case.played.account.fills.get(order_id, 0.0) for order_id in put_back)
    ours = [fact.amount for fact in taken if fact.order_id not in put_back]
    needed = min(least, max(0.0, sum(ours) - triggered) + untouched)
    return needed, sum(order.amount for order in stops)


def _could_know_of(case: Case, pair: str) -> float:
    """Base currency: what the last look told, less what our orders have filled since."""
    shown = case.played.journal.of(What.SHOWN)
    if not shown:
        return 0.0
    told = float(sum(p.amount for p in shown[-1].payload if p.pair == pair))
    ours = (f for f in case.truth.fills[pair] if f.actor is Actor.US and f.at > shown[-1].at)
    return max(0.0, told - sum(abs(fact.amount) for fact in ours))


def _is_excused(case: Case, pair: str) -> bool:
    for run in case.runs:
        if any(_is_refused_or_unanswered(run, fact) for fact in run.facts if fact.pair == pair):
            return True
        outcomes = run.result.outcomes if run.result else ()
        if any(o.pair == pair and o.state is PairState.NOT_PROVEN for o in outcomes):
            return True
    return _nobody_knew(case, pair)


def _is_refused_or_unanswered(run: OneRun, fact: Fact) -> bool:
    """A put-back that the exchange did not take: it was asked, and is not to blame on us."""
    if fact.verb is not Verb.PUT_BACK:
        return False
    end = run.end_of(fact) if fact.what is What.REQUEST else None
    unanswered = fact.what is What.REQUEST and end is None
    return fact.what in (What.RAISED, What.GIVEN_UP, What.NOT_SENT) or unanswered


def _nobody_knew(case: Case, pair: str) -> bool:
    """A cancel was never answered, and no look after it succeeded: to put a stop back then could
    make two of one."""
    for run in case.runs:
        doubts = [
            f
            for f in run.facts
            if f.verb is Verb.CANCEL and f.pair == pair and f.what in (What.RAISED, What.GIVEN_UP)
        ]
        if doubts and not _was_settled(run, doubts[-1]):
            return True
    return False


def _was_settled(run: OneRun, doubt: Fact) -> bool:
    """A look after it was complete: orders, and positions no older than they are."""
    later = [fact for fact in run.facts if fact.seq > doubt.seq]
    listed = next((fact.seq for fact in later if fact.what is What.LISTED), None)
    return listed is not None and any(f.what is What.LOOKED and f.seq > listed for f in later)


@invariant
def what_is_to_stay_stays(case: Case) -> Iterator[str]:
    """What the configuration forbids an automatic run is not done, and a disabled trigger asks
    nothing at all."""
    config = case.schedule.config
    triggers = config.get("triggers", ["shutdown", "stop", "fatal_error"])
    for run in case.runs:
        if not run.automatic:
            continue
        if run.trigger not in triggers and run.requests:
            yield f"a run by {run.trigger} that is switched off sent {run.requests[0].verb}"
        may_close = config.get("close_positions", True)
        may_cancel = config.get("cancel_orders", True)
        for request in run.sent(Verb.CLOSE, Verb.CANCEL, Verb.PUT_BACK):
            role = request.payload.role if request.verb is Verb.CANCEL else None
            if not may_close and role is not OrderRole.ENTRY:
                yield f"{request.pair}: {request.verb} though close_positions is false"
            if not may_cancel and role is OrderRole.ENTRY:
                yield f"{request.pair}: entry cancelled though cancel_orders is false"


@invariant
def what_is_out_of_scope_is_not_touched(case: Case) -> Iterator[str]:
    """A run for some pairs sends nothing for the others; an obstacle keeps a pair from closes."""
    obstacles = {market.pair for market in case.schedule.markets if market.obstacle}
    for run in case.runs:
        for request in run.sent(Verb.CLOSE, Verb.CANCEL, Verb.PUT_BACK):
            if request.pair not in case.pairs_of(run, request.seq):
                yield f"{request.pair}: {request.verb}, and the run is not for it"
            if request.verb is Verb.CLOSE and request.pair in obstacles:
                yield f"{request.pair}: a closing order, and it must not be closed"

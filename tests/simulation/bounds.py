"""Invariants: time, number and order of what is sent."""

from collections.abc import Iterator

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.errors import AccountRefused, ExchangeRefused, ExchangeUnavailable
from freqtrade_liquidation.model import PairState
from tests.simulation.case import CRUMB, INSTANT_S, Case, invariant
from tests.simulation.journal import Fact, What
from tests.simulation.runs import OneRun
from tests.simulation.schedule import Fate, Fortune, Verb

LONGEST_ATTEMPT_S = 2.0
ATTEMPTED = (What.REQUEST, What.NOT_SENT)
"""An attempt counts whether or not the line lets it out."""


@invariant
def the_deadline_holds(case: Case) -> Iterator[str]:
    """A run ends by its deadline, sends nothing after it, and no attempt waits longer than 2 s or
    half of what is left (the booking: all that is left)."""
    for run in case.runs:
        for request in run.requests:
            left = run.deadline - request.at
            allowed = left if request.verb is Verb.BOOK else min(LONGEST_ATTEMPT_S, left / 2)
            if left <= 0:
                yield f"{request.verb} was sent {-left:.3f} s after the deadline"
            elif request.before > allowed + INSTANT_S:
                yield f"{request.verb} may take {request.before:.3f} s, allowed: {allowed:.3f} s"
        if run.ended is None:
            continue
        if run.ended.at > run.deadline + INSTANT_S:
            yield f"the run ended {run.ended.at - run.deadline:.3f} s after its deadline"
        took = run.ended.at - run.began.at
        if run.result and abs(run.result.duration_seconds - took) > INSTANT_S:
            yield f"the run took {took:.3f} s and says {run.result.duration_seconds:.3f} s"


@invariant
def nothing_is_sent_outside_of_runs(case: Case) -> Iterator[str]:
    """Before its start is on record or after its end, a run sends nothing."""
    inside = {fact.seq for run in case.runs for fact in run.requests}
    ends = {run.ended.at for run in case.ended if run.ended}
    for fact in case.played.journal.of(What.REQUEST):
        # A question asked and called off in the instant of the end is no harm.
        called_off = fact.at in ends and not (fact.verb and fact.verb.is_write)
        if fact.seq not in inside and not called_off:
            yield f"{fact.verb} {fact.pair} was sent outside of any run"


@invariant
def intent_precedes_the_request(case: Case) -> Iterator[str]:
    """Each cancel, close and put-back is announced on record before it is sent."""
    for run in case.runs:
        announced: list[tuple[Verb, str]] = []
        for fact in run.facts:
            if fact.what is What.EVENT:
                announced += _announced(fact)
            elif fact.what is What.REQUEST and fact.verb is not None and fact.verb.is_write:
                name = fact.order_id
                if fact.verb is Verb.PUT_BACK:
                    name = fact.payload.order_id
                if (fact.verb, name) not in announced:
                    yield f"{fact.pair}: {fact.verb} {name} was sent unannounced"
                else:
                    announced.remove((fact.verb, name))


def _announced(fact: Fact) -> list[tuple[Verb, str]]:
    event = fact.payload
    match event.event_type:
        case Event.CANCEL_INTENDED:
            return [(Verb.CANCEL, o["order_id"]) for o in event.additional_data["orders"]]
        case Event.CLOSE_INTENDED:
            return [(Verb.CLOSE, event.additional_data["client_order_id"])]
        case Event.STOP_INTENDED:
            return [(Verb.PUT_BACK, event.additional_data["order_id"])]
        case _:
            return []


@invariant
def attempts_are_bounded(case: Case) -> Iterator[str]:
    """At most ``max_retries`` further attempts: cancels of an order, closes of a pair since it was
    shown smaller, and questions in a row without an answer."""
    allowed = case.schedule.max_retries + 1
    for run in case.runs:
        cancels: dict[str, int] = {}
        for request in run.sent(Verb.CANCEL):
            cancels[request.order_id] = cancels.get(request.order_id, 0) + 1
        yield from (f"{o}: {n} cancels" for o, n in cancels.items() if n > allowed)
        for pair in sorted({request.pair for request in run.sent(Verb.CLOSE)}):
            most = max(rounds for rounds, _ in _close_rounds(run, pair))
            if most > allowed:
                yield f"{pair}: {most} attempts to close it, allowed: {allowed}"
        for verb in (Verb.POSITIONS, Verb.ORDERS):
            if (most := _unanswered_in_a_row(run, verb)) > allowed:
                yield f"{verb}: asked {most} times for one answer, allowed: {allowed}"


def _close_rounds(run: OneRun, pair: str) -> Iterator[tuple[int, Fact]]:
    """For each close of *pair*: which attempt it is since the pair was shown smaller."""
    shown, tried, rounds, looks, at_look = float("inf"), float("inf"), 0, 0, -1
    for fact in run.facts:
        if fact.what is What.SHOWN:
            shown = sum(p.amount for p in fact.payload if p.pair == pair)
            looks += 1
        elif fact.what in ATTEMPTED and fact.verb is Verb.CLOSE and fact.pair == pair:
            if looks != at_look:  # several pieces after one look are one attempt
                rounds = 1 if shown < tried * (1 - 1e-9) else rounds + 1
                tried, at_look = shown, looks
            yield rounds, fact


def _unanswered_in_a_row(run: OneRun, verb: Verb) -> int:
    """How often one question was asked; each look asks anew."""
    most = asked = 0
    for fact in run.facts:
        if fact.what is What.EVENT:
            noted = fact.payload.additional_data
            if noted.get("request") == str(verb):
                most = max(most, int(noted["attempt"]))
        elif fact.what is What.REQUEST and fact.verb is Verb.POSITIONS is verb:
            asked += 1
            most = max(most, asked)
        elif fact.what is What.ANSWERED and fact.verb is Verb.POSITIONS is verb:
            asked = 0
    return most


@invariant
def attempts_are_used(case: Case) -> Iterator[str]:
    """Where the exchange was merely unavailable, a pair is not given up while attempts and time
    for them are left."""
    config = case.schedule.config
    for run in case.ended:
        for outcome in run.result.outcomes if run.result else ():
            if outcome.state is not PairState.OPEN:
                continue
            rounds = list(_close_rounds(run, outcome.pair))
            if not rounds or rounds[-1][0] > case.schedule.max_retries:
                continue
            ends = [run.end_of(fact) for _, fact in rounds]
            if any(
                end is not None and type(end.payload) in (ExchangeRefused, AccountRefused)
                for end in ends
            ):
                continue  # one piece refused is the pair refused
            end = ends[-1]
            if end is None or type(end.payload) is not ExchangeUnavailable:
                continue
            if "not sent" in end.words:
                continue
            asked = end.payload.retry_after_s or 0.0
            delay = max(asked, config.get("retry_delay_seconds", 0.5) * 2.0 ** rounds[-1][0])
            errors = run.result.errors if run.result else ()
            if any("look at the exchange" in e or "list of open orders" in e for e in errors):
                continue  # the attempts of a question were used up
            reserve = 1.5 if case.schedule.spot else 0.0
            if run.ended and run.ended.at + delay + reserve + 0.5 < run.deadline:
                yield (
                    f"{outcome.pair} was given up after {rounds[-1][0]} attempts with "
                    f"{run.deadline - run.ended.at:.1f} s left"
                )


@invariant
def a_look_precedes_every_further_attempt(case: Case) -> Iterator[str]:
    """After a closing order the next one for its pair waits for its end and for positions asked
    after that; and no round asks for more than the last look showed."""
    for run in case.runs:
        shown: Fact | None = None
        sent: dict[str, list[Fact]] = {}
        for fact in run.facts:
            if fact.what is What.SHOWN:
                shown = fact
            elif fact.what is What.REQUEST and fact.verb is Verb.CLOSE:
                yield from _blind(run, fact, sent.setdefault(fact.pair, []), shown)
                sent[fact.pair].append(fact)


def _blind(run: OneRun, fact: Fact, before: list[Fact], shown: Fact | None) -> Iterator[str]:
    if shown is None or shown.request is None:
        yield f"{fact.pair}: a closing order before any look"
        return
    held = sum(p.amount for p in shown.payload if p.pair == fact.pair)
    together = fact.amount
    for earlier in before:
        end = run.end_of(earlier)
        if earlier.seq > shown.seq:
            together += earlier.amount  # the same round
        elif end is None or end.seq > shown.request.seq:
            yield f"{fact.pair}: closed again, and nobody looked since the last order's end"
    if together > held + CRUMB:
        yield f"{fact.pair}: closing orders for {together:g}, shown were {held:g}"


@invariant
def the_exchange_is_not_asked_before_it_wants(case: Case) -> Iterator[str]:
    """``Retry-After``: the same question, or an order for the same pair, comes no earlier, not even
    as an attempt that the line holds back. (On spot a question is several requests, and the run is
    told of one of their errors.)"""
    verbs = (Verb.CLOSE,) if case.schedule.spot else (Verb.POSITIONS, Verb.CLOSE)
    for run in case.runs:
        told: dict[tuple[Verb | None, str], tuple[float, float]] = {}
        for fact in run.facts:
            if fact.verb not in verbs:
                continue
            key = (fact.verb, fact.pair)
            told_at, not_before = told.get(key, (0.0, 0.0))
            early_s = not_before - fact.at
            attempt = fact.what in (What.REQUEST, What.NOT_SENT)
            if attempt and early_s > INSTANT_S and fact.at > told_at:
                yield f"{fact.verb} {fact.pair} came {early_s:.3f} s before the exchange allowed"
            if fact.what in (What.RAISED, What.NOT_SENT):
                asked_s = getattr(fact.payload, "retry_after_s", None) or 0.0
                told[key] = (fact.at, max(not_before, fact.at + asked_s))


@invariant
def a_calm_run_ends_flat(case: Case) -> Iterator[str]:
    """With nothing in the way everything is closed, in five round trips at most (spot with stops:
    seven): the other invariants do not hold because nothing is done."""
    schedule = case.schedule
    if not _is_calm(case):
        return
    trip = max((f.out_s + f.back_s for f in _fortunes(case)), default=0.1)
    for run in case.ended:
        if run.result is None or run.result.skip_reason:
            continue
        if not run.result.success:
            yield f"nothing in the way, and the run by {run.trigger} ended {run.result.state}"
        trips = (run.ended.at - run.began.at) / trip if run.ended else 0.0
        if trips > (9 if schedule.spot else 6) + 1.0 / trip:
            yield f"nothing in the way, and it took {trips:.1f} round trips"


def _fortunes(case: Case) -> list[Fortune]:
    return [
        *case.schedule.usual.values(),
        *(fortune for many in case.schedule.fortunes.values() for fortune in many),
    ]


def _is_calm(case: Case) -> bool:
    schedule = case.schedule
    config = schedule.config
    return (
        not schedule.moves
        and not schedule.in_air
        and schedule.lag_s < 0.2
        and schedule.crash_at_s is None
        and config.get("cancel_orders", True)
        and config.get("timeout_seconds", 5.0) >= 4.0
        and not any(market.obstacle for market in schedule.markets)
        and all(f.fate is Fate.DONE and f.share == 1.0 for f in _fortunes(case))
        and all(f.out_s + f.back_s < 0.4 for f in _fortunes(case))
    )

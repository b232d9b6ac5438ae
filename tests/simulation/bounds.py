"""Invariants: time, number and order of what is sent."""

import math
from collections import Counter
from collections.abc import Iterator

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.model import PairState
from tests.simulation.case import INSTANT_S, TINY, Case, invariant
from tests.simulation.journal import Fact, What
from tests.simulation.runs import WRITES, OneRun
from tests.simulation.schedule import Endpoint, Word

WINDS_UP_S = 0.01
ATTEMPTED = (What.REQUEST, What.NOT_SENT)
"""An attempt counts whether or not the line lets it out."""


@invariant
def the_deadline_holds(case: Case) -> Iterator[str]:
    """A run ends by its deadline and sends nothing after it."""
    for run in case.runs:
        for request in run.requests:
            if request.at >= run.deadline:
                late_s = request.at - run.deadline
                yield f"{request.endpoint} was sent {late_s:.3f} s after the deadline"
        if run.ended is None:
            continue
        if run.ended.at > run.deadline + WINDS_UP_S:
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
        called_off = fact.at in ends and fact.endpoint not in WRITES
        if fact.seq not in inside and not called_off:
            yield f"{fact.endpoint} {fact.pair} was sent outside of any run"


@invariant
def intent_precedes_the_request(case: Case) -> Iterator[str]:
    """Each cancel, close and put-back is announced on record before it is sent."""
    for run in case.runs:
        announced: Counter[tuple[Endpoint, str]] = Counter()
        for fact in run.facts:
            if fact.what is What.EVENT:
                announced.update(_announced(fact))
            elif fact.what is What.REQUEST and fact.endpoint in WRITES:
                name = fact.order_id
                if fact.endpoint is Endpoint.PUT_BACK:
                    name = fact.pair
                key = (fact.endpoint, name)
                if announced[key] <= 0:
                    yield f"{fact.pair}: {fact.endpoint} {name} was sent unannounced"
                announced[key] -= 1


def _announced(fact: Fact) -> list[tuple[Endpoint, str]]:
    event = fact.payload
    match event.event_type:
        case Event.CANCEL_INTENDED:
            return [(Endpoint.CANCEL, o["order_id"]) for o in event.additional_data["orders"]]
        case Event.CLOSE_INTENDED:
            return [(Endpoint.CLOSE, event.additional_data["client_order_id"])]
        case Event.STOP_INTENDED:
            return [(Endpoint.PUT_BACK, event.pair)]
        case _:
            return []


@invariant
def attempts_are_bounded(case: Case) -> Iterator[str]:
    """At most ``max_retries`` further sendings: cancels of an order, and closes of a pair since it
    last got smaller or was turned, by a list or by the answer to a close, to the cancel of an exit,
    or about the pair alone."""
    allowed = case.schedule.max_retries + 1
    for run in case.runs:
        cancels = Counter(request.order_id for request in run.sent(Endpoint.CANCEL))
        yield from (f"{o}: {n} cancels" for o, n in cancels.items() if n > allowed)
        for pair in sorted({request.pair for request in run.sent(Endpoint.CLOSE)}):
            most = max(rounds for rounds, _ in _close_rounds(run, pair))
            if most > allowed:
                yield f"{pair}: {most} attempts to close it, allowed: {allowed}"


def _close_rounds(run: OneRun, pair: str, *, known: float = math.inf) -> Iterator[tuple[int, Fact]]:
    """For each close of *pair*: which attempt it is since the pair last got smaller.

    :param known: base currency, before any list; inf = what is sent before one does not count.
    """
    shown, tried, rounds, sent_at, side = known, math.inf, 0, -1.0, ""
    has_filled = False
    for fact in run.facts:
        if fact.what is What.SHOWN:
            shown = sum(p.amount for p in fact.payload if p.pair == pair)
        elif fact.what is What.EXPLAINED and pair in fact.payload:
            told = fact.payload[pair]
            shown = shown if told.held is None else told.held.amount
            has_filled = has_filled or any(told.entries.values())
        elif fact.endpoint not in (Endpoint.CLOSE, Endpoint.CANCEL) or fact.pair != pair:
            continue
        elif fact.what is What.ANSWERED:
            has_filled = has_filled or bool(fact.payload.get("filled"))
        elif fact.what is What.REQUEST and fact.endpoint is Endpoint.CLOSE:
            if fact.at > sent_at:  # several pieces in one instant are one attempt
                is_smaller = has_filled or shown < tried * (1 - 1e-9)
                is_another = side not in ("", fact.payload["side"])  # it was turned
                rounds = 1 if is_smaller or is_another else rounds + 1
                tried, sent_at, has_filled = shown, fact.at, False
                side = fact.payload["side"]
            yield rounds, fact


@invariant
def time_that_is_left_is_used(case: Case) -> Iterator[str]:
    """A pair is not given up while attempts and time for them are left: not where the exchange was
    unavailable, refused it for a moment, or has nothing to reduce and the list lags behind it."""
    config = case.schedule.config
    longest = max(2.0, config.get("retry_delay_seconds", 0.5) * 2.0**case.schedule.max_retries)
    for run in case.ended:
        if run.result is None or run.result.skip_reason or run.ended is None:
            continue
        if run.deadline - run.ended.at < longest + 1.0 or _was_shut_out(run):
            continue
        for outcome in run.result.outcomes:
            left = outcome.state in (PairState.OPEN, PairState.NOT_PROVEN)
            if left and not _was_done_with(case, run, outcome.pair):
                yield (
                    f"{outcome.pair} was given up ({outcome.state}) with "
                    f"{run.deadline - run.ended.at:.1f} s left: {outcome.error}"
                )


def _was_shut_out(run: OneRun) -> bool:
    """The exchange refused the account, or to answer a list however often it was asked."""
    dead = run.played.schedule.weather.dead
    words = run.result.errors if run.result else ()
    return bool(dead) or any("refused this account" in e for e in words)


def _was_done_with(case: Case, run: OneRun, pair: str) -> bool:
    """Its attempts are used up, it was refused for good, or must not be closed."""
    market = case.account.markets.get(pair)
    if market is None or market.renamed or pair in case.schedule.rules.hedged:
        return True
    rounds = list(_close_rounds(run, pair, known=case.recorded(pair) or math.inf))
    if rounds and rounds[-1][0] > case.schedule.max_retries:
        return True
    cancels = Counter(r.order_id for r in run.sent(Endpoint.CANCEL) if r.pair == pair)
    if any(count > case.schedule.max_retries for count in cancels.values()):
        return True
    for request in run.sent(Endpoint.CLOSE, Endpoint.CANCEL):
        if request.pair == pair and (
            request.words in (Word.REFUSED, Word.ACCOUNT) or _is_out_of_coins(run, request)
        ):
            return True
    # A sell without a known outcome is not sent again where the account is shared.
    unknown = (r for r in run.sent(Endpoint.CLOSE) if r.pair == pair and _is_unknown(run, r))
    return case.schedule.shared and any(unknown)


def _is_out_of_coins(run: OneRun, request: Fact) -> bool:
    end = run.end_of(request)
    return end is not None and end.what is What.RAISED and "-2010" in end.words


def _is_unknown(run: OneRun, request: Fact) -> bool:
    end = run.end_of(request)
    return end is None or end.what is What.GIVEN_UP or _unanswered(end)


def _unanswered(end: Fact) -> bool:
    return end.what is What.RAISED and any(
        words in end.words for words in ("NetworkError", "Timeout", "NotAvailable")
    )


@invariant
def a_look_precedes_every_further_attempt(case: Case) -> Iterator[str]:
    """No closing order asks for more than the newest look showed, less what orders since have
    filled or may fill. Where the account is shared, the next one for a pair also waits for the last
    one's end: its own final state, or a look that was asked for after it ended. (Scope account:
    what the bot knows may go before any look.)"""
    for run in case.runs:
        shown: Fact | None = None
        alone: dict[str, tuple[float, float]] = {}
        sent: dict[str, list[Fact]] = {}
        for fact in run.facts:
            if fact.what is What.SHOWN:
                if shown is None or case.schedule.spot or _is_newer(fact, shown):
                    shown, alone = fact, _still_alone(fact, alone)
            elif fact.what is What.EXPLAINED:
                alone |= {pair: (amount, fact.at) for pair, amount in _shown_alone(fact).items()}
            elif fact.what is What.REQUEST and fact.endpoint is Endpoint.CLOSE:
                before = sent.setdefault(fact.pair, [])
                more, _ = alone.get(fact.pair, (0.0, 0.0))
                yield from _blind(case, run, fact, before, shown, more)
                before.append(fact)


def _is_newer(fact: Fact, shown: Fact) -> bool:
    """A list that was asked for later. (On spot each tells all that has been answered by then.)"""
    return (fact.executed_at or 0.0) >= (shown.executed_at or 0.0)


def _still_alone(
    shown: Fact, alone: dict[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """What was told of pairs alone in the instant of a list that leaves them out: both answers are
    new, and the one about the pair alone omits nothing."""
    listed = {position.pair for position in shown.payload}
    return {
        pair: (amount, at)
        for pair, (amount, at) in alone.items()
        if at == shown.at and pair not in listed
    }


def _shown_alone(fact: Fact) -> dict[str, float]:
    """By pair, base currency: what an answer about it alone showed, or its entries' fills."""
    return {
        pair: max(
            told.held.amount if told.held else 0.0,
            sum(entry.amount for entry in told.entries.values() if entry),
        )
        for pair, told in fact.payload.items()
    }


def _blind(
    case: Case, run: OneRun, fact: Fact, before: list[Fact], shown: Fact | None, alone: float
) -> Iterator[str]:
    shared = case.schedule.shared
    if shown is None:
        if shared or any(earlier.at < fact.at for earlier in before):
            yield f"{fact.pair}: a closing order before any look"
        return
    held = max(alone, sum(p.amount for p in shown.payload if p.pair == fact.pair))
    together = fact.amount
    for earlier in before:
        taken = _taken_by(case, run, earlier, fact)
        asked_at = (shown.executed_at or 0.0) + INSTANT_S
        looked = (end := run.end_of(earlier)) and end.at <= asked_at
        if earlier.seq > shown.seq:
            together += earlier.amount if taken is None else taken
        if shared and taken is None and not looked and earlier.at < fact.at:
            yield f"{fact.pair}: closed again, and nobody knows what became of the last order"
    if together > held + TINY:
        yield f"{fact.pair}: closing orders for {together:g}, shown were {held:g}"


def _taken_by(case: Case, run: OneRun, earlier: Fact, fact: Fact) -> float | None:
    """Base currency that *earlier* has filled for good, as the run could know before *fact*;
    ``None`` = it may still fill, or nobody was told."""
    order = case.account.names.get(earlier.order_id)
    told = [run.end_of(earlier)]
    for asked in run.sent(Endpoint.ORDER):
        if asked.order_id == earlier.order_id or (order and asked.order_id == order.order_id):
            told.append(run.end_of(asked))
    heard = [end for end in told if end is not None and end.seq < fact.seq]
    if any(e.what is What.RAISED and not _unanswered(e) for e in heard if e is told[0]):
        return 0.0
    answered = any(end.what is What.ANSWERED for end in heard)
    return order.filled if answered and order is not None and not order.rests else None


@invariant
def the_exchange_is_not_asked_before_it_wants(case: Case) -> Iterator[str]:
    """``Retry-After``: an order for the same pair comes no earlier, not even as an attempt that the
    line holds back."""
    for run in case.runs:
        not_before: dict[str, float] = {}
        told_at: dict[str, float] = {}
        for fact in run.facts:
            if fact.endpoint is not Endpoint.CLOSE:
                continue
            early_s = not_before.get(fact.pair, 0.0) - fact.at
            together = fact.at - told_at.get(fact.pair, 0.0) <= INSTANT_S  # pieces of one close
            if fact.what in ATTEMPTED and early_s > INSTANT_S and not together:
                yield f"close {fact.pair} came {early_s:.3f} s before the exchange allowed"
            if fact.what in (What.RAISED, What.NOT_SENT):
                asked_s = getattr(fact.payload, "retry_after_s", None) or 0.0
                if fact.what is What.NOT_SENT:
                    asked_s = float(fact.payload)
                until, told_at[fact.pair] = fact.at + asked_s, fact.at
                not_before[fact.pair] = max(not_before.get(fact.pair, 0.0), until)


@invariant
def a_calm_run_ends_flat(case: Case) -> Iterator[str]:
    """With nothing in the way everything is closed, however old the lists are, where there is time
    for two of them to catch up: one shows what the account has beyond the bot's trades, and the
    next that it is gone. So the other invariants do not hold because nothing is done."""
    if not _is_calm(case):
        return
    for run in case.ended:
        if run.result is None or run.result.skip_reason or run.automatic:
            continue
        if not run.result.success:
            words = "; ".join(run.result.errors)
            yield f"nothing in the way, and the run ended {run.result.state}: {words}"


def _is_calm(case: Case) -> bool:
    schedule = case.schedule
    weather = schedule.weather
    return (
        not schedule.moves
        and not schedule.flights
        and not weather.faults
        and not weather.script
        and not schedule.rules.hedged
        and schedule.timeout_s >= max(5.0, 2 * schedule.lags.positions + 2.0)
        and schedule.max_retries >= 1
        and weather.pace_s <= 0.3
        and not any(book.market.renamed for book in schedule.books)
        and len(schedule.asked) == 1
        and not any(book.trade and book.trade.dry_run for book in schedule.books)
        and schedule.database == "answers"
    )

"""Invariants: no position is less protected than it was found."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.simulation.case import TINY, Case, invariant
from tests.simulation.honesty import GONE, never_told
from tests.simulation.journal import What
from tests.simulation.runs import OneRun
from tests.simulation.schedule import Endpoint
from tests.simulation.world.records import Kind, Order, Owner


@dataclass
class Stops:
    """The stops of one pair that a run took and put back.

    :param needed: base currency that was covered when they were taken, and is open still.
    :param standing: base currency that stops cover at the end.
    """

    pair: str
    taken: list[Order]
    put_back: list[Order] = field(default_factory=list)
    needed: float = 0.0
    standing: float = 0.0

    @property
    def missing(self) -> float:
        """Base currency."""
        return self.needed - self.standing


def stops_of(case: Case) -> Iterator[Stops]:
    """Of each pair of which a run took one."""
    for pair in sorted(case.pairs):
        stops = [o for o in case.account.orders.values() if o.pair == pair and _protects(case, o)]
        taken = [o for o in stops if o.ended_by is Owner.RUN and o.owner is not Owner.RUN]
        if not taken:
            continue
        put_back = [o for o in stops if o.owner is Owner.RUN]
        others = [o for o in stops if o.owner is not Owner.RUN and o not in taken]
        covered = sum(o.left for o in taken) + sum(o.left for o in others if o.rests)
        # What triggered of those that were put back has done its work.
        covered -= sum(o.amount for o in put_back if not o.rests and o.ended_by is not Owner.USER)
        least = case.least_since(pair, case.began)  # what came later never had a stop
        least -= _never_told(case, pair, max(order.ended_at for order in taken))
        standing = sum(o.left for o in (*put_back, *others) if o.rests)
        yield Stops(pair, taken, put_back, max(0.0, min(least, covered)), standing)


def _never_told(case: Case, pair: str, since: float) -> float:
    """Scope account: base currency of *pair* that no answer told a run which ended since then, and
    which told it closed. A stop of what is shown to be gone is cleared."""
    runs = [run for run in case.ended if run.ended is not None and run.ended.at >= since]
    outcomes = (o for run in runs if run.result is not None for o in run.result.outcomes)
    if case.schedule.shared or any(o.pair == pair and o.state not in GONE for o in outcomes):
        return 0.0
    return min((never_told(case, run, pair) for run in runs), default=0.0)


def _protects(case: Case, order: Order) -> bool:
    ours = order.owner is not Owner.USER or not case.schedule.shared
    return order.kind is Kind.STOP and ours


@invariant
def no_position_is_left_without_the_stop_it_had(case: Case) -> Iterator[str]:
    """Unless the exchange refused the put-back or never answered it, or never answered the sell
    (its stop could then only sell the user's own coins), or the cancel, or what the sell or a stop
    had sold, where the answer to the sell or the cancel does not tell; and then it is told. The
    stop of what no answer could tell is cleared with the rest."""
    for stops in stops_of(case):
        if _were_touched_by_hand(stops) or not _matters(case, stops.pair, stops.missing):
            continue
        told_too_late = any(_learnt_too_late(case, run, stops) for run in case.runs)
        if not told_too_late and not any(_is_excused(run, stops) for run in case.runs):
            yield (
                f"{stops.pair}: {stops.needed:g} had a stop that we took, {stops.standing:g} has "
                "one at the end, and the exchange did not refuse to put it back"
            )


@invariant
def a_lost_stop_is_told(case: Case) -> Iterator[str]:
    """Whatever the reason: it is on record, under its pair."""
    for stops in stops_of(case):
        if _were_touched_by_hand(stops) or not _matters(case, stops.pair, stops.missing):
            continue
        if not any(run.told_lost(stops.pair) for run in case.runs):
            yield (
                f"{stops.pair}: {stops.needed:g} had a stop, {stops.standing:g} has one, and no "
                "event says so"
            )


@invariant
def a_stop_comes_back_as_it_was(case: Case) -> Iterator[str]:
    """On its side, at its trigger and its limit, for no more than it covered. One that a person
    cancels, or that triggers, while we cancel it may come back, too."""
    for stops in stops_of(case):
        gone = _gone_meanwhile(case, stops.pair)
        left = {id(order): order.left for order in stops.taken}
        left |= {id(order): order.amount for order in gone}
        for back in stops.put_back:
            like = [order for order in (*stops.taken, *gone) if _is_like(order, back)]
            if not like:
                was = ", ".join(_terms(order) for order in stops.taken)
                yield f"{stops.pair}: put back as {_terms(back)}; it was {was}"
            elif back.rests:
                most = max(like, key=lambda order: left[id(order)])
                left[id(most)] -= back.amount
                if left[id(most)] < -TINY:
                    yield f"{stops.pair}: put back for {back.amount:g}, more than it covered"


def _gone_meanwhile(case: Case, pair: str) -> list[Order]:
    """The bot's stops that a person cancelled, or that triggered, before the run's own cancel: the
    answer is that there is no such order, and why, only a further answer tells."""
    sent = {request.order_id for run in case.runs for request in run.sent(Endpoint.CANCEL)}
    return [
        order
        for order in case.account.orders.values()
        if order.pair == pair
        and order.kind is Kind.STOP
        and order.owner is Owner.BOT
        and not order.rests
        and order.ended_by is not Owner.RUN
        and order.order_id in sent
    ]


def _is_like(one: Order, other: Order) -> bool:
    return (one.side, one.trigger, one.limit) == (other.side, other.trigger, other.limit)


def _terms(order: Order) -> str:
    return f"{order.side} at {order.trigger}, limit {order.limit}"


@invariant
def stops_cover_no_more_than_is_left(case: Case) -> Iterator[str]:
    """Spot and scope trades: stops that are put back could not close the user's own, or no more of
    it than the bot's stops could before. What a person closes by hand afterwards, nobody can know;
    nor what he buys after the newest balance, without which the exchange would have refused a stop
    for coins that are sold."""
    if not case.schedule.shared:
        return
    for order in case.account.orders.values():
        if order.owner is not Owner.RUN or order.kind is not Kind.STOP:
            continue
        moment = order.placed_at
        stops = sum(
            o.amount - o.filled_at(moment)
            for o in case.account.orders.values()
            if o.pair == order.pair
            and o.kind is Kind.STOP
            and o.owner is not Owner.USER
            and o.placed_at <= moment < o.ended_at
        )
        left = abs(case.account.bots[order.pair].at(moment))
        allowed = left + _beyond_before(case, order.pair) + _bought_unseen(case, order)
        if stops > allowed + TINY:
            yield f"{order.pair}: stops for {stops:g}, the bot holds {left:g}"


def _beyond_before(case: Case, pair: str) -> float:
    """Base currency that the bot's stops covered in the beginning beyond what it held: each is for
    a whole step."""
    book = next(book for book in case.schedule.books if book.pair == pair)
    stops = (r for r in book.resting if r.kind is Kind.STOP and r.owner is Owner.BOT)
    return max(0.0, sum(stop.amount - stop.filled for stop in stops) - abs(book.bots))


def _bought_unseen(case: Case, stop: Order) -> float:
    """Base currency that a person bought by hand after the newest balance that had been answered
    when *stop* was sent."""
    if stop.request is None or not case.schedule.spot:
        return 0.0
    read = [
        fact.request.executed_at or 0.0
        for fact in case.played.journal.facts[: stop.request.seq]
        if fact.what is What.ANSWERED
        and fact.request is not None
        and fact.endpoint is Endpoint.BALANCE
    ]
    as_of = max(read, default=case.began) - case.schedule.lags.balance
    return case.by_others_since(stop.pair, as_of, stop.placed_at)


def _matters(case: Case, pair: str, amount: float) -> bool:
    """No order for less than the smallest can be placed, a stop neither."""
    return amount > TINY and amount >= case.account.markets[pair].smallest - TINY


def _were_touched_by_hand(stops: Stops) -> bool:
    return any(order.ended_by is Owner.USER for order in stops.put_back)


def _learnt_too_late(case: Case, run: OneRun, stops: Stops) -> bool:
    """The answer to the cancel of one of them, or to a sell, did not tell its fill, or an entry had
    filled, and no question for it, asked after its end, was answered while two usual round trips
    were left to put the stop back in."""
    if not run.told_lost(stops.pair):
        return False
    orders = [order for order in case.account.orders.values() if order.pair == stops.pair]
    entries = [o for o in orders if o.owner is Owner.BOT and o.kind is Kind.LIMIT]
    untold = [o for o in entries if not o.left and o.ended_at >= case.began]
    if not case.schedule.rules.cancels_tell_fills:
        untold += [*stops.taken, *(o for o in orders if o.ended_by is Owner.RUN)]
    sells = {id(request): request for request in run.sent(Endpoint.CLOSE)}
    for order in case.account.orders.values():
        sell = sells.get(id(order.request))
        if order.pair == stops.pair and sell is not None and not _answer_tells(case, run, order):
            untold.append(order)
    return any(not _is_read_in_time(case, run, order) for order in untold)


def _answer_tells(case: Case, run: OneRun, sell: Order) -> bool:
    end = None if sell.request is None else run.end_of(sell.request)
    answered = end is not None and end.what is What.ANSWERED
    return answered and case.schedule.rules.tells_fills and end.at >= sell.ended_at  # type: ignore[union-attr]


def _is_read_in_time(case: Case, run: OneRun, order: Order) -> bool:
    in_time = run.deadline - 2 * case.schedule.weather.pace_s
    return any(
        request.order_id in (order.order_id, order.name)
        and (request.executed_at or 0.0) >= order.ended_at
        and (end := run.end_of(request)) is not None
        and end.at <= in_time
        for request in run.read(Endpoint.ORDER)
    )


def _is_excused(run: OneRun, stops: Stops) -> bool:
    if not run.told_lost(stops.pair):
        return False
    for request in run.sent(Endpoint.PUT_BACK, Endpoint.CLOSE, Endpoint.CANCEL):
        if request.pair != stops.pair:
            continue
        end = run.end_of(request)
        answered = end is not None and end.what is What.ANSWERED
        refused = end is not None and end.what is What.RAISED
        if request.endpoint is Endpoint.PUT_BACK and not answered:
            return True
        if not answered and (not refused or "Timeout" in end.words or "Network" in end.words):  # type: ignore[union-attr]
            return True  # the sell or the cancel has no known outcome
        if refused and "NotAvailable" in end.words:  # type: ignore[union-attr]
            return True
    not_sent = (f for f in run.facts if f.what is What.NOT_SENT and f.pair == stops.pair)
    return any(fact.endpoint is Endpoint.PUT_BACK for fact in not_sent)

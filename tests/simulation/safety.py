"""Invariants: nothing that a run does adds risk, or touches what is not ours."""

from collections.abc import Iterator

from tests.simulation.case import TINY, Case, invariant
from tests.simulation.journal import Fact, What
from tests.simulation.runs import WRITES
from tests.simulation.schedule import Endpoint
from tests.simulation.world.records import Change, Kind, Order, Owner


@invariant
def adds_no_exposure(case: Case) -> Iterator[str]:
    """No order of ours opens, grows or flips a position, or buys coins."""
    for fact in case.changes:
        change: Change = fact.payload
        if change.what != "fill" or change.by is not Owner.RUN:
            continue
        grows = abs(change.after) > abs(change.before) + TINY
        if grows or change.after * change.before < 0:
            yield f"{fact.pair}: our order took it from {change.before:g} to {change.after:g}"


@invariant
def closes_are_reduce_only(case: Case) -> Iterator[str]:
    """Every order of ours on futures says so, and on spot every one sells."""
    for run in case.runs:
        for request in run.sent(Endpoint.CLOSE, Endpoint.PUT_BACK):
            if request.payload is None:
                continue
            if case.schedule.spot and request.payload["side"] != "sell":
                yield f"{request.pair}: a {request.payload['side']} order on spot"
            elif not case.schedule.spot and not request.payload["reduce_only"]:
                yield f"{request.pair}: an order without reduceOnly"


@invariant
def the_users_own_stays(case: Case) -> Iterator[str]:
    """Spot and scope trades: whatever our orders, our stops and freqtrade's own exits fill, no more
    is closed than the bot bought. What a resting order of the bot's closes after the newest answer
    about it, nobody can know: a stop is not taken away before its position is gone. Nor that a
    person bought back, before the first look, what was gone behind the bot's back."""
    if not case.schedule.shared:
        return
    for fact in case.changes:
        change: Change = fact.payload
        if change.what != "fill" or not _is_ours(case, change):
            continue
        over = abs(change.bot_after) > abs(change.bot_before) + TINY
        if not over and change.bot_after * change.bot_before >= 0:
            continue
        taken = abs(change.bot_after) if not over else change.amount
        excused = _unseen(case, fact) + case.bought_back(fact.pair)
        if taken > excused + TINY:
            yield f"{fact.pair}: {taken:g} closed that the bot never bought"


def _unseen(case: Case, fact: Fact) -> float:
    """Base currency that the bot's resting orders have closed of the pair since the run was last
    told of them, before it sent what *fact* executes."""
    request = fact.payload.order.request
    if request is None:
        return 0.0
    lags = case.schedule.lags
    kinds = {
        Endpoint.ORDERS: lags.orders,
        Endpoint.STOPS: lags.stops,
        Endpoint.ORDER: 0.0,
    }
    newest = {kind: case.began for kind in kinds}
    for told in case.played.journal.facts[: request.seq]:
        asked = told.request
        if told.what is not What.ANSWERED or asked is None or asked.endpoint not in kinds:
            continue
        if asked.pair in ("", fact.pair) and asked.executed_at is not None:
            as_of = asked.executed_at - kinds[asked.endpoint]
            newest[asked.endpoint] = max(newest[asked.endpoint], as_of)
    seen_at = max(newest[Endpoint.ORDER], min(newest[Endpoint.ORDERS], newest[Endpoint.STOPS]))
    if case.schedule.spot:
        seen_at = newest[Endpoint.ORDER]
    return sum(
        change.amount
        for change in case.fills(fact.pair)
        if change.by is Owner.BOT
        and abs(change.bot_after) < abs(change.bot_before)
        and seen_at < case.at(change) <= fact.at
    )


def _is_ours(case: Case, change: Change) -> bool:
    """Of the run, or an exit of freqtrade's own that executes beside it."""
    order = change.order
    if change.by is Owner.RUN:
        return True
    is_exit = order.side == "sell" if case.schedule.spot else order.reduce_only
    in_flight = order.kind is Kind.MARKET and order.parent is None
    return order.owner is Owner.BOT and in_flight and is_exit


@invariant
def the_users_orders_stay(case: Case) -> Iterator[str]:
    """Spot and scope trades: no order is cancelled that freqtrade or the run did not place."""
    if not case.schedule.shared:
        return
    for order in case.account.orders.values():
        if order.ended_by is Owner.RUN and order.owner is Owner.USER:
            yield f"{order.pair}: the user's {_what(order)} {order.order_id} was cancelled"


def _what(order: Order) -> str:
    if order.kind is Kind.STOP:
        return "stop"
    return "take-profit" if order.reduce_only else "order"


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
            first = run.requests[0].endpoint
            yield f"a run by {run.trigger} that is switched off asked for {first}"
        may_close = config.get("close_positions", True)
        may_cancel = config.get("cancel_orders", True)
        for request in run.sent(*WRITES):
            order = case.account.orders.get(request.order_id)
            is_entry = request.endpoint is Endpoint.CANCEL and order is not None and _opens(order)
            if not may_close and not is_entry:
                yield f"{request.pair}: {request.endpoint} though close_positions is false"
            if not may_cancel and is_entry:
                yield f"{request.pair}: entry cancelled though cancel_orders is false"


def _opens(order: Order) -> bool:
    if order.kind is Kind.STOP:
        return False
    spot = "/" in order.pair and ":" not in order.pair
    return order.side == "buy" if spot else not order.reduce_only


@invariant
def what_is_out_of_scope_is_not_touched(case: Case) -> Iterator[str]:
    """A run for some pairs sends nothing for the others, and one for the bot's trades nothing for
    pairs that are not the bot's."""
    for run in case.runs:
        for request in run.sent(*WRITES):
            pair = _listed_as(case, request.pair)
            if pair not in case.pairs_of(run, request.seq):
                yield f"{pair}: {request.endpoint}, and the run is not for it"
            elif pair not in case.extent:
                yield f"{pair}: {request.endpoint}, and the bot has no part of it"


def _listed_as(case: Case, symbol: str) -> str:
    """The pair whose market the exchange calls *symbol* today."""
    return next((m.pair for m in case.account.markets.values() if m.renamed == symbol), symbol)

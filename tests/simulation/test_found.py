"""What the schedules found, each as a case that a person can read: red before it was mended."""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from freqtrade_liquidation import LiquidationConfig, LiquidationManager
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import ExchangeRefused, ExchangeUnavailable, OutcomeUnknown
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import (
    CancelAnswer,
    CancelStatus,
    CloseAnswer,
    ClosingOrder,
    OpenOrder,
    OrderRole,
    PairState,
    Position,
    Request,
)
from freqtrade_liquidation.plan import Book as BookNow
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.run.book_reader import Listing
from freqtrade_liquidation.run.request_runner import RequestRunner
from freqtrade_liquidation.run.stops import Stops
from freqtrade_liquidation.state import LiquidationState
from freqtrade_liquidation.trail import Trail
from tests.simulation.exchange import Fault, SimulatedExchange, entry, position, stop
from tests.simulation.journal import What
from tests.simulation.schedule import (
    Asked,
    Book,
    Deed,
    Endpoint,
    Fate,
    Flight,
    Move,
    Resting,
    Scope,
    Trade,
    Weather,
    Word,
)
from tests.simulation.test_run import BTC, ETH, book, liquidate
from tests.simulation.test_undecidable import FUTURES, SPOT, case_of, market
from tests.simulation.virtual import run
from tests.simulation.world.account import Rules
from tests.simulation.world.answers import Lags
from tests.simulation.world.records import Kind, Owner


def test_retry_after_counts_from_the_answer() -> None:
    """Not from the question: that would be a round trip too early."""
    exchange = book(position(BTC), latency_s=0.4)
    asked: list[str] = []

    def unavailable_once(verb: str, pair: str) -> Exception | None:
        asked.extend([verb] if verb == "positions" else [])
        first = verb == "positions" and len(asked) == 1
        return ExchangeUnavailable("429", retry_after_s=1.0) if first else None

    exchange.fault = unavailable_once
    assert liquidate(exchange).success
    first, second = [at for at, verb, _ in exchange.requests if verb == "positions"][:2]
    assert second - first >= 0.2 + 1.0, "it was answered 0.2 s after it was asked"


def test_widened_run_that_sees_nothing_more_names_what_it_has_seen() -> None:
    """Whoever widened it is told of every pair of the book, not only of the first one's."""
    exchange = book(position(BTC), position(ETH))

    async def go() -> LiquidationResult:
        manager = LiquidationManager(LiquidationConfig(), exchange, MemoryAuditLog())
        narrow = Request(trigger="telegram", pairs=frozenset({BTC}))
        task = asyncio.ensure_future(manager.execute_liquidation(request=narrow))
        await asyncio.sleep(0.15)  # the first look is over, the close is in the air
        exchange.hangs = lambda verb, pair: verb == "positions"
        exchange.fault = lambda verb, pair: (
            ExchangeRefused("no") if (verb, pair) == ("close", ETH) else None
        )
        return (await asyncio.gather(task, manager.execute_liquidation("shutdown")))[1]

    result = run(go())
    assert {o.pair: o.state for o in result.outcomes} == {
        BTC: PairState.CLOSED,  # by its order's final fill
        ETH: PairState.OPEN,
    }
    assert result.state is LiquidationState.PARTIAL


def test_confirmed_cancel_is_known_though_another_of_the_pair_hangs() -> None:
    """Its stop is put back; only the one that was not answered stays in doubt."""
    stops = [
        stop(BTC, blocks=True, order_id="answered", amount=0.5),
        stop(BTC, blocks=True, order_id="hangs", amount=0.5),
    ]
    exchange = book(position(BTC), orders=stops, closes_need_orders=True)
    cancelled: list[str] = []

    def second_cancel_and_the_looks_after_it_hang(verb: str, pair: str) -> bool:
        cancelled.extend([verb] if verb == "cancel" else [])
        return len(cancelled) == 2 and verb != "put_back"

    exchange.hangs = second_cancel_and_the_looks_after_it_hang
    result = liquidate(exchange)
    assert sorted(exchange.orders) == ["back1", "hangs"]
    assert "MAY HAVE LOST ITS STOP" in result.errors[0]
    assert sum("LOST ITS STOP" in error for error in result.errors) == 1


def test_stop_that_filled_in_part_before_its_cancel_leaves_less_to_sell() -> None:
    """Spot: the look before the cancel showed more. A sell of that much takes the user's coins."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)

    def fill_in_part(verb: str) -> None:
        if verb == "cancel":
            exchange.positions[BTC] = position(BTC, amount=0.6)

    exchange.before = fill_in_part
    assert liquidate(exchange).success
    assert [order.amount for order in exchange.sent] == [0.6]


def unseen_after(*, share: float = 1.0, error: Exception | None = None) -> SimulatedExchange:
    """Spot: the only close is answered, or is not, and no look succeeds after it."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    exchange.fill_share = lambda order: share
    exchange.fault_after = lambda verb, pair: error if verb == "close" else None
    exchange.fault = lambda verb, pair: (
        ExchangeUnavailable("503") if exchange.sent and verb == "positions" else None
    )
    return exchange


def test_stop_of_what_was_sold_since_the_last_look_is_not_put_back() -> None:
    """Spot: its coins are gone, a stop could only sell the user's own."""
    exchange = unseen_after()
    result = liquidate(exchange, max_retries=0)
    assert exchange.orders == {}
    assert result.outcomes[0].state is PairState.CLOSED, "by its order's final fill"
    assert result.state is not LiquidationState.COMPLETED
    assert not any("LOST ITS STOP" in error for error in result.errors)


def test_stop_put_back_without_a_look_covers_what_the_close_left() -> None:
    """What the answer says is left is offered once more, and refused."""
    exchange = unseen_after(share=0.6)
    unseen = exchange.fault

    def only_one_close(verb: str, pair: str) -> Exception | None:
        more = verb == "close" and len(exchange.sent) > 1
        return ExchangeRefused("no") if more else unseen(verb, pair)

    exchange.fault = only_one_close
    liquidate(exchange, max_retries=0)
    assert [round(order.amount, 9) for order in exchange.sent] == [1.0, 0.4]
    assert [round(order.amount, 9) for order in exchange.orders.values()] == [0.4]


def test_stop_of_a_close_without_an_answer_and_a_look_is_told_as_lost() -> None:
    """It may have sold the coins: what is not known is not protected at the user's cost."""
    exchange = unseen_after(error=OutcomeUnknown("lost"))
    result = liquidate(exchange, max_retries=0)
    assert exchange.orders == {}
    assert "HAS LOST ITS STOP" in result.errors[0]


def test_stop_of_a_close_without_an_answer_is_put_back_where_no_other_coins_are() -> None:
    """If the coins were sold, the exchange refuses it: nothing is lost by asking."""
    exchange = unseen_after(error=OutcomeUnknown("lost"))
    exchange.positions[BTC] = position(BTC, exclusive=True)
    liquidate(exchange, max_retries=0)
    assert [order.role for order in exchange.orders.values()] == [OrderRole.PROTECTIVE]


def test_cancel_that_was_not_sent_leaves_no_doubt_about_its_stop() -> None:
    """The stop stands, and nobody need look at the exchange for it, even if no look follows."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    cancels: list[str] = []

    async def not_sent(pair: str, orders: object, *, timeout_s: float) -> list[CancelAnswer]:
        cancels.append(pair)
        raise ExchangeUnavailable("not sent: no time is left")

    exchange.cancel_all_orders = not_sent  # type: ignore[method-assign]
    exchange.hangs = lambda verb, pair: bool(cancels)
    result = liquidate(exchange)
    assert cancels
    assert result.outcomes[0].protected is True
    assert not any("LOST ITS STOP" in error for error in result.errors)


def test_stop_that_sold_before_the_orders_were_listed_is_not_sold_again() -> None:
    """Spot: the positions are old when the list comes at last, and the stop is in neither."""
    exchange = book(
        position(BTC), position(ETH), orders=[stop(BTC, blocks=True)], closes_need_orders=True
    )
    asked: list[str] = []

    def halves_of_two_readings(verb: str, pair: str) -> Exception | None:
        """Positions, no orders; then orders, no positions; then both."""
        asked.append(verb)
        fails = verb in ("positions", "orders") and len(exchange.orders) == (verb == "orders")
        return ExchangeUnavailable("503") if fails and asked.count("positions") <= 3 else None

    def stop_sells(verb: str) -> None:
        if asked.count("orders"):
            exchange.orders.clear()
            exchange.positions.pop(BTC, None)

    exchange.fault, exchange.before = halves_of_two_readings, stop_sells
    assert liquidate(exchange).success
    assert [order.pair for order in exchange.sent] == [ETH]


def test_refused_cancel_after_an_unanswered_one_leaves_its_stop_in_doubt() -> None:
    """The list showed it for the last time; then the first cancel was executed after all."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    cancels: list[str] = []

    def lose_the_first_cancel(verb: str, pair: str) -> Exception | None:
        if verb == "cancel":
            cancels.append(pair)
            if len(cancels) == 1:
                return OutcomeUnknown("lost")
            exchange.orders.clear()  # executed at last: the second finds no such order
        looks = verb in ("positions", "orders")  # one reading answers for both
        return ExchangeUnavailable("503") if len(cancels) > 1 and looks else None

    exchange.fault = lose_the_first_cancel
    result = liquidate(exchange, max_retries=1, retry_delay_seconds=0)
    assert "MAY HAVE LOST ITS STOP" in result.errors[0]
    assert result.outcomes[0].protected is None


def test_put_back_is_tried_again_while_the_exchange_is_unavailable() -> None:
    """It was proven not to have acted, and time is left: one 503 must not cost the stop."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    tried: list[str] = []

    def fail(verb: str, pair: str) -> Exception | None:
        tried.extend([verb] if verb == "put_back" else [])
        first = verb == "put_back" and len(tried) == 1
        if verb == "close":
            return ExchangeRefused("no")
        return ExchangeUnavailable("503") if first else None

    exchange.fault = fail
    audit = MemoryAuditLog()
    result = liquidate(exchange, audit=audit)
    assert [order.role for order in exchange.orders.values()] == [OrderRole.PROTECTIVE]
    assert result.outcomes[0].protected is True
    assert len(audit.of_type(Event.STOP_INTENDED)) == 2, "each attempt was announced"


def stops_of(exchange: SimulatedExchange) -> Stops:
    """Those of a run that has just begun."""
    trail = Trail(MemoryAuditLog(), correlation_id="liq", trigger="cli")
    runner: Any = None  # nothing is sent
    backoff = Backoff(base_s=0.1, max_retries=0, random=random.Random(1))
    return Stops(exchange, trail, runner, backoff)


def test_nothing_is_sold_while_a_stop_that_was_not_cancelled_locks_it() -> None:
    """Spot: the exchange would take the user's own coins for it, and the stop the others."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    exchange.fault = lambda verb, pair: ExchangeUnavailable("503") if verb == "cancel" else None
    result = liquidate(exchange, max_retries=0)
    assert exchange.sent == []
    assert set(exchange.orders) == {f"stop-{BTC}"}
    assert result.outcomes[0].protected is True
    assert "not cancelled" in (result.outcomes[0].error or "")


def test_stop_whose_cancel_was_not_answered_stays_in_doubt_though_it_is_listed() -> None:
    """The exchange may carry the cancel out after the list; not listed, the stop is gone."""
    the_stop = stop(BTC, blocks=True)
    stops = stops_of(book())
    stops.heard(CancelAnswer(order=the_stop, status=CancelStatus.UNKNOWN, error="lost"))
    stops.listed(Listing((the_stop,), 1.0, 1.0))
    assert (stops.is_doubtful(BTC), stops.is_removed(BTC)) == (True, False)
    stops.listed(Listing((), 2.0, 2.0))
    assert (stops.is_doubtful(BTC), stops.is_removed(BTC)) == (False, True)


def test_stop_that_sold_in_part_before_its_cancel_is_put_back_for_what_it_had_left() -> None:
    """The orders are not read any more after the cancel: only its answer tells of the sale."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    (listed,) = exchange.orders.values()
    stops = stops_of(exchange)
    stops.heard(CancelAnswer(order=listed, status=CancelStatus.CANCELLED, left=0.25))
    assert [share for _, share in stops._shares(BTC, 1.0)] == [0.25]


def test_stop_whose_cancel_is_confirmed_is_put_back_whatever_an_older_list_shows() -> None:
    """The orders were listed before the exchange carried out the cancel, and looked at after it."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    listed = tuple(exchange.orders.values())
    stops = stops_of(exchange)
    stops.heard(CancelAnswer(order=listed[0], status=CancelStatus.CANCELLED))
    stops.listed(Listing(listed, 1.0, 1.0))
    assert [share for _, share in stops._shares(BTC, 1.0)] == [1.0]


def once(verb: str, error: Exception) -> Fault:
    """*error* for the first request of that kind."""
    struck: list[str] = []

    def fault(asked: str, pair: str) -> Exception | None:
        if asked != verb or struck:
            return None
        struck.append(pair)
        return error

    return fault


def verbs_of(exchange: SimulatedExchange) -> list[str]:
    return [verb for _, verb, _ in exchange.requests]


def test_leftover_stop_is_tried_again_after_a_look() -> None:
    """It was told as left after one request that met a 503."""
    unavailable = once("cancel", ExchangeUnavailable("503"))
    exchange = book(position(BTC), orders=[stop(BTC)], fault=unavailable)
    result = liquidate(exchange)
    assert (result.success, result.errors, result.orders_cancelled) == (True, (), 1)
    assert exchange.orders == {}
    assert verbs_of(exchange)[-3:] == ["cancel", "orders", "cancel"]


def test_leftover_stop_that_is_gone_whatever_was_answered_is_not_told_as_left() -> None:
    """The answer was lost; or the exchange took it away itself, with its position."""
    for error in (OutcomeUnknown("no answer"), ExchangeRefused("unknown order")):
        exchange = book(position(BTC), orders=[stop(BTC)], fault_after=once("cancel", error))
        assert liquidate(exchange).errors == ()
        assert verbs_of(exchange).count("cancel") == 1


def test_leftover_stop_that_stays_is_named_and_booked_in_time() -> None:
    """Tried as often as allowed; what is refused is not asked again, nor what comes too late."""

    def left(exchange: SimulatedExchange, **config: Any) -> int:
        result = liquidate(exchange, **config)
        assert result.success
        assert "leftover protective order" in result.errors[0]
        assert exchange.booked == [BTC], "the booking has kept its time"
        return verbs_of(exchange).count("cancel")

    def stands(error: Exception | None = None, **kwargs: Any) -> SimulatedExchange:
        fault = lambda verb, pair: error if verb == "cancel" else None  # noqa: E731
        return book(position(BTC), orders=[stop(BTC)], fault=fault, **kwargs)

    assert left(stands(ExchangeUnavailable("503"))) == 4
    assert left(stands(ExchangeUnavailable("503")), max_retries=0) == 1
    assert left(stands(ExchangeRefused("no"))) == 1
    assert left(stands(hangs=lambda verb, pair: verb == "cancel"), max_retries=10) < 5
    assert left(stands(ExchangeUnavailable("503")), timeout_seconds=1.0) == 1


@pytest.mark.parametrize("answer_is_lost", [False, True])
def test_entry_that_is_gone_is_not_called_uncancelled(answer_is_lost: bool) -> None:
    """Another pair is why the book is not flat."""
    lost, unavailable = OutcomeUnknown("no answer"), ExchangeUnavailable("503")
    exchange = book(position(BTC), orders=[entry(ETH)])
    trouble = once("cancel", lost if answer_is_lost else unavailable)

    def before_it_is_done(verb: str, pair: str) -> Exception | None:
        if verb == "close":
            return ExchangeRefused("no")
        return None if answer_is_lost else trouble(verb, pair)

    exchange.fault = before_it_is_done
    if answer_is_lost:
        exchange.fault_after = trouble
    result = liquidate(exchange)
    assert exchange.orders == {}
    assert result.errors == ()
    assert [outcome.error for outcome in result.outcomes] == ["no"]


def test_stop_that_sold_before_its_cancel_is_not_put_back_beside_one_that_stands() -> None:
    """Spot: its own cancel was not answered, so it counted as taken off by us; put back, the two
    would have sold the user's own coins."""
    stops = [stop(BTC, blocks=True, order_id=name, amount=0.5) for name in ("sold", "stands")]
    exchange = book(position(BTC), orders=stops, closes_need_orders=True)
    cancels: list[str] = []

    def sell(verb: str) -> None:
        if verb == "cancel" and "sold" in exchange.orders:
            del exchange.orders["sold"]
            exchange.positions[BTC] = position(BTC, amount=0.5)

    def trouble(verb: str, pair: str) -> Exception | None:
        if verb != "cancel":
            return None
        cancels.append(pair)
        return OutcomeUnknown("?") if len(cancels) == 1 else ExchangeUnavailable("503")

    exchange.before, exchange.fault = sell, trouble
    exchange.hangs = lambda verb, pair: verb == "positions" and verbs_of(exchange).count(verb) > 2
    result = liquidate(exchange, max_retries=0)
    assert list(exchange.orders) == ["stands"]
    [outcome] = result.outcomes
    assert (outcome.state, outcome.residual_amount) == (PairState.OPEN, 0.5)
    assert outcome.protected


def test_stop_is_put_back_where_the_other_one_of_its_pair_had_sold_before() -> None:
    """Spot: it was listed still, and its cancel refused: it covers nothing of what is left."""
    stops = [stop(BTC, blocks=True, order_id=name, amount=0.5) for name in ("sold", "ours")]
    exchange = book(position(BTC), orders=stops, closes_need_orders=True)

    exchange.fault = once("positions", ExchangeUnavailable("503"))

    def sell(verb: str) -> None:
        if verbs_of(exchange).count("positions") == 2:  # the orders were listed before
            exchange.orders.pop("sold", None)
            exchange.positions[BTC] = position(BTC, amount=0.5)

    exchange.before = sell
    exchange.hangs = lambda verb, pair: (
        verb == "positions" and verbs_of(exchange).count("positions") > 2
    )
    liquidate(exchange)
    assert [(order.amount, order.stop_price) for order in exchange.orders.values()] == [(0.5, 90.0)]


def test_list_of_a_look_that_was_not_completed_tells_what_a_stop_still_covers() -> None:
    """Spot: the stop that stands had sold a part since the last whole look; the other one came
    back for too little, and nobody was told."""
    stops = [stop(BTC, blocks=True, order_id=name, amount=0.5) for name in ("taken", "stands")]
    exchange = book(position(BTC), orders=stops, closes_need_orders=True)

    cancels: list[str] = []
    looks_since: list[str] = []

    def sell(verb: str) -> None:
        if len(cancels) == 2:
            exchange.orders["stands"] = replace(stops[1], amount=0.2)
            exchange.positions[BTC] = position(BTC, amount=0.7)

    def trouble(verb: str, pair: str) -> Exception | None:
        if verb == "cancel":
            cancels.append(pair)
            return ExchangeUnavailable("503") if len(cancels) > 1 else None
        if verb not in ("positions", "orders") or len(cancels) < 2:
            return None
        looks_since.append(verb)
        fails = (verb == "orders") == (looks_since.count(verb) == 1)
        return ExchangeUnavailable("503") if fails else None

    exchange.before, exchange.fault = sell, trouble
    result = liquidate(exchange, max_retries=1, retry_delay_seconds=0.05)
    assert [round(order.amount, 9) for order in exchange.orders.values()] == [0.2, 0.5]
    assert result.outcomes[0].protected


def test_stop_whose_cancel_was_refused_stands_once_a_later_list_shows_it() -> None:
    """Spot: taken for gone for good, what it covers was covered a second time, by the stop that
    came back beside it."""
    stops = [stop(BTC, blocks=True, order_id=name, amount=0.5) for name in ("sold", "stands")]
    exchange = book(position(BTC), orders=stops, closes_need_orders=True)

    def sell(verb: str) -> None:
        if verb == "cancel" and "sold" in exchange.orders:
            del exchange.orders["sold"]
            exchange.positions[BTC] = position(BTC, amount=0.5)

    cancels: list[str] = []

    def trouble(verb: str, pair: str) -> Exception | None:
        if verb != "cancel":
            return None
        cancels.append(pair)
        return OutcomeUnknown("?") if len(cancels) == 1 else ExchangeRefused("no")

    exchange.before, exchange.fault = sell, trouble
    result = liquidate(exchange, timeout_seconds=2.5, max_retries=0)
    assert [order.order_id for order in exchange.orders.values()] == ["stands"]
    assert result.outcomes[0].residual_amount == 0.5
    assert result.outcomes[0].protected


@pytest.mark.parametrize("list_is_old", [False, True])
def test_stop_that_is_left_out_for_another_one_is_told_where_that_one_may_have_sold(
    list_is_old: bool,
) -> None:
    taken, stands = (stop(BTC, blocks=True, order_id=name, amount=0.5) for name in ("a", "b"))
    stops = stops_of(book())
    stops.heard(CancelAnswer(order=taken, status=CancelStatus.CANCELLED))
    held = position(BTC, amount=0.5)
    stops.listed(Listing((stands,), 1.0, 1.0))
    told = run(
        stops.put_back(
            lambda pair: held,
            look=lambda: asyncio.sleep(0),
            may_be_open=lambda pair: False,
            list_is_old=list_is_old,
        )
    )
    assert ["MAY HAVE LOST A PART OF ITS STOP at 90.0" in words for words in told] == (
        [True] if list_is_old else []
    )


def test_position_that_turns_up_after_it_was_gone_is_left_alone_and_told() -> None:
    """Scope trades: the bot's was closed by hand last week, and a person buys while the run looks
    once more whether it is gone. It was closed for the bot's, as its trade has that much."""
    gone = Book(market=market(FUTURES), trade=Trade(side="long", amount=1.0))
    bought = Move(at_s=0.5, deed=Deed.USER_TRADES, pair=FUTURES, amount=1.0)
    case = case_of(gone, bought, scope=Scope.TRADES)
    [answer] = case.played.answers
    assert answer.result is not None
    [outcome] = answer.result.outcomes
    assert case.account.held[FUTURES].now == 1.0
    assert outcome.state is PairState.NOT_PROVEN
    assert "bought by hand meanwhile?" in str(outcome.error)


def test_stop_is_put_back_where_an_answer_has_ended_the_doubt_of_the_last_list() -> None:
    """Scope trades: the last whole look came before an order of the bot's was read. By the time
    that the stop had to come back it was known how much is left."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)

    def look_before_an_order_is_read(verb: str) -> None:
        if not exchange.orders:
            exchange.positions[BTC] = replace(position(BTC), uncertain=True)

    exchange.before = look_before_an_order_is_read
    exchange.as_known_now = lambda position: replace(position, uncertain=False)  # type: ignore[method-assign]
    result = liquidate(exchange)
    assert [order.stop_price for order in exchange.orders.values()] == [90.0]
    assert not any("LOST ITS STOP" in error for error in result.errors)


def test_entry_that_had_filled_in_part_before_the_run_is_not_told_closed_without_its_fill() -> None:
    """The database knew of no fill. A list of orders showed what the entry had still to fill, no
    list of positions came, and the fill before that list was taken for a part of the position that
    the close had covered."""
    resting = replace(entry(BTC), amount=0.8)
    exchange = book(position(BTC), orders=[resting], acts_at_once=True)
    exchange.known = [replace(resting, amount=1.0)]
    exchange.positions[BTC] = position(BTC, amount=1.2)
    exchange.hangs = lambda verb, pair: verb == "positions"
    cancel = exchange.cancel_all_orders

    async def after_the_list(*asked: Any, **within: Any) -> list[CancelAnswer]:
        await asyncio.sleep(0.2)
        return [replace(answer, left=0.8) for answer in await cancel(*asked, **within)]

    exchange.cancel_all_orders = after_the_list  # type: ignore[method-assign]
    [outcome] = liquidate(exchange, timeout_seconds=1.5).outcomes
    assert exchange.positions[BTC].amount == pytest.approx(0.2)
    assert outcome.state is PairState.NOT_PROVEN


def test_position_that_only_the_answer_about_it_alone_shows_is_closed() -> None:
    """Scope trades: that answer came before the one about the bot's stop, and so in doubt. Nothing
    ended the doubt, and the run ended with the position open and most of its time left."""
    resting = Resting(
        key="stop",
        owner=Owner.BOT,
        kind=Kind.STOP,
        side="sell",
        amount=1.0,
        reduce_only=True,
        trigger=95.0,
    )
    trade = Trade(side="long", amount=1.0, open_orders=("stop",))
    held = Book(market=market(FUTURES), bots=1.0, resting=(resting,), trade=trade)
    case = case_of(held, scope=Scope.TRADES, lags=Lags(omits={FUTURES: 9.0}), seed=4)
    assert case.account.held[FUTURES].now == 0.0


def read_back_before_it_is_answered(*shares: float) -> SimulatedExchange:
    """Spot: each sell fills *shares* of its amount, and a question tells that before its answer."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    exchange.fill_share = lambda order: shares[min(len(exchange.sent), len(shares)) - 1]
    executed: list[str] = []

    def known(positions: Iterable[Position]) -> list[Position]:
        in_air = len(executed) < len(exchange.sent)
        return [replace(p, uncertain=in_air, by_orders=True) for p in positions]

    def recall() -> BookNow:
        positions = known(exchange.positions.values())
        return BookNow(positions=tuple(positions), orders=tuple(exchange.orders.values()))

    close = exchange.execute_market_close

    async def answer_late(order: ClosingOrder, **options: Any) -> CloseAnswer:
        answer = await close(order, **options)
        await asyncio.sleep(0.25)
        return answer

    exchange.latency_s, exchange.lists = 0.2, known
    exchange.before = lambda verb: executed.extend([verb] if verb == "close" else [])
    exchange.recall = recall  # type: ignore[method-assign, assignment]
    exchange.execute_market_close = answer_late  # type: ignore[method-assign]
    return exchange


def test_fill_that_is_heard_twice_is_counted_once() -> None:
    """Else the rest of a partial fill looks closed, and stands without a stop and without words."""
    exchange = read_back_before_it_is_answered(0.7, 0.7, 1.0)
    result = liquidate(exchange, timeout_seconds=3.0)
    assert [round(order.amount, 9) for order in exchange.sent] == [1.0, 0.3, 0.09]
    assert result.state is LiquidationState.COMPLETED


def test_stop_of_a_pair_that_is_late_in_the_last_list_is_told() -> None:
    """Our fills cover all that was known, and the exchange lists something still: who knows."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    exchange.lists = lambda positions: [position(BTC)]
    result = liquidate(exchange, timeout_seconds=3.0)
    assert result.outcomes[0].state is PairState.NOT_PROVEN
    assert "MAY HAVE LOST ITS STOP" in result.errors[0]


def test_closed_by_fills_alone_says_that_flat_is_not_proven_and_which_stops_rest() -> None:
    """Futures, so slow that no list is answered after the close: exit code 3 needs its words."""
    exchange = book(position(BTC), orders=[stop(BTC)], acts_at_once=True, latency_s=4.0)
    exchange.known = [stop(BTC)]
    result = liquidate(exchange, timeout_seconds=5.0)
    assert result.outcomes[0].state is PairState.CLOSED
    assert result.state is LiquidationState.PARTIAL
    assert "FLAT IS NOT PROVEN" in result.errors[0]
    assert any(f"{BTC}: protective order stop-{BTC}" in error for error in result.errors)


def put_back(exchange: SimulatedExchange, stops: Stops, *held: float) -> list[str]:
    """What is told as lost; *held*: base currency, as known at first and from then on."""
    known = iter(held)
    now = [position(BTC, amount=next(known))]

    async def put_back_stop(order: OpenOrder, amount: float, *, timeout_s: float) -> CloseAnswer:
        now[0] = position(BTC, amount=next(known, now[0].amount))
        return await SimulatedExchange.put_back_stop(exchange, order, amount, timeout_s=timeout_s)

    async def go() -> list[str]:
        trail = Trail(MemoryAuditLog(), correlation_id="liq", trigger="cli")
        stops._runner = RequestRunner(Deadline.after(1.0), trail, reserved_s=lambda: 0.0)
        return await stops.put_back(
            lambda pair: now[0],
            look=lambda: asyncio.sleep(0),
            may_be_open=lambda pair: False,
        )

    exchange.put_back_stop = put_back_stop  # type: ignore[method-assign]
    return run(go())


def test_stop_that_an_answer_and_a_list_tell_as_gone_comes_back_once() -> None:
    """Its cancel was sent twice: the first was not answered, a list lacked the stop, and then the
    second was answered. It came back twice, and the other stop of the pair not at all."""
    exchange = book(position(BTC))
    stops = stops_of(exchange)
    twice, other = (stop(BTC, blocks=True, order_id=name, amount=0.5) for name in ("a", "b"))
    stops.heard(CancelAnswer(order=twice, status=CancelStatus.UNKNOWN))
    stops.heard(CancelAnswer(order=other, status=CancelStatus.UNKNOWN))
    stops.listed(Listing((other,), 1.0, 1.0))
    stops.heard(CancelAnswer(order=twice, status=CancelStatus.CANCELLED))
    stops.heard(CancelAnswer(order=twice, status=CancelStatus.UNKNOWN))
    stops.listed(Listing((), 2.0, 2.0))
    assert put_back(exchange, stops, 1.0) == []
    assert sorted(order.amount for order in exchange.orders.values()) == [0.5, 0.5]


@pytest.mark.parametrize(("later", "is_told"), [(0.5, False), (0.8, True)])
def test_stop_that_came_back_for_less_than_turned_out_to_be_left_is_told(
    later: float, *, is_told: bool
) -> None:
    """That an entry had filled was read after the stop was back."""
    exchange = book(position(BTC))
    stops = stops_of(exchange)
    stops.heard(CancelAnswer(order=stop(BTC, blocks=True), status=CancelStatus.CANCELLED))
    told = put_back(exchange, stops, 0.5, later)
    assert ["HAS LOST A PART OF ITS STOP at 90.0" in words for words in told] == [True] * is_told


def test_stop_that_is_gone_when_leftovers_are_looked_for_is_not_told_as_standing() -> None:
    """A person has cancelled it since the last look; the list of leftovers does not show it."""
    exchange = book(position(BTC), position(ETH), orders=[stop(BTC), stop(ETH)])
    cancel_fails = once("cancel", ExchangeUnavailable("503"))

    def fault(verb: str, pair: str) -> Exception | None:
        if (verb, pair) == ("close", ETH):
            return ExchangeRefused("no")
        error = cancel_fails(verb, pair)
        if error is not None:
            exchange.orders.pop(f"stop-{ETH}")
        return error

    exchange.fault = fault
    outcomes = {outcome.pair: outcome for outcome in liquidate(exchange).outcomes}
    assert outcomes[ETH].state is PairState.OPEN
    assert outcomes[ETH].protected is False


def test_position_that_an_order_has_closed_since_the_last_look_is_not_told_open() -> None:
    """Scope trades: the bot's stop has answered that it filled, and no whole look came after."""
    exchange = book(position(BTC))
    exchange.fault = lambda verb, pair: ExchangeRefused("no") if verb == "close" else None
    exchange.as_known_now = lambda position: replace(position, amount=0.0)  # type: ignore[method-assign]
    [outcome] = liquidate(exchange).outcomes
    assert outcome.state is PairState.NOT_PROVEN


def test_balance_without_any_currency_is_asked_again_beside_itself() -> None:
    """It is no answer, and the one that was under way then is waited for."""
    held = Book(market=market(SPOT), bots=1.0, trade=Trade(side="long", amount=1.0))
    script = {(Endpoint.BALANCE, ""): (Fate(word=Word.EMPTY, out_s=0.05, back_s=0.05),)}
    weather = Weather(pace_s=0.1, script=script)
    case = case_of(held, scope=Scope.SPOT, weather=weather)
    [run_] = case.runs
    first, second = run_.sent(Endpoint.BALANCE)[:2]
    assert second.at - first.at < 0.4
    assert case.account.held[SPOT].now == 0.0


def test_look_whose_last_question_hangs_counts_before_the_time_is_over() -> None:
    """Scope trades: the close is not answered, nor is the question about it, and the look waited
    for that until nobody wanted its lists any more."""
    trade = Trade(side="long", amount=1.0)
    held = Book(market=market(FUTURES), bots=1.0, trade=trade)
    never = (Fate(word=Word.HANGS_DONE),)
    case = case_of(
        held,
        scope=Scope.TRADES,
        weather=Weather(
            pace_s=0.3,
            dead={Endpoint.ORDER: Word.HANGS},
            script={(Endpoint.CLOSE, FUTURES): never},
        ),
        timeout_seconds=1.5,
    )
    [run_] = case.runs
    assert run_.ended is not None
    looks = [fact for fact in run_.facts if fact.what is What.SHOWN]
    assert len(looks) >= 2
    assert looks[-1].at < run_.deadline


def lost_entry(pair: str, *, arrives_s: float) -> Flight:
    """freqtrade's process has let go of it when the run begins."""
    return Flight(
        pair=pair, kind="entry", side="buy", amount=0.8, noted_s=0.5, arrives_s=arrives_s, share=1.0
    )


def test_lost_entry_that_the_lists_show_late_is_found_and_sold() -> None:
    case = case_of(
        Book(market=market(SPOT)),
        scope=Scope.SPOT,
        flight=lost_entry(SPOT, arrives_s=1.9),
        lags=Lags(orders=0.5, known_after=0.5),
    )
    assert case.account.held[SPOT].now == pytest.approx(0.0, abs=1e-3)


def test_order_that_the_database_does_not_tell_to_be_the_bots_keeps_the_book_from_being_flat() -> (
    None
):
    """It bears no name, and freqtrade's database hangs."""
    case = case_of(
        Book(market=market(SPOT)),
        scope=Scope.SPOT,
        flight=lost_entry(SPOT, arrives_s=0.3),
        rules=Rules(spot=True, keeps_names=False),
        database="hangs",
    )
    [answer] = case.played.answers
    assert answer.result is not None
    assert answer.result.state is not LiquidationState.COMPLETED
    assert any("database did not answer" in error for error in answer.result.errors)


def protected(pair: str, *, bots: float = 1.0, users: float = 0.0) -> Book:
    """The bot's position with its stop."""
    resting = Resting(
        key="stop",
        owner=Owner.BOT,
        kind=Kind.STOP,
        side="sell",
        amount=bots,
        reduce_only=pair == FUTURES,
        trigger=95.0,
        limit=94.0 if pair == SPOT else None,
    )
    trade = Trade(side="long", amount=bots, open_orders=("stop",))
    return Book(market=market(pair), bots=bots, users=users, resting=(resting,), trade=trade)


def test_stop_that_triggered_under_another_orders_name_is_not_taken_for_cancelled() -> None:
    """Scope trades: the exchange has forgotten it, it does not rest, and no fill bears its name."""
    case = case_of(
        protected(FUTURES, users=0.3),
        Move(at_s=0.05, deed=Deed.TRIGGER, pair=FUTURES, key="stop"),
        scope=Scope.TRADES,
        lags=Lags(positions=1.0, forgets={"stop": (0.0, 9.0)}),
    )
    assert case.account.held[FUTURES].now == pytest.approx(0.3)


def test_fewer_contracts_that_turn_up_after_a_list_had_none_are_left_alone() -> None:
    """Scope trades: the bot's were closed by hand, and a person has bought since."""
    trade = Trade(side="long", amount=1.0)
    case = case_of(
        Book(market=market(FUTURES), trade=trade),
        Move(at_s=0.3, deed=Deed.USER_TRADES, pair=FUTURES, amount=0.5),
        scope=Scope.TRADES,
        weather=Weather(pace_s=0.1, dead={Endpoint.POSITION: Word.DOWN}),
    )
    assert case.account.held[FUTURES].now == 0.5


def test_stop_stays_while_the_bots_entry_is_not_read() -> None:
    """Spot: the database knew of no fill, the rest was dust, and the stop was cleared with it."""
    held = protected(SPOT, bots=0.23)
    entry_ = Resting(
        key="entry", owner=Owner.BOT, kind=Kind.LIMIT, side="buy", amount=1.0, filled=0.2
    )
    trade = Trade(side="long", amount=0.03, open_orders=("entry", "stop"))
    book_ = replace(held, resting=(*held.resting, entry_), trade=trade)
    weather = Weather(
        pace_s=0.1,
        dead={Endpoint.ORDER: Word.DOWN},
        script={(Endpoint.CANCEL, SPOT): (Fate(word=Word.REFUSED),)},
    )
    case = case_of(book_, scope=Scope.SPOT, weather=weather, max_retries=0)
    stops = [o for o in case.account.orders.values() if o.kind is Kind.STOP and o.rests]
    assert sum(order.left for order in stops) == pytest.approx(0.23)


def test_pair_that_is_asked_for_by_its_old_name_is_in_scope_under_its_new_one() -> None:
    """The exchange has made a delivery contract of it; freqtrade's trade has the first name."""
    renamed = replace(market(FUTURES), renamed=f"{FUTURES}-261129")
    held = Book(market=renamed, bots=0.8, trade=Trade(side="long", amount=0.8))
    case = case_of(held, asked=(Asked(at_s=0.0, trigger="cli", pairs=(FUTURES,)),))
    [answer] = case.played.answers
    assert answer.result is not None
    states = {outcome.pair: outcome.state for outcome in answer.result.outcomes}
    assert states[f"{FUTURES}-261129"] is PairState.OPEN, "by hand: it may be another contract"

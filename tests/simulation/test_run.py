"""The real manager and run over the simulated exchange, on virtual time."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from freqtrade_liquidation import LiquidationConfig, LiquidationManager, LiquidationState
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.errors import (
    AccountRefused,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    OutcomeUnknown,
)
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import OrderRole, PairState, Position, Request, Side
from tests.simulation.exchange import SimulatedExchange, entry, position, stop
from tests.simulation.virtual import VirtualLoop, run

BTC, ETH, XRP = "BTC/USDT:USDT", "ETH/USDT:USDT", "XRP/USDT:USDT"


def liquidate(
    exchange: SimulatedExchange,
    request: Request | None = None,
    audit: MemoryAuditLog | None = None,
    loop: type[VirtualLoop] = VirtualLoop,
    **config: Any,
) -> LiquidationResult:
    """One run, as an operator's command unless *request* says otherwise."""

    async def go() -> LiquidationResult:
        manager = LiquidationManager(
            LiquidationConfig(**config), exchange, audit or MemoryAuditLog()
        )
        return await manager.execute_liquidation(request=request or Request(trigger="cli"))

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(go())


def book(*positions: Any, orders: Any = (), **kwargs: Any) -> SimulatedExchange:
    return SimulatedExchange(
        positions={p.pair: p for p in positions},
        orders={o.order_id: o for o in orders},
        **kwargs,
    )


def test_long_short_stops_and_entries_end_flat() -> None:
    exchange = book(
        position(BTC), position(ETH, Side.SHORT), orders=[stop(BTC), stop(ETH), entry(XRP)]
    )
    audit = MemoryAuditLog()
    result = liquidate(exchange, audit=audit)
    assert result.state is LiquidationState.COMPLETED
    assert result.positions_closed == 2
    assert result.orders_cancelled == 3
    assert not exchange.positions
    assert not exchange.orders
    assert sorted(exchange.booked) == [BTC, ETH, XRP]
    assert audit.events[0].event_type is Event.STARTED
    assert audit.events[-1].event_type is Event.COMPLETED


def test_flat_takes_three_round_trips() -> None:
    """Look, act, look: whatever the number of positions."""
    exchange = book(*(position(f"P{n}/USDT:USDT") for n in range(40)))
    result = liquidate(exchange)
    assert result.success
    assert exchange.requests[-1][0] - exchange.requests[0][0] < 0.25, "the third look began"
    assert result.duration_seconds == pytest.approx(0.4, abs=0.01), "and one for the booking"


def test_no_positions_completes() -> None:
    result = liquidate(book())
    assert result.state is LiquidationState.COMPLETED
    assert result.positions_closed == 0


@pytest.mark.parametrize("trigger", ["shutdown", "stop", "fatal_error"])
def test_disabled_skips_automatic_triggers(trigger: str) -> None:
    exchange, audit = book(position(BTC)), MemoryAuditLog()
    result = liquidate(exchange, Request(trigger=trigger), audit, emergency_liquidation=False)
    assert result.state is LiquidationState.SKIPPED
    assert exchange.requests == []
    assert audit.of_type(Event.SKIPPED)[0].additional_data["reason"] == result.skip_reason


def test_disabled_does_not_stop_an_operator() -> None:
    assert liquidate(book(position(BTC)), emergency_liquidation=False).success


def test_close_positions_false_cancels_entries_and_leaves_stops() -> None:
    exchange = book(position(BTC), orders=[stop(BTC), entry(ETH)])
    result = liquidate(exchange, Request(trigger="shutdown"), close_positions=False)
    assert result.state is LiquidationState.SKIPPED
    assert [o.role for o in exchange.orders.values()] == [OrderRole.PROTECTIVE]
    assert exchange.sent == []


def test_one_refused_pair_costs_the_others_nothing() -> None:
    exchange = book(
        position(BTC),
        position(ETH),
        orders=[stop(BTC)],
        fault=lambda verb, pair: (
            ExchangeRefused("market closed") if (verb, pair) == ("close", BTC) else None
        ),
    )
    result = liquidate(exchange)
    assert result.state is LiquidationState.PARTIAL
    left = {o.pair: o for o in result.outcomes}
    assert left[ETH].state is PairState.CLOSED
    assert left[BTC].state is PairState.OPEN
    assert left[BTC].protected is True
    assert "market closed" in (left[BTC].error or "")
    assert f"stop-{BTC}" in exchange.orders
    assert len([o for o in exchange.sent if o.pair == BTC]) == 1


def test_hanging_pair_does_not_hold_up_the_others() -> None:
    exchange = book(
        position(BTC), position(ETH), hangs=lambda verb, pair: (verb, pair) == ("close", BTC)
    )
    exchange.fill_share = lambda order: 0.5 if len(exchange.sent) <= 2 else 1.0
    result = liquidate(exchange, timeout_seconds=3)
    assert result.state is LiquidationState.PARTIAL
    closes = [at for at, verb, pair in exchange.requests if (verb, pair) == ("close", ETH)]
    assert closes[-1] - closes[0] < 1.0
    assert result.duration_seconds <= 3.3


def test_account_refused_is_asked_once() -> None:
    exchange = book(position(BTC), fault=lambda verb, pair: AccountRefused("invalid key"))
    result = liquidate(exchange)
    assert result.state is LiquidationState.FAILED
    assert [verb for _, verb, _ in exchange.requests].count("positions") == 1
    assert result.outcomes[0].state is PairState.NOT_PROVEN


def test_unavailable_is_retried_as_often_as_allowed() -> None:
    exchange = book(
        position(BTC),
        fault=lambda verb, pair: ExchangeUnavailable("503") if verb == "close" else None,
    )
    result = liquidate(exchange, max_retries=2, retry_delay_seconds=0.1)
    assert result.state is LiquidationState.FAILED
    assert len(exchange.sent) == 3


class _SlowHost(VirtualLoop):
    """A little time passes with each look at the clock, as on a machine that is busy."""

    tick_s = 0.0

    def time(self) -> float:
        self.now += self.tick_s
        return self.now


def test_attempt_that_becomes_due_while_the_run_decides_is_made() -> None:
    """It ended with an attempt left, in one of 200 runs on a busy host: a pause that was over
    between the question what to send and the question whether anything waits."""
    for tick_us in range(1, 500):
        faults = iter([ExchangeUnavailable("502")] * 2)

        def refuse(
            verb: str, pair: str, faults: Iterator[LiquidationError] = faults
        ) -> LiquidationError | None:
            return next(faults, None) if verb == "close" else None

        class Loop(_SlowHost):
            tick_s = tick_us / 1e6

        exchange = book(position(BTC), latency_s=0.003, fault=refuse)
        result = liquidate(exchange, loop=Loop, max_retries=2, retry_delay_seconds=0.01)
        assert result.state is LiquidationState.COMPLETED, (tick_us, result.errors)


def test_unknown_close_that_executed_is_not_sent_again() -> None:
    exchange = book(
        position(BTC),
        fault_after=lambda verb, pair: OutcomeUnknown("no answer") if verb == "close" else None,
    )
    result = liquidate(exchange)
    assert result.success
    assert len(exchange.sent) == 1


def test_close_that_is_unknown_again_and_again_is_sent_with_growing_pauses() -> None:
    """A 503 is answered at once: without a pause, all attempts are gone within a second."""
    exchange = book(
        position(BTC),
        latency_s=0.01,
        fault=lambda verb, pair: OutcomeUnknown("503") if verb == "close" else None,
    )
    result = liquidate(exchange, timeout_seconds=20.0)
    assert result.state is LiquidationState.FAILED
    at = [time for time, verb, _ in exchange.requests if verb == "close"]
    pauses = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert len(pauses) == 3
    assert all(pause >= least for pause, least in zip(pauses, (0.25, 0.5, 1.0), strict=True))


def test_everything_hangs_ends_at_the_deadline() -> None:
    exchange = book(position(BTC), hangs=lambda verb, pair: True)
    result = liquidate(exchange, Request(trigger="shutdown"))
    assert result.state is LiquidationState.FAILED
    assert 4.0 < result.duration_seconds <= 5.3
    assert result.outcomes[0].state is PairState.NOT_PROVEN


def test_slow_order_list_does_not_hold_up_the_closes() -> None:
    exchange = book(position(BTC), hangs=lambda verb, pair: verb == "orders")
    result = liquidate(exchange)
    assert not exchange.positions
    closes = [at for at, verb, _ in exchange.requests if verb == "close"]
    assert closes[0] - exchange.requests[0][0] < 0.5
    assert not result.success, "without the list of orders a flat book is not proven"


def test_spot_stop_that_locks_is_removed_first_and_put_back_if_the_close_fails() -> None:
    exchange = book(
        position(BTC),
        orders=[stop(BTC, blocks=True)],
        closes_need_orders=True,
        fault=lambda verb, pair: ExchangeRefused("no") if verb == "close" else None,
    )
    result = liquidate(exchange)
    assert result.state is LiquidationState.FAILED
    assert [o.role for o in exchange.orders.values()] == [OrderRole.PROTECTIVE]
    verbs = [verb for _, verb, _ in exchange.requests]
    assert verbs.index("cancel") < verbs.index("close") < verbs.index("put_back")
    assert result.outcomes[0].protected is True


def test_lost_stop_is_the_first_error() -> None:
    exchange = book(
        position(BTC),
        orders=[stop(BTC, blocks=True)],
        closes_need_orders=True,
        fault=lambda verb, pair: ExchangeRefused("no") if verb in ("close", "put_back") else None,
    )
    result = liquidate(exchange)
    assert "HAS LOST ITS STOP" in result.errors[0]


def test_intent_precedes_each_request() -> None:
    """Every close the exchange sees was durable under its name before."""
    exchange, audit = book(position(BTC), position(ETH)), MemoryAuditLog()
    seen: list[bool] = []
    original = exchange.execute_market_close

    async def check(order: Any, **kwargs: Any) -> Any:
        intents = {
            e.additional_data["client_order_id"] for e in audit.of_type(Event.CLOSE_INTENDED)
        }
        seen.append(order.client_order_id in intents)
        return await original(order, **kwargs)

    exchange.execute_market_close = check  # type: ignore[method-assign]
    assert liquidate(exchange, audit=audit).success
    assert seen == [True, True]


def test_above_market_maximum_is_split() -> None:
    exchange = book(position(BTC, amount=2.5), maximum=1.0)
    assert liquidate(exchange).success
    assert [o.amount for o in exchange.sent] == [1.0, 1.0, 0.5]


def test_partial_fill_is_finished() -> None:
    exchange = book(position(BTC))
    exchange.fill_share = lambda order: 0.4 if len(exchange.sent) == 1 else 1.0
    assert liquidate(exchange).success
    assert [round(o.amount, 9) for o in exchange.sent] == [1.0, 0.6]


def test_entry_in_the_air_is_waited_for() -> None:
    exchange = book(unsettled=frozenset({BTC}))

    async def go() -> LiquidationResult:
        manager = LiquidationManager(LiquidationConfig(), exchange, MemoryAuditLog())
        task = asyncio.ensure_future(manager.execute_liquidation("shutdown"))
        await asyncio.sleep(0.7)
        exchange.positions[BTC] = position(BTC)
        exchange.unsettled = frozenset()
        return await task

    result = run(go())
    assert result.success
    assert result.positions_closed == 1
    assert not exchange.positions


def test_two_triggers_at_once_are_one_run() -> None:
    exchange = book(position(BTC))

    async def go() -> tuple[LiquidationResult, LiquidationResult]:
        manager = LiquidationManager(LiquidationConfig(), exchange, MemoryAuditLog())
        return await asyncio.gather(
            manager.execute_liquidation("stop"), manager.execute_liquidation("telegram")
        )

    first, second = run(go())
    assert first.correlation_id == second.correlation_id
    assert len(exchange.sent) == 1


def test_wider_trigger_widens_the_run() -> None:
    exchange = book(position(BTC), position(ETH))

    async def go() -> tuple[LiquidationResult, LiquidationResult]:
        manager = LiquidationManager(LiquidationConfig(), exchange, MemoryAuditLog())
        narrow = Request(trigger="telegram", pairs=frozenset({BTC}))
        return await asyncio.gather(
            manager.execute_liquidation(request=narrow), manager.execute_liquidation("shutdown")
        )

    run(go())
    assert not exchange.positions


def test_after_completed_a_new_trigger_looks_again() -> None:
    exchange = book(position(BTC))

    async def go() -> tuple[LiquidationResult, LiquidationResult]:
        manager = LiquidationManager(LiquidationConfig(), exchange, MemoryAuditLog())
        first = await manager.execute_liquidation("stop")
        return first, await manager.execute_liquidation("shutdown")

    first, second = run(go())
    assert first.success
    assert second.success
    assert first.correlation_id != second.correlation_id
    assert len(exchange.sent) == 1


def test_run_for_one_pair_leaves_the_others() -> None:
    exchange = book(position(BTC), position(ETH), orders=[entry(ETH)])
    request = Request(trigger="telegram", pairs=frozenset({BTC}))
    assert liquidate(exchange, request).success
    assert set(exchange.positions) == {ETH}
    assert set(exchange.orders) == {f"entry-{ETH}"}


def test_unexpected_error_is_reported_not_raised() -> None:
    """And costs the other pairs nothing."""
    exchange = book(position(BTC), position(ETH), orders=[stop(BTC), stop(ETH)])
    pieces = exchange.amount_pieces

    def stumble(position: Position) -> Any:
        if position.pair == ETH:
            raise TypeError("no precision")
        return pieces(position)

    exchange.amount_pieces = stumble  # type: ignore[method-assign]
    result = liquidate(exchange)
    assert result.state is LiquidationState.PARTIAL
    assert list(exchange.positions) == [ETH]
    assert list(exchange.orders) == [f"stop-{ETH}"]
    assert "unexpected error: TypeError" in str(result.outcomes[1].error)


def test_defect_while_a_stop_is_off_puts_it_back_and_tells_what_remains() -> None:
    """Whether in reading an answer or in the run itself."""
    for in_the_run in (False, True):
        exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)

        def odd_answer(verb: str, pair: str, of: SimulatedExchange = exchange) -> Exception | None:
            return KeyError("side") if verb == "positions" and not of.orders else None

        def stumble(of: SimulatedExchange = exchange) -> frozenset[str]:
            if not of.orders:
                raise KeyError("odd")
            return frozenset()

        if in_the_run:
            exchange.unsettled_pairs = stumble  # type: ignore[method-assign]
        else:
            exchange.fault = odd_answer
        result = liquidate(exchange)
        assert result.state is LiquidationState.FAILED
        assert [order.stop_price for order in exchange.orders.values()] == [90.0]
        assert [(o.pair, o.state, o.protected) for o in result.outcomes] == [
            (BTC, PairState.OPEN, True)
        ]
        assert "unexpected error" in result.errors[0]


def test_defect_after_a_close_was_sent_is_an_unknown_outcome() -> None:
    """It may have acted: a look tells."""
    exchange = book(position(BTC))
    exchange.fault_after = lambda verb, pair: KeyError("id") if verb == "close" else None
    assert liquidate(exchange).success
    assert len(exchange.sent) == 1


def test_defect_in_the_booking_does_not_undo_a_flat_book() -> None:
    exchange = book(position(BTC))

    async def stumble(pairs: Any, *, timeout_s: float, while_closing: bool = False) -> Any:
        raise KeyError("order")

    exchange.book = stumble  # type: ignore[method-assign]
    result = liquidate(exchange)
    assert result.success
    assert result.positions_closed == 1
    assert "the next start books it" in result.errors[0]


def test_pair_closed_but_for_dust_counts_as_closed() -> None:
    """FAILED says that nothing was shown closed."""
    exchange = book(position(BTC, minimum_amount=0.01), position(ETH))
    exchange.fill_share = lambda order: 0.995
    refused = ExchangeRefused("no")
    exchange.fault = lambda verb, pair: refused if (verb, pair) == ("close", ETH) else None
    result = liquidate(exchange)
    assert result.state is LiquidationState.PARTIAL
    assert result.positions_closed == 1


def test_dust_is_reported_as_dust() -> None:
    exchange = book(position(BTC, amount=0.0001, minimum_amount=0.001))
    result = liquidate(exchange)
    assert result.success
    assert exchange.sent == []


def test_cancel_orders_false_with_an_entry_left_is_not_flat_and_says_why() -> None:
    """It takes only the closed position's own stop, and does not wait for what nobody cancels."""
    exchange = book(position(BTC), orders=[stop(BTC), entry(ETH)])
    result = liquidate(exchange, Request(trigger="shutdown"), cancel_orders=False)
    assert result.state is LiquidationState.PARTIAL
    assert set(exchange.orders) == {f"entry-{ETH}"}
    [error] = result.errors
    assert error.startswith(f"{ETH}: order entry-{ETH} (buy 1)")
    assert "cancel_orders is false" in error
    assert result.duration_seconds < 1.0


def test_cancel_orders_false_with_nothing_but_an_entry_fails() -> None:
    exchange = book(orders=[entry(ETH)])
    result = liquidate(exchange, Request(trigger="shutdown"), cancel_orders=False)
    assert result.state is LiquidationState.FAILED
    assert set(exchange.orders) == {f"entry-{ETH}"}
    assert "cancel_orders is false" in result.errors[0]


def test_cancel_orders_false_without_entries_completes() -> None:
    exchange = book(position(BTC), orders=[stop(BTC)])
    result = liquidate(exchange, Request(trigger="shutdown"), cancel_orders=False)
    assert result.success
    assert result.errors == ()


def test_close_positions_and_cancel_orders_false_sends_nothing_and_is_skipped() -> None:
    exchange = book(position(BTC), orders=[entry(ETH)])
    result = liquidate(
        exchange, Request(trigger="shutdown"), cancel_orders=False, close_positions=False
    )
    assert result.state is LiquidationState.SKIPPED
    assert {verb for _, verb, _ in exchange.requests} == {"positions", "orders"}
    assert result.errors == ()


def test_entry_whose_cancel_is_refused_is_named_though_its_pair_was_closed() -> None:
    """The refusal must not be forgotten when the pair's position closes."""
    exchange = book(
        position(BTC),
        orders=[entry(BTC)],
        fault=lambda verb, pair: ExchangeUnavailable("503") if verb == "cancel" else None,
    )
    result = liquidate(exchange, max_retries=1, retry_delay_seconds=0.1)
    assert result.state is LiquidationState.PARTIAL
    [error] = result.errors
    assert f"order entry-{BTC}" in error
    assert "503" in error


def test_entry_that_fills_between_the_two_answers_of_the_first_look_is_closed() -> None:
    """It is neither among the positions nor among the orders: the look seems flat."""
    exchange = book(orders=[entry(BTC)])
    exchange.before = lambda verb: exchange.fill(f"entry-{BTC}") if verb == "orders" else None
    result = liquidate(exchange)
    assert exchange.positions == {}
    assert result.success
    assert result.positions_closed == 1


def test_entry_that_fills_between_the_two_answers_of_a_later_look_is_closed() -> None:
    """Its cancel was not confirmed: it may have filled instead."""
    exchange = book(position(ETH), orders=[entry(BTC)])
    exchange.fault = lambda verb, pair: OutcomeUnknown("lost") if verb == "cancel" else None
    looks: list[str] = []

    def fill_at_the_second_look(verb: str) -> None:
        looks.extend([verb] if verb == "orders" else [])
        if len(looks) == 2:
            exchange.fill(f"entry-{BTC}")

    exchange.before = fill_at_the_second_look
    result = liquidate(exchange)
    assert exchange.positions == {}
    assert result.success
    assert result.positions_closed == 2


def test_entry_in_the_air_that_settles_and_fills_between_looks_is_closed() -> None:
    """No list of orders ever showed it."""
    exchange = book(unsettled=frozenset({BTC}))

    def settle_and_fill(verb: str) -> None:
        if verb == "orders" and exchange.requests[-1][0] > 1_000.35:
            exchange.orders.setdefault("late", entry(BTC, "late"))
            exchange.fill("late")
            exchange.before = lambda verb: None

    async def go() -> LiquidationResult:
        manager = LiquidationManager(LiquidationConfig(), exchange, MemoryAuditLog())
        task = asyncio.ensure_future(manager.execute_liquidation("shutdown"))
        await asyncio.sleep(0.3)
        exchange.unsettled = frozenset()  # after the first look began
        exchange.before = settle_and_fill
        return await task

    result = run(go())
    assert exchange.positions == {}
    assert result.success
    assert result.positions_closed == 1


def test_entry_that_fills_when_only_an_unclosable_position_is_left_is_named() -> None:
    """The last look was not flat, and still owes the answer about the entry."""
    exchange = book(
        position(ETH),
        orders=[entry(BTC)],
        fault=lambda verb, pair: (
            ExchangeRefused("market closed")
            if (verb, pair) == ("close", ETH)
            else OutcomeUnknown("lost")
            if verb == "cancel"
            else None
        ),
    )
    looks: list[str] = []

    def fill_at_the_second_look(verb: str) -> None:
        looks.extend([verb] if verb == "orders" else [])
        if len(looks) == 2:
            exchange.fill(f"entry-{BTC}")

    exchange.before = fill_at_the_second_look
    result = liquidate(exchange)
    assert set(exchange.positions) == {ETH}
    assert {o.pair: o.state for o in result.outcomes} == {
        ETH: PairState.OPEN,
        BTC: PairState.CLOSED,
    }


def test_confirmed_cancels_need_no_further_proof() -> None:
    """Look, act, look: the usual run is no longer for it."""
    exchange = book(position(BTC), orders=[entry(ETH)])
    assert liquidate(exchange).success
    assert [verb for _, verb, _ in exchange.requests].count("positions") == 2


def test_proof_that_is_not_answered_is_no_flat_book() -> None:
    exchange = book()
    asked: list[str] = []

    def hang_at_the_second(verb: str, pair: str) -> bool:
        asked.extend([verb] if verb == "positions" else [])
        return len(asked) > 1

    exchange.hangs = hang_at_the_second
    result = liquidate(exchange)
    assert result.state is LiquidationState.FAILED
    assert result.duration_seconds <= 5.3


def test_stop_whose_cancel_was_unknown_is_put_back_too() -> None:
    """Its cancel executed without an answer: the position must not be left without a stop."""
    exchange = book(
        position(BTC),
        orders=[stop(BTC, blocks=True)],
        closes_need_orders=True,
        fault=lambda verb, pair: ExchangeRefused("no") if verb == "close" else None,
        fault_after=lambda verb, pair: OutcomeUnknown("lost") if verb == "cancel" else None,
    )
    liquidate(exchange)
    assert [o.role for o in exchange.orders.values()] == [OrderRole.PROTECTIVE]


def test_stop_is_put_back_in_time_when_the_close_hangs() -> None:
    exchange = book(
        position(BTC, exclusive=True),
        orders=[stop(BTC, blocks=True)],
        closes_need_orders=True,
        hangs=lambda verb, pair: verb == "close",
    )
    result = liquidate(exchange)
    assert [o.role for o in exchange.orders.values()] == [OrderRole.PROTECTIVE]
    assert result.duration_seconds <= 5.3
    assert not any("LOST" in error for error in result.errors)


def test_stop_that_locks_is_not_touched_without_time_to_put_it_back() -> None:
    exchange = book(
        position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True, latency_s=0.01
    )
    result = liquidate(exchange, timeout_seconds=1.4)
    assert result.state is LiquidationState.FAILED
    assert set(exchange.orders) == {f"stop-{BTC}"}


def test_unbooked_pairs_are_said_when_time_is_up() -> None:
    exchange = book(position(BTC))

    async def hang(pairs: Any, *, timeout_s: float, while_closing: bool = False) -> Any:
        await asyncio.Event().wait()

    exchange.book = hang  # type: ignore[method-assign]
    audit = MemoryAuditLog()
    result = liquidate(exchange, audit=audit)
    assert [e.pair for e in audit.of_type(Event.BOOKING_FAILED)] == [BTC]
    assert result.duration_seconds <= 5.01


def test_list_of_orders_that_hangs_does_not_keep_closed_pairs_from_the_books() -> None:
    exchange = book(position(BTC), hangs=lambda verb, pair: verb == "orders")
    audit = MemoryAuditLog()
    assert liquidate(exchange, audit=audit).state is LiquidationState.PARTIAL
    assert [e.pair for e in audit.of_type(Event.BOOKED)] == [BTC]


@pytest.mark.parametrize("timeout_s", [0.3, 1.0, 5.0])
def test_deadline_is_never_passed(timeout_s: float) -> None:
    exchange = book(
        position(BTC),
        position(ETH),
        orders=[stop(BTC), entry(ETH)],
        hangs=lambda verb, pair: verb in ("close", "cancel"),
    )
    result = liquidate(exchange, timeout_seconds=timeout_s)
    assert result.duration_seconds <= timeout_s + 0.01
    assert all(o.state is not PairState.CLOSED for o in result.outcomes)


def test_doubtful_stop_is_told_when_the_exchange_falls_silent() -> None:
    """Its cancel was not answered, and then nothing is: nobody knows whether it stands."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    silent: list[bool] = []

    def lose(verb: str, pair: str) -> Exception | None:
        if verb == "cancel":
            silent.append(True)
            return OutcomeUnknown("lost")
        return None

    exchange.fault_after = lose
    exchange.hangs = lambda verb, pair: bool(silent)
    audit = MemoryAuditLog()
    result = liquidate(exchange, audit=audit)
    assert result.state is LiquidationState.FAILED
    assert "MAY HAVE LOST ITS STOP" in result.errors[0]
    assert result.outcomes[0].protected is None
    assert [e.pair for e in audit.of_type(Event.STOP_LOST)] == [BTC]


def test_stop_cancelled_at_the_second_attempt_is_put_back_once() -> None:
    """A second stop for the same coins would lock, and could sell, the user's own."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    lost: list[str] = []

    def fail(verb: str, pair: str) -> Exception | None:
        if verb == "cancel" and not lost:
            lost.append(pair)
            return OutcomeUnknown("dropped before it was executed")
        return ExchangeRefused("no") if verb == "close" else None

    exchange.fault = fail
    result = liquidate(exchange)
    assert [o.role for o in exchange.orders.values()] == [OrderRole.PROTECTIVE]
    assert result.outcomes[0].protected is True
    assert not any("LOST ITS STOP" in error for error in result.errors)


def two_stops() -> tuple[Any, Any]:
    return (
        stop(BTC, blocks=True, order_id="first", amount=0.5),
        stop(BTC, blocks=True, order_id="second", amount=0.5),
    )


def test_pair_that_lost_one_of_two_stops_is_not_called_protected() -> None:
    exchange = book(position(BTC), orders=two_stops(), closes_need_orders=True)
    put_back: list[str] = []

    def fail(verb: str, pair: str) -> Exception | None:
        if verb == "put_back":
            put_back.append(pair)
        second = verb == "put_back" and len(put_back) == 2
        return ExchangeRefused("no") if verb == "close" or second else None

    exchange.fault = fail
    audit = MemoryAuditLog()
    result = liquidate(exchange, audit=audit)
    assert len(exchange.orders) == 1
    assert result.outcomes[0].protected is False
    assert "HAS LOST ITS STOP" in result.errors[0]
    assert [e.pair for e in audit.of_type(Event.STOP_LOST)] == [BTC]


def test_stops_put_back_cover_what_is_left_and_no_more() -> None:
    """Two full stops over half a position could sell coins that the bot never bought."""
    exchange = book(position(BTC), orders=two_stops(), closes_need_orders=True)
    exchange.fill_share = lambda order: 0.6
    exchange.fault = lambda verb, pair: (
        ExchangeRefused("no") if verb == "close" and len(exchange.sent) > 1 else None
    )
    result = liquidate(exchange)
    assert [round(o.amount, 9) for o in exchange.orders.values()] == [0.4]
    assert result.outcomes[0].protected is True
    assert not any("LOST ITS STOP" in error for error in result.errors)


def test_every_lost_or_doubtful_stop_is_on_record_under_its_pair() -> None:
    """A sell of unknown outcome: its stop cannot come back."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)

    def become_uncertain(verb: str, pair: str) -> Exception | None:
        if verb != "close":
            return None
        exchange.positions[BTC] = position(BTC, uncertain=True)
        return OutcomeUnknown("lost")

    exchange.fault = become_uncertain
    audit = MemoryAuditLog()
    result = liquidate(exchange, audit=audit)
    assert "HAS LOST ITS STOP" in result.errors[0]
    assert [e.pair for e in audit.of_type(Event.STOP_LOST)] == [BTC]


def test_position_with_an_obstacle_is_left_alone_and_told_at_once() -> None:
    """Its entry goes, no close is sent, nothing waits for the deadline."""
    words = "open as long 0.5 and short 0.2 at once: hedge mode is not supported"
    exchange = book(position(BTC, obstacle=words), position(ETH), orders=[entry(BTC)])
    result = liquidate(exchange)
    assert result.state is LiquidationState.PARTIAL
    assert {o.pair: o.state for o in result.outcomes} == {
        BTC: PairState.OPEN,
        ETH: PairState.CLOSED,
    }
    assert [o.error for o in result.outcomes if o.pair == BTC] == [words]
    assert [o.pair for o in exchange.sent] == [ETH]
    assert exchange.orders == {}
    assert result.duration_seconds < 1.0


def test_remarks_are_told_once_and_do_not_spoil_a_flat_book() -> None:
    exchange = book(position(BTC), remarked={ETH: "not in scope, still open"})
    audit = MemoryAuditLog()
    result = liquidate(exchange, audit=audit)
    assert result.success
    assert result.errors == (f"{ETH}: not in scope, still open",)
    assert audit.events[-1].error == f"{ETH}: not in scope, still open"
    narrow = Request(trigger="cli", pairs=frozenset({BTC}))
    words = f"{BTC}: nothing was open there that this run may close"
    assert liquidate(exchange, narrow).errors == (words,)


def test_stop_and_position_of_a_host_that_was_still_at_it_go_with_the_rest() -> None:
    """freqtrade's loop was in the middle of a request when the run began."""
    exchange = book(position(BTC), orders=[stop(BTC)], host_busy_s=2.0)

    def late(verb: str) -> None:
        if verb == "host":
            exchange.orders["late"] = stop(BTC, order_id="late")
            exchange.positions[ETH] = position(ETH)

    exchange.before = late
    result = liquidate(exchange)
    assert result.success
    assert exchange.positions == {}
    assert exchange.orders == {}
    assert [outcome.pair for outcome in result.outcomes] == [BTC, ETH]


def test_host_that_does_not_let_go_is_not_waited_for_to_the_end() -> None:
    exchange = book(position(BTC), orders=[stop(BTC)], host_busy_s=60.0)
    result = liquidate(exchange)
    assert result.success
    assert exchange.orders == {}
    assert exchange.booked == [BTC], "there was time for it"
    assert result.duration_seconds < 5.0


def test_trade_whose_position_is_gone_is_booked_too() -> None:
    """Its exit was executed, and its answer lost."""
    exchange = book(position(BTC), position(ETH))
    del exchange.positions[ETH]
    assert liquidate(exchange).positions_closed == 1
    assert exchange.booked == [BTC, ETH]


def test_trade_that_was_closed_beside_the_run_is_in_its_outcome_and_total() -> None:
    """By its stop, or by hand: gone before the first list was answered."""
    exchange = book(position(BTC), position(ETH))
    del exchange.positions[ETH]
    exchange.closed_meanwhile = {ETH}
    result = liquidate(exchange)
    assert (result.positions_closed, result.total_realized_pnl) == (2, 2.0)
    assert [(one.pair, one.state, one.realized_pnl) for one in result.outcomes] == [
        (BTC, PairState.CLOSED, 1.0),
        (ETH, PairState.CLOSED, 1.0),
    ]


def test_entry_that_the_host_is_at_still_is_no_flat_book() -> None:
    """It may be sent after the last look: told, and looked for by the next repeat."""
    exchange = book(position(BTC), host_busy_s=60.0)

    def late(verb: str) -> None:
        if verb == "host":
            exchange.unsettled = frozenset({ETH})
            exchange.remarked = {ETH: "an entry was being sent"}

    exchange.before = late
    result = liquidate(exchange)
    assert result.state is LiquidationState.PARTIAL
    assert result.positions_failed == 0
    assert result.errors == (
        f"FLAT IS NOT PROVEN: an order of the bot is in the air ({ETH}). Look at the exchange.",
        f"{ETH}: an entry was being sent",
    )


def test_pair_that_nothing_was_sent_for_has_nothing_to_book() -> None:
    """ "The next start books it" was told of positions that were simply open."""
    exchange = book(position(BTC), hangs=lambda verb, pair: True)
    exchange.traded = {BTC: position(BTC)}
    result = liquidate(exchange)
    assert result.outcomes[0].pair == BTC
    assert not any("book" in error for error in result.errors), result.errors

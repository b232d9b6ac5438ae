"""Requests for runs, beside everything that may happen meanwhile; the run itself is a stand-in."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.enums import State, TradingMode

from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.host.aftermath import Aftermath
from freqtrade_liquidation.host.control import ControlState
from freqtrade_liquidation.host.liquidator import GIVEN_UP, Liquidator
from freqtrade_liquidation.host.watchdog import Watchdog
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.state import LiquidationState

ENDS_WITHIN_S = 10.0


class StandIn:
    """Runner, control, notifier, neighbours, signals and bot in one."""

    def __init__(self) -> None:
        self.config = LiquidationConfig(timeout_seconds=0.2)
        self.noted: list[Any] = []
        self.told: list[str] = []
        self.door = EntryGate()
        self.masker = Masker()
        self.bot: Any = SimpleNamespace(
            _exit_lock=threading.Lock(),
            config={"stake_currency": "USDT"},
            exchange=SimpleNamespace(trading_mode=TradingMode.FUTURES),
            set_state=self.states_append,
        )
        self.audit: Any = None
        self.control: Any = self
        self.notifier = self.neighbours = self.signals = self
        notifier: Any = self
        self.watchdog = Watchdog()
        self.after = Aftermath(
            notifier, lambda: self.control, order=self.noted.append, repeat_after_s=30.0
        )
        self.states: list[State] = []
        self.trades: tuple[()] = ()
        self.disarmed_until: datetime | None = None
        self.while_reading: Callable[[], None] = lambda: None
        self.work: Callable[[], LiquidationState] = lambda: LiquidationState.COMPLETED
        self.liquidator = Liquidator(self)  # type: ignore[arg-type]
        self.liquidator.runner = self  # type: ignore[assignment]

    def states_append(self, state: State) -> None:
        self.states.append(state)

    async def run(self, turn: Any, *_: Any) -> LiquidationResult:
        """The runner's."""
        skips = turn.request.skip_reason is not None
        state = LiquidationState.SKIPPED if skips else self.work()
        return LiquidationResult(state=state, correlation_id=turn.correlation_id)

    def send(self, message: Any) -> None:
        """The notifier's."""
        self.told.append(message.text.split(":")[0])

    def claim(self, *_: Any, **__: Any) -> bool:
        return True

    def release(self, *_: Any) -> None: ...

    def state(self) -> ControlState:
        """The control's."""
        self.while_reading()
        return ControlState(disarmed_until=self.disarmed_until, disarmed_by="somebody")

    def latch(self, **_: Any) -> None:
        self.noted.append("latched")

    @contextmanager
    def held(self) -> Iterator[None]:
        """The signals'."""
        yield


@pytest.fixture
def host() -> StandIn:
    return StandIn()


def test_run_that_hangs_is_ended_though_nobody_waits_for_it(host: StandIn) -> None:
    """REST has answered 202: freqtrade's loop must get its lock back, and the asker an end."""
    over = threading.Event()

    def hang() -> LiquidationState:
        over.wait(ENDS_WITHIN_S)
        return LiquidationState.COMPLETED

    host.work = hang
    ticket = host.liquidator.order(Request(trigger="rest"))
    try:
        result = ticket.wait(ENDS_WITHIN_S / 2)
    finally:
        over.set()
    assert result.state is LiquidationState.FAILED
    assert result.errors == (GIVEN_UP,)
    assert not host.bot._exit_lock.locked()
    assert host.liquidator.turns.running is None


def test_run_that_ends_after_it_was_given_up_is_told_as_it_was(host: StandIn) -> None:
    """Its row says completed: so do the last message and the exit code."""
    over, told = threading.Event(), threading.Event()

    def hang() -> LiquidationState:
        over.wait(ENDS_WITHIN_S)
        return LiquidationState.COMPLETED

    def set_state(state: State) -> None:
        host.states.append(state)
        if state is State.STOPPED:
            told.set()

    host.work, host.bot.set_state = hang, set_state
    ticket = host.liquidator.order(Request(trigger="shutdown"))
    assert host.liquidator.wait_for(ticket).errors == (GIVEN_UP,)
    over.set()
    assert told.wait(ENDS_WITHIN_S)
    assert host.states == [State.PAUSED, State.STOPPED]
    assert host.after.last_result is not None
    assert host.after.last_result.state is LiquidationState.COMPLETED
    assert host.told[-2:] == ["NOT FLAT", "FLAT, verified on the exchange"]


def test_run_that_is_over_is_told_as_it_was_though_the_database_hangs(host: StandIn) -> None:
    """The turn is given back to a server that is frozen: flat is flat all the same."""
    over = threading.Event()

    def hang(*_: Any) -> None:
        over.wait(ENDS_WITHIN_S)

    host.release = hang  # type: ignore[method-assign]
    ticket = host.liquidator.order(Request(trigger="shutdown"))
    try:
        result = host.liquidator.wait_for(ticket)
    finally:
        over.set()
    assert result.state is LiquidationState.COMPLETED
    assert result.errors == ()


def test_run_that_is_over_is_told_as_it_was_though_what_follows_breaks_off(host: StandIn) -> None:
    def stumble(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    host.release = stumble  # type: ignore[method-assign]
    result = host.liquidator.order(Request(trigger="shutdown")).wait(ENDS_WITHIN_S)
    assert result.state is LiquidationState.COMPLETED


def test_command_that_comes_while_the_window_is_read_closes_the_book(host: StandIn) -> None:
    """It has joined the run of a ``/stop`` that the maintenance window would have skipped."""
    host.disarmed_until = datetime.now(UTC) + timedelta(hours=1)
    joined: list[Any] = []
    host.while_reading = lambda: joined.append(host.liquidator.order(Request(trigger="rest")))
    first = host.liquidator.order(Request(trigger="stop"))
    assert first.wait(ENDS_WITHIN_S).state is LiquidationState.COMPLETED
    assert joined[0].wait(ENDS_WITHIN_S).state is LiquidationState.COMPLETED


@pytest.mark.parametrize("details", [{}, {"repeat": 1}])
def test_maintenance_window_covers_every_automatic_trigger_within_it(
    host: StandIn, details: dict[str, Any]
) -> None:
    """Disarm, ``/stop``, restart: the positions are still there."""
    host.disarmed_until = datetime.now(UTC) + timedelta(hours=1)
    for wanted in (Request(trigger="stop", details=details), Request(trigger="shutdown")):
        result = host.liquidator.order(wanted).wait(ENDS_WITHIN_S)
        assert result.state is LiquidationState.SKIPPED
    assert host.noted == [], "nothing is written down that ends it"


def no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_run_without_a_thread_goes_on_in_the_thread_that_it_is_in(
    host: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    ran_in: list[str] = []

    def work() -> LiquidationState:
        ran_in.append(threading.current_thread().name)
        return LiquidationState.COMPLETED

    host.work = work
    ticket = host.liquidator.order(Request(trigger="telegram"))
    assert ticket.wait(0).state is LiquidationState.COMPLETED
    assert ran_in == [threading.current_thread().name]
    assert host.noted == ["latched"]

"""The protection of one process: what is armed, what has run, and what comes after."""

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from freqtrade.enums import RPCMessageType, State

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.fallback import FALLBACK_NAME
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker, MaskingFilter
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.booker import Booker
from freqtrade_liquidation.host.control import Control
from freqtrade_liquidation.host.deeds import Close, still_unbooked
from freqtrade_liquidation.host.door import Door
from freqtrade_liquidation.host.history import close_interrupted_runs, note_config
from freqtrade_liquidation.host.ledger import venue_for
from freqtrade_liquidation.host.notifier import Message, Notifier, deaf_channels
from freqtrade_liquidation.host.repair import repair
from freqtrade_liquidation.host.secrets import secrets_of
from freqtrade_liquidation.host.signals import Signals
from freqtrade_liquidation.host.snapshot import KnownTrade, open_trades_in_time
from freqtrade_liquidation.host.threads import bounded
from freqtrade_liquidation.host.wire import Wire
from freqtrade_liquidation.manager import (
    LiquidationManager,
    LiquidationResult,
    new_correlation_id,
    why_skip,
)
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.state import LiquidationState

if TYPE_CHECKING:
    from freqtrade_liquidation.host.bot import LiquidatingBot

OVERRUN_S: Final = 0.3
"""A run that has not ended this long after its deadline is not waited for."""
REPEAT_AFTER_S: Final = 30.0
REPEATS: Final = 10
LAST_MESSAGE_WITHIN_S: Final = 1.0
CONTROL_READ_WITHIN_S: Final = 0.3
LATCHING: Final = frozenset({"fatal_error", "telegram", "rest", "cli"})


@dataclass(slots=True)
class _Running:
    """The run under way."""

    request: Request
    correlation_id: str
    ends_at: float
    manager: LiquidationManager | None = None
    loop: asyncio.AbstractEventLoop | None = None


class Protection:
    """Everything of ours that outlives a ``/reload_config``.

    :param repeat_after_s: how long after a run that left something open the next one begins.
    """

    def __init__(self, *, repeat_after_s: float = REPEAT_AFTER_S) -> None:
        self.log = logging.getLogger("freqtrade_liquidation")
        self.door = Door()
        self.signals = Signals(on_second=self._on_second_signal, on_third=self._on_third_signal)
        self.notifier = Notifier(lambda: self._bot)
        self.config = LiquidationConfig()
        self.has_run = False
        self.stopped_by_us = False
        self.state_before_reload = State.STOPPED
        self.last_result: LiquidationResult | None = None
        self._bot: LiquidatingBot | None = None
        self._audit: AuditLog | None = None
        self._control: Control | None = None
        self._trades: tuple[KnownTrade, ...] = ()
        self._announced = False
        self._repaired = False
        self._earlier_closes: list[Close] = []
        self._repeat_after_s = repeat_after_s
        self._mask: MaskingFilter | None = None
        self._turn = threading.Lock()
        self._running: _Running | None = None
        self._repeat_at: float | None = None
        self._repeats_left = 0

    # -- arming -------------------------------------------------------------------------------

    def attach(self, bot: "LiquidatingBot") -> None:
        """A bot was built: at the start, or by ``/reload_config``."""
        self.config = configuration.load(bot.config)
        masker = Masker(secrets_of(bot))
        self._mask_log(masker)
        if self._audit is not None:
            self._audit.close()
        fallback = Path(bot.config["user_data_dir"]) / FALLBACK_NAME
        self._audit = AuditLog(bot.config["db_url"], fallback=fallback, masker=masker)
        self._audit.import_fallback()
        self._control = Control(self._audit)
        first, self._bot = self._bot is None, bot
        self._announced = False
        note_config(self._audit, self.config)
        if first:
            for words in close_interrupted_runs(self._audit, self._positions_shown(bot)):
                self.notifier.send(Message(text=words, kind=RPCMessageType.WARNING, urgent=True))
        self._keep_stopped(bot, self._control.state().latched_by)
        for channel in deaf_channels(bot.config):
            self.log.warning("Channel %s is enabled but cannot hear an outcome.", channel)

    def _keep_stopped(self, bot: "LiquidatingBot", latched_by: str | None) -> None:
        """What a run has stopped, ``/start`` starts: no restart (latch), no reload (door)."""
        if latched_by is None and not self.door.is_closed:
            self.stopped_by_us = False
            return
        self.door.bar()
        self.stopped_by_us = True
        bot.set_state(State.PAUSED if self._repeat_at is not None else State.STOPPED)
        text = messages.stays_stopped() if latched_by is None else messages.latched(latched_by)
        self.notifier.send(Message(text=text, kind=RPCMessageType.WARNING))

    def _mask_log(self, masker: Masker) -> None:
        """One filter a handler, of the newest secrets, however often a bot is built."""
        old, self._mask = self._mask, MaskingFilter(masker)
        for handler in logging.getLogger().handlers:
            handler.addFilter(self._mask)
            if old is not None:
                handler.removeFilter(old)

    def validate(self, config: Mapping[str, Any]) -> LiquidationConfig:
        """Of a configuration that is about to be loaded.

        :raises ConfigurationError: if its liquidation block is not valid.
        """
        return configuration.load(config)

    def announce(self) -> None:
        """Once a bot: what stopping it will do."""
        if self._announced or self._bot is None:
            return
        self._announced = True
        if not self.config.emergency_liquidation:
            return
        untracked = self._untracked_pairs(self._bot)
        self._note_untracked(untracked)
        text = messages.armed(scope=self.config.scope, untracked=untracked)
        self.notifier.send(Message(text=text))

    def _note_untracked(self, pairs: list[str]) -> None:
        assert self._audit is not None, "attached"
        events = [
            AuditEvent(
                event_type=AuditEventType.UNTRACKED_FOUND,
                operation="control",
                pair=pair,
                additional_data={"scope": self.config.scope},
            )
            for pair in pairs
        ]
        if events:
            self._audit.record(events)

    def repair(self, bot: "LiquidatingBot") -> None:
        """Once a process, when the bot has started: books what a run left unbooked."""
        if self._repaired or self._audit is None:
            return
        self._repaired = True
        try:
            pairs = repair(bot, self._audit)
        except Exception:
            self.log.exception("Trades that a run left unbooked could not be looked up.")
            return
        if pairs:
            self.notifier.send(Message(text=messages.repaired(pairs)))

    @staticmethod
    def _positions_shown(bot: "LiquidatingBot") -> list[str]:
        """From freqtrade's wallets, which it has just read: no request of ours."""
        return sorted(bot.wallets.get_all_positions())

    def _untracked_pairs(self, bot: "LiquidatingBot") -> list[str]:
        trades, _ = open_trades_in_time(self._trades)
        self._trades = trades
        return sorted(set(self._positions_shown(bot)) - {trade.pair for trade in trades})

    # -- freqtrade's state --------------------------------------------------------------------

    def allow_state(self, bot: "LiquidatingBot", old: State, wanted: State) -> State:
        """What becomes of a change of state that freqtrade or an operator wants."""
        if wanted != State.STOPPED and self._running is not None:
            self.log.warning("%s refused: a liquidation is under way.", wanted.name)
            return old
        if wanted == State.RELOAD_CONFIG:
            if old != State.RELOAD_CONFIG:
                self.state_before_reload = old
            return wanted
        if wanted == State.RUNNING and not self._lift():
            return old
        self.stopped_by_us = False
        return wanted

    def _lift(self) -> bool:
        """``/start``: the latch is lifted, repeats end, entries are allowed again."""
        control = self._control
        assert control is not None, "attached"
        try:
            if control.state().latched_by is not None:
                control.release(by="/start")
        except LiquidationError as error:
            self.log.error("/start refused, the latch cannot be read: %s", error)
            return False
        self._repeat_at = None
        self.has_run = False
        self.door.open()
        return True

    # -- a run --------------------------------------------------------------------------------

    def liquidate(
        self, request: Request, *, process_ends: bool = False
    ) -> LiquidationResult | None:
        """Runs (or joins a run that covers *request*) and waits for the result.

        :returns: ``None`` if nothing is armed: no bot was ever built.
        """
        if self._bot is None or self._audit is None:
            return None
        with self.signals.held():
            if (joined := self._join(request)) is not None:
                if process_ends:
                    self._wait_for_the_other()
                return joined
            with self._turn:
                return self._take_turn(request, process_ends=process_ends)

    def _take_turn(self, request: Request, *, process_ends: bool) -> LiquidationResult:
        ends_at = time.monotonic() + self.config.timeout_seconds
        request, in_window = self._decide(request)
        running = _Running(
            request=request,
            correlation_id=new_correlation_id(datetime.now(UTC)),
            ends_at=ends_at,
        )
        was_closed = self.door.is_closed
        self._running = running
        if not self._will_skip(request):
            self.door.bar(request.pairs)
        try:
            result = self._execute(running)
        finally:
            self._running = None
        if result.state is LiquidationState.SKIPPED and request.pairs is None and not was_closed:
            self.door.open()
        if in_window:
            self._rearm(request, result)
        self._after(request, result, process_ends=process_ends)
        return result

    def _will_skip(self, request: Request) -> bool:
        return why_skip(request, self.config) is not None

    def _rearm(self, request: Request, result: LiquidationResult) -> None:
        """A maintenance window is good for one trigger."""
        assert self._control is not None, "attached"
        by = f"{request.trigger} ({result.correlation_id})"
        try:
            self._control.arm(by=by, reason="maintenance window used")
        except LiquidationError as error:
            self.log.critical("The maintenance window is still open: %s", error)

    def _wait_for_the_other(self) -> None:
        """The thread whose run we joined still latches and reports: not without that."""
        if self._turn.acquire(timeout=LAST_MESSAGE_WITHIN_S):
            self._turn.release()
        self.notifier.flush(LAST_MESSAGE_WITHIN_S)

    def _join(self, request: Request) -> LiquidationResult | None:
        running = self._running
        if running is None or running.loop is None or running.manager is None:
            return None
        if not running.request.covers(request) and request.pairs is not None:
            return None  # disjoint: it waits its turn
        joining = running.manager.execute_liquidation(request=request)
        try:
            future = asyncio.run_coroutine_threadsafe(joining, running.loop)
        except (RuntimeError, AttributeError):  # that run is just over: look again
            joining.close()
            return None
        try:
            return future.result(max(0.1, running.ends_at - time.monotonic()) + OVERRUN_S)
        except (TimeoutError, concurrent.futures.CancelledError, asyncio.CancelledError):
            return None

    def _decide(self, request: Request) -> tuple[Request, bool]:
        """Whether a maintenance window covers an automatic trigger. In doubt: protect."""
        if not request.automatic or self._will_skip(request):
            return request, False
        control = self._control
        assert control is not None, "attached"
        try:
            state = bounded(control.state, timeout_s=CONTROL_READ_WITHIN_S, name="control")
        except Exception as error:  # noqa: BLE001 - whatever it is: protect
            self.log.warning("Maintenance window not readable, taken as armed: %s", error)
            return request, False
        if state.disarmed_until is None:
            return request, False
        reason = f"disarmed by {state.disarmed_by} until {state.disarmed_until:%Y-%m-%d %H:%M} UTC"
        return replace(request, skip_reason=reason), True

    def _execute(self, running: _Running) -> LiquidationResult:
        """In a thread of its own, so that nothing the run does can hold up its caller."""
        box: list[LiquidationResult] = []
        thread = threading.Thread(
            target=self._run_thread, args=(running, box), name="liquidation", daemon=True
        )
        thread.start()
        thread.join(max(0.0, running.ends_at - time.monotonic()) + OVERRUN_S)
        if box:
            return box[0]
        words = "the run did not end in time" if thread.is_alive() else "the run broke off"
        self.log.critical("Liquidation: %s; treat every position as open.", words)
        return LiquidationResult(
            state=LiquidationState.FAILED,
            correlation_id=running.correlation_id,
            positions_failed=len(self._trades),
            errors=(words,),
        )

    def _run_thread(self, running: _Running, box: list[LiquidationResult]) -> None:
        try:
            box.append(asyncio.run(self._run(running)))
        except Exception:
            self.log.exception("Liquidation broke off.")

    async def _run(self, running: _Running) -> LiquidationResult:
        bot, audit = self._bot, self._audit
        assert bot is not None, "attached"
        assert audit is not None, "attached"
        self._trades, unread = open_trades_in_time(self._trades)
        if unread is not None:
            self.log.warning("Trades not readable, using the last known: %s", unread)
        wire = Wire(bot.exchange)
        venue = venue_for(
            bot.exchange,
            wire,
            self._trades,
            door=self.door,
            account_scope=self.config.scope == "account",
        )
        venue.deeds.closes += still_unbooked(self._earlier_closes, self._trades)
        booker = Booker(bot, wire, venue, self._trades)
        venue.booker = booker
        manager = LiquidationManager(self.config, venue, audit, self.log)
        running.manager, running.loop = manager, asyncio.get_running_loop()
        if not self._will_skip(running.request):
            self._say_started(running.request)
        try:
            return await manager.execute_liquidation(
                request=running.request,
                correlation_id=running.correlation_id,
                timeout_s=running.ends_at - time.monotonic(),
            )
        finally:
            running.loop = None
            self._earlier_closes = venue.deeds.closes
            wire.close()
            for message in booker.messages:
                self.notifier.send(Message(raw=message))

    def _say_started(self, request: Request) -> None:
        self.notifier.send(Message(text=messages.started(request.trigger, len(self._trades))))

    # -- after it -----------------------------------------------------------------------------

    def _after(self, request: Request, result: LiquidationResult, *, process_ends: bool) -> None:
        bot = self._bot
        assert bot is not None, "attached"
        self.last_result = result
        on_purpose = self._will_skip(request) or (
            request.automatic and not self.config.close_positions
        )
        skipped = result.state is LiquidationState.SKIPPED or on_purpose
        self.has_run = self.has_run or not skipped
        self._say_outcome(result, bot)
        if not skipped and request.pairs is None:
            if request.trigger in LATCHING:
                self._latch(request, result)
            if not process_ends:
                self._settle_state(bot, result)
        if process_ends:
            self.notifier.flush(LAST_MESSAGE_WITHIN_S)

    def _say_outcome(self, result: LiquidationResult, bot: "LiquidatingBot") -> None:
        kind = RPCMessageType.STATUS if result.success else RPCMessageType.WARNING
        self.notifier.send(
            Message(
                text=messages.outcome(result, bot.config["stake_currency"]),
                kind=kind,
                urgent=True,
            )
        )

    def _latch(self, request: Request, result: LiquidationResult) -> None:
        by = f"{request.trigger} {request.actor or ''}".strip() + f" ({result.correlation_id})"
        assert self._control is not None, "attached"
        try:
            self._control.latch(by=by, correlation_id=result.correlation_id)
        except LiquidationError as error:
            self.log.critical("Not latched, a restarted bot will trade again: %s", error)

    def _settle_state(self, bot: "LiquidatingBot", result: LiquidationResult) -> None:
        """Flat: stopped. Not flat: paused, so that freqtrade goes on managing exits, and again."""
        self.stopped_by_us = True
        if result.success:
            self._repeat_at = None
            bot.set_state(State.STOPPED)
            return
        bot.set_state(State.PAUSED)
        if self._repeat_at is None:
            self._repeats_left = REPEATS
        self._repeat_at = time.monotonic() + self._repeat_after_s if self._repeats_left else None

    @property
    def repeat_is_due_later(self) -> bool:
        """A run that left something open will be repeated."""
        return self._repeat_at is not None

    def repeat_if_due(self) -> None:
        """Called by the bot's loop: a run that left something open is repeated."""
        if self._repeat_at is None or time.monotonic() < self._repeat_at:
            return
        self._repeats_left -= 1
        self.liquidate(
            Request(
                trigger="recovery",
                actor="repeat",
                reason=f"not flat yet, {self._repeats_left} repeats left",
            )
        )

    # -- signals during a run -----------------------------------------------------------------

    def _on_second_signal(self) -> None:
        running = self._running
        pairs = sorted({trade.pair for trade in self._trades})
        left_s = max(0.0, running.ends_at - time.monotonic()) if running else 0.0
        self.log.warning("%s", messages.second_signal(pairs, left_s))

    def _on_third_signal(self) -> None:
        running = self._running
        self.log.critical("Third signal: forced exit. Positions may be open.")
        if self._audit is not None:
            self._audit.record(
                [
                    AuditEvent(
                        event_type=AuditEventType.ABANDONED,
                        operation="run",
                        correlation_id=running.correlation_id if running else None,
                        trigger=running.request.trigger if running else None,
                        additional_data={"signals": self.signals.received},
                    )
                ]
            )

    @property
    def positions_remain(self) -> bool:
        """The last run of this process left something open, or could not show that it did not."""
        result = self.last_result
        return result is not None and result.state in (
            LiquidationState.PARTIAL,
            LiquidationState.FAILED,
        )


_current: Protection | None = None


def current() -> Protection:
    """The protection of this process.

    :raises RuntimeError: if none was installed: a bot must not believe that it is armed.
    """
    if _current is None:
        raise RuntimeError("freqtrade-liquidation was not installed in this process")
    return _current


def install(make: Callable[[], Protection] = Protection) -> Protection:
    """Makes the protection of this process."""
    global _current  # noqa: PLW0603 - one a process, as freqtrade builds our classes itself
    _current = make()
    return _current

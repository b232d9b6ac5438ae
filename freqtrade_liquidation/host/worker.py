"""freqtrade's worker with our triggers: its stop, its signals and its death."""

import logging
import time
from typing import Any

from freqtrade.configuration import Configuration
from freqtrade.enums import RPCMessageType, State
from freqtrade.persistence import Trade
from freqtrade.worker import Worker
from sqlalchemy import Engine
from sqlalchemy.pool import StaticPool

from freqtrade_liquidation.host.bot import LiquidatingBot
from freqtrade_liquidation.host.neighbours import LOOK_EVERY_S
from freqtrade_liquidation.host.protection import Protection, current
from freqtrade_liquidation.host.signals import QueryInterrupted
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.threads import bounded

logger = logging.getLogger(__name__)

TRADING = (State.RUNNING, State.PAUSED)
CLEANUP_AFTER_RUN_S = 0.7
"""freqtrade's cleanup joins threads that sleep up to 10 s; after a run nobody waits for that."""
CLEANUP_WITHOUT_RUN_S = 20.0
ROLLBACK_WITHIN_S = 0.2


class LiquidatingWorker(Worker):
    """Put in ``Worker``'s place before freqtrade builds one. No method is patched."""

    def __init__(self, args: dict[str, Any], config: Any = None) -> None:
        self._protection: Protection = current()
        self._ended_by: BaseException | None = None
        self._reload_failed = False
        self._resume_from: State | None = None
        signals = self._protection.signals
        signals.install()
        with signals.held():  # freqtrade's exit needs a bot: its positions may be open already
            super().__init__(args, config)

    @property
    def bot(self) -> LiquidatingBot:
        """The bot of now: ``/reload_config`` builds a new one."""
        assert isinstance(self.freqtrade, LiquidatingBot)
        return self.freqtrade

    def run(self) -> None:
        """freqtrade's endless loop; remembers what ended it."""
        try:
            super().run()
        except QueryInterrupted:
            self._ended_by = KeyboardInterrupt()
            raise self._ended_by from None
        except BaseException as error:
            self._ended_by = error
            raise

    def _worker(self, old_state: State | None) -> State:
        self._protection.signals.check()
        if self._resume_from is not None:
            old_state, self._resume_from = self._resume_from, None
        self._protection.watch.look()
        seen = self.bot.state
        if old_state in TRADING and seen == State.STOPPED:
            self._on_stop(old_state)
        self._protection.repeat_if_due()
        self._protection.signals.check()
        state = super()._worker(old_state)
        if old_state in TRADING and state == State.STOPPED != seen:
            self._on_stop(old_state)  # it came after we had looked, and before freqtrade did
        self._protection.announce()
        return state

    def _sleep(self, sleep_duration: float) -> None:  # type: ignore[override]
        """As freqtrade's; a change of state (``/stop``) ends it, and other processes are heard."""
        until = time.monotonic() + sleep_duration
        while (left_s := until - time.monotonic()) > 0:
            if self.bot.wake.wait(min(left_s, LOOK_EVERY_S)):
                self.bot.wake.clear()
                return
            self._protection.watch.look()
            self._protection.signals.check()

    def _on_stop(self, old_state: State) -> None:
        if self._protection.after.stopped_by_us:
            return
        error, self.bot.fatal_error = self.bot.fatal_error, None
        if error is not None and self._protection.after.repeats.are_due_later:
            return  # it dies again while a run is being repeated: at that pace, not at the loop's
        self._rollback()
        self._protection.liquidate(
            Request(
                trigger="fatal_error" if error is not None else "stop",
                reason=f"{type(error).__name__}: {error}" if error is not None else None,
                details={"lifecycle_state": old_state.name},
            )
        )

    def _reconfigure(self) -> None:
        """As freqtrade's, but a configuration that does not load leaves the old bot running."""
        before = self._protection.state_before_reload
        try:
            # Ours first: it names the file and the line, and quotes nothing of a broken one.
            self._protection.validate(self._args)
            Configuration(self._args, None).get_config()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the bot goes on
            logger.error("Configuration not reloaded: %s", error)
            self.bot.notify_status(
                f"Configuration not reloaded, the bot goes on as before: {error}",
                msg_type=RPCMessageType.WARNING,
            )
            self.bot.resume(before)
            self._resume_from = before
            return
        try:
            with self._protection.signals.held():
                super()._reconfigure()
        except Exception:
            self._reload_failed = True
            raise

    def exit(self) -> None:
        """The end of the process: our run first, then freqtrade's own cleanup, bounded."""
        self._protection.signals.exiting()
        self._rollback()
        self._protection.liquidate(self._exit_request(), process_ends=True)
        self._protection.end()
        limit = CLEANUP_AFTER_RUN_S if self._protection.after.has_run else CLEANUP_WITHOUT_RUN_S
        try:
            bounded(super().exit, timeout_s=limit, name="cleanup")
        except TimeoutError:
            logger.info("freqtrade's cleanup was not waited for any longer.")
        except Exception:
            logger.exception("freqtrade's cleanup failed.")

    def _exit_request(self) -> Request:
        by_signal = bool(self._protection.signals.received) or isinstance(
            self._ended_by, (KeyboardInterrupt, type(None))
        )
        return Request(
            trigger="shutdown" if by_signal else "fatal_error",
            reason=None if by_signal else f"{type(self._ended_by).__name__}: {self._ended_by}",
            skip_reason="reload_failed" if self._reload_failed else None,
            details={
                "signal": self._protection.signals.first,
                "lifecycle_state": self.bot.state.name,
            },
        )

    @staticmethod
    def _rollback() -> None:
        """The signal may have come in the middle of a flush: without this the cleanup dies."""
        try:
            engine = Trade.session.get_bind()
            if engine.dialect.name == "sqlite":
                Trade.rollback()
            else:  # drops the connection: asks nothing of a server that may not answer
                Trade.session().invalidate()
            Trade.session.remove()
            in_memory = isinstance(engine, Engine) and isinstance(engine.pool, StaticPool)
            if isinstance(engine, Engine) and not in_memory:  # there, the connection is the data
                # A SELECT that the signal cut short keeps its cursor in the traceback, and with it
                # an old snapshot on a pooled connection, on which every write fails as "locked".
                engine.dispose()
        except Exception:
            logger.exception("Could not roll back freqtrade's session.")

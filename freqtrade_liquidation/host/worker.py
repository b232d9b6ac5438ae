"""freqtrade's worker with our triggers: its stop, its signals and its death.

The process ends once (:meth:`LiquidatingWorker._end`): in the main thread, through freqtrade's
``exit()``; or in a thread of ours, where a signal has come and a strategy keeps the main thread.
Whoever comes second waits for the first, so there is one run, whichever it is. A main thread that
does not come back is left behind.
"""

import logging
import threading
import time
from functools import partial
from typing import Any

from freqtrade.configuration import Configuration
from freqtrade.enums import RPCMessageType, State
from freqtrade.persistence import Trade
from freqtrade.worker import Worker
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import Pool, StaticPool

from freqtrade_liquidation.exit_codes import POSITIONS_REMAIN, SIGNALLED
from freqtrade_liquidation.host.bot import LiquidatingBot
from freqtrade_liquidation.host.neighbours import LOOK_EVERY_S
from freqtrade_liquidation.host.notifier import Message
from freqtrade_liquidation.host.protection import Protection, current
from freqtrade_liquidation.host.signals import QueryInterrupted, exit_now
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.threads import bounded, start_thread

logger = logging.getLogger(__name__)

CLEANUP_AFTER_RUN_S = 0.7
"""freqtrade's cleanup joins threads that sleep up to 10 s; after a run nobody waits for that."""
CLEANUP_WITHOUT_RUN_S = 20.0
LEAVES_WITHIN_S = 0.3
"""The main thread had the whole run to come back; longer than this it is not waited for."""
RETURNS_WITHIN_S = 5.0
"""It has come back, and ends the process in good order."""
ROLLED_BACK_WITHIN_S = 0.2


class LiquidatingWorker(Worker):
    """Put in ``Worker``'s place before freqtrade builds one. No method is patched."""

    def __init__(self, args: dict[str, Any], config: Any = None) -> None:
        self._protection: Protection = current()
        self._ended_by: BaseException | None = None
        self._reload_failed = False
        self._resume_from: State | None = None
        self._ending = threading.Lock()
        self._has_run = False
        self._cleaned_up: object = None
        self._old_pool: Pool | None = None
        signals = self._protection.signals
        signals.on_unheard = self._end_without_main
        signals.install()
        with signals.building():  # freqtrade's exit needs a bot: positions may be open already
            try:
                super().__init__(args, config)
            except Exception as error:
                self._protection.start_failed_by = error
                raise
        self._heed_watchdog()

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
        self._heed_stop()
        self._protection.repeat_if_due()
        self._protection.signals.check()
        state = super()._worker(old_state)
        self._heed_stop()
        self._protection.announce()
        return state

    def _sleep(self, sleep_duration: float) -> None:  # type: ignore[override]
        """As freqtrade's; a change of state (``/stop``) ends it, and other processes are heard."""
        until = time.monotonic() + sleep_duration
        while (left_s := until - time.monotonic()) > 0:
            if self.bot.wake.wait(min(left_s, LOOK_EVERY_S)):
                self.bot.wake.clear()
                return
            if self._protection.after.repeats.are_due_now:
                return
            self._protection.watchdog.ping()
            self._protection.watch.look()
            self._protection.signals.check()

    def _heed_stop(self) -> None:
        """A stop is a trigger from the moment when somebody asked for it, whatever the loop was at.

        An operator has, or freqtrade after its own error.
        """
        if (stopped_from := self._protection.stopped_from) is None:
            return
        self._protection.stopped_from = None
        error, self.bot.fatal_error = self.bot.fatal_error, None
        if error is not None and self._protection.after.repeats.are_due_later:
            return  # it dies again while a run is being repeated: at that pace, not at the loop's
        self._rollback()
        self._protection.liquidate(
            Request(
                trigger="fatal_error" if error is not None else "stop",
                reason=f"{type(error).__name__}: {error}" if error is not None else None,
                details={"lifecycle_state": stopped_from.name},
            )
        )
        self._old_pool = None

    def _reconfigure(self) -> None:
        """As freqtrade's, but a configuration that does not load leaves the old bot running."""
        before = self._protection.state_before_reload
        try:
            # Ours first: it names the file and the line, and quotes nothing of a broken one.
            self._protection.validate(self._args)
            Configuration(self._args, None).get_config()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the bot goes on
            logger.error("Configuration not reloaded: %s", error)
            text = f"Configuration not reloaded, the bot goes on as before: {error}"
            self._protection.notifier.send(Message(text=text, kind=RPCMessageType.WARNING))
            self.bot.resume(before)
            self._resume_from = before
            return
        try:
            with self._protection.signals.building():
                super()._reconfigure()
        except Exception:
            self._reload_failed = True
            raise
        self._heed_watchdog()

    def _heed_watchdog(self) -> None:
        """``internals.sd_notify`` of the configuration that has just been loaded."""
        self._protection.watchdog.notify = self._notify if self._sd_notify else None

    # -- the end of the process -----------------------------------------------------------------

    def exit(self) -> None:
        """freqtrade's way out, in the main thread."""
        self._protection.signals.exiting()
        self._rollback()
        self._end()

    def _end_without_main(self) -> bool:
        """A signal was heard and the main thread does not come.

        :returns: ``False`` while no bot is armed: there is nothing to close anything on.
        """
        if not self._protection.is_armed or not hasattr(self, "freqtrade"):
            return False
        logger.warning("The main thread does not react to the signal: ending without it.")
        if start_thread(self._end_and_leave, name="end") is None:
            self._end_and_leave()
        return True

    def _end_and_leave(self) -> None:
        try:
            self._end()
        except Exception:
            logger.exception("The end of the process did not go as it should.")
        signals = self._protection.signals
        until = time.monotonic() + LEAVES_WITHIN_S
        while time.monotonic() < until and not signals.is_exiting:
            time.sleep(LEAVES_WITHIN_S / 10)
        if signals.is_exiting:
            time.sleep(RETURNS_WITHIN_S)  # ends with the process
        exit_now(POSITIONS_REMAIN if self._protection.positions_remain else SIGNALLED)

    def _end(self) -> None:
        """Our run first, then freqtrade's own cleanup, bounded: each once."""
        with self._ending, self._protection.watchdog.pinging():
            if not self._has_run:
                self._has_run = True
                self._protection.end(self._exit_request())
            if self._cleaned_up is self.freqtrade:
                return
            self._cleaned_up = self.freqtrade
            limit = CLEANUP_AFTER_RUN_S if self._protection.after.has_run else CLEANUP_WITHOUT_RUN_S
            try:
                bounded(super().exit, timeout_s=limit, name="cleanup")
            except TimeoutError:
                logger.info("freqtrade's cleanup was not waited for any longer.")
            except Exception:
                logger.exception("freqtrade's cleanup failed.")

    def _exit_request(self) -> Request:
        signal = self._protection.signals.first
        by_signal = signal is not None or isinstance(
            self._ended_by, (KeyboardInterrupt, type(None))
        )
        if not by_signal and self._reload_failed and self._protection.stopped_from is not None:
            return Request(trigger="stop", details={"lifecycle_state": self.bot.state.name})
        skipped = self._reload_failed and not by_signal
        return Request(
            trigger="shutdown" if by_signal else "fatal_error",
            reason=None if by_signal else f"{type(self._ended_by).__name__}: {self._ended_by}",
            skip_reason="reload_failed" if skipped else None,
            details={"signal": signal, "lifecycle_state": self.bot.state.name},
        )

    def _rollback(self) -> None:
        """The signal may have come in the middle of a flush: without this the cleanup dies.

        A rollback may hang with its disk, so the session is given up first: from now on this thread
        has another one, whatever becomes of the old one.
        """
        try:
            engine, session = Trade.session.get_bind(), Trade.session()
            Trade.session.registry.clear()
            bounded(partial(_give_up, session), timeout_s=ROLLED_BACK_WITHIN_S, name="rollback")
            in_memory = isinstance(engine, Engine) and isinstance(engine.pool, StaticPool)
            if isinstance(engine, Engine) and not in_memory:  # there, the connection is the data
                # A SELECT that the signal cut short keeps its cursor in the traceback, and with it
                # an old snapshot on a pooled connection, on which every write fails as "locked".
                # Old connections stay open until the run is over: closing the last one makes SQLite
                # sync its journal into the database under a lock, for as long as the disk likes.
                self._old_pool = engine.pool
                engine.dispose(close=False)
        except Exception:
            logger.exception("Could not roll back freqtrade's session.")


def _give_up(session: Session) -> None:
    if session.get_bind().dialect.name == "sqlite":
        session.rollback()
    else:  # drops the connection: asks nothing of a server that may not answer
        session.invalidate()
    session.close()

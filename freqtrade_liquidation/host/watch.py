"""What the bot's loop does for us, beside trading: neighbours, latch, window, repair, reminders."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from freqtrade.enums import RPCMessageType, State
from freqtrade.persistence import Trade

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.history import Interrupted
from freqtrade_liquidation.host.lease import Claim
from freqtrade_liquidation.host.notifier import Message
from freqtrade_liquidation.host.reminder import Reminder
from freqtrade_liquidation.host.repair import repair
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.threads import start_thread

if TYPE_CHECKING:
    from freqtrade_liquidation.host.bot import LiquidatingBot
    from freqtrade_liquidation.host.protection import Protection

logger = logging.getLogger(__name__)

REPAIR_EVERY_S: Final = 5.0
READ_CONTROL_EVERY_S: Final = 5.0


class Watch:
    """Called from the bot's loop, also while it sleeps. In the main thread only."""

    def __init__(self, protection: "Protection") -> None:
        self._protection = protection
        self._reminder = Reminder()
        self._to_finish: list[Interrupted] = []
        self._has_started = False
        self._repair_at = 0.0
        self._repairing = threading.Lock()
        self._read_control_at = 0.0
        self._unreadable = False
        self._told: set[str] = set()

    @property
    def has_to_finish(self) -> bool:
        """A run that was cut off is carried on with as soon as the loop turns."""
        return bool(self._to_finish)

    def finish(self, cuts: Sequence[Interrupted]) -> None:
        """Runs that a person asked for, not long ago, and whose process was killed."""
        self._to_finish = [cut for cut in cuts if cut.to_finish]

    def started(self) -> None:
        """freqtrade has looked up its own open orders: now book what runs left unbooked."""
        self._repair_at, self._has_started = 0.0, True
        self._guarded(self._repair_if_due)

    def look(self) -> None:
        """One look at everything; each part keeps its own pace. Never raises.

        This is freqtrade's loop. An error of ours in it would be taken for the bot's death, and a
        death closes the book.
        """
        parts = (
            self._heed_neighbours,
            self._finish_interrupted,
            self._repair_if_due,
            self._heed_control,
        )
        for part in parts:
            self._guarded(part)

    def _guarded(self, part: Callable[[], None]) -> None:
        try:
            part()
        except Exception as error:
            words = f"{part.__name__}: {type(error).__name__}"
            if words not in self._told:
                self._told.add(words)
                logger.exception("The bot goes on, but a part of its protection failed: %s", words)

    # -- other processes ----------------------------------------------------------------------

    def _heed_neighbours(self) -> None:
        protection = self._protection
        beat = protection.neighbours.beat()
        if beat.request_waits:
            protection.neighbours.carry_out(protection.order)
        for claim in beat.started:
            protection.after.anothers_run_begins(claim, protection.bot)
        if beat.ended:
            self._anothers_runs_ended(beat.ended)

    def _anothers_runs_ended(self, claims: Sequence[Claim]) -> None:
        protection = self._protection
        text = messages.anothers_runs([(claim.correlation_id, claim.host) for claim in claims])
        protection.notifier.send(Message(text=text, kind=RPCMessageType.WARNING, urgent=True))
        for claim in claims:
            if claim.pairs is None:
                protection.door.bar()
            protection.after.anothers_run_ended(claim, protection.bot)
        self._repair_at = 0.0

    # -- what was left ------------------------------------------------------------------------

    def _finish_interrupted(self) -> None:
        cuts, self._to_finish = self._to_finish, []
        for cut in cuts:
            self._protection.order(
                Request(
                    trigger="recovery",
                    actor=cut.actor,
                    reason=cut.reason,
                    pairs=cut.pairs,
                    open_before=cut.open_before,
                    details={"finishes": cut.correlation_id, "first_trigger": cut.trigger},
                )
            )

    def _repair_if_due(self) -> None:
        """Never beside a run, nor before freqtrade's own startup, unless that does not come.

        In a thread: an exchange that is silent costs it half a minute, and the loop nothing.
        """
        protection = self._protection
        ready = self._has_started or protection.bot.state == State.STOPPED
        if not ready or protection.running_id is not None or time.monotonic() < self._repair_at:
            return
        if not self._repairing.acquire(blocking=False):
            return
        self._repair_at = time.monotonic() + REPAIR_EVERY_S
        bot, audit = protection.bot, protection.audit
        if start_thread(partial(self._repair, bot, audit), name="repair") is None:
            self._repairing.release()

    def _repair(self, bot: "LiquidatingBot", audit: AuditLog) -> None:
        try:
            send = self._protection.notifier.send
            pairs = repair(bot, audit, send=lambda raw: send(Message(raw=raw)))
            if pairs:
                send(Message(text=messages.repaired(pairs)))
        except Exception:
            logger.exception("Trades that a run left unbooked could not be looked up.")
        finally:
            Trade.session.remove()  # one a thread
            self._repairing.release()

    # -- latch and window ---------------------------------------------------------------------

    def _heed_control(self) -> None:
        """A latch or a window may be set by another process, or by a person at the database."""
        now_s = time.monotonic()
        if now_s < self._read_control_at:
            return
        self._read_control_at = now_s + READ_CONTROL_EVERY_S
        protection = self._protection
        protection.audit.import_fallback()
        try:
            state = protection.control.state()
        except LiquidationError as error:
            if not self._unreadable:
                logger.warning("Latch and maintenance window not readable for now: %s", error)
            self._unreadable = True
            return
        self._unreadable = False
        words = self._reminder.words(state, now_s, protection.config)
        if words is not None:
            protection.notifier.send(Message(text=words, kind=RPCMessageType.WARNING))
        trades_on = protection.bot.state == State.RUNNING and protection.running_id is None
        if state.latched_by is not None and trades_on:
            protection.keep_stopped(state.latched_by)

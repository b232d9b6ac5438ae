"""What follows from a run: the bot's state, the latch, and runs repeated until the book is flat."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from freqtrade.enums import RPCMessageType, State

from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.control import Control
from freqtrade_liquidation.host.lease import Claim
from freqtrade_liquidation.host.notifier import Message, Notifier
from freqtrade_liquidation.host.turns import Turn
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.state import LiquidationState

if TYPE_CHECKING:
    from freqtrade_liquidation.host.bot import LiquidatingBot

logger = logging.getLogger(__name__)

REPEAT_AFTER_S: Final = 30.0
REPEATS: Final = 10
LATCHING: Final = frozenset({"fatal_error", "telegram", "rest", "cli", "recovery"})
"""Triggers after which a restarted bot stays stopped: no crash loop of closing and re-entering."""


class Repeats:
    """A run that left something open is repeated while the process lives on.

    :param after_s: seconds between two of them.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._request: Request | None = None
        self._at: float | None = None
        self._count = 0

    @property
    def are_due_later(self) -> bool:
        """There will be another one."""
        return self._at is not None

    @property
    def are_due_now(self) -> bool:
        """The next one's time has come."""
        return self._at is not None and time.monotonic() >= self._at

    def plan(self, request: Request) -> None:
        """*request* left something open; its words stand for all repeats until a newer one's."""
        if not is_repeat(request):
            self._request, self._count = request, 0
        more = self._request is not None and self._count < REPEATS
        self._at = time.monotonic() + self._after_s if more else None

    def end(self) -> None:
        """No more."""
        self._at, self._request = None, None

    def due(self) -> Request | None:
        """The next one, once its time has come; its trigger is the first run's."""
        if self._request is None or not self.are_due_now:
            return None
        self._count += 1
        details = {**self._request.details, "repeat": self._count, "repeats_left": self._left}
        return replace(self._request, details=details)

    @property
    def _left(self) -> int:
        return REPEATS - self._count


def is_repeat(request: Request) -> bool:
    """Whether nobody asked for it just now: an earlier run left something open."""
    return "repeat" in request.details


class Aftermath:
    """Sets the bot's state after a run, and latches.

    :param control: the latch of now.
    :ivar has_run: a run has done its work in this process since the last ``/start``.
    :ivar last_result: of the last run that says how the whole book stands, since the last
        ``/start``: what is skipped after it, or closes some pairs, does not undo what it left open.
    :ivar stopped_by_us: the state that the bot has now is our doing: no trigger.
    """

    def __init__(
        self, notifier: Notifier, control: Callable[[], Control], *, repeat_after_s: float
    ) -> None:
        self._notifier = notifier
        self._control = control
        self.repeats = Repeats(repeat_after_s)
        self.has_run = False
        self.stopped_by_us = False
        self.last_result: LiquidationResult | None = None

    def follows(
        self, turn: Turn, result: LiquidationResult, bot: "LiquidatingBot", *, on_purpose: bool
    ) -> None:
        """Everything that follows from *result*, and the word about it.

        :param on_purpose: it was not meant to close anything.
        """
        whole = turn.request.pairs is None
        if result.state is not LiquidationState.SKIPPED and (whole or not result.success):
            self.last_result = result
        skipped = result.state is LiquidationState.SKIPPED or on_purpose
        self.has_run = self.has_run or not skipped
        self._say_outcome(result, bot)
        if skipped:
            if is_repeat(turn.request):
                self.repeats.end()  # somebody decided meanwhile that the rest stays open
        elif whole:
            self._settle_state(turn.request, result, bot)

    def _settle_state(
        self, request: Request, result: LiquidationResult, bot: "LiquidatingBot"
    ) -> None:
        """Flat: stopped. Not flat: paused, so that freqtrade goes on managing exits, and again."""
        self.stopped_by_us = True
        if result.success:
            self.repeats.end()
            bot.set_state(State.STOPPED)
        else:
            bot.set_state(State.PAUSED)
            self.repeats.plan(request)

    def _say_outcome(self, result: LiquidationResult, bot: "LiquidatingBot") -> None:
        kind = RPCMessageType.STATUS if result.success else RPCMessageType.WARNING
        text = messages.outcome(result, bot.config["stake_currency"])
        self._notifier.send(Message(text=text, kind=kind, urgent=True))

    # -- runs of other processes --------------------------------------------------------------

    def anothers_run_begins(self, claim: Claim, bot: "LiquidatingBot") -> None:
        """freqtrade does nothing of its own while another process closes the whole book."""
        if claim.pairs is None:
            self.stopped_by_us = True
            bot.set_state(State.STOPPED)

    def anothers_run_ended(self, claim: Claim, bot: "LiquidatingBot") -> None:
        """As after a run of ours."""
        if claim.pairs is not None:
            return
        self.stopped_by_us = self.has_run = True
        if claim.flat:
            bot.set_state(State.STOPPED)
            return
        bot.set_state(State.PAUSED)
        words = f"{claim.correlation_id} left something open"
        self.repeats.plan(Request(trigger="cli", actor=claim.host, reason=words))

    # -- the latch ----------------------------------------------------------------------------

    def latch(self, turn: Turn) -> threading.Thread | None:
        """Latches beside the run, at its start: a process killed in it must not trade again."""
        request = next((r for r in turn.requests if latches(r) and r.pairs is None), None)
        if request is None or turn.request.pairs is not None:
            return None
        by = f"{request.trigger} {request.actor or ''}".strip() + f" ({turn.correlation_id})"
        thread = threading.Thread(
            target=self._write_latch,
            args=(by, turn.correlation_id),
            name="liquidation-latch",
            daemon=True,
        )
        thread.start()
        return thread

    def _write_latch(self, by: str, correlation_id: str) -> None:
        try:
            self._control().latch(by=by, correlation_id=correlation_id)
        except LiquidationError as error:
            logger.critical("Not latched, a restarted bot will trade again: %s", error)


def latches(request: Request) -> bool:
    """Whether a run for it keeps the bot stopped over a restart; a repeat's first run has."""
    return request.trigger in LATCHING and not is_repeat(request)

"""What follows from a run: the bot's state, the latch, and runs repeated until the book is flat."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from freqtrade.enums import RPCMessageType, State

from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.control import Control
from freqtrade_liquidation.host.lease import Claim
from freqtrade_liquidation.host.notifier import Message, Notifier
from freqtrade_liquidation.host.turns import Turn
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import Position, Request, still_open
from freqtrade_liquidation.state import LiquidationState
from freqtrade_liquidation.threads import start_thread

if TYPE_CHECKING:
    from freqtrade_liquidation.host.bot import LiquidatingBot

logger = logging.getLogger(__name__)

REPEAT_AFTER_S: Final = 30.0
REPEATS: Final = 10
LATCHING: Final = frozenset({"fatal_error", "telegram", "rest", "cli", "recovery"})
"""Triggers after which a restarted bot stays stopped: no crash loop of closing and re-entering."""


class Repeats:
    """A run that left something open is repeated while the process lives on.

    At its own pace, from a thread that lives while a repeat is due later: a strategy may keep the
    bot's loop for longer, and a loop may be told to sleep for longer. Where no thread is granted,
    the loop calls :meth:`begin_if_due`. Thread-safe.

    :param after_s: seconds between two of them.
    :param order: begins a run and returns at once.
    """

    def __init__(self, after_s: float, order: Callable[[Request], object]) -> None:
        self._after_s = after_s
        self._order = order
        self._request: Request | None = None
        self._at: float | None = None
        self._begun = False
        self._count = 0
        self._changed = threading.Condition()
        self._waits = False

    @property
    def are_due_later(self) -> bool:
        """There will be another one, or one is under way."""
        return self._at is not None

    @property
    def are_due_now(self) -> bool:
        """The next one's time has come."""
        at = self._at
        return at is not None and not self._begun and time.monotonic() >= at

    def plan(self, request: Request, left: Sequence[Position] = ()) -> None:
        """*request* left something open; its words stand for all repeats until a newer one's.

        :param left: what it left; empty = its run did not come to know, and what was open before
            counts.
        """
        with self._changed:
            if not is_repeat(request):
                self._request, self._count = request, 0
            if self._request is not None and left:
                self._request = replace(self._request, open_before=tuple(left))
            self._plan_next()

    def resume(self, request: Request, count: int) -> int:
        """Goes on where the process before this one was cut off, after *count* of them.

        :returns: how many are left.
        """
        with self._changed:
            self._request, self._count = request, count
            self._plan_next()
            return self._left

    def _plan_next(self) -> None:
        more = self._request is not None and self._left > 0
        self._at = time.monotonic() + self._after_s if more else None
        self._begun = False
        self._changed.notify_all()
        if more and not self._waits:
            self._waits = start_thread(self._wait, name="repeats") is not None

    def end(self) -> None:
        """No more."""
        with self._changed:
            self._at, self._request = None, None
            self._changed.notify_all()

    def begin_if_due(self) -> None:
        """Begins the next one, once its time has come; its trigger is the first run's."""
        if (request := self._due()) is not None:
            self._order(request)

    def _wait(self) -> None:
        while True:
            with self._changed:
                while self._at is not None and not self.are_due_now:
                    left_s = None if self._begun else self._at - time.monotonic()
                    self._changed.wait(left_s)
                if self._at is None:
                    self._waits = False
                    return
            try:
                self.begin_if_due()
            except Exception:
                logger.exception("A liquidation could not be repeated.")

    def _due(self) -> Request | None:
        with self._changed:
            if self._request is None or not self.are_due_now:
                return None
            self._begun = True
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
    :param order: begins a run; for repeats.
    :ivar has_run: a run for the whole book has done its work since the last ``/start``.
    :ivar last_result: of the last run that says how the whole book stands, since the last
        ``/start``: what is skipped after it, or closes some pairs, does not undo what it left open.
    :ivar stopped_by_us: the state that the bot has now is our doing: no trigger.
    """

    def __init__(
        self,
        notifier: Notifier,
        control: Callable[[], Control],
        *,
        order: Callable[[Request], object],
        repeat_after_s: float,
    ) -> None:
        self._notifier = notifier
        self._control = control
        self.repeats = Repeats(repeat_after_s, order)
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
        self.has_run = self.has_run or (whole and not skipped)
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
            self.repeats.plan(request, still_open(o.to_dict() for o in result.outcomes))

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

    def latch(self, turn: Turn) -> threading.Event | None:
        """Latches beside the run, at its start: a process killed in it must not trade again.

        :returns: set once it is written down, or cannot be; ``None`` = *turn* does not latch.
        """
        request = next((r for r in turn.requests if latches(r) and r.pairs is None), None)
        if request is None or turn.request.pairs is not None:
            return None
        by = f"{request.trigger} {request.actor or ''}".strip() + f" ({turn.correlation_id})"
        over = threading.Event()
        write = partial(self._write_latch, by, turn.correlation_id, over)
        if start_thread(write, name="latch") is None:
            write()
        return over

    def _write_latch(self, by: str, correlation_id: str, over: threading.Event) -> None:
        try:
            self._control().latch(by=by, correlation_id=correlation_id)
        except LiquidationError as error:
            logger.critical("Not latched, a restarted bot will trade again: %s", error)
        finally:
            over.set()


def latches(request: Request) -> bool:
    """Whether a run for it keeps the bot stopped over a restart; a repeat's first run has."""
    return request.trigger in LATCHING and not is_repeat(request)

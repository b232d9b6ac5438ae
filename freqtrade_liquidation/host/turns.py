"""One run at a time in this process: who joins it, who widens it, who waits for his turn."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.manager import (
    LiquidationManager,
    LiquidationResult,
    does_all_of,
    new_correlation_id,
)
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.threads import in_loop
from freqtrade_liquidation.trail import Listener

OVERRUN_S: Final = 0.3
"""A run that has not ended this long after its deadline is not waited for."""
WIDENED_WITHIN_S: Final = 0.2
STANDSTILL_S: Final = 0.5
"""Nothing that runs wakes so much later than it wanted to."""
AFTER_STANDSTILL_S: Final = 1.0


def ends_in_time(is_over: Callable[[float], bool], until: float) -> bool:
    """Whether a run is over at *until*, on the monotonic clock.

    A process that stood still (SIGSTOP, a paused container, a virtual machine that is moved) has
    had none of that time: its run gets a moment more to end in.

    :param is_over: waits for as many seconds, and says whether the run is over.
    """
    while not is_over(max(0.0, until - time.monotonic())):
        now = time.monotonic()
        if now - until < STANDSTILL_S:
            return False
        until = now + AFTER_STANDSTILL_S
    return True


class NotArmed(LiquidationError):
    """No bot was ever built in this process: there is no exchange to close anything on."""


class Busy(LiquidationError):
    """A run that does not cover the request is under way.

    :ivar correlation_id: that run.
    """

    def __init__(self, correlation_id: str) -> None:
        super().__init__(f"liquidation {correlation_id} is under way for other pairs")
        self.correlation_id = correlation_id


@dataclass(slots=True, kw_only=True, eq=False)
class Turn:
    """A run under way, or one that waits for the run before it.

    :param requests: the first set it off, the others joined it.
    :param ends_at: its deadline, on the monotonic clock; ``None`` = it has not begun.
    :param done: its result, after everything that follows from it (latch, state, messages).
    :param result: what the run came to, before what follows from it: no slow database undoes it.
    :param takes_more: others may join it; no more once what follows from it is being settled.
    :param given_up: it was ended without a result of its own, which may still come.
    """

    request: Request
    requests: list[Request]
    correlation_id: str = field(default_factory=lambda: new_correlation_id(datetime.now(UTC)))
    ends_at: float | None = None
    done: Future[LiquidationResult] = field(default_factory=Future)
    result: LiquidationResult | None = None
    takes_more: bool = True
    given_up: bool = False
    listeners: list[Listener] = field(default_factory=list)
    manager: LiquidationManager | None = None
    loop: asyncio.AbstractEventLoop | None = None
    _taken: "list[threading.Lock]" = field(default_factory=list)
    _finished: "threading.Lock" = field(default_factory=threading.Lock)

    @property
    def reached(self) -> LiquidationResult | None:
        """What the run came to, as soon as that is known; ``None`` = it is still at work."""
        return self.result or (None if self.manager is None else self.manager.reached)

    def hear(self, event: AuditEvent) -> None:
        """Passes an audit event on to whoever watches."""
        for listener in tuple(self.listeners):
            listener(event)

    def widen(self, request: Request) -> bool:
        """Whether it is a run for the whole book from now on (thread-safe)."""
        manager, loop = self.manager, self.loop
        if manager is None or loop is None:
            return False
        if not in_loop(loop, lambda: manager.widen(request), timeout_s=WIDENED_WITHIN_S):
            return False
        self.request = replace(self.request, pairs=None)
        return True

    def take(self, exit_lock: "threading.Lock", *, within_s: float) -> bool:
        """Keeps freqtrade's loop from exits and adjustments of its own while the run is under way.

        Where the loop does not let go in time, the run goes on without.
        """
        if not exit_lock.acquire(timeout=within_s):
            return False
        self._taken.append(exit_lock)
        if self._finished.locked():  # it was given up while it waited for the lock
            self.give_back()
        return True

    @property
    def has_lock(self) -> bool:
        """Whether freqtrade's loop is kept from exits of its own."""
        return bool(self._taken)

    def give_back(self) -> None:
        """Lets freqtrade's loop go on. Thread-safe: a lock is given back once."""
        with contextlib.suppress(IndexError):
            self._taken.pop().release()

    def finish(self) -> bool:
        """Whether the caller is the one who ends it: exactly one is."""
        return self._finished.acquire(blocking=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What somebody who asked for a liquidation holds.

    :param joined: a run that was under way does it.
    """

    turn: Turn
    joined: bool

    @property
    def correlation_id(self) -> str:
        """The run's."""
        return self.turn.correlation_id

    def wait(self, timeout_s: float) -> LiquidationResult:
        """The result.

        :raises TimeoutError: if it is not there within *timeout_s* seconds.
        """
        return self.turn.done.result(timeout_s)


class Turns:
    """The line of runs; its first is under way.

    :param config: the settings of now.
    :param on_widened: called when the run under way becomes one for the whole book.
    """

    def __init__(
        self, config: Callable[[], LiquidationConfig], *, on_widened: Callable[[Turn], None]
    ) -> None:
        self._config = config
        self._on_widened = on_widened
        self._line: list[Turn] = []
        self._moved = threading.Condition(threading.Lock())

    @property
    def running(self) -> Turn | None:
        """The run under way. Takes no lock: a signal handler may ask."""
        line = self._line
        return line[0] if line else None

    def enter(self, request: Request, listener: Listener | None, *, wait_turn: bool) -> Ticket:
        """Joins, widens, or lines up.

        :returns: a ticket; unless it says ``joined``, the caller carries the turn out.
        :raises Busy: if *wait_turn* is false and the run under way is for other pairs. One that
            shares pairs with *request*, and does less, is waited for all the same.
        """
        with self._moved:
            turn = self._to_join(request)
            joined = turn is not None
            if turn is None:
                if self._line and not wait_turn and _disjoint(self._line[0].request, request):
                    raise Busy(self._line[0].correlation_id)
                turn = Turn(request=request, requests=[])
                self._line = [*self._line, turn]
            turn.requests.append(request)
            if listener is not None:
                turn.listeners.append(listener)
            return Ticket(turn=turn, joined=joined)

    def _to_join(self, request: Request) -> Turn | None:
        for turn in self._line:
            if turn.takes_more and does_all_of(turn.request, request, self._config()):
                return turn
        first = self.running
        if first is not None and first.takes_more and first.widen(request):
            self._on_widened(first)
            return first
        return None

    def wait_for_turn(self, turn: Turn) -> bool:
        """Returns when *turn* is first, or when those before it should be over and are not.

        :returns: ``False`` if *turn* has left the line meanwhile: whoever waited for it gave it up.
        """
        with self._moved:
            while turn in self._line:
                first = self._line[0]
                if first is turn:
                    return True
                ends_at = first.ends_at
                in_time = self._moved.wait(self._patience_s(first))
                # Others wait, too: the one that is late must go, once, and no other in its place.
                late = not in_time and first.ends_at == ends_at
                if late and self._line and self._line[0] is first:
                    self._line = self._line[1:]
                    self._moved.notify_all()
            return False

    def skip(self, turn: Turn, reason: str) -> bool:
        """Makes *turn* one that closes nothing; not if a person has asked for it meanwhile."""
        with self._moved:
            if not all(request.automatic for request in turn.requests):
                return False
            turn.request = replace(turn.request, skip_reason=reason)
            return True

    def close(self, turn: Turn) -> None:
        """Nobody joins *turn* from now on: it has done its work."""
        with self._moved:
            turn.takes_more = False

    def leave(self, turn: Turn) -> None:
        """*turn* is over: the next one's time has come."""
        with self._moved:
            self._line = [waiting for waiting in self._line if waiting is not turn]
            self._moved.notify_all()

    def over_by(self, turn: Turn) -> float:
        """When *turn* must be over, on the monotonic clock, with those before it."""
        line = self._line
        ahead = line[: line.index(turn)] if turn in line else []
        waiting_s = sum(self._patience_s(other) for other in ahead)
        return time.monotonic() + waiting_s + self._patience_s(turn)

    def _patience_s(self, turn: Turn) -> float:
        now = time.monotonic()
        ends_at = now + self._config().timeout_seconds if turn.ends_at is None else turn.ends_at
        return max(0.0, ends_at - now) + OVERRUN_S


def _disjoint(one: Request, other: Request) -> bool:
    """Whether no pair is in the scope of both."""
    return one.pairs is not None and other.pairs is not None and not one.pairs & other.pairs

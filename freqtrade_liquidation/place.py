"""A request's place in the queue, where the exchange takes only so many.

The run knows what matters most, the wire knows what fits. A place is handed from one to the other
beside the order manager's verbs, in a context variable: most exchanges and every simulation have
no queue, and know nothing of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Final

from freqtrade_liquidation.plan import Urgency


@dataclass(slots=True, kw_only=True, eq=False)
class Place:
    """Where one verb stands. Its attempt's time runs only while none of its requests waits.

    :param exposure: quote currency at stake; the larger goes first among equally urgent ones.
    :param wait_until: on the loop's clock; what has not gone by then is not sent.
    :param attempt: the timeout of the attempt.
    :param attempt_s: how long it may take once it is sent (now).
    :ivar over: the verb has ended; a question that it shares with another one may still wait here.
    """

    urgency: Urgency
    exposure: float
    wait_until: float
    attempt: asyncio.Timeout
    attempt_s: Callable[[], float]
    waiting: int = field(default=0, init=False)
    over: bool = field(default=False, init=False)
    _shared_with: "list[Place]" = field(default_factory=list, init=False)

    @property
    def rank(self) -> tuple[int, float]:
        """Smaller goes first."""
        return (self.urgency, -self.exposure)

    @contextmanager
    def queued(self) -> Iterator[None]:
        """While inside, one of its requests waits for its turn."""
        self._begin_to_wait()
        try:
            yield
        finally:
            self._end_to_wait()

    @contextmanager
    def shared_with(self, other: "Place") -> Iterator[None]:
        """While inside, *other* waits for an answer that is asked for here: whenever one of the
        requests made here waits for its turn, so does *other*."""
        self._shared_with.append(other)
        for _ in range(self.waiting):
            other._begin_to_wait()
        try:
            yield
        finally:
            self._shared_with.remove(other)
            for _ in range(self.waiting):
                other._end_to_wait()

    def _begin_to_wait(self) -> None:
        self.waiting += 1
        self._let_run(None)
        for other in self._shared_with:
            other._begin_to_wait()

    def _end_to_wait(self) -> None:
        self.waiting -= 1
        if not self.waiting:
            self._let_run(asyncio.get_running_loop().time() + self.attempt_s())
        for other in self._shared_with:
            other._end_to_wait()

    def _let_run(self, until: float | None) -> None:
        if not (self.over or self.attempt.expired()):
            self.attempt.reschedule(until)


CURRENT: Final[ContextVar[Place | None]] = ContextVar("place", default=None)
"""Of the verb that runs; ``None`` = nobody said: after everything else."""


@contextmanager
def at(place: Place) -> Iterator[Place]:
    """While inside, the requests that are made stand at *place*."""
    token = CURRENT.set(place)
    try:
        yield place
    finally:
        CURRENT.reset(token)


@asynccontextmanager
async def within(timeout_s: float) -> AsyncIterator[None]:
    """A part of the verb that runs, in a time of its own. Neither runs while the part waits.

    :raises TimeoutError: if it takes longer.
    """
    whole = CURRENT.get()
    async with asyncio.timeout(timeout_s) as attempt:
        if whole is None:
            yield
            return
        part = replace(whole, attempt=attempt, attempt_s=lambda: min(timeout_s, whole.attempt_s()))
        with at(part), part.shared_with(whole):
            yield

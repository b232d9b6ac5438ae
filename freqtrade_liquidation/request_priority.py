"""A request's place in the queue, where the exchange takes only so many.

The run knows what matters most, the client knows what fits. A priority is handed from one to the
other beside the order manager's verbs, in a context variable: most exchanges and every simulation
have no queue, and know nothing of it.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.plan import Urgency


@dataclass(slots=True, kw_only=True, eq=False)
class Priority:
    """Where the requests of one verb stand.

    :param exposure: quote currency at stake; the larger goes first among equally urgent ones.
    :param wait_until: on the loop's clock; what has not gone by then is not sent.
    :param failed: hears each attempt that failed while the verb goes on.
    :ivar waiting: how many of its requests wait for their turn.
    :ivar queued_until: when the last of them had its turn, on the loop's clock; 0.0 = none waited.
    :ivar asked_at: on the loop's clock: no answer that the verb has had is to a question that left
        earlier; ``None`` = it has had none.
    """

    urgency: Urgency
    exposure: float
    wait_until: float
    failed: Callable[[LiquidationError], None] = lambda error: None
    waiting: int = field(default=0, init=False)
    queued_until: float = field(default=0.0, init=False)
    asked_at: float | None = field(default=None, init=False)

    @property
    def rank(self) -> tuple[int, float]:
        """Smaller goes first."""
        return (self.urgency, -self.exposure)

    def answered(self, asked_at: float) -> None:
        """A question that left at *asked_at* was answered."""
        self.asked_at = asked_at if self.asked_at is None else min(self.asked_at, asked_at)

    @contextmanager
    def queued(self) -> Iterator[None]:
        """While inside, one of its requests waits for its turn."""
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1
            self.queued_until = asyncio.get_running_loop().time()


CURRENT: Final[ContextVar[Priority | None]] = ContextVar("priority", default=None)
"""Of the verb that runs; ``None`` = nobody said: after everything else."""


@contextmanager
def at(priority: Priority) -> Iterator[Priority]:
    """While inside, the requests that are made stand at *priority*."""
    token = CURRENT.set(priority)
    try:
        yield priority
    finally:
        CURRENT.reset(token)

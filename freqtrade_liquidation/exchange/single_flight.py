"""One question for all who ask it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable


class SharedFlight:
    """Runs *ask* once for everybody who waits for it at that moment.

    Never an older answer: who asks after it has ended starts it anew. When nobody waits any more
    it is called off, so that nobody later joins a question that was sent long before.
    """

    def __init__(self, ask: Callable[[float], Awaitable[None]]) -> None:
        self._ask = ask
        self._flight: asyncio.Future[None] | None = None
        self._waiting = 0

    async def join(self, timeout_s: float) -> None:
        """Waits for the flight under way, or for one of its own (*timeout_s*: seconds).

        :raises LiquidationError: what *ask* raises, to each who waits.
        """
        if self._flight is None or self._flight.done():
            self._flight, self._waiting = asyncio.ensure_future(self._ask(timeout_s)), 0
        flight = self._flight
        self._waiting += 1
        try:
            await asyncio.shield(flight)
        finally:
            if flight is self._flight:
                self._waiting -= 1
                if not self._waiting:
                    self._flight = None
                    flight.cancel()

"""One question for all who ask it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

TOGETHER_S: Final = 0.01
"""Who asks this much later has a question of his own: an answer tells nothing of what happened
after its question had left."""


@dataclass(slots=True, eq=False)
class _Flight:
    answer: "asyncio.Future[None]"
    began: float
    waiting: int = 0


class SharedFlight:
    """Runs *ask* once for everybody who asks at that moment.

    When nobody waits any more it is called off.
    """

    def __init__(self, ask: Callable[[float], Awaitable[None]]) -> None:
        self._ask = ask
        self._newest: _Flight | None = None

    async def join(self, timeout_s: float) -> None:
        """Waits for the flight that has just begun, or for one of its own (*timeout_s*: seconds).

        :raises LiquidationError: what *ask* raises, to each who waits.
        """
        flight = self._boarding(timeout_s)
        flight.waiting += 1
        try:
            await asyncio.shield(flight.answer)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                flight.answer.cancel()

    def _boarding(self, timeout_s: float) -> _Flight:
        now, newest = asyncio.get_running_loop().time(), self._newest
        if newest is None or newest.answer.done() or now - newest.began > TOGETHER_S:
            newest = _Flight(asyncio.ensure_future(self._ask(timeout_s)), now)
            self._newest = newest
        return newest

"""The backtest analysis' virtual clock, leaner: one loop for all schedules, and no descriptors.

Nothing in a simulation waits for a file or a thread. ``asyncio.run`` would build a loop for each
schedule, and write its whole result down twice (``signal`` does that with handlers that it does not
know).
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final, TypeVar

from freqtrade_liquidation.analysis.virtual import VirtualLoop
from freqtrade_liquidation.analysis.virtual import run as run_anew

__all__ = ["VirtualLoop", "play_out", "run"]

T = TypeVar("T")
BEGINNING_S: Final = 1_000.0

run = run_anew


class _LeanLoop(VirtualLoop):
    """Jumps to its next timer without asking the operating system anything, and does nothing that
    only a loop with threads, signals or descriptors needs. Half of a simulation's time is its loop.

    Source: CPython 3.11 to 3.14, ``asyncio.base_events.BaseEventLoop``.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def _run_once(self) -> None:
        ready, timers = self._ready, self._scheduled
        while timers and timers[0].cancelled():
            heapq.heappop(timers)
        if not ready and timers:
            self.now = max(self.now, timers[0].when())
        while timers and timers[0].when() <= self.now:
            ready.append(heapq.heappop(timers))
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()

    def call_soon(  # type: ignore[override]  # typeshed's has a tuple of type variables
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        return timer

    def reset(self) -> None:
        """As new: what was still to come never comes."""
        for task in asyncio.all_tasks(self):
            task.cancel()
        self.run_until_complete(asyncio.sleep(0))
        self._ready.clear()
        self._scheduled.clear()
        self.now = BEGINNING_S


_loops: list[_LeanLoop] = []


def play_out(main: Coroutine[Any, Any, T]) -> T:
    """*main* on this process's loop, from its beginning."""
    if not _loops:
        _loops.append(_LeanLoop())
    loop = _loops[0]
    loop.reset()
    return loop.run_until_complete(main)

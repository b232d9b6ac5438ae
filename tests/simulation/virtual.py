"""The backtest analysis' virtual clock, leaner: one loop for all schedules, and no descriptors.

Nothing in a simulation waits for a file or a thread. ``asyncio.run`` would build a loop for each
schedule, and write its whole result down twice (``signal`` does that with handlers that it does not
know).
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar

from freqtrade_liquidation.analysis.virtual import VirtualLoop
from freqtrade_liquidation.analysis.virtual import run as run_anew

__all__ = ["VirtualLoop", "play_out", "run"]

T = TypeVar("T")
BEGINNING_S: Final = 1_000.0

run = run_anew


class _Handle(asyncio.Handle):
    """Without what is there for debugging."""

    __slots__ = ()
    _source_traceback = _repr = None

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop, self._callback, self._args = loop, callback, args
        self._cancelled = False


class _Timer(asyncio.TimerHandle):
    """The same. A loop that drops timers when they are due need not hear that one is cancelled."""

    __slots__ = ()
    _source_traceback = _repr = None

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop, self._callback, self._args, self._when = loop, callback, args, when
        self._cancelled = False

    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def __lt__(self, other: Any) -> bool:
        return bool(self._when < other._when)

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = self._args = None  # type: ignore[assignment]  # as asyncio's own


class _LeanLoop(VirtualLoop):
    """Jumps to its next timer without asking the operating system anything, and does nothing that
    only a loop with threads, signals or descriptors needs. Half of a simulation's time is its loop.

    :ivar _timers: a heap, each timer beside its moment: two numbers are compared faster than two
        timers, and of the same moment the timers are compared as ever.

    Source: CPython 3.11 to 3.14, ``asyncio.base_events.BaseEventLoop``.
    """

    _ready: deque[Any]  # handles, whose fields typeshed does not have
    _stopping: bool
    get_debug = staticmethod(bool)  # False, told to each future and task without a frame

    def __init__(self) -> None:
        super().__init__()
        self._timers: list[tuple[float, asyncio.TimerHandle]] = []
        self._tasks: list[asyncio.Task[Any]] = []

    def _run_once(self) -> None:
        """One round after the other, until the loop has to stop."""
        ready, timers, pop = self._ready, self._timers, heapq.heappop
        while True:
            while timers and timers[0][1]._cancelled:
                pop(timers)
            if not ready and timers:
                self.now = max(self.now, timers[0][0])
            now = self.now
            while timers and timers[0][0] <= now:
                ready.append(pop(timers)[1])
            for _ in range(len(ready)):
                handle = ready.popleft()
                if handle._cancelled:
                    continue
                try:
                    handle._context.run(handle._callback, *handle._args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:  # noqa: BLE001 - as any loop does
                    self.call_exception_handler({"message": "in a callback", "exception": error})
            if self._stopping:
                return

    def call_soon(  # type: ignore[override]  # typeshed's has a tuple of type variables
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = _Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = _Timer(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, timer))
        return timer

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], **options: Any
    ) -> asyncio.Task[T]:
        task = asyncio.Task(coro, loop=self, **options)
        self._tasks.append(task)
        return task

    def reset(self) -> None:
        """As new: what was still to come never comes."""
        for task in self._tasks:
            task.cancel()
        self.run_until_complete(asyncio.sleep(0))
        self._tasks.clear()
        self._ready.clear()
        self._timers.clear()
        self.now = BEGINNING_S


_loops: list[_LeanLoop] = []


def play_out(main: Coroutine[Any, Any, T]) -> T:
    """*main* on this process's loop, from its beginning."""
    if not _loops:
        _loops.append(_LeanLoop())
    loop = _loops[0]
    loop.reset()
    return loop.run_until_complete(main)

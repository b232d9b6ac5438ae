"""The backtest analysis' virtual clock, leaner: one loop for all schedules, and no descriptors.

Nothing in a simulation waits for a file or a thread. ``asyncio.run`` would build a loop for each
schedule, and write its whole result down twice (``signal`` does that with handlers that it does not
know).
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from freqtrade_liquidation.analysis.virtual import VirtualLoop
from freqtrade_liquidation.analysis.virtual import run as run_anew

__all__ = ["VirtualLoop", "play_out", "run"]

T = TypeVar("T")
BEGINNING_S: Final = 1_000.0

run = run_anew


class _LeanLoop(VirtualLoop):
    """Jumps to its next timer without asking the operating system anything."""

    def __init__(self) -> None:
        super().__init__()
        self._selector.select = self._jump  # type: ignore[attr-defined]

    def _jump(self, timeout: float | None = None) -> list[Any]:
        if timeout:
            self.now += timeout
        return []

    def reset(self) -> None:
        """As new: what was still to come never comes."""
        for task in asyncio.all_tasks(self):
            task.cancel()
        self.run_until_complete(asyncio.sleep(0))
        self._ready.clear()  # type: ignore[attr-defined]
        self._scheduled.clear()  # type: ignore[attr-defined]
        self.now = BEGINNING_S


_loops: list[_LeanLoop] = []


def play_out(main: Coroutine[Any, Any, T]) -> T:
    """*main* on this process's loop, from its beginning."""
    if not _loops:
        _loops.append(_LeanLoop())
    loop = _loops[0]
    loop.reset()
    return loop.run_until_complete(main)

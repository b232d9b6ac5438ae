"""Time less what the machine withheld: bars that hold on a busy machine, too.

A bar like "ends in 1.5 s" is about what our code waits for. On a machine with more to do than it
has cores a thread also waits for its turn, which is nobody's fault, and no bar can be wide enough
for every machine. Linux counts that wait for each thread, so it can be taken off; what our code
sleeps, or waits for from others, stays on. Measuring CPU time instead would see no sleep at all.
"""

import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

LOOKS_EVERY_S: Final = 0.05
"""A thread that ends takes its count with it: one is kept that is so old at most."""


class Stopwatch:
    """Runs from its making, or from the beginning of its ``with``, to :meth:`stop` or its end.

    :param pids: processes whose waits count beside those of this one.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = (os.getpid(), *pids)
        self._withheld_ns: dict[tuple[int, str], int] = {}
        self._at_first = dict(self._look())
        self._stopped = threading.Event()
        self._s: float | None = None
        self._began = time.monotonic()
        self._looker = threading.Thread(target=self._look_on, daemon=True)
        self._looker.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> float:
        """Seconds until now, or until the first call; at least none."""
        if self._s is None:
            whole_s = time.monotonic() - self._began
            self._stopped.set()
            self._looker.join()
            self._s = max(0.0, whole_s - self.withheld_s)
        return self._s

    @property
    def withheld_s(self) -> float:
        """How long the threads waited for a core, as far as it is known."""
        first = self._at_first
        return sum(ns - first.get(thread, 0) for thread, ns in self._withheld_ns.items()) / 1e9

    def _look_on(self) -> None:
        mine = (os.getpid(), str(threading.get_native_id()))
        going_on = True
        while going_on:
            going_on = not self._stopped.wait(LOOKS_EVERY_S)
            self._look()
            self._withheld_ns.pop(mine, None)

    def _look(self) -> dict[tuple[int, str], int]:
        """Source: Documentation/scheduler/sched-stats.rst: the second number of ``schedstat`` is
        the time spent waiting to run on a runqueue, in nanoseconds."""
        for pid in self._pids:
            for thread in _listed(Path(f"/proc/{pid}/task")):
                try:
                    words = (thread / "schedstat").read_text().split()
                except OSError:  # it has ended, or this system does not tell
                    continue
                self._withheld_ns[pid, thread.name] = int(words[1])
        return self._withheld_ns


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []

"""How much memory a bot holds, sampled while it runs."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import psutil

EVERY_S: Final = 1.0


def resident_mb(pid: int) -> float:
    """Of a process and all its children."""
    process = psutil.Process(pid)
    every = [process, *process.children(recursive=True)]
    return float(sum(one.memory_info().rss for one in every)) / 1e6


@dataclass
class Samples:
    """Seconds since the beginning, and megabytes then."""

    of: Callable[[], float]
    taken: list[tuple[float, float]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def take_if_due(self) -> None:
        """At most one a second."""
        now = time.monotonic() - self.began
        if not self.taken or now - self.taken[-1][0] >= EVERY_S:
            self.taken.append((now, self.of()))

    def at(self, share: float) -> float:
        """The median of the tenth of all samples around *share* of the way, in MB."""
        count = len(self.taken)
        width = max(1, count // 10)
        first = min(max(0, round(share * count) - width // 2), count - width)
        return statistics.median(mb for _, mb in self.taken[first : first + width])

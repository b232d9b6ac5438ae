"""How long the exchange takes to answer, as far as it has been seen."""

import statistics
from collections import deque
from dataclasses import dataclass, field
from typing import Final

KEPT: Final = 256
"""Round trips that are remembered; a run has a few hundred."""


@dataclass(slots=True)
class RoundTrips:
    """Seconds from a request to its answer, each with the moment of the answer (monotonic, s).

    Thread-safe for one reader and many writers: a deque appends atomically.
    """

    _seen: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    _reckoned: tuple[tuple[float, float] | None, float | None, float | None] = (None, None, None)

    def add(self, seconds: float, *, at: float) -> None:
        """A request was answered at *at*."""
        self._seen.append((at, seconds))

    def since(self, moment: float) -> "RoundTrips":
        """Those that were answered at *moment* (monotonic, s) or later."""
        return RoundTrips(deque((at, s) for at, s in self._seen.copy() if at >= moment))

    @property
    def median_s(self) -> float | None:
        """``None`` = no answer was seen yet."""
        return self._reckon()[1]

    @property
    def longest_s(self) -> float | None:
        """``None`` = no answer was seen yet."""
        return self._reckon()[2]

    def _reckon(self) -> tuple[tuple[float, float] | None, float | None, float | None]:
        """The newest one, the median and the longest: reckoned anew when there is a newer one, for
        they are asked for at every step of a run."""
        newest = self._seen[-1] if self._seen else None
        if newest is not self._reckoned[0]:
            seconds = [s for _, s in self._seen.copy()]
            self._reckoned = (newest, statistics.median(seconds), max(seconds))
        return self._reckoned

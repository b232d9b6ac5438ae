"""How long it takes to be flat: an estimate from round trip and rate limit.

The rounds are those of a run with nothing in the way (docs/design.md): look, act, look; on spot
with stops on the exchange look, cancel, look, act, look. What is sent in them:

================= ======== ================================================================
book              requests of them
================= ======== ================================================================
futures           n + 6    positions, orders and stop orders twice; one close each
spot              n + 2    balance twice; one sell each
spot, with stops  4 n + 3  balance three times; each stop read twice, cancelled; the sells
================= ======== ================================================================

With a round trip ``t`` and a limit of ``R`` requests a second, requests leave ``1 / R`` apart:
``t + (rounds - 1) × max(t, 1 / R) + (requests - rounds) / R``.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from freqtrade_liquidation.analysis.segments import Floats

DEFAULT_ROUND_TRIP_MS: Final = 100.0
ROUNDS: Final = 3
ROUNDS_WITH_LOCKS: Final = 5
MOST_POSITIONS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the exchange answers, and how much it may be asked.

    :param round_trip_ms: one request and its answer.
    :param rate_limit: requests a second; ``None`` = no limit.
    :param futures: else spot.
    :param locked: a stop on the exchange locks each position's coins (spot).
    """

    round_trip_ms: float = DEFAULT_ROUND_TRIP_MS
    rate_limit: float | None = None
    futures: bool = True
    locked: bool = False

    @property
    def rounds(self) -> int:
        """Round trips until the exchange shows a flat book."""
        return ROUNDS if self.futures or not self.locked else ROUNDS_WITH_LOCKS

    def requests(self, positions: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Until then."""
        if self.futures:
            return positions + 6
        return 4 * positions + 3 if self.locked else positions + 2

    def time_to_flat_s(self, positions: npt.NDArray[Any]) -> Floats:
        """Seconds; 0 where nothing is open."""
        trip = self.round_trip_ms / 1000
        gap = 1 / self.rate_limit if self.rate_limit else 0.0
        seconds = trip + (self.rounds - 1) * max(trip, gap)
        more = (self.requests(positions) - self.rounds) * gap
        flat: Floats = np.where(positions > 0, seconds + more, 0.0)
        return flat

    def positions_within(self, seconds: float) -> int | None:
        """The largest book that is flat in time; ``None`` = any, 0 = none."""
        one, many = self.time_to_flat_s(np.array([1, MOST_POSITIONS]))
        if one > seconds or many <= seconds:
            return 0 if one > seconds else None
        sizes = np.arange(1, MOST_POSITIONS + 1)
        return int(np.searchsorted(self.time_to_flat_s(sizes), seconds, "right"))

    def to_dict(self) -> dict[str, Any]:
        """As reports state it."""
        return {"round_trip_ms": self.round_trip_ms, "rate_limit": self.rate_limit}

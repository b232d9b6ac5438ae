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

A limit of ``R`` requests a second is kept as live: ``R`` at once, the next ones when a second has
passed since those were answered. With a round trip ``t`` and ``N`` requests:
``max(rounds × t, ⌊(N - 1) ÷ R⌋ × (1 + t) + t)``, where ``1 + t`` is at most 1.25 s.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from freqtrade.exchange import Exchange

from freqtrade_liquidation.analysis.segments import Floats
from freqtrade_liquidation.exchange.limiter import LAG_S, Window
from freqtrade_liquidation.exchange.limits import users_limit

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
        seconds = np.full(np.shape(positions), self.rounds * trip)
        for window in self.windows():
            full = (self.requests(positions) - 1) // window.limit
            each = window.span_s + min(trip, LAG_S)
            seconds = np.maximum(seconds, full * each + trip)
        flat: Floats = np.where(positions > 0, seconds, 0.0)
        return flat

    def windows(self) -> list[Window]:
        """The limit as the live limiter takes it; none without one."""
        if not self.rate_limit:
            return []
        return [Window(span_s=max(1.0, 1 / self.rate_limit), limit=max(1, int(self.rate_limit)))]

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


def configured_rate(exchange: Exchange) -> float | None:
    """Requests a second that the user's ``rateLimit`` allows, as a live run reads it."""
    windows = users_limit(exchange)
    return windows[0].limit / windows[0].span_s if windows else None

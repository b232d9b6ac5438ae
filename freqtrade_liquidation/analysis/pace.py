"""How long it takes to be flat: an estimate from round trip and rate limit.

A run with nothing in the way (docs/design.md), with a round trip ``t``:

================= ========= ======= ===========================================================
book              requests  takes   they are
================= ========= ======= ===========================================================
futures           n + 4     2 t     positions, orders, stop orders, beside them a close each; then
                                    the positions
spot              n + 2     3 t     the balance; a sell each; the balance
spot, with stops  3 n + 2 * 3 t + q the balance, beside it each stop; their cancels; a sell each;
                                    the balance
================= ========= ======= ===========================================================

``q``: the last look leaves when no order has been answered for half a round trip, at least 0.05 s,
or when all are: it does not wait for the sells, and shows them all the same, if each request takes
as long as the others. (*) One more, where that is before they are answered: ``t`` above 0.05 s.

Assumed is that closes on futures leave beside the first look (where they wait for it: ``t`` more),
and that cancels on spot do not.

A limit of ``R`` requests a second is kept as live: ``R`` at once, the next ones when a second has
passed since those were answered. The last of ``N`` requests is the look, and the one before it an
order, which it follows: ``max(takes, ⌊(N - 2) ÷ R⌋ × (1 + t) + 2 t, ⌊(N - 1) ÷ R⌋ × (1 + t) + t)``,
where ``1 + t`` is at most 1.75 s.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from freqtrade.exchange import Exchange

from freqtrade_liquidation.analysis.segments import Floats
from freqtrade_liquidation.exchange.limiter import LAG_S, Window
from freqtrade_liquidation.exchange.limits import users_limit
from freqtrade_liquidation.run.run import QUIET_S

DEFAULT_ROUND_TRIP_MS: Final = 100.0
MOST_POSITIONS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the exchange answers, and how much it may be asked.

    :param round_trip_ms: one request and its answer.
    :param rate_limit: requests a second; ``None`` = no limit.
    :param futures: else spot. Its closes leave beside the first look.
    :param locked: a stop on the exchange locks each position's coins (spot).
    """

    round_trip_ms: float = DEFAULT_ROUND_TRIP_MS
    rate_limit: float | None = None
    futures: bool = True
    locked: bool = False

    @property
    def trip_s(self) -> float:
        """Seconds of one round trip."""
        return self.round_trip_ms / 1000

    @property
    def unlimited_s(self) -> float:
        """Seconds until the exchange shows a flat book, where no limit holds anything up."""
        if self.futures:
            return 2 * self.trip_s
        if not self.locked:
            return 3 * self.trip_s
        return 3 * self.trip_s + min(self.trip_s, max(QUIET_S, self.trip_s / 2))

    def requests(self, positions: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Until then."""
        if self.futures:
            return positions + 4
        again = self.trip_s > QUIET_S  # the balance, while the last sells are under way
        return 3 * positions + 2 + again if self.locked else positions + 2

    def time_to_flat_s(self, positions: npt.NDArray[Any]) -> Floats:
        """Seconds; 0 where nothing is open."""
        trip, look = self.trip_s, self.requests(positions) - 1
        seconds = np.full(np.shape(positions), self.unlimited_s)
        for window in self.windows():
            each = window.span_s + min(trip, LAG_S)
            ordered = (look - 1) // window.limit * each + trip
            looked = np.maximum(look // window.limit * each, ordered) + trip
            seconds = np.maximum(seconds, looked)
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

"""Which moments to look at: given ones, every so often, or those that matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from freqtrade.exceptions import OperationalException

from freqtrade_liquidation.analysis.market import Market
from freqtrade_liquidation.analysis.moments import Moments

HOUR_S: Final = 3600
SHOWN: Final = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Choice:
    """One moment.

    :param index: into the market's moments.
    :param why: in words.
    """

    index: int
    why: str


def parse_moment(text: str) -> datetime:
    """ISO 8601, or ``YYYYMMDD`` as in a timerange; without a zone it is UTC.

    :raises ValueError: in words, if it is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no moment; write it as 2025-01-31, 20250131 or 2025-01-31T14:05 (UTC)."
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def at(market: Market, wanted: Sequence[datetime]) -> list[Choice]:
    """The first candle that opens at or after each of *wanted*.

    :raises OperationalException: if one lies outside of what was backtested.
    """
    first, last = market.moment(0), market.moment(len(market.moments_ns) - 1)
    for moment in wanted:
        if not first <= moment <= last:
            raise OperationalException(
                f"--at {moment:{SHOWN}} is outside of what was backtested: {first:{SHOWN}} to "
                f"{last:{SHOWN}} UTC. Choose a moment within, or another --timerange."
            )
    found = {_index(market, moment): moment for moment in sorted(wanted)}
    return [Choice(index, "asked for") for index in sorted(found)]


def every(market: Market, pause: timedelta) -> list[Choice]:
    """Each multiple of *pause* since midnight UTC, or the first candle after it.

    :raises OperationalException: if *pause* is shorter than a candle.
    """
    seconds = int(pause.total_seconds())
    if seconds < market.step_s:
        raise OperationalException(
            f"--every is shorter than a candle ({market.step_s // 60} min); without it every "
            "candle is looked at."
        )
    begin, end = (int(market.moments_ns[i]) // 1_000_000_000 for i in (0, -1))
    multiples = np.arange(-(-begin // seconds) * seconds, end + 1, seconds) * 1_000_000_000
    indices = np.unique(np.searchsorted(market.moments_ns, multiples, "left"))
    if not len(indices):
        raise OperationalException("--every is longer than what was backtested.")
    return [Choice(int(index), "every") for index in indices]


@dataclass(frozen=True, slots=True)
class WorstHour:
    """The hour (or the candle, if that is longer) in which the whole account lost most.

    :param start: index of its first moment.
    :param end: of its last.
    :param change: of the equity, stake currency.
    """

    start: int
    end: int
    change: float


def worst_hour(market: Market, moments: Moments) -> WorstHour | None:
    """``None``: nothing was ever lost, or there is less than an hour of data."""
    steps = max(1, HOUR_S // market.step_s)
    if len(moments) <= steps:
        return None
    change = moments.equity[steps:] - moments.equity[:-steps]
    # An hour that begins without a position has nothing to liquidate.
    change = np.where(moments.positions[:-steps] > 0, change, 0.0)
    start = int(np.argmin(change))
    return WorstHour(start, start + steps, float(change[start])) if change[start] < 0 else None


def that_matter(market: Market, moments: Moments) -> list[Choice]:
    """Begin and end of the worst hour, the dearest stop, the largest book."""
    open_book = moments.positions > 0
    chosen: dict[int, list[str]] = {}
    if hour := worst_hour(market, moments):
        chosen.setdefault(hour.start, []).append("worst hour begins")
        chosen.setdefault(hour.end, []).append("worst hour ends")
    dearest = int(np.argmax(np.where(open_book, moments.cost, -np.inf)))
    chosen.setdefault(dearest, []).append("dearest stop")
    chosen.setdefault(int(np.argmax(moments.positions)), []).append("most positions")
    return [Choice(index, ", ".join(chosen[index])) for index in sorted(chosen)]


def _index(market: Market, moment: datetime) -> int:
    return int(np.searchsorted(market.moments_ns, int(moment.timestamp() * 1e9), "left"))

"""What the candles say at each moment: opens, value traded before, funding due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from freqtrade_liquidation.analysis.segments import Floats, Ints

if TYPE_CHECKING:
    from pandas import DataFrame, Series


@dataclass(frozen=True, slots=True)
class Funding:
    """What one unit of a pair has paid since the data begin, summed up.

    :param at_ns: when it was due, ascending.
    :param paid: quote currency a base unit, of a long; one longer than *at_ns*, from 0.0.
    """

    at_ns: Ints
    paid: Floats

    def between(self, start_ns: Ints, end_ns: Ints) -> Floats:
        """Paid by a long within both ends, as freqtrade's ``calculate_funding_fees`` counts."""
        first = np.searchsorted(self.at_ns, start_ns, "left")
        last = np.searchsorted(self.at_ns, end_ns, "right")
        difference: Floats = self.paid[last] - self.paid[first]
        return difference


NO_FUNDING = Funding(np.array([], dtype=np.int64), np.zeros(1))


@dataclass(frozen=True, slots=True)
class Market:
    """Candles of all pairs on one grid of moments. A moment is the open of a candle.

    :param pairs: in the order of the rows.
    :param moments_ns: ascending, ns since 1970, UTC.
    :param step_s: seconds from one to the next.
    :param opens: by pair and moment, quote currency; NaN = no candle.
    :param traded: by pair and moment: quote currency, traded in the candle that ends there.
    :param funding: by pair.
    """

    pairs: tuple[str, ...]
    moments_ns: Ints
    step_s: int
    opens: Floats
    traded: Floats
    funding: tuple[Funding, ...]

    def moment(self, index: int) -> datetime:
        """Aware UTC."""
        return datetime.fromtimestamp(int(self.moments_ns[index]) // 1_000_000_000, UTC)


def lay_out(
    candles: Mapping[str, "DataFrame"],
    *,
    start: datetime,
    end: datetime,
    step_s: int,
    funding: Mapping[str, "DataFrame"],
) -> Market:
    """The market from *start* to *end*, both included.

    :param candles: by pair, with freqtrade's columns; gaps are NaN.
    :param start: open of the first candle in which the backtest may trade.
    :param end: open of the last candle: there is no price after it.
    :param funding: by pair, as ``Exchange.combine_funding_and_mark`` makes it; empty on spot.
    """
    step_ns = step_s * 1_000_000_000
    first, last = int(start.timestamp()), int(end.timestamp())
    moments = np.arange(first, last + 1, step_s, dtype=np.int64) * 1_000_000_000
    pairs = tuple(candles)
    opens = np.full((len(pairs), len(moments)), np.nan)
    traded = np.zeros_like(opens)
    for row, pair in enumerate(pairs):
        frame = candles[pair]
        at = epoch_ns(frame["date"])
        _place(opens[row], at - moments[0], step_ns, frame["open"].to_numpy(float))
        value = frame["close"].to_numpy(float) * frame["volume"].to_numpy(float)
        _place(traded[row], at + step_ns - moments[0], step_ns, value)
    sums = tuple(_funding(funding[pair]) if pair in funding else NO_FUNDING for pair in pairs)
    return Market(pairs, moments, step_s, opens, traded, sums)


def epoch_ns(dates: "Series") -> Ints:
    """A column of dates in ns since 1970, whatever its resolution."""
    numbers: Ints = dates.dt.as_unit("ns").astype("int64").to_numpy()
    return numbers


def _place(row: Floats, offsets_ns: Ints, step_ns: int, values: Floats) -> None:
    index = offsets_ns // step_ns
    fits = (offsets_ns % step_ns == 0) & (index >= 0) & (index < len(row))
    row[index[fits]] = values[fits]


def _funding(frame: "DataFrame") -> Funding:
    if frame.empty:
        return NO_FUNDING
    fees = (frame["open_fund"] * frame["open_mark"]).to_numpy(float)
    paid = np.concatenate([[0.0], np.cumsum(np.nan_to_num(fees))])
    return Funding(epoch_ns(frame["date"]), paid)


def missing_funding(pairs: Sequence[str], funding: Mapping[str, "DataFrame"]) -> list[str]:
    """Pairs without a single funding rate in the data: freqtrade counts none for them."""
    return [pair for pair in pairs if pair not in funding or funding[pair].empty]

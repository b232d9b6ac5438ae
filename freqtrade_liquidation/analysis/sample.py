"""Generated candles in freqtrade's own files: for tests, and for a first look without any data.

Random walks with a seed: they look like prices and mean nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType

from freqtrade_liquidation.analysis.segments import Floats

if TYPE_CHECKING:
    from pandas import DataFrame

FUNDING_EVERY_S: Final = 8 * 3600
HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What is to be generated.

    :param prices: by pair, quote currency, where the walk starts.
    :param timeframe_s: seconds a candle.
    :param crash_at: candle at which all pairs fall together; ``None`` = none does.
    :param crash_ratio: by how much, within six candles.
    """

    prices: Mapping[str, float]
    start: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    candles: int = 2016
    timeframe_s: int = 300
    seed: int = 1
    volatility: float = 0.0012
    crash_at: int | None = None
    crash_ratio: float = 0.06

    @property
    def timeframe(self) -> str:
        """As freqtrade writes it."""
        minutes = self.timeframe_s // 60
        return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h"


def store(folder: Path, sample: Sample, *, futures: bool) -> None:
    """Writes candles, and for futures mark and funding rates, into freqtrade's *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = get_datahandler(folder, "feather")
    for number, (pair, price) in enumerate(sample.prices.items()):
        walk = np.random.default_rng([sample.seed, number])
        frame = candles(sample, price, walk)
        kind = CandleType.FUTURES if futures else CandleType.SPOT
        handler.ohlcv_store(pair, sample.timeframe, frame, kind)
        if futures:
            mark = hourly(frame)
            handler.ohlcv_store(pair, "1h", mark, CandleType.MARK)
            rates = funding_rates(mark, walk)
            handler.ohlcv_store(pair, "1h", rates, CandleType.FUNDING_RATE)


def candles(sample: Sample, price: float, walk: np.random.Generator) -> "DataFrame":
    """A walk from *price*: freqtrade's columns."""
    steps = walk.normal(0, sample.volatility, sample.candles)
    if sample.crash_at is not None:
        steps[sample.crash_at : sample.crash_at + 6] += np.log(1 - sample.crash_ratio) / 6
    closes = price * np.exp(np.cumsum(steps))
    opens = np.concatenate([[price], closes[:-1]])
    wick = np.abs(walk.normal(0, sample.volatility / 3, (2, sample.candles)))
    highs = np.maximum(opens, closes) * (1 + wick[0])
    lows = np.minimum(opens, closes) * (1 - wick[1])
    volumes = walk.lognormal(0, 0.5, sample.candles) * 2_000_000 / closes
    digits = 6 - int(np.ceil(np.log10(price)))
    prices = [np.round(column, digits) for column in (opens, highs, lows, closes)]
    return frame_of(sample.start, sample.timeframe_s, [*prices, volumes])


def frame_of(start: datetime, step_s: int, columns: Sequence[Floats]) -> "DataFrame":
    """Open, high, low, close and volume with their dates."""
    from pandas import DataFrame, to_datetime

    names = ("open", "high", "low", "close", "volume")
    seconds = int(start.timestamp()) + np.arange(len(columns[0])) * step_s
    frame = DataFrame(dict(zip(names, columns, strict=True)))
    frame.insert(0, "date", to_datetime(seconds * 1000, unit="ms", utc=True))
    return frame


def hourly(frame: "DataFrame") -> "DataFrame":
    """Mark prices: the first candle of each hour stands for it."""
    on_the_hour = frame["date"].dt.minute == 0
    return frame[on_the_hour].reset_index(drop=True)


def funding_rates(mark: "DataFrame", walk: np.random.Generator) -> "DataFrame":
    """One every eight hours, about 0.01 %; in the columns of either freqtrade."""
    due = mark[mark["date"].dt.hour % (FUNDING_EVERY_S // HOUR_S) == 0].reset_index(drop=True)
    rates = walk.normal(0.0001, 0.0001, len(due))
    due = due.assign(**dict.fromkeys(("open", "high", "low", "close"), rates), volume=0.0)
    return due.assign(funding_rate=rates)

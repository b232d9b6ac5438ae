"""The analysis of every candle: what is open at each moment, and what closing it comes to."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from freqtrade_liquidation.analysis.closing import Closed, close_everywhere
from freqtrade_liquidation.analysis.market import Market
from freqtrade_liquidation.analysis.segments import Exits, Floats, Ints, Segments
from freqtrade_liquidation.analysis.slippage import Slippage


@dataclass(frozen=True, slots=True)
class Moments:
    """One entry a moment; stake currency, over all open positions, where nothing else is said.

    :param positions: pairs with an open position.
    :param exposure: what a liquidation would close, at the open.
    :param fees: of the closes.
    :param slippage: what the slippage costs.
    :param funding: of what is open, up to and with the moment; negative = paid.
    :param profit: realised by the closes: fees and funding included.
    :param going_on: what the open trades earn from here on if nothing stops them.
    :param equity: all that was earned since the start, open positions at the open.
    :param unpriced: open trades that are left out for want of a candle.
    """

    positions: Ints
    exposure: Floats
    fees: Floats
    slippage: Floats
    funding: Floats
    profit: Floats
    going_on: Floats
    equity: Floats
    unpriced: int

    @property
    def cost(self) -> Floats:
        """What a stop costs: going on less closing; negative = it saves."""
        return self.going_on - self.profit

    def __len__(self) -> int:
        return len(self.positions)


SUMMED = {
    "exposure": "exposure",
    "fees": "fee",
    "slippage": "slippage",
    "funding": "funding",
    "profit": "profit",
    "going_on": "going_on",
    "equity": "unrealized",
}
"""Column of :class:`Moments`: column of :class:`Closed` that it sums."""


def analyse(
    segments: Segments,
    exits: Exits,
    market: Market,
    slippage: Slippage,
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> Moments:
    """Closes the book at every moment of *market*.

    :param progress: hears after each pair how many are done.
    """
    count = len(market.moments_ns)
    sums = {name: np.zeros(count) for name in SUMMED}
    positions, unpriced = np.zeros(count, dtype=np.int64), 0
    for pair in range(len(market.pairs)):
        closed, without = close_everywhere(
            segments.rows(segments.pair == pair), market, pair, slippage
        )
        unpriced += without
        positions += np.bincount(closed.moment, minlength=count) > 0
        _add(sums, closed, count)
        progress(pair + 1)
    sums["equity"] += _realized(exits, market)
    return Moments(positions=positions, unpriced=unpriced, **sums)


def _add(sums: dict[str, Floats], closed: Closed, count: int) -> None:
    for name, column in SUMMED.items():
        sums[name] += np.bincount(closed.moment, getattr(closed, column), minlength=count)


def _realized(exits: Exits, market: Market) -> Floats:
    """Profit of the strategy's own exits before each moment."""
    index = np.searchsorted(market.moments_ns, exits.at_ns, "right")
    count = len(market.moments_ns)
    earned = np.bincount(index, exits.profit, minlength=count + 1).astype(np.float64)
    summed: Floats = np.cumsum(earned)[:count]
    return summed


COLUMNS = tuple(field.name for field in fields(Moments) if field.name != "unpriced")

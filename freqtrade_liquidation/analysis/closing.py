"""Closing what is open, at many moments at once: trades × candles without a loop over either.

A cell is one segment at one moment. All arrays here have one entry a cell.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freqtrade_liquidation.analysis.market import Market
from freqtrade_liquidation.analysis.segments import Floats, Ints, Segments
from freqtrade_liquidation.analysis.slippage import Slippage


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing each cell comes to; stake currency where nothing else is said.

    :param segment: which segment.
    :param moment: index of the moment.
    :param price: quote currency, the open that it closes at, before slippage.
    :param fill_price: quote currency, after slippage.
    :param exposure: amount × price.
    :param fee: of the close.
    :param slippage: what the slippage costs.
    :param funding: since the trade's last exit, up to and with the moment; negative = paid.
    :param profit: of what is closed: fees of entry and close, and funding, included.
    :param unrealized: the same before the close's own fee and slippage.
    :param going_on: what the trade earns from here on if nothing stops it.
    """

    segment: Ints
    moment: Ints
    price: Floats
    fill_price: Floats
    exposure: Floats
    fee: Floats
    slippage: Floats
    funding: Floats
    profit: Floats
    unrealized: Floats
    going_on: Floats

    @property
    def cost(self) -> Floats:
        """What the stop costs: going on less closing; negative = it saves."""
        return self.going_on - self.profit


def spans(segments: Segments, market: Market) -> tuple[Ints, Ints]:
    """The moments ``[first, after)`` of each segment: what was filled in candles before a moment
    is held at it; what fills in the candle that opens there is not known yet."""
    first = np.searchsorted(market.moments_ns, segments.start_ns, "right")
    after = np.searchsorted(market.moments_ns, segments.end_ns, "right")
    return first.astype(np.int64), after.astype(np.int64)


def close_everywhere(
    segments: Segments, market: Market, pair: int, slippage: Slippage
) -> tuple[Closed, int]:
    """Every segment of *segments*, all of *pair*, at every moment of its span.

    :returns: the cells, and how many more have no price (a hole in the data).
    """
    first, after = spans(segments, market)
    counts = after - first
    segment = np.repeat(np.arange(len(segments)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return _close(segments, segment, within + np.repeat(first, counts), market, pair, slippage)


def close_at(
    segments: Segments, market: Market, pair: int, moment: int, slippage: Slippage
) -> Closed:
    """Those segments of *segments*, all of *pair*, that are open at one moment."""
    first, after = spans(segments, market)
    [segment] = np.nonzero((first <= moment) & (moment < after))
    cells = _close(segments, segment, np.full(len(segment), moment), market, pair, slippage)
    return cells[0]


def _close(
    segments: Segments,
    segment: npt.NDArray[np.int64],
    moment: Ints,
    market: Market,
    pair: int,
    slippage: Slippage,
) -> tuple[Closed, int]:
    priced = ~np.isnan(market.opens[pair][moment])
    segment, moment = segment[priced], moment[priced]
    price, held = market.opens[pair][moment], segments.rows(segment)
    exposure = held.amount * price
    ratio = slippage.ratio(exposure, market.traded[pair][moment])
    fill_price = price * (1 - held.sign * ratio)
    fee = held.amount * fill_price * held.fee_close
    since = market.funding[pair].between(held.start_ns, market.moments_ns[moment])
    funding = held.funding - held.sign * held.amount * since
    entered = held.amount * held.average
    before_exit = funding - entered * held.fee_open - held.sign * entered
    return Closed(
        segment=segment,
        moment=moment,
        price=price,
        fill_price=fill_price,
        exposure=exposure,
        fee=fee,
        slippage=held.amount * np.abs(fill_price - price),
        funding=funding,
        profit=before_exit + held.sign * held.amount * fill_price - fee,
        unrealized=before_exit + held.sign * exposure,
        going_on=held.going_on,
    ), int((~priced).sum())

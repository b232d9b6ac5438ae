"""The models by themselves: time to flat, slippage, the choice of moments, the distribution."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from freqtrade.exceptions import OperationalException

from freqtrade_liquidation.analysis import choosing
from freqtrade_liquidation.analysis.choosing import Choice, parse_moment
from freqtrade_liquidation.analysis.figures import extremes
from freqtrade_liquidation.analysis.market import NO_FUNDING, Market, lay_out
from freqtrade_liquidation.analysis.moments import Moments
from freqtrade_liquidation.analysis.pace import Pace
from freqtrade_liquidation.analysis.sample import frame_of
from freqtrade_liquidation.analysis.slippage import Slippage
from freqtrade_liquidation.analysis.summary import summarise

BEGAN = datetime(2025, 1, 1, 0, 5, tzinfo=UTC)


def market(count: int, step_s: int = 300) -> Market:
    at = (int(BEGAN.timestamp()) + np.arange(count) * step_s) * 1_000_000_000
    flat = np.ones((1, count))
    return Market(("BTC/USDT",), at, step_s, flat, flat, (NO_FUNDING,))


def moments(count: int, **columns: Sequence[float]) -> Moments:
    zero = np.zeros(count)
    found = Moments(
        positions=np.ones(count, dtype=np.int64), exposure=zero + 100.0, fees=zero, slippage=zero,
        funding=zero, profit=zero, going_on=zero, equity=zero, unpriced=0,
    )  # fmt: skip
    arrays: dict[str, Any] = {name: np.array(values) for name, values in columns.items()}
    return replace(found, **arrays)


@pytest.mark.parametrize(
    ("pace", "positions", "seconds"),
    [
        # two round trips of 100 ms, whatever the size
        (Pace(), 40, 0.2),
        # spot: three
        (Pace(futures=False), 40, 0.3),
        # with stops: half of one more; at least 50 ms, at most a whole one
        (Pace(futures=False, locked=True, round_trip_ms=400), 40, 1.4),
        (Pace(futures=False, locked=True, round_trip_ms=60), 40, 0.23),
        (Pace(futures=False, locked=True, round_trip_ms=20), 40, 0.08),
        # 44 requests, ten at once: four times until they stop counting, 1 s after their answer;
        # then the last close, and the look after it
        (Pace(rate_limit=10), 40, 4 * 1.1 + 0.2),
        # 11: the look alone has to wait, for a close that left with the first ten
        (Pace(rate_limit=10), 7, 1.1 + 0.1),
        # 42 on spot
        (Pace(rate_limit=10, round_trip_ms=200, futures=False), 40, 4 * 1.2 + 0.4),
        # 122 with stops
        (Pace(rate_limit=10, futures=False, locked=True), 40, 12 * 1.1 + 0.2),
        # what is not answered within 0.75 s has arrived by then
        (Pace(rate_limit=10, round_trip_ms=1000), 40, 4 * 1.75 + 2.0),
        # one in two seconds: five requests
        (Pace(rate_limit=0.5), 1, 4 * 2.1 + 0.1),
        # seven are fewer than the limit
        (Pace(rate_limit=10), 3, 0.2),
        (Pace(rate_limit=10), 0, 0.0),
    ],
)
def test_time_to_flat(pace: Pace, positions: int, seconds: float) -> None:
    assert pace.time_to_flat_s(np.array([positions]))[0] == pytest.approx(seconds)


def test_time_to_flat_with_a_low_limit_is_requests_over_limit() -> None:
    pace = Pace(rate_limit=20)
    sizes = np.array([50, 200, 1000])
    assert pace.time_to_flat_s(sizes) == pytest.approx(pace.requests(sizes) / 20, rel=0.25)


def test_largest_book_within_the_time() -> None:
    """5 s at 10 a second: ⌊(n + 2) ÷ 10⌋ × 1.1 + 0.2 ≤ 5 and ⌊(n + 3) ÷ 10⌋ × 1.1 + 0.1 ≤ 5 give
    n = 46."""
    assert Pace(rate_limit=10).positions_within(5.0) == 46
    assert Pace().positions_within(5.0) is None
    assert Pace(round_trip_ms=2000, futures=False).positions_within(5.0) == 0


def test_volume_of_a_moment_is_that_of_the_candle_before_it() -> None:
    """The candle that opens there has not traded yet."""
    columns = [np.array(values, dtype=float) for values in ([1, 2, 3],) * 4 + ([10, 20, 30],)]
    candles = {"BTC/USDT": frame_of(BEGAN, 300, columns)}
    end = BEGAN + timedelta(minutes=10)
    found = lay_out(candles, start=BEGAN, end=end, step_s=300, funding={})
    assert found.opens.tolist() == [[1, 2, 3]]
    assert found.traded.tolist() == [[0, 1 * 10, 2 * 20]]


def test_slippage_by_share_of_volume() -> None:
    """10 bps, and 40 bps × √(2,500 ÷ 10,000) = 20 bps; at most 10 %, also where nothing traded."""
    model = Slippage(bps=10, impact_bps=40)
    ratio = model.ratio(np.array([2500.0, 2500.0, 0.0]), np.array([10_000.0, 0.0, 0.0]))
    assert ratio == pytest.approx([0.003, 0.1, 0.001])
    assert Slippage(bps=10).ratio(np.array([1.0]), np.array([0.0])) == pytest.approx([0.001])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
        ("20250131", datetime(2025, 1, 31, tzinfo=UTC)),
        ("2025-01-31T14:05", datetime(2025, 1, 31, 14, 5, tzinfo=UTC)),
        ("2025-01-31T14:05+02:00", datetime(2025, 1, 31, 12, 5, tzinfo=UTC)),
        ("2025-01-31T14:05Z", datetime(2025, 1, 31, 14, 5, tzinfo=UTC)),
    ],
)
def test_moments_are_utc(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


def test_two_names_for_one_candle_are_one_moment() -> None:
    wanted = [BEGAN + timedelta(minutes=m) for m in (14, 11, 0)]
    assert [choice.index for choice in choosing.at(market(10), wanted)] == [0, 3]


def test_every_counts_from_midnight() -> None:
    """From 00:05 on, every 20 minutes: 00:20, 00:40."""
    found = choosing.every(market(10), timedelta(minutes=20))
    assert found == [Choice(3, "every"), Choice(7, "every")]
    with pytest.raises(OperationalException, match="longer than what was backtested"):
        choosing.every(market(10), timedelta(hours=6))


def test_worst_hour_begins_with_a_position() -> None:
    """Falls of 50 from candle 0 (nothing is open then), of 30 from 1 and of 20 from 2."""
    equity = [50.0, 30.0, 20.0, *[20.0] * 9, 0.0, 0.0, 0.0, 0.0]
    open_ones = [0, *[1] * 15]
    found = choosing.worst_hour(market(16), moments(16, equity=equity, positions=open_ones))
    assert found == choosing.WorstHour(1, 13, -30.0)
    rising = moments(16, equity=[float(i) for i in range(16)])
    assert choosing.worst_hour(market(16), rising) is None
    assert choosing.worst_hour(market(5), moments(5)) is None


def test_distribution_leaves_out_moments_without_a_position() -> None:
    going_on = [999.0, *[float(n) for n in range(-50, 51)]]
    open_ones = [0, *[1] * 101]
    found = summarise(market(102), moments(102, going_on=going_on, positions=open_ones), Pace())
    assert (found.looked_at, found.with_positions, found.stops_that_cost) == (102, 101, 50)
    costs = {name: point.cost for name, point in found.points.items()}
    assert costs == pytest.approx(
        {"5 %": -45, "median": 0, "95 %": 45, "mean": 0, "worst": 50, "best": -50}
    )
    assert (found.points["worst"].moment, found.points["worst"].ratio) == (101, 0.5)


def test_pictures_of_long_series_keep_their_extremes() -> None:
    values = np.random.default_rng(1).normal(size=100_000)
    chosen = extremes(values, 500)
    assert len(chosen) <= 502
    assert {int(np.argmin(values)), int(np.argmax(values)), 0, 99_999} <= set(chosen.tolist())
    assert extremes(values[:100], 500).tolist() == list(range(100))

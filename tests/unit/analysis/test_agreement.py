"""Three ways to the same numbers: freqtrade's backtest, the vectorised path, the live manager."""

import copy
import random
import time

import numpy as np
import pytest
from freqtrade.persistence import LocalTrade, Order

from freqtrade_liquidation.analysis import engine, moments, segments
from freqtrade_liquidation.analysis.choosing import Choice
from freqtrade_liquidation.analysis.pace import Pace
from freqtrade_liquidation.analysis.replay import Replay, Replayer, replay_all
from freqtrade_liquidation.analysis.slippage import Slippage
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.state import LiquidationState

SLIPPAGE = Slippage(bps=7, impact_bps=30)
BOTH = pytest.mark.parametrize("book", ["futures", "spot"])


@pytest.fixture
def backtest(book: str, request: pytest.FixtureRequest) -> engine.Backtest:
    found: engine.Backtest = request.getfixturevalue(book)
    return found


def analysed(backtest: engine.Backtest, slippage: Slippage = SLIPPAGE) -> moments.Moments:
    rows, exits = segments.cut(backtest.trades, backtest.market.pairs)
    return moments.analyse(rows, exits, backtest.market, slippage)


def pace_of(backtest: engine.Backtest, rate_limit: float | None = None) -> Pace:
    return Pace(futures=backtest.futures, locked=backtest.stops_on_exchange, rate_limit=rate_limit)


def filled_ns(order: Order) -> int:
    assert order.order_filled_date is not None
    return segments.nanoseconds(order.order_filled_date)


def replays(
    backtest: engine.Backtest, indices: list[int], pace: Pace, log: MemoryAuditLog | None = None
) -> list[Replay]:
    rows, _ = segments.cut(backtest.trades, backtest.market.pairs)
    replayer = Replayer(
        backtest, rows, SLIPPAGE, pace, LiquidationConfig(), log or MemoryAuditLog()
    )
    return replay_all(replayer, [Choice(index, "test") for index in indices])


@BOTH
def test_sample_has_what_the_tests_need(backtest: engine.Backtest) -> None:
    """Longs and shorts, partial exits, position adjustments, funding, trades open at the end."""
    orders = [len(segments.filled_orders(trade)) for trade in backtest.trades]
    assert len(backtest.trades) > 15
    assert max(orders) > 2
    assert {trade.is_short for trade in backtest.trades} == {False, backtest.futures}
    assert any(trade.nr_of_successful_exits > 1 for trade in backtest.trades)
    assert any(trade.nr_of_successful_entries > 1 for trade in backtest.trades)
    assert any(trade.funding_fees for trade in backtest.trades) == backtest.futures
    assert any(trade.exit_reason == "force_exit" for trade in backtest.trades)


@BOTH
def test_profits_add_up_to_freqtrades(backtest: engine.Backtest) -> None:
    """Each trade's exits, reckoned order by order, are what freqtrade says it earned."""
    for trade in backtest.trades:
        _, exits = segments.cut([trade], backtest.market.pairs)
        assert exits.profit.sum() == pytest.approx(trade.close_profit_abs, abs=1e-6)


@BOTH
def test_stop_at_an_exit_of_the_strategy_is_that_exit(backtest: engine.Backtest) -> None:
    """Without slippage, at the moment of an exit by signal (at the open): the same profit."""
    checked = 0
    for trade in backtest.trades:
        before, last = trade.orders[-2:]
        if trade.exit_reason != "exit_signal":
            continue
        if before.order_filled_date == last.order_filled_date:
            continue  # it turned around in the candle of its exit: not known before
        rows, exits = segments.cut([trade], backtest.market.pairs)
        found = moments.analyse(rows, exits, backtest.market, Slippage(bps=0))
        index = np.searchsorted(backtest.market.moments_ns, filled_ns(last))
        assert found.profit[index] == pytest.approx(found.going_on[index], abs=1e-6)
        checked += 1
    assert checked > 5


@BOTH
def test_nothing_of_a_moment_depends_on_what_comes_after(backtest: engine.Backtest) -> None:
    """Fills in the candle that opens at the moment, or later, change nothing but ``going_on``."""
    whole = analysed(backtest)
    cut_at = int(np.flatnonzero(whole.positions[: len(whole) // 2])[-1])
    limit = backtest.market.moments_ns[cut_at]
    known = [_until(trade, int(limit)) for trade in backtest.trades]
    rows, exits = segments.cut([t for t in known if t is not None], backtest.market.pairs)
    part = moments.analyse(rows, exits, backtest.market, SLIPPAGE)
    for column in ("positions", "exposure", "fees", "slippage", "funding", "profit", "equity"):
        ours, theirs = getattr(part, column)[: cut_at + 1], getattr(whole, column)[: cut_at + 1]
        assert ours == pytest.approx(theirs, abs=1e-6), column


def _until(trade: LocalTrade, limit_ns: int) -> LocalTrade | None:
    """*trade* with one last fill far away instead of all from *limit_ns* on."""
    orders = segments.filled_orders(trade)
    before = [o for o in orders if filled_ns(o) < limit_ns]
    if not before or len(before) == len(orders):
        return trade if before else None
    known = copy.copy(trade)
    known.orders = [*before, orders[-1]]
    return known


@BOTH
def test_manager_and_vectorised_path_agree(backtest: engine.Backtest) -> None:
    """Seeded moments: the manager closes what the arrays say, for the same profit, booked by
    freqtrade's own trade; and its events bear the backtest's time."""
    found, log = analysed(backtest), MemoryAuditLog()
    held = np.flatnonzero(found.positions)
    indices = sorted(random.Random(6).sample([int(i) for i in held], 25))
    for index, replay in zip(
        indices, replays(backtest, indices, pace_of(backtest), log), strict=True
    ):
        assert replay.result.state is LiquidationState.COMPLETED
        assert replay.result.positions_closed == found.positions[index]
        assert replay.profit == pytest.approx(found.profit[index], abs=1e-6)
        assert sum(line.cost for line in replay.lines) == pytest.approx(found.cost[index])
        assert replay.at == backtest.market.moment(index) == replay.events[0].timestamp
        closed = [e for e in replay.events if e.event_type is Event.POSITION_CLOSED]
        assert len(closed) == found.positions[index]
    assert len(log.runs) == 25


def test_order_above_the_markets_maximum_is_split(futures: engine.Backtest) -> None:
    """Two orders and more for BTC; the same profit."""
    found = analysed(futures)
    index = int(np.argmax(found.positions))
    market = futures.exchange.markets["BTC/USDT:USDT"]
    before = market["limits"]["market"]["max"]
    market["limits"]["market"]["max"] = 0.004
    try:
        [replay] = replays(futures, [index], pace_of(futures))
    finally:
        market["limits"]["market"]["max"] = before
    sent = [e.pair for e in replay.events if e.event_type is Event.CLOSE_INTENDED]
    assert sent.count("BTC/USDT:USDT") > 1
    assert replay.profit == pytest.approx(found.profit[index], abs=1e-6)


@BOTH
@pytest.mark.parametrize("rate_limit", [None, 20.0])
def test_time_to_flat_is_the_managers(backtest: engine.Backtest, rate_limit: float | None) -> None:
    """The formula against the real run on virtual time; with a limit to the 25 % promised."""
    found = analysed(backtest)
    indices = [int(np.argmax(found.positions))]
    pace = pace_of(backtest, rate_limit)
    [replay] = replays(backtest, indices, pace)
    expected = pace.time_to_flat_s(found.positions[indices])[0]
    tolerance = 1e-6 if rate_limit is None else 0.25
    assert replay.flat_after_s == pytest.approx(expected, rel=tolerance)


def test_analysis_adds_a_tenth_at_most(timed_futures: tuple[engine.Backtest, float]) -> None:
    """It adds far less (docs/analysis.md); a loop over candles × trades would add more."""
    backtest, took_s = timed_futures
    began = time.process_time()
    analysed(backtest)
    assert time.process_time() - began <= 0.1 * took_s


def test_book_too_large_for_its_deadline_is_told(futures: engine.Backtest) -> None:
    """A request in two seconds: the run ends in time, says what is left, and knows no profit."""
    index = int(np.argmax(analysed(futures).positions))
    [replay] = replays(futures, [index], Pace(futures=True, rate_limit=0.5))
    assert replay.result.state is not LiquidationState.COMPLETED
    assert replay.result.positions_failed > 0
    assert replay.profit is None
    assert replay.result.duration_seconds <= LiquidationConfig().timeout_seconds + 0.3

"""What a liquidation comes to, against numbers reckoned by hand from opens, fees and rates.

5-minute candles, fee 0.1 % on each side, slippage 10 bps; candle 12 opens at 01:00, 24 at 02:00,
36 at 03:00. Each test's comment does the sum.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from freqtrade_liquidation.analysis import engine, moments, segments
from freqtrade_liquidation.analysis.closing import close_at
from freqtrade_liquidation.analysis.slippage import Slippage
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.unit.analysis.backtests import BEGAN, at, backtest, store_opens, write_config

SOL, ETH, LTC = "SOL/USDT:USDT", "ETH/USDT:USDT", "LTC/USDT:USDT"
SCRIPT = {
    SOL: {"enter_long": [5], "exit_long": [30], "stake": 1000, "adjust": {"15": -500, "20": 300}},
    ETH: {"enter_short": [3], "stake": 500, "leverage": 3},  # open when the data end
    LTC: {"enter_long": [10], "exit_long": [11], "stake": 800, "leverage": 2},
}
OPENS = {
    SOL: [100] * 10 + [110] * 15 + [120] * 15,
    ETH: [100] * 20 + [90] * 20,
    LTC: [80] * 11 + [79] * 29,
}
RATES = {0: 0.0001, 1: 0.0002, 2: 0.0001, 3: 0.0001}
CENT = 0.005


class Line(NamedTuple):
    """One closed position at one moment."""

    amount: float
    fill_price: float
    fee: float
    slippage: float
    funding: float
    profit: float
    going_on: float


@pytest.fixture(scope="module")
def book(markets: PracticeExchange, tmp_path_factory: pytest.TempPathFactory) -> engine.Backtest:
    return scripted(markets, tmp_path_factory.mktemp("scripted"), OPENS)


def scripted(
    markets: PracticeExchange, folder: Path, opens: Mapping[str, Sequence[float]]
) -> engine.Backtest:
    """freqtrade's backtest of the script."""
    file = write_config(
        folder, markets, futures=True, pairs=list(SCRIPT), script=SCRIPT,
        script_began=BEGAN.isoformat(),
    )  # fmt: skip
    store_opens(folder / "data" / "binance", opens, rates=RATES)
    return backtest(folder, file, "ScriptedFutures", "20250101-20250102")


def closed(book: engine.Backtest, pair: str, candle: int, *, bps: float = 10.0) -> Line | None:
    """What is closed of *pair* at the open of *candle*; ``None`` = nothing is open."""
    number = book.market.pairs.index(pair)
    rows, _ = segments.cut(book.trades, book.market.pairs)
    own = rows.rows(rows.pair == number)
    [moment] = [
        i for i in range(len(book.market.moments_ns)) if book.market.moment(i) == at(candle)
    ]
    cells = close_at(own, book.market, number, moment, Slippage(bps=bps))
    if not len(cells.segment):
        return None
    [segment] = cells.segment
    return Line(
        own.amount[segment], cells.fill_price[0], cells.fee[0], cells.slippage[0],
        cells.funding[0], cells.profit[0], cells.going_on[0],
    )  # fmt: skip


def test_long_with_funding(book: engine.Backtest) -> None:
    """Candle 14: 10 SOL, bought at 100, open 110; funding was due at 01:00.

    fill 110 × 0.999 = 109.89; worth 1,098.90; fee 1.0989; slippage 10 × 0.11 = 1.10
    funding -0.0002 × 110 × 10 = -0.22; entry fee 1,000 × 0.001 = 1.00
    profit 1,098.90 - 1,000 - 1.00 - 1.0989 - 0.22 = 96.5811
    going on, 5 sold at candle 15: 550 - 500 - 0.50 - 0.55 - 0.22 = 48.73
    then 5 at 100 and 2.72 (299.2 ÷ 110 in steps of 0.01) at 110 go at 120 in candle 30:
    926.40 - 799.20 - 0.7992 - 0.9264 and funding at 02:00 of -0.0001 × 110 × 7.72 = -0.08492
    = 125.38948; together 174.11948
    """
    expected = Line(10, 109.89, 1.0989, 1.10, -0.22, 96.5811, 174.11948)
    assert closed(book, SOL, 14) == pytest.approx(expected)


def test_after_partial_exit(book: engine.Backtest) -> None:
    """Candle 18: 5 SOL are left of those bought at 100; what was sold took its funding along.

    fill 109.89; worth 549.45; fee 0.54945; slippage 0.55; no funding since
    profit 549.45 - 500 - 0.50 - 0.54945 = 48.40055; going on 125.38948, see above
    """
    expected = Line(5, 109.89, 0.54945, 0.55, 0.0, 48.40055, 125.38948)
    assert closed(book, SOL, 18) == pytest.approx(expected)


def test_after_position_adjustment(book: engine.Backtest) -> None:
    """Candle 26: 7.72 SOL, 799.20 paid; open 120; funding was due at 02:00.

    fill 119.88; worth 925.4736; fee 0.9254736; slippage 7.72 × 0.12 = 0.9264; funding -0.08492
    profit 925.4736 - 799.20 - 0.7992 - 0.9254736 - 0.08492 = 124.4640064
    """
    expected = Line(7.72, 119.88, 0.9254736, 0.9264, -0.08492, 124.4640064, 125.38948)
    assert closed(book, SOL, 26) == pytest.approx(expected)


def test_short_with_leverage_receives_funding(book: engine.Backtest) -> None:
    """Candle 30: short 500 × 3 ÷ 100 = 15 ETH at 100; open 90.

    fill 90 × 1.001 = 90.09; worth 1,351.35; fee 1.35135; slippage 15 × 0.09 = 1.35
    funding at 01:00 +0.0002 × 100 × 15 = 0.30, at 02:00 +0.0001 × 90 × 15 = 0.135
    profit 1,500 - 1,351.35 - 1.50 - 1.35135 + 0.435 = 146.23365
    going on, to the end of the data: 1,500 - 1,350 - 1.50 - 1.35 + 0.57 = 147.72
    """
    expected = Line(15, 90.09, 1.35135, 1.35, 0.435, 146.23365, 147.72)
    assert closed(book, ETH, 30) == pytest.approx(expected)


def test_funding_due_at_the_moment_is_paid(book: engine.Backtest) -> None:
    """Candle 12 opens at 01:00: who holds until then pays, as with an exit of the strategy."""
    before, then = closed(book, SOL, 11), closed(book, SOL, 12)
    assert before is not None
    assert then is not None
    assert (before.funding, then.funding) == pytest.approx((0.0, -0.22))


def test_position_is_not_open_at_its_entry_and_open_at_its_exit(book: engine.Backtest) -> None:
    """Only what was filled in candles that have closed is known: an entry at candle 5's open is
    not there yet, an exit at candle 30's open has not happened."""
    assert closed(book, SOL, 5) is None
    assert closed(book, SOL, 6) is not None
    assert closed(book, SOL, 30) is not None
    assert closed(book, SOL, 31) is None


def test_prices_after_the_moment_change_only_going_on(
    book: engine.Backtest, markets: PracticeExchange, tmp_path: Path
) -> None:
    """Another market from candle 28 on: what is closed at candle 27's open is the same."""
    other = {pair: [*prices[:28], *[50] * 12] for pair, prices in OPENS.items()}
    changed = scripted(markets, tmp_path, other)
    for pair in (SOL, ETH):
        ours, theirs = closed(book, pair, 27), closed(changed, pair, 27)
        assert ours is not None
        assert theirs is not None
        assert ours[:-1] == pytest.approx(theirs[:-1])
        assert ours.going_on != pytest.approx(theirs.going_on)


def test_stop_at_the_strategys_own_exit_costs_its_slippage(book: engine.Backtest) -> None:
    """Candle 30, without slippage: the same fill as the strategy's, so the stop costs nothing."""
    line = closed(book, SOL, 30, bps=0)
    assert line is not None
    assert line.profit == pytest.approx(line.going_on, abs=1e-9)


def test_trade_of_one_candle_is_open_at_one_moment(book: engine.Backtest) -> None:
    """LTC: in at candle 10, out at 11: 20 × 79 = 1,580 against 1,600, fees 1.60 and 1.58."""
    assert closed(book, LTC, 10) is None
    assert closed(book, LTC, 11, bps=0) == pytest.approx(Line(20, 79, 1.58, 0, 0, -23.18, -23.18))
    assert closed(book, LTC, 12) is None


def test_open_at_the_end_is_valued_at_the_last_open(book: engine.Backtest) -> None:
    """There is no moment after the last candle's open, and there only the slippage differs:
    15 × 0.09 = 1.35 and its fee."""
    assert book.market.moment(-1) == at(39)
    line = closed(book, ETH, 39)
    assert line is not None
    assert line.going_on - line.profit == pytest.approx(1.35 + 0.00135)


def test_sums_of_a_moment(book: engine.Backtest) -> None:
    """Candle 26: SOL (above) and ETH: 15 at 90, 1,350.

    exposure 7.72 × 120 + 1,350 = 2,276.40; profit 124.4640064 + 146.23365
    equity: SOL's 48.73 and LTC's -23.18 realised; open are SOL's 926.40 - 799.20 - 0.7992 -
    0.08492 = 126.31588 and ETH's 1,500 - 1,350 - 1.50 + 0.435 = 148.935
    """
    rows, exits = segments.cut(book.trades, book.market.pairs)
    found = moments.analyse(rows, exits, book.market, Slippage(bps=10))
    [k] = [i for i in range(len(found)) if book.market.moment(i) == at(26)]
    assert found.positions[k] == 2
    assert found.exposure[k] == pytest.approx(2276.40)
    assert found.profit[k] == pytest.approx(124.4640064 + 146.23365)
    assert found.cost[k] == pytest.approx(125.38948 + 147.72 - 124.4640064 - 146.23365)
    assert found.equity[k] == pytest.approx(48.73 - 23.18 + 126.31588 + 148.935)
    assert found.unpriced == 0


def test_equity_ends_at_freqtrades_profit(book: engine.Backtest) -> None:
    """But for the close fee of what is open to the end: 1,350 × 0.001."""
    rows, exits = segments.cut(book.trades, book.market.pairs)
    found = moments.analyse(rows, exits, book.market, Slippage())
    total = sum(trade.close_profit_abs or 0.0 for trade in book.trades)
    assert found.equity[-1] == pytest.approx(total + 1.35)
    assert exits.profit.sum() == pytest.approx(total, abs=CENT / 100)

"""One exchange to ask for markets, and each backtest run once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from freqtrade_liquidation.analysis import engine, example, sample
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.unit.analysis.backtests import backtest, practice_markets, write_config

EXAMPLES = str(Path(example.__file__).parent)
PRICES = {"BTC": 65_000.0, "ETH": 3_200.0, "XRP": 0.6}
DAY = 288


@pytest.fixture(scope="session")
def markets() -> Iterator[PracticeExchange]:
    with practice_markets() as exchange:
        yield exchange


@pytest.fixture(scope="session")
def timed_futures(
    markets: PracticeExchange, tmp_path_factory: pytest.TempPathFactory
) -> tuple[engine.Backtest, float]:
    """Three days of generated prices, a crash on the second, long and short; CPU seconds."""
    began = time.process_time()
    folder = tmp_path_factory.mktemp("futures")
    found = sampled(folder, markets, futures=True, candles=3 * DAY)
    return found, time.process_time() - began


@pytest.fixture(scope="session")
def futures(timed_futures: tuple[engine.Backtest, float]) -> engine.Backtest:
    return timed_futures[0]


@pytest.fixture(scope="session")
def spot(markets: PracticeExchange, tmp_path_factory: pytest.TempPathFactory) -> engine.Backtest:
    """The same on spot, long only, two days."""
    return sampled(tmp_path_factory.mktemp("spot"), markets, futures=False, candles=2 * DAY)


def sampled(
    folder: Path, markets: PracticeExchange, *, futures: bool, candles: int
) -> engine.Backtest:
    """freqtrade's backtest of the example on generated prices."""
    prices = {f"{base}/USDT{':USDT' if futures else ''}": p for base, p in PRICES.items()}
    sample.store(
        folder / "data" / "binance",
        sample.Sample(prices=prices, candles=candles, crash_at=DAY + 100),
        futures=futures,
    )
    file = write_config(folder, markets, futures=futures, pairs=list(prices))
    name = "ExampleStrategy" if futures else "ExampleLongStrategy"
    return backtest(folder, file, name, "20250101-20250131", strategies=EXAMPLES)

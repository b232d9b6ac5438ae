"""freqtrade's real backtest on candles that a test makes up, in freqtrade's own files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType

from freqtrade_liquidation.analysis import engine, sample
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings

STRATEGIES = Path(__file__).parents[2] / "strategies"
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
STEP_S = 300


@contextmanager
def practice_markets() -> Iterator[PracticeExchange]:
    """An exchange to ask for markets; nothing is traded on it."""
    with PracticeExchange(Settings(moving_ratio=0)) as exchange:
        yield exchange


def write_config(
    folder: Path, practice: PracticeExchange, *, futures: bool, pairs: Sequence[str], **more: Any
) -> Path:
    """A user directory with a configuration; its data go to ``data/binance``."""
    config = practice.freqtrade_config(
        futures=futures, pairs=list(pairs), ccxt={"enableRateLimit": False}
    )
    config |= {"dry_run": True, "dry_run_wallet": 100_000, "stake_amount": 1000, "fee": 0.001}
    del config["order_types"]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "config.json"
    file.write_text(json.dumps(config | more))
    return file


def backtest(
    folder: Path, file: Path, strategy: str, timerange: str, strategies: str = str(STRATEGIES)
) -> engine.Backtest:
    """What freqtrade makes of it."""
    args = {
        "config": [str(file)], "user_data_dir": str(folder), "strategy": strategy,
        "strategy_path": strategies, "timerange": timerange,
    }  # fmt: skip
    return engine.run(engine.load_config(args), show_progress=False)


def store_opens(
    folder: Path,
    opens: Mapping[str, Sequence[float]],
    *,
    volume: float = 1000.0,
    rates: Mapping[int, float] | None = None,
) -> None:
    """Candles that open as given and stay there until the next opens.

    :param rates: funding by hour; given = futures. The mark price is the hour's open.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handler = get_datahandler(folder, "feather")
    for pair, prices in opens.items():
        column = np.array(prices, dtype=float)
        closes = np.concatenate([column[1:], column[-1:]])
        extremes = [np.maximum(column, closes), np.minimum(column, closes)]
        frame = sample.frame_of(
            BEGAN, STEP_S, [column, *extremes, closes, np.full_like(column, volume)]
        )
        kind = CandleType.SPOT if rates is None else CandleType.FUTURES
        handler.ohlcv_store(pair, "5m", frame, kind)
        if rates is not None:
            mark = sample.hourly(frame)
            handler.ohlcv_store(pair, "1h", mark, CandleType.MARK)
            due = mark.iloc[sorted(rates)].reset_index(drop=True)
            values = [rates[hour] for hour in sorted(rates)]
            due = due.assign(open=values, funding_rate=values)
            handler.ohlcv_store(pair, "1h", due, CandleType.FUNDING_RATE)


def at(candle: int) -> datetime:
    """When candle number *candle* opens."""
    return BEGAN + timedelta(seconds=candle * STEP_S)

"""``--example``: the command on generated prices, with the practice exchange for its markets."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from freqtrade_liquidation.analysis import example
from freqtrade_liquidation.analysis.sample import Sample, store
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from freqtrade_liquidation.frontends.analysis.options import freqtrade_arguments

PRICES: Final = {"BTC/USDT:USDT": 65_000.0, "ETH/USDT:USDT": 3_200.0, "SOL/USDT:USDT": 150.0}
DAYS: Final = 7
CANDLES_A_DAY: Final = 288


@contextmanager
def arguments(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """freqtrade's arguments for the example, in a folder that is gone afterwards."""
    with (
        TemporaryDirectory(prefix="liquidation-analysis-") as name,
        PracticeExchange(Settings(moving_ratio=0)) as practice,
    ):
        folder = Path(name)
        sample = Sample(
            prices=PRICES,
            candles=DAYS * CANDLES_A_DAY,
            crash_at=4 * CANDLES_A_DAY + 100,
        )
        store(folder / "data" / "binance", sample, futures=True)
        config = practice.freqtrade_config(
            pairs=list(PRICES), dry_run=True, dry_run_wallet=10_000, stake_amount=2000, fee=0.0005
        )
        del config["order_types"]
        (folder / "config.json").write_text(json.dumps(config))
        yield freqtrade_arguments(options) | {
            "config": [str(folder / "config.json")],
            "user_data_dir": str(folder),
            "datadir": None,
            "strategy": "ExampleStrategy",
            "strategy_path": str(Path(example.__file__).parent),
            "timerange": "20250101-20250108",
        }

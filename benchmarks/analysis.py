"""``python -m benchmarks.analysis``: what analysing every candle adds to freqtrade's backtest.

Generated candles, freqtrade's engine, then our analysis of what it traded, in one child process
whose largest memory the system tells. Bars: at most 10 % more time, and 4 GiB for a year of
5-minute candles of 20 pairs.
"""

import argparse
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from freqtrade.exchange import Exchange
from freqtrade.resolvers import ExchangeResolver

from freqtrade_liquidation.analysis import engine, segments
from freqtrade_liquidation.analysis.moments import analyse
from freqtrade_liquidation.analysis.pace import Pace
from freqtrade_liquidation.analysis.sample import Sample, store
from freqtrade_liquidation.analysis.slippage import Slippage
from freqtrade_liquidation.analysis.summary import summarise
from freqtrade_liquidation.drill import seal, sealed
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings

CANDLES_A_DAY: Final = 288
REAL_MARKETS: Final = 12
MOST_ADDED_RATIO: Final = 0.10
MOST_BYTES: Final = 4 * 1024**3
STRATEGIES: Final = Path(__file__).parent


def main() -> int:
    """:return: 0, or 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.analysis", description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="default: %(default)s; the bar's: 365")
    parser.add_argument("--pairs", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_measure(options.child)))  # noqa: T201 - to the parent
        return 0
    found = _in_child(options.days, options.pairs)
    print(json.dumps(found, indent=2))  # noqa: T201 - a command line
    fits = found["added_ratio"] <= MOST_ADDED_RATIO and found["peak_bytes"] <= MOST_BYTES
    return 0 if fits else 1


def _in_child(days: int, count: int) -> dict[str, Any]:
    settings = Settings(moving_ratio=0, synthetic_markets=max(0, count - REAL_MARKETS))
    with (
        tempfile.TemporaryDirectory(prefix="analysis-benchmark-") as name,
        PracticeExchange(settings) as practice,
    ):
        folder, pairs = Path(name), practice.pairs(futures=True)
        pairs = [pair for pair in pairs if pair.endswith(":USDT")][:count]
        prices = {pair: 10.0 * (number + 1) for number, pair in enumerate(pairs)}
        sample = Sample(prices=prices, candles=days * CANDLES_A_DAY, volatility=0.001)
        store(folder / "data" / "binance", sample, futures=True)
        config = practice.freqtrade_config(
            pairs=pairs, dry_run=True, dry_run_wallet=1_000_000, stake_amount=1000, fee=0.0005
        )
        del config["order_types"]
        (folder / "config.json").write_text(json.dumps(config))
        words = sealed.command("-m", "benchmarks.analysis", "--child", str(folder))
        output = subprocess.run(  # noqa: S603 - this file, with its own arguments
            [sys.executable, *words], check=True, stdout=subprocess.PIPE, text=True,
            env=seal.environment(os.environ, home=folder),
        ).stdout  # fmt: skip
    return {"days": days, "pairs": len(pairs), **json.loads(output)}


def _measure(folder: Path) -> dict[str, Any]:
    logging.disable(logging.WARNING)
    config = engine.load_config(
        {
            "config": [str(folder / "config.json")],
            "user_data_dir": str(folder),
            "strategy": "BacktestStrategy",
            "strategy_path": str(STRATEGIES),
            "timerange": "20250101-",
        }
    )
    exchange = _with_tiers(config)
    began = time.process_time()
    backtest = engine.run(config, exchange=exchange, show_progress=False)
    traded, peak_before = time.process_time(), _peak_bytes()
    rows, exits = segments.cut(backtest.trades, backtest.market.pairs)
    moments = analyse(rows, exits, backtest.market, Slippage(impact_bps=20))
    summary = summarise(backtest.market, moments, Pace(rate_limit=20))
    done = time.process_time()
    first, after = (traded - began, done - traded)
    return {
        "trades": len(backtest.trades),
        "moments": summary.looked_at,
        "closes": int(_closes(rows, backtest)),
        "most_positions": summary.most_positions,
        "backtest_s": round(first, 2),
        "analysis_s": round(after, 3),
        "added_ratio": round(after / first, 5),
        "peak_before_bytes": peak_before,
        "peak_bytes": _peak_bytes(),
        "processors": os.cpu_count(),
    }


def _closes(rows: segments.Segments, backtest: engine.Backtest) -> int:
    from freqtrade_liquidation.analysis.closing import spans

    first, after = spans(rows, backtest.market)
    return int((after - first).sum())


def _with_tiers(config: dict[str, Any]) -> Exchange:
    """freqtrade brings the leverage tiers of real markets only."""
    exchange = ExchangeResolver.load_exchange(config, load_leverage_tiers=True)
    tiers = exchange._leverage_tiers
    for pair in config["exchange"]["pair_whitelist"]:
        tiers.setdefault(pair, tiers["ADA/USDT:USDT"])
    return exchange


def _peak_bytes() -> int:
    """Of this process so far; Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())

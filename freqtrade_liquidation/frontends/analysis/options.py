"""The command's options: freqtrade's backtesting ones, and ours."""

import argparse
import math
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from freqtrade.commands.cli_options import AVAILABLE_CLI_OPTIONS

from freqtrade_liquidation.analysis.choosing import parse_moment
from freqtrade_liquidation.analysis.pace import DEFAULT_ROUND_TRIP_MS
from freqtrade_liquidation.analysis.slippage import DEFAULT_BPS
from freqtrade_liquidation.frontends.control import duration
from freqtrade_liquidation.frontends.database import config_files

FREQTRADES: Final = (
    "verbosity", "print_colorized", "logfile", "config", "datadir", "user_data_dir",
    "strategy", "strategy_path", "recursive_strategy_search", "freqaimodel", "freqaimodel_path",
    "timeframe", "timerange", "dataformat_ohlcv", "max_open_trades", "stake_amount", "fee",
    "pairs", "position_stacking", "enable_protections", "enable_dynamic_pairlist",
    "dry_run_wallet", "timeframe_detail",
)  # fmt: skip
"""Those of ``freqtrade backtesting`` that shape the trades; an older freqtrade lacks some."""


def parser() -> argparse.ArgumentParser:
    """For ``liquidation-analysis``."""
    found = argparse.ArgumentParser(
        prog="freqtrade-liquidation liquidation-analysis",
        description="Backtests a strategy with freqtrade's own engine, and says what a liquidation "
        "at each candle (or at chosen moments) would have closed and cost. Sends no order.",
    )
    _add_moments(found.add_argument_group("moments (default: every candle)"))
    _add_model(found.add_argument_group("the model"))
    _add_output(found.add_argument_group("output"))
    group = found.add_argument_group("freqtrade", "as its backtesting command takes them")
    for name in FREQTRADES:
        if option := AVAILABLE_CLI_OPTIONS.get(name):
            group.add_argument(*option.cli, dest=name, **dict(option.kwargs))
    return found


def freqtrade_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """*options* as freqtrade's own parser would hand them on."""
    found = {name: getattr(options, name, None) for name in FREQTRADES}
    return {**found, "config": config_files(options)}


def _add_moments(group: argparse._ArgumentGroup) -> None:
    one = group.add_mutually_exclusive_group()
    one.add_argument(
        "--at", nargs="+", type=_moment, metavar="T",
        help="At these: 2025-01-31, 20250131 or 2025-01-31T14:05, UTC without a zone",
    )  # fmt: skip
    one.add_argument(
        "--every", type=duration, metavar="6h", help="Every so often: 15m, 6h, at most 24h"
    )
    one.add_argument(
        "--at-worst", action="store_true",
        help="Begin and end of the worst hour, the dearest stop, the largest book",
    )  # fmt: skip


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--slippage-bps", type=_not_negative, default=DEFAULT_BPS, metavar="BPS",
        help=f"Each close fills so much worse than the open (default: {DEFAULT_BPS:g})",
    )  # fmt: skip
    group.add_argument(
        "--impact-bps", type=_not_negative, default=0.0, metavar="BPS",
        help="On top, for an order as large as all that was traded in the candle before; times "
        "the square root of its share for others (default: 0)",
    )  # fmt: skip
    group.add_argument(
        "--round-trip-ms", type=_positive, default=DEFAULT_ROUND_TRIP_MS, metavar="MS",
        help=f"From a request to its answer (default: {DEFAULT_ROUND_TRIP_MS:g})",
    )  # fmt: skip
    group.add_argument(
        "--rate-limit", type=_positive, metavar="N",
        help="Requests a second (default: what rateLimit in ccxt_config allows, else no limit)",
    )  # fmt: skip


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--print-json", action="store_true", help="The report as JSON on stdout")
    group.add_argument(
        "--export", type=Path, metavar="FILE", help="One row a moment: .csv or .json by its name"
    )
    group.add_argument(
        "--html", type=Path, metavar="FILE.html", help="A report with pictures; needs plotly"
    )
    group.add_argument(
        "--audit", type=Path, metavar="FILE.sqlite",
        help="Keep the audit trail of the manager's runs there, for show-liquidations --db-url",
    )  # fmt: skip
    group.add_argument(
        "--example", action="store_true",
        help="An example strategy on generated prices: needs no data, no configuration, no network",
    )  # fmt: skip


def _moment(text: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _not_negative(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 up")
    return number


def _positive(text: str) -> float:
    if (number := _not_negative(text)) == 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return number

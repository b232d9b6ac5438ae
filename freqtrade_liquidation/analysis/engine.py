"""freqtrade's own backtest, run as freqtrade runs it; what it traded, and the market around it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from freqtrade.constants import Config
from freqtrade.enums import RunMode
from freqtrade.exceptions import FreqtradeException, OperationalException
from freqtrade.exchange import Exchange
from freqtrade.persistence import LocalTrade

from freqtrade_liquidation.analysis.market import Market, lay_out, missing_funding

if TYPE_CHECKING:
    from freqtrade.optimize.backtesting import Backtesting
    from pandas import DataFrame

QUIETLY: Final = {"export": "none", "backtest_cache": "none"}
"""No result is written to user_data, and none of an earlier backtest is taken for this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What freqtrade's backtest came to.

    :param trades: all of them, closed; those that were open at the end by ``force_exit`` at the
        last candle's open.
    :param stops_on_exchange: the strategy keeps its stops on the exchange when it trades live
        (freqtrade's backtest itself does without).
    :param funding: by pair, freqtrade's frame of funding and mark rates; empty on spot.
    :param notes: what a reader has to know of the data, in words.
    """

    strategy: str
    config: Config
    exchange: Exchange
    trades: tuple[LocalTrade, ...]
    market: Market
    funding: Mapping[str, "DataFrame"]
    starting_balance: float
    stops_on_exchange: bool
    notes: tuple[str, ...] = ()

    @property
    def futures(self) -> bool:
        """Else spot."""
        return bool(self.config["trading_mode"] == "futures")

    @property
    def stake_currency(self) -> str:
        """The currency of all profits and costs."""
        return str(self.config["stake_currency"])


def load_config(args: Mapping[str, Any]) -> Config:
    """The configuration as ``freqtrade backtesting`` reads it.

    :param args: as freqtrade's own parser gives them.
    :raises FreqtradeException: if it cannot be used.
    """
    from freqtrade.commands.optimize_commands import setup_optimize_configuration

    config = setup_optimize_configuration(
        {**args, **QUIETLY, "command": "backtesting"}, RunMode.BACKTEST
    )
    if not config.get("strategy"):
        raise OperationalException("No strategy: name one with --strategy.")
    return config


def run(config: Config, *, exchange: Exchange | None = None, show_progress: bool) -> Backtest:
    """Backtests the strategy that *config* names.

    :param exchange: with its markets loaded; ``None`` = freqtrade opens it.
    :raises OperationalException: without data, without a trade, or where freqtrade refuses.
    """
    from freqtrade.optimize.backtesting import Backtesting

    try:
        engine = Backtesting(config, exchange)
        strategy = engine.strategylist[0]
        # Before the engine turns it off: it assumes perfect stops instead.
        on_exchange = bool(strategy.order_types.get("stoploss_on_exchange"))
        with _progress(engine, shown=show_progress):
            candles = _load(engine, config)
            start, end = _backtest(engine, candles, config)
        trades = tuple(LocalTrade.bt_trades)
    finally:
        Backtesting.cleanup()
    name = strategy.get_strategy_name()
    if not trades:
        raise OperationalException(
            f"{name} made no trade between {start:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M} UTC, so "
            "a liquidation would have closed nothing. Try another --timerange or other --pairs, or "
            "see with freqtrade's own `backtesting` why it does not enter."
        )
    market = lay_out(
        candles,
        start=start + timedelta(seconds=engine.timeframe_secs),
        end=end,
        step_s=engine.timeframe_secs,
        funding=engine.futures_data,
    )
    return Backtest(
        strategy=name,
        config=config,
        exchange=engine.exchange,
        trades=trades,
        market=market,
        funding=engine.futures_data,
        starting_balance=engine.starting_balance,
        stops_on_exchange=on_exchange,
        notes=tuple(_notes(engine, candles, config)),
    )


def download_command(config: Config, pairs: Sequence[str]) -> str:
    """What to type for the data that are missing."""
    words = ["freqtrade-liquidation download-data"]
    words += [f"-c {file}" for file in config.get("config_files", [])]
    words.append(f"--timerange {config.get('timerange') or '<from>-<to>'}")
    frames = [str(config["timeframe"]), str(config.get("timeframe_detail") or "")]
    words.append(f"--timeframes {' '.join(filter(None, frames))}")
    words.append(f"--pairs {' '.join(pairs)}")
    return " ".join(words)


def _progress(engine: "Backtesting", *, shown: bool) -> AbstractContextManager[Any]:
    """freqtrade's own bars, where it has some (2026.4 has none)."""
    bars: Any = engine.progress
    if not hasattr(bars, "disable"):
        return nullcontext()
    bars.disable = not shown
    shown_bars: AbstractContextManager[Any] = bars
    return shown_bars


def _load(engine: "Backtesting", config: Config) -> dict[str, "DataFrame"]:
    try:
        return engine.load_bt_data()[0]
    except FreqtradeException as error:
        raise OperationalException(
            f"{error}\nThere are no candles in {config['datadir']} for {config['timeframe']} "
            f"{config.get('timerange') or ''}. Download them, with some before the range for the "
            f"indicators:\n  {download_command(config, engine.pairlists.whitelist)}"
        ) from error


def _backtest(engine: "Backtesting", candles: dict[str, "DataFrame"], config: Config) -> Any:
    try:
        return engine.backtest_one_strategy(engine.strategylist[0], candles, engine.timerange)
    except OperationalException as error:
        if "startup candles" not in str(error):
            raise
        raise OperationalException(
            f"{error} The strategy needs {engine.required_startup} candles before the range. "
            f"Choose a longer --timerange, or download more:\n"
            f"  {download_command(config, engine.pairlists.whitelist)}"
        ) from error


def _notes(engine: "Backtesting", candles: Mapping[str, Any], config: Config) -> list[str]:
    notes = []
    asked = engine.pairlists.whitelist
    if without := [pair for pair in asked if pair not in candles]:
        notes.append(
            f"No candles for {', '.join(without)}: left out. Download them: "
            f"{download_command(config, without)}"
        )
    if engine.trading_mode == "futures" and (
        unpaid := missing_funding(list(candles), engine.futures_data)
    ):
        notes.append(
            f"No funding rates for {', '.join(unpaid)}: counted as 0. "
            f"{download_command(config, unpaid)} fetches them, too."
        )
    return notes

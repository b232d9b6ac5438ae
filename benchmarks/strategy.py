"""The benchmark's strategy: it trades nothing. The book is put there, see `seeding`."""

from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class BenchmarkStrategy(IStrategy):
    """No signal, ever."""

    INTERFACE_VERSION = 3
    can_short = True
    timeframe = "5m"
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    stoploss = -0.50
    startup_candle_count = 1

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """None are needed."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Never."""
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Never."""
        return dataframe


class SpotBenchmarkStrategy(BenchmarkStrategy):
    """freqtrade refuses a strategy that can short on spot."""

    can_short = False

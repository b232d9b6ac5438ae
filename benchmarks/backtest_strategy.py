"""The strategy whose backtest the analysis is measured against: some trades a day and pair."""

from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class BacktestStrategy(IStrategy):
    """Follows a fast average where it is well off a slow one, long and short."""

    INTERFACE_VERSION = 3
    can_short = True
    timeframe = "5m"
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    stoploss = -0.05
    startup_candle_count = 48

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """How far the averages are apart."""
        close = dataframe["close"]
        dataframe["apart"] = close.rolling(12).mean() / close.rolling(48).mean() - 1
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Far apart."""
        dataframe["enter_long"] = (dataframe["apart"] > 0.004).astype(int)
        dataframe["enter_short"] = (dataframe["apart"] < -0.004).astype(int)
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Together again."""
        dataframe["exit_long"] = (dataframe["apart"] < 0.001).astype(int)
        dataframe["exit_short"] = (dataframe["apart"] > -0.001).astype(int)
        return dataframe

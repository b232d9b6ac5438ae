"""Enters every pair of a spot bot once at market, with a stop limit on the exchange."""

from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class SpotAlwaysIn(IStrategy):
    """Long only: freqtrade refuses a strategy that can short on spot."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    stoploss = -0.20
    startup_candle_count = 1
    order_types = {  # noqa: RUF012 - freqtrade's own form
        "entry": "market",
        "exit": "market",
        "stoploss": "limit",
        "stoploss_on_exchange": True,
    }

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return dataframe

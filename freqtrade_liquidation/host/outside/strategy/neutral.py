"""The strategy of a bot that only books: it has no opinion, no callback and no veto."""

from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class NeutralStrategy(IStrategy):
    """Never enters, never exits. A user's strategy could be slow, missing or broken right now."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    stoploss = -0.99
    use_exit_signal = False

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Nothing to compute."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Never enter."""
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Never exit."""
        return dataframe

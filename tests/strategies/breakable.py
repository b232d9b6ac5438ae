"""A strategy that enters every pair, and breaks the way a file beside the bot says."""

from pathlib import Path
from typing import Any

from freqtrade.exceptions import OperationalException
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class Breakable(IStrategy):
    """``break_it`` in the user directory: ``stop`` stops the bot, ``die`` kills the process."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    can_short = True
    stoploss = -0.5
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    startup_candle_count = 1

    def informative_pairs(self) -> Any:
        """Called in every loop, and not wrapped by freqtrade's safety net."""
        order = Path(self.config["user_data_dir"]) / "break_it"
        if order.exists():
            raise (OperationalException if order.read_text() == "stop" else RuntimeError)("broken")
        return []

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Nothing to compute."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Enter on every candle."""
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Never exit."""
        return dataframe

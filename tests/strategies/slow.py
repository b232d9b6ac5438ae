"""A strategy that enters every pair, and hangs while a file beside the bot says so."""

import time
from pathlib import Path
from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class Slow(IStrategy):
    """``hang`` in the user directory: its loop stands still until the file is gone."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    can_short = True
    stoploss = -0.1
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    startup_candle_count = 1
    order_types = {  # noqa: RUF012 - freqtrade's own form
        "entry": "market",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": True,
    }

    def bot_loop_start(self, current_time: Any, **kwargs: Any) -> None:
        """Called first in every loop."""
        folder = Path(self.config["user_data_dir"])
        while (folder / "hang").exists():
            (folder / "hanging").touch()
            time.sleep(0.05)

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

"""A strategy that never rests: it enters, adds to its positions and takes them back, every loop."""

from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class Busy(IStrategy):
    """For signals at random moments: most of them hit a request or a statement."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    can_short = True
    stoploss = -0.5
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    position_adjustment_enable = True
    startup_candle_count = 1

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

    def adjust_trade_position(self, *args: Any, **kwargs: Any) -> float | None:
        """Grow in every loop, up to ten entries."""
        trade = kwargs.get("trade", args[0] if args else None)
        return 20.0 if trade is not None and trade.nr_of_successful_entries < 10 else None

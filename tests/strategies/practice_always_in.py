"""A strategy that is always in the market: even pairs long, odd pairs short (futures)."""

from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class PracticeAlwaysIn(IStrategy):
    """Enters every pair at once, with a stop-loss on the exchange, and never leaves."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    can_short = True
    stoploss = -0.1
    use_exit_signal = False
    startup_candle_count = 10

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.can_short = config.get("trading_mode") == "futures"

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Nothing to compute."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Enter on every candle."""
        pairs = self.config["exchange"]["pair_whitelist"]
        short = self.can_short and pairs.index(metadata["pair"]) % 2 == 1
        dataframe["enter_short" if short else "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Never exit."""
        return dataframe

    def leverage(self, *args: Any, **kwargs: Any) -> float:
        """Three times, on futures."""
        return 3.0

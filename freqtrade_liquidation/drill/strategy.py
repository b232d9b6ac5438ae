"""The drill's strategy: it takes a position in every pair, long and short in turn, and keeps it."""

from datetime import datetime
from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class DrillStrategy(IStrategy):
    """Enters every pair once at market, with a stop on the exchange. For the drill only."""

    INTERFACE_VERSION = 3
    can_short = True
    timeframe = "5m"
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    stoploss = -0.50
    startup_candle_count = 1
    order_types = {  # noqa: RUF012 - freqtrade's own form
        "entry": "market",
        "exit": "market",
        "emergency_exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": True,
    }

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """None are needed."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Every candle is a signal: long in every other pair of the whitelist, short else."""
        pairs = self.config["exchange"]["pair_whitelist"]
        short = self.config["trading_mode"] == "futures" and pairs.index(metadata["pair"]) % 2
        dataframe["enter_short" if short else "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Never: the drill wants open positions."""
        return dataframe

    def leverage(
        self,
        pair: str,
        current_time: datetime,
        current_rate: float,
        proposed_leverage: float,
        max_leverage: float,
        entry_tag: str | None,
        side: str,
        **kwargs: Any,
    ) -> float:
        """Three times, where there is leverage."""
        return min(3.0, max_leverage)

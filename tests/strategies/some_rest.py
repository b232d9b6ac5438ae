"""Ten positions, long and short in turn; further pairs get limit entries that rest."""

from datetime import datetime
from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame

FILLED = 10


class SomeRest(IStrategy):
    """The book of the main job's test."""

    INTERFACE_VERSION = 3
    can_short = True
    timeframe = "5m"
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    stoploss = -0.50
    startup_candle_count = 1
    order_types = {  # noqa: RUF012 - freqtrade's own form
        "entry": "limit",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": True,
    }

    def _number(self, pair: str) -> int:
        return int(self.config["exchange"]["pair_whitelist"].index(pair))

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        number = self._number(metadata["pair"])
        short = number < FILLED and number % 2
        dataframe["enter_short" if short else "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return dataframe

    def custom_entry_price(
        self,
        pair: str,
        trade: Any,
        current_time: datetime,
        proposed_rate: float,
        entry_tag: str | None,
        side: str,
        **kwargs: Any,
    ) -> float:
        number = self._number(pair)
        if number >= FILLED:
            return proposed_rate * 0.6
        return proposed_rate * (1.001 if side == "long" else 0.999)

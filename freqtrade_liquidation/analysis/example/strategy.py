"""A strategy to have something to analyse: it shows how a book comes and goes, not how to trade."""

from datetime import datetime
from typing import Any

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

CANDLES = {"fast": 12, "slow": 48}
TURN_RATIO = 0.012


class ExampleLongStrategy(IStrategy):
    """Follows two moving averages; takes half off a winner, adds to a loser once."""

    INTERFACE_VERSION = 3
    can_short = False
    timeframe = "5m"
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    stoploss = -0.06
    startup_candle_count = 48
    position_adjustment_enable = True
    order_types = {  # noqa: RUF012 - freqtrade's own form
        "entry": "market",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": True,
    }

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Both averages."""
        for name, candles in CANDLES.items():
            dataframe[name] = dataframe["close"].rolling(candles).mean()
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """On the side of the fast one."""
        dataframe["enter_long"] = (dataframe["fast"] > dataframe["slow"]).astype(int)
        if self.can_short:
            dataframe["enter_short"] = (dataframe["fast"] < dataframe["slow"]).astype(int)
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """When it changes sides."""
        dataframe["exit_long"] = (dataframe["fast"] < dataframe["slow"]).astype(int)
        dataframe["exit_short"] = (dataframe["fast"] > dataframe["slow"]).astype(int)
        return dataframe

    def leverage(self, *args: Any, **kwargs: Any) -> float:
        """Twice, where there is leverage."""
        return 2.0

    def custom_stake_amount(self, *args: Any, **kwargs: Any) -> float:
        """Leaves room to add."""
        return float(kwargs["proposed_stake"]) / 2

    def adjust_trade_position(
        self,
        trade: Trade,
        current_time: datetime,
        current_rate: float,
        current_profit: float,
        *args: Any,
        **kwargs: Any,
    ) -> float | None:
        """At half past: one turn each way."""
        if current_time.minute != 30:
            return None
        if current_profit > TURN_RATIO * trade.leverage and not trade.nr_of_successful_exits:
            return -trade.stake_amount / 2
        if current_profit < -TURN_RATIO * trade.leverage and trade.nr_of_successful_entries == 1:
            return trade.stake_amount / 2
        return None


class ExampleStrategy(ExampleLongStrategy):
    """The same, short as well: for futures."""

    can_short = True

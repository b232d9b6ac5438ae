"""A small strategy to start the bot with. It shows the wiring; it does not earn money."""

import talib.abstract as ta
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class SampleStrategy(IStrategy):
    """Follows the trend: the fast average crosses the slow one to open, and back to close."""

    INTERFACE_VERSION = 3

    timeframe = "5m"
    can_short = True
    process_only_new_candles = True
    startup_candle_count = 60

    minimal_roi = {"0": 0.04, "120": 0.01}
    stoploss = -0.05

    order_types = {
        "entry": "limit",
        "exit": "limit",
        "emergency_exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": True,
    }

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["fast"] = ta.EMA(dataframe, timeperiod=12)
        dataframe["slow"] = ta.EMA(dataframe, timeperiod=48)
        above = dataframe["fast"] > dataframe["slow"]
        before = above.shift(1, fill_value=False)
        dataframe["crossed_up"] = above & ~before
        dataframe["crossed_down"] = ~above & before
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        traded = dataframe["volume"] > 0
        dataframe.loc[traded & dataframe["crossed_up"], "enter_long"] = 1
        dataframe.loc[traded & dataframe["crossed_down"], "enter_short"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["crossed_down"], "exit_long"] = 1
        dataframe.loc[dataframe["crossed_up"], "exit_short"] = 1
        return dataframe

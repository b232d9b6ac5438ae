"""A strategy that never rests: every loop enters, grows, shrinks, replaces and leaves."""

import random
from datetime import timedelta
from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame

AHEAD = timedelta(hours=1)
"""The candles are dated this far ahead: freqtrade asks for a new price of each order once a candle,
and locks a pair until the next one. So it is asked in every loop, and no lock holds."""
STAKE_MOST = 900.0


class Storm(IStrategy):
    """Long and short in turn (futures) or long (spot); seeded by ``storm_seed`` in the config."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    can_short = True
    stoploss = -0.5
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    startup_candle_count = 1
    process_only_new_candles = False
    disable_dataframe_checks = True
    position_adjustment_enable = True
    max_entry_position_adjustment = -1

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.can_short = config.get("trading_mode") == "futures"
        self._random = random.Random(config.get("storm_seed", 0))

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Only the dates: see `AHEAD`."""
        dataframe["date"] += AHEAD
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Enter on every candle."""
        pairs = self.config["exchange"]["pair_whitelist"]
        short = self.can_short and pairs.index(metadata["pair"]) % 2 == 1
        dataframe["enter_short" if short else "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """By :meth:`custom_exit`."""
        return dataframe

    def leverage(self, *args: Any, **kwargs: Any) -> float:
        """Three times, on futures."""
        return 3.0

    def custom_exit(self, *args: Any, **kwargs: Any) -> str | None:
        """Now and then a trade is over; most of these exits rest for a while."""
        return "storm" if self._random.random() < 0.08 else None

    def custom_entry_price(self, *args: Any, **kwargs: Any) -> float:
        """Six in ten fill at once, the others rest."""
        return self._price(kwargs["proposed_rate"], 1 if kwargs["side"] == "long" else -1)

    def custom_exit_price(self, *args: Any, **kwargs: Any) -> float:
        """As the entries."""
        return self._price(kwargs["proposed_rate"], 1 if kwargs["trade"].is_short else -1)

    def adjust_order_price(self, *args: Any, **kwargs: Any) -> float | None:
        """Every resting order gets another price, or is cancelled."""
        if self._random.random() < 0.1:
            return None
        buys = kwargs["is_entry"] != kwargs["trade"].is_short
        return self._price(kwargs["proposed_rate"], 1 if buys else -1)

    def adjust_trade_position(self, *args: Any, **kwargs: Any) -> float | None:
        """Grows and shrinks; an order that rests is replaced by it, too."""
        trade = kwargs["trade"]
        dice = self._random.random()
        if trade.stake_amount > STAKE_MOST or (dice < 0.25 and trade.has_open_position):
            return -float(trade.stake_amount) * self._random.uniform(0.2, 0.6)
        return self._random.uniform(40.0, 120.0) if dice < 0.85 else None

    def _price(self, rate: float, direction: int) -> float:
        """:param direction: 1 to buy, -1 to sell."""
        reach = 0.002 if self._random.random() < 0.6 else -self._random.uniform(0.002, 0.01)
        return rate * (1 + direction * reach)

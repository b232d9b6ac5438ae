"""Trades by a script in the configuration, so that a test can reckon each cent by hand."""

from datetime import datetime
from typing import Any

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class Scripted(IStrategy):
    """``config["script"][pair]``: candle numbers for ``enter_long``, ``exit_short`` and so on;
    ``stake``, ``leverage``; ``adjust`` as ``{candle: stake}``, negative = a partial exit."""

    INTERFACE_VERSION = 3
    can_short = False
    timeframe = "5m"
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    stoploss = -0.99
    startup_candle_count = 0
    position_adjustment_enable = True
    order_types = {  # noqa: RUF012 - freqtrade's own form
        "entry": "market",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    }

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return self._signals(dataframe, metadata["pair"], ("enter_long", "enter_short"))

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return self._signals(dataframe, metadata["pair"], ("exit_long", "exit_short"))

    def _signals(self, frame: DataFrame, pair: str, names: tuple[str, ...]) -> DataFrame:
        for name in names:
            frame[name] = 0
            # a signal of the candle before is what fills at this one's open
            at = [number - 1 for number in self._script(pair).get(name, [])]
            frame.loc[at, name] = 1
        return frame

    def _script(self, pair: str) -> dict[str, Any]:
        script: dict[str, Any] = self.config["script"][pair]
        return script

    def custom_stake_amount(self, pair: str, *args: Any, **kwargs: Any) -> float:
        return float(self._script(pair)["stake"])

    def leverage(self, pair: str, *args: Any, **kwargs: Any) -> float:
        return float(self._script(pair).get("leverage", 1.0))

    def adjust_trade_position(
        self, trade: Trade, current_time: datetime, *args: Any, **kwargs: Any
    ) -> float | None:
        began = datetime.fromisoformat(self.config["script_began"])
        number = int((current_time - began).total_seconds() // 300)
        stake = self._script(trade.pair).get("adjust", {}).get(str(number))
        return None if stake is None else float(stake)


class ScriptedFutures(Scripted):
    """The same, short as well."""

    can_short = True

"""A strategy that enters every pair, and logs whatever lies in a folder beside the bot."""

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame

FOLDER = "to_log"
LOOPS = "loops"


class Loud(IStrategy):
    """Each file in ``to_log`` lists calls: logger, level, text, arguments, with traceback."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    can_short = True
    stoploss = -0.5
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    startup_candle_count = 1
    loops = 0

    def bot_loop_start(self, *args: Any, **kwargs: Any) -> None:
        """Counts the loops, and logs."""
        home = Path(self.config["user_data_dir"])
        self.loops += 1
        (home / LOOPS).write_text(str(self.loops))
        for file in sorted((home / FOLDER).glob("*.json")):
            for name, level, text, arguments, with_traceback in json.loads(file.read_text()):
                with suppress(ValueError):  # of the traceback's alone
                    self._log(logging.getLogger(name), level, text, arguments, with_traceback)
            file.unlink()

    @staticmethod
    def _log(
        logger: logging.Logger, level: int, text: str, arguments: list[Any], with_traceback: bool
    ) -> None:
        if not with_traceback:
            logger.log(level, text, *arguments)
            return
        try:
            raise ValueError(text)
        except ValueError:
            logger.exception(text, *arguments)

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Nothing to compute."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Long in every other pair of the whitelist, short in the rest."""
        pairs = self.config["exchange"]["pair_whitelist"]
        short = pairs.index(metadata["pair"]) % 2 == 1
        dataframe["enter_short" if short else "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Never exit."""
        return dataframe

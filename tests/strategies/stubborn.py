"""A strategy that enters every pair, and keeps the bot's main thread the way a file says."""

import hashlib
import threading
import time
from pathlib import Path
from typing import Any

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class Stubborn(IStrategy):
    """It does what ``hold`` in the user directory says, see :meth:`bot_loop_start`.

    ``build`` there makes ``bot_start`` last until the file is gone.
    """

    INTERFACE_VERSION = 3
    timeframe = "5m"
    can_short = True
    stoploss = -0.5
    minimal_roi = {}  # noqa: RUF012 - freqtrade's own form
    startup_candle_count = 1

    def bot_start(self, **kwargs: Any) -> None:
        """Slow, as one that loads a model."""
        user_data = Path(self.config["user_data_dir"])
        while (user_data / "build").exists():
            (user_data / "building").touch()
            time.sleep(0.1)

    def bot_loop_start(self, current_time: Any, **kwargs: Any) -> None:
        """Holds the main thread (``swallow``, ``once``, ``calculate``), or forbids ``threads``."""
        user_data = Path(self.config["user_data_dir"])
        order = user_data / "hold"
        if not order.exists():
            return
        how = order.read_text()
        if how == "once":
            order.unlink()
        (user_data / "held").touch()
        if how == "threads":
            threading.stack_size(1 << 40)  # more than the system grants: a pids limit looks alike
        elif how == "calculate":
            hashlib.pbkdf2_hmac("sha256", b"a", b"b", 100_000_000)
        else:
            until = time.monotonic() + (2.0 if how == "once" else 60.0)
            while time.monotonic() < until:
                try:  # noqa: SIM105 - what such strategies do
                    time.sleep(until - time.monotonic())
                except:  # noqa: E722
                    pass

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

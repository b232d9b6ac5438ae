"""Nobody forgets a maintenance window: says that one is open, and when it is over."""

from datetime import datetime
from typing import Final

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.control import ControlState

REMIND_EVERY_S: Final = 300.0


class Reminder:
    """Decides what to say; the time is handed in."""

    def __init__(self) -> None:
        self._told_until: datetime | None = None
        self._told_at_s = 0.0

    def words(self, state: ControlState, now_s: float, config: LiquidationConfig) -> str | None:
        """What is to be said now, if anything.

        :param now_s: on the monotonic clock.
        """
        until = state.disarmed_until
        if until is None:
            was_open, self._told_until = self._told_until is not None, None
            return messages.armed_again(config) if was_open else None
        if until == self._told_until and now_s - self._told_at_s < REMIND_EVERY_S:
            return None
        self._told_until, self._told_at_s = until, now_s
        return messages.disarmed(until, state.disarmed_by)

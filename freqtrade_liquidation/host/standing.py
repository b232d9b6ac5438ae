"""How things stand: armed, disarmed or latched, what runs, and what ran last."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from freqtrade_liquidation.config import Trigger
from freqtrade_liquidation.exchange.last_answers import LastAnswers


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One look at our side of the bot.

    :param enabled: ``emergency_liquidation``.
    :param closing_triggers: those that close positions, as long as no maintenance window is open.
    :param disarmed_until: aware UTC; ``None`` = no maintenance window is open.
    :param latched_by: the run or person that keeps the bot stopped; ``None`` = nobody.
    :param running: ``correlation_id`` of the run under way.
    :param bot_state: freqtrade's, such as ``RUNNING``.
    :param last_run: its row in ``liquidation_runs``, JSON types.
    :param too_slow: why the book cannot be closed within ``timeout_seconds``, and what would do, in
        words; ``None`` = it fits.
    :param exchange: what it last answered to the bot's key.
    """

    enabled: bool
    closing_triggers: tuple[Trigger, ...]
    disarmed_until: datetime | None
    disarmed_by: str | None
    latched_by: str | None
    running: str | None
    bot_state: str
    last_run: dict[str, Any] | None
    too_slow: str | None = None
    exchange: LastAnswers = field(default_factory=LastAnswers)

    @property
    def armed(self) -> bool:
        """An automatic trigger would close positions."""
        return bool(self.closing_triggers) and self.disarmed_until is None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        until = self.disarmed_until
        return {
            "armed": self.armed,
            "enabled": self.enabled,
            "disarmed_until": None if until is None else until.isoformat(),
            "disarmed_by": self.disarmed_by,
            "latched_by": self.latched_by,
            "running": self.running,
            "bot_state": self.bot_state,
            "last_run": self.last_run,
            "too_slow": self.too_slow,
            "exchange": self.exchange.to_dict(),
        }

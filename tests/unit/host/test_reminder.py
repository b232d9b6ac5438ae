"""What is said while a maintenance window is open, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.host.control import ControlState
from freqtrade_liquidation.host.reminder import REMIND_EVERY_S, Reminder

UNTIL = datetime(2026, 11, 24, 12, 15, tzinfo=UTC)
OPEN = ControlState(disarmed_until=UNTIL, disarmed_by="cli me@here")
ARMED = ControlState()
CONFIG = LiquidationConfig()


def test_open_window_is_told_at_once_then_from_time_to_time() -> None:
    reminder = Reminder()
    first = reminder.words(OPEN, 100.0, CONFIG)
    assert first is not None
    assert "DISARMED by cli me@here until 2026-11-24 12:15 UTC" in first
    assert reminder.words(OPEN, 100.0 + REMIND_EVERY_S - 1, CONFIG) is None
    assert reminder.words(OPEN, 100.0 + REMIND_EVERY_S, CONFIG) == first


def test_longer_window_is_told_at_once() -> None:
    reminder = Reminder()
    reminder.words(OPEN, 0.0, CONFIG)
    longer = ControlState(disarmed_until=UNTIL + timedelta(hours=1), disarmed_by="rest you")
    words = reminder.words(longer, 1.0, CONFIG)
    assert words is not None
    assert "rest you until 2026-11-24 13:15" in words


def test_end_of_the_window_is_told_once() -> None:
    reminder = Reminder()
    assert reminder.words(ARMED, 0.0, CONFIG) is None
    reminder.words(OPEN, 1.0, CONFIG)
    assert "Armed again" in (reminder.words(ARMED, 2.0, CONFIG) or "")
    assert reminder.words(ARMED, 3.0, CONFIG) is None


@pytest.mark.parametrize(
    "settings", [{"triggers": ["fatal_error"]}, {"close_positions": False}, {"triggers": []}]
)
def test_end_of_the_window_calls_no_bot_armed_that_a_stop_leaves_open(
    settings: dict[str, Any],
) -> None:
    reminder, config = Reminder(), LiquidationConfig(**settings)
    reminder.words(OPEN, 1.0, config)
    words = reminder.words(ARMED, 2.0, config) or ""
    assert "Armed" not in words
    assert "positions open" in words or "positions stay open" in words

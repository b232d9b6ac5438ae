"""What is said while a maintenance window is open, and when."""

from datetime import UTC, datetime, timedelta

from freqtrade_liquidation.host.control import ControlState
from freqtrade_liquidation.host.reminder import REMIND_EVERY_S, Reminder

UNTIL = datetime(2026, 11, 24, 12, 15, tzinfo=UTC)
OPEN = ControlState(disarmed_until=UNTIL, disarmed_by="cli me@here")
ARMED = ControlState()


def test_open_window_is_told_at_once_then_from_time_to_time() -> None:
    reminder = Reminder()
    first = reminder.words(OPEN, 100.0)
    assert first is not None
    assert "DISARMED by cli me@here until 2026-11-24 12:15 UTC" in first
    assert reminder.words(OPEN, 100.0 + REMIND_EVERY_S - 1) is None
    assert reminder.words(OPEN, 100.0 + REMIND_EVERY_S) == first


def test_longer_window_is_told_at_once() -> None:
    reminder = Reminder()
    reminder.words(OPEN, 0.0)
    longer = ControlState(disarmed_until=UNTIL + timedelta(hours=1), disarmed_by="rest you")
    words = reminder.words(longer, 1.0)
    assert words is not None
    assert "rest you until 2026-11-24 13:15" in words


def test_end_of_the_window_is_told_once() -> None:
    reminder = Reminder()
    assert reminder.words(ARMED, 0.0) is None
    reminder.words(OPEN, 1.0)
    assert "Armed again" in (reminder.words(ARMED, 2.0) or "")
    assert reminder.words(ARMED, 3.0) is None

"""Latch and maintenance window, on the real audit log."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.host.control import Control, ControlState


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    audit = AuditLog(
        f"sqlite:///{tmp_path / 'trades.sqlite'}",
        fallback=tmp_path / "audit.sqlite",
        masker=Masker([]),
    )
    yield audit
    audit.close()


@pytest.fixture
def control(log: AuditLog) -> Control:
    return Control(log)


def test_nothing_recorded_is_armed_and_not_latched(control: Control) -> None:
    assert control.state() == ControlState()


def test_window_lasts_until_its_end_and_re_arms_by_itself(control: Control) -> None:
    until = control.disarm(timedelta(minutes=15), by="telegram:7", reason="restart")
    assert until.tzinfo is not None
    assert control.state(until - timedelta(seconds=1)).disarmed_until == until
    assert control.state(until - timedelta(seconds=1)).disarmed_by == "telegram:7"
    assert control.state(until) == ControlState()


def test_arm_ends_the_window(control: Control) -> None:
    control.disarm(timedelta(hours=1), by="cli")
    control.arm(by="cli")
    assert control.state() == ControlState()


def test_newest_window_counts(control: Control) -> None:
    control.disarm(timedelta(hours=5), by="a")
    until = control.disarm(timedelta(minutes=1), by="b")
    assert control.state().disarmed_until == until


@pytest.mark.parametrize("seconds", [0, -1, 24 * 3600 + 1])
def test_window_out_of_range_is_refused_and_leaves_no_trace(
    control: Control, log: AuditLog, seconds: float
) -> None:
    with pytest.raises(ValueError, match="24 h"):
        control.disarm(timedelta(seconds=seconds), by="cli")
    assert control.state() == ControlState()


def test_window_of_a_whole_day_is_allowed(control: Control) -> None:
    before = datetime.now(UTC)
    assert control.disarm(timedelta(hours=24), by="cli") >= before + timedelta(hours=24)


def test_latch_holds_until_released(control: Control) -> None:
    control.latch(by="telegram:7", correlation_id="liq_20260101_000000_aa")
    assert control.state().latched_by == "telegram:7"
    control.release(by="cli", reason="looked")
    assert control.state().latched_by is None


def test_arm_does_not_release_and_release_does_not_arm(control: Control) -> None:
    """Two decisions, never one: ``arm`` never starts trading."""
    control.latch(by="fatal_error", correlation_id=None)
    until = control.disarm(timedelta(hours=1), by="cli")
    control.release(by="cli")
    assert control.state().disarmed_until == until
    control.latch(by="fatal_error", correlation_id=None)
    control.arm(by="cli")
    assert control.state().latched_by == "fatal_error"


def test_decisions_survive_the_process(control: Control, log: AuditLog, tmp_path: Path) -> None:
    control.latch(by="rest", correlation_id=None)
    log.close()
    again = AuditLog(
        f"sqlite:///{tmp_path / 'trades.sqlite'}",
        fallback=tmp_path / "audit.sqlite",
        masker=Masker([]),
    )
    assert Control(again).state().latched_by == "rest"
    again.close()


@pytest.mark.parametrize(
    ("began", "until", "open_for"),
    [
        (timedelta(0), "9999-12-31T00:00:00+00:00", None),  # no time that we write
        (timedelta(0), timedelta(days=300), timedelta(hours=24)),
        (timedelta(hours=-25), timedelta(days=300), None),
        (timedelta(hours=-23), timedelta(days=300), timedelta(hours=1)),
        (timedelta(days=300), timedelta(days=301), None),
        (timedelta(hours=1), timedelta(hours=2), timedelta(hours=2)),  # the clock has stepped back
    ],
)
def test_window_ends_whatever_its_row_says(
    control: Control,
    log: AuditLog,
    began: timedelta,
    until: timedelta | str,
    open_for: timedelta | None,
) -> None:
    """Written with our own code, so its hash fits: only its bounds end it."""
    now = datetime.now(UTC)
    text = until if isinstance(until, str) else (now + until).isoformat()
    event = AuditEvent(
        event_type=AuditEventType.DISARMED, operation="control", timestamp=now + began,
        additional_data={"until": text, "by": "eve"},
    )  # fmt: skip
    log.record([event])
    found = control.state(now).disarmed_until
    assert found == (None if open_for is None else now + open_for)


@pytest.mark.parametrize("hours", [-2, 2])
def test_clock_that_steps_has_no_say_in_latch_and_window(
    control: Control, log: AuditLog, hours: int
) -> None:
    """A small computer starts with the time of its last shutdown, or of 1970."""

    def write(kind: AuditEventType, at: timedelta, **data: str) -> None:
        moment = datetime.now(UTC) + at
        log.record([AuditEvent(
            event_type=kind, operation="control", timestamp=moment, additional_data=data
        )])  # fmt: skip

    write(AuditEventType.RELEASED, timedelta(hours=1))
    write(AuditEventType.LATCHED, timedelta(hours=hours), by="later")
    assert control.state().latched_by == "later"
    write(AuditEventType.RELEASED, timedelta(hours=-hours))
    assert control.state().latched_by is None

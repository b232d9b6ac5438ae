"""Latch and maintenance window, on the real audit log."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.host.control import Control, ControlState


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    audit = AuditLog(
        f"sqlite:///{tmp_path / 'trades.sqlite'}",
        fallback=tmp_path / "audit.jsonl",
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
        fallback=tmp_path / "audit.jsonl",
        masker=Masker([]),
    )
    assert Control(again).state().latched_by == "rest"
    again.close()

"""show-liquidations: what it prints and how it ends."""

import argparse
import io
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import RunRecord
from freqtrade_liquidation.frontends import show

START = datetime(2026, 1, 1, tzinfo=UTC)
ID = "liq_20260101_000000_aa11bb22"


@pytest.fixture
def audit(tmp_path: Path) -> AuditLog:
    log = AuditLog(f"sqlite:///{tmp_path}/t.sqlite", fallback=tmp_path / "f", masker=Masker())
    for name in (ID, "liq_20260102_000000_cc"):
        outcome = {"pair": "BTC/USDT:USDT", "side": "long", "state": "open", "amount": 0.5,
                   "residual_amount": 0.5, "realized_pnl": None, "tracked": False,
                   "protected": False, "error": "[red]no[/red]"}  # fmt: skip
        log.record(
            [
                AuditEvent(event_type=kind, operation="run", correlation_id=name, timestamp=START)
                for kind in AuditEventType
            ],
            RunRecord(correlation_id=name, trigger="telegram", actor="[bold]eve", state="partial",
                      started_at=START, finished_at=START, positions_closed=3,
                      total_realized_pnl=-1.5, duration_seconds=0.42, outcome=[outcome]),
        )  # fmt: skip
    return log


def shown(audit: AuditLog, *arguments: str, width: int = 80) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    show.add_arguments(parser)
    file = io.StringIO()
    code = show.run(parser.parse_args(arguments), audit, Console(file=file, width=width))
    return code, file.getvalue()


def test_list_shows_runs_on_80_columns_plain(audit: AuditLog) -> None:
    code, text = shown(audit)
    assert code == 0
    assert ID in text
    assert "[bold]eve" in text
    assert "-1.50" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", [80, 72])
def test_narrow_list_cuts_no_number(audit: AuditLog, width: int) -> None:
    audit.record(
        [],
        RunRecord(
            correlation_id=f"{ID[:-1]}3", trigger="fatal_error", state="in_progress",
            started_at=START, positions_closed=100, positions_failed=40, orders_cancelled=300,
            total_realized_pnl=-12345.67,
        ),
    )  # fmt: skip
    _, text = shown(audit, width=width)
    assert {"-12345.67", "-1.50", "300", "Profit", "Orders"} <= set(text.split())
    assert max(map(len, text.splitlines())) <= width


def test_list_is_limited_newest_first_and_says_so(audit: AuditLog) -> None:
    """Thousands of runs take seconds to draw, and nobody reads them."""
    code, text = shown(audit, "--limit", "1")
    assert code == 0
    assert "liq_20260102_000000_cc" in text
    assert ID not in text
    assert "The newest 1. There are older ones: --limit 0 lists all." in text
    for limit in ("0", "2", "50"):
        code, text = shown(audit, "--limit", limit)
        assert ID in text
        assert "older ones" not in text


@pytest.mark.parametrize("limit", ["-1", "x", "1.5", ""])
def test_limit_that_is_no_number_says_what_is_allowed(
    audit: AuditLog, capsys: pytest.CaptureFixture[str], limit: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        shown(audit, f"--limit={limit}")
    assert ended.value.code == 2
    assert "is no number of runs: 0 (all), 1, 2" in capsys.readouterr().err


def test_run_prefix_shows_outcome_and_every_event(audit: AuditLog) -> None:
    code, text = shown(audit, "liq_20260101", width=160)
    assert code == 0
    assert "[red]no[/red]" in text
    assert "NO STOP" in text
    for kind in AuditEventType:
        assert kind.removeprefix("liquidation_").replace("_", " ") in text


@pytest.mark.parametrize("wanted", ["liq_2026", "nonsense"])
def test_run_unknown_or_ambiguous_is_usage_error(audit: AuditLog, wanted: str) -> None:
    assert shown(audit, wanted)[0] == 2


def test_print_json_and_export_write_the_same_lines(audit: AuditLog, tmp_path: Path) -> None:
    code, text = shown(audit, ID, "--print-json", "--export", str(tmp_path / "x.jsonl"))
    rows = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    assert len(rows) == len(AuditEventType)
    assert list(rows[0]) == [
        "sequence", "timestamp", "event_type", "operation", "correlation_id", "trigger", "pair",
        "config", "error", "additional_data", "previous_hash", "hash",
    ]  # fmt: skip
    assert (tmp_path / "x.jsonl").read_text() == text


def test_verify_one_line_and_exit_code(audit: AuditLog, tmp_path: Path) -> None:
    code, text = shown(audit, "--verify")
    assert (code, text.count("\n")) == (0, 1)
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        other.execute("UPDATE liquidation_events SET pair='x' WHERE sequence=7")
    code, text = shown(audit, "--verify")
    assert (code, text.count("\n")) == (1, 1)
    assert "event 7" in text


def test_verify_does_not_stand_in_the_way_of_an_export(
    audit: AuditLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        other.execute("UPDATE liquidation_events SET pair='x' WHERE sequence=7")
    written = tmp_path / "events.jsonl"
    code, text = shown(audit, "--verify", "--export", str(written), "--print-json")
    assert code == 1
    assert "event 7" in capsys.readouterr().err, "JSON has the output to itself"
    assert written.read_text() == text
    assert all(json.loads(line) for line in text.splitlines())


def test_list_without_runs_says_so(tmp_path: Path) -> None:
    empty = AuditLog(f"sqlite:///{tmp_path}/e.sqlite", fallback=tmp_path / "f", masker=Masker())
    assert shown(empty) == (0, "No liquidation has run yet.\n")

"""The bot's side of a shared book."""

import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.host.lease import (
    BookDatabase,
    BookUnavailable,
    Lease,
    RunClaims,
)
from freqtrade_liquidation.host.neighbours import Neighbours
from freqtrade_liquidation.host.turns import Turn
from freqtrade_liquidation.model import Request


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'trades.sqlite'}"


def turn() -> Turn:
    return Turn(request=Request(trigger="shutdown"), requests=[])


@pytest.mark.parametrize("killed", [False, True])
def test_bot_waits_for_the_run_of_the_one_before_it_and_no_longer(
    tmp_path: Path, killed: bool
) -> None:
    """One that was killed in its run has its turn until that run's deadline, a second more."""
    before = BookDatabase(url(tmp_path), within_s=30.0)  # how slow it is does not matter here
    Lease(before).renew()
    claims = RunClaims(before)
    assert claims.acquire("liq_1", for_s=1.0 if killed else 60.0)
    over = threading.Event()

    def end() -> None:
        over.set()
        claims.release("liq_1")

    if not killed:
        threading.Timer(0.5, end).start()
    began = time.monotonic()
    Neighbours(url(tmp_path)).wait_for_predecessor()
    assert over.is_set() or killed
    assert claims.under_way() is None
    assert time.monotonic() - began < 30


def test_run_of_a_command_is_not_waited_for_at_the_start(tmp_path: Path) -> None:
    """The bot is built meanwhile; its own runs take their turn."""
    Lease(BookDatabase(url(tmp_path))).renew()
    claims = RunClaims(BookDatabase(url(tmp_path)))
    assert claims.acquire("liq_1", for_s=60.0)
    neighbours = Neighbours(url(tmp_path))
    neighbours.wait_for_predecessor()
    assert claims.under_way() is not None
    neighbours.beat()
    assert neighbours.under_way == "liq_1"


class Stubborn:
    """A table that cannot be written a few times."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.calls = 0

    def under_way(self) -> None:
        return None

    def acquire(self, correlation_id: str, **_: Any) -> bool:
        self.calls += 1
        if self.calls <= self.refusals:
            raise BookUnavailable("locked")
        return True


@pytest.mark.parametrize(
    ("refusals", "insist_s", "calls"), [(2, 10.0, 3), (2, 0.0, 1), (10**9, 0.3, None)]
)
def test_claim_insists_where_asked_to_and_then_goes_on_without(
    tmp_path: Path, refusals: int, insist_s: float, calls: int | None
) -> None:
    neighbours = Neighbours(url(tmp_path))
    table = Stubborn(refusals)
    neighbours._claims = table  # type: ignore[assignment]
    assert neighbours.claim(turn(), for_s=5.0, wait_s=0.0, insist_s=insist_s)
    assert calls is None or table.calls == calls


def test_claim_that_is_read_where_none_can_be_written_is_waited_for(tmp_path: Path) -> None:
    """Another process sells, a third one has SQLite's lock: going on without would sell twice."""
    other = RunClaims(BookDatabase(url(tmp_path)))
    assert other.acquire("liq_1", for_s=60.0)
    neighbours = Neighbours(url(tmp_path))
    with closing(sqlite3.connect(tmp_path / "trades.sqlite", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        assert not neighbours.claim(turn(), for_s=5.0, wait_s=1.0, insist_s=0.1)


def test_asker_is_answered_though_the_database_is_busy_for_a_moment(tmp_path: Path) -> None:
    told: list[str] = []

    def answer(request_id: str, correlation_id: str, result: Any) -> None:
        if len(told) < 2:
            told.append("busy")
            raise BookUnavailable("locked")
        told.append(correlation_id)

    neighbours = Neighbours(url(tmp_path))
    neighbours._requests = SimpleNamespace(answer=answer)  # type: ignore[assignment]
    result = SimpleNamespace(correlation_id="liq_1", to_dict=dict)
    neighbours._answer(SimpleNamespace(id="x"), result)  # type: ignore[arg-type]
    assert told == ["busy", "busy", "liq_1"]


BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


STARTED = AuditEvent(
    event_type=AuditEventType.STARTED, operation="run", correlation_id="liq_1", trigger="cli"
)


def audit_of(folder: Path) -> AuditLog:
    return AuditLog(url(folder), fallback=folder / "waiting.sqlite", masker=Masker([]))


def run_of_another(pairs: list[str] | None, **changes: Any) -> RunRecord:
    """A command's run that did not take its turn."""
    record = {
        "correlation_id": "liq_1",
        "trigger": "cli",
        "state": "completed",
        "started_at": datetime.now(UTC),
        "pairs": pairs,
    }
    return RunRecord(**{**record, **changes})


@pytest.mark.parametrize("imported", [False, True], ids=["in-the-file", "imported"])
@pytest.mark.parametrize("pairs", [[BTC], None], ids=["one-pair", "whole-book"])
def test_run_that_could_not_take_its_turn_bars_what_it_closed_until_start(
    tmp_path: Path, pairs: list[str] | None, imported: bool
) -> None:
    """The bot hung with the database's lock in its hand: the command's words are in a file."""
    audit, neighbours = audit_of(tmp_path), Neighbours(url(tmp_path))
    neighbours.lift(audit)
    neighbours.beat()
    with sqlite3.connect(tmp_path / "trades.sqlite") as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert audit.record([STARTED], run_of_another(pairs)) is Durability.FILE
    holder.close()
    assert audit.import_fallback() == 2 if imported else True
    refusal = neighbours.refuse_entry(BTC, audit)
    assert refusal == "liquidation liq_1 barred it"
    assert (neighbours.refuse_entry(ETH, audit) is None) is (pairs is not None)
    neighbours.lift(audit)
    assert neighbours.refuse_entry(BTC, audit) is None


def test_run_that_closed_nothing_bars_nothing(tmp_path: Path) -> None:
    audit, neighbours = audit_of(tmp_path), Neighbours(url(tmp_path))
    neighbours.lift(audit)
    audit.record([STARTED], run_of_another(None, state="skipped"))
    assert neighbours.refuse_entry(BTC, audit) is None


@pytest.mark.parametrize("hours", [-25, 25])
def test_trail_tells_what_was_before_this_bot_and_no_clock(tmp_path: Path, hours: int) -> None:
    """The wall clock of a small computer steps back at its start."""
    audit, neighbours = audit_of(tmp_path), Neighbours(url(tmp_path))
    at = datetime.now(UTC) + timedelta(hours=hours)
    audit.record([STARTED], run_of_another(None, started_at=at))
    neighbours.lift(audit)
    assert neighbours.refuse_entry(BTC, audit) is None
    later = replace(STARTED, correlation_id="liq_2", timestamp=at)
    audit.record([later], run_of_another(None, correlation_id="liq_2", started_at=at))
    assert neighbours.refuse_entry(BTC, audit) == "liquidation liq_2 barred it"


def test_audit_trail_that_cannot_be_read_refuses_the_entry(tmp_path: Path) -> None:
    audit, neighbours = audit_of(tmp_path), Neighbours(url(tmp_path))
    neighbours.lift(audit)
    audit.record([STARTED], run_of_another([ETH]))
    with sqlite3.connect(tmp_path / "trades.sqlite") as connection:
        connection.execute("ALTER TABLE liquidation_runs RENAME COLUMN started_at TO gone")
    connection.close()
    refusal = neighbours.refuse_entry(BTC, audit)
    assert refusal is not None
    assert "could not be read" in refusal

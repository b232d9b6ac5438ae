"""Junk for every column of every table of ours, and what must hold whatever stands there.

The database that it is put into has nobody latched or disarmed, no run under way and no request
that waits, so whatever a reader believes of that kind, it was told by junk.
"""

import argparse
import contextlib
import io
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st
from rich.console import Console

from freqtrade_liquidation.audit.chain import event_hash
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import RunRecord
from freqtrade_liquidation.audit.tables import (
    CLAIMS,
    EVENTS,
    HEAD,
    LEASE,
    RECORD_IDS,
    REQUESTS,
    RUNS,
    SCHEMA,
)
from freqtrade_liquidation.frontends import show
from freqtrade_liquidation.host.control import LONGEST_WINDOW, Control, ControlState
from freqtrade_liquidation.host.lease import BookDatabase, Lease, Pulse, Requests, RunClaims
from freqtrade_liquidation.host.sent import INTENTS, TrailMakesNoSense, sent_by
from freqtrade_liquidation.model import Request

ID: Final = "liq_20260101_000000_ab12cd34"
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
TYPE = AuditEventType
TABLES: Final = (RUNS, EVENTS, HEAD, RECORD_IDS, SCHEMA, LEASE, REQUESTS, CLAIMS)
_words = st.sampled_from(
    ["soon", "", "null", "[]", "{}", "{", '"x"', "NaN", "[" * 2000, "2098-01-01 00:00:00.000000",
     "9999-12-31 23:59:59.999999", "0001-01-01 00:00:00", "2026-01-01T00:00:00+25:00", "-1", "0",
     "liquidation_latched", "liquidation_disarmed", "in_progress", "waiting", "completed",
     '{"until":"9999-12-31T00:00:00.000000+00:00"}', '{"until":"soon"}', '{"cancelled_count":"x"}',
     '{"positions":[{"pair":1}]}', '{"a":1e999}', '["\\ud800"]', '{"by":7}', "1" * 5000]
)  # fmt: skip
junk: Final = st.one_of(
    _words,
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=20),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
"""What SQLite puts into a column of any type."""


@dataclass(frozen=True)
class Change:
    """One column of all rows of a table."""

    table: str
    column: str
    value: Any


changes: Final = st.builds(
    lambda place, value: Change(table=place[0], column=place[1], value=value),
    st.sampled_from([(t.name, c.name) for t in TABLES for c in t.columns]),
    junk,
)


@dataclass(frozen=True)
class Beside:
    """A row of events beside the chain, as somebody would write it who has read docs/audit.md."""

    sequence: int
    kind: str
    until: str


beside: Final = st.builds(
    Beside,
    st.one_of(
        st.integers(-3, 0), st.integers(8, 20), st.sampled_from([-(2**63), 2**63 - 1, 2**53])
    ),
    st.sampled_from([TYPE.LATCHED, TYPE.DISARMED]),
    st.sampled_from(["soon", "2098-01-01T00:00:00+00:00", "9999-12-31T00:00:00.000000+00:00"]),
)


@cache
def _template(decided: bool) -> Path:
    """A database with a row in each table.

    :param decided: a window was ended and a latch lifted; else nobody has ever decided anything.
    """
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    url = f"sqlite:///{folder}/t.sqlite"
    log = AuditLog(url, fallback=folder / "f.sqlite", masker=Masker())

    def event(kind: AuditEventType, **more: Any) -> AuditEvent:
        return AuditEvent(
            event_type=kind, operation="run", correlation_id=ID, timestamp=START, **more
        )

    close = {"side": "sell", "amount": 0.5, "client_order_id": "x-1"}
    position = {"pair": "BTC/USDT", "side": "long", "amount": 0.5, "entry_price": 1.0,
                "trade_ids": [1]}  # fmt: skip
    decisions = [
        event(TYPE.ARMED, additional_data={"by": "x"}),
        event(TYPE.RELEASED, additional_data={"by": "x"}),
    ]
    log.record(
        [
            AuditEvent(event_type=TYPE.CONFIG_CHANGED, operation="control", config={"a": 1}),
            event(TYPE.STARTED),
            event(TYPE.POSITIONS_QUERIED, additional_data={"positions": [position]}),
            event(TYPE.CLOSE_INTENDED, pair="BTC/USDT", additional_data=close),
            event(TYPE.COMPLETED),
            *(decisions if decided else ()),
        ],
        RunRecord(
            correlation_id=ID, trigger="cli", state="completed", started_at=START, finished_at=START
        ),
    )
    log.close()
    book = BookDatabase(url)
    Lease(book).renew()
    Requests(book).withdraw(Requests(book).leave(Request(trigger="cli", actor="x")))
    RunClaims(book).acquire(ID, for_s=5)
    RunClaims(book).release(ID, booked=True, flat=True)
    book.close()
    with contextlib.closing(sqlite3.connect(folder / "t.sqlite")) as database, database:
        # Long ago, on another machine: nothing of it can be under way, whatever is put in beside.
        for table, column in ((CLAIMS, "claimed_at"), (REQUESTS, "created_at")):
            database.execute(
                f"UPDATE {table.name} SET {column} = '2026-01-01 00:00:00.000000', clock_id = 'x'"
            )
    return folder


@contextmanager
def database(*, decided: bool = True) -> Iterator[Path]:
    """A folder with a copy of the database, ``t.sqlite``; see :func:`_template`."""
    with tempfile.TemporaryDirectory(prefix="fuzzed") as folder:
        shutil.copy(_template(decided) / "t.sqlite", folder)
        yield Path(folder)


def put(folder: Path, changed: Sequence[Change]) -> None:
    """What constraints refuse is not put in."""
    with contextlib.closing(sqlite3.connect(folder / "t.sqlite")) as at, at:
        for change in changed:
            with contextlib.suppress(sqlite3.IntegrityError):
                at.execute(f'UPDATE {change.table} SET "{change.column}" = ?', (change.value,))


def put_beside(folder: Path, row: Beside) -> None:
    """With the hash that it would have."""
    data = {"until": row.until, "by": "x"}
    values: dict[str, Any] = {
        "sequence": row.sequence, "timestamp": "2026-01-01T00:00:00.000000+00:00",
        "event_type": str(row.kind), "operation": "control", "correlation_id": None,
        "trigger": None, "pair": None, "config": None, "error": None, "additional_data": data,
    }  # fmt: skip
    with contextlib.closing(sqlite3.connect(folder / "t.sqlite")) as at, at:
        (previous,) = at.execute("SELECT hash FROM liquidation_chain_head WHERE id = 1").fetchone()
        own = event_hash(previous, values)
        stored = {**values, "timestamp": "2026-01-01 00:00:00.000000"}
        stored |= {"additional_data": json.dumps(data, sort_keys=True, separators=(",", ":"))}
        marks = ", ".join("?" * (len(stored) + 2))
        at.execute(
            f"INSERT OR IGNORE INTO liquidation_events VALUES ({marks})",
            (*stored.values(), previous, own),
        )


def open_log(folder: Path) -> AuditLog:
    """The audit log on the database in *folder*."""
    return AuditLog(f"sqlite:///{folder}/t.sqlite", fallback=folder / "f.sqlite", masker=Masker())


def check_reads(folder: Path) -> ControlState:
    """Every read of ours answers; returns what is believed of latch and window."""
    log = open_log(folder)
    try:
        log.import_fallback()
        list(log.runs())
        log.run(ID)
        log.unfinished_runs()
        log.waiting_runs()
        log.runs_begun(after=0)
        list(log.events())
        list(log.events(ID, as_stored=True))
        log.last_event([TYPE.CONFIG_CHANGED])
        log.unsettled(INTENTS, TYPE.BOOKED)
        log.waits(INTENTS)
        log.verify()
        with contextlib.suppress(TrailMakesNoSense):
            sent_by(log, ID)
        _show(log, folder)
        state = Control(log).state()
        assert state.disarmed_until is None or (
            state.disarmed_until <= datetime.now(UTC) + LONGEST_WINDOW + timedelta(seconds=5)
        )
        Control(log).arm(by="fuzz")
    finally:
        log.close()
    return state


def _show(log: AuditLog, folder: Path) -> None:
    parser = argparse.ArgumentParser()
    show.add_arguments(parser)
    for words in ([], [ID], ["--verify"], ["--print-json"], ["--export", f"{folder}/e.jsonl"]):
        show.run(parser.parse_args(words), log, Console(file=io.StringIO(), width=80))


def check_book(folder: Path) -> None:
    """What processes agree on: nothing is under way, nothing waits, and a run gets its turn."""
    book = BookDatabase(f"sqlite:///{folder}/t.sqlite")
    try:
        beat = Pulse(book, Lease(book)).beat()
        assert not beat.request_waits
        assert not beat.started
        assert Requests(book).take_next() is None
        assert RunClaims(book).under_way() is None
        assert Pulse(book, Lease(book)).barred_by("BTC/USDT") is None
        assert RunClaims(book).acquire("liq_2", for_s=5)
        RunClaims(book).release("liq_2")
        Lease(book).renew()
        assert Lease(book).look() is not None
    finally:
        book.close()

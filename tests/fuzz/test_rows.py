"""No junk in a table or in the fallback file gets an exception out, a run started, or believed."""

import contextlib
import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker, Secret
from freqtrade_liquidation.host.control import Control, ControlState
from tests.fuzz.bounds import bounded
from tests.fuzz.rows import (
    ID,
    Beside,
    Change,
    beside,
    changes,
    check_book,
    check_reads,
    database,
    junk,
    open_log,
    put,
    put_beside,
)


def is_nobodys(state: ControlState) -> bool:
    """Nothing was decided; or it cannot be known, which latches."""
    return state in (ControlState(), ControlState(latched_by=state.latched_by)) and (
        state.latched_by is None or state.latched_by.startswith("an audit trail")
    )


@bounded
@given(st.lists(changes, min_size=1, max_size=3))
def test_junk_in_any_column_costs_its_row(changed: list[Change]) -> None:
    with database() as folder:
        put(folder, changed)
        state = check_reads(folder)
        assert is_nobodys(state), "nobody has latched or disarmed"
        check_book(folder)


@bounded
@given(beside, st.booleans())
def test_row_beside_the_chain_is_not_obeyed_and_is_named(row: Beside, decided: bool) -> None:
    with database(decided=decided) as folder:
        put_beside(folder, row)
        log = open_log(folder)
        report = log.verify()
        log.close()
        assert report.sequence == row.sequence, report.message
        assert is_nobodys(check_reads(folder))
        log = open_log(folder)
        report = log.verify()
        log.close()
        assert report.sequence == row.sequence, f"later events do not take it in: {report.message}"


@bounded
@given(junk, st.sampled_from([AuditEventType.DISARMED, AuditEventType.LATCHED]))
def test_junk_that_the_chain_holds_is_not_obeyed_as_a_window(
    value: Any, kind: AuditEventType
) -> None:
    """Somebody has used our own code to write it: its hash fits."""
    with database() as folder:
        log = open_log(folder)
        data = {"until": value, "by": value}
        log.record([AuditEvent(event_type=kind, operation="control", additional_data=data)])
        log.close()
        assert check_reads(folder).disarmed_until is None


lines = st.fixed_dictionaries(
    {},
    optional={
        "line_id": junk, "record_id": junk, "kind": junk, "event_type": junk,
        "correlation_id": junk, "data": junk,
    },
)  # fmt: skip
of_events = ("timestamp", "event_type", "operation", "correlation_id", "trigger", "pair", "config",
             "error", "additional_data")  # fmt: skip
parsed = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=5), st.floats()),
)  # fmt: skip
data = st.dictionaries(st.sampled_from([*of_events, "hash"]), parsed, min_size=1, max_size=3)
"""What a good line's data get in the place of what they have."""


@bounded
@given(
    st.lists(st.tuples(lines, data | st.none()), min_size=1, max_size=3),
    st.sampled_from([*of_events, None]),
    st.booleans(),
)
def test_junk_that_waits_costs_its_line_and_the_good_ones_come_in(
    rows: list[tuple[dict[str, Any], dict[str, Any] | None]], lacks: str | None, spoil_data: bool
) -> None:
    with database() as folder:
        _wait(folder)
        with contextlib.closing(sqlite3.connect(folder / "f.sqlite")) as file, file:
            for row, changed in rows:
                if changed is None:
                    _spoil(file, row, spoil_data=spoil_data)
                else:
                    _spoil(file, {"data": _changed(file, changed, lacks)}, spoil_data=False)
        log = open_log(folder)
        log.import_fallback()
        pairs = [event["pair"] for event in log.events(types=[AuditEventType.VERIFIED])]
        assert pairs.count("GOOD") == 1
        assert not log._file.waits()
        log.close()
        assert check_reads(folder).disarmed_until is None


PLACES = ("f.sqlite", "liquidation_audit.jsonl", "f.sqlite-journal", "f.sqlite-wal", "f.sqlite-shm")
things = st.one_of(
    st.binary(max_size=300), st.sampled_from(["pipe", "folder", "link", "second name", "nothing"])
)


@bounded
@given(things, st.sampled_from(PLACES))
def test_junk_in_the_files_place_is_moved_away(thing: bytes | str, place: str) -> None:
    """The fallback file, what SQLite looks for beside it, and the one of earlier versions."""
    with database() as folder:
        _put_thing(folder / place, thing)
        assert check_reads(folder) == ControlState()
        _wait(folder)
        assert check_reads(folder) == ControlState()


def _put_thing(path: Path, thing: bytes | str) -> None:
    match thing:
        case bytes():
            path.write_bytes(thing)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to("/dev/zero")
        case "second name":
            path.hardlink_to(path.with_name("t.sqlite"))


def _wait(folder: Path) -> None:
    """A good line that waits."""
    with contextlib.closing(sqlite3.connect(folder / "t.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        log = open_log(folder)
        kind = AuditEventType.VERIFIED
        event = AuditEvent(
            event_type=kind, operation="look", pair="GOOD", timestamp=datetime.now(UTC)
        )
        log.record([event])
        log.close()


def _changed(file: sqlite3.Connection, changed: dict[str, Any], lacks: str | None) -> str:
    """The good line's data with junk in it."""
    (whole,) = file.execute("SELECT data FROM waiting ORDER BY number LIMIT 1").fetchone()
    values = {**json.loads(whole), "pair": "BAD", **changed}
    return json.dumps({key: value for key, value in values.items() if key != lacks})


def _spoil(file: sqlite3.Connection, row: dict[str, Any], *, spoil_data: bool) -> None:
    """A line like the good one, but for what *row* has; or one key of its own data."""
    whole = file.execute("SELECT line_id, record_id, kind, event_type, correlation_id, data "
                         "FROM waiting ORDER BY number LIMIT 1").fetchone()  # fmt: skip
    names = ("line_id", "record_id", "kind", "event_type", "correlation_id", "data")
    line = dict(zip(names, whole, strict=True))
    line |= {"line_id": f"spoilt-{file.total_changes}", "event_type": "liquidation_disarmed"}
    data = json.loads(line["data"])
    data |= {"event_type": "liquidation_disarmed", "pair": None, "additional_data": {}}
    line["data"] = json.dumps(data)
    if spoil_data and isinstance(row.get("data"), str):
        data["additional_data"] = {"until": row.pop("data")}
        line["data"] = json.dumps(data)
    with contextlib.suppress(sqlite3.IntegrityError):
        file.execute("INSERT INTO waiting (line_id, record_id, kind, event_type, correlation_id, "
                     "data) VALUES (?, ?, ?, ?, ?, ?)",
                     tuple({**line, **row}[name] for name in names))  # fmt: skip


ORDER = {"side": "sell", "amount": 0.2026, "order_id": "8389765004", "client_order_id": "x-2026"}
NAMES = "BTC/USDT:USDT liquidation_disarmed liq_20261129_000000_ab12cd34 control x-2026 8389765004"


@bounded
@given(
    st.one_of(
        st.integers(0, 40).flatmap(
            lambda start: st.integers(4, 9).map(
                lambda length: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f+00:00}"[start:][:length]
            )
        ),
        st.integers(0, len(NAMES) - 4).map(lambda start: NAMES[start:][:6]),
        st.text(st.characters(codec="utf-8"), min_size=4, max_size=20),
    )
)
def test_secret_that_looks_like_a_time_or_a_name_costs_nothing_that_is_read_back(
    secret: str,
) -> None:
    with database() as folder:
        masker = Masker([Secret(key="api_server.password", value=secret)])
        log = AuditLog(f"sqlite:///{folder}/t.sqlite", fallback=folder / "f.sqlite", masker=masker)
        kind = AuditEventType.STOP_INTENDED
        log.record([AuditEvent(event_type=kind, operation="stop", pair="BTC/USDT:USDT",
                               correlation_id=ID, additional_data=ORDER)])  # fmt: skip
        until = Control(log).disarm(timedelta(minutes=5), by="cli x", reason=secret)
        assert Control(log).state().disarmed_until == until
        row = log.last_event([kind])
        assert row is not None
        assert (row["pair"], row["correlation_id"]) == ("BTC/USDT:USDT", ID)
        assert row["additional_data"] == ORDER
        assert log.verify().ok
        log.close()

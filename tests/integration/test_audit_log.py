"""The audit log on real databases: two writers, locked, read-only, gone, tampered, in memory."""

import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.event import listens_for
from sqlalchemy.exc import OperationalError

from freqtrade_liquidation.audit.chain import FaultKind
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import IN_A_RUN_S, AuditLog, AuditUnreadable
from freqtrade_liquidation.audit.masking import LONGEST_TEXT
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.audit.tables import RUNS
from freqtrade_liquidation.host.control import Control
from tests.integration.postgresql import frozen, pg_ctl
from tests.stopwatch import Stopwatch
from tests.unit.audit.secrets_of_tests import masker

ID = "liq_20260101_000000_ab"
START = datetime(2026, 1, 1, tzinfo=UTC)
TYPE = AuditEventType


def event(kind: AuditEventType = TYPE.VERIFIED, *, at_s: float = 0, **more: object) -> AuditEvent:
    moment = START + timedelta(seconds=at_s)
    return AuditEvent(event_type=kind, operation="run", timestamp=moment, **more)  # type: ignore[arg-type]


def run_row(state: str = "in_progress", **more: object) -> RunRecord:
    return RunRecord(correlation_id=ID, trigger="cli", state=state, started_at=START, **more)  # type: ignore[arg-type]


def open_log(folder: Path, url: str | None = None) -> AuditLog:
    url = url or f"sqlite:///{folder}/t.sqlite"
    return AuditLog(url, fallback=folder / "f.sqlite", masker=masker("hunter22"))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    log = open_log(tmp_path)
    yield log
    log.close()


def test_record_database_writable_chained_and_masked(log: AuditLog) -> None:
    result = log.record([event(correlation_id=ID, error="key hunter22"), event()], run_row())
    assert result is Durability.DATABASE
    log.record([event(TYPE.COMPLETED, correlation_id=ID)], run_row("completed", finished_at=START))
    rows = list(log.events())
    assert [row["sequence"] for row in rows] == [1, 2, 3]
    assert rows[0]["error"] == "key ***"
    assert rows[0]["timestamp"] == "2026-01-01T00:00:00.000000+00:00"
    assert log.verify().ok
    found = log.run(ID)
    assert found is not None
    assert (found["state"], found["last_sequence"]) == ("completed", 3)
    assert found["last_hash"] == rows[2]["hash"]
    assert not log.unfinished_runs()


def test_record_of_long_foreign_words_is_cut_and_read_again(log: AuditLog) -> None:
    """A gateway's page of a megabyte, as an error."""
    long = "w " * 500_000
    row = run_row(actor=long, reason=long, errors=[long])
    assert log.record([event(correlation_id=ID, pair=long, error=long)], row) is Durability.DATABASE
    (found,) = log.events(ID)
    assert found["error"].endswith("w … (cut off: 1000000 characters)")
    assert len(found["error"]) <= LONGEST_TEXT + 50
    assert len(found["pair"]) == 128
    stored = log.run(ID)
    assert stored is not None
    assert stored["actor"].startswith("w w")
    assert not log.border.set_aside
    assert log.verify().ok


def test_record_before_and_after_init_db_uses_its_tables(log: AuditLog, tmp_path: Path) -> None:
    from freqtrade.persistence import Trade, init_db

    log.record([event()])
    init_db(f"sqlite:///{tmp_path}/t.sqlite")
    try:
        assert log.record([event()]) is Durability.DATABASE
        tables = inspect(create_engine(f"sqlite:///{tmp_path}/t.sqlite")).get_table_names()
        assert {"trades", "liquidation_runs", "liquidation_events"} <= set(tables)
    finally:
        Trade.session.remove()


WRITER = """
import sys
from pathlib import Path
from tests.integration.test_audit_log import event, open_log
from tests.unit.audit.secrets_of_tests import masker
log = open_log(Path(sys.argv[1]), sys.argv[2])
log._rest = lambda *_, **__: None  # all of it would be over while the database is left alone
print("ready", flush=True)
sys.stdin.readline()
print([str(log.record([event(pair=sys.argv[3])] * 3)) for _ in range(60)].count("database"))
"""


def two_writers(folder: Path, url: str) -> int:
    """Starts both at once; returns how many records went to the database."""
    root = Path(__file__).parents[2]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), url, name],
            cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) for name in ("A", "B")
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    return sum(int(writer.communicate(timeout=60)[0]) for writer in writers)


def check_two_writers(folder: Path, url: str) -> None:
    written = two_writers(folder, url)
    # A deferred BEGIN costs a third of them: a reader that wants to write is refused at once.
    assert written >= 100
    log = open_log(folder, url)
    log.import_fallback()  # what no later record has taken along
    assert not log._file.waits()
    assert log.verify().ok
    assert log.verify().checked == 360
    assert {row["pair"] for row in log.events()} == {"A", "B"}
    log.close()


def test_two_processes_at_once_one_gapless_chain(tmp_path: Path) -> None:
    check_two_writers(tmp_path, f"sqlite:///{tmp_path}/t.sqlite")


def test_postgresql_two_processes_lock_and_import(postgresql: str, tmp_path: Path) -> None:
    check_two_writers(tmp_path, postgresql)
    log = open_log(tmp_path, postgresql)
    foreign = "a\x00b \ud800 ' ; --"
    assert log.record([event(correlation_id=ID, error=foreign)], run_row()) is Durability.DATABASE
    with create_engine(postgresql).begin() as other:
        other.exec_driver_sql("LOCK TABLE liquidation_chain_head IN ACCESS EXCLUSIVE MODE")
        assert log.record([event(TYPE.ARMED)], run_row()) is Durability.FILE
    assert log.import_fallback() == 2
    assert log.import_fallback() == 0
    assert log.verify().ok
    assert [row["sequence"] for row in log.events(types=[TYPE.ARMED])] == [362]
    run = log.run(ID)
    assert run is not None
    assert run["last_sequence"] == 362
    log.close()


def test_frozen_postgresql_costs_a_run_half_a_second(postgresql: str, tmp_path: Path) -> None:
    """It takes what it is sent and never answers; what it does commit later is not there twice."""
    log = open_log(tmp_path, postgresql)
    log.record([event()])
    with frozen(postgresql):
        watch = Stopwatch()
        records = [log.record([event(correlation_id=ID)], run_row()) for _ in range(5)]
        assert records == [Durability.FILE] * 5
        assert watch.stop() < 1.5
    until = time.monotonic() + 30
    while log._file.waits():
        assert time.monotonic() < until
        log.close()
        log = open_log(tmp_path, postgresql)  # this one does not know that it was frozen
        log.import_fallback()
    assert log.verify().checked == 6, "the first two lines may have arrived after all: once"
    assert log.verify().ok
    log.close()


def test_postgresql_that_crashes_and_comes_back_loses_nothing(
    postgresql: str, tmp_path: Path
) -> None:
    """What it missed comes first when it takes again: the sequence tells the order, once."""
    log = open_log(tmp_path, postgresql)
    log.record([event(TYPE.STARTED, correlation_id=ID)], run_row())
    pg_ctl(postgresql, "-m", "immediate", "stop")
    watch = Stopwatch()
    assert log.record([event(TYPE.CLOSE_INTENDED, correlation_id=ID, at_s=1)]) is Durability.FILE
    assert watch.stop() < 0.6
    with pytest.raises(AuditUnreadable):
        log.run(ID)
    pg_ctl(postgresql, "start")
    ended = run_row("completed", finished_at=START)
    completed = event(TYPE.COMPLETED, correlation_id=ID, at_s=2)
    assert log.record([completed], ended) is Durability.DATABASE
    assert log.import_fallback() == 0
    assert log.verify().ok
    assert [(row["sequence"], row["event_type"]) for row in log.events(ID)] == [
        (1, TYPE.STARTED),
        (2, TYPE.CLOSE_INTENDED),
        (3, TYPE.COMPLETED),
    ]
    run = log.run(ID)
    assert run is not None
    assert run["state"] == "completed"
    log.close()


def lock_database(folder: Path) -> sqlite3.Connection:
    other = sqlite3.connect(folder / "t.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_record_locked_goes_to_file_and_comes_before_what_is_recorded_later(
    log: AuditLog, tmp_path: Path
) -> None:
    log.record([event()], run_row())
    other = lock_database(tmp_path)
    first = event(TYPE.DISARMED, at_s=5, additional_data={"until": "2026-01-01T01:00:00+00:00"})
    ended = event(TYPE.FAILED, correlation_id=ID)
    assert log.record([ended, first], run_row("failed", finished_at=START)) is Durability.FILE
    assert (tmp_path / "f.sqlite").stat().st_mode & 0o777 == 0o600
    other.close()
    assert log.record([event(TYPE.ARMED, at_s=-9)]) is Durability.DATABASE
    assert log.import_fallback() == 0, "taken in with the record"
    assert [row["event_type"] for row in log.events()][-2:] == [TYPE.DISARMED, TYPE.ARMED]
    newest = log.last_event([TYPE.ARMED, TYPE.DISARMED])
    assert newest is not None
    assert newest["event_type"] == TYPE.ARMED  # by its place in the chain; its clock is wrong
    assert log.verify().ok
    assert next(log.runs())["state"] == "failed"


def test_last_event_sees_lines_that_wait_whatever_their_clock_says(
    log: AuditLog, tmp_path: Path
) -> None:
    log.record([event(TYPE.RELEASED, at_s=3600)])
    other = lock_database(tmp_path)
    log.record([event(TYPE.LATCHED, at_s=1)])
    found = log.last_event([TYPE.LATCHED, TYPE.RELEASED])
    other.close()
    assert found is not None
    assert found["event_type"] == TYPE.LATCHED


def test_import_crash_between_commit_and_removal_not_twice(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.record([event()])
    other = lock_database(tmp_path)
    log.record([event(TYPE.LATCHED), event()])
    other.close()

    def killed(_numbers: object) -> None:
        raise sqlite3.OperationalError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(log._file, "remove", killed)
        assert log.import_fallback() == 0
        assert log.record([event(TYPE.RELEASED)]) is Durability.DATABASE
        newest = log.last_event([TYPE.LATCHED, TYPE.RELEASED])
        assert newest is not None
        assert newest["event_type"] == TYPE.RELEASED, "the latch waits, and is in the database"
    assert log.import_fallback() == 0
    assert log.verify().checked == 4
    assert not log._file.waits()


def test_import_commit_answer_lost_not_twice(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit arrived, its answer did not: the record is in the database and in the file."""
    store = log._store
    assert store is not None
    write = store.write

    def lost(*args: object, **more: object) -> int:
        write(*args, **more)  # type: ignore[arg-type]
        raise ConnectionError("the answer was lost")

    monkeypatch.setattr(store, "write", lost)
    assert log.record([event(), event()]) is Durability.FILE
    monkeypatch.undo()
    assert log.import_fallback() == 0
    assert log.verify().checked == 2


def test_record_nothing_writable_goes_to_log_masked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = AuditLog(
        f"sqlite:///{tmp_path}/none/t.sqlite", fallback=tmp_path / "none" / "f",
        masker=masker("hunter22"),
    )  # fmt: skip
    assert log.record([event(pair="X/Y", error="hunter22")]) is Durability.LOG
    assert "X/Y" in caplog.text
    assert "hunter22" not in caplog.text


def test_record_full_disk_leaves_no_half_record(log: AuditLog, tmp_path: Path) -> None:
    """All of a record's lines stand in the file, or none: an intent without its run is none."""
    log.record([event()])
    other = lock_database(tmp_path)
    assert log.record([event()]) is Durability.FILE
    size = (tmp_path / "f.sqlite").stat().st_size
    long = event(error="x" * 30_000)
    with file_size_limit(size + 100):
        assert log.record([event(), long]) is Durability.LOG
    assert log.record([event()]) is Durability.FILE
    other.close()
    assert log.import_fallback() == 2
    assert not log.border.set_aside


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process grows beyond *size*, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_locked_all_the_time_costs_a_run_a_sixth_of_its_time(tmp_path: Path) -> None:
    """Each failure takes 100 ms of the five seconds, however many records there are."""
    now = [0.0]
    log = AuditLog(
        f"sqlite:///{tmp_path}/t.sqlite", fallback=tmp_path / "f.sqlite", masker=masker(),
        monotonic=lambda: now[0],
    )  # fmt: skip
    log.record([event()])
    lost, records = 0.0, 0

    def locked(*_args: object, **_more: object) -> int:
        nonlocal lost
        lost, now[0] = lost + 0.1, now[0] + 0.1
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked"))

    assert log._store is not None
    log._store.write = locked  # type: ignore[method-assign]
    while now[0] < 5.0:
        assert log.record([event()]) is Durability.FILE
        records, now[0] = records + 1, now[0] + 0.02
    assert records > 100
    assert lost <= 5.0 / 6


class Hanging:
    """Writes of a store, or of the file, on a disk that hangs until it is released."""

    def __init__(self, write: Callable[..., object]) -> None:
        self._write = write
        self.released = threading.Event()
        self.calls = 0

    def __call__(self, *values: object, **named: object) -> object:
        self.calls += 1
        self.released.wait(30)
        return self._write(*values, **named)


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[AuditLog, Hanging]]:
    """A log as a run has it; its database hangs."""
    log = AuditLog(
        f"sqlite:///{tmp_path}/t.sqlite", fallback=tmp_path / "f.sqlite", masker=masker(),
        patience_s=IN_A_RUN_S,
    )  # fmt: skip
    log.record([event()], within_s=10)
    assert log._store is not None
    database = Hanging(log._store.write)
    monkeypatch.setattr(log._store, "write", database)
    yield log, database
    database.released.set()
    log.close()


def test_database_that_hangs_costs_a_run_half_a_second_and_takes_each_record_once(
    hanging: tuple[AuditLog, Hanging],
) -> None:
    """What comes late is in the file, too, and is not taken in again."""
    log, database = hanging
    watch = Stopwatch()
    records = [log.record([event(correlation_id=ID)], run_row()) for _ in range(8)]
    assert records == [Durability.FILE] * 8
    assert watch.stop() < 2, "most of it is what eight records in the file take"
    database.released.set()
    assert log.finish(within_s=20)
    log.import_fallback()
    assert not log._file.waits()
    assert log.verify().checked == 9
    assert log.verify().ok


def test_records_that_reached_no_place_in_time_reach_the_database_in_few_commits(
    hanging: tuple[AuditLog, Hanging], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that takes a second for each sync, the end of a run must not wait for each one."""
    log, database = hanging
    monkeypatch.setattr(log._to_file, "_write", file := Hanging(log._file.append))
    watch = Stopwatch()
    records = [log.record([event(at_s=number)], run_row()) for number in range(8)]
    completed = run_row("completed", finished_at=START)
    records.append(log.record([event(TYPE.COMPLETED, correlation_id=ID)], completed))
    assert records == [Durability.LOG] * 9
    assert watch.stop() < 1.5
    assert not log.finish(within_s=0.2)
    database.released.set()
    assert log.finish(within_s=20)
    assert database.calls == 2
    run = log.run(ID)
    assert run is not None
    assert run["state"] == "completed"
    assert [row["event_type"] for row in log.events()][-1] == TYPE.COMPLETED
    file.released.set()
    assert log._to_file.finish(within_s=20)
    log.import_fallback()
    assert log.verify().checked == 10
    assert log.verify().ok


def test_record_that_was_locked_out_everywhere_reaches_the_database_later(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision that was told as failed does not: it must not come into force later."""
    log.record([event()])

    def broken(lines: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(log._to_file, "_write", broken)
    other = lock_database(tmp_path)
    assert log.record([event(TYPE.DISARMED)], within_s=5) is Durability.LOG
    assert log.record([event(TYPE.STARTED)]) is Durability.LOG
    other.close()
    assert log.finish()
    assert [row["event_type"] for row in log.events()] == [TYPE.VERIFIED, TYPE.STARTED]


@pytest.mark.parametrize("harm", ["corrupt", "read_only_schema"])
def test_record_broken_database_goes_to_file(tmp_path: Path, harm: str) -> None:
    if harm == "corrupt":
        (tmp_path / "t.sqlite").write_bytes(b"no database at all" * 100)
        log = open_log(tmp_path)
    else:  # mode=ro is a read-only file for root, too
        sqlite3.connect(tmp_path / "t.sqlite").close()
        log = open_log(tmp_path, f"sqlite:///file:{tmp_path}/t.sqlite?mode=ro&uri=true")
    assert log.record([event()]) is Durability.FILE


def test_record_file_moved_away_waits_until_it_is_back(log: AuditLog, tmp_path: Path) -> None:
    """Nothing is made in its place, nor written into the empty file that another made there."""
    log.record([event()])
    file, away = tmp_path / "t.sqlite", tmp_path / "away"
    file.rename(away)
    assert log.record([event(TYPE.LATCHED)]) is Durability.FILE
    assert not file.exists()
    with pytest.raises(AuditUnreadable, match="gone"):
        log.last_event([TYPE.ARMED])
    sqlite3.connect(file).execute("CREATE TABLE empty (id INT)").connection.close()
    assert log.record([event(TYPE.ARMED)]) is Durability.FILE
    away.replace(file)
    assert log.import_fallback() == 2
    assert [row["event_type"] for row in log.events()][1:] == [TYPE.LATCHED, TYPE.ARMED]
    assert log.verify().ok


def test_record_file_replaced_by_a_backup_goes_on_in_it(log: AuditLog, tmp_path: Path) -> None:
    log.record([event()])
    (tmp_path / "t.sqlite").unlink()
    sqlite3.connect(tmp_path / "t.sqlite").execute(
        "CREATE TABLE trades (id INT)"
    ).connection.close()
    assert log.record([event()]) is Durability.DATABASE
    assert log.verify().checked == 1


def test_in_memory_database_everything_in_the_file(tmp_path: Path) -> None:
    log = open_log(tmp_path, "sqlite://")
    assert log.record([event(TYPE.LATCHED, correlation_id=ID)], run_row()) is Durability.FILE
    assert log.import_fallback() == 0
    assert (tmp_path / "f.sqlite").exists()
    assert [row["sequence"] for row in log.events(ID)] == [1]
    assert log.last_event([TYPE.LATCHED]) is not None
    assert [run["state"] for run in log.runs()] == ["in_progress"]


@pytest.mark.parametrize(
    ("statement", "kind", "sequence"),
    [
        ("UPDATE liquidation_events SET error='x' WHERE sequence=3", FaultKind.CHANGED, 3),
        ("UPDATE liquidation_events SET timestamp='soon' WHERE sequence=3", FaultKind.CHANGED, 3),
        ("UPDATE liquidation_events SET additional_data='{' WHERE sequence=3",
         FaultKind.CHANGED, 3),
        ("DELETE FROM liquidation_events WHERE sequence=2", FaultKind.REMOVED, 2),
        ("DELETE FROM liquidation_events WHERE sequence>=4", FaultKind.REMOVED, 4),
        ("DELETE FROM liquidation_events", FaultKind.REMOVED, 1),
        ("DELETE FROM liquidation_chain_head", FaultKind.HEAD, 5),
        ("UPDATE liquidation_chain_head SET sequence=4, hash=(SELECT hash FROM "
         "liquidation_events WHERE sequence=4)", FaultKind.ADDED, 5),
        ("UPDATE liquidation_events SET sequence=CASE sequence WHEN 2 THEN -3 ELSE -2 END "
         "WHERE sequence IN (2,3);UPDATE liquidation_events SET sequence=-sequence "
         "WHERE sequence<0", FaultKind.MOVED, 2),
        ("UPDATE liquidation_runs SET last_hash='x'", FaultKind.CHANGED, 1),
        ("UPDATE liquidation_runs SET state='completed'", FaultKind.CHANGED, 1),
        ("UPDATE liquidation_runs SET state='soon'", FaultKind.CHANGED, 1),
        ("INSERT INTO liquidation_events SELECT -1, timestamp, event_type, operation, "
         "correlation_id, trigger, pair, config, error, additional_data, previous_hash, hash "
         "FROM liquidation_events WHERE sequence=5", FaultKind.ADDED, -1),
        ("INSERT INTO liquidation_events SELECT 0, timestamp, event_type, operation, "
         "correlation_id, trigger, pair, config, error, additional_data, previous_hash, hash "
         "FROM liquidation_events WHERE sequence=5", FaultKind.ADDED, 0),
    ],
)  # fmt: skip
def test_verify_tampered_names_the_row(
    log: AuditLog, tmp_path: Path, statement: str, kind: FaultKind, sequence: int
) -> None:
    log.record([event(correlation_id=ID)], run_row())
    log.record([event(at_s=n) for n in range(4)])
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        other.executescript(statement)
    report = log.verify()
    assert (report.kind, report.sequence) == (kind, sequence)


RUN_COLUMNS_CHANGED = {
    "trigger": "'telegram'", "actor": "'somebody'", "reason": "'x'", "scope": "'trades'",
    "pairs": "'[\"X/Y\"]'", "started_at": "'2026-01-01 00:00:01.000000'",
    "finished_at": "'2026-01-01 00:00:09.000000'", "positions_closed": "7",
    "positions_failed": "7", "orders_cancelled": "7", "total_realized_pnl": "99.5",
    "duration_seconds": "59.5", "config": "'{\"a\":1}'", "errors": "'[\"x\"]'", "outcome": "'[]'",
    "state": "'in_progress'", "last_sequence": "0", "last_hash": "'x'",
    "correlation_id": "'liq_20200101_000000_ab'",
}  # fmt: skip
OUTCOME = {"pair": "X/Y", "side": "long", "state": "closed", "amount": 1.0,
           "residual_amount": 0.0, "realized_pnl": 5}  # fmt: skip


def record_a_run(log: AuditLog) -> None:
    """Numbers as a calculation leaves them: a database makes 5.0 of 5."""
    log.record([event(TYPE.STARTED, correlation_id=ID)], run_row(actor="a" * 300))
    log.record(
        [event(TYPE.COMPLETED, correlation_id=ID), event()],
        run_row("completed", finished_at=START, total_realized_pnl=5, duration_seconds=1,
                outcome=[OUTCOME], errors=["\u202e hunter22"], config={"x": 0.1}),
    )  # fmt: skip


def test_every_column_of_a_run_is_changed_in_the_test_below() -> None:
    assert set(RUN_COLUMNS_CHANGED) == {*RUNS.columns.keys()}


@pytest.mark.parametrize("column", RUN_COLUMNS_CHANGED)
@pytest.mark.parametrize("is_over", [False, True])
def test_verify_names_a_run_whose_row_was_changed(
    log: AuditLog, tmp_path: Path, column: str, is_over: bool
) -> None:
    record_a_run(log) if is_over else log.record([event(TYPE.STARTED, correlation_id=ID)],
                                                 run_row(outcome=[OUTCOME]))  # fmt: skip
    assert log.verify().ok
    value = RUN_COLUMNS_CHANGED[column]
    if column == "state" and not is_over:
        value = "'completed'"
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        other.execute(f"UPDATE liquidation_runs SET {column} = {value}")
    report = log.verify()
    assert not report.ok
    assert ID in report.message or "liq_20200101_000000_ab" in report.message


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM liquidation_runs",
     "INSERT INTO liquidation_runs SELECT 'liq_20200101_000000_ff', trigger, actor, reason, scope, "
     "pairs, 'in_progress', started_at, NULL, 5, 0, 0, NULL, NULL, config, errors, outcome, 3, "
     "last_hash FROM liquidation_runs",
     "DROP TABLE liquidation_chain_head",
     "DELETE FROM liquidation_runs; DELETE FROM liquidation_events; "
     "DELETE FROM liquidation_chain_head",
     "DELETE FROM liquidation_runs; DELETE FROM liquidation_events WHERE sequence > 1; "
     "UPDATE liquidation_chain_head SET sequence=1, hash=(SELECT hash FROM liquidation_events)"],
)  # fmt: skip
def test_verify_sees_a_run_that_is_gone_or_added_and_an_end_that_is(
    log: AuditLog, tmp_path: Path, statement: str
) -> None:
    record_a_run(log)
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        other.executescript(statement)
    assert not log.verify().ok


@pytest.mark.parametrize("head", [2**53, 2**53 - 1, 10**12])
def test_verify_ends_whatever_number_the_head_names(
    log: AuditLog, tmp_path: Path, head: int
) -> None:
    log.record([event(at_s=n) for n in range(5)])
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        other.execute("UPDATE liquidation_events SET error = 'changed' WHERE sequence = 3")
        other.execute(f"UPDATE liquidation_chain_head SET sequence = {head}")
    report = log.verify()
    assert (report.kind, report.sequence) == (FaultKind.CHANGED, 3)


IN_DOUBT = {
    "head dropped": "DROP TABLE liquidation_chain_head",
    "head gone": "DELETE FROM liquidation_chain_head",
    "head raised": "UPDATE liquidation_chain_head SET sequence = 9007199254740992",
    "head lowered": "UPDATE liquidation_chain_head SET sequence = 1",
    "head lowered with its hash": "UPDATE liquidation_chain_head SET sequence = 1, "
    "hash = (SELECT hash FROM liquidation_events WHERE sequence = 1)",
    "head is no number": "UPDATE liquidation_chain_head SET sequence = 'abc'",
    "tail gone": "DELETE FROM liquidation_events WHERE sequence > 1",
    "all gone but the head": "DELETE FROM liquidation_events",
    "latch changed": "UPDATE liquidation_events SET error = 'x' WHERE sequence = 2",
    "latch made another kind": "UPDATE liquidation_events SET event_type = 'liquidation_verified' "
    "WHERE sequence = 2",
    "latch made a release": "UPDATE liquidation_events SET event_type = 'liquidation_released' "
    "WHERE sequence = 2",
    "latch moved": "UPDATE liquidation_events SET sequence = -1 WHERE sequence = 2",
    "latch too large": "UPDATE liquidation_events SET additional_data = "
    "'{\"a\":\"' || hex(zeroblob(2500000)) || '\"}' WHERE sequence = 2",
    "misfits above it": "INSERT INTO liquidation_events WITH RECURSIVE n(x) AS (SELECT 3 UNION ALL "
    "SELECT x + 1 FROM n WHERE x < 153) SELECT x, timestamp, event_type, operation, NULL, NULL, "
    "NULL, NULL, NULL, additional_data, 'x', 'y' FROM liquidation_events, n WHERE sequence = 2; "
    "UPDATE liquidation_chain_head SET sequence = 153, hash = 'y'",
}


@pytest.mark.parametrize("how", IN_DOUBT)
def test_latch_that_cannot_be_read_for_certain_is_a_latch(
    log: AuditLog, tmp_path: Path, how: str
) -> None:
    """It was lost without a word: the bot traded again."""
    control = Control(log)
    log.record([event(TYPE.RELEASED, additional_data={"by": "x"})])
    control.latch(by="run", correlation_id=None)
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        other.executescript(IN_DOUBT[how])
    assert (control.state().latched_by or "").startswith("an audit trail that is not as it was")
    control.disarm(timedelta(hours=1), by="x")
    assert control.state().latched_by, "the next event does not lift it"
    assert not log.verify().ok, "nor hide it"
    log.close()
    later = Control(open_log(tmp_path))
    later.release(by="a person")
    assert later.state().latched_by is None
    assert later.state().disarmed_by == "x"


def test_record_after_removed_tail_keeps_the_gap(log: AuditLog, tmp_path: Path) -> None:
    log.record([event(), event()])
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        other.execute("DELETE FROM liquidation_events WHERE sequence=2")
    assert log.record([event()]) is Durability.DATABASE
    report = log.verify()
    assert (report.kind, report.sequence) == (FaultKind.REMOVED, 2)


def test_what_a_start_and_a_run_ask_costs_no_more_with_a_long_history(tmp_path: Path) -> None:
    """In steps of SQLite's machine, not in time: 40 times the history, at most thrice the steps."""
    costs = []
    for count in (10, 400):
        folder = tmp_path / str(count)
        folder.mkdir()
        log = open_log(folder)
        for number in range(count):
            log.record(*history_of_a_run(number))
        costs.append(steps_of_a_start(log))
        log.close()
    few, many = costs
    assert set(few) == set(many)
    for what, steps in many.items():
        assert steps <= 3 * few[what], f"{what}: {few[what]} steps became {steps}"


def history_of_a_run(number: int) -> tuple[list[AuditEvent], RunRecord]:
    name, at_s = f"liq_{number:06}", 60.0 * number
    closing = [TYPE.CLOSE_INTENDED, TYPE.BOOKED] * 5
    kinds = [TYPE.CONFIG_CHANGED, TYPE.DISARMED, TYPE.LATCHED, *closing, TYPE.COMPLETED]
    data = {"until": "2026-01-01T01:00:00+00:00"}
    made = [
        event(kind, at_s=at_s, correlation_id=name, pair=f"P{place // 2}", additional_data=data)
        for place, kind in enumerate(kinds, start=1)
    ]
    moment = START + timedelta(seconds=at_s)
    row = RunRecord(
        correlation_id=name, trigger="cli", state="completed", started_at=moment, finished_at=moment
    )
    return made, row


def steps_of_a_start(log: AuditLog) -> dict[str, int]:
    """Steps by what is asked: the tables are read as at a bot's start, and in a run."""
    assert log._store is not None
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    @listens_for(log._store.engine, "connect")
    def _counting(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_progress_handler(count, 1)

    asked: dict[str, Callable[[], object]] = {
        "the latch": lambda: log.last_event([TYPE.LATCHED, TYPE.RELEASED]),
        "the window": lambda: log.last_event([TYPE.DISARMED, TYPE.ARMED, TYPE.SKIPPED]),
        "the configuration": lambda: log.last_event([TYPE.CONFIG_CHANGED]),
        "the last end": lambda: log.last_event([TYPE.COMPLETED]),
        "runs cut off": log.unfinished_runs,
        "the last run": lambda: list(log.runs(limit=1)),
        "one run": lambda: log.run("liq_000007"),
        "its events": lambda: list(log.events("liq_000007")),
        "the last sequence": log.last_sequence,
        "an event": lambda: log.record([event(correlation_id="liq_000007")]),
    }
    steps = {}
    for what, ask in asked.items():
        counted[0] = 0
        ask()
        steps[what] = counted[0]
    return steps

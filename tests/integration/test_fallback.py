"""The fallback file: whose it is, what stands in its place, and who else holds it."""

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from freqtrade_liquidation.audit import fallback
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.identity import fallback_path, identity
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import Durability
from freqtrade_liquidation.host.control import Control
from tests.stopwatch import Stopwatch

STRANGER = 54321


def bot_on(folder: Path, name: str) -> AuditLog:
    """A bot's log, in a user_data folder that it shares."""
    url = f"sqlite:///{folder / name}"
    return AuditLog(url, fallback=fallback_path(folder / "user_data", url), masker=Masker())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "user_data").mkdir()
    return tmp_path


@contextlib.contextmanager
def locked(file: Path, how: str = "IMMEDIATE") -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        yield


def latched_by(log: AuditLog) -> str | None:
    return Control(log).state().latched_by


def test_two_bots_in_one_folder_have_a_file_each(folder: Path) -> None:
    """B took A's latch and booked A's sells, and A's database got nothing."""
    a, b = bot_on(folder, "a.sqlite"), bot_on(folder, "b.sqlite")
    Control(a).arm(by="x")
    with locked(folder / "a.sqlite"):
        Control(a).latch(by="a", correlation_id=None)
        assert b.import_fallback() == 0
        assert latched_by(b) is None
        assert latched_by(a) == "a"
    assert b.import_fallback() == 0
    assert a.import_fallback() == 1
    assert (latched_by(a), latched_by(b)) == ("a", None)
    a.close()
    b.close()


def test_file_of_another_database_is_not_used(folder: Path) -> None:
    """Copied or renamed by hand."""
    a = bot_on(folder, "a.sqlite")
    Control(a).arm(by="x")
    with locked(folder / "a.sqlite"):
        Control(a).latch(by="a", correlation_id=None)
    url = f"sqlite:///{folder}/b.sqlite"
    a.fallback.rename(fallback_path(folder / "user_data", url))
    b = bot_on(folder, "b.sqlite")
    assert latched_by(b) is None
    assert b.import_fallback() == 0
    (told,) = b.border.set_aside
    assert "another database" in str(told)
    a.close()
    b.close()


def test_address_is_the_same_however_it_is_written_and_holds_no_password(tmp_path: Path) -> None:
    one = "postgresql+psycopg://bot:hunter22@DB.example/trades?options=-csearch_path%3Da"
    two = "postgresql://bot:other@db.example:5432/trades?options=-csearch_path%3Da&sslpassword=x"
    assert identity(one, tmp_path) == identity(two, tmp_path)
    assert "hunter22" not in identity(one, tmp_path)
    others = [
        one.replace("search_path%3Da", "search_path%3Db"),
        one.replace("bot:", "eve:"),
        one.replace("/trades", "/other"),
        one.replace("DB.", "db2."),
        "mysql+pymysql://bot@db.example/trades",
    ]
    assert len({identity(url, tmp_path) for url in [one, *others]}) == 6
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "a.sqlite")
    names = {
        identity(f"sqlite:///{tmp_path}/{name}", tmp_path / "user_data")
        for name in ("a.sqlite", "user_data/../a.sqlite", "link.sqlite")
    }
    assert names == {"sqlite ../a.sqlite"}


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.write_bytes(b"")
    path.symlink_to(elsewhere)


def make_second_name(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    sqlite3.connect(elsewhere).close()
    elsewhere.write_bytes(b"")
    path.hardlink_to(elsewhere)


def make_strangers(path: Path) -> None:
    path.write_bytes(b"")
    os.chown(path, STRANGER, STRANGER)


def make_other_program(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE trades (id INT)")


def make_text(path: Path) -> None:
    path.write_text("no database at all" * 100)


@pytest.mark.parametrize(
    "make",
    [make_fifo, make_link, make_second_name, Path.mkdir, make_strangers, make_other_program,
     make_text],
)  # fmt: skip
def test_what_is_not_ours_is_moved_away_and_told(
    folder: Path, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """It was waited for, followed, or ended the bot; the next start failed, and liquidate, too."""
    if make is make_strangers and os.geteuid() != 0:
        pytest.skip("only root can give a file to somebody else")
    log = bot_on(folder, "a.sqlite")
    Control(log).arm(by="x")
    make(log.fallback)
    watch = Stopwatch()
    assert latched_by(log) is None
    with locked(folder / "a.sqlite"):
        Control(log).latch(by="a", correlation_id=None)
        assert latched_by(log) == "a"
    assert log.import_fallback() == 1
    assert watch.stop() < 5
    assert "set-aside" in caplog.text
    assert len(list((folder / "user_data").glob("*.set-aside-*"))) == 1
    assert log.fallback.lstat().st_mode & 0o777 == 0o600
    elsewhere = folder / "elsewhere"
    assert not elsewhere.exists() or elsewhere.read_bytes() == b""
    log.close()


def test_locked_file_is_waited_for_a_moment(folder: Path) -> None:
    """Database and file are both held: the record goes to the log, and nothing hangs."""
    log = bot_on(folder, "a.sqlite")
    Control(log).arm(by="x")
    with locked(folder / "a.sqlite"):
        Control(log).latch(by="a", correlation_id=None)
        with locked(log.fallback, "EXCLUSIVE"):
            watch = Stopwatch()
            event = AuditEvent(event_type=AuditEventType.VERIFIED, operation="look")
            assert log.record([event]) is Durability.LOG
            with pytest.raises(AuditUnreadable):
                latched_by(log)
            assert log.import_fallback() == 0
            assert watch.stop() < 3
    with locked(log.fallback, "EXCLUSIVE"):
        assert log.record([event]) is Durability.DATABASE, "the file holds up no record"
    assert log.import_fallback() == 1
    assert latched_by(log) == "a"
    log.close()


@pytest.mark.parametrize("ending", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("make", [make_fifo, make_link, Path.mkdir, make_strangers])
def test_what_is_not_ours_beside_the_file_is_moved_away_and_told(
    folder: Path, make: Callable[[Path], None], ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite reads what stands there: a pipe stopped REST, the main loop and the run."""
    if make is make_strangers and os.geteuid() != 0:
        pytest.skip("only root can give a file to somebody else")
    log = bot_on(folder, "a.sqlite")
    Control(log).arm(by="x")
    with locked(folder / "a.sqlite"):
        Control(log).latch(by="a", correlation_id=None)
        make(log.fallback.with_name(log.fallback.name + ending))
        watch = Stopwatch()
        assert latched_by(log) == "a"
        Control(log).latch(by="b", correlation_id=None)
    assert log.import_fallback() == 2
    assert latched_by(log) == "b"
    assert watch.stop() < 3
    assert f"{ending}.set-aside" in caplog.text
    log.close()


def test_call_that_hangs_is_left_behind_and_no_other_follows_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead network drive, or a pipe that was put there after the look."""
    log = bot_on(folder, "a.sqlite")
    comes_back, calls = threading.Event(), []
    connect = fallback._connect

    def hang(path: Path) -> sqlite3.Connection:
        calls.append(path)
        comes_back.wait()
        return connect(path)

    event = AuditEvent(event_type=AuditEventType.VERIFIED, operation="look")
    Control(log).arm(by="x")
    with locked(folder / "a.sqlite"):
        monkeypatch.setattr(fallback, "_connect", hang)
        watch = Stopwatch()
        assert log.record([event]) is Durability.LOG
        assert log.record([event]) is Durability.LOG
        with pytest.raises(AuditUnreadable, match="does not answer"):
            latched_by(log)
        assert watch.stop() < 2 * fallback.CALL_WITHIN_S
    assert len(calls) == 1
    assert log.record([event]) is Durability.DATABASE, "the file holds up no record"
    comes_back.set()
    until = time.monotonic() + 10
    while len(list(log.events(types=[AuditEventType.VERIFIED]))) < 2 or log._file.waits():
        assert time.monotonic() < until, "what came too late to be called durable is durable now"
        log.import_fallback()
        time.sleep(0.01)
    assert log.verify().ok
    log.close()


@pytest.mark.parametrize("statement", ["DROP TABLE waiting", "ALTER TABLE waiting RENAME TO x"])
def test_file_without_its_tables_costs_itself(folder: Path, statement: str) -> None:
    log = bot_on(folder, "a.sqlite")
    Control(log).arm(by="x")
    with locked(folder / "a.sqlite"):
        Control(log).latch(by="a", correlation_id=None)
    with contextlib.closing(sqlite3.connect(log.fallback)) as file, file:
        file.execute(statement)
    log.import_fallback()
    assert latched_by(log) is None
    Control(log).latch(by="b", correlation_id=None)
    assert latched_by(log) == "b"
    log.close()


def test_rows_that_were_set_aside_stand_in_the_trail_once(folder: Path) -> None:
    log = bot_on(folder, "a.sqlite")
    Control(log).arm(by="x")
    with contextlib.closing(sqlite3.connect(folder / "a.sqlite")) as database, database:
        database.execute("UPDATE liquidation_events SET additional_data = '{'")
    for _ in range(3):
        log.close()
        log = bot_on(folder, "a.sqlite")
        assert Control(log).state().disarmed_until is None
        log.import_fallback()
    rows = list(log.events(types=[AuditEventType.ROWS_SET_ASIDE]))
    assert len(rows) == 1
    assert "liquidation_events, row 1" in rows[0]["additional_data"]["rows"][0]
    log.close()


# -- the file of earlier versions -----------------------------------------------------------------


def former_line(kind: AuditEventType, run: str | None, number: int) -> str:
    data = {
        "timestamp": "2026-01-01T00:00:00.000000+00:00", "event_type": str(kind),
        "operation": "run", "correlation_id": run, "trigger": None, "pair": None, "config": None,
        "error": None, "additional_data": {"by": "before"},
    }  # fmt: skip
    line = {"line_id": f"l{number}", "record_id": f"r{number}", "kind": "event", "data": data}
    return json.dumps(line) + "\n"


def write_former(folder: Path) -> Path:
    file = folder / "user_data" / "liquidation_audit.jsonl"
    latch = former_line(AuditEventType.LATCHED, None, 1)
    booked = former_line(AuditEventType.BOOKED, "liq_known", 2)
    file.write_text(latch + '{"line_id":"1","record_id":"2","kind":"event","data":{}}\n' + booked)
    return file


def test_former_file_of_the_only_bot_comes_in_once(folder: Path) -> None:
    file = write_former(folder)
    for expected in (2, 0):
        log = bot_on(folder, "a.sqlite")
        assert log.import_fallback() == expected
        assert latched_by(log) == "before"
        assert log.verify().ok
        log.close()
    assert file.exists(), "it is left for people to look at"


def test_former_file_of_several_bots_gives_each_what_it_knows(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_former(folder)
    a, b = bot_on(folder, "a.sqlite"), bot_on(folder, "b.sqlite")
    started = AuditEvent(
        event_type=AuditEventType.STARTED, operation="run", correlation_id="liq_known"
    )
    a._write(a._store, a._lines([started], None))  # type: ignore[arg-type]
    b._write(b._store, b._lines([AuditEvent(event_type=AuditEventType.ARMED, operation="x")], None))  # type: ignore[arg-type]
    assert (a.import_fallback(), b.import_fallback()) == (1, 0)
    assert [event["event_type"] for event in a.events("liq_known")][1:] == [AuditEventType.BOOKED]
    assert (latched_by(a), latched_by(b)) == (None, None)
    assert "2 of 3 lines" in caplog.text
    assert "3 of 3 lines" in caplog.text
    a.close()
    b.close()


@pytest.mark.parametrize("make", [make_fifo, make_link, Path.mkdir])
def test_former_file_that_is_none_is_left_alone(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "user_data" / "liquidation_audit.jsonl")
    log = bot_on(folder, "a.sqlite")
    Control(log).latch(by="a", correlation_id=None)
    assert log.import_fallback() == 0
    assert latched_by(log) == "a"
    log.close()

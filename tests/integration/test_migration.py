"""Databases of an earlier version, read and written by this one.

``version_1.sql`` is a dump of what version 1 wrote: a run, a latch, a request and a claim.
"""

import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from freqtrade_liquidation.audit import appending, schema
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import Durability
from freqtrade_liquidation.exchange.last_answers import SignedAnswers
from freqtrade_liquidation.host.control import Control
from freqtrade_liquidation.host.lease import (
    BookDatabase,
    Lease,
    NotedOrders,
    Requests,
    RunClaims,
)
from freqtrade_liquidation.orders.entry_gate import Asked, NotedOrder

DUMP = Path(__file__).with_name("version_1.sql")
ID = "liq_20260101_000000_ab12cd34"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "t.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.executescript(DUMP.read_text(encoding="utf-8"))
    return file


def open_log(file: Path) -> AuditLog:
    return AuditLog(f"sqlite:///{file}", fallback=file.with_name("f.sqlite"), masker=Masker())


def columns(file: Path, table: str) -> set[str]:
    with contextlib.closing(sqlite3.connect(file)) as database:
        return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


def test_old_database_is_read_as_it_is_and_brought_forward_by_the_first_write(old: Path) -> None:
    log = open_log(old)
    assert log.verify().ok
    assert Control(log).state().latched_by == "cli somebody"
    run = log.run(ID)
    assert run is not None
    assert (run["state"], run["positions_closed"]) == ("completed", 1)
    assert log.unsettled([AuditEventType.CLOSE_INTENDED], AuditEventType.BOOKED) == [
        (ID, "BTC/USDT:USDT")
    ]
    assert "sequence" not in columns(old, "liquidation_record_ids"), "a reader changes nothing"
    Control(log).release(by="test")
    assert "sequence" in columns(old, "liquidation_record_ids")
    assert log.verify().ok
    assert log.verify().checked == 6
    log.close()
    with contextlib.closing(sqlite3.connect(old)) as database:
        parts = dict(database.execute("SELECT part, version FROM liquidation_schema"))
        (unnumbered,) = database.execute(
            "SELECT count(*) FROM liquidation_record_ids WHERE sequence IS NULL"
        ).fetchone()
        indexes = {row[1] for row in database.execute("PRAGMA index_list(liquidation_events)")}
    assert parts == {"audit": schema.VERSION}
    assert unnumbered == 0
    assert {"ix_liquidation_events_kind"} <= indexes
    assert schema.OLD_INDEX not in indexes
    again = open_log(old)
    Control(again).disarm(timedelta(minutes=1), by="test")
    assert again.verify().ok
    again.close()


def test_old_lease_tables_go_on(old: Path) -> None:
    book = BookDatabase(f"sqlite:///{old}")
    seen = Lease(book).look()
    assert seen is not None
    assert Lease(book).renew()
    assert RunClaims(book).acquire("liq_2", for_s=1)
    assert Requests(book).take_next() is None, "the old one has expired"
    assert not book.border.set_aside
    book.close()


@pytest.mark.parametrize("version", [1, 2])
def test_database_without_noted_orders_gets_their_table_with_the_first_write(
    old: Path, version: int
) -> None:
    with contextlib.closing(sqlite3.connect(old)) as database, database:
        if version == 2:
            database.execute(
                "CREATE TABLE liquidation_schema (part VARCHAR(64) PRIMARY KEY, version INTEGER)"
            )
            database.execute("INSERT INTO liquidation_schema VALUES ('lease', 2)")
    book = BookDatabase(f"sqlite:///{old}")
    record = NotedOrders(book)
    assert record.read(["BTC/USDT"]) == [], "a reader changes nothing"
    assert Lease(book).look() is not None
    asked = Asked(1.0, None, "fte0123456789abcde")
    now = datetime.now(UTC)
    order = NotedOrder(pair="BTC/USDT", side="buy", is_exit=False, asked=asked, noted_at=now)
    record.write(order)
    assert record.read(["BTC/USDT"]) == [order]
    book.close()
    with contextlib.closing(sqlite3.connect(old)) as database:
        parts = dict(database.execute("SELECT part, version FROM liquidation_schema"))
    assert parts == {"lease": schema.VERSION}


@pytest.mark.parametrize("version", [None, 3])
def test_lease_that_tells_no_answers_is_read_and_brought_forward_by_the_first_renewal(
    old: Path, version: int | None
) -> None:
    with contextlib.closing(sqlite3.connect(old)) as database, database:
        if version is not None:
            database.execute(
                "CREATE TABLE liquidation_schema (part VARCHAR(64) PRIMARY KEY, version INTEGER)"
            )
            database.execute("INSERT INTO liquidation_schema VALUES ('lease', ?)", (version,))
    lease = Lease(BookDatabase(f"sqlite:///{old}"))
    assert lease.look() is not None
    assert lease.answers_told() is None
    assert "answers" not in columns(old, "liquidation_lease"), "a reader changes nothing"
    lease.answers = SignedAnswers()
    lease.answers.refuse("write", "no")
    assert lease.renew()
    told = lease.answers_told()
    assert told is not None
    assert [refusal.error for refusal in told.refused] == ["no"]


def test_newer_database_is_told_and_written(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = open_log(old)
    Control(log).arm(by="test")
    log.close()
    with contextlib.closing(sqlite3.connect(old)) as database, database:
        database.execute("UPDATE liquidation_schema SET version = 99")
    log = open_log(old)
    Control(log).latch(by="later", correlation_id=None)
    assert Control(log).state().latched_by == "later"
    assert "version 99" in caplog.text
    log.close()


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_old_database_of_a_server_is_brought_forward(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The statements that differ between databases: a column, an index less, an index more."""
    url = request.getfixturevalue(kind)
    engine = create_engine(url)
    with engine.begin() as database:
        schema.prepare(database, schema.AUDIT)
    log = AuditLog(url, fallback=tmp_path / "f.sqlite", masker=Masker())
    Control(log).latch(by="old", correlation_id=None)
    log.close()
    on = " ON liquidation_events" if kind == "mariadb" else ""
    with engine.begin() as database:
        for statement in (
            "DROP TABLE liquidation_schema",
            "ALTER TABLE liquidation_record_ids DROP COLUMN sequence",
            f"DROP INDEX ix_liquidation_events_kind{on}",
            f"CREATE INDEX {schema.OLD_INDEX} ON liquidation_events (event_type, timestamp)",
        ):
            database.execute(text(statement))
    with engine.begin() as database:
        schema.prepare(database, schema.AUDIT)
    engine.dispose()
    log = AuditLog(url, fallback=tmp_path / "f.sqlite", masker=Masker())
    assert Control(log).state().latched_by == "old"
    Control(log).release(by="new")
    assert Control(log).state().latched_by is None
    assert not log._file.waits()
    assert log.verify().ok
    log.close()


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_old_lease_of_a_server_is_brought_forward(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(kind)
    engine = create_engine(url)
    with engine.begin() as database:
        schema.prepare(database, schema.LEASE)
    book = BookDatabase(url)
    book._within_s = 10.0  # a machine full of tests needs more than a bot would wait for
    lease = Lease(book)
    assert lease.renew()
    with engine.begin() as database:
        database.execute(text("ALTER TABLE liquidation_lease DROP COLUMN answers"))
        database.execute(text("UPDATE liquidation_schema SET version = 3"))
    engine.dispose()
    seen = lease.look()
    assert seen is not None
    assert lease.answers_told() is None
    later = BookDatabase(url)
    later._within_s = 10.0
    bot = Lease(later)
    bot.answers = SignedAnswers()
    bot.answers.answered("read")
    assert bot.renew()
    told = lease.answers_told()
    assert told is not None
    assert told.answered_s_ago is not None
    assert seen.has_moved(lease.look())
    book.close()
    later.close()


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_lease_of_a_server_is_renewed_without_the_answers(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """The version of the tables says that the column is there."""
    url = request.getfixturevalue(kind)
    book = BookDatabase(url)
    book._within_s = 10.0  # a machine full of tests needs more than a bot would wait for
    lease = Lease(book)
    assert lease.renew()
    engine = create_engine(url)
    with engine.begin() as database:
        database.execute(text("ALTER TABLE liquidation_lease DROP COLUMN answers"))
    engine.dispose()
    seen = lease.look()
    assert seen is not None
    assert lease.renew()
    assert seen.has_moved(lease.look())
    book.close()


def test_ids_of_records_are_kept_for_a_while_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "IDS_KEPT", 20)
    monkeypatch.setattr(appending, "PRUNED_EVERY", 5)
    file = tmp_path / "t.sqlite"
    log = open_log(file)
    for _ in range(60):
        event = AuditEvent(event_type=AuditEventType.VERIFIED, operation="look")
        assert log.record([event]) is Durability.DATABASE
    with contextlib.closing(sqlite3.connect(file)) as database:
        (count,) = database.execute("SELECT count(*) FROM liquidation_record_ids").fetchone()
    assert 20 <= count <= 26
    assert log.verify().checked == 60
    log.close()

"""Our tables on MariaDB, with a server's defaults; freqtrade's own stand beside them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from freqtrade.persistence import Trade, init_db
from sqlalchemy import create_engine, inspect, text

from freqtrade_liquidation.audit import schema
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.host.control import Control
from freqtrade_liquidation.host.lease import BookDatabase, Lease, Requests, RunClaims
from freqtrade_liquidation.model import Request
from tests.integration.test_audit_log import check_two_writers
from tests.stopwatch import Stopwatch

ID = "liq_20260101_000000_ab12cd34"
FOREIGN = "a\x00b \ud800 \N{PILE OF POO} ' ; --"


def prepared(url: str) -> None:
    """The tables, as the bot's first records leave them: to make them takes a busy server long."""
    engine = create_engine(url)
    for part in (schema.AUDIT, schema.LEASE):
        with engine.begin() as connection:
            schema.prepare(connection, part)
    engine.dispose()


def test_trail_lease_and_claims_stand_beside_freqtrades_tables(
    mariadb: str, tmp_path: Path
) -> None:
    """freqtrade makes its tables and ours; the database speaks Latin-1, ours do not."""
    init_db(mariadb)
    Trade.session.remove()
    prepared(mariadb)
    log = AuditLog(mariadb, fallback=tmp_path / "f.sqlite", masker=Masker())
    at = datetime(2026, 1, 1, microsecond=123456, tzinfo=UTC)
    events = [
        AuditEvent(event_type=kind, operation="run", correlation_id=ID, timestamp=at, **more)
        for kind, more in (
            (AuditEventType.STARTED, {"error": FOREIGN, "additional_data": {"reason": FOREIGN}}),
            (AuditEventType.FAILED, {"additional_data": {"words": "words " * 20_000}}),
        )
    ]
    row = RunRecord(
        correlation_id=ID, trigger="cli", state="failed", started_at=at, finished_at=at,
        reason=FOREIGN, total_realized_pnl=0.1 + 0.2, duration_seconds=1e-9,
    )  # fmt: skip
    assert log.record(events, row) is Durability.DATABASE
    assert log.verify().ok, log.verify().message
    first = next(log.events(ID))
    assert first["timestamp"] == "2026-01-01T00:00:00.123456+00:00"
    assert first["error"] == "a\\x00b \\ud800 \N{PILE OF POO} ' ; --"
    run = log.run(ID)
    assert run is not None
    assert run["total_realized_pnl"] == 0.1 + 0.2
    until = Control(log).disarm(timedelta(minutes=15), by="cli")
    Control(log).latch(by=ID, correlation_id=ID)
    state = Control(log).state()
    assert (state.disarmed_until, state.latched_by) == (until, ID)
    assert not log.border.set_aside
    assert log.unsettled([AuditEventType.STARTED], AuditEventType.BOOKED) == []
    log.close()

    bot, other = BookDatabase(mariadb), BookDatabase(mariadb)
    assert Lease(bot).renew()
    seen = Lease(other).look()
    assert seen is not None
    assert (seen.exact, seen.is_fresh) == (True, True)
    request_id = Requests(other).leave(Request(trigger="cli", actor=FOREIGN[-5:]))
    taken = Requests(bot).take_next()
    assert taken is not None
    assert taken.id == request_id
    assert RunClaims(bot).acquire(ID, for_s=5)
    assert not RunClaims(other).acquire("liq_2", for_s=5)
    RunClaims(bot).release(ID, booked=True, flat=True)
    assert RunClaims(other).acquire("liq_2", for_s=5)
    for book in (bot, other):
        assert not book.border.set_aside
        book.close()


def test_two_processes_at_once_one_gapless_chain(mariadb: str, tmp_path: Path) -> None:
    check_two_writers(tmp_path, mariadb)


def test_locked_table_costs_a_second_and_its_lines_wait(mariadb: str, tmp_path: Path) -> None:
    prepared(mariadb)
    log = AuditLog(mariadb, fallback=tmp_path / "f.sqlite", masker=Masker())
    control = Control(log)
    control.arm(by="test")
    assert not log._file.waits()
    engine = create_engine(mariadb)
    with engine.begin() as other:
        other.execute(text("SELECT * FROM liquidation_schema FOR UPDATE"))
        watch = Stopwatch()
        control.latch(by="cli", correlation_id=None)
        assert watch.stop() < 2
        assert log._file.waits()
        assert control.state().latched_by == "cli"
    log.close()
    log = AuditLog(mariadb, fallback=tmp_path / "f.sqlite", masker=Masker())
    log.import_fallback()  # the write that came too late may have come all the same
    assert not log._file.waits()
    assert Control(log).state().latched_by == "cli"
    assert log.verify().ok
    assert log.verify().checked == 2
    tables = set(inspect(engine).get_table_names())
    assert {"liquidation_events", "liquidation_schema"} <= tables
    log.close()
    engine.dispose()

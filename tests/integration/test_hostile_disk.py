"""The disk is full, read-only, or the database is gone: flat in time, and nothing is lost."""

import contextlib
import json
import os
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from freqtrade_liquidation.audit.identity import fallback_path
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import ends_within, event_types, runs, wait_until_invested
from tests.integration.hostile_disk import (
    PipedBot,
    drop_log,
    fill_the_disk,
    hang,
    moved_away,
    read_only,
    records_in_log,
)
from tests.stopwatch import Stopwatch

ENDS_WITHIN_S = 7.3
"""The deadline, the overrun, and what the end of the process may take."""


def make(exchange: PracticeExchange, folder: Path) -> PipedBot:
    pairs = exchange.pairs()[:2]
    config = exchange.freqtrade_config(pairs=pairs, ccxt={"enableRateLimit": False})
    return PipedBot(folder, config)


def trail_of(bot: PipedBot) -> AuditLog:
    url = f"sqlite:///{bot.database}"
    return AuditLog(url, fallback=fallback_path(bot.folder / "user_data", url), masker=Masker())


def waiting_types(bot: PipedBot) -> list[str]:
    """Types of the events that wait in the file."""
    file = fallback_path(bot.folder / "user_data", f"sqlite:///{bot.database}")
    with contextlib.closing(sqlite3.connect(file)) as waiting:
        query = "SELECT event_type FROM waiting WHERE kind = 'event' ORDER BY number"
        return [kind for (kind,) in waiting.execute(query)]


def assert_whole(types: Sequence[str], *, closes: int) -> None:
    """Every step of a run, intent before its answer."""
    assert types[0] == "liquidation_started"
    assert types.count("liquidation_close_intended") == closes
    assert types.index("liquidation_close_intended") < types.index("liquidation_close_answered")
    assert types[-1] == "liquidation_completed"


def test_full_disk_is_flat_in_time_and_every_record_stands_in_the_log_masked(
    exchange: PracticeExchange, tmp_path: Path
) -> None:
    """Database, file and log file are on it; what the process prints goes elsewhere."""
    bot = make(exchange, tmp_path / "bot")
    with bot:
        wait_until_invested(bot, 2)
        exchange.add_fault(
            "error", method="POST", path="/fapi/v1/order$", status=503, code=-1008,
            msg="Busy, key {api_key}", times=1,
        )  # fmt: skip
        fill_the_disk(bot)
        bot.send(signal.SIGTERM)
        assert ends_within(bot, ENDS_WITHIN_S) == 130
    assert exchange.positions() == {}
    records = records_in_log(bot)
    ours = [r for r in records if "event_type" in r]
    assert_whole([r["event_type"] for r in ours], closes=3)
    assert [r["state"] for r in records if "state" in r] == ["in_progress", "completed"]
    assert "Busy, key ***" in json.dumps(ours)
    assert exchange.settings.key not in bot.log()
    assert "the audit trail of this run stands in the bot's log" in bot.log()
    assert runs(bot) == []


def test_read_only_and_missing_database_are_flat_in_time_and_imported_once(
    exchange: PracticeExchange, tmp_path: Path
) -> None:
    """First nobody may write it, then it is moved away, and back after the bot's end."""
    bot = make(exchange, tmp_path / "bot")
    with bot:
        wait_until_invested(bot, 2)
        with read_only(bot.database):
            bot.send(signal.SIGTERM)
            assert ends_within(bot, ENDS_WITHIN_S) == 130
    assert exchange.positions() == {}
    assert_whole(waiting_types(bot), closes=2)
    assert runs(bot) == []
    assert "open trades active" not in bot.log(), "freqtrade would have them closed by hand"
    drop_log(bot)

    with bot:
        bot.wait_for(lambda: event_types(bot).count("liquidation_booked") == 2, "the booking")
        closed: list[dict[str, Any]] = bot.query("SELECT exit_reason FROM trades WHERE NOT is_open")
        assert [t["exit_reason"] for t in closed] == ["emergency_liquidation"] * 2
        exchange.seed_position(exchange.pairs()[2], 0.5)
        with moved_away(bot.database):
            bot.send(signal.SIGTERM)
            assert ends_within(bot, ENDS_WITHIN_S) == 130
    assert exchange.positions() == {}
    assert_whole(waiting_types(bot), closes=1)
    with contextlib.closing(trail_of(bot)) as trail:
        assert trail.import_fallback() > 0
        assert trail.import_fallback() == 0
        assert trail.verify().ok
        assert [run["state"] for run in trail.runs()] == ["completed"] * 2
        starts = [e for e in trail.events() if e["event_type"] == "liquidation_started"]
    assert len(starts) == 2


def test_database_that_hangs_is_not_waited_for_and_the_trail_waits_in_the_file(
    exchange: PracticeExchange, tmp_path: Path
) -> None:
    """As on a disk that is frozen: SQLite's busy timeout bounds nothing of that."""
    bot = make(exchange, tmp_path / "bot")
    with bot:
        wait_until_invested(bot, 2)
        exchange.clear_log()
        hang(bot.database)
        first_order_s = first_order_after(exchange, bot)
        assert ends_within(bot, ENDS_WITHIN_S) == 130
    assert first_order_s < 2.5
    assert exchange.positions() == {}
    os.unlink(f"{bot.database}-journal")
    assert_whole(waiting_types(bot), closes=2)
    with contextlib.closing(trail_of(bot)) as trail:
        assert trail.import_fallback() > 0
        assert [run["state"] for run in trail.runs()] == ["completed"]


def test_database_that_hangs_on_a_full_disk_leaves_the_trail_in_the_log(
    exchange: PracticeExchange, tmp_path: Path
) -> None:
    bot = make(exchange, tmp_path / "bot")
    with bot:
        wait_until_invested(bot, 2)
        exchange.clear_log()
        fill_the_disk(bot)
        hang(bot.database)
        first_order_s = first_order_after(exchange, bot)
        assert ends_within(bot, ENDS_WITHIN_S + 2.0) == 130, "a moment more for what may come late"
    assert first_order_s < 3.0
    assert exchange.positions() == {}
    records = records_in_log(bot)
    assert_whole([r["event_type"] for r in records if "event_type" in r], closes=2)
    assert [r["state"] for r in records if "state" in r] == ["in_progress", "completed"]
    os.unlink(f"{bot.database}-journal")
    assert runs(bot) == []


def first_order_after(exchange: PracticeExchange, bot: PipedBot) -> float:
    """Seconds from SIGTERM, which it sends, to the first close."""
    watch = Stopwatch(bot.process.pid)
    bot.send(signal.SIGTERM)
    bot.wait_for(lambda: bool(exchange.requests("/order", method="POST")), "a close", 30)
    took_s = watch.stop()
    print(f"first order after {took_s:.2f} s")
    return took_s

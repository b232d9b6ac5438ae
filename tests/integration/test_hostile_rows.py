"""A real bot whose database and fallback file are spoilt while it trades, and its next start."""

import contextlib
import json
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from freqtrade_liquidation.audit.identity import fallback_path
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import MakeBot, runs, said, wait_until_invested
from tests.integration.test_liquidate_command import dead_bot, trades

EVENT = (
    "INSERT INTO liquidation_events SELECT {sequence}, {timestamp}, '{kind}', 'control', NULL, "
    "NULL, NULL, NULL, NULL, '{data}', previous_hash, hash FROM liquidation_events LIMIT 1"
)
SPOILT = (
    EVENT.format(
        sequence=-1, timestamp="timestamp", kind="liquidation_latched", data='{"by":"eve"}'
    ),
    EVENT.format(
        sequence=0, timestamp="timestamp", kind="liquidation_disarmed", data='{"until":"soon"}'
    ),
    EVENT.format(sequence=900, timestamp="'soon'", kind="liquidation_disarmed", data="{"),
    "UPDATE liquidation_events SET error = x'ff' WHERE sequence = 1",
    "INSERT INTO liquidation_claims VALUES (77, 'liq_x', 'eve', 'there', '[1]', 31536000.0, "
    "'soon', 'x', 'y', 0, NULL, NULL)",
    "INSERT INTO liquidation_requests VALUES ('eve', 'soon', 'x', 'y', '{', NULL, x'ff', "
    "'waiting', NULL, NULL, NULL)",
    "INSERT INTO liquidation_runs VALUES ('liq_x', 'cli', NULL, NULL, NULL, '{', 'in_progress', "
    "'soon', NULL, 'many', 0, 0, NULL, NULL, NULL, '[]', '[]', 0, 'x')",
)


def spoil(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as other, other:
        for statement in SPOILT:
            other.execute(statement)


def test_bot_lives_through_spoilt_rows_and_files_and_its_signal_closes_the_book(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Its loop died of one of them, and its death closed the book."""
    bot = make_bot(pairs=2)
    file = fallback_path(bot.folder / "user_data", f"sqlite:///{bot.database}")
    with bot:
        wait_until_invested(bot, 2)
        spoil(bot.database)
        os.mkfifo(file)
        odd = {"line_id": "1", "record_id": "2", "kind": "event", "data": {}}
        (file.with_name("liquidation_audit.jsonl")).write_text(json.dumps(odd))
        exchange.clear_log()
        bot.wait_for(lambda: "Not believed and set aside" in said(bot), "the rows are told")
        bot.wait_for(lambda: any(file.parent.glob("*.set-aside-*")), "the pipe is moved away")
        assert bot.process.poll() is None
        assert len(exchange.positions()) == 2, "nothing was closed"
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130
    assert exchange.positions() == {}
    bot.log_file.unlink()
    exchange.seed_position(exchange.pairs()[2], 0.5)
    with bot:
        bot.wait_for(lambda: "Stopping this bot" in said(bot), "an armed bot")
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130
    assert exchange.positions() == {}


def test_command_closes_the_book_beside_spoilt_rows_and_files(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """It ended with 1, and the positions were open."""
    bot = dead_bot(make_bot, pairs=2)
    spoil(bot.database)
    fallback_path(bot.folder / "user_data", f"sqlite:///{bot.database}").mkdir()
    process = command.start(bot, "liquidate", "--yes")
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, out + errors
    assert exchange.positions() == {}


def write(database: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as other, other:
        for statement in statements:
            other.execute(statement)


@pytest.mark.parametrize("futures", [True, False])
def test_trade_whose_amount_makes_no_sense_costs_no_other_pair_anything(
    exchange: PracticeExchange, make_bot: MakeBot, futures: bool
) -> None:
    """One such row failed the whole run before anything was sent. Its orders tell what it has."""
    bot = make_bot(pairs=2, futures=futures)
    with bot:
        wait_until_invested(bot, 2)
        write(bot.database, "UPDATE trades SET amount = 'abc' WHERE id = 1")
        bot.send(signal.SIGTERM)
        bot.wait(30)
    [run] = runs(bot)
    assert (run["state"], run["positions_closed"]) == ("completed", 2)
    assert "amount is abc" in str(run["errors"])
    assert exchange.positions() == {}
    assert [trade["is_open"] for trade in trades(bot) if trade["id"] != 1] == [0]
    preview = command.run(bot, "liquidate", "--preview")
    assert preview.returncode == 0, preview.stdout + preview.stderr


def test_trade_that_nothing_tells_the_amount_of_is_not_called_flat(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2, futures=False)
    with bot:
        wait_until_invested(bot, 2)
        bot.kill()
    odd = ("UPDATE trades SET amount = 'abc' WHERE id = 1",
           "UPDATE orders SET filled = 'x' WHERE ft_trade_id = 1")  # fmt: skip
    write(bot.database, *odd)
    [unreadable, healthy] = [trade["pair"] for trade in trades(bot)]
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "NOT FLAT" in done.stdout
    assert f"{unreadable}: its trade cannot be read" in done.stdout.replace("\n", " ")
    [run] = runs(bot)
    outcome = {one["pair"]: one["state"] for one in json.loads(run["outcome"])}
    assert outcome == {unreadable: "not_proven", healthy: "closed"}

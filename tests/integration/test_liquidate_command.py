"""``liquidate`` where no bot answers: a killed bot's book is closed, booked and stays closed."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, inspect

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.host.lease import BookDatabase, Lease
from tests.integration import command
from tests.integration.conftest import MakeBot, event_types, events, runs, said, wait_until_invested
from tests.integration.forking import ForkedBot
from tests.integration.test_main_job import closing_requests, fills_pnl

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
ESCAPE = "\x1b"


def dead_bot(
    make_bot: MakeBot, pairs: int = 3, *, futures: bool = True, **options: Any
) -> BotProcess:
    """A bot that SIGKILL took with its positions open, more than a minute ago."""
    bot = make_bot(pairs=pairs, futures=futures, **options).start()
    wait_until_invested(bot, pairs)
    bot.kill()
    age_lease(bot)
    return bot


def age_lease(bot: BotProcess) -> None:
    """As if a minute had gone by."""
    with contextlib.closing(sqlite3.connect(bot.database)) as connection, connection:
        connection.execute(
            "UPDATE liquidation_lease SET clock_s = clock_s - 61, renewed_at = '2026-01-01'"
        )


def trades(bot: BotProcess) -> list[dict[str, Any]]:
    return bot.query("SELECT * FROM trades ORDER BY id")


def renew_lease(bot: BotProcess) -> None:
    """As if the bot hung since a moment ago."""
    Lease(BookDatabase(f"sqlite:///{bot.database}")).renew()


def test_book_of_a_killed_bot_is_closed_booked_and_stays_closed(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """The bot starts again: stopped, latched, its trades as the exchange has them to the cent."""
    bot = dead_bot(make_bot)
    done = command.run(bot, "liquidate", "--yes", "--reason", "fire drill")
    assert done.returncode == 0, done.stdout + done.stderr
    assert exchange.positions() == {}
    assert "FLAT, verified on the exchange: 3 position(s) closed" in done.stdout
    assert "not booked" not in done.stdout
    assert ESCAPE not in done.stdout
    (run,) = runs(bot)
    assert (run["trigger"], run["state"], run["reason"]) == ("cli", "completed", "fire drill")
    kinds = event_types(bot)
    assert kinds.index("liquidation_latched") < kinds.index("liquidation_started")
    closed = trades(bot)
    assert [t["is_open"] for t in closed] == [0, 0, 0]
    assert {t["exit_reason"] for t in closed} == {"emergency_liquidation"}
    for trade in closed:
        assert trade["close_profit_abs"] == pytest.approx(
            fills_pnl(exchange, trade["pair"]), abs=0.005
        )
    profit = sum(trade["close_profit_abs"] for trade in closed)
    assert run["total_realized_pnl"] == pytest.approx(profit, abs=0.005)
    assert command.run(bot, "show-liquidations", "--verify").returncode == 0
    check_stays_stopped(exchange, bot)


def check_stays_stopped(exchange: PracticeExchange, bot: BotProcess) -> None:
    exchange.clear_log()
    with bot:
        bot.wait_for(lambda: "Latched by cli" in said(bot), "the latch")
        bot.wait_for(lambda: "state='STOPPED'" in bot.log(), "the stopped state")
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    assert exchange.requests("/order", method="POST") == []
    assert command.run(bot, "status").returncode == 5
    assert command.run(bot, "release").returncode == 0
    assert command.run(bot, "status").returncode == 0


def test_preview_asks_only_questions_and_marks_the_unknown(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot, pairs=2)
    exchange.seed_position("SOL/USDT:USDT", 1)
    exchange.clear_log()
    before = (trades(bot), event_types(bot))
    shown = command.run(bot, "liquidate", "--preview")
    assert shown.returncode == 0, shown.stderr
    assert len(exchange.positions()) == 3
    assert {request["method"] for request in exchange.requests()} <= {"GET"}
    assert (trades(bot), event_types(bot)) == before
    lines = shown.stdout.splitlines()
    assert [line for line in lines if "unknown to the database" in line] == [
        line for line in lines if line.startswith("SOL/USDT:USDT")
    ]
    assert "latched until /start" in shown.stdout


def test_some_pairs_close_alone_and_latch_nothing(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot)
    done = command.run(bot, "liquidate", "--yes", "--pairs", BTC)
    assert done.returncode == 0, done.stdout + done.stderr
    assert BTC not in exchange.positions()
    assert len(exchange.positions()) == 2
    assert "liquidation_latched" not in event_types(bot)
    assert [t["pair"] for t in trades(bot) if not t["is_open"]] == [BTC]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--yes"),
        (["--yes", "--preview"], "--preview: not allowed with argument -y/--yes"),
        (["--yes", "--pairs", "BTC/USDT"], "Did you mean BTC/USDT:USDT?"),
        (["--yes", "--pairs", "btc/usdt:usdt"], "Did you mean BTC/USDT:USDT?"),
        (["--yes", "--db-url", "sqlite:///nowhere.sqlite"], "nowhere.sqlite"),
        (["--yes", "--nonsense"], "--nonsense"),
        (["--yes", "--db-url", "no address"], "db_url"),
    ],
)
def test_refused_with_2_and_nothing_sent(
    exchange: PracticeExchange, make_bot: MakeBot, options: list[str], words: str
) -> None:
    bot = make_bot()
    bot.database.touch()
    refused = command.run(bot, "liquidate", *options)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert words in " ".join(refused.stderr.split())
    assert exchange.requests("/order", method="POST") == []
    assert not (bot.folder / "nowhere.sqlite").exists()


def test_configuration_that_is_wrong_is_2_and_names_the_key(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(liquidation={"timeout_seconds": "5"})
    refused = command.run(bot, "liquidate", "--yes")
    assert refused.returncode == 2
    assert "timeout_seconds" in refused.stderr


def test_positions_that_remain_are_3_and_named(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot)
    exchange.add_fault(
        "error", method="POST", path="/fapi/v1/order$", symbol="BTCUSDT", code=-4108, msg="No."
    )
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 3, done.stdout + done.stderr
    assert re.search(rf"- {re.escape(BTC)} long .*: open", done.stdout)
    assert set(exchange.positions()) == {BTC}
    assert runs(bot)[0]["state"] == "partial"


def test_two_at_once_take_turns_and_close_once(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot)
    exchange.set_latency(150)
    exchange.clear_log()
    both = [command.start(bot, "liquidate", "--yes") for _ in range(2)]
    ended = [process.communicate(timeout=90) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert exchange.positions() == {}
    assert len(closing_requests(exchange)) == 3
    first, second = runs(bot)
    assert first["finished_at"] <= second["started_at"]
    assert (first["positions_closed"], second["positions_closed"]) == (3, 0)


def test_command_killed_in_its_run_the_next_one_takes_its_turn_over(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Its turn ends by itself; the next one tells it, closes it in the record and books it."""
    bot = dead_bot(make_bot)
    exchange.set_latency(300)
    exchange.clear_log()
    process = command.start(bot, "liquidate", "--yes")
    assert exchange.wait_for_requests("/fapi/v1/order", timeout_s=60)
    process.kill()
    process.communicate(timeout=30)
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert exchange.positions() == {}
    first, second = runs(bot)
    assert (first["state"], first["positions_failed"]) == ("partial", 0)
    assert second["state"] == "completed"
    assert f"{first['correlation_id']} (cli) was cut off" in " ".join(done.stdout.split())
    assert bot.open_trades() == []
    for trade in trades(bot):
        assert trade["close_profit_abs"] == pytest.approx(
            fills_pnl(exchange, trade["pair"]), abs=0.005
        )


@pytest.mark.parametrize(("answer", "left"), [("n\n", 2), ("y\n", 0)])
def test_terminal_shows_the_preview_and_asks(
    exchange: PracticeExchange, make_bot: MakeBot, answer: str, left: int
) -> None:
    bot = dead_bot(make_bot, pairs=2)
    code, shown = command.on_terminal(bot, "liquidate", types=answer)
    assert code == 0, shown
    assert "A liquidation would close" in shown
    assert "Close 2 position(s) at market now?" in shown
    assert len(exchange.positions()) == left
    assert len(runs(bot)) == (0 if left else 1)


def test_what_was_typed_before_the_question_does_not_answer_it(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot, pairs=1)
    code, shown = command.on_terminal(bot, "liquidate", early="y\n", types="n\n")
    assert code == 0, shown
    assert "Close 1 position(s) at market now?" in shown
    assert len(exchange.positions()) == 1


def test_terminal_without_colour_has_none(exchange: PracticeExchange, make_bot: MakeBot) -> None:
    bot = dead_bot(make_bot, pairs=1)
    code, shown = command.on_terminal(bot, "liquidate", "--yes", environment={"NO_COLOR": "1"})
    assert code == 0, shown
    assert "FLAT" in shown
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38;)", shown), "a colour"


def test_postgresql_the_same(exchange: PracticeExchange, tmp_path: Path, postgresql: str) -> None:
    """The bot on PostgreSQL, killed; its book closed and booked by the command."""
    bot = OnPostgresql(tmp_path / "bot", exchange.freqtrade_config(pairs=exchange.pairs()[:2]))
    bot.address = postgresql
    bot.write_config(exchange.freqtrade_config(pairs=exchange.pairs()[:2]))
    with bot:
        bot.wait_for(lambda: len(exchange.positions()) == 2, "two positions")
        bot.wait_for(lambda: len(bot.rows("SELECT * FROM trades WHERE amount > 0")) == 2, "trades")
    bot.rows("UPDATE liquidation_lease SET clock_s = clock_s - 61 RETURNING id")
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert exchange.positions() == {}
    assert "not booked" not in done.stdout
    assert [row["is_open"] for row in bot.rows("SELECT * FROM trades")] == [False, False]
    assert command.run(bot, "status").returncode == 5


class OnPostgresql(ForkedBot):
    """A bot whose database is a server's."""

    address = ""

    def write_config(self, config: Mapping[str, Any]) -> None:
        self.config_file.write_text(json.dumps({**config, "db_url": self.address}))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        engine = create_engine(self.address)
        with engine.begin() as connection:
            found = connection.exec_driver_sql(sql).mappings().all() if self._is_there() else []
        engine.dispose()
        return [dict(row) for row in found]

    def _is_there(self) -> bool:
        return inspect(create_engine(self.address, poolclass=NullPool)).has_table("trades")


def test_first_ctrl_c_says_how_it_stands_and_aborts_nothing(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot)
    exchange.set_latency(400)
    exchange.clear_log()
    process = command.start(bot, "liquidate", "--yes")
    assert exchange.wait_for_requests("positionRisk", timeout_s=60)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, out + errors
    assert "Liquidation is under way" in out
    assert exchange.positions() == {}


def test_third_ctrl_c_forces_the_end_and_is_on_record(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot)
    exchange.set_latency(1000)
    exchange.clear_log()
    process = command.start(bot, "liquidate", "--yes")
    assert exchange.wait_for_requests("positionRisk", timeout_s=60)
    while (
        process.process.poll() is None
    ):  # what comes too early for a second or third is passed over
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)  # the kernel merges equal signals that wait
    process.communicate(timeout=30)
    assert process.returncode == 3
    assert "liquidation_abandoned" in event_types(bot)


def test_locked_database_does_not_keep_the_book_open(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """No turn, no latch but in the file, no booking: closed all the same."""
    bot = dead_bot(make_bot)
    with contextlib.closing(sqlite3.connect(bot.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = command.run(bot, "liquidate", "--yes")
        other.execute("ROLLBACK")
    assert done.returncode == 0, done.stdout + done.stderr
    assert exchange.positions() == {}
    assert "going on without" in " ".join(done.stdout.split())
    assert "cannot be read" not in done.stdout, "the lock hinders no reader of the trades"
    assert "Latched:" in done.stdout, "the lock hinders no reader"
    assert command.run(bot, "status").returncode == 5, "the latch waited in the file"


def test_database_without_trades_does_not_keep_the_book_open(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Of a future freqtrade, say: the exchange shows what is open."""
    bot = dead_bot(make_bot, pairs=1)
    with contextlib.closing(sqlite3.connect(bot.database)) as connection, connection:
        connection.execute("ALTER TABLE trades RENAME COLUMN open_rate TO opening_rate")
    done = command.run(bot, "liquidate", "--yes")
    assert exchange.positions() == {}, done.stdout + done.stderr
    assert "cannot be read" in done.stdout
    assert "Closing what the exchange shows" in " ".join(done.stdout.split())


def test_users_strategy_that_is_broken_hinders_nothing(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Nor does what the configuration says of it, which without it does not fit together."""
    bot = dead_bot(make_bot, pairs=1)
    (bot.folder / "user_data/strategies/strategy_of_bot.py").write_text("raise SystemExit(9)")
    config = json.loads(bot.config_file.read_text())
    bot.write_config({**config, "trailing_stop": True, "trailing_only_offset_is_reached": True})
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not booked" not in done.stdout
    assert [t["is_open"] for t in trades(bot)] == [0]


def test_exchange_that_is_silent_is_3_in_time(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot)
    exchange.add_fault("hang", path="positionRisk")
    process = command.start(bot, "liquidate", "--yes")
    assert exchange.wait_for_requests("positionRisk", timeout_s=60)
    began = time.monotonic()
    out, errors = process.communicate(timeout=90)
    assert process.returncode == 3, out + errors
    assert "NOT FLAT" in out
    assert time.monotonic() - began < 45, "the run's five seconds, then an attempt to book"


def test_exchange_without_markets_is_1_and_says_that_nothing_was_closed(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot, pairs=1)
    exchange.add_fault("error", path="exchangeInfo", code=-1000, msg="Down.")
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOTHING WAS CLOSED" in done.stdout
    assert "markets" in done.stderr


def test_spot_coins_sold_and_not_booked_are_not_sold_again(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """The database still calls them unsold, and the account holds more of the same coin."""
    bot = dead_bot(make_bot, pairs=1, futures=False)
    base = trades(bot)[0]["pair"].split("/")[0]
    exchange.seed_balance(base, 5)
    exchange.add_fault("hang", path="myTrades")
    renew_lease(bot)
    first = command.run(bot, "liquidate", "--yes")
    assert "not booked here" in first.stdout, first.stdout + first.stderr
    left = exchange.balances(futures=False)[base]
    assert 4.99 < float(left["free"]) < 5
    second = command.run(bot, "liquidate", "--yes")
    assert second.returncode == 0, second.stdout + second.stderr
    assert exchange.balances(futures=False)[base] == left


def test_dry_run_closes_and_books_in_the_database(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Its positions live nowhere else."""
    bot = make_bot(pairs=2, dry_run=True).start()
    wait_until_invested(bot, 2, stops=False)
    bot.kill()
    age_lease(bot)
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [t["is_open"] for t in trades(bot)] == [0, 0]
    assert {t["exit_reason"] for t in trades(bot)} == {"emergency_liquidation"}


def test_spot_sells_what_the_bot_bought(exchange: PracticeExchange, make_bot: MakeBot) -> None:
    bot = dead_bot(make_bot, pairs=2, futures=False)
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [t["is_open"] for t in trades(bot)] == [0, 0]


def test_secrets_stay_out_of_what_is_shown(exchange: PracticeExchange, make_bot: MakeBot) -> None:
    """An exchange that echoes the key, in a run and before it."""
    bot = dead_bot(make_bot, pairs=1)
    exchange.add_fault(
        "error", method="POST", path="/fapi/v1/order$", code=-4108, msg="No, {api_key}."
    )
    refused = command.run(bot, "liquidate", "--yes", "-vv")
    assert refused.returncode == 3
    assert f"{BTC}: NOT CLOSED" in refused.stdout
    assert "No, ***" in refused.stdout
    exchange.add_fault("error", path="positionSide", code=-4108, msg="Not you, {api_key}.")
    unknown = command.run(bot, "liquidate", "--yes")
    assert unknown.returncode == 1
    assert "***" in unknown.stderr
    for text in (refused.stdout, refused.stderr, unknown.stdout, unknown.stderr, str(events(bot))):
        assert exchange.settings.key not in text
        assert exchange.settings.secret not in text


def test_position_unknown_to_the_database_is_closed_and_reckoned(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot, pairs=1)
    exchange.seed_position("SOL/USDT:USDT", 1)
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert exchange.positions() == {}
    assert re.search(r"SOL/USDT:USDT long 1 closed \(unknown to the database\): -0\.", done.stdout)
    assert runs(bot)[0]["total_realized_pnl"] is not None


def test_end_of_input_is_no_yes(exchange: PracticeExchange, make_bot: MakeBot) -> None:
    bot = dead_bot(make_bot, pairs=1)
    code, shown = command.on_terminal(bot, "liquidate", types="\x04")
    assert code == 1, shown
    assert len(exchange.positions()) == 1
    assert runs(bot) == []


def test_bot_that_starts_meanwhile_books(exchange: PracticeExchange, make_bot: MakeBot) -> None:
    """Two that book at once are one too many."""
    bot = dead_bot(make_bot, pairs=1)
    exchange.set_latency(300)
    exchange.clear_log()
    process = command.start(bot, "liquidate", "--yes")
    assert exchange.wait_for_requests("positionRisk", timeout_s=60)
    renew_lease(bot)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, out + errors
    assert "has started meanwhile: it books" in out
    assert len(bot.open_trades()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_user_that_no_passwd_entry_names_closes_the_book(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """As in a container with ``--user 12345``: the commands go on, and the record says who asked.

    The test's files are root's, so the process keeps the right to read and write them.
    """
    bot = dead_bot(make_bot, pairs=1)
    for words in (["disarm", "--for", "1m"], ["arm"], ["liquidate", "--yes"], ["release"]):
        done = command.run_as_stranger(bot, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert exchange.positions() == {}
    assert runs(bot)[0]["actor"].startswith("uid 12345@")

"""``liquidate`` beside a bot: one that answers, one that hangs, one that was just killed."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import MakeBot, event_types, runs, said, wait_until_invested
from tests.integration.operator import Operator
from tests.integration.test_main_job import closing_requests, fills_pnl

BTC = "BTC/USDT:USDT"

AT_REST = {"process_throttle_secs": 60}
"""Between two loops the bot looks at what others want; a slow loop may miss the two seconds."""


@contextmanager
def hanging(bot: BotProcess, *, locked: bool) -> Iterator[None]:
    """The bot stands still, with nothing in its hand.

    :param locked: as if it hung in a commit of its own: nobody else can write the database.
    """
    lock = sqlite3.connect(bot.database, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    bot.send(signal.SIGSTOP)
    bot.wait_for(lambda: _is_stopped(bot), "its standstill")
    if not locked:
        lock.close()
    yield
    lock.close()
    bot.send(signal.SIGCONT)


def _is_stopped(bot: BotProcess) -> bool:
    return bool(psutil.Process(bot.process.pid).status() == psutil.STATUS_STOPPED)


def wait_for_lease(bot: BotProcess) -> None:
    bot.wait_for(lambda: bool(bot.query("SELECT * FROM liquidation_lease")), "a lease")


def check_booked(exchange: PracticeExchange, bot: BotProcess) -> None:
    """Each trade is closed, by us, with what the exchange's fills come to."""
    trades = bot.query("SELECT * FROM trades")
    assert [trade["is_open"] for trade in trades] == [0] * len(trades)
    assert {trade["exit_reason"] for trade in trades} == {"emergency_liquidation"}
    for trade in trades:
        expected = fills_pnl(exchange, trade["pair"])
        assert trade["close_profit_abs"] == pytest.approx(expected, abs=0.005)


def entries(exchange: PracticeExchange) -> list[str]:
    """Orders that could open a position."""
    return [
        request["params"].get("symbol", "")
        for request in exchange.requests("/order", method="POST")
        if request["params"].get("reduceOnly", "false").lower() != "true"
    ]


def test_bot_that_answers_carries_it_out_and_ends_stopped(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    operator = Operator()
    bot = make_bot(api_server=operator.config, internals=AT_REST)
    with bot:
        wait_until_invested(bot, 3, stops=False)
        wait_for_lease(bot)
        shown = command.run(bot, "status")
        assert "The bot runs on" in shown.stdout
        done = command.run(bot, "liquidate", "--yes", "--reason", "fire")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "carries it out" in done.stdout
        assert f"{BTC}: closed" in done.stdout
        assert "FLAT, verified" in done.stdout
        assert exchange.positions() == {}
        bot.wait_for(lambda: operator.state() == "stopped", "the stopped state")
        (run,) = runs(bot)
        assert (run["trigger"], run["reason"]) == ("cli", "fire")
        assert "@" in run["actor"]
        check_booked(exchange, bot)
        assert command.run(bot, "status").returncode == 5
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    assert "has ended" in command.run(bot, "status").stdout


def test_bot_that_answers_closes_some_pairs_and_goes_on(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    operator = Operator()
    bot = make_bot(api_server=operator.config, internals=AT_REST)
    with bot:
        wait_until_invested(bot, 3, stops=False)
        wait_for_lease(bot)
        done = command.run(bot, "liquidate", "--yes", "--pairs", BTC)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "carries it out" in done.stdout
        assert operator.state() == "running"
        assert set(exchange.positions()) == set(exchange.pairs()[:3]) - {BTC}
        assert "liquidation_latched" not in event_types(bot)


@pytest.mark.parametrize("locked", [False, True])
def test_bot_that_hangs_finds_its_book_closed_and_books_it(
    exchange: PracticeExchange, make_bot: MakeBot, locked: bool
) -> None:
    """SIGSTOP, the command, SIGCONT: it never enters again, and nothing is closed twice."""
    operator = Operator()
    bot = make_bot(api_server=operator.config)
    with bot:
        wait_until_invested(bot, 3)
        wait_for_lease(bot)
        with hanging(bot, locked=locked):
            exchange.clear_log()
            done = command.run(bot, "liquidate", "--yes")
            assert done.returncode == 0, done.stdout + done.stderr
            words = "cannot be asked" if locked else "did not take the request within 2 s"
            assert words in done.stdout
            assert "not booked here: the bot books it" in done.stdout
            assert exchange.positions() == {}
            assert len(bot.open_trades()) == 3
        bot.wait_for(lambda: not bot.open_trades(), "its booking")
        bot.wait_for(lambda: operator.state() == "stopped", "the stopped state")
        check_booked(exchange, bot)
        assert entries(exchange) == []
        assert len(closing_requests(exchange)) == 3
        assert [run["trigger"] for run in runs(bot)] == ["cli"]
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
        assert len(closing_requests(exchange)) == 3
    assert command.run(bot, "status").returncode == 5


@pytest.mark.parametrize("locked", [False, True])
def test_bot_that_hangs_enters_no_pair_that_was_closed(
    exchange: PracticeExchange, make_bot: MakeBot, locked: bool
) -> None:
    """A run for some pairs latches nothing, and yet bars them."""
    operator = Operator()
    bot = make_bot(api_server=operator.config)
    with bot:
        wait_until_invested(bot, 3)
        wait_for_lease(bot)
        with hanging(bot, locked=locked):
            done = command.run(bot, "liquidate", "--yes", "--pairs", BTC)
            assert done.returncode == 0, done.stdout + done.stderr
            assert ("going on without" in " ".join(done.stdout.split())) is locked
            exchange.clear_log()
        bot.wait_for(lambda: len(bot.open_trades()) == 2, "its booking")
        operator.ask("forceenter", {"pair": BTC, "side": "long"})
        bot.wait_for(lambda: f"Entry into {BTC} refused" in said(bot), "the refusal")
        assert operator.state() == "running"
        assert BTC not in exchange.positions()
        assert entries(exchange) == []


def test_bot_killed_a_moment_ago_books_at_its_next_start(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """For a minute nobody can tell it from one that hangs."""
    bot = make_bot()
    with bot:
        wait_until_invested(bot, 3)
        wait_for_lease(bot)
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert exchange.positions() == {}
    assert len(bot.open_trades()) == 3
    exchange.clear_log()
    with bot:
        bot.wait_for(lambda: not bot.open_trades(), "its booking")
        bot.wait_for(lambda: "Latched by cli" in said(bot), "the latch")
        bot.wait_for(lambda: event_types(bot).count("liquidation_booked") == 3, "its record")
        check_booked(exchange, bot)
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    assert entries(exchange) == []

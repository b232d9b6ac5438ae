"""On spot, what a run has sold is not sold again, whoever runs next and whatever is booked."""

import contextlib
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.host.lease import BookDatabase, RunClaims
from tests.integration import command
from tests.integration.conftest import MakeBot, runs, wait_until_invested
from tests.integration.operator import Operator
from tests.integration.test_liquidate_command import dead_bot


@pytest.fixture
def operator() -> Operator:
    return Operator()


def held(exchange: PracticeExchange, base: str) -> float:
    balance = exchange.balances(futures=False)[base]
    return float(balance["free"]) + float(balance["locked"])


def test_run_that_finishes_a_killed_one_does_not_sell_its_coins_again(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """The database still calls them unsold, and the user has coins of his own."""
    pair = exchange.pairs(futures=False)[0]
    exchange.seed_balance(pair.split("/")[0], 5)
    bot = make_bot(futures=False, pairs=1, api_server=operator.config)
    with bot, ThreadPoolExecutor(1) as pool:
        wait_until_invested(bot, 1)
        bot.wait_for(lambda: operator.state() is not None, "REST")
        exchange.add_fault("hang", path="myTrades")
        pending = pool.submit(operator.ask, "liquidate")
        bot.wait_for(lambda: len(exchange.fills(False)) == 2, "a sell")
        bot.kill()
        pending.exception(30)

        bot.start()
        bot.wait_for(lambda: [r["trigger"] for r in runs(bot)] == ["rest", "recovery"], "a run")
        bot.wait_for(lambda: runs(bot)[-1]["finished_at"] is not None, "its end")
    assert len(exchange.fills(False)) == 2
    assert held(exchange, pair.split("/")[0]) >= 5 * 0.999


def test_signal_right_after_a_start_does_not_sell_again_what_is_not_booked_yet(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """The exchange did not say in time what became of the killed run's order."""
    pair = exchange.pairs(futures=False)[0]
    exchange.seed_balance(pair.split("/")[0], 5)
    with make_bot(futures=False, pairs=1) as bot:
        wait_until_invested(bot, 1)
        exchange.add_fault("hang", path="myTrades")
        bot.send(signal.SIGTERM)
        bot.wait_for(lambda: len(exchange.fills(False)) == 2, "a sell")
        bot.kill()
        slow = exchange.add_fault("latency", path="/api/v3/exchangeInfo", latency_ms=1500)
        exchange.clear_log()
        bot.start()
        assert exchange.wait_for_requests("/api/v3/exchangeInfo", 1, 30)
        bot.send(signal.SIGTERM)
        bot.wait(40)
        exchange.remove_fault(slow)
    assert len(exchange.fills(False)) == 2
    assert held(exchange, pair.split("/")[0]) >= 5 * 0.999


def test_freqtrades_own_exit_does_not_sell_again_what_a_run_may_have_sold(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """The run's sell is not answered and executes seconds later; the paused bot manages exits."""
    pair = exchange.pairs(futures=False)[0]
    exchange.seed_balance(pair.split("/")[0], 5)
    with make_bot(futures=False, pairs=1, api_server=operator.config) as bot:
        wait_until_invested(bot, 1)
        bot.wait_for(lambda: operator.state() is not None, "REST")
        exchange.add_fault("late", method="POST", path="/api/v3/order$", delay_ms=9000, times=1)
        assert operator.ask("liquidate")["state"] == "failed"
        assert operator.state() == "paused"
        operator.ask("forceexit", {"tradeid": "all", "ordertype": "market"})
        bot.wait_for(lambda: len(exchange.fills(False)) > 1, "a sell")
    sent = [r["params"] for r in exchange.requests("/api/v3/order", method="POST")]
    sells = [p for p in sent if (p["side"], p["type"]) == ("SELL", "MARKET")]
    assert [p["newClientOrderId"][:3] for p in sells] == ["ftl"], "freqtrade has sent none"
    stops = [p for p in sent if p["type"].startswith("STOP")]
    assert len(stops) == 1, "the first one, and none for coins that may be sold"
    assert len(exchange.fills(False)) == 2
    assert held(exchange, pair.split("/")[0]) >= 5 * 0.999


@contextlib.contextmanager
def locked(bot: BotProcess) -> Iterator[None]:
    """Another program, a backup, say, keeps everybody else from writing the database."""
    with contextlib.closing(sqlite3.connect(bot.database, isolation_level=None, timeout=20)) as it:
        it.execute("BEGIN IMMEDIATE")
        yield
        it.execute("ROLLBACK")


@pytest.mark.parametrize(("held_s", "gap_s"), [(5.0, 2.4), (6.0, 0.5)])
def test_command_right_after_a_run_that_could_not_be_booked_yet_sells_nothing(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator, held_s: float, gap_s: float
) -> None:
    """The bot books as soon as the lock is gone, while the command reads what is left to sell."""
    pairs = exchange.pairs(futures=False)[:2]
    for pair in pairs:
        exchange.seed_balance(pair.split("/")[0], 5)
    bot = make_bot(futures=False, pairs=2, api_server=operator.config)
    with bot, ThreadPoolExecutor(1) as pool:
        wait_until_invested(bot, 2)
        bot.wait_for(lambda: operator.state() is not None, "REST")
        exchange.set_latency(100)
        began, bought = time.monotonic(), len(exchange.fills(False))
        with locked(bot):
            first = pool.submit(operator.ask, "liquidate")
            time.sleep(gap_s)
            second = command.start(bot, "liquidate", "--yes")
            time.sleep(max(0.0, began + held_s - time.monotonic()))
        assert first.result(30)["state"] == "completed"
        out, errors = second.communicate(60)
        assert second.returncode == 0, out + errors
    assert len(exchange.fills(False)) - bought == 2
    for pair in pairs:
        assert held(exchange, pair.split("/")[0]) >= 5 * 0.999


def test_command_that_waits_for_its_turn_does_not_sell_what_is_booked_meanwhile(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """The run before it ends with its books, and nothing on the record says that it is open."""
    base = exchange.pairs(futures=False)[0].split("/")[0]
    bot = dead_bot(make_bot, pairs=1, futures=False)
    another = RunClaims(BookDatabase(f"sqlite:///{bot.database}"))
    assert another.acquire("liq_another", for_s=60.0)
    exchange.clear_log()
    waiting = command.start(bot, "liquidate", "--yes")
    assert exchange.wait_for_requests("/api/v3/exchangeInfo", 1, 30)
    time.sleep(3)
    with contextlib.closing(sqlite3.connect(bot.database)) as connection, connection:
        connection.execute("UPDATE trades SET is_open = 0, amount = 0")
    exchange.seed_balance(base, 5)
    another.release("liq_another")
    out, errors = waiting.communicate(60)
    assert waiting.returncode == 0, out + errors
    assert "liq_another runs on" in " ".join(out.split())
    assert exchange.requests("/api/v3/order", method="POST") == []


def test_database_that_stays_locked_does_not_keep_a_hanging_bots_coins(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """No run can be under way any more when the command has waited for as long as one lasts."""
    base = exchange.pairs(futures=False)[0].split("/")[0]
    exchange.seed_balance(base, 5)
    bot = dead_bot(make_bot, pairs=1, futures=False)
    with locked(bot):
        done = command.run(bot, "liquidate", "--yes")
    assert "another run may be under way: waiting" in " ".join(done.stdout.split())
    assert len(exchange.fills(False)) == 2, done.stdout + done.stderr
    assert held(exchange, base) >= 5 * 0.999

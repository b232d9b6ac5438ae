"""Orders of freqtrade's whose answer is lost, in a real bot, where the account is shared.

freqtrade gives up on each of them, and the exchange executes it all the same. What the user holds
beside the bot is the measure: it is as much after the run as before, and nothing rests over it.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import MakeBot, runs, said, wait_until_invested
from tests.integration.operator import Operator
from tests.integration.test_liquidate_command import age_lease

ENTRY: dict[str, Any] = {"method": "POST", "path": "/api/v3/order$", "side": "BUY", "times": 1}
EXIT: dict[str, Any] = {**ENTRY, "side": "SELL"}
ON_FUTURES: dict[str, Any] = {**EXIT, "path": "/fapi/v1/order$"}
FUTURES_STOP: dict[str, Any] = {"method": "POST", "path": "/fapi/v1/algoOrder$", "times": 1}


@pytest.fixture
def operator() -> Operator:
    return Operator()


def noted(bot: BotProcess) -> list[dict[str, Any]]:
    return bot.query("SELECT * FROM liquidation_noted_orders")


def held(exchange: PracticeExchange, pair: str) -> float:
    balance = exchange.balances(futures=False)[pair.split("/")[0]]
    return float(balance["free"]) + float(balance["locked"])


def position(exchange: PracticeExchange, pair: str) -> float:
    return float(exchange.positions()[pair]["amount"])


def add_users_contracts(exchange: PracticeExchange, pair: str) -> None:
    exchange.seed_position(pair, round(position(exchange, pair) + 0.5, 3))


@contextmanager
def invested_spot(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> Iterator[BotProcess]:
    """Beside 5 coins of the user's."""
    exchange.seed_balance(exchange.pairs(futures=False)[0].split("/")[0], 5)
    with make_bot(futures=False, pairs=1, api_server=operator.config) as bot:
        wait_until_invested(bot, 1)
        bot.wait_for(lambda: operator.state() is not None, "REST")
        yield bot


def force_exit(operator: Operator) -> None:
    operator.ask("forceexit", {"tradeid": "1", "ordertype": "market"})


@pytest.mark.parametrize("is_lost", [True, False], ids=["answer lost", "under way"])
def test_exit_in_the_air_is_not_closed_again_in_scope_trades(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator, is_lost: bool
) -> None:
    """A reduce-only close beside it reduced the user's contracts."""
    pair = exchange.pairs()[0]
    bot = make_bot(pairs=1, api_server=operator.config, liquidation={"scope": "trades"})
    with bot, ThreadPoolExecutor(1) as pool:
        wait_until_invested(bot, 1)
        bot.wait_for(lambda: operator.state() is not None, "REST")
        add_users_contracts(exchange, pair)
        if is_lost:
            exchange.add_fault("drop_after", **ON_FUTURES)
        else:
            exchange.set_latency(800)
        pending = pool.submit(force_exit, operator)
        bot.wait_for(lambda: position(exchange, pair) == 0.5, "its execution")
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
        pending.exception(30)
    assert position(exchange, pair) == 0.5
    assert noted(bot) == []


def test_spot_stop_whose_answer_is_lost_is_cancelled(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """FLAT was told while it rested over the user's coins."""
    pair = exchange.pairs(futures=False)[0]
    exchange.seed_balance(pair.split("/")[0], 5)
    exchange.add_fault("drop_after", **EXIT)
    with make_bot(futures=False, pairs=1) as bot:
        wait_until_invested(bot, 1, stops=False)
        bot.wait_for(lambda: bool(exchange.open_orders(futures=False)), "a stop")
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130
    assert exchange.open_orders(futures=False) == []
    assert held(exchange, pair) == pytest.approx(5, abs=0.0001)


def test_futures_stop_whose_answer_is_lost_is_cancelled_in_scope_trades(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Left behind, it would close a part of the user's position later."""
    pair = exchange.pairs()[0]
    exchange.add_fault("drop_after", **FUTURES_STOP)
    with make_bot(pairs=1, liquidation={"scope": "trades"}) as bot:
        wait_until_invested(bot, 1, stops=False)
        bot.wait_for(lambda: bool(exchange.open_algo_orders()), "a stop")
        add_users_contracts(exchange, pair)
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130
    assert exchange.open_algo_orders() == []
    assert position(exchange, pair) == 0.5


@pytest.mark.parametrize("scope", ["account", "trades"])
def test_stop_that_is_under_way_at_the_signal_is_waited_for(
    exchange: PracticeExchange, make_bot: MakeBot, scope: str
) -> None:
    exchange.add_fault("late", **FUTURES_STOP, delay_ms=1500)
    with make_bot(pairs=1, liquidation={"scope": scope}) as bot:
        wait_until_invested(bot, 1, stops=False)
        assert exchange.wait_for_requests("algoOrder", 1, 20)
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130
    assert exchange.open_algo_orders() == []
    assert exchange.positions() == {}


@pytest.mark.parametrize("by", ["restart", "command"])
def test_exit_whose_answer_was_lost_is_not_sold_again_by_another_process(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator, by: str
) -> None:
    """What the bot knew of it died with the bot, and the database calls its coins unsold."""
    pair = exchange.pairs(futures=False)[0]
    with invested_spot(exchange, make_bot, operator) as bot:
        operator.ask("pause")
        exchange.add_fault("drop_after", **EXIT)
        force_exit(operator)
        bot.wait_for(lambda: len(exchange.fills(False)) == 2, "its execution")
        bot.kill()
        assert [row["kind"] for row in noted(bot)] == ["exit"]
        if by == "command":
            age_lease(bot)
            assert command.run(bot, "liquidate", "--yes").returncode == 0
        else:
            bot.log_file.unlink()
            bot.start()
            bot.wait_for(lambda: "Stopping this bot" in said(bot), "an armed bot")
            bot.send(signal.SIGTERM)
            assert bot.wait(20) == 130
            assert noted(bot) == []
    assert held(exchange, pair) == pytest.approx(5, abs=0.0001)
    assert exchange.open_orders(futures=False) == []


@pytest.mark.parametrize("bot_is", ["dead", "hung"])
@pytest.mark.parametrize("futures", [False, True], ids=["spot", "futures"])
def test_entry_whose_answer_was_lost_is_closed_by_a_command(
    exchange: PracticeExchange, make_bot: MakeBot, bot_is: str, futures: bool
) -> None:
    """FLAT was told while the coins were held."""
    pair = exchange.pairs(futures=futures)[0]
    path = "/fapi/v1/order$" if futures else ENTRY["path"]
    exchange.add_fault("late", **ENTRY | {"path": path}, delay_ms=300)
    with make_bot(futures=futures, pairs=1, liquidation={"scope": "trades"}) as bot:
        bot.wait_for(lambda: len(exchange.fills(futures)) == 1, "its execution")
        if bot_is == "dead":
            bot.kill()
            age_lease(bot)
        else:
            os.kill(bot.process.pid, signal.SIGSTOP)
        try:
            done = command.run(bot, "liquidate", "--yes")
        finally:
            if bot_is == "hung":
                os.kill(bot.process.pid, signal.SIGCONT)
        assert done.returncode == 0, done.stdout + done.stderr
        bot.kill()
        assert noted(bot) == []
    if futures:
        assert exchange.positions() == {}
    else:
        assert held(exchange, pair) == pytest.approx(0, abs=0.0001)


def test_entry_that_a_run_found_and_could_not_sell_is_sold_by_the_next_one(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """The first run ended its note, and the repeat left the coins where they were."""
    pair = exchange.pairs(futures=False)[0]
    exchange.seed_balance(pair.split("/")[0], 5)
    exchange.add_fault("drop_after", **ENTRY)
    refusal = {"code": -2010, "msg": "Account has insufficient balance for requested action."}
    exchange.add_fault("error", **ENTRY | {"times": None}, after=1, **refusal)
    with make_bot(futures=False, pairs=1, api_server=operator.config) as bot:
        bot.wait_for(lambda: len(exchange.fills(False)) == 1, "its execution")
        bot.wait_for(lambda: operator.state() is not None, "REST")
        refused = exchange.add_fault("error", **EXIT | {"times": None}, **refusal)
        operator.ask("liquidate")
        assert [run["state"] for run in runs(bot)] == ["failed"]
        assert [row["kind"] for row in noted(bot)] == ["entry"]
        exchange.remove_fault(refused)
        operator.ask("liquidate")
        assert runs(bot)[-1]["state"] == "completed"
        assert noted(bot) == []
    assert held(exchange, pair) == pytest.approx(5, abs=0.0001)


@pytest.mark.parametrize("futures", [False, True], ids=["spot", "futures"])
def test_entry_whose_answer_never_comes_is_shown_closed_once_it_is_found(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator, futures: bool
) -> None:
    """It was told as not shown closed: freqtrade's loop let go of it late, and nothing else was
    believed of it for three seconds more, though it had been found and closed."""
    path = "/fapi/v1/order$" if futures else ENTRY["path"]
    with make_bot(
        futures=futures, pairs=1, api_server=operator.config, initial_state="stopped",
        ccxt={"timeout": 3000},
    ) as bot:  # fmt: skip
        bot.wait_for(lambda: operator.state() == "stopped", "REST")
        exchange.add_fault("late", **ENTRY | {"path": path}, delay_ms=100)
        operator.ask("start")
        bot.wait_for(lambda: len(exchange.fills(futures)) == 1, "its execution")
        answer = operator.ask("liquidate")
        assert answer["state"] == "completed", answer
        assert noted(bot) == []
    if futures:
        assert exchange.positions() == {}


@pytest.mark.parametrize("futures", [False, True], ids=["spot", "futures"])
def test_stop_that_freqtrade_is_placing_is_at_its_end_in_the_database_too(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator, futures: bool
) -> None:
    """The pair was booked before freqtrade had written the stop down, and it stayed open there."""
    path = "/fapi/v1/algoOrder$" if futures else "/api/v3/order$"
    kind = {} if futures else {"params": {"type": "STOP_LOSS_LIMIT"}}
    exchange.add_fault("latency", method="POST", path=path, latency_ms=700, times=1, **kind)
    with make_bot(futures=futures, pairs=1, api_server=operator.config) as bot:
        bot.wait_for(lambda: operator.state() is not None, "REST")
        log = exchange.core.log
        assert log.wait_for(lambda rows: any(row.faults for row in rows), 30), "a stop on its way"
        answer = operator.ask("liquidate")
        assert answer["state"] == "completed", answer
        rows = bot.query("SELECT ft_order_side, status, ft_is_open FROM orders")
    assert "stoploss" in {row["ft_order_side"] for row in rows}
    assert [row for row in rows if row["ft_is_open"]] == []

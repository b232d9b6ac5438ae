"""On spot, what a run has sold is not sold again, whoever runs next and whatever is booked."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import MakeBot, runs, wait_until_invested
from tests.integration.operator import Operator


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

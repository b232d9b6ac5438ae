"""Cut off in the middle: while a bot is built, while an operator's run is under way."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import (
    MakeBot,
    event_types,
    events,
    runs,
    said,
    wait_until_invested,
)
from tests.integration.operator import Operator


@pytest.fixture
def operator() -> Operator:
    return Operator()


def test_signal_while_the_bot_is_being_built_closes_the_book_that_it_finds(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Plain freqtrade has no exit yet: it would end with its positions open."""
    with make_bot(pairs=2) as bot:
        wait_until_invested(bot, 2)
        bot.kill()
        assert len(exchange.positions()) == 2
        exchange.clear_log()
        slow = exchange.add_fault("latency", path="/fapi/v1/exchangeInfo", latency_ms=1500)
        bot.start()
        assert exchange.wait_for_requests("/fapi/v1/exchangeInfo", 1, 30)
        bot.send(signal.SIGTERM)
        assert bot.wait(40) == 130, bot.log_tail()
        exchange.remove_fault(slow)
    assert exchange.positions() == {}
    assert [(run["trigger"], run["state"]) for run in runs(bot)] == [("shutdown", "completed")]
    assert "Signal heard" in bot.log()


def test_operators_run_that_was_killed_is_finished_at_the_next_start(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """The order was given less than a quarter of an hour ago; nobody has taken it back."""
    bot = make_bot(pairs=2, api_server=operator.config, liquidation={"timeout_seconds": 10})
    with bot, ThreadPoolExecutor(1) as pool:
        wait_until_invested(bot, 2)
        bot.wait_for(lambda: operator.state() is not None, "REST")
        hanging = exchange.add_fault("hang", method="POST", path="/fapi/v1/(order|batchOrders)$")
        pending = pool.submit(operator.ask, "liquidate", {"reason": "a bad feeling"})
        bot.wait_for(lambda: "liquidation_close_intended" in event_types(bot), "a close")
        bot.kill()
        pending.exception(30)
        assert len(exchange.positions()) == 2
        exchange.remove_fault(hanging)

        bot.start()
        bot.wait_for(lambda: [r["trigger"] for r in runs(bot)] == ["rest", "recovery"], "a run")
        bot.wait_for(lambda: runs(bot)[-1]["state"] == "completed", "its end")
        assert exchange.positions() == {}
        killed, finishing = runs(bot)
        assert killed["state"] == "failed"
        assert (finishing["actor"], finishing["reason"]) == ("operator", "a bad feeling")
        started = [e for e in events(bot) if e["event_type"] == "liquidation_started"][-1]
        assert started["additional_data"]["finishes"] == killed["correlation_id"]
        bot.wait_for(lambda: operator.state() == "stopped", "a bot that stays stopped")
        assert bot.open_trades() == []
    reasons = bot.query("SELECT DISTINCT exit_reason FROM trades")
    assert [row["exit_reason"] for row in reasons] == ["emergency_liquidation"]


def test_operators_run_latches_before_it_closes_anything(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """Killed in its middle, a bot must not come back trading."""
    bot = make_bot(pairs=2, api_server=operator.config)
    with bot, ThreadPoolExecutor(1) as pool:
        wait_until_invested(bot, 2)
        bot.wait_for(lambda: operator.state() is not None, "REST")
        exchange.add_fault("hang", method="POST", path="/fapi/v1/(order|batchOrders)$")
        pending = pool.submit(operator.ask, "liquidate")
        bot.wait_for(lambda: "liquidation_close_intended" in event_types(bot), "a close")
        assert "liquidation_latched" in event_types(bot)
        bot.kill()
        pending.exception(30)


@pytest.mark.parametrize("scope", ["account", "trades"])
def test_list_that_is_empty_by_mistake_does_not_close_what_a_killed_run_left_open(
    exchange: PracticeExchange, make_bot: MakeBot, scope: str
) -> None:
    """Nothing was closed; at the next start the exchange lists nothing, for some answers."""
    with make_bot(pairs=2, liquidation={"scope": scope}) as bot:
        wait_until_invested(bot, 2)
        before = {pair: abs(float(p["amount"])) for pair, p in exchange.positions().items()}
        exchange.add_fault("hang")
        bot.send(signal.SIGTERM)
        bot.wait_for(lambda: "liquidation_started" in event_types(bot), "a run")
        bot.kill()
        exchange.clear_faults()
        exchange.add_fault(
            "answer", method="GET", path="positionRisk", status=200, body="[]", times=6
        )
        bot.start()
        bot.wait_for(lambda: "liquidation_interrupted" in event_types(bot), "the record")
        (run,) = runs(bot)
        bot.wait_for(lambda: "OPEN, left by liquidation" in said(bot), "what is open")
        bot.kill()
    assert (run["state"], run["positions_closed"], run["positions_failed"]) == ("failed", 0, 2)
    assert "liquidate" in said(bot).split("OPEN, left by liquidation")[1]
    outcome = json.loads(run["outcome"])
    assert {o["pair"]: o["amount"] for o in outcome} == pytest.approx(before)
    assert {o["state"] for o in outcome} <= {"open", "not_proven"}

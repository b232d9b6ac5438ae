"""The four endpoints on freqtrade's real REST server, with a real bot behind it."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import (
    MakeBot,
    event_types,
    events,
    runs,
    wait_until_invested,
)
from tests.integration.operator import Operator


@pytest.fixture
def operator() -> Operator:
    return Operator()


def invested(make_bot: MakeBot, operator: Operator, **settings: Any) -> BotProcess:
    """A bot with two positions, a stop each, whose REST server answers."""
    config = operator.config | {"enable_openapi": True}
    bot = make_bot(pairs=2, api_server=config, **settings).start()
    wait_until_invested(bot, 2)
    bot.wait_for(lambda: operator.state() is not None, "REST")
    return bot


def test_preview_shows_the_book_and_sends_nothing(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = invested(make_bot, operator, liquidation={"close_positions": False})
    stranger = exchange.pairs()[2]
    exchange.seed_position(stranger, 0.5)
    exchange.clear_log()
    shown = operator.ask("liquidate", {"preview": True})
    lines = {line["pair"]: line for line in shown["positions"]}
    assert set(lines) == set(exchange.positions())
    assert [line["tracked"] for line in lines.values()] == [pair != stranger for pair in lines]
    for pair, line in lines.items():
        assert line["amount"] == pytest.approx(abs(float(exchange.positions()[pair]["amount"])))
        assert line["estimated_cost"] == pytest.approx(line["amount"] * line["price"] * 0.0005)
        assert line["estimated_profit"] is not None
    assert lines[stranger]["protected"] is False
    assert shown["overrides"] == ["close_positions is false"]
    assert shown["state_after"] == "STOPPED, latched until /start or release"
    assert shown["currency"] == "USDT"
    assert exchange.requests("", method="POST") == []
    assert exchange.requests("", method="DELETE") == []
    assert runs(bot) == []


def test_previews_in_quick_succession_leave_a_run_the_requests_it_needs(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """They used up what the exchange takes in a minute, and a signal closed nothing."""
    bot = invested(make_bot, operator)
    exchange.clear_log()
    shown = [operator.ask("liquidate", {"preview": True}) for _ in range(100)]
    assert {len(one["positions"]) for one in shown} == {2}
    assert max(one["age_s"] for one in shown) > 0
    bot.send(signal.SIGTERM)
    assert bot.wait(30) == 130
    assert exchange.positions() == {}


def test_liquidate_closes_the_book_stops_and_latches(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = invested(make_bot, operator)
    result = operator.ask("liquidate", {"reason": "a bad feeling"})
    assert result["state"] == "completed"
    assert result["positions_closed"] == 2
    assert {line["state"] for line in result["outcome"]} == {"closed"}
    assert exchange.positions() == {}
    (run,) = runs(bot)
    assert (run["trigger"], run["actor"], run["reason"]) == ("rest", "operator", "a bad feeling")
    assert run["correlation_id"] == result["correlation_id"]
    shown = operator.ask("liquidation", method="GET")
    assert shown["bot_state"] == "STOPPED"
    assert result["correlation_id"] in shown["latched_by"]
    assert shown["last_run"]["correlation_id"] == result["correlation_id"]
    types = event_types(bot)
    assert types.index("liquidation_latched") < types.index("liquidation_close_intended")


def test_liquidate_one_pair_leaves_the_other_and_the_bot_as_they_are(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = invested(make_bot, operator, force_entry_enable=True)
    first, second, third = exchange.pairs()[:3]
    result = operator.ask("liquidate", {"pairs": [first, third]})
    assert result["state"] == "completed", result
    assert list(exchange.positions()) == [second]
    shown = operator.ask("liquidation", method="GET")
    assert (shown["bot_state"], shown["latched_by"]) == ("RUNNING", None)
    for pair in (first, third):  # freqtrade's own way past its locks and its whitelist
        operator.reply("forceenter", {"pair": pair, "side": "long"})
        assert list(exchange.positions()) == [second], f"{pair} is barred"
    assert operator.ask("start") == {
        "status": f"already running; entries allowed again: {first}, {third}"
    }
    operator.reply("forceenter", {"pair": third, "side": "long"})
    bot.wait_for(lambda: set(exchange.positions()) == {second, third}, "an entry")


def test_liquidate_works_while_the_bot_is_stopped(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = invested(make_bot, operator, liquidation={"triggers": ["shutdown"]})
    operator.ask("stop")
    bot.wait_for(lambda: operator.state() == "stopped", "a stopped bot")
    assert len(exchange.positions()) == 2
    assert operator.ask("liquidate")["state"] == "completed"
    assert exchange.positions() == {}
    assert bot.open_trades() == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"pairs": []}, "at least 1 item"),
        ({"pairs": "BTC/USDT:USDT"}, "valid list"),
        ({"pairs": ["BTC/NOPE"]}, "not a pair of this exchange: BTC/NOPE"),
        ({"preview": "yes"}, "valid boolean"),
        ({"pair": ["BTC/USDT:USDT"]}, "Extra inputs"),
    ],
)
def test_bad_input_is_refused_in_words_and_nothing_happens(
    exchange: PracticeExchange, rest_bot: BotProcess, operator: Operator, body: Any, words: str
) -> None:
    code, answer = operator.reply("liquidate", body)
    assert code == 422
    assert words in json.dumps(answer)
    assert runs(rest_bot) == []


def test_stranger_gets_nothing(rest_bot: BotProcess, operator: Operator) -> None:
    for command, method in (
        ("liquidate", "POST"),
        ("liquidation", "GET"),
        ("liquidation/disarm", "POST"),
        ("liquidation/arm", "POST"),
    ):
        code, _ = operator.reply(command, {"for": "5m"}, method=method, password="guess")
        assert code == 401, command
    assert runs(rest_bot) == []


@pytest.fixture
def rest_bot(make_bot: MakeBot, operator: Operator) -> BotProcess:
    """Without a position: enough for what must be refused."""
    config = operator.config | {"enable_openapi": True}
    bot = make_bot(pairs=2, api_server=config, initial_state="stopped").start()
    bot.wait_for(lambda: operator.state() == "stopped", "REST")
    bot.wait_for(lambda: operator.reply("liquidation", None, method="GET")[0] == 200, "our part")
    return bot


def test_disarm_and_arm_are_on_record_and_shown(rest_bot: BotProcess, operator: Operator) -> None:
    code, shown = operator.reply("liquidation/disarm", {"for": "15m", "reason": "an update"})
    assert code == 200, shown
    assert (shown["armed"], shown["disarmed_by"]) == (False, "rest operator")
    code, answer = operator.reply("liquidation/disarm", {"for": "25h"})
    assert (code, answer["detail"][0]["msg"]) == (422, "'25h' is not within 1s…24h")
    code, shown = operator.reply("liquidation/arm", None)
    assert code == 200, shown
    assert (shown["armed"], shown["disarmed_until"]) == (True, None)
    told = {event["event_type"]: event for event in events(rest_bot)}
    assert told["liquidation_disarmed"]["additional_data"]["reason"] == "an update"
    assert told["liquidation_armed"]["additional_data"]["by"] == "rest operator"


def test_bot_that_no_trigger_closes_is_not_called_armed(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=1, api_server=operator.config, liquidation={"triggers": []})
    with bot:
        wait_until_invested(bot, 1)
        bot.wait_for(lambda: operator.state() == "running", "REST")
        assert operator.ask("liquidation", method="GET")["armed"] is False
        operator.ask("liquidation/disarm", {"for": "15m"})
        assert operator.ask("liquidation/arm")["armed"] is False
        bot.send(signal.SIGTERM)
        bot.wait(30)
    assert len(exchange.positions()) == 1


def test_disarmed_bot_says_at_stop_that_positions_stay(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = invested(make_bot, operator)
    operator.ask("liquidation/disarm", {"for": "15m"})
    assert "Its positions stay open: disarmed until" in operator.ask("stop")["status"]
    bot.wait_for(lambda: "liquidation_skipped" in event_types(bot), "a skip")
    assert len(exchange.positions()) == 2


def test_endpoints_are_in_the_openapi_page(rest_bot: BotProcess, operator: Operator) -> None:
    page = operator.page("openapi.json")
    liquidate = page["paths"]["/api/v1/liquidate"]["post"]
    assert {"200", "202", "409", "422"} <= liquidate["responses"].keys()
    assert {"/api/v1/liquidation", "/api/v1/liquidation/disarm", "/api/v1/liquidation/arm"} <= (
        page["paths"].keys()
    )
    properties = page["components"]["schemas"]["LiquidateRequest"]["properties"]
    assert properties.keys() == {"pairs", "preview", "reason"}


def hang_closes(exchange: PracticeExchange, pair: str) -> int:
    """A close of *pair* is taken and not answered."""
    return exchange.add_fault(
        "hang", method="POST", path="/fapi/v1/(order|batchOrders)$",
        symbol=pair.split(":")[0].replace("/", ""),
    )  # fmt: skip


def test_run_for_another_pair_is_refused_with_the_id_of_the_one_under_way(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = invested(make_bot, operator)
    first, second = exchange.pairs()[:2]
    hang_closes(exchange, first)
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(operator.ask, "liquidate", {"pairs": [first]})
        bot.wait_for(lambda: bool(runs(bot)), "a run")
        code, answer = operator.reply("liquidate", {"pairs": [second]})
        assert (code, answer["correlation_id"]) == (409, runs(bot)[0]["correlation_id"])
        assert pending.result()["state"] == "failed"
    assert second in exchange.positions()


def test_wider_run_widens_the_one_under_way_and_both_are_told_one_result(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = invested(make_bot, operator, liquidation={"timeout_seconds": 20})
    first = exchange.pairs()[0]
    fault = hang_closes(exchange, first)
    with ThreadPoolExecutor(2) as pool:
        narrow = pool.submit(operator.ask, "liquidate", {"pairs": [first]})
        bot.wait_for(lambda: "liquidation_close_intended" in event_types(bot), "a close")
        wide = pool.submit(operator.ask, "liquidate")
        bot.wait_for(lambda: exchange.pairs()[1] not in exchange.positions(), "the other's close")
        exchange.remove_fault(fault)
        results = narrow.result(), wide.result()
    assert results[0] == results[1]
    assert results[0]["state"] == "completed", results
    assert results[0]["positions_closed"] == 2
    assert exchange.positions() == {}
    (run,) = runs(bot)
    shown = operator.ask("liquidation", method="GET")
    assert shown["bot_state"] == "STOPPED", "as after a run for the whole book"
    assert run["correlation_id"] in shown["latched_by"]


def test_signal_in_an_operators_run_waits_for_it_and_the_process_ends_flat(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = invested(make_bot, operator)
    exchange.add_fault(
        "latency", method="POST", path="/fapi/v1/(order|batchOrders)$", latency_ms=800
    )
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(operator.ask, "liquidate")
        bot.wait_for(lambda: "liquidation_close_intended" in event_types(bot), "a close")
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130
        pending.result()
    assert exchange.positions() == {}
    assert [run["state"] for run in runs(bot)] == ["completed"], "the signal joined it"

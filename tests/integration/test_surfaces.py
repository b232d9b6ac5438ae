"""Telegram and REST on one bot: one book, one run, one result."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import MakeBot, event_types, runs, wait_until_invested
from tests.integration.operator import Operator
from tests.integration.telegram_api import Sent
from tests.integration.telegram_server import TelegramServer
from tests.integration.test_main_job import assert_chain, closing_requests

FLAT = "FLAT, verified on the exchange: 2 position(s) closed"


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server


def invested(
    make_bot: MakeBot, telegram: TelegramServer, operator: Operator, **settings: Any
) -> BotProcess:
    bot = make_bot(
        pairs=2,
        telegram=telegram.config,
        environment=telegram.environment,
        api_server=operator.config,
        **settings,
    ).start()
    telegram.wait_until_polling()
    wait_until_invested(bot, 2)
    bot.wait_for(lambda: operator.state() is not None, "REST")
    return bot


def test_telegram_and_rest_at_the_same_instant_are_one_run_and_both_hear_its_result(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer, operator: Operator
) -> None:
    bot = invested(make_bot, telegram, operator)
    exchange.set_latency(200)  # long enough that the second comes while the first is under way
    exchange.clear_log()
    with ThreadPoolExecutor(1) as pool:
        by_rest = pool.submit(operator.ask, "liquidate")
        telegram.say("/liquidate now")
        result = by_rest.result()
    assert result["state"] == "completed", result
    told = telegram.wait_for_message("has ended")
    assert result["correlation_id"] in told.text
    telegram.wait_for_message(FLAT)
    (run,) = runs(bot)
    assert run["correlation_id"] == result["correlation_id"]
    assert exchange.positions() == {}
    assert len(closing_requests(exchange)) == 2, "each position was closed once"
    assert event_types(bot).count("liquidation_latched") == 1


def test_run_for_a_pair_and_one_for_all_close_everything(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer, operator: Operator
) -> None:
    bot = invested(make_bot, telegram, operator)
    exchange.set_latency(200)
    pair = exchange.pairs()[0]
    with ThreadPoolExecutor(1) as pool:
        narrow = pool.submit(operator.ask, "liquidate", {"pairs": [pair]})
        bot.wait_for(lambda: "liquidation_close_intended" in event_types(bot), "a close")
        telegram.say("/liquidate now")
        assert narrow.result()["state"] == "completed"
    telegram.wait_for_message("has ended")
    assert exchange.positions() == {}
    bot.wait_for(lambda: operator.state() == "stopped", "a stopped bot")
    assert len(operator.ask("liquidation", method="GET")["latched_by"]) > 0


def test_twenty_commands_at_once_close_each_position_once_and_all_hear_the_truth(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer, operator: Operator
) -> None:
    """Ten by REST, six by Telegram, four on the command line; the last ones find a flat book."""
    bot = invested(make_bot, telegram, operator)
    exchange.set_latency(100)
    exchange.clear_log()
    with ThreadPoolExecutor(10) as pool:
        by_rest = [pool.submit(operator.reply, "liquidate", {}) for _ in range(10)]
        commands = [command.start(bot, "liquidate", "--yes") for _ in range(4)]
        for _ in range(6):
            telegram.say("/liquidate now")
        answers = [answer.result() for answer in by_rest]
    printed = [process.communicate(timeout=90) for process in commands]
    ended = telegram.wait(lambda: _six(telegram, "has ended"), "six results by Telegram")
    assert exchange.positions() == {}
    assert len(closing_requests(exchange)) == 2, "each position was closed once"
    assert {status for status, _ in answers} == {200}
    assert {answer["state"] for _, answer in answers} == {"completed"}
    assert [process.returncode for process in commands] == [0] * 4, printed
    all_runs = {run["correlation_id"]: run for run in runs(bot)}
    assert {run["state"] for run in all_runs.values()} == {"completed"}
    assert sum(run["positions_closed"] for run in all_runs.values()) == 2
    told = [answer["correlation_id"] for _, answer in answers]
    assert set(told) <= set(all_runs)
    assert all(any(run in message.text for run in all_runs) for message in ended)
    check_one_after_the_other(list(all_runs.values()))
    assert_chain(bot)


def _six(telegram: TelegramServer, words: str) -> list[Sent] | None:
    found = [message for message in list(telegram.chats.sent.values()) if words in message.text]
    return found if len(found) >= 6 else None


def check_one_after_the_other(all_runs: list[dict[str, Any]]) -> None:
    """No two runs of one database at a time."""
    for before, after in pairwise(all_runs):
        assert before["finished_at"] <= after["started_at"], (before, after)

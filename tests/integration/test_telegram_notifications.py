"""freqtrade's own Telegram against a stand-in for Telegram, and our messages through it."""

import signal
from collections.abc import Sequence
from typing import Any

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import MakeBot, runs, said, wait_until_invested
from tests.integration.operator import Operator
from tests.integration.telegram_server import TelegramServer
from tests.stopwatch import Stopwatch

FLAT = "FLAT, verified on the exchange"
OVERRUN_S = 0.3
EXIT_AFTER_RUN_S = 2.0


def invested(
    make_bot: MakeBot, telegram: TelegramServer, *, off: Sequence[str] = (), **overrides: Any
) -> BotProcess:
    """A bot with two positions; the user turned messages of the kinds *off* off."""
    block = telegram.config | {"notification_settings": dict.fromkeys(off, "off")}
    bot = make_bot(pairs=2, telegram=block, environment=telegram.environment, **overrides)
    bot.start()
    telegram.wait_until_polling()
    wait_until_invested(bot, 2)
    return bot


def test_freqtrades_own_commands_reach_it_and_its_answers_come_back(
    make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """Nothing is patched in the child process; nothing but Telegram goes through the proxy."""
    invested(make_bot, telegram)
    telegram.say("/status")
    telegram.wait_for_message("BTC/USDT:USDT")
    telegram.say("/version", chat_id=-5)
    telegram.say("/count")
    telegram.wait_for_message("current")
    telegram.say("/stop")
    telegram.wait_for_message("stopping trader")
    telegram.wait_for_message(f"{FLAT}: 2 position(s) closed")
    telegram.say("/start")
    telegram.wait_for_message("starting trader")
    assert telegram.proxy.refused == []
    assert telegram.made("sendMessage", "Version") == [], "another chat gets no answer"


@pytest.mark.parametrize("latency_s", [0.0, 0.3])
def test_outcome_after_sigterm_arrives_before_the_process_ends(
    make_bot: MakeBot, telegram: TelegramServer, latency_s: float
) -> None:
    """With the fills of both exits, and although the user turned warnings and status off."""
    bot = invested(make_bot, telegram, off=["status", "warning"])
    telegram.latency_s = latency_s
    bot.send(signal.SIGTERM)
    assert bot.wait(30) == 130
    (outcome,) = [m for m in telegram.chats.sent.values() if FLAT in m.text]
    assert "2 position(s) closed" in outcome.text
    assert not outcome.silent
    assert telegram.made("sendMessage", "Liquidation started") == [], "status is off"
    assert len(telegram.made("sendMessage", "Exited")) == 2
    assert "not delivered in time" not in said(bot)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 500, "times": 1},
        {"kind": "drop_before", "times": 1},
        {
            "kind": "error", "status": 429, "times": 1,
            "description": "Too Many Requests: retry after 0", "parameters": {"retry_after": 0},
        },
    ],
    ids=["500", "dropped", "429"],
)  # fmt: skip
def test_outcome_that_telegram_did_not_take_is_sent_again(
    make_bot: MakeBot, telegram: TelegramServer, fault: dict[str, Any]
) -> None:
    bot = invested(make_bot, telegram)
    telegram.add_fault("sendMessage", words=FLAT, **fault)
    bot.send(signal.SIGTERM)
    assert bot.wait(30) == 130
    assert len(telegram.made("sendMessage", FLAT)) == 2
    assert [m for m in telegram.chats.sent.values() if FLAT in m.text]


def test_process_ends_in_time_though_telegram_and_the_exchange_never_answer(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """Design, bars: the run ends 0.3 s after its deadline, the process 2 s after that."""
    bot = invested(make_bot, telegram, liquidation={"timeout_seconds": 2.0})
    exchange.add_fault("hang", path="/fapi/")
    telegram.add_fault(".*", "hang")
    watch = Stopwatch(bot.process.pid)
    bot.send(signal.SIGTERM)
    assert bot.wait(30) == 3
    assert watch.stop() < 2.0 + OVERRUN_S + EXIT_AFTER_RUN_S
    (run,) = runs(bot)
    assert run["state"] == "failed"
    assert run["duration_seconds"] < 2.0 + OVERRUN_S
    assert "Messages on telegram were not delivered in time." in said(bot)


def test_outcome_reaches_people_when_telegram_is_back(
    make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """The network often fails for Telegram and the exchange alike; the run is not held up."""
    operator = Operator()
    bot = invested(make_bot, telegram, api_server=operator.config)
    bot.wait_for(lambda: operator.state() == "running", "REST")
    telegram.go_down()
    operator.ask("stop")
    bot.wait_for(lambda: [r["state"] for r in runs(bot)] == ["completed"], "a run")
    bot.wait_for(lambda: "trying again" in said(bot), "a second attempt")
    telegram.come_up()
    telegram.wait_for_message(FLAT)

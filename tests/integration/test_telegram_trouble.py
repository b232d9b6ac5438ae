"""``/liquidate`` in Telegram whatever the bot does, and whatever becomes of Telegram."""

import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import (
    STRATEGIES,
    MakeBot,
    event_types,
    runs,
    said,
    wait_until_invested,
)
from tests.integration.telegram_server import TelegramServer
from tests.integration.telegram_talk import BTC, FLAT, ask, invested, reply
from tests.stopwatch import Stopwatch

# -- whatever state the bot is in ---------------------------------------------------------------


def test_liquidate_works_while_the_bot_is_stopped_and_while_its_loop_hangs(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    slow = (STRATEGIES / "slow.py", "Slow")
    bot = invested(make_bot, telegram, strategy=slow, liquidation={"triggers": ["shutdown"]})
    hang = Path(bot.folder / "user_data" / "hang")
    hang.touch()
    bot.wait_for(lambda: Path(bot.folder / "user_data" / "hanging").exists(), "a hanging loop")
    watch = Stopwatch(bot.process.pid)
    telegram.say(f"/liquidate {BTC} now")
    telegram.wait_for_message(f"{FLAT}: 1 position(s) closed")
    assert watch.stop() < 5
    hang.unlink()
    telegram.say("/stop")
    telegram.wait_for_message("stopping trader")
    bot.wait_for(lambda: "liquidation_skipped" in event_types(bot), "a stop")
    assert "The bot: STOPPED" in reply(telegram, "/liquidate status", "The bot:")
    question = ask(telegram)
    telegram.press(question, "Close 1 position")
    telegram.wait(lambda: FLAT in question.text, "an end")
    assert exchange.positions() == {}


def test_liquidate_while_the_bot_enters_ends_flat(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    bot = make_bot(
        pairs=5, strategy=(STRATEGIES / "busy.py", "Busy"), telegram=telegram.config,
        environment=telegram.environment,
    )  # fmt: skip
    bot.start()
    telegram.wait_until_polling()
    exchange.set_latency(100)
    bot.wait_for(lambda: len(exchange.positions()) >= 2, "entries")
    telegram.say("/liquidate now")
    telegram.wait_for_message(FLAT)
    assert exchange.positions() == {}


def test_liquidate_while_a_run_is_under_way_joins_it(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    bot = invested(make_bot, telegram)
    exchange.set_latency(400)
    telegram.say("/liquidate now")
    telegram.wait_for_message("under way")
    telegram.say(f"/liquidate {BTC} now")
    telegram.wait_for_message("joined")
    telegram.wait_for_message(f"{FLAT}: 2 position(s) closed")
    assert len(runs(bot)) == 1


def test_exchange_that_does_not_answer_leaves_telegram_free_and_is_told(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """The question waits for the exchange; the next command does not wait for the question."""
    bot = invested(make_bot, telegram)
    exchange.clear_log()
    hang = exchange.add_fault("hang", path="positionRisk")
    since = telegram.last_id
    telegram.say(f"/liquidate {BTC}")
    assert exchange.wait_for_requests("positionRisk", 1, 10)
    telegram.say("/count")
    counted = telegram.wait_for_message("current", since=since)
    failed = telegram.wait_for_message("Nothing was done", since=since)
    assert counted.message_id < failed.message_id
    assert f"/liquidate {BTC} now closes without looking first" in failed.text
    exchange.remove_fault(hang)
    assert runs(bot) == []


def test_question_from_before_a_reload_does_nothing_and_a_new_one_works(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """freqtrade builds its Telegram anew."""
    bot = invested(make_bot, telegram)
    question = ask(telegram)
    listened = len(telegram.made("deleteWebhook"))
    telegram.say("/reload_config")
    telegram.wait(lambda: len(telegram.made("deleteWebhook")) > listened, "a new bot", 60)
    asked = len(telegram.made("getUpdates"))
    telegram.wait(lambda: len(telegram.made("getUpdates")) > asked, "listening bot")
    pressed = telegram.press(question, "Close")
    assert "does not know this question" in telegram.wait_for_answer(pressed)
    assert runs(bot) == []
    telegram.press(ask(telegram), "Close")
    telegram.wait_for_message(f"{FLAT}: 2 position(s) closed")
    assert exchange.positions() == {}


# -- Telegram in trouble ------------------------------------------------------------------------


def test_progress_edits_one_message_at_most_once_a_second(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """A pair that cannot be closed keeps the run busy; its message tells of it meanwhile."""
    bot = invested(make_bot, telegram, liquidation={"max_retries": 10, "timeout_seconds": 6.0})
    exchange.add_fault(
        "error", method="POST", path="/fapi/v1/(order|batchOrders)$", code=-1001,
        symbol="BTCUSDT", msg="Internal error.", status=503,
    )  # fmt: skip
    exchange.set_latency(300)
    since = telegram.last_id
    telegram.say("/liquidate now")
    telegram.wait(lambda: any("has ended" in c.params["text"] for c in edits(telegram)), "end")
    (edited,) = {call.params["message_id"] for call in edits(telegram)}
    assert int(edited) > since
    times = [call.at for call in edits(telegram)]
    assert len(times) >= 3
    assert min(later - sooner for sooner, later in pairwise(times)) > 0.95
    middle = telegram.chats.sent[int(edited)].texts[1:-1]
    assert any(f"! {BTC}: " in text and "Open, as last shown: " in text for text in middle)
    telegram.wait_for_message("NOT FLAT: 1 position(s) closed, 1 not shown closed")
    assert runs(bot)[0]["state"] == "partial"


def edits(telegram: TelegramServer) -> Any:
    return telegram.made("editMessageText")


@pytest.mark.parametrize(
    ("fault", "confirmed"),
    [
        ({"kind": "error", "status": 500}, True),
        (
            {
                "kind": "error", "status": 429, "parameters": {"retry_after": 3},
                "description": "Too Many Requests: retry after 3",
            },
            True,
        ),
        ({"kind": "drop_before"}, True),
        ({"kind": "hang"}, True),
        ({"kind": "hang"}, False),
    ],
    ids=["500", "429", "dropped", "hangs", "hangs-from-the-start"],
)  # fmt: skip
def test_telegram_in_trouble_does_not_disturb_a_run(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer,
    fault: dict[str, Any], confirmed: bool,
) -> None:  # fmt: skip
    """A confirmed one, and one that cannot even say that it begins."""
    bot = invested(make_bot, telegram)
    question = ask(telegram)
    trouble = telegram.add_fault("sendMessage|editMessageText|answerCallbackQuery", **fault)
    telegram.press(question, "Close") if confirmed else telegram.say("/liquidate now")
    bot.wait_for(lambda: [r["state"] for r in runs(bot)] == ["completed"], "a run", 15)
    assert exchange.positions() == {}
    assert runs(bot)[0]["duration_seconds"] < 2
    telegram.remove_fault(trouble)
    telegram.wait_for_message(f"{FLAT}: 2 position(s) closed")
    bot.send(signal.SIGTERM)
    assert bot.wait(30) == 130


def test_telegram_that_cannot_be_reached_at_the_start_leaves_the_bot_protected(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """freqtrade gives its Telegram up; what we had to say is in the log."""
    telegram.go_down()
    bot = make_bot(pairs=2, telegram=telegram.config, environment=telegram.environment)
    with bot:
        wait_until_invested(bot, 2)
        bot.wait_for(lambda: "Telegram init failed" in said(bot), "a Telegram given up")
        watch = Stopwatch(bot.process.pid)
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
        assert watch.stop() < 5
    assert exchange.positions() == {}
    assert "Message lost on telegram (ConnectionError" in said(bot)

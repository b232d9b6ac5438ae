"""``/liquidate`` in Telegram: a real bot, a stand-in for Telegram, a practice exchange."""

import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import (
    STRATEGIES,
    MakeBot,
    event_types,
    events,
    runs,
    wait_until_invested,
)
from tests.integration.telegram_api import Sent
from tests.integration.telegram_server import OPERATOR, TelegramServer
from tests.integration.test_main_job import closing_requests

FLAT = "FLAT, verified on the exchange"
QUESTION = "WHAT A LIQUIDATION WOULD DO NOW"
GROUP = -100200
STRANGER = 13
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server


def invested(
    make_bot: MakeBot, telegram: TelegramServer, *, settings: Any = None, **overrides: Any
) -> BotProcess:
    """A bot with a long and a short that listens to Telegram."""
    block = telegram.config | (settings or {})
    bot = make_bot(pairs=2, telegram=block, environment=telegram.environment, **overrides)
    bot.start()
    telegram.wait_until_polling()
    wait_until_invested(bot, 2)
    return bot


def ask(telegram: TelegramServer, command: str = "/liquidate", **who: Any) -> Sent:
    """The question that *command* leads to."""
    since = telegram.last_id
    telegram.say(command, **who)
    return telegram.wait_for_message(QUESTION, since=since, buttons=True)


def reply(telegram: TelegramServer, command: str, words: str, **who: Any) -> str:
    """What the bot answers to *command*; it has *words* in it."""
    since = telegram.last_id
    telegram.say(command, **who)
    return telegram.wait_for_message(words, since=since).text


# -- the question and its answers ---------------------------------------------------------------


def test_confirmed_liquidation_closes_what_it_showed_and_stops_the_bot(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """The question says all of it; a second press does nothing and says so."""
    bot = invested(make_bot, telegram, liquidation={"close_positions": False})
    stranger = exchange.pairs()[2]
    exchange.seed_position(stranger, 0.5)
    exchange.clear_log()
    question = ask(telegram)
    amounts = {pair: abs(float(p["amount"])) for pair, p in exchange.positions().items()}
    for pair, amount in amounts.items():
        line = next(line for line in question.text.splitlines() if line.startswith(f"- {pair}"))
        assert f" {amount:g} at about " in line
        assert ("UNKNOWN TO THE DATABASE" in line) == (pair == stranger)
        assert "profit " in line
        assert "cost " in line
    for words in (
        "every position of the account",
        "close_positions is false",
        "RUNNING now, then STOPPED, latched",
    ):
        assert words in question.text
    assert question.keyboard == ["Close 3 positions", "Cancel"]
    assert runs(bot) == []
    assert exchange.requests("", method="POST") == []
    assert telegram.wait_for_answer(telegram.press(question, "Close")) == ""
    outcome = telegram.wait_for_message(f"{FLAT}: 3 position(s) closed")
    telegram.wait(lambda: "has ended" in question.text, "end of the progress")
    assert FLAT in question.text
    assert question.keyboard == []
    assert "show-liquidations" in outcome.text
    (run,) = runs(bot)
    assert (run["trigger"], run["actor"]) == ("telegram", f"{OPERATOR} (p{OPERATOR})")
    exchange.clear_log()
    assert "answered already" in telegram.wait_for_answer(telegram.press(question, "Close"))
    status = reply(telegram, "/liquidate status", "The bot: STOPPED")
    assert "LATCHED by telegram" in status
    assert f"{run['correlation_id']} (telegram): completed, 3 closed" in status
    assert closing_requests(exchange) == []
    assert len(runs(bot)) == 1


def test_presses_of_others_late_ones_and_cancels_do_nothing_and_say_so(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """In a group: another person may not answer, whoever may not control the bot is told."""
    with TelegramServer(chat_id=GROUP) as telegram:
        users = {"authorized_users": [str(OPERATOR), "778"], "topic_id": "5"}
        bot = invested(make_bot, telegram, settings=users)
        telegram.say("/liquidate now", topic=5, user=STRANGER)
        telegram.say("/liquidate now", topic=6)
        telegram.say("/liquidate now", topic=5, chat_id=GROUP - 1)
        telegram.say("/liquidate now", topic=5, edited=True)
        telegram.say("/liquidate now", topic=5, user=None)
        question = ask(telegram, topic=5)
        assert question.topic_id == 5
        for user, words in ((STRANGER, "not allowed"), (778, "Only p777, who asked")):
            pressed = telegram.press(question, "Close", user=user)
            popped_up = telegram.wait_for_answer(pressed)
            assert words in popped_up
            assert "Nothing was done" in popped_up
        gone = telegram.press(question, "Close", inaccessible=True)
        assert "too old" in telegram.wait_for_answer(gone)
        assert telegram.wait_for_answer(telegram.press(question, "Cancel")) == ""
        telegram.wait(lambda: "Cancelled: nothing was done" in question.text, "a cancel")
        assert question.keyboard == []
        assert "already" in telegram.wait_for_answer(telegram.press(question, "Close"))
        assert len(exchange.positions()) == 2
        assert runs(bot) == []
        question = ask(telegram, topic=5)
        telegram.press(question, "Close")
        telegram.wait_for_message(f"{FLAT}: 2 position(s) closed")


def test_press_after_the_book_has_grown_asks_again(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    bot = invested(make_bot, telegram)
    question = ask(telegram)
    stranger = exchange.pairs()[2]
    exchange.seed_position(stranger, -0.5)
    btc = float(exchange.positions()[BTC]["amount"])
    exchange.seed_position(BTC, btc + 0.01)
    before = telegram.last_id
    telegram.press(question, "Close")
    again = telegram.wait_for_message("The book has changed", since=before, buttons=True)
    assert f"! {stranger} short is new" in again.text
    assert f"! {BTC} long has grown from {btc:g} to {btc + 0.01:g}" in again.text
    assert again.keyboard == ["Close 3 positions", "Cancel"]
    assert runs(bot) == []
    assert "answered already" in telegram.wait_for_answer(telegram.press(question, "Close"))
    exchange.seed_position(stranger, -0.4)  # less is no reason to ask
    telegram.press(again, "Close")
    telegram.wait_for_message(f"{FLAT}: 3 position(s) closed")
    assert exchange.positions() == {}


# -- commands -----------------------------------------------------------------------------------


def test_now_closes_some_pairs_without_a_question_and_leaves_the_rest_alone(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """Its pair was typed in small letters."""
    bot = invested(make_bot, telegram)
    telegram.say(f"/liquidate {BTC.lower()} Now")
    telegram.wait_for_message(f"{FLAT}: 1 position(s) closed")
    assert set(exchange.positions()) == {ETH}
    (run,) = runs(bot)
    assert BTC in run["pairs"]
    assert "The bot: RUNNING" in reply(telegram, "/liquidate status", "The bot:")
    text = reply(telegram, f"/liquidate {BTC}", QUESTION)
    assert f"Nothing is open in {BTC}" in text
    assert "There is nothing that could be closed" in text


def test_question_and_close_on_spot(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    bot = make_bot(
        futures=False, pairs=2, telegram=telegram.config, environment=telegram.environment
    )
    bot.start()
    telegram.wait_until_polling()
    wait_until_invested(bot, 2)
    assert "did you mean" not in reply(telegram, "/liquidate BTC/USDT:USDT", "is not a pair")
    question = ask(telegram, "/liquidate BTC/USDT")
    assert "Scope: the bot's trades in BTC/USDT" in question.text
    assert question.keyboard == ["Close 1 position", "Cancel"]
    telegram.press(question, "Close")
    telegram.wait_for_message(f"{FLAT}: 1 position(s) closed")
    bot.wait_for(lambda: [t["pair"] for t in bot.open_trades()] == ["ETH/USDT"], "a booked trade")


def test_disarm_arm_stop_and_help_say_what_will_become_of_the_positions(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    keyboard = [["/liquidate", "/liquidate status"], ["/liquidate disarm 15m", "/stop"]]
    bot = invested(make_bot, telegram, settings={"keyboard": keyboard})
    assert "positions are closed at market" in reply(telegram, "/liquidate status", "If stopped")
    assert "DISARMED until" in reply(telegram, "/liquidate disarm 15m moving house", "DISARMED")
    assert "DISARMED by telegram 777" in reply(telegram, "/liquidate status", "If stopped")
    assert "positions are closed" in reply(telegram, "/liquidate arm", "ARMED. If stopped")
    telegram.say("/liquidate Disarm 15M")
    telegram.wait(lambda: event_types(bot).count("liquidation_disarmed") == 2, "a disarm")
    assert "positions stay open: disarmed until" in reply(telegram, "/stop", "stopping trader")
    telegram.wait_for_message("Liquidation skipped, positions stay open")
    assert len(exchange.positions()) == 2
    (first, _) = [e for e in events(bot) if e["event_type"] == "liquidation_disarmed"]
    assert first["additional_data"]["by"] == "telegram 777 (p777)"
    assert first["additional_data"]["reason"] == "moving house"
    telegram.say("/help")
    telegram.wait_for_message("/forceexit")
    telegram.wait_for_message("/liquidate disarm 15m [reason]")
    telegram.say("/start")
    telegram.wait_for_message("starting trader")
    assert "positions are closed at market" in reply(telegram, "/stop", "stopping trader")
    telegram.wait_for_message(FLAT)


def test_bad_input_says_what_was_found_and_what_is_allowed(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    """Nothing of it has any effect; and an old command that would have one is asked about.
    On a slow line, too.
    """
    bot = invested(make_bot, telegram)
    telegram.latency_s = 0.3
    for typed, words in {
        "/liquidate disarm": "'disarm' needs a duration",
        "/liquidate disarm soon": "'soon' is no duration",
        "/liquidate disarm 25h": "'25h' is not within",
        "/liquidate everything": "'everything' is neither a pair nor a command",
        "/liquidate now BTC/USDT:USDT": "'now' is the last word",
        "/liquidate BTC/USDT": "did you mean BTC/USDT:USDT?",
        "/liquidate NONE/USDT:USDT now": "NONE/USDT:USDT is not a pair of this exchange",
        "/liquidate status please": "'status' stands alone",
    }.items():
        text = reply(telegram, typed, words)
        assert "Allowed:\n/liquidate" in text
    assert "Nothing was done" in reply(telegram, "/liquidate disarm 15m", "took 5 min", age_s=300)
    stale = ask(telegram, "/liquidate now", age_s=300)
    assert stale.text.startswith("That command took 5 min to get here.")
    assert "liquidation_disarmed" not in event_types(bot)
    assert runs(bot) == []
    assert len(exchange.positions()) == 2


# -- whatever state the bot is in ---------------------------------------------------------------


def test_liquidate_works_while_the_bot_is_stopped_and_while_its_loop_hangs(
    exchange: PracticeExchange, make_bot: MakeBot, telegram: TelegramServer
) -> None:
    slow = (STRATEGIES / "slow.py", "Slow")
    bot = invested(make_bot, telegram, strategy=slow, liquidation={"triggers": ["shutdown"]})
    hang = Path(bot.folder / "user_data" / "hang")
    hang.touch()
    bot.wait_for(lambda: Path(bot.folder / "user_data" / "hanging").exists(), "a hanging loop")
    began = time.monotonic()
    telegram.say(f"/liquidate {BTC} now")
    telegram.wait_for_message(f"{FLAT}: 1 position(s) closed")
    assert time.monotonic() - began < 5
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
        bot.wait_for(lambda: "Telegram init failed" in bot.log(), "a Telegram given up")
        began = time.monotonic()
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
        assert time.monotonic() - began < 5
    assert exchange.positions() == {}
    assert "Message lost on telegram (ConnectionError" in " ".join(bot.log().split())

"""``/liquidate`` in Telegram: a real bot, a stand-in for Telegram, a practice exchange."""

from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import MakeBot, event_types, events, runs, wait_until_invested
from tests.integration.telegram_server import OPERATOR, TelegramServer
from tests.integration.telegram_talk import BTC, ETH, FLAT, QUESTION, ask, invested, reply
from tests.integration.test_main_job import closing_requests

GROUP = -100200
STRANGER = 13


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
    reply(telegram, "/liquidate arm", "ARMED. If stopped")  # the window outlasts a stop
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
    forwarded = ask(telegram, "/liquidate now", forwarded_from=STRANGER)
    assert forwarded.text.startswith("That command was forwarded")
    refused = reply(telegram, "/liquidate arm", "was forwarded", forwarded_from=STRANGER)
    assert "Nothing was done" in refused
    assert not {"liquidation_disarmed", "liquidation_armed"} & {*event_types(bot)}
    assert runs(bot) == []
    assert len(exchange.positions()) == 2

"""Talking to a real bot by Telegram."""

from typing import Any

from freqtrade_liquidation.drill.bot import BotProcess
from tests.integration.conftest import MakeBot, wait_until_invested
from tests.integration.telegram_api import Sent
from tests.integration.telegram_server import TelegramServer

FLAT = "FLAT, verified on the exchange"
QUESTION = "WHAT A LIQUIDATION WOULD DO NOW"
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


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

"""Messages in one chat. Whatever Telegram does, nothing is raised: no run depends on it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, RetryAfter, TelegramError

from freqtrade_liquidation.host.telegram_sending import pages, seconds

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 3
LONGEST_PAUSE_S: Final = 10.0
TRY_AGAIN_S: Final = 1.0

Buttons = Sequence[tuple[str, str]]
"""Label and callback data, one button a row."""


class Chat:
    """The chat that freqtrade's Telegram is configured for.

    :param bot: python-telegram-bot's.
    :param settings: freqtrade's ``telegram`` block.
    :param mask: takes secrets out of what others' errors say.
    """

    def __init__(self, bot: Any, settings: dict[str, Any], mask: Callable[[str], str]) -> None:
        self._bot = bot
        self._mask = mask
        self._chat_id = settings["chat_id"]
        self._topic_id = settings.get("topic_id")

    async def send(self, text: str, buttons: Buttons = ()) -> int | None:
        """In as many messages as it takes; *buttons* stand under the last one.

        :returns: its id; ``None`` = it did not get through.
        """
        parts = pages(self._mask(text))
        for part in parts[:-1]:
            await self._send_page(part, None)
        return await self._send_page(parts[-1], _keyboard(buttons))

    async def _send_page(self, text: str, keyboard: InlineKeyboardMarkup | None) -> int | None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                message = await self._bot.send_message(
                    self._chat_id,
                    text=text,
                    message_thread_id=self._topic_id,
                    reply_markup=keyboard,
                )
                return int(message.message_id)
            except TelegramError as error:
                logger.warning("Telegram: %s (attempt %s of %s)", error, attempt, ATTEMPTS)
                if isinstance(error, BadRequest) or attempt == ATTEMPTS:
                    return None
                await asyncio.sleep(min(_pause_s(error), LONGEST_PAUSE_S))
        return None

    async def edit(self, message_id: int, text: str) -> float:
        """Replaces a message; its buttons go.

        :returns: 0 = done, or it never will be; else in how many seconds it may be tried again.
        """
        try:
            await self._bot.edit_message_text(
                pages(self._mask(text))[0], chat_id=self._chat_id, message_id=message_id
            )
        except BadRequest as error:
            if "not modified" not in str(error).lower():
                logger.warning("Telegram: message not edited: %s", error)
        except TelegramError as error:
            logger.info("Telegram: message not edited: %s", error)
            return _pause_s(error)
        return 0.0


async def pop_up(query: Any, text: str = "") -> None:
    """Answers a press: Telegram's client waits for that."""
    try:
        await query.answer(text or None, show_alert=bool(text))
    except TelegramError as error:
        logger.warning("Telegram: press not answered: %s", error)


def _pause_s(error: TelegramError) -> float:
    return seconds(error.retry_after) if isinstance(error, RetryAfter) else TRY_AGAIN_S


def _keyboard(buttons: Buttons) -> InlineKeyboardMarkup | None:
    rows = [[InlineKeyboardButton(label, callback_data=data)] for label, data in buttons]
    return InlineKeyboardMarkup(rows) if rows else None

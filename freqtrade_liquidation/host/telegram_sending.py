"""Our texts through freqtrade's Telegram: delivered, tried again, and waited for at the end.

``Telegram.send_msg`` hands a coroutine to the bot's loop and forgets it, and gives a message up
after its second failure. A run often fails for the reason that Telegram does not answer, either:
what remains is worth trying until the network is back.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
import time
from copy import deepcopy
from datetime import timedelta
from typing import Any, Final

from telegram.error import BadRequest, NetworkError, RetryAfter

logger = logging.getLogger(__name__)

LONGEST_TEXT: Final = 4000
"""Characters of one message; Telegram takes 4096."""
ONE_ATTEMPT_S: Final = 3.0
TRIED_FOR_S: Final = 10.0
URGENT_TRIED_FOR_S: Final = 600.0
PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
IN_ORDER_FOR_S: Final = 0.5
"""A message that takes longer than this is overtaken by the next one."""
LISTENS_WITHIN_S: Final = 5.0


def pages(text: str, longest: int = LONGEST_TEXT) -> list[str]:
    """Whole lines, as many as Telegram takes in one message; none is empty, as it refuses that."""
    found = [""]
    for line in text.splitlines():
        for part in (line[i : i + longest] for i in range(0, len(line) or 1, longest)):
            if found[-1] and len(found[-1]) + 1 + len(part) > longest:
                found.append("")
            found[-1] += part if not found[-1] else "\n" + part
    return [page for page in found if page.strip()]


class TelegramSender:
    """Sends through one of freqtrade's Telegram modules; knows what has not arrived yet.

    :param module: freqtrade's ``Telegram``; its application lives in a thread of its own.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._changed = threading.Condition()
        self._under_way: dict[concurrent.futures.Future[None], str] = {}

    def send_text(self, text: str, *, loudness: str, urgent: bool) -> None:
        """Plain text, so that nothing from outside can break its markup.

        :param loudness: freqtrade's ``on``, ``silent`` or ``off``.
        :param urgent: sent, and aloud, whatever *loudness* says; tried for ten minutes.
        :raises ConnectionError: if freqtrade's Telegram has not started, or has given up.
        """
        if loudness == "off" and not urgent:
            return
        silent = loudness == "silent" and not urgent
        sending = self._start(self._send_pages(text, silent=silent, urgent=urgent), text)
        with contextlib.suppress(concurrent.futures.TimeoutError):
            sending.exception(IN_ORDER_FOR_S)

    def send_raw(self, message: dict[str, Any]) -> None:
        """freqtrade's own message, as its ``send_msg`` does, but not forgotten.

        Source: freqtrade/rpc/telegram.py, ``Telegram.send_msg``.
        """
        module = self._module
        loudness = module._message_loudness(message)
        text = None if loudness == "off" else module.compose_message(deepcopy(message))
        if text:
            silent = loudness == "silent"
            self._start(module._send_msg(text, disable_notification=silent), text)

    def wait(self, timeout_s: float) -> bool:
        """Whether all that was sent has arrived, or is known (and logged) to be lost."""
        with self._changed:
            if not self._module._thread.is_alive():
                self._give_up()
            return self._changed.wait_for(lambda: not self._under_way, timeout_s)

    def _give_up(self) -> None:
        """The loop that would have sent them is gone."""
        for future in list(self._under_way):
            future.cancel()

    def _start(self, sending: Any, text: str) -> concurrent.futures.Future[None]:
        try:
            self._wait_until_it_listens()
        except ConnectionError:
            sending.close()
            raise
        future = asyncio.run_coroutine_threadsafe(sending, self._module._loop)
        with self._changed:
            self._under_way[future] = text
        future.add_done_callback(self._done)
        return future

    def _wait_until_it_listens(self) -> None:
        """freqtrade makes the application in another thread, which may have just begun."""
        module, until = self._module, time.monotonic() + LISTENS_WITHIN_S
        pause = threading.Event()
        while module._thread.is_alive() and time.monotonic() < until:
            if getattr(module, "_app", None) is not None:
                return
            pause.wait(0.02)
        raise ConnectionError("freqtrade's Telegram does not run")

    def _done(self, future: concurrent.futures.Future[None]) -> None:
        with self._changed:
            text = self._under_way.pop(future)
            error = None if future.cancelled() else future.exception()
            if future.cancelled() or error is not None:
                words = f"{type(error).__name__}: {error}" if error else "its loop has ended"
                logger.warning("Message lost on telegram (%s): %s", words, text)
            self._changed.notify_all()

    async def _send_pages(self, text: str, *, silent: bool, urgent: bool) -> None:
        until = time.monotonic() + (URGENT_TRIED_FOR_S if urgent else TRIED_FOR_S)
        for page in pages(text):
            await self._send_page(page, silent, until)

    async def _send_page(self, page: str, silent: bool, until: float) -> None:
        """A page whose answer did not come may arrive twice; better than never."""
        settings, pause_s = self._module._config["telegram"], PAUSE_S
        while True:
            try:
                await self._module._app.bot.send_message(
                    settings["chat_id"], text=page, message_thread_id=settings.get("topic_id"),
                    disable_notification=silent, read_timeout=ONE_ATTEMPT_S,
                    connect_timeout=ONE_ATTEMPT_S,
                )  # fmt: skip
                return
            except RetryAfter as error:
                pause_s = seconds(error.retry_after)
                if time.monotonic() + pause_s > until:
                    raise
            except BadRequest:  # it will not like it better the next time
                raise
            except NetworkError as error:
                if time.monotonic() + pause_s > until:
                    raise
                logger.info("Telegram: %s; trying again in %.1f s.", error, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def seconds(value: int | timedelta) -> float:
    """What ``RetryAfter`` holds: seconds, or a timedelta where the user asked for those."""
    return value.total_seconds() if isinstance(value, timedelta) else float(value)

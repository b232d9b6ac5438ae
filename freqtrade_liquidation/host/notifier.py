"""Messages to people, from outside the run's path, one channel never delaying another."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from freqtrade.enums import RPCMessageType
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.rpc import RPCHandler

from freqtrade_liquidation.threads import start_thread

if TYPE_CHECKING:
    from freqtrade_liquidation.host.telegram_sending import TelegramSender

logger = logging.getLogger(__name__)


OUTCOMES: Final = (RPCMessageType.STATUS, RPCMessageType.WARNING)
"""Flat is told as a status, anything else as a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message for every channel.

    :param urgent: sent even where the user turned its kind off in Telegram.
    :param raw: freqtrade's own message (an exit fill), passed on as it is.
    """

    text: str = ""
    kind: RPCMessageType = RPCMessageType.STATUS
    urgent: bool = False
    raw: dict[str, Any] | None = None

    def as_rpc(self) -> dict[str, Any]:
        """As freqtrade's channels take it."""
        return dict(self.raw) if self.raw is not None else {"type": self.kind, "status": self.text}


def _telegram_sender(module: RPCHandler) -> "TelegramSender":
    """Imported where Telegram is on: its package takes a tenth of a second to load."""
    from freqtrade_liquidation.host.telegram_sending import TelegramSender

    return TelegramSender(module)


class _Channel:
    """One of freqtrade's channels with a queue of its own; its thread lives while there is work."""

    def __init__(self, module: RPCHandler) -> None:
        self.name: str = module.name
        self._module: Any = module
        self._telegram = _telegram_sender(module) if module.name == "telegram" else None
        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._working = False

    def put(self, message: Message) -> None:
        with self._lock:
            self._queue.put(message)
            self._idle.clear()
            if not self._working:
                # Without a thread it waits for the next message, or for the end of the process.
                self._working = self._start()

    def _start(self) -> bool:
        return start_thread(self._work, name=self.name) is not None

    def work_off(self) -> None:
        """Hands over what waits for a thread that was not granted."""
        with self._lock:
            if self._working or self._queue.empty():
                return
            self._working = True
        self._work()

    def wait(self, timeout_s: float) -> bool:
        """Whether everything was handed over in time (Telegram: whether it has arrived)."""
        until = time.monotonic() + timeout_s
        if not self._idle.wait(timeout_s):
            return False
        return self._telegram is None or self._telegram.wait(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._queue.empty():
                    self._working = False
                    self._idle.set()
                    return
                message = self._queue.get()
            try:
                self._deliver(message)
            except Exception as error:  # noqa: BLE001 - one channel's failure is its own
                logger.warning(
                    "Message lost on %s (%s): %s",
                    self.name,
                    type(error).__name__,
                    message.text or message.as_rpc().get("type"),
                )

    def _deliver(self, message: Message) -> None:
        if self._telegram is None:
            self._module.send_msg(message.as_rpc())
        elif message.raw is not None:
            self._telegram.send_raw(message.raw)
        else:
            loudness = self._module._message_loudness(message.as_rpc())
            self._telegram.send_text(message.text, loudness=loudness, urgent=message.urgent)


class Notifier:
    """Hands messages to every channel of the bot that runs now."""

    def __init__(self, bot: Callable[[], FreqtradeBot | None]) -> None:
        self._bot = bot
        self._channels: dict[int, _Channel] = {}
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Returns at once."""
        text = message.text.replace("\n", " | ")
        if text:
            logger.log(logging.WARNING if message.urgent else logging.INFO, "%s", text)
        for channel in self._open_channels():
            channel.put(message)

    def flush(self, timeout_s: float) -> None:
        """Waits until all is delivered, at most *timeout_s*; what is lost then is in the log."""
        until = time.monotonic() + timeout_s
        for channel in list(self._channels.values()):
            channel.work_off()
            if not channel.wait(max(0.0, until - time.monotonic())):
                logger.warning("Messages on %s were not delivered in time.", channel.name)

    def _open_channels(self) -> list[_Channel]:
        bot = self._bot()
        modules = list(getattr(getattr(bot, "rpc", None), "registered_modules", []))
        with self._lock:
            current = {id(m): self._channels.get(id(m)) or _Channel(m) for m in modules}
            busy = {key: c for key, c in self._channels.items() if not c.wait(0)}
            self._channels = busy | current  # a channel of a bot before holds all of that bot
        return list(current.values())


def deaf_channels(config: dict[str, Any]) -> Sequence[str]:
    """Channels that are enabled and could not tell every outcome, with the kinds they lack.

    Source: freqtrade/rpc/webhook.py and discord.py: only configured message types are sent.
    """
    blocks = {name: config.get(name, {}) for name in ("webhook", "discord")}
    lacking = {
        name: [
            kind.value
            for kind in OUTCOMES
            if not block.get(kind.value) and not (name == "webhook" and block.get("webhookstatus"))
        ]
        for name, block in blocks.items()
        if block.get("enabled")
    }
    return [f"{name} ({', '.join(kinds)})" for name, kinds in lacking.items() if kinds]

"""Telegram on loopback: the unmodified freqtrade and python-telegram-bot talk to it over HTTPS.

freqtrade builds its application for ``https://api.telegram.org``. httpx takes its proxy and its
certificates from the environment, so a child process with :attr:`TelegramServer.environment`
reaches us with nothing patched, and the practice exchange (127.0.0.1) past the proxy.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from tests.integration.telegram_api import Json, Sent, chat
from tests.integration.telegram_service import TOKEN, Call, Fault, Kind, TelegramService

T = TypeVar("T")
OPERATOR = 777


class TelegramServer(TelegramService):
    """One bot's Telegram, and the people who use it.

    :param chat_id: the chat that freqtrade is configured for; negative = a group.
    """

    def __init__(self, *, chat_id: int = OPERATOR, latency_s: float = 0.0) -> None:
        super().__init__(latency_s=latency_s)
        self.chat_id = chat_id

    # -- for the bot ----------------------------------------------------------------------------

    @property
    def config(self) -> Json:
        """The ``telegram`` block."""
        return {"enabled": True, "token": TOKEN, "chat_id": str(self.chat_id)}

    @property
    def environment(self) -> dict[str, str]:
        """What leads a child process here."""
        proxy = f"http://127.0.0.1:{self.proxy_port}"
        variables = {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost"}
        lower = {name.lower(): value for name, value in variables.items()}
        return variables | lower | {"SSL_CERT_FILE": str(self.ca_file)}

    # -- for the test: people -------------------------------------------------------------------

    def say(
        self, text: str, *, user: int | None = OPERATOR, chat_id: int | None = None,
        topic: int | None = None, age_s: float = 0, edited: bool = False,
        forwarded_from: int | None = None,
    ) -> None:  # fmt: skip
        """Somebody writes *text*; *edited* = changes an earlier message into it.

        :param forwarded_from: who wrote it, if *user* has only forwarded it.
        """
        message = self._message(chat_id, topic) | {"text": text}
        if forwarded_from is not None:
            origin = {"type": "user", "date": 0, "sender_user": _person(forwarded_from)}
            message["forward_origin"] = origin
        message["date"] = int(time.time() - age_s)
        if user is not None:
            message["from"] = _person(user)
        if text.startswith("/"):
            length = len(text.split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        self.post({"edited_message" if edited else "message": message})

    def press(
        self, sent: Sent, label: str, *, user: int = OPERATOR, inaccessible: bool = False
    ) -> str:
        """Somebody presses a button that *sent* shows, or showed.

        :returns: the id to give to :meth:`wait_for_answer`.
        """
        found = [data for text, data in sent.buttons.items() if label in text]
        assert len(found) == 1, f"{label!r} is not one of {list(sent.buttons)}"
        message = sent.to_json()
        if inaccessible:
            message = {"chat": message["chat"], "message_id": sent.message_id, "date": 0}
        query_id = f"press{self.last_update}"
        query = {
            "id": query_id, "from": _person(user), "message": message,
            "chat_instance": "1", "data": found[0],
        }  # fmt: skip
        self.post({"callback_query": query})
        return query_id

    # -- for the test: what the bot does --------------------------------------------------------

    def wait(self, condition: Callable[[], T | None], what: str, timeout_s: float = 30) -> T:
        """Until *condition*, looked at after every call, is true."""
        with self.changed:
            self.changed.wait_for(lambda: bool(condition()), timeout_s)
            result = condition()
        shown = "\n---\n".join(sent.text for sent in self.chats.sent.values())
        assert result, f"no {what} within {timeout_s} s; the bot has said:\n{shown}"
        return result

    def wait_until_polling(self, timeout_s: float = 60) -> None:
        """Until the bot listens: what is said before is dropped, as freqtrade asks for it."""
        self.wait(lambda: self.made("getUpdates"), "listening bot", timeout_s)

    def wait_for_message(
        self, words: str, *, since: int = 0, timeout_s: float = 30, buttons: bool | None = None
    ) -> Sent:
        """The first message with *words* in what it shows now, after the message *since*."""

        def find() -> Sent | None:
            for sent in self.chats.sent.values():
                fits = buttons is None or bool(sent.keyboard) == buttons
                if sent.message_id > since and words in sent.text and fits:
                    return sent
            return None

        return self.wait(find, f"message with {words!r}", timeout_s)

    def wait_for_answer(self, query_id: str, timeout_s: float = 30) -> str:
        """What the person who pressed sees pop up; empty = nothing."""

        def find() -> Call | None:
            answers = self.made("answerCallbackQuery")
            return next((c for c in answers if c.params["callback_query_id"] == query_id), None)

        return self.wait(find, "answer to a press", timeout_s).params.get("text", "")

    def made(self, method: str, words: str = "") -> list[Call]:
        """Calls of *method* with *words* in their text."""
        fits = [c for c in list(self.calls) if c.method == method]
        return [call for call in fits if words in call.params.get("text", "")]

    @property
    def last_id(self) -> int:
        """Of the newest message of the bot's."""
        return max(self.chats.sent, default=0)

    # -- for the test: disturbing ---------------------------------------------------------------

    def add_fault(self, method: str, kind: Kind, **values: Any) -> Fault:
        """From the next call on."""
        fault = Fault(method=method, kind=kind, **values)
        self.faults.append(fault)
        return fault

    def remove_fault(self, fault: Fault) -> None:
        """From the next call on."""
        self.faults.remove(fault)

    def go_down(self) -> None:
        """Nobody can reach us."""
        self.proxy.is_down = True
        self.loop.call_soon_threadsafe(self.proxy.cut)

    def come_up(self) -> None:
        """As before."""
        self.proxy.is_down = False

    def _message(self, chat_id: int | None, topic: int | None) -> Json:
        message: Json = {
            "message_id": self.chats.new_id(), "date": int(time.time()),
            "chat": chat(self.chat_id if chat_id is None else chat_id),
        }  # fmt: skip
        if topic is not None:
            message |= {"message_thread_id": topic, "is_topic_message": True}
        return message


def _person(user: int) -> Json:
    return {"id": user, "is_bot": False, "first_name": f"Person {user}", "username": f"p{user}"}

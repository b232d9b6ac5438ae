"""Telegram's Bot API, as far as freqtrade and we call it: what a call does and answers.

Source: core.telegram.org/bots/api, methods and error texts as python-telegram-bot 22.8 meets them.
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
LONGEST_TEXT = 4096
BOT = {"id": 4242, "is_bot": True, "first_name": "Practice", "username": "practice_bot"}
KNOWN = ("getMe", "deleteWebhook", "sendMessage", "editMessageText", "answerCallbackQuery")


class ApiError(Exception):
    """Telegram says no."""

    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status = status
        self.body: Json = {"ok": False, "error_code": status, "description": description}
        if parameters:
            self.body["parameters"] = parameters


@dataclass(slots=True)
class Sent:
    """A message of the bot's, as it stands in the chat.

    :ivar texts: every version, oldest first; the last one is what people see.
    :ivar buttons: label to callback data, of the newest keyboard that it had.
    :ivar keyboard: the labels that it shows now.
    """

    message_id: int
    chat_id: int
    topic_id: int | None
    texts: list[str]
    silent: bool
    keyboard: list[str] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What people see now."""
        return self.texts[-1]

    def show(self, markup: str | None) -> None:
        """The inline keyboard of a call's ``reply_markup``."""
        rows = json.loads(markup).get("inline_keyboard", []) if markup else []
        shown = {key["text"]: key["callback_data"] for row in rows for key in row}
        self.keyboard = list(shown)
        if shown:
            self.buttons = shown

    def to_json(self) -> Json:
        """As the API answers it."""
        message = {
            "message_id": self.message_id, "date": int(time.time()), "from": BOT,
            "chat": chat(self.chat_id), "text": self.text,
        }  # fmt: skip
        if self.topic_id is not None:
            message |= {"message_thread_id": self.topic_id, "is_topic_message": True}
        return message


def chat(chat_id: int) -> Json:
    """A private chat has the id of its person, a group a negative one."""
    return {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup", "title": "Group"}


class Chats:
    """Every message of the bot's."""

    def __init__(self) -> None:
        self.sent: dict[int, Sent] = {}
        self._last_id = 100

    def new_id(self) -> int:
        """The number of the next message, people's messages included."""
        self._last_id += 1
        return self._last_id

    def call(self, method: str, params: dict[str, str]) -> Any:
        """The result of *method*.

        :raises ApiError: as Telegram would answer.
        """
        match method:
            case "getMe":
                return BOT
            case "sendMessage":
                return self._send(params)
            case "editMessageText":
                return self._edit(params)
            case "deleteWebhook" | "answerCallbackQuery":
                return True
        raise ApiError(404, f"Not Found: {method} is not part of the stand-in")

    def _send(self, params: dict[str, str]) -> Json:
        _check_text(params)
        topic = params.get("message_thread_id")
        sent = Sent(
            message_id=self.new_id(),
            chat_id=int(params["chat_id"]),
            topic_id=None if topic is None else int(topic),
            texts=[params["text"]],
            silent=params.get("disable_notification") == "true",
        )
        sent.show(params.get("reply_markup"))
        self.sent[sent.message_id] = sent
        return sent.to_json()

    def _edit(self, params: dict[str, str]) -> Json:
        _check_text(params)
        sent = self.sent.get(int(params["message_id"]))
        if sent is None:
            raise ApiError(400, "Bad Request: message to edit not found")
        before = (sent.text, sent.keyboard)
        sent.show(params.get("reply_markup"))
        if (params["text"], sent.keyboard) == before:
            raise ApiError(
                400,
                "Bad Request: message is not modified: specified new message content and reply "
                "markup are exactly the same as a current content and reply markup of the message",
            )
        sent.texts.append(params["text"])
        return sent.to_json()


def _check_text(params: dict[str, str]) -> None:
    text = params.get("text", "")
    if not text.strip():
        raise ApiError(400, "Bad Request: message text is empty")
    if len(text) > LONGEST_TEXT:
        raise ApiError(400, "Bad Request: message is too long")
    if params.get("parse_mode") == "Markdown":
        _check_markdown(text)


def _check_markdown(text: str) -> None:
    """An entity that does not end is refused, and the message with it."""
    at = 0
    while at < len(text):
        mark = text[at]
        if mark == "\\":
            at += 2
            continue
        if mark in "_*`[":
            mark = "```" if text.startswith("```", at) else mark
            end = text.find("]" if mark == "[" else mark, at + len(mark))
            if end < 0:
                raise ApiError(
                    400,
                    "Bad Request: can't parse entities: Can't find end of the entity starting at "
                    f"byte offset {at}",
                )
            at = end + len(mark) - 1
        at += 1

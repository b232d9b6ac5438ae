"""Our texts through freqtrade's Telegram: whole, in order, tried again, never silently lost."""

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.error import BadRequest, NetworkError, RetryAfter

from freqtrade_liquidation.host.telegram_sending import TelegramSender, pages


class Module:
    """freqtrade's Telegram as the sender sees it: an application in a thread of its own.

    :param errors: raised, one after the other, before a message is taken.
    """

    def __init__(self, *errors: Exception) -> None:
        self._config = {"telegram": {"chat_id": "7", "topic_id": "3"}}
        self._loop = asyncio.new_event_loop()
        self._app = SimpleNamespace(bot=self)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._errors = list(errors)
        self.got: list[dict[str, Any]] = []
        self.attempts = 0

    async def send_message(self, chat_id: str, **values: Any) -> None:
        self.attempts += 1
        if self._errors:
            raise self._errors.pop(0)
        self.got.append({"chat_id": chat_id, **values})

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture
def module() -> Iterator[Module]:
    made = Module()
    yield made
    made.end()
    made._loop.close()


def test_text_goes_to_the_chat_and_its_topic_without_a_parse_mode(module: Module) -> None:
    sender = TelegramSender(module)
    sender.send_text("a_b *c `d", loudness="silent", urgent=False)
    assert sender.wait(10)
    (got,) = module.got
    assert (got["chat_id"], got["message_thread_id"], got["text"]) == ("7", "3", "a_b *c `d")
    assert got["disable_notification"]
    assert "parse_mode" not in got


def test_urgent_text_is_sent_aloud_where_its_kind_is_off_and_others_are_not(
    module: Module,
) -> None:
    sender = TelegramSender(module)
    sender.send_text("no", loudness="off", urgent=False)
    sender.send_text("yes", loudness="off", urgent=True)
    assert sender.wait(10)
    assert [(m["text"], m["disable_notification"]) for m in module.got] == [("yes", False)]


@pytest.mark.parametrize("error", [NetworkError("Bad Gateway"), RetryAfter(0)])
def test_text_not_taken_is_sent_again(module: Module, error: Exception) -> None:
    module._errors = [error, error]
    sender = TelegramSender(module)
    sender.send_text("what remains", loudness="on", urgent=True)
    assert sender.wait(10)
    assert [m["text"] for m in module.got] == ["what remains"]
    assert module.attempts == 3


@pytest.mark.parametrize("error", [BadRequest("chat not found"), RetryAfter(3600)])
def test_text_that_never_will_be_taken_is_given_up_and_logged(
    module: Module, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    module._errors = [error]
    sender = TelegramSender(module)
    sender.send_text("what remains", loudness="on", urgent=True)
    assert sender.wait(10)
    assert module.attempts == 1
    assert f"Message lost on telegram ({type(error).__name__}" in caplog.text
    assert "what remains" in caplog.text


def test_text_to_a_telegram_that_does_not_run_raises(module: Module) -> None:
    module.end()
    with pytest.raises(ConnectionError):
        TelegramSender(module).send_text("x", loudness="on", urgent=True)


def test_text_under_way_when_telegram_ends_is_lost_and_logged(
    module: Module, caplog: pytest.LogCaptureFixture
) -> None:
    module._errors = [RetryAfter(300)]
    sender = TelegramSender(module)
    sender.send_text("what remains", loudness="on", urgent=True)
    assert not sender.wait(0)
    module.end()
    assert sender.wait(0), "nobody has to wait for it any more"
    assert "Message lost on telegram (its loop has ended): what remains" in caplog.text


@given(st.text(alphabet="ab \n", max_size=60), st.integers(1, 9))
def test_pages_lose_nothing_but_line_ends_and_none_is_too_long(text: str, longest: int) -> None:
    found = pages(text, longest)
    assert all(0 < len(page) <= longest and page.strip() for page in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_pages_break_between_lines() -> None:
    assert pages("one\ntwo\nthree", 8) == ["one\ntwo", "three"]

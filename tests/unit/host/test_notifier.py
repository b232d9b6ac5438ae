"""Channels are independent of one another, and what is lost is in the log."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.enums import RPCMessageType

from freqtrade_liquidation.host.notifier import Message, Notifier, deaf_channels


class Channel:
    """One of freqtrade's channels, as the notifier sees it."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name = name
        self.error = error
        self.got: list[Any] = []
        self.gate = threading.Event()
        self.gate.set()

    def send_msg(self, message: Any) -> None:
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        self.got.append(message["status"])


def notifier(*channels: Channel) -> Notifier:
    bot: Any = SimpleNamespace(rpc=SimpleNamespace(registered_modules=list(channels)))
    return Notifier(lambda: bot)


def test_slow_channel_delays_no_other_and_its_messages_keep_their_order() -> None:
    slow, quick = Channel("webhook"), Channel("discord")
    slow.gate.clear()
    sending = notifier(slow, quick)
    for text in ("one", "two"):
        sending.send(Message(text=text))
    sending.flush(0.05)
    try:
        assert quick.got == ["one", "two"]
        assert slow.got == []
    finally:
        slow.gate.set()
    sending.flush(10)
    assert slow.got == ["one", "two"]


def test_undelivered_in_time_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    slow = Channel("webhook")
    slow.gate.clear()
    sending = notifier(slow)
    sending.send(Message(text="x"))
    sending.flush(0.01)
    slow.gate.set()
    assert "Messages on webhook were not delivered in time." in caplog.text
    sending.flush(10)


def test_lost_message_is_in_the_log_and_the_next_one_is_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Channel("webhook", error=ConnectionError("down"))
    sending = notifier(broken)
    sending.send(Message(text="what remains: BTC"))
    sending.flush(10)
    assert "Message lost on webhook (ConnectionError): what remains: BTC" in caplog.text
    broken.error = None
    sending.send(Message(text="again"))
    sending.flush(10)
    assert broken.got == ["again"]


def test_no_thread_is_left_when_all_is_delivered() -> None:
    sending = notifier(Channel("idle-check"))
    sending.send(Message(text="x"))
    sending.flush(10)
    for thread in threading.enumerate():
        if thread.name == "liquidation-idle-check":
            thread.join(10)
            assert not thread.is_alive()


def test_without_a_bot_nothing_is_raised() -> None:
    sending = Notifier(lambda: None)
    sending.send(Message(text="x"))
    sending.flush(0)


def test_freqtrades_own_message_is_passed_on_as_it_is() -> None:
    raw = {"type": RPCMessageType.EXIT_FILL, "pair": "BTC/USDT"}
    assert Message(raw=raw).as_rpc() == raw


@pytest.mark.parametrize(
    ("config", "deaf"),
    [
        ({}, []),
        ({"webhook": {"enabled": False}, "discord": {"enabled": False}}, []),
        (
            {"webhook": {"enabled": True}, "discord": {"enabled": True}},
            ["webhook (status, warning)", "discord (status, warning)"],
        ),
        ({"webhook": {"enabled": True, "webhookstatus": {"value1": "{status}"}}}, []),
        ({"webhook": {"enabled": True, "warning": {"value1": "x"}}}, ["webhook (status)"]),
        ({"webhook": {"enabled": True, "webhookexit": {"a": "x"}}}, ["webhook (status, warning)"]),
        ({"discord": {"enabled": True, "warning": [{"Status": "x"}]}}, ["discord (status)"]),
        ({"discord": {"enabled": True, "warning": [{"a": "x"}], "status": [{"a": "x"}]}}, []),
    ],
)
def test_deaf_channels_are_those_that_could_not_tell_an_outcome(
    config: dict[str, Any], deaf: list[str]
) -> None:
    assert list(deaf_channels(config)) == deaf

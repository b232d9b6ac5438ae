"""Who latches, and what a repeat may not do."""

from typing import Any

import pytest

from freqtrade_liquidation.host.aftermath import Aftermath, Repeats
from freqtrade_liquidation.host.turns import Turn
from freqtrade_liquidation.model import Request

BTC = frozenset({"BTC/USDT:USDT"})


class Latch:
    """Control's latch, noted."""

    def __init__(self) -> None:
        self.latched: list[str] = []

    def latch(self, *, by: str, correlation_id: str | None) -> None:
        self.latched.append(by)


@pytest.mark.parametrize(
    ("requests", "latches"),
    [
        ([Request(trigger="rest")], True),
        ([Request(trigger="shutdown"), Request(trigger="rest")], True),
        ([Request(trigger="rest", pairs=BTC), Request(trigger="rest")], True),
        # A run for some pairs never latches; that a shutdown made it wider changes nothing.
        ([Request(trigger="rest", pairs=BTC), Request(trigger="shutdown")], False),
        ([Request(trigger="rest", details={"repeat": 1})], False),
    ],
)
def test_latch_is_for_those_who_asked_for_the_whole_book(
    requests: list[Request], latches: bool
) -> None:
    control: Any = Latch()
    after = Aftermath(control, lambda: control, repeat_after_s=30.0)
    thread = after.latch(Turn(request=Request(trigger=requests[0].trigger), requests=requests))
    if thread is not None:
        thread.join(10)
    assert bool(control.latched) is latches


def test_repeats_ask_for_what_the_newest_run_asked() -> None:
    """A person's command after a ``/stop`` that left something open overrides the configuration."""
    repeats = Repeats(after_s=0.0)
    repeats.plan(Request(trigger="stop"))
    first = repeats.due()
    assert first is not None
    repeats.plan(first)
    repeats.plan(Request(trigger="telegram"))
    newest = repeats.due()
    assert newest is not None
    assert (newest.trigger, newest.details["repeat"]) == ("telegram", 1)

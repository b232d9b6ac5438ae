"""What the bot's loop does for us must cost it nothing, and raise nothing into it."""

import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from freqtrade.enums import State

from freqtrade_liquidation.host import watch as watch_module
from freqtrade_liquidation.host.control import ControlState
from freqtrade_liquidation.host.lease import Beat
from freqtrade_liquidation.host.lease.claims import Claim
from freqtrade_liquidation.host.watch import Watch
from freqtrade_liquidation.host.watchdog import Watchdog
from tests.stopwatch import Stopwatch


def protection_of(sent: list[Any]) -> Any:
    return SimpleNamespace(
        neighbours=SimpleNamespace(beat=Beat),
        bot=SimpleNamespace(state=State.STOPPED),
        audit=None,
        running_id=None,
        control=SimpleNamespace(state=ControlState),
        notifier=SimpleNamespace(send=sent.append),
    )


def test_repair_that_waits_for_a_silent_exchange_does_not_keep_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers, asked = threading.Event(), threading.Event()
    sent: list[Any] = []
    calls: list[str] = []

    def repair(*_: Any, send: Any) -> list[str]:
        calls.append(threading.current_thread().name)
        asked.set()
        assert answers.wait(10)
        send({"type": "exit_fill"})
        return ["BTC/USDT:USDT"]

    monkeypatch.setattr(watch_module, "repair", repair)
    monkeypatch.setattr(watch_module, "REPAIR_EVERY_S", 0.0)
    monkeypatch.setattr(watch_module, "Trade", SimpleNamespace(session=SimpleNamespace(remove=int)))
    watch = Watch(protection_of(sent))
    stopwatch = Stopwatch()
    for _ in range(5):
        watch.look()
    assert stopwatch.stop() < 2.0
    assert asked.wait(10)
    assert calls == ["liquidation-repair"], "one at a time"
    answers.set()
    until = time.monotonic() + 10
    while len(sent) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert sent[0].raw == {"type": "exit_fill"}
    assert "BTC/USDT:USDT" in sent[1].text


def test_many_runs_of_others_are_one_message() -> None:
    """A hundred and fifty foreign rows were a hundred and fifty messages."""
    sent: list[Any] = []
    protection = protection_of(sent)
    claims = [
        Claim(
            number=number, correlation_id=f"liq_{number}", holder="x", host="h",
            pairs=frozenset(["X/Y"]), under_way=False, booked=None, flat=None,
        )
        for number in range(150)
    ]  # fmt: skip
    protection.neighbours.beat = lambda: Beat(ended=claims)
    over: list[Claim] = []
    protection.after = SimpleNamespace(anothers_run_ended=lambda claim, _: over.append(claim))
    Watch(protection)._heed_neighbours()
    assert over == claims
    (message,) = sent
    assert "liq_149 was run by another process (h), and 149 more" in message.text


def test_pings_come_while_work_is_under_way_and_end_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("freqtrade_liquidation.host.watchdog.PING_EVERY_S", 0.01)
    told: list[str] = []
    enough = threading.Event()

    def notify(message: str) -> None:
        told.append(message)
        if len(told) >= 5:
            enough.set()

    watchdog = Watchdog()
    with watchdog.pinging():
        pass
    assert told == [], "without systemd there is nobody to tell"
    watchdog.notify = notify
    with watchdog.pinging(), watchdog.pinging():
        assert enough.wait(10)
    assert set(told) == {"WATCHDOG=1"}
    for thread in threading.enumerate():
        if thread.name == "liquidation-watchdog":
            thread.join(10)
            assert not thread.is_alive()


def test_broken_socket_of_systemd_ends_nothing() -> None:
    def broken(_: str) -> None:
        raise OSError("no such file")

    watchdog = Watchdog()
    watchdog.notify = broken
    watchdog.ping()


PARTS = ("_heed_neighbours", "_finish_interrupted", "_repair_if_due", "_heed_control")


@pytest.mark.parametrize("broken", PARTS)
def test_watch_goes_on_whatever_a_part_of_it_raises(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    """The loop would die of it, and its death would close the book."""
    watch, done = Watch(cast(Any, SimpleNamespace())), []

    def part(name: str) -> Any:
        def work() -> None:
            done.append(name)
            if name == broken:
                raise ValueError("soon")

        work.__name__ = name
        return work

    for name in PARTS:
        monkeypatch.setattr(watch, name, part(name))
    watch.look()
    watch.look()
    assert done == [*PARTS, *PARTS]
    assert caplog.text.count("a part of its protection failed") == 1, "told once"

"""The bot's loop, and what an operator does at its narrowest moments."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.enums import State

from freqtrade_liquidation.audit.events import AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.host.bot import LiquidatingBot
from freqtrade_liquidation.host.neighbours import Neighbours
from freqtrade_liquidation.host.protection import Protection
from freqtrade_liquidation.host.worker import LiquidatingWorker
from freqtrade_liquidation.model import Request


def nothing(*_: Any, **__: Any) -> None: ...


def test_stop_that_comes_after_our_look_and_before_freqtrades_is_a_trigger() -> None:
    bot = object.__new__(LiquidatingBot)
    bot._state, bot._built, bot.wake = State.RUNNING, True, threading.Event()
    bot.notify_status = bot.check_for_open_trades = nothing  # type: ignore[method-assign]
    asked: list[Request] = []
    worker: Any = object.__new__(LiquidatingWorker)
    worker.freqtrade, worker._resume_from, worker._heartbeat_interval = bot, None, 0
    worker._throttle_secs, worker._throttle, worker._notify = 5, nothing, nothing
    worker._rollback = nothing
    protection: Any = Protection()
    protection.signals = SimpleNamespace(check=nothing)
    protection.watch = SimpleNamespace(look=nothing)
    protection.repeat_if_due = lambda: setattr(bot, "state", State.STOPPED)
    protection.announce, protection.liquidate = nothing, asked.append
    worker._protection = bot._protection = protection
    assert worker._worker(State.RUNNING) is State.STOPPED
    assert [request.trigger for request in asked] == ["stop"]
    assert worker._worker(State.STOPPED) is State.STOPPED
    assert len(asked) == 1


def test_start_that_overlaps_the_beginning_of_a_run_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run has barred the door and latched between the question and the answer."""
    url = f"sqlite:///{tmp_path / 'trades.sqlite'}"
    protection = Protection()
    protection._audit = AuditLog(url, fallback=tmp_path / "audit.sqlite", masker=Masker())
    protection._neighbours = Neighbours(url)
    bot: Any = object()

    def a_run_begins() -> None:
        turns = protection._liquidator.turns
        turn = turns.enter(Request(trigger="rest"), None, wait_turn=True).turn
        protection.door.bar()
        latching = protection.after.latch(turn)
        assert latching is not None
        assert latching.wait(10)

    protection.door.bar()
    monkeypatch.setattr(protection.after.repeats, "end", a_run_begins)
    assert protection.allow_state(bot, State.STOPPED, State.RUNNING) is State.STOPPED
    assert protection.door.is_closed
    last = protection.audit.last_event([AuditEventType.LATCHED, AuditEventType.RELEASED])
    assert last is not None
    assert last["event_type"] == "liquidation_latched"
    assert protection.allow_state(bot, State.STOPPED, State.RUNNING) is State.STOPPED

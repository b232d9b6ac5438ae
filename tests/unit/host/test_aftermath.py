"""Who latches, and what a repeat may not do."""

import threading
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from freqtrade_liquidation.host.aftermath import REPEATS, Aftermath, Repeats
from freqtrade_liquidation.host.protection import Protection
from freqtrade_liquidation.host.turns import Turn
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import UNLISTED, PairOutcome, PairState, Request, Side
from freqtrade_liquidation.state import LiquidationState

BTC = frozenset({"BTC/USDT:USDT"})


def nothing(_: Request) -> None: ...


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
    after = Aftermath(control, lambda: control, order=nothing, repeat_after_s=30.0)
    latching = after.latch(Turn(request=Request(trigger=requests[0].trigger), requests=requests))
    assert latching is None or latching.wait(10)
    assert bool(control.latched) is latches


def test_repeats_ask_for_what_the_newest_run_asked() -> None:
    """A person's command after a ``/stop`` that left something open overrides the configuration."""
    ordered: SimpleQueue[Request] = SimpleQueue()
    repeats = Repeats(0.0, ordered.put)
    repeats.plan(Request(trigger="stop"))
    first = ordered.get(timeout=10)
    assert (first.trigger, first.details["repeat"]) == ("stop", 1)
    repeats.plan(Request(trigger="telegram"))
    newest = ordered.get(timeout=10)
    assert (newest.trigger, newest.details["repeat"]) == ("telegram", 1)
    repeats.plan(newest)
    assert ordered.get(timeout=10).details["repeat"] == 2
    repeats.end()


def test_repeats_end_after_the_last_one_and_no_thread_is_left() -> None:
    others = set(threading.enumerate())
    ordered: SimpleQueue[Request] = SimpleQueue()
    repeats = Repeats(0.0, ordered.put)
    assert repeats.resume(Request(trigger="rest"), REPEATS - 1) == 1
    last = ordered.get(timeout=10)
    assert last.details == {"repeat": REPEATS, "repeats_left": 0}
    repeats.plan(last)
    assert not repeats.are_due_later
    for thread in set(threading.enumerate()) - others:
        thread.join(10)
        assert not thread.is_alive(), thread.name


def test_repeat_is_begun_by_the_loop_where_no_thread_is_granted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    ordered: list[Request] = []
    repeats = Repeats(0.0, ordered.append)
    repeats.plan(Request(trigger="stop"))
    repeats.begin_if_due()
    repeats.begin_if_due()
    assert [request.details["repeat"] for request in ordered] == [1], "one at a time"


def after_runs(*runs: tuple[LiquidationState, frozenset[str] | None]) -> Protection:
    """A bot after *runs*, each as it ended and for which pairs."""
    bot: Any = SimpleNamespace(config={"stake_currency": "USDT"}, set_state=lambda state: None)
    notifier: Any = SimpleNamespace(send=lambda message: None)
    control: Any = None
    after = Aftermath(notifier, lambda: control, order=nothing, repeat_after_s=30.0)
    for state, pairs in runs:
        request = Request(trigger="shutdown", pairs=pairs)
        after.follows(
            Turn(request=request, requests=[request]),
            LiquidationResult(state=state, correlation_id="liq_1"),
            bot,
            on_purpose=False,
        )
    protection = Protection()
    protection.after = after
    return protection


def outcome(pair: str, state: PairState, *, residual_amount: float | None = None) -> PairOutcome:
    return PairOutcome(
        pair=pair, side=Side.SHORT, state=state, amount=0.5, residual_amount=residual_amount
    )


def test_repeat_knows_what_the_run_before_it_left() -> None:
    """Its lists may lack a position by mistake: that one was open is known (DESIGN 3.5)."""
    ordered: SimpleQueue[Request] = SimpleQueue()
    notifier: Any = SimpleNamespace(send=lambda message: None)
    bot: Any = SimpleNamespace(config={"stake_currency": "USDT"}, set_state=lambda state: None)
    control: Any = None
    after = Aftermath(notifier, lambda: control, order=ordered.put, repeat_after_s=0.0)

    def next_after(request: Request, *outcomes: PairOutcome) -> Request:
        result = LiquidationResult(
            state=LiquidationState.FAILED, correlation_id="liq_1", outcomes=outcomes
        )
        after.follows(Turn(request=request, requests=[request]), result, bot, on_purpose=False)
        return ordered.get(timeout=10)

    first = next_after(
        Request(trigger="stop"),
        outcome("A", PairState.OPEN, residual_amount=0.2),
        outcome("B", PairState.NOT_PROVEN),
        outcome("C", PairState.CLOSED, residual_amount=0.0),
        outcome(UNLISTED, PairState.OPEN),
    )
    assert [(p.pair, p.side, p.amount) for p in first.open_before] == [
        ("A", Side.SHORT, 0.2), ("B", Side.SHORT, 0.5),
    ]  # fmt: skip
    second = next_after(first)
    assert second.open_before == first.open_before, "it broke off, and knows no better"
    third = next_after(second, outcome("B", PairState.OPEN, residual_amount=0.1))
    assert [(p.pair, p.amount) for p in third.open_before] == [("B", 0.1)]
    after.repeats.end()


def test_what_is_skipped_does_not_hide_what_a_run_left_open() -> None:
    """A signal in a maintenance window ends a bot whose last run failed: exit code 3, not 130."""
    failed, skipped = (LiquidationState.FAILED, None), (LiquidationState.SKIPPED, None)
    assert after_runs(failed, skipped).positions_remain


def test_run_for_some_pairs_leaves_freqtrades_cleanup_as_it_was_configured() -> None:
    """``cancel_open_orders_on_exit`` is ours to skip only after a run for the whole book."""
    one_pair, whole = (LiquidationState.COMPLETED, BTC), (LiquidationState.COMPLETED, None)
    assert not after_runs(one_pair).after.has_run
    assert after_runs(one_pair, whole).after.has_run


def test_run_for_some_pairs_does_not_call_the_whole_book_flat() -> None:
    """Neither to the exit code, nor to freqtrade's own warning of open trades."""
    one_pair = (LiquidationState.COMPLETED, BTC)
    assert after_runs((LiquidationState.PARTIAL, None), one_pair).positions_remain
    assert after_runs(one_pair).after.last_result is None
    assert after_runs((LiquidationState.FAILED, BTC)).positions_remain
    assert not after_runs((LiquidationState.COMPLETED, None), one_pair).positions_remain

"""Who joins a run, who widens it, who waits for his turn."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.host.turns import Busy, Turn, Turns
from freqtrade_liquidation.manager import LiquidationResult, does_all_of
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.state import LiquidationState

BTC, ETH = frozenset({"BTC/USDT:USDT"}), frozenset({"ETH/USDT:USDT"})


def turns(**config: Any) -> tuple[Turns, list[Turn]]:
    widened: list[Turn] = []
    return Turns(lambda: LiquidationConfig(**config), on_widened=widened.append), widened


def over(turn: Turn, line: Turns) -> LiquidationResult:
    result = LiquidationResult(state=LiquidationState.COMPLETED, correlation_id=turn.correlation_id)
    line.leave(turn)
    turn.done.set_result(result)
    return result


@pytest.mark.parametrize(
    ("running", "other", "config", "does"),
    [
        (Request(trigger="rest"), Request(trigger="shutdown"), {}, True),
        (Request(trigger="shutdown"), Request(trigger="rest"), {}, True),
        (Request(trigger="rest", pairs=BTC), Request(trigger="rest", pairs=BTC), {}, True),
        (Request(trigger="rest", pairs=BTC), Request(trigger="rest", pairs=ETH), {}, False),
        (Request(trigger="rest", pairs=BTC), Request(trigger="shutdown"), {}, False),
        # The automatic one leaves on purpose what the operator wants closed or cancelled.
        (Request(trigger="stop"), Request(trigger="rest"), {"close_positions": False}, False),
        (Request(trigger="stop"), Request(trigger="rest"), {"cancel_orders": False}, False),
        (Request(trigger="rest"), Request(trigger="stop"), {"close_positions": False}, True),
        (Request(trigger="stop"), Request(trigger="shutdown"), {"close_positions": False}, True),
        (Request(trigger="stop", skip_reason="disarmed"), Request(trigger="rest"), {}, False),
        # What would close nothing anyway is done already.
        (Request(trigger="rest", pairs=BTC), Request(trigger="stop", skip_reason="x"), {}, True),
    ],
)
def test_run_covers_another_only_if_it_does_as_much(
    running: Request, other: Request, config: dict[str, Any], does: bool
) -> None:
    assert does_all_of(running, other, LiquidationConfig(**config)) is does


def test_joiner_gets_the_result_of_the_run_under_way() -> None:
    line, _ = turns()
    first = line.enter(Request(trigger="telegram"), None, wait_turn=True)
    second = line.enter(Request(trigger="rest"), None, wait_turn=False)
    assert (first.joined, second.joined) == (False, True)
    assert second.correlation_id == first.correlation_id
    result = over(first.turn, line)
    assert second.wait(0) is result
    assert [request.trigger for request in first.turn.requests] == ["telegram", "rest"]


def test_disjoint_run_is_refused_or_waits_for_its_turn() -> None:
    line, _ = turns()
    first = line.enter(Request(trigger="rest", pairs=BTC), None, wait_turn=True)
    with pytest.raises(Busy) as refused:
        line.enter(Request(trigger="rest", pairs=ETH), None, wait_turn=False)
    assert refused.value.correlation_id == first.correlation_id
    second = line.enter(Request(trigger="rest", pairs=ETH), None, wait_turn=True)
    assert not second.joined
    its_turn = threading.Event()

    def wait() -> None:
        line.wait_for_turn(second.turn)
        its_turn.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert line.running is first.turn
    assert not its_turn.is_set()
    over(first.turn, line)
    assert its_turn.wait(10)
    waiting.join(10)
    assert line.running is second.turn


def test_operator_waits_for_a_run_that_leaves_everything_open_and_is_not_refused() -> None:
    """Such as the record of a ``/stop`` that closes nothing, a moment before."""
    line, _ = turns(triggers=("shutdown",))
    first = line.enter(Request(trigger="stop"), None, wait_turn=True)
    second = line.enter(Request(trigger="rest"), None, wait_turn=False)
    assert not second.joined
    assert second.correlation_id != first.correlation_id


def test_run_that_does_not_end_in_time_holds_up_nobody_for_ever() -> None:
    line, _ = turns(timeout_seconds=0.05)
    first = line.enter(Request(trigger="rest", pairs=BTC), None, wait_turn=True)
    second = line.enter(Request(trigger="rest", pairs=ETH), None, wait_turn=True)
    line.wait_for_turn(second.turn)
    assert line.running is second.turn
    assert not first.turn.done.done()


class Widening:
    """A manager that can be widened, or cannot."""

    def __init__(self, can: bool) -> None:
        self.can = can

    def widen(self, request: Request) -> bool:
        return self.can


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join(10)
    running.close()


@pytest.mark.parametrize("can", [True, False])
def test_wider_run_widens_the_one_under_way_if_that_still_works(
    loop: asyncio.AbstractEventLoop, can: bool
) -> None:
    line, widened = turns()
    first = line.enter(Request(trigger="rest", pairs=BTC), None, wait_turn=True)
    first.turn.manager, first.turn.loop = Widening(can), loop  # type: ignore[assignment]
    second = line.enter(Request(trigger="shutdown"), None, wait_turn=True)
    assert second.joined is can
    assert widened == ([first.turn] if can else [])
    assert (first.turn.request.pairs is None) is can


def test_run_that_is_over_is_not_widened(loop: asyncio.AbstractEventLoop) -> None:
    line, widened = turns()
    first = line.enter(Request(trigger="rest", pairs=BTC), None, wait_turn=True)
    closed = asyncio.new_event_loop()
    closed.close()
    first.turn.manager, first.turn.loop = Widening(True), closed  # type: ignore[assignment]
    assert not line.enter(Request(trigger="shutdown"), None, wait_turn=True).joined
    assert widened == []


def test_exactly_one_ends_a_turn() -> None:
    line, _ = turns()
    turn = line.enter(Request(), None, wait_turn=True).turn
    assert [turn.finish(), turn.finish()] == [True, False]


def test_one_run_after_the_other_however_many_wait_for_one_that_hangs() -> None:
    """Two at once would both sell the same coins (spot)."""
    line, _ = turns(timeout_seconds=0.05)
    pairs = [frozenset({f"{base}/USDT:USDT"}) for base in "ABCD"]
    waiting = [line.enter(Request(trigger="rest", pairs=p), None, wait_turn=True) for p in pairs]
    under_way, most, begun = 0, 0, threading.Lock()

    def carry_out(turn: Turn) -> None:
        nonlocal under_way, most
        assert line.wait_for_turn(turn)
        with begun:
            under_way += 1
            most = max(most, under_way)
        turn.ends_at = time.monotonic() + 0.4  # longer than those behind it can have reckoned
        threading.Event().wait(0.4)
        with begun:
            under_way -= 1
        line.leave(turn)

    threads = [threading.Thread(target=carry_out, args=(t.turn,)) for t in waiting[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == 1
    assert line.running is None


def test_turn_that_was_given_up_is_not_carried_out() -> None:
    line, _ = turns()
    line.enter(Request(trigger="rest", pairs=BTC), None, wait_turn=True)
    second = line.enter(Request(trigger="rest", pairs=ETH), None, wait_turn=True)
    line.leave(second.turn)
    assert not line.wait_for_turn(second.turn)


def test_nobody_joins_a_run_that_has_done_its_work() -> None:
    """What follows from it (the latch) is settled for those who have joined."""
    line, _ = turns()
    first = line.enter(Request(trigger="shutdown"), None, wait_turn=True)
    line.close(first.turn)
    assert not line.enter(Request(trigger="rest"), None, wait_turn=True).joined


def test_maintenance_window_skips_no_run_that_a_person_has_joined() -> None:
    """It was read from the database meanwhile; an operator's command always closes."""
    line, _ = turns()
    turn = line.enter(Request(trigger="stop"), None, wait_turn=True).turn
    assert line.enter(Request(trigger="rest"), None, wait_turn=True).joined
    assert not line.skip(turn, "disarmed")
    assert turn.request.skip_reason is None


def test_person_does_not_join_a_run_that_a_maintenance_window_skips() -> None:
    line, _ = turns()
    turn = line.enter(Request(trigger="stop"), None, wait_turn=True).turn
    assert line.skip(turn, "disarmed")
    assert not line.enter(Request(trigger="rest"), None, wait_turn=True).joined


def test_exit_lock_taken_for_a_run_that_was_given_up_is_given_back() -> None:
    line, _ = turns()
    turn, exit_lock = line.enter(Request(), None, wait_turn=True).turn, threading.Lock()
    turn.finish()
    turn.give_back()
    turn.take(exit_lock, within_s=1)
    assert not exit_lock.locked()

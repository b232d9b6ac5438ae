"""The door that all entries pass."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from freqtrade_liquidation.clock import Clock
from freqtrade_liquidation.orders.entry_gate import ASKED_KEPT, Asked, EntryGate, NotedOrder

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@pytest.mark.parametrize("settled", [False, True], ids=["answered", "lost, and found"])
def test_open_gate_notes_an_entry_until_its_fate_is_known(settled: bool) -> None:
    gate = EntryGate()
    note = gate.note(BTC, "buy")
    assert note is not None
    assert (note.pair, note.side, note.noted_at.tzinfo is not None) == (BTC, "buy", True)
    assert gate.in_air() == (note,)
    if settled:
        gate.let_go(note)
        assert gate.in_air() == (note,)
        gate.settle(note)
        gate.settle(note)
    else:
        gate.answered(note)
    assert gate.in_air() == ()


def test_barred_door_refuses_and_notes_nothing() -> None:
    door = EntryGate()
    door.bar()
    assert door.note(BTC, "buy") is None
    assert door.in_air() == ()


def test_run_for_some_pairs_bars_only_those() -> None:
    door = EntryGate()
    door.bar([BTC])
    assert door.is_barred(BTC)
    assert not door.is_barred(ETH)
    assert door.note(ETH, "sell") is not None


def test_bars_add_up_and_open_lifts_all_of_them() -> None:
    door = EntryGate()
    door.bar([BTC])
    door.bar()
    door.bar([ETH])
    assert door.is_barred("XRP/USDT:USDT")
    door.open()
    assert not any(door.is_barred(pair) for pair in (BTC, ETH, "XRP/USDT:USDT"))


def test_barring_no_pair_bars_none() -> None:
    door = EntryGate()
    door.bar([])
    assert not door.is_barred(BTC)


def test_barring_keeps_what_is_in_the_air() -> None:
    door = EntryGate()
    note = door.note(BTC, "buy")
    door.bar()
    assert door.in_air() == (note,)


def test_orders_of_one_pair_and_side_share_a_note_that_the_last_of_them_ends() -> None:
    gate = EntryGate()
    first, second, other = gate.note(BTC, "buy"), gate.note(BTC, "buy"), gate.note(BTC, "sell")
    assert first is not None
    assert other is not None
    assert (second is first, other is first) == (True, False)
    gate.answered(first)
    assert gate.in_air() == (first, other)
    gate.answered(first)
    assert gate.in_air() == (other,)


def test_order_whose_answer_was_lost_stays_whatever_the_next_ones_are_answered() -> None:
    """A stop was refused at every loop for 75 s; the lost entry's note must not go with them."""
    gate = EntryGate()
    lost = gate.note(BTC, "buy")
    assert lost is not None
    gate.ask(lost, order := Asked(1.0, None, "lost"))
    gate.let_go(lost)
    for number in range(ASKED_KEPT):
        refused, again = gate.note_exit(BTC, "sell"), gate.note(BTC, "buy")
        assert again is lost
        gate.ask(again, next_one := Asked(1.0, None, str(number)))
        gate.answered(refused)
        gate.answered(again, [next_one])
    assert gate.in_air() == (lost,)
    assert lost.asked == [order]


def test_note_keeps_what_was_asked_for_last_and_no_more_than_it_has_room_for() -> None:
    gate = EntryGate()
    note = gate.note_exit(BTC, "sell")
    for amount in range(1, 3 * ASKED_KEPT):
        gate.ask(note, Asked(float(amount), None, str(amount)))
    assert [asked.amount for asked in note.asked] == [
        float(amount) for amount in range(2 * ASKED_KEPT, 3 * ASKED_KEPT)
    ]


@pytest.mark.parametrize("ahead_s", [-90.0, 0.0, 90.0])
def test_order_can_be_the_notes_by_its_date_whatever_the_exchanges_clock_shows(
    ahead_s: float,
) -> None:
    """The offset is known, and the moments between which freqtrade asked are, too."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    now = began
    gate = EntryGate(Clock(utcnow=lambda: now))
    note = gate.note_exit(BTC, "sell")
    now = began + timedelta(seconds=10)
    offset = timedelta(seconds=ahead_s)

    def may_be(seconds: float) -> bool:
        return note.may_be_at(began + offset + timedelta(seconds=seconds), offset=offset)

    assert [may_be(s) for s in (-3.0, -1.0, 0.0, 600.0)] == [False, True, True, True]
    gate.let_go(note)
    assert [may_be(s) for s in (-3.0, 0.0, 11.0, 15.0)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("in_flight", "expected"), [(False, 7.0), (True, 20.0)], ids=["let go", "under way"]
)
def test_order_is_out_since_freqtrade_let_go_of_it_or_else_since_the_run_began(
    in_flight: bool, expected: float
) -> None:
    gate = EntryGate(Clock(monotonic=lambda: 7.0))
    note = gate.note(BTC, "buy")
    assert note is not None
    assert note.out_since(20.0) == 20.0
    gate.let_go(note)
    if in_flight:
        gate.note(BTC, "buy")
    assert note.out_since(20.0) == expected


def test_after_bar_returns_no_thread_gets_in() -> None:
    """Whatever was let in is in the air by then; a run that looks later misses no entry."""
    door = EntryGate()
    start = threading.Barrier(9)

    def enter() -> int:
        start.wait()
        entered = 0
        while door.note(BTC, "buy") is not None:
            entered += 1
        return entered

    with ThreadPoolExecutor(8) as pool:
        entering = [pool.submit(enter) for _ in range(8)]
        start.wait()
        door.bar()
        noted = len(door.in_air())
        assert sum(done.result(10) for done in entering) == noted == len(door.in_air())


def test_order_that_a_look_has_shown_is_noted_until_it_is_over_and_is_not_in_the_air() -> None:
    """The next run has to know of it where this one could not close its pair."""
    gate, orders = EntryGate(), [Asked(1.0, None, "first"), Asked(1.0, None, "second")]
    note = gate.note(BTC, "buy")
    assert note is not None
    for order in orders:
        gate.ask(note, order)
    gate.let_go(note)
    gate.found(note, {"first": "1"})
    assert gate.in_air() == (note,)
    gate.found(note, {"second": "2"})
    assert (gate.in_air(), gate.notes()) == ((), (note,))
    assert gate.noted_since() == {BTC: note.noted_at}
    again = gate.note(BTC, "buy")
    assert again is not note, "the next entry is another one"
    assert gate.in_air() == (again,)
    gate.end(note, ["first", "second"])
    assert gate.notes() == (again,)


def test_what_another_process_noted_is_taken_in_as_let_go() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    gate = EntryGate(Clock(monotonic=lambda: 7.0, utcnow=lambda: now))
    asked = [Asked(1.0, None, "first"), Asked(1.0, 2.0, "second", is_stop=True)]
    gate.take_in(
        NotedOrder(
            pair=BTC, side="sell", is_exit=True, asked=order, noted_at=now - timedelta(hours=hours)
        )
        for order, hours in zip(asked, (1, 2), strict=True)
    )
    (note,) = gate.in_air()
    assert (note.asked, note.in_flight, note.out_since(20.0)) == (asked, 0, 7.0)
    at = {hours: now - timedelta(hours=hours) for hours in (0, 1, 2, 3)}
    may_be = {hours: note.may_be_at(at[hours], offset=timedelta()) for hours in at}
    assert may_be == {0: False, 1: True, 2: True, 3: False}, "none was sent after the process died"

"""The door that all entries pass."""

import threading
from concurrent.futures import ThreadPoolExecutor

from freqtrade_liquidation.orders.entry_gate import EntryGate

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def test_open_door_notes_an_entry_until_it_is_settled() -> None:
    door = EntryGate()
    note = door.note(BTC, "buy")
    assert note is not None
    assert (note.pair, note.side, note.noted_at.tzinfo is not None) == (BTC, "buy", True)
    assert door.in_air() == (note,)
    door.settle(note)
    door.settle(note)
    assert door.in_air() == ()


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


def test_two_entries_into_one_pair_are_settled_one_by_one() -> None:
    door = EntryGate()
    first, second = door.note(BTC, "buy"), door.note(BTC, "buy")
    assert first is not None
    door.settle(first)
    assert door.in_air() == (second,)


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

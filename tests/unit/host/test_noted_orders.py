"""Noted orders on record: what the next process reads of them, and what a database may do to it."""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqtrade_liquidation.host.lease import BookDatabase, BookUnavailable, NotedOrders
from freqtrade_liquidation.host.lease import noted_orders as module
from freqtrade_liquidation.orders.entry_gate import Asked, EntryGate, NotedOrder

BTC = "BTC/USDT:USDT"
STOP = Asked(0.5, 50_000.0, "fte0123456789abcde", is_stop=True)
EXIT = Asked(0.25, None, "fte0123456789abcdf")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "t.sqlite"


@pytest.fixture
def record(file: Path) -> Iterator[NotedOrders]:
    book = BookDatabase(f"sqlite:///{file}")
    yield NotedOrders(book)
    book.close()


def an_order(asked: Asked = STOP, noted_at: datetime | None = None) -> NotedOrder:
    noted_at = noted_at or datetime.now(UTC)
    return NotedOrder(pair=BTC, side="sell", is_exit=True, asked=asked, noted_at=noted_at)


def change(file: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as other, other:
        other.execute(statement)


def test_next_process_reads_what_the_gate_noted_and_what_is_over_is_gone(
    record: NotedOrders,
) -> None:
    gate, order = EntryGate(), Asked(1.0, 64_000.5, "fte00000000000000a")
    gate.keeper = record
    entry, out = gate.note(BTC, "buy"), gate.note_exit(BTC, "sell")
    assert entry is not None
    for note, asked in ((entry, order), (out, EXIT), (out, STOP)):
        gate.ask(note, asked)
    gate.let_go(entry)
    gate.answered(out, [EXIT])

    later = EntryGate()
    later.take_in(record.read([BTC]))
    found = {(n.side, n.is_exit, n.in_flight): n.asked for n in later.in_air()}
    assert found == {("buy", False, 0): [order], ("sell", True, 0): [STOP]}
    gate.settle(entry)
    gate.strike_rows()
    assert [left.asked for left in record.read([BTC])] == [STOP]


@pytest.mark.parametrize(
    "spoilt",
    [
        "name = 'web_4711'",
        "name = 'ftl0123456789abcde'",
        "name = x'ff'",
        f"name = '{'f' * 10_000}'",
        "pair = 'NOT/LISTED'",
        "pair = NULL",
        "side = 'long'",
        "kind = 'transfer'",
        "amount = 'much'",
        "amount = -1.0",
        "amount = 9e99",
        "price = 0.0",
        "price = x'00'",
        "noted_at = 'soon'",
        "noted_at = '2020-01-01 00:00:00'",
        "noted_at = '2190-01-01 00:00:00'",
    ],
)
def test_row_that_no_bot_of_ours_can_have_written_is_set_aside(
    record: NotedOrders, file: Path, spoilt: str
) -> None:
    """Believed, it would make an order of the user's one of the bot's."""
    record.write(an_order())
    record.write(an_order(EXIT))
    change(file, "CREATE TABLE spoilt AS SELECT * FROM liquidation_noted_orders")
    change(file, f"UPDATE spoilt SET {spoilt} WHERE price IS NOT NULL")
    change(file, "DROP TABLE liquidation_noted_orders")
    change(file, "ALTER TABLE spoilt RENAME TO liquidation_noted_orders")
    assert [order.asked for order in record.read([BTC])] == [EXIT]
    assert len(record._book.border.set_aside) == 1


def test_no_more_rows_are_read_than_a_run_can_look_for(
    record: NotedOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_AT_MOST", 3)
    now = datetime.now(UTC)
    for number in range(5):
        asked = Asked(1.0, None, f"fte{number:015x}")
        record.write(an_order(asked, now - timedelta(minutes=number)))
    names = [order.asked.name for order in record.read([BTC])]
    assert names == [f"fte{number:015x}" for number in range(3)], "the newest ones"


def test_database_that_cannot_be_written_stops_no_order_and_is_told_once(
    record: NotedOrders, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record.write(an_order())
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        record.write(an_order(EXIT))
        record.strike([STOP.name])
        other.execute("ROLLBACK")
    assert caplog.text.count("is not on record") == 1
    record.write(an_order(Asked(1.0, None, "fte00000000000000b")))
    left = [order.asked.name for order in record.read([BTC])]
    assert left == ["fte00000000000000b"], "what could not be struck is struck with the next write"


def test_database_in_memory_keeps_nothing_and_says_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    book = BookDatabase("sqlite://")
    record = NotedOrders(book)
    record.write(an_order())
    assert record.read([BTC]) == []
    assert caplog.text == ""


def test_database_that_cannot_be_read_is_no_empty_one(record: NotedOrders, file: Path) -> None:
    """Taken for one, a run would sell again what a lost exit has sold."""
    record.write(an_order())
    change(file, "DROP TABLE liquidation_claims")
    change(file, "CREATE VIEW liquidation_claims AS SELECT 1")
    change(file, "DROP TABLE liquidation_noted_orders")
    change(file, "CREATE VIEW liquidation_noted_orders AS SELECT * FROM nowhere")
    with pytest.raises(BookUnavailable):
        record.read([BTC])

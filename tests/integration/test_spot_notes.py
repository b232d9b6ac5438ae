"""Orders in the air on spot: counted once, and never beyond what the bot bought."""

import asyncio
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rules.names import bot_order_id
from freqtrade_liquidation.model import ClosingOrder, OrderRole, Position, Side
from freqtrade_liquidation.orders import bot_orders
from freqtrade_liquidation.orders.entry_gate import Asked, EntryGate
from freqtrade_liquidation.orders.executions import Close, still_unbooked
from freqtrade_liquidation.orders.spot import SpotOrders
from freqtrade_liquidation.orders.trades import KnownTrade
from tests.integration.exchanges import SPOT, trade

Book = Callable[..., None]


in_database: list[KnownTrade] = []


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Book:
    """Says which orders freqtrade's database knows."""
    booked: set[str] = set()

    def among(order_ids: Collection[str]) -> set[str]:
        return booked & set(order_ids)

    monkeypatch.setattr(bot_orders, "booked_ids", among)
    monkeypatch.setattr(bot_orders, "open_trades", lambda config: tuple(in_database))
    return lambda *order_ids: booked.update(order_ids)


def name_by(exchange: Exchange) -> str:
    """As the bot names its orders."""
    return bot_order_id(exchange._api, uuid.uuid4().hex)


def look(
    exchange: Exchange,
    door: EntryGate,
    *trades: KnownTrade,
    closes: Sequence[Close] = (),
    now: Sequence[KnownTrade] | None = None,
) -> tuple[list[Any], list[Any]]:
    """Positions and open orders.

    :param closes: of earlier runs.
    :param now: what the database says by now; ``None`` = still *trades*.
    """
    in_database[:] = trades if now is None else now

    async def main() -> tuple[list[Any], list[Any]]:
        wire = ExchangeClient(exchange)
        try:
            venue = SpotOrders(exchange, wire, trades, gate=door)
            venue.executions.closes += still_unbooked(closes, trades, door.noted_since())
            positions = await venue.get_all_positions(timeout_s=2.0)
            return list(positions), list(await venue.get_open_orders(timeout_s=2.0))
        finally:
            wire.close()

    return asyncio.run(main())


def test_entry_that_nobody_heard_of_is_found_and_no_other(
    practice: PracticeExchange, spot: Exchange, book: Book
) -> None:
    """A trade that was bought and sold in the second before is not sold again: those coins are the
    user's."""
    practice.seed_balance("BTC", 5)
    book(practice.seed_order(SPOT, "buy", 0.02))
    door = EntryGate()
    note = door.note(SPOT, "buy")
    assert note is not None
    door.ask(note, Asked(0.01, None, name := name_by(spot)))
    assert look(spot, door) == ([], [])
    assert len(door.in_air()) == 1, "what is known settles nothing"
    practice.seed_order(SPOT, "buy", 0.01, client_order_id=name)
    (position,), _ = look(spot, door)
    assert position.amount == pytest.approx(0.01 * 0.999)
    assert door.in_air() == ()


def test_exit_that_nobody_heard_of_is_not_sold_again(
    practice: PracticeExchange, spot: Exchange, book: Book
) -> None:
    practice.seed_balance("BTC", 5)
    door = EntryGate()
    door.ask(door.note_exit(SPOT, "sell"), Asked(0.02, None, name := name_by(spot)))
    (position,), _ = look(spot, door, trade(SPOT, 0.03))
    assert position.uncertain, "it may still be executed"
    practice.seed_order(SPOT, "sell", 0.02, client_order_id=name)
    (position,), _ = look(spot, door, trade(SPOT, 0.03))
    assert not position.uncertain
    assert position.amount == pytest.approx(0.01)


def test_exit_that_is_booked_after_the_trades_were_read_is_not_sold_again(
    practice: PracticeExchange, spot: Exchange, book: Book
) -> None:
    """By the bot, beside a command that looks for it: the command's trades do not count it yet."""
    practice.seed_balance("BTC", 5)
    door = EntryGate()
    door.ask(note := door.note_exit(SPOT, "sell"), Asked(0.02, None, name := name_by(spot)))
    door.let_go(note)
    book(order_id := practice.seed_order(SPOT, "sell", 0.02, client_order_id=name))
    booked = replace(trade(SPOT, 0.01), order_ids=frozenset({order_id}))
    (position,), _ = look(spot, door, trade(SPOT, 0.03), now=[booked])
    assert position.amount == pytest.approx(0.01)


def test_exit_that_nobody_heard_of_and_that_rests_is_to_be_cancelled_first(
    practice: PracticeExchange, spot: Exchange, book: Book
) -> None:
    """It locks the coins that are to be sold."""
    practice.seed_balance("BTC", 0.03)
    door = EntryGate()
    price, name = practice.price(SPOT) * 1.1, name_by(spot)
    door.ask(door.note_exit(SPOT, "sell"), Asked(0.03, price, name))
    resting = practice.seed_order(SPOT, "sell", 0.03, price, client_order_id=name)
    (position,), (order,) = look(spot, door, trade(SPOT, 0.03))
    assert position.amount == pytest.approx(0.03)
    assert (order.order_id, order.role, order.blocks_close) == (resting, OrderRole.EXIT, True)


def test_close_of_ours_is_not_counted_as_an_exit_too_where_lists_give_no_names(
    practice: PracticeExchange, spot: Exchange, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted twice, what is left would look sold. ccxt reads no names from Bitvavo's lists."""
    monkeypatch.setattr(bot_orders, "is_ours", lambda name: False)
    practice.seed_balance("BTC", 5)
    door = EntryGate()
    door.ask(door.note_exit(SPOT, "sell"), Asked(0.02, None, name_by(spot)))
    answer = {"id": practice.seed_order(SPOT, "sell", 0.02), "status": "closed", "filled": 0.02}
    order = ClosingOrder(pair=SPOT, side=Side.LONG, amount=0.02, client_order_id="ftl1")

    async def main() -> list[Position]:
        wire = ExchangeClient(spot)
        try:
            venue = SpotOrders(spot, wire, (trade(SPOT, 0.03),), gate=door)
            venue.executions.closes.append(Close(order=order, answer={**answer, "average": 1.0}))
            return list(await venue.get_all_positions(timeout_s=2.0))
        finally:
            wire.close()

    [position] = asyncio.run(main())
    assert position.amount == pytest.approx(0.01)


@pytest.mark.parametrize("by", ["web_4711", "fte0123456789abcde"], ids=["by hand", "another bot"])
def test_order_that_somebody_else_placed_in_the_same_moment_is_not_ours(
    practice: PracticeExchange, spot: Exchange, book: Book, by: str
) -> None:
    """The bot's entry timed out and never arrived; the user buys the same pair by hand, or another
    bot of ours on the account does."""
    practice.seed_balance("BTC", 5)
    door = EntryGate()
    note = door.note(SPOT, "buy")
    assert note is not None
    door.ask(note, Asked(0.02, None, name_by(spot)))
    door.let_go(note)
    practice.seed_order(SPOT, "buy", 0.02, client_order_id=by)
    assert look(spot, door) == ([], [])
    assert len(door.in_air()) == 1


def test_note_ends_with_the_last_order_that_it_waits_for(
    practice: PracticeExchange, spot: Exchange, book: Book
) -> None:
    """One that the database knows by now counts: the signal came between its commit and the end of
    freqtrade's call."""
    practice.seed_balance("BTC", 5)
    door, names = EntryGate(), [name_by(spot) for _ in range(2)]
    note = door.note(SPOT, "buy")
    assert note is not None
    for name in names:
        door.ask(note, Asked(0.01, None, name))
    door.let_go(note)
    book(practice.seed_order(SPOT, "buy", 0.01, client_order_id=names[0]))
    assert look(spot, door) == ([], [])
    assert [asked.name for asked in note.asked] == names[1:]
    practice.seed_order(SPOT, "buy", 0.01, client_order_id=names[1])
    (position,), _ = look(spot, door)
    assert position.amount == pytest.approx(0.01 * 0.999)
    assert door.in_air() == ()


def test_what_a_run_has_sold_of_a_found_entry_is_not_sold_again_by_the_next(
    practice: PracticeExchange, spot: Exchange, book: Book
) -> None:
    """The note stays until the pair is closed, and earlier closes count against what it found."""
    practice.seed_balance("BTC", 5)
    door, name = EntryGate(), name_by(spot)
    note = door.note(SPOT, "buy")
    assert note is not None
    door.ask(note, Asked(0.03, None, name))
    door.let_go(note)
    practice.seed_order(SPOT, "buy", 0.03, client_order_id=name)
    (position,), _ = look(spot, door)
    assert position.amount == pytest.approx(0.03 * 0.999)
    answer = {"id": practice.seed_order(SPOT, "sell", 0.02), "status": "closed", "filled": 0.02}
    order = ClosingOrder(pair=SPOT, side=Side.LONG, amount=0.03, client_order_id="ftl1")
    (position,), _ = look(
        spot, door, closes=[Close(order=order, answer={**answer, "average": 1.0})]
    )
    assert position.amount == pytest.approx(0.03 * 0.999 - 0.02)


@pytest.mark.parametrize(
    ("amount", "trigger", "is_ours"), [(0.02, 60_000, True), (0.02, 59_000, False)]
)
def test_stop_that_can_bear_no_name_is_found_by_its_terms(
    practice: PracticeExchange, spot: Exchange, book: Book, monkeypatch: pytest.MonkeyPatch,
    amount: float, trigger: float, is_ours: bool,
) -> None:  # fmt: skip
    """Gate takes none, and its lists show a word of its own in the name's place."""
    monkeypatch.setattr(bot_orders, "stop_name", lambda api, name: {})
    practice.seed_balance("BTC", 5)
    door = EntryGate()
    door.ask(door.note_exit(SPOT, "sell"), Asked(0.02, 60_000.0, name_by(spot), is_stop=True))
    resting = practice.seed_order(
        SPOT, "sell", amount, 59_000.0, stop_price=trigger, client_order_id="web"
    )
    _, orders = look(spot, door, trade(SPOT, 0.03))
    assert [(o.order_id, o.role) for o in orders] == (
        [(resting, OrderRole.PROTECTIVE)] if is_ours else []
    )

"""What booking leaves alone. Whole bookings are tests of processes: tests/integration."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from freqtrade.enums import TradingMode
from freqtrade.persistence import Order, Trade, init_db

from freqtrade_liquidation.host.bookkeeping import Bookkeeper
from freqtrade_liquidation.host.facts import Facts
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.executions import Close, PutBack, as_earlier
from freqtrade_liquidation.orders.futures import FuturesOrders
from freqtrade_liquidation.orders.trades import KnownOrder

PAIR = "BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def database() -> Iterator[None]:
    init_db("sqlite://")
    yield
    Trade.session.remove()


def bookkeeper(door: EntryGate, facts: Facts, **bot: Any) -> tuple[Bookkeeper, FuturesOrders]:
    """Over a bot that has what *bot* says, and nothing else."""
    exchange: Any = SimpleNamespace(
        trading_mode=TradingMode.FUTURES, _api=ccxt.binance(), _api_async=SimpleNamespace(),
        markets={}, get_rate=None,
        _config={"stake_currency": "USDT", "dry_run": False, "db_url": "sqlite://"},
    )  # fmt: skip
    whole: Any = SimpleNamespace(
        exchange=exchange, wallets=SimpleNamespace(), config={"dry_run": False}, **bot
    )
    wire: Any = None
    venue = FuturesOrders(exchange, wire, (), gate=door)
    return Bookkeeper(whole, venue, facts), venue


def cancelled_to_be_replaced(status: str) -> None:
    """As freqtrade leaves it between the cancel of an entry and its successor.

    :param status: of the entry in the database. freqtrade commits a cancel only with what follows.
    """
    trade = Trade(
        pair=PAIR, exchange="binance", stake_amount=10.0, amount=0.0, open_rate=1.0, fee_open=0.0,
        fee_close=0.0, is_open=True, open_date=datetime.now(UTC), leverage=1.0, is_short=False,
    )  # fmt: skip
    raw = {"id": "1", "status": status, "filled": 0.0, "amount": 1.0, "price": 1.0}
    order = Order.parse_from_ccxt_object(raw, PAIR, "buy", 1.0, 1.0)
    trade.orders.append(order)
    Trade.session.add(trade)
    Trade.commit()


def cancel_entry(
    trade: Trade, state: Any, order: Order, reason: str, replacing: bool = False
) -> None:
    """As freqtrade's ``handle_cancel_enter``."""
    if replacing:
        trade.update_order(state)
    else:
        trade.delete()


def close(order_id: str, amount: float) -> Close:
    order = ClosingOrder(pair=PAIR, side=Side.LONG, amount=amount, client_order_id=f"ftl{order_id}")
    answer = {"id": order_id, "status": "closed", "filled": amount, "average": 9.0}
    return Close(order=order, answer=answer)


def test_what_an_earlier_run_closed_is_not_on_the_record_of_this_one() -> None:
    """It is booked with this run's orders, and stands under the run that sent it."""
    books, venue = bookkeeper(EntryGate(), Facts())
    venue.executions.closes = [*as_earlier([close("1", 0.2)]), close("2", 0.3)]
    [booked] = books.book([PAIR])
    assert (booked.filled, booked.average) == (0.3, 9.0)


@pytest.mark.parametrize("status", ["open", "canceled"])
@pytest.mark.parametrize(
    ("sent", "let_go", "in_air"), [(False, False, False), (True, False, True), (True, True, False)]
)
def test_trade_whose_replacement_is_in_the_air_is_not_ended(
    sent: bool, let_go: bool, in_air: bool, status: str
) -> None:
    """Its loop may hang in that request, so that the run goes on without its lock."""
    cancelled_to_be_replaced(status)
    door = EntryGate()
    if sent:
        note = door.note(PAIR, "buy")
        assert note is not None
        if let_go:
            door.let_go(note)
            note.let_go_at = time.monotonic() - 60  # long enough to be waited for no more
    cancelled = {"id": "1", "status": "canceled", "filled": 0.0, "amount": 1.0}
    books, _ = bookkeeper(door, Facts(states={"1": cancelled}), handle_cancel_enter=cancel_entry)
    [booked] = books.book([PAIR])
    assert booked.error is None
    assert bool(Trade.get_open_trades()) is in_air
    assert not any(trade.has_open_orders for trade in Trade.get_open_trades())


def open_trade() -> dict[str, Any]:
    """A trade of one coin whose entry has filled; the entry as ccxt would give it."""
    trade = Trade(
        pair=PAIR, exchange="binance", stake_amount=10.0, amount=1.0, open_rate=1.0, fee_open=0.0,
        fee_close=0.0, is_open=True, open_date=datetime.now(UTC), leverage=1.0, is_short=False,
    )  # fmt: skip
    raw = {"id": "1", "status": "closed", "filled": 1.0, "amount": 1.0, "price": 1.0}
    entry = Order.parse_from_ccxt_object({**raw, "average": 1.0}, PAIR, "buy", 1.0, 1.0)
    trade.orders.append(entry)
    Trade.session.add(trade)
    Trade.commit()
    return raw


def closing(name: str) -> ClosingOrder:
    return ClosingOrder(pair=PAIR, side=Side.LONG, amount=1.0, client_order_id=name)


def update(booked: Trade, order_id: str, state: Any) -> None:
    """As freqtrade's ``update_trade_state``, of a whole exit."""
    booked.orders[-1].update_from_ccxt_object(state)
    Trade.commit()
    booked.close(float(state["average"]))


def test_booking_that_stumbles_after_freqtrade_has_committed_leaves_no_half_written_order() -> None:
    """The next start took the row for a booked close, and the trade stayed open for ever."""
    raw, stumbles = open_trade(), iter([True, False])

    def stumbling(booked: Trade, order_id: str, state: Any) -> None:
        update(booked, order_id, state)
        if next(stumbles):
            raise TypeError("unsupported operand")

    books, venue = bookkeeper(EntryGate(), Facts(), update_trade_state=stumbling)
    answer = {**raw, "id": "2", "average": 2.0, "side": "sell", "symbol": PAIR}
    venue.executions.closes.append(Close(order=closing("ftl1"), answer=answer))
    [failed] = books.book([PAIR])
    assert "not booked" in str(failed.error)
    [untouched] = Trade.get_open_trades()
    assert [o.order_id for o in untouched.orders] == ["1"]
    assert untouched.exit_reason is None
    assert venue.executions.booked == {}
    [booked] = books.book([PAIR])
    assert booked.error is None
    assert not Trade.get_open_trades()


@pytest.mark.parametrize("is_answered", [True, False])
def test_close_that_was_never_answered_leaves_nothing_to_book_where_another_closed_the_trade(
    is_answered: bool,
) -> None:
    """A book that was flat and booked was told to be booked by the next start."""
    raw = open_trade()
    books, venue = bookkeeper(EntryGate(), Facts(), update_trade_state=update)
    lost, good = Close(order=closing("ftl1")), Close(order=closing("ftl2"))
    good.answer = {**raw, "id": "2", "average": 2.0, "side": "sell", "symbol": PAIR}
    if is_answered:
        lost.answer = {"id": "3", "status": "open", "filled": 0.0, "symbol": PAIR, "side": "sell"}
    venue.executions.closes += [lost, good]
    [booked] = books.book([PAIR])
    assert (booked.error is None) is not is_answered
    assert (booked.filled, booked.average) == ((None, None) if is_answered else (1.0, 2.0))
    assert not Trade.get_open_trades()


def test_stop_that_an_earlier_run_has_put_back_is_booked_once_by_the_next_one() -> None:
    """Its fill was in no trade where the next run had closed the rest."""
    open_trade()
    state = {"id": "7", "status": "canceled", "filled": 0.4, "amount": 1.0, "price": 0.9}
    told: list[tuple[str, Any]] = []

    def update_stop(trade: Trade, order_id: str, state: Any, **_: Any) -> None:
        told.append((order_id, state["filled"]))

    books, venue = bookkeeper(
        EntryGate(), Facts(states={"7": state}), update_trade_state=update_stop
    )
    stop = KnownOrder(order_id="7", role_side="stoploss", is_stop=True, amount=1.0, stop_price=0.9)
    venue.ownership.put_back = (PutBack(pair=PAIR, order=stop, placed_at=datetime.now(UTC)),)
    books.book([PAIR])
    books.book([PAIR])
    [trade] = Trade.get_open_trades()
    assert [o.order_id for o in trade.orders] == ["1", "7"]
    assert told == [("7", 0.4)]

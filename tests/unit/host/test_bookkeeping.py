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
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.futures import FuturesOrders

PAIR = "BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def database() -> Iterator[None]:
    init_db("sqlite://")
    yield
    Trade.session.remove()


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
    exchange: Any = SimpleNamespace(
        trading_mode=TradingMode.FUTURES, _api=ccxt.binance(), _api_async=SimpleNamespace(),
        markets={}, get_rate=None,
        _config={"stake_currency": "USDT", "dry_run": False, "db_url": "sqlite://"},
    )  # fmt: skip
    bot: Any = SimpleNamespace(
        exchange=exchange, wallets=SimpleNamespace(), config={"dry_run": False},
        handle_cancel_enter=cancel_entry,
    )  # fmt: skip
    wire: Any = None
    venue = FuturesOrders(exchange, wire, (), gate=door)
    cancelled = {"id": "1", "status": "canceled", "filled": 0.0, "amount": 1.0}
    [booked] = Bookkeeper(bot, venue, Facts(states={"1": cancelled})).book([PAIR])
    assert booked.error is None
    assert bool(Trade.get_open_trades()) is in_air
    assert not any(trade.has_open_orders for trade in Trade.get_open_trades())

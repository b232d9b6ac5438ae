"""What booking leaves alone. Whole bookings are tests of processes: tests/integration."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from freqtrade.persistence import Order, Trade, init_db

from freqtrade_liquidation.host.bookkeeping import Bookkeeper
from freqtrade_liquidation.host.door import Door
from freqtrade_liquidation.host.facts import Facts
from freqtrade_liquidation.host.venue import FuturesVenue

PAIR = "BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def database() -> Iterator[None]:
    init_db("sqlite://")
    yield
    Trade.session.remove()


def cancelled_to_be_replaced() -> None:
    """As freqtrade leaves it between the cancel of an entry and its successor."""
    trade = Trade(
        pair=PAIR, exchange="binance", stake_amount=10.0, amount=0.0, open_rate=1.0, fee_open=0.0,
        fee_close=0.0, is_open=True, open_date=datetime.now(UTC), leverage=1.0, is_short=False,
    )  # fmt: skip
    raw = {"id": "1", "status": "canceled", "filled": 0.0, "amount": 1.0, "price": 1.0}
    order = Order.parse_from_ccxt_object(raw, PAIR, "buy", 1.0, 1.0)
    trade.orders.append(order)
    Trade.session.add(trade)
    Trade.commit()


@pytest.mark.parametrize("in_air", [True, False])
def test_trade_whose_replacement_is_in_the_air_is_not_ended(in_air: bool) -> None:
    """Its loop may hang in that request, so that the run goes on without its lock."""
    cancelled_to_be_replaced()
    door = Door()
    if in_air:
        note = door.note(PAIR, "buy")
        assert note is not None
        note.noted_monotonic -= 60  # long enough to be waited for no more
    exchange: Any = SimpleNamespace(
        _api=ccxt.binance(), _api_async=SimpleNamespace(), markets={}, get_rate=None,
        _config={"stake_currency": "USDT"},
    )  # fmt: skip
    bot: Any = SimpleNamespace(
        exchange=exchange, wallets=SimpleNamespace(), config={"dry_run": False},
        handle_cancel_enter=lambda trade, *rest: trade.delete(),
    )  # fmt: skip
    wire: Any = None
    venue = FuturesVenue(exchange, wire, (), door=door)
    [booked] = Bookkeeper(bot, venue, Facts()).book([PAIR])
    assert booked.error is None
    assert bool(Trade.get_open_trades()) is in_air

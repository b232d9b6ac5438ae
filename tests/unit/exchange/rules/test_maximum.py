"""The largest market order, as the exchanges' own answers give it."""

from typing import Any

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, Setup, setups
from freqtrade_liquidation.model import Position, Side
from freqtrade_liquidation.orders.amounts import Amounts
from freqtrade_liquidation.orders.base import MOST_PIECES
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.futures import FuturesOrders

LARGEST = {
    "binance futures isolated": 120.0,
    "binance spot": 120.0,
    "bitget futures isolated": 220.0,
    "bybit futures isolated": 119.0,
    "bybit spot": 41.5,
    "bybiteu spot": 41.5,
    "gate futures isolated": 30.0,  # 300000 contracts of 0.0001
    "htx spot": 100.0,
    "hyperliquid futures cross": None,
    "kraken spot": None,
    "krakenfutures futures isolated": None,
    "okx futures isolated": 350.0,  # 35000 contracts of 0.01
}
"""Coins."""


@pytest.mark.parametrize("setup", [s for s in setups() if str(s) in LARGEST], ids=str)
def test_largest_market_order_is_not_that_of_limit_orders(setup: Setup) -> None:
    lab = Lab(setup)
    assert Amounts(lab.exchange).maximum(lab.pair) == LARGEST[str(setup)]


def test_position_is_cut_into_orders_that_the_exchange_takes() -> None:
    setup = next(s for s in setups() if str(s) == "gate futures isolated")
    amounts = Amounts(Lab(setup).exchange)
    position = Position(
        pair="BTC/USDT:USDT", side=Side.LONG, amount=75.0, minimum_amount=0.0001,
        maximum_amount=amounts.maximum("BTC/USDT:USDT"),
    )  # fmt: skip
    assert list(amounts.pieces(position)) == [30.0, 30.0, 15.0]


@pytest.mark.parametrize("amount", [3e3, 5e7, 1e30, 1e300])
def test_absurd_position_is_closed_in_no_more_orders_than_one_round_may_send(amount: float) -> None:
    """A run that cut 1e30 into pieces never ended."""
    setup = next(s for s in setups() if str(s) == "gate futures isolated")
    lab = Lab(setup)
    nobody: Any = None
    venue = FuturesOrders(lab.exchange, nobody, (), gate=EntryGate())
    position = Position(
        pair="BTC/USDT:USDT", side=Side.LONG, amount=amount, minimum_amount=0.0001,
        maximum_amount=30.0,
    )  # fmt: skip
    assert venue.amount_pieces(position) == [30.0] * MOST_PIECES

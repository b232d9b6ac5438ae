"""The largest market order, as the exchanges' own answers give it."""

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, Setup, setups
from freqtrade_liquidation.model import Position, Side
from freqtrade_liquidation.orders.amounts import Amounts

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

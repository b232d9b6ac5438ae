"""A row that does not say what it is about makes its list unanswered."""

from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.exchange.answers import Answer
from freqtrade_liquidation.exchange.rows import coins, whole_orders, whole_positions

POSITION = {"symbol": "BTC/USDT:USDT", "side": "long", "contracts": 2.0, "info": {}}
ORDER = {"id": "7", "symbol": "BTC/USDT:USDT", "side": "buy", "amount": 2.0, "info": {}}


@pytest.mark.parametrize(
    "change",
    [
        {"contracts": None},
        {"contracts": ""},
        {"contracts": float("nan")},
        {"contracts": True},
        {"symbol": None},
        {"symbol": ""},
        {"side": None},
        {"side": "both"},
    ],
)
def test_open_position_without_symbol_side_or_size_raises(change: dict[str, Any]) -> None:
    with pytest.raises(ccxt.BadResponse):
        whole_positions(ccxt.okx(), [POSITION, {**POSITION, **change}])


def test_position_of_size_zero_needs_no_side() -> None:
    """Bybit and Binance list a row for each symbol that was ever traded."""
    row = {**POSITION, "contracts": 0.0, "side": None}
    assert whole_positions(ccxt.bybit(), [row]) == [row]


@pytest.mark.parametrize(("size", "side"), [("0.5", "long"), ("-0.5", "short")])
def test_side_that_ccxt_does_not_find_is_the_sign_of_binances_size(size: str, side: str) -> None:
    row = {**POSITION, "side": None, "info": {"positionAmt": size}}
    [found] = whole_positions(ccxt.binanceusdm(), [row])
    assert found["side"] == side


def test_size_that_ccxt_does_not_find_is_bitgets_own() -> None:
    """In a market that ccxt does not know it has no contract size to divide by."""
    row = {**POSITION, "contracts": None, "info": {"total": "3"}}
    [found] = whole_positions(ccxt.bitget(), [row])
    assert found["contracts"] == 3.0


@pytest.mark.parametrize("total", [None, ""])
def test_bitget_position_without_its_total_raises(total: str | None) -> None:
    with pytest.raises(ccxt.BadResponse):
        whole_positions(ccxt.bitget(), [{**POSITION, "contracts": None, "info": {"total": total}}])


@pytest.mark.parametrize(
    "change", [{"id": None}, {"symbol": None}, {"side": None}, {"side": ""}, {"amount": None}]
)
def test_order_without_id_symbol_side_or_amount_raises(change: dict[str, Any]) -> None:
    with pytest.raises(ccxt.BadResponse):
        whole_orders(ccxt.okx(), [ORDER, {**ORDER, **change}], of_pair=False)


def test_row_that_ccxt_left_out_raises_unless_it_is_another_pairs() -> None:
    api: Any = ccxt.okx()
    api.heard = Answer(rows=[{}, {}])
    with pytest.raises(ccxt.BadResponse):
        whole_orders(api, [ORDER], of_pair=False)
    with pytest.raises(ccxt.BadResponse):
        whole_positions(api, [POSITION])
    assert whole_orders(api, [ORDER], of_pair=True) == [ORDER]


def test_coins_are_read_by_currency_and_what_is_no_currency_is_left_out() -> None:
    balances = {"BTC": {"free": 1, "used": 1, "total": 2}, "debt": {"BTC": 1}, "timestamp": None}
    assert coins(balances) == {"BTC": 2.0}


@pytest.mark.parametrize("balances", [{"BTC": {"total": None}}, {None: {"total": 2.0}}])
def test_currency_without_name_or_amount_raises(balances: Any) -> None:
    with pytest.raises(ccxt.BadResponse):
        coins(balances)

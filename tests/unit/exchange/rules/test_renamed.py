"""A trade's contract is its contract, whatever the exchange calls it today."""

from functools import cache
from typing import Any

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.exchange.pagination import Listed as Rows
from freqtrade_liquidation.exchange.rules.lists import Question
from freqtrade_liquidation.exchange.rules.renamed import (
    is_linear_perpetual,
    market_ids,
    names_today,
    pair_of,
    perpetual_pair,
)
from freqtrade_liquidation.model import OpenOrder, Side
from freqtrade_liquidation.orders.amounts import Amounts
from freqtrade_liquidation.orders.open_orders import OrderReader
from freqtrade_liquidation.orders.positions import Listed, PositionReader
from tests.unit.orders.trades import known_trade

BTC = "BTC/USDT:USDT"
RENAMED = "BTC/USDT:USDT-261129"
DELIVERY_MS = 1795939200000  # 2026-11-29 08:00 UTC
SETUPS = {setup.exchange: setup for setup in setups() if "futures" in str(setup)}
PAIRS = {"krakenfutures": "BTC/USD:USD", "hyperliquid": "BTC/USDC:USDC"}


@cache
def api_of(exchange: str) -> Any:
    return Lab(SETUPS[exchange]).exchange._api


def binance_market(**change: Any) -> Any:
    api = api_of("binance")
    raw = {**api.markets[BTC]["info"], **change}
    return api.parse_market(raw)


DELIVERING = {"contractType": "PERPETUAL_DELIVERING", "deliveryDate": DELIVERY_MS}


def test_ccxt_renames_a_perpetual_that_is_being_delisted() -> None:
    """That is the trap; where ccxt mends it, this test goes."""
    market = binance_market(**DELIVERING)
    assert (market["symbol"], market["type"], market["swap"]) == (RENAMED, "future", False)


def test_contract_is_found_under_todays_name_and_back() -> None:
    market = binance_market(**DELIVERING)
    markets = {RENAMED: market}
    api = api_of("binance")
    assert is_linear_perpetual(market)
    assert perpetual_pair(market) == BTC
    assert names_today(markets, BTC) == [RENAMED]
    assert market_ids(api, markets, BTC) == {"BTCUSDT"}
    assert pair_of(api, markets, RENAMED, ["ETH/USDT:USDT", BTC]) == BTC
    assert pair_of(api, markets, RENAMED, ["ETH/USDT:USDT", RENAMED]) == RENAMED


@pytest.mark.parametrize(
    "change",
    [
        {"contractType": "CURRENT_QUARTER", "deliveryDate": DELIVERY_MS},
        {"contractType": "CURRENT_QUARTER_DELIVERING", "deliveryDate": DELIVERY_MS},
        {"contractType": "", "deliveryDate": DELIVERY_MS},
    ],
)  # fmt: skip
def test_delivery_contract_of_the_same_coins_is_another_contract(change: Any) -> None:
    market = binance_market(**change)
    markets = {market["symbol"]: market}
    assert not is_linear_perpetual(market)
    assert names_today(markets, BTC) == []
    assert pair_of(api_of("binance"), markets, market["symbol"], [BTC]) is None


@pytest.mark.parametrize("contract_type", ["PERPETUAL", "TRADIFI_PERPETUAL"])
def test_perpetual_keeps_its_name(contract_type: str) -> None:
    market = binance_market(contractType=contract_type, deliveryDate=4133404800000)
    assert market["symbol"] == BTC == perpetual_pair(market)


DELISTED: dict[str, dict[str, Any]] = {
    "bybit": {"deliveryTime": str(DELIVERY_MS), "status": "Delivering"},
    "gate": {"in_delisting": True, "status": "delisting"},
    "okx": {"state": "suspend", "expTime": str(DELIVERY_MS)},
    "bitget": {"limitOpenTime": str(DELIVERY_MS), "symbolStatus": "limit_open"},
}


@pytest.mark.parametrize("exchange", DELISTED)
def test_elsewhere_a_perpetual_that_is_being_delisted_keeps_its_name(exchange: str) -> None:
    """By ccxt's parser of the exchange's list, given the announced delisting."""
    lab = Lab(SETUPS[exchange])
    api: Any = lab.exchange._api
    raw = {**api.markets[BTC]["info"], **DELISTED[exchange]}
    if exchange == "gate":
        market = api.parse_contract_market(raw, "usdt")
    elif exchange == "okx":
        market = api.parse_market(raw)
    else:
        answered = {"bybit": "instruments-info", "bitget": "contracts"}[exchange]
        again: Any = Lab(SETUPS[exchange], ((answered, _listed(exchange, raw)),)).exchange._api
        market = again.markets[BTC]
    assert market["symbol"] == BTC == perpetual_pair(market)


def _listed(exchange: str, raw: Any) -> Any:
    if exchange == "bybit":
        return {"retCode": 0, "result": {"category": "linear", "list": [raw]}}
    return {"code": "00000", "data": [raw]}


@pytest.mark.parametrize("exchange", SETUPS)
def test_position_in_a_market_that_is_not_listed_any_more_is_known_by_its_id(
    exchange: str,
) -> None:
    """ccxt cannot name it and passes on what the exchange wrote."""
    api = api_of(exchange)
    pair = PAIRS.get(exchange, BTC)
    listed = api.markets[pair]
    ids = market_ids(api, {}, pair)
    if exchange != "hyperliquid":
        assert listed["id"] in ids, ids
    assert listed["id"] in market_ids(api, api.markets, pair)
    for own in ids:
        assert pair_of(api, {}, own, ["ETH/USDT:USDT", pair]) == pair
        assert pair_of(api, {}, own, ["ETH/USDT:USDT"]) is None
    assert pair_of(api, {}, None, [pair]) is None


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx", "gate", "bitget"])
def test_what_ccxt_makes_of_an_unknown_market_is_recognised(exchange: str) -> None:
    api = api_of(exchange)
    gone = "GONE/USDT:USDT"
    delimiter = {"gate": "_"}.get(exchange)
    [own] = market_ids(api, {}, gone)
    symbol = api.safe_market(own, None, delimiter, "contract")["symbol"]
    assert pair_of(api, api.markets, symbol, [BTC, gone]) == gone


def test_position_that_was_renamed_is_in_scope_and_its_trade_is_known() -> None:
    lab = Lab(SETUPS["binance"])
    exchange = lab.exchange
    market = binance_market(**DELIVERING)
    exchange._markets = {RENAMED: exchange._api.safe_market_structure(market)}
    trades = [known_trade(BTC, amount=0.5)]
    reader = PositionReader(exchange, Amounts(exchange), trades, account_scope=False)
    row = {"symbol": RENAMED, "side": "long", "contracts": 0.5, "entryPrice": 1.0}
    listed = reader.read([row], scope_pairs={BTC})
    [position] = listed.positions
    assert listed.remarks == {}
    assert (position.pair, position.side, position.trade_ids) == (RENAMED, Side.LONG, (1,))
    assert position.obstacle is None


def test_dated_contract_that_may_be_a_trades_is_open_and_left_to_a_person() -> None:
    """Nothing says that it was the perpetual. But the perpetual is not listed, and the bot's trade
    of it, whose amount is wrong, has to be somewhere."""
    lab = Lab(SETUPS["binance"])
    exchange = lab.exchange
    market = exchange._api.safe_market_structure(
        binance_market(contractType="", deliveryDate=DELIVERY_MS)
    )
    trades = [known_trade(BTC, amount=0.0)]
    row = {"symbol": RENAMED, "side": "long", "contracts": 0.5, "entryPrice": 1.0}
    order = {"id": "1", "symbol": RENAMED, "side": "buy", "amount": 0.5, "remaining": 0.5}
    question = Question(params={})

    def read(markets: Any) -> tuple[Listed, list[OpenOrder]]:
        exchange._markets = exchange._api.markets = markets
        reader = PositionReader(exchange, Amounts(exchange), trades, account_scope=True)
        orders = OrderReader(exchange, trades)
        return (
            reader.read([row], scope_pairs={BTC}),
            orders.read([(question, Rows(rows=[order]))]),
        )

    listed, orders = read({RENAMED: market})
    assert [(p.pair, p.amount) for p in listed.positions] == [(RENAMED, 0.5)]
    assert BTC in str(listed.positions[0].obstacle)
    assert [o.order_id for o in orders] == ["1"]
    perpetual = api_of("binance").markets[BTC]
    listed, orders = read({RENAMED: market, BTC: perpetual})
    assert (listed.positions, orders) == ([], []), "the trade's contract is another one"
    assert list(listed.remarks) == [RENAMED]

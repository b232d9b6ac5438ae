"""A position's margin mode and side: read from the exchange's row, sent with the close."""

from functools import cache
from typing import Any

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.exchange.rules.position_rows import closing_params, margin_mode
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.amounts import Amounts
from freqtrade_liquidation.orders.positions import PositionReader

Raw = dict[str, Any]
SETUPS = {setup.exchange: setup for setup in setups() if "futures" in str(setup)}


@cache
def lab_of(exchange: str) -> Lab:
    return Lab(SETUPS[exchange])


BINANCE: Raw = {
    "symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "2", "entryPrice": "60000",
    "markPrice": "60000", "notional": "120000", "isolatedMargin": "0", "marginAsset": "USDT",
    "unRealizedProfit": "0", "liquidationPrice": "1", "isolatedWallet": "0",
    "initialMargin": "1", "maintMargin": "1",
}  # fmt: skip
BYBIT: Raw = {
    "symbol": "BTCUSDT", "side": "Buy", "size": "2", "avgPrice": "60000", "positionIdx": 0,
    "positionValue": "120000", "leverage": "5", "positionIM": "1", "positionMM": "1",
    "markPrice": "60000", "unrealisedPnl": "0", "tradeMode": 1,
}  # fmt: skip
OKX: Raw = {
    "instId": "BTC-USDT-SWAP", "instType": "SWAP", "pos": "200", "posSide": "net",
    "avgPx": "60000", "markPx": "60000", "mgnMode": "isolated", "lever": "5", "margin": "1",
    "upl": "0", "mmr": "1", "imr": "1", "notionalUsd": "120000", "uplRatio": "0",
}  # fmt: skip
GATE: Raw = {
    "contract": "BTC_USDT", "size": 20000, "entry_price": "60000", "mark_price": "60000",
    "mode": "single", "leverage": "5", "value": "120000", "margin": "1", "unrealised_pnl": "0",
    "maintenance_rate": "0.004", "liq_price": "1",
}  # fmt: skip
BITGET: Raw = {
    "symbol": "BTCUSDT", "marginCoin": "USDT", "holdSide": "long", "total": "2", "leverage": "5",
    "openPriceAvg": "60000", "marginSize": "1", "marginMode": "isolated",
    "posMode": "one_way_mode", "markPrice": "60000", "unrealizedPL": "0",
    "keepMarginRate": "0.004", "marginRatio": "0.1",
}  # fmt: skip
KRAKEN: Raw = {"side": "long", "symbol": "PF_XBTUSD", "price": "60000", "size": "2"}
HYPERLIQUID: Raw = {"type": "oneWay", "position": {
    "coin": "BTC", "szi": "2", "entryPx": "60000", "leverage": {"type": "cross", "value": 5},
    "marginUsed": "1", "positionValue": "120000", "unrealizedPnl": "0", "liquidationPx": "1",
}}  # fmt: skip
SHORT_OKX: Raw = {**OKX, "posSide": "short"}
LONG_OKX: Raw = {**OKX, "posSide": "long"}
SHORT_GATE: Raw = {**GATE, "size": -20000, "mode": "dual_short"}


def parsed(exchange: str, raw: Raw) -> Any:
    api: Any = lab_of(exchange).exchange._api
    if "binance" in exchange:
        return api.parse_position_risk(raw)
    return api.parse_position(raw)


MODES: dict[str, tuple[str, Raw, str | None]] = {
    "okx isolated": ("okx", OKX, "isolated"),
    "okx cross": ("okx", {**OKX, "mgnMode": "cross"}, "cross"),
    "okx says nothing": ("okx", {**OKX, "mgnMode": ""}, None),
    "bitget isolated": ("bitget", BITGET, "isolated"),
    "bitget cross": ("bitget", {**BITGET, "marginMode": "crossed"}, "cross"),
    "gate isolated": ("gate", GATE, "isolated"),
    "gate cross": ("gate", {**GATE, "leverage": "0"}, "cross"),
    "gate says so": ("gate", {**GATE, "leverage": "0", "pos_margin_mode": "isolated"}, "isolated"),
    "hyperliquid": ("hyperliquid", HYPERLIQUID, "cross"),
}


@pytest.mark.parametrize("name", MODES)
def test_margin_mode_is_that_of_the_position(name: str) -> None:
    exchange, raw, expected = MODES[name]
    row = parsed(exchange, raw)
    assert margin_mode(row) == expected


def signed_close(lab: Lab, side: Side, row: Any) -> dict[str, str]:
    order = ClosingOrder(
        pair=lab.pair, side=side, amount=2.0, client_order_id="ftl0123456789abcde", row=row
    )
    sent = lab.signed(requests.close(order, leverage=3.0, rate=60000.0))
    [written] = [signed for signed in sent if signed.method == "POST" and "info" not in signed.path]
    return written.values


@pytest.mark.parametrize(("exchange", "name"), [("okx", "0.tdMode"), ("bitget", "marginMode")])
def test_close_whose_position_tells_no_margin_mode_bears_freqtrades(
    exchange: str, name: str
) -> None:
    assert signed_close(lab_of(exchange), Side.LONG, None)[name] == "isolated"


ROWS: dict[str, tuple[str, Raw, Any, dict[str, str]]] = {
    "binance one-way": ("binance", BINANCE, {}, {"reduceOnly": "true"}),
    "binance long": (
        "binance", {**BINANCE, "positionSide": "LONG"}, {"hedged": True},
        {"positionSide": "LONG", "side": "SELL"},
    ),
    "binance short": (
        "binance",
        {**BINANCE, "positionSide": "SHORT", "positionAmt": "-2", "notional": "-120000"},
        {"hedged": True},
        {"positionSide": "SHORT", "side": "BUY"},
    ),
    "bybit one-way": ("bybit", BYBIT, {}, {"reduceOnly": "true"}),
    "bybit long": (
        "bybit", {**BYBIT, "positionIdx": 1}, {"positionIdx": 1},
        {"positionIdx": "1", "side": "Sell", "reduceOnly": "true"},
    ),
    "bybit short": (
        "bybit", {**BYBIT, "positionIdx": 2, "side": "Sell"}, {"positionIdx": 2},
        {"positionIdx": "2", "side": "Buy", "reduceOnly": "true"},
    ),
    "okx net": (
        "okx", OKX, {"posSide": "net", "tdMode": "isolated"},
        {"0.posSide": "net", "0.tdMode": "isolated", "0.reduceOnly": "true"},
    ),
    "okx cross beside isolated": (
        "okx", {**OKX, "mgnMode": "cross"}, {"posSide": "net", "tdMode": "cross"},
        {"0.tdMode": "cross", "0.reduceOnly": "true"},
    ),
    "okx long": (
        "okx", LONG_OKX, {"posSide": "long", "tdMode": "isolated"},
        {"0.posSide": "long", "0.side": "sell"},
    ),
    "okx short": (
        "okx", SHORT_OKX, {"posSide": "short", "tdMode": "isolated"},
        {"0.posSide": "short", "0.side": "buy"},
    ),
    "gate single": ("gate", GATE, {}, {"reduce_only": "true", "size": "-20000"}),
    "gate long": (
        "gate", {**GATE, "mode": "dual_long"}, {}, {"reduce_only": "true", "size": "-20000"},
    ),
    "gate short": ("gate", SHORT_GATE, {}, {"reduce_only": "true", "size": "20000"}),
    "bitget one-way": (
        "bitget", BITGET, {"marginMode": "isolated"}, {"reduceOnly": "YES", "side": "sell"},
    ),
    "bitget long": (
        "bitget", {**BITGET, "posMode": "hedge_mode"},
        {"marginMode": "isolated", "hedged": True},
        {"tradeSide": "Close", "side": "buy", "marginMode": "isolated"},
    ),
    "bitget short": (
        "bitget",
        {**BITGET, "posMode": "hedge_mode", "holdSide": "short", "marginMode": "crossed"},
        {"marginMode": "cross", "hedged": True},
        {"tradeSide": "Close", "side": "sell", "marginMode": "crossed"},
    ),
    "hyperliquid": ("hyperliquid", HYPERLIQUID, {}, {"action.orders.0.r": "true"}),
    "krakenfutures": ("krakenfutures", KRAKEN, {}, {"reduceOnly": "true"}),
}  # fmt: skip
"""The exchange's row, what tells it from others of its pair, and what is signed for it."""


@pytest.mark.parametrize("exchange", SETUPS)
def test_close_changes_neither_leverage_nor_margin_mode(exchange: str) -> None:
    """Of a position that is still open, of which freqtrade may know nothing."""
    lab = lab_of(exchange)
    for name, (of_exchange, raw, _, _) in ROWS.items():
        if of_exchange == exchange:
            row = parsed(exchange, raw)
            params = closing_params(lab.exchange._api, row)
            assert signed_close(lab, Side(row["side"]), params), name  # one POST, or it fails


@pytest.mark.parametrize("name", ROWS)
def test_each_row_of_a_pair_is_closed_by_itself(name: str) -> None:
    exchange, raw, expected, signed = ROWS[name]
    lab = lab_of(exchange)
    row = parsed(exchange, raw)
    reader = PositionReader(lab.exchange, Amounts(lab.exchange), (), account_scope=True)
    [position] = reader.read([row], scope_pairs=()).positions
    params = position.row
    assert params == expected
    values = signed_close(lab, Side(row["side"]), params)
    assert signed.items() <= values.items(), values
    assert "hedged" not in values


@pytest.mark.parametrize(
    ("exchange", "raw"),
    [
        ("binance", {**BINANCE, "positionSide": "SHORT"}),  # contradicts itself: amount > 0
        ("bybit", {**BYBIT, "positionIdx": ""}),
        ("okx", {**OKX, "mgnMode": ""}),
        ("gate", {**GATE, "mode": "dual_plus"}),
        ("gate", {**GATE, "mode": "dual_short"}),
        ("bitget", {**BITGET, "posMode": ""}),
        ("bitget", {**BITGET, "holdSide": ""}),
        ("bitget", {**BITGET, "marginMode": ""}),
    ],
)
def test_row_that_cannot_be_told_apart_is_left_to_a_person(exchange: str, raw: Raw) -> None:
    row = parsed(exchange, raw)
    row["info"] = raw
    if exchange == "binance":
        row["side"] = "long"
    assert closing_params(lab_of(exchange).exchange._api, row) is None


def test_exchange_without_a_rule_is_left_to_a_person() -> None:
    api: Any = type("Api", (), {"id": "new"})()
    assert closing_params(api, {"side": "long", "info": {}}) is None

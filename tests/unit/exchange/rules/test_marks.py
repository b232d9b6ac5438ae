"""Marks of an order that can only close, on the exchanges' own orders, read by ccxt's own parsers.

The opposite matters as much: an order that can open and is taken for a stop rests on when the book
is called flat.
"""

from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.exchange.rules.marks import MARKS, can_only_reduce

Raw = dict[str, Any]
SETUPS = {setup.exchange: setup for setup in setups() if "futures" in str(setup)}


@cache
def api_of(exchange: str) -> Any:
    """With the sample markets."""
    return Lab(SETUPS[exchange]).exchange._api


def only_reduces(exchange: str, raw: Raw) -> bool:
    api = api_of(exchange)
    return can_only_reduce(api, api.parse_order(raw))


BINANCE: Raw = {
    "algoId": 7, "symbol": "BTCUSDT", "side": "SELL", "orderType": "STOP_MARKET",
    "positionSide": "BOTH", "quantity": "2", "triggerPrice": "50000", "price": "0",
    "reduceOnly": False, "closePosition": False, "algoStatus": "NEW", "createTime": 1,
}  # fmt: skip
BYBIT: Raw = {
    "orderId": "7", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Limit", "qty": "2",
    "leavesQty": "2", "price": "70000", "reduceOnly": False, "closeOnTrigger": False,
    "stopOrderType": "", "tpslMode": "", "positionIdx": 0, "orderStatus": "New",
    "createdTime": "1684738540559", "triggerPrice": "",
}  # fmt: skip
OKX: Raw = {
    "algoId": "7", "instId": "BTC-USDT-SWAP", "instType": "SWAP", "ordType": "conditional",
    "side": "sell", "posSide": "net", "sz": "200", "slTriggerPx": "50000", "slOrdPx": "-1",
    "state": "live", "reduceOnly": "false", "closeFraction": "", "cTime": "1649119897778",
}  # fmt: skip
GATE: Raw = {
    "id": 7, "status": "open", "order_type": "", "create_time": 1643953482,
    "trigger": {"price": "50000", "rule": 2, "price_type": 0},
    "initial": {"contract": "BTC_USDT", "size": -20000, "price": "0", "tif": "ioc", "text": "",
                "is_reduce_only": False, "is_close": False, "auto_size": ""},
}  # fmt: skip
GATE_ORDER: Raw = {
    "id": 7, "status": "open", "contract": "BTC_USDT", "size": -20000, "left": -20000,
    "price": "70000", "tif": "gtc", "is_reduce_only": False, "is_close": False, "text": "api",
    "create_time": 1643953482, "auto_size": "",
}  # fmt: skip
BITGET: Raw = {
    "orderId": "7", "symbol": "BTCUSDT", "size": "2", "side": "sell", "posSide": "net",
    "orderType": "limit", "price": "70000", "status": "live", "reduceOnly": "NO",
    "tradeSide": "open", "posMode": "one_way_mode", "marginCoin": "USDT", "cTime": "1700729691866",
}  # fmt: skip
HYPERLIQUID: Raw = {
    "coin": "BTC", "side": "A", "limitPx": "49500", "sz": "2", "oid": 7, "origSz": "2",
    "timestamp": 1715523663687, "isTrigger": True, "triggerPx": "50000", "reduceOnly": False,
    "orderType": "Stop Limit", "isPositionTpsl": False, "children": [],
}  # fmt: skip
KRAKEN: Raw = {
    "order_id": "7", "symbol": "PF_XBTUSD", "side": "sell", "orderType": "stop",
    "stopPrice": 50000, "unfilledSize": 2, "filledSize": 0, "status": "untouched",
    "receivedTime": "2023-04-28T08:17:25.845Z", "reduceOnly": False,
}  # fmt: skip


def gate_initial(**change: Any) -> Raw:
    return {**GATE, "initial": {**GATE["initial"], **change}}


CLOSES: dict[str, tuple[str, Raw]] = {
    "binance reduce-only": ("binance", {**BINANCE, "reduceOnly": True}),
    "binance reduce-only as text": ("binance", {**BINANCE, "reduceOnly": "true"}),
    "binance whole position": ("binance", {**BINANCE, "closePosition": True, "quantity": "0"}),
    "binance whole position as text": ("binance", {**BINANCE, "closePosition": "true"}),
    "binance hedge mode, long": ("binance", {**BINANCE, "positionSide": "LONG"}),
    "binance hedge mode, short": (
        "binance", {**BINANCE, "positionSide": "SHORT", "side": "BUY"},
    ),
    "binanceusdm": ("binanceusdm", {**BINANCE, "closePosition": True}),
    "bybit reduce-only": ("bybit", {**BYBIT, "reduceOnly": True}),
    "bybit close on trigger": ("bybit", {**BYBIT, "closeOnTrigger": True}),
    **{
        f"bybit {kind}": ("bybit", {**BYBIT, "stopOrderType": kind, "triggerPrice": "50000"})
        for kind in ("TakeProfit", "StopLoss", "TrailingStop", "PartialTakeProfit",
                     "PartialStopLoss")
    },
    "bybit hedge mode, long": ("bybit", {**BYBIT, "positionIdx": 1}),
    "bybit hedge mode, short": ("bybit", {**BYBIT, "positionIdx": 2, "side": "Buy"}),
    "okx reduce-only": ("okx", {**OKX, "reduceOnly": "true"}),
    "okx whole position": ("okx", {**OKX, "closeFraction": "1", "sz": ""}),
    "okx long/short mode, long": ("okx", {**OKX, "posSide": "long"}),
    "okx long/short mode, short": ("okx", {**OKX, "posSide": "short", "side": "buy"}),
    "gate reduce-only": ("gate", gate_initial(is_reduce_only=True)),
    "gate whole position": ("gate", gate_initial(is_close=True, size=0)),
    "gate close, as it was sent": ("gate", gate_initial(close=True, size=0)),
    "gate dual mode": ("gate", gate_initial(auto_size="close_long", size=0)),
    **{
        f"gate {kind}": ("gate", {**GATE, "order_type": kind})
        for kind in ("close-long-order", "close-short-order", "close-long-position",
                     "close-short-position", "plan-close-long-position",
                     "plan-close-short-position")
    },
    "gate order, reduce-only": ("gate", {**GATE_ORDER, "is_reduce_only": True}),
    "gate order, whole position": ("gate", {**GATE_ORDER, "is_close": True}),
    "bitget reduce-only": ("bitget", {**BITGET, "reduceOnly": "YES"}),
    "bitget reduce-only, small": ("bitget", {**BITGET, "reduceOnly": "yes"}),
    "bitget hedge mode": (
        "bitget", {**BITGET, "tradeSide": "close", "posMode": "hedge_mode", "posSide": "long"},
    ),
    **{
        f"bitget {plan}": ("bitget", {**BITGET, "planType": plan, "triggerPrice": "50000"})
        for plan in ("pos_loss", "pos_profit", "loss_plan", "profit_plan", "moving_plan")
    },
    "hyperliquid reduce-only": ("hyperliquid", {**HYPERLIQUID, "reduceOnly": True}),
    "hyperliquid of a position": ("hyperliquid", {**HYPERLIQUID, "isPositionTpsl": True}),
    "krakenfutures reduce-only": ("krakenfutures", {**KRAKEN, "reduceOnly": True}),
}  # fmt: skip

OPENS: dict[str, tuple[str, Raw]] = {
    "binance": ("binance", BINANCE),
    "binance, marks as text": (
        "binance", {**BINANCE, "reduceOnly": "false", "closePosition": "false"},
    ),
    "binance hedge mode, long": ("binance", {**BINANCE, "positionSide": "LONG", "side": "BUY"}),
    "binance hedge mode, short": ("binance", {**BINANCE, "positionSide": "SHORT"}),
    "bybit": ("bybit", BYBIT),
    "bybit entry with its own stop": (
        "bybit", {**BYBIT, "side": "Buy", "tpslMode": "Full", "stopLoss": "50000"},
    ),
    "bybit conditional entry": (
        "bybit", {**BYBIT, "stopOrderType": "Stop", "triggerPrice": "70000"},
    ),
    "bybit hedge mode, long": ("bybit", {**BYBIT, "positionIdx": 1, "side": "Buy"}),
    "bybit hedge mode, short": ("bybit", {**BYBIT, "positionIdx": 2}),
    "okx": ("okx", OKX),
    "okx long/short mode, short": ("okx", {**OKX, "posSide": "short"}),
    **{
        f"okx {kind}": ("okx", {**OKX, "ordType": kind})
        for kind in ("trigger", "oco", "move_order_stop", "iceberg", "twap", "chase")
    },
    "gate": ("gate", GATE),
    "gate order": ("gate", GATE_ORDER),
    "gate order that opens by its type": ("gate", {**GATE, "order_type": "plan-open-long"}),
    "bitget": ("bitget", BITGET),
    "bitget, no mark": ("bitget", {k: v for k, v in BITGET.items() if k != "reduceOnly"}),
    **{
        f"bitget reduceOnly {word!r}": ("bitget", {**BITGET, "reduceOnly": word})
        for word in ("no", "", "NO")
    },
    **{
        f"bitget {plan}": ("bitget", {**BITGET, "planType": plan, "triggerPrice": "50000"})
        for plan in ("normal_plan", "track_plan")
    },
    "hyperliquid": ("hyperliquid", HYPERLIQUID),
    "krakenfutures": ("krakenfutures", KRAKEN),
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSES)
def test_order_that_can_only_close_is_known_by_its_mark(name: str) -> None:
    assert only_reduces(*CLOSES[name])


@pytest.mark.parametrize("name", OPENS)
def test_order_that_can_open_is_never_taken_for_one_that_only_closes(name: str) -> None:
    assert not only_reduces(*OPENS[name])


@pytest.mark.parametrize(
    ("exchange", "closes", "opens"),
    [
        ("kucoin", {"closeOrder": True}, {"closeOrder": False}),
        ("kucoin", {"positionSide": "LONG"}, {"positionSide": "SHORT"}),
        ("htx", {"offset": "close"}, {"offset": "open"}),
        ("htx", {"reduce_only": 1}, {"reduce_only": 0}),
        ("bingx", {"closePosition": "true"}, {"closePosition": "false"}),
        ("bingx", {"positionSide": "LONG"}, {"positionSide": "BOTH"}),
        ("bitmart", {"side": 3}, {"side": 4}),
        ("bitmart", {"side": 2}, {"side": 1}),
        ("whatever", {"reduceOnly": "true"}, {"reduceOnly": "false"}),
    ],
)
def test_marks_of_exchanges_that_freqtrade_may_trade_some_day(
    exchange: str, closes: Raw, opens: Raw
) -> None:
    """Their parsers need markets that there are no samples of: the row is made by hand."""
    api = SimpleNamespace(id=exchange)
    for info, expected in ((closes, True), (opens, False)):
        row = {"side": "sell", "reduceOnly": None, "info": info}
        assert can_only_reduce(api, row) is expected
        assert can_only_reduce(api, {**row, "reduceOnly": True}), "ccxt says so"


def test_every_exchange_with_futures_has_its_marks() -> None:
    known = {"binanceusdm": "binance"}
    assert {known.get(name, name) for name in SETUPS} <= MARKS.keys()


@pytest.mark.parametrize("info", [None, [], "x", {"initial": []}, {"reduceOnly": None}])
def test_odd_order_is_not_taken_for_a_stop(info: Any) -> None:
    for exchange in ("gate", "binance", "okx"):
        assert not can_only_reduce(api_of(exchange), {"side": "sell", "info": info})

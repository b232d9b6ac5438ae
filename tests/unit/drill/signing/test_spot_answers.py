"""A stop on spot as each exchange writes it: without its price and amount it cannot be put back."""

import asyncio
from typing import Any

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.drill.signing.probe import ORDER_ID
from freqtrade_liquidation.exchange.rules.stops import stop_price
from freqtrade_liquidation.orders import requests

SETUPS = {str(setup): setup for setup in setups()}

STOPS: dict[str, tuple[str, Any]] = {
    "binance spot": ("/api/v3/order", {
        "symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "x", "price": "49500", "origQty": "2",
        "executedQty": "0", "cummulativeQuoteQty": "0", "status": "NEW", "side": "SELL",
        "type": "STOP_LOSS_LIMIT", "stopPrice": "50000", "time": 1700000000000,
    }),
    "bingx spot": ("trade/query", {"code": 0, "data": {
        "symbol": "BTC-USDT", "orderId": int(ORDER_ID), "price": "0", "StopPrice": "50000",
        "origQty": "2", "executedQty": "0", "cummulativeQuoteQty": "0", "status": "PENDING",
        "type": "TAKE_STOP_MARKET", "side": "SELL", "time": 1700000000000,
    }}),
    "bitget spot": ("current-plan-order", {"code": "00000", "data": {"orderList": [{
        "orderId": ORDER_ID, "clientOid": "1", "symbol": "BTCUSDT", "size": "2",
        "executePrice": "49500", "triggerPrice": "50000", "status": "live", "orderType": "market",
        "side": "sell", "planType": "amount", "triggerType": "mark_price", "cTime": "1700000000000",
    }]}}),
    "gate spot": ("price_orders/", {
        "id": int(ORDER_ID), "market": "BTC_USDT", "status": "open", "ctime": 1616397800,
        "trigger": {"price": "50000", "rule": "<=", "expiration": 86400},
        "put": {"type": "limit", "side": "sell", "price": "49500", "amount": "2",
                "account": "normal", "time_in_force": "gtc"},
    }),
    "htx spot": ("/v1/order/orders/", {"status": "ok", "data": {
        "id": int(ORDER_ID), "symbol": "btcusdt", "account-id": 1, "amount": "2",
        "price": "49500", "created-at": 1700000000000, "type": "sell-stop-limit",
        "field-amount": "0", "field-cash-amount": "0", "field-fees": "0", "source": "spot-api",
        "state": "submitted", "stop-price": "50000", "operator": "lte",
    }}),
    "kraken spot": ("QueryOrders", {"error": [], "result": {ORDER_ID: {
        "status": "open", "opentm": 1700000000.1, "vol": "2", "vol_exec": "0", "cost": "0",
        "fee": "0", "price": "0", "stopprice": "0", "limitprice": "0", "oflags": "fciq",
        "descr": {"pair": "XBTUSD", "type": "sell", "ordertype": "stop-loss", "price": "50000",
                  "price2": "0", "order": "sell 2.00000000 XBTUSD @ stop loss 50000"},
    }}}),
    "okx spot": ("order-algo", {"code": "0", "data": [{
        "algoId": ORDER_ID, "instId": "BTC-USDT", "instType": "SPOT", "ordType": "conditional",
        "side": "sell", "sz": "2", "slTriggerPx": "50000", "slOrdPx": "-1", "state": "live",
        "cTime": "1700000000000",
    }]}),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPS)
def test_stop_is_read_with_its_price_and_amount(name: str) -> None:
    lab = Lab(SETUPS[name], (STOPS[name],))
    ask = requests.stop_state(ORDER_ID, lab.pair)
    stop = asyncio.run(lab.wire.read(ask, timeout_s=5.0))
    assert (stop_price(lab.exchange, stop), stop["amount"]) == (50000.0, 2.0)
    assert (stop["side"], stop["status"]) == ("sell", "open")


def test_exchanges_whose_stops_freqtrade_places_on_spot_are_all_here() -> None:
    own = {s for s in SETUPS if s.endswith(" spot") and _has_stops(s)}
    same_api = {"binanceus spot", "myokx spot"}
    assert own - same_api == set(STOPS)


def _has_stops(name: str) -> bool:
    return bool(Lab(SETUPS[name]).exchange.get_option("stoploss_on_exchange"))

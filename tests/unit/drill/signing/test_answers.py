"""Positions and stops as each exchange writes them, read by ccxt, freqtrade and us.

The other half of the contract: a short taken for a long would be doubled, contracts taken for coins
close a hundredth, and a stop taken for an entry is removed while its position is open.
"""

import asyncio
from typing import Any

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.drill.signing.samples import Answers
from freqtrade_liquidation.model import OpenOrder, OrderRole, Position, Side
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.futures import FuturesOrders

SETUPS = {str(setup): setup for setup in setups()}


def venue(name: str, answers: Answers) -> FuturesOrders:
    lab = Lab(SETUPS[name], answers)
    return FuturesOrders(lab.exchange, lab.wire, (), gate=EntryGate())


def positions(name: str, answers: Answers) -> list[Position]:
    return list(asyncio.run(venue(name, answers).get_all_positions(timeout_s=5.0)))


def orders(name: str, answers: Answers) -> list[OpenOrder]:
    return list(asyncio.run(venue(name, answers).get_open_orders(timeout_s=5.0)))


def _bybit(*rows: Any) -> Any:
    return {"retCode": 0, "result": {"list": list(rows), "nextPageCursor": ""}}


def _hyperliquid(size: str) -> Any:
    return {"assetPositions": [{"type": "oneWay", "position": {
        "coin": "BTC", "szi": size, "entryPx": "60000", "leverage": {"type": "cross", "value": 5},
        "marginUsed": "1", "positionValue": "120000", "unrealizedPnl": "0", "liquidationPx": "1",
    }}]}  # fmt: skip


POSITIONS: dict[str, tuple[str, Any, Any]] = {
    "binance futures isolated": (
        "positionRisk",
        [{"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "2", "entryPrice": "60000",
          "markPrice": "60000", "notional": "120000", "isolatedMargin": "1", "marginAsset": "USDT",
          "unRealizedProfit": "0", "liquidationPrice": "1", "isolatedWallet": "1"}],
        [{"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "-2", "entryPrice": "60000",
          "markPrice": "60000", "notional": "-120000", "isolatedMargin": "1", "marginAsset": "USDT",
          "unRealizedProfit": "0", "liquidationPrice": "1", "isolatedWallet": "1"}],
    ),
    "bitget futures isolated": (
        "all-position?marginCoin=USDT",
        {"code": "00000", "data": [{"symbol": "BTCUSDT", "marginCoin": "USDT", "holdSide": "long",
         "total": "2", "available": "2", "leverage": "5", "openPriceAvg": "60000",
         "marginSize": "1", "marginMode": "isolated", "posMode": "one_way_mode",
         "markPrice": "60000", "unrealizedPL": "0", "keepMarginRate": "0.004",
         "marginRatio": "0.1"}]},
        {"code": "00000", "data": [{"symbol": "BTCUSDT", "marginCoin": "USDT", "holdSide": "short",
         "total": "2", "available": "2", "leverage": "5", "openPriceAvg": "60000",
         "marginSize": "1", "marginMode": "isolated", "posMode": "one_way_mode",
         "markPrice": "60000", "unrealizedPL": "0", "keepMarginRate": "0.004",
         "marginRatio": "0.1"}]},
    ),
    "bybit futures isolated": (
        "settleCoin=USDT",
        _bybit({"symbol": "BTCUSDT", "side": "Buy", "size": "2", "avgPrice": "60000",
                "positionIdx": 0, "positionValue": "120000", "leverage": "5", "positionIM": "1",
                "positionMM": "1", "markPrice": "60000", "unrealisedPnl": "0", "tradeMode": 1}),
        _bybit({"symbol": "BTCUSDT", "side": "Sell", "size": "2", "avgPrice": "60000",
                "positionIdx": 0, "positionValue": "120000", "leverage": "5", "positionIM": "1",
                "positionMM": "1", "markPrice": "60000", "unrealisedPnl": "0", "tradeMode": 1}),
    ),
    "gate futures isolated": (  # 20000 contracts of 0.0001
        "/futures/usdt/positions",
        [{"contract": "BTC_USDT", "size": 20000, "entry_price": "60000", "mark_price": "60000",
          "mode": "single", "leverage": "5", "value": "120000", "margin": "1",
          "unrealised_pnl": "0", "maintenance_rate": "0.004", "liq_price": "1"}],
        [{"contract": "BTC_USDT", "size": -20000, "entry_price": "60000", "mark_price": "60000",
          "mode": "single", "leverage": "5", "value": "120000", "margin": "1",
          "unrealised_pnl": "0", "maintenance_rate": "0.004", "liq_price": "1"}],
    ),
    "hyperliquid futures cross": ("clearinghouseState", _hyperliquid("2"), _hyperliquid("-2")),
    "krakenfutures futures isolated": (
        "/openpositions",
        {"result": "success", "openPositions": [
            {"side": "long", "symbol": "PF_XBTUSD", "price": "60000", "size": "2"}]},
        {"result": "success", "openPositions": [
            {"side": "short", "symbol": "PF_XBTUSD", "price": "60000", "size": "2"}]},
    ),
    "okx futures isolated": (  # 200 contracts of 0.01
        "/account/positions",
        {"code": "0", "data": [{"instId": "BTC-USDT-SWAP", "instType": "SWAP", "pos": "200",
         "posSide": "net", "avgPx": "60000", "markPx": "60000", "mgnMode": "isolated", "lever": "5",
         "margin": "1", "upl": "0", "mmr": "1", "notionalUsd": "120000", "uplRatio": "0"}]},
        {"code": "0", "data": [{"instId": "BTC-USDT-SWAP", "instType": "SWAP", "pos": "-200",
         "posSide": "net", "avgPx": "60000", "markPx": "60000", "mgnMode": "isolated", "lever": "5",
         "margin": "1", "upl": "0", "mmr": "1", "notionalUsd": "120000", "uplRatio": "0"}]},
    ),
}  # fmt: skip
"""Part of the address, a long of two coins, a short of two coins."""


@pytest.mark.parametrize("name", POSITIONS)
def test_position_has_its_side_and_coins(name: str) -> None:
    asked, long, short = POSITIONS[name]
    for answer, side in ((long, Side.LONG), (short, Side.SHORT)):
        [position] = positions(name, ((asked, answer),))
        assert (position.side, position.amount, position.obstacle) == (side, 2.0, None)
        assert position.entry_price == 60000.0


NOTHING_ELSE: Answers = (
    ("algo/futures/openOrders", {"total": 0, "orders": []}),
    ("autoorder/v1/", {"code": 0, "message": "", "data": {"orders": []}, "timestamp": 1}),
    ("twapHistory", []),
)
"""Of the kinds that are lists of their own."""

STOPS: dict[str, Answers] = {
    "binance futures isolated": (("openAlgoOrders", [
        {"algoId": 7, "symbol": "BTCUSDT", "side": "SELL", "orderType": "STOP_MARKET",
         "positionSide": "BOTH",
         "quantity": "2", "triggerPrice": "50000", "reduceOnly": True, "algoStatus": "NEW"},
    ]), ("openOrders", [])),
    "bitget futures isolated": (("planType=profit_loss&productType=USDT-FUTURES", {
        "code": "00000", "data": {"entrustedList": [
            {"planType": "pos_loss", "symbol": "BTCUSDT", "size": "2", "orderId": "7",
             "clientOid": "7", "triggerPrice": "50000", "triggerType": "mark_price",
             "planStatus": "live", "side": "sell", "posSide": "net", "marginCoin": "USDT",
             "marginMode": "isolated", "tradeSide": "close", "posMode": "one_way_mode",
             "orderType": "market", "cTime": "1700729691866", "uTime": "1700729691866"},
        ]},
    }), ("-pending", {"code": "00000", "data": {"entrustedList": []}})),
    "bybit futures isolated": (("order/realtime?settleCoin=USDT", _bybit(
        {"orderId": "7", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Market", "qty": "2",
         "leavesQty": "2", "triggerPrice": "50000", "reduceOnly": True, "price": "0",
         "orderStatus": "Untriggered", "stopOrderType": "Stop", "tpslMode": "Full",
         "createdTime": "1684738540559"},
    )),),
    "gate futures isolated": (("/futures/usdt/price_orders", [
        {"id": 7, "status": "open", "trigger": {"price": "50000", "rule": 2, "price_type": 0},
         "initial": {"contract": "BTC_USDT", "size": -20000, "price": "49500", "tif": "gtc",
                     "is_reduce_only": True, "text": ""}, "create_time": 1643953482},
    ]),),
    "hyperliquid futures cross": (("frontendOpenOrders", [
        {"coin": "BTC", "side": "A", "limitPx": "49500", "sz": "2", "oid": 7, "origSz": "2",
         "timestamp": 1715523663687, "isTrigger": True, "triggerPx": "50000", "reduceOnly": True,
         "orderType": "Stop Limit", "triggerCondition": "Price below 50000", "children": []},
    ]),),
    "krakenfutures futures isolated": (("/openorders", {"result": "success", "openOrders": [
        {"order_id": "7", "symbol": "PF_XBTUSD", "side": "sell", "orderType": "stop",
         "stopPrice": 50000, "unfilledSize": 2, "filledSize": 0, "status": "untouched",
         "receivedTime": "2023-04-28T08:17:25.845Z", "reduceOnly": True},
    ]}),),
    "okx futures isolated": (("ordType=conditional", {"code": "0", "data": [
        {"algoId": "7", "instId": "BTC-USDT-SWAP", "instType": "SWAP", "ordType": "conditional",
         "side": "sell", "posSide": "net", "sz": "200", "slTriggerPx": "50000", "slOrdPx": "-1",
         "state": "live", "reduceOnly": "true", "tdMode": "isolated", "cTime": "1649119897778"},
    ]}),),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPS)
def test_stop_is_known_for_one_and_can_be_put_back(name: str) -> None:
    """Of a position that the database does not know, too: nobody else says that it reduces."""
    [stop] = orders(name, (*NOTHING_ELSE, *STOPS[name]))
    assert (stop.role, stop.side, stop.order_id) == (OrderRole.PROTECTIVE, "sell", "7")
    assert (stop.amount, stop.stop_price) == (2.0, 50000.0)

"""A full answer of every endpoint that lists something, written by hand from the exchanges' pages.

Two rows each, so that one that gets lost is missed. By ccxt's exchange id and a part of the address
(or of what is sent).
"""

from typing import Any, Final

Answer = Any
AN_HOUR_AGO: Final = "1700000000"
AN_HOUR_AGO_TEXT: Final = "2023-11-14T22:13:20Z"
"""Stand for the time of the last hour: a question may be for the last orders."""


def _two(row: dict[str, Any], **other: Any) -> list[dict[str, Any]]:
    return [row, {**row, **other}]


_BINANCE_ORDER: Final = {
    "orderId": 7, "symbol": "BTCUSDT", "status": "NEW", "clientOrderId": "x", "price": "50000",
    "avgPrice": "0", "origQty": "2", "executedQty": "0.5", "cumQuote": "0", "timeInForce": "GTC",
    "type": "LIMIT", "reduceOnly": False, "closePosition": False, "side": "BUY",
    "positionSide": "BOTH", "stopPrice": "0", "time": 1700000000000, "updateTime": 1700000000000,
}  # fmt: skip
_BINANCE_SPOT_ORDER: Final = {
    "orderId": 7, "symbol": "BTCUSDT", "clientOrderId": "x", "price": "50000", "origQty": "2",
    "executedQty": "0.5", "cummulativeQuoteQty": "0", "status": "NEW", "timeInForce": "GTC",
    "type": "LIMIT", "side": "BUY", "stopPrice": "0", "icebergQty": "0", "isWorking": True,
    "time": 1700000000000, "updateTime": 1700000000000, "origQuoteOrderQty": "0",
}  # fmt: skip
BINANCE: Final[dict[str, Answer]] = {
    "/fapi/v3/positionRisk": _two({
        "symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "2", "entryPrice": "60000",
        "breakEvenPrice": "60000", "markPrice": "60000", "unRealizedProfit": "0",
        "liquidationPrice": "1", "isolatedMargin": "1", "notional": "120000", "marginAsset": "USDT",
        "isolatedWallet": "1", "initialMargin": "1", "maintMargin": "1",
        "updateTime": 1700000000000,
    }, symbol="ETHUSDC", positionAmt="-3", notional="-9000"),
    "/fapi/v1/openOrders": _two(_BINANCE_ORDER, orderId=8, side="SELL", reduceOnly=True),
    "/fapi/v1/allOrders": _two(_BINANCE_ORDER, orderId=8, side="SELL", reduceOnly=True),
    "/fapi/v1/openAlgoOrders": _two({
        "algoId": 7, "clientAlgoId": "x", "algoType": "CONDITIONAL", "orderType": "STOP_MARKET",
        "symbol": "BTCUSDT", "side": "SELL", "positionSide": "BOTH", "timeInForce": "GTC",
        "quantity": "2", "algoStatus": "NEW", "triggerPrice": "50000", "price": "0",
        "workingType": "MARK_PRICE", "closePosition": False, "reduceOnly": True,
        "createTime": 1700000000000, "updateTime": 1700000000000,
    }, algoId=8, quantity="0", closePosition=True),
    "/fapi/v3/account": {
        "totalWalletBalance": "10", "availableBalance": "10", "positions": [],
        "assets": _two({
            "asset": "USDT", "walletBalance": "10", "availableBalance": "10", "initialMargin": "0",
            "marginBalance": "10", "updateTime": 1700000000000,
        }, asset="USDC"),
    },
    "/api/v3/account": {
        "canTrade": True, "updateTime": 1700000000000, "accountType": "SPOT",
        "balances": _two({"asset": "BTC", "free": "0.5", "locked": "1.5"}, asset="USDT"),
    },
    "/api/v3/openOrders": _two(_BINANCE_SPOT_ORDER, orderId=8, side="SELL"),
    "/api/v3/allOrders": _two(_BINANCE_SPOT_ORDER, orderId=8, side="SELL"),
}  # fmt: skip


def _bybit(*rows: Any) -> Answer:
    return {
        "retCode": 0, "retMsg": "OK", "retExtInfo": {}, "time": 1700000000000,
        "result": {"category": "linear", "nextPageCursor": "", "list": list(rows)},
    }  # fmt: skip


_BYBIT_ORDERS: Final = _bybit(*_two({
    "orderId": "7", "orderLinkId": "x", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Market",
    "qty": "2", "leavesQty": "2", "cumExecQty": "0", "triggerPrice": "50000", "reduceOnly": True,
    "closeOnTrigger": False, "price": "0", "orderStatus": "Untriggered", "stopOrderType": "Stop",
    "timeInForce": "GTC", "tpslMode": "Full", "createdTime": "1700000000000",
    "updatedTime": "1700000000000",
}, orderId="8"))  # fmt: skip
BYBIT: Final[dict[str, Answer]] = {
    "/v5/position/list": _bybit(*_two({
        "symbol": "BTCUSDT", "side": "Buy", "size": "2", "avgPrice": "60000", "positionIdx": 0,
        "positionValue": "120000", "leverage": "5", "positionIM": "1", "positionMM": "1",
        "markPrice": "60000", "unrealisedPnl": "0", "tradeMode": 1, "liqPrice": "1",
        "positionStatus": "Normal", "createdTime": "1700000000000",
    }, symbol="ETHPERP", side="Sell")),
    "/v5/order/realtime": _BYBIT_ORDERS,
    "/v5/order/history": _BYBIT_ORDERS,
    "/v5/account/wallet-balance": {
        "retCode": 0, "retMsg": "OK", "time": 1700000000000, "result": {"list": [{
            "accountType": "UNIFIED", "totalEquity": "10",
            "coin": _two({
                "coin": "BTC", "equity": "2", "walletBalance": "2", "locked": "0.5",
                "availableToWithdraw": "1.5",
            }, coin="USDT"),
        }]},
    },
}  # fmt: skip


def _okx(*rows: Any) -> Answer:
    return {"code": "0", "msg": "", "data": list(rows)}


_OKX_ORDERS: Final = _okx(*_two({
    "ordId": "7", "clOrdId": "x", "instId": "BTC-USDT-SWAP", "instType": "SWAP", "ordType": "limit",
    "side": "buy", "posSide": "net", "sz": "200", "accFillSz": "0", "px": "50000", "state": "live",
    "reduceOnly": "false", "tdMode": "isolated", "fillSz": "0", "avgPx": "", "fee": "0",
    "cTime": "1700000000000", "uTime": "1700000000000",
}, ordId="8", side="sell", reduceOnly="true"))  # fmt: skip
_OKX_SPOT: Final = [
    {**row, "instId": "BTC-USDT", "instType": "SPOT", "posSide": ""} for row in _OKX_ORDERS["data"]
]
OKX: Final[dict[str, Answer]] = {
    "/api/v5/account/positions": _okx(*_two({
        "instId": "BTC-USDT-SWAP", "instType": "SWAP", "pos": "200", "posSide": "net",
        "avgPx": "60000", "markPx": "60000", "mgnMode": "isolated", "lever": "5", "margin": "1",
        "upl": "0", "uplRatio": "0", "mmr": "1", "notionalUsd": "120000", "liqPx": "1",
        "cTime": "1700000000000",
    }, instId="ETH-USDC-SWAP", pos="-3")),
    "/api/v5/trade/orders-pending": _OKX_ORDERS,
    "/api/v5/trade/orders-history": _OKX_ORDERS,
    "/api/v5/trade/orders-algo-pending": _okx(*_two({
        "algoId": "7", "algoClOrdId": "x", "instId": "BTC-USDT-SWAP", "instType": "SWAP",
        "ordType": "conditional", "side": "sell", "posSide": "net", "sz": "200",
        "closeFraction": "",
        "slTriggerPx": "50000", "slOrdPx": "-1", "state": "live", "reduceOnly": "true",
        "tdMode": "isolated", "cTime": "1700000000000",
    }, algoId="8", sz="", closeFraction="1")),
    "/api/v5/account/balance": _okx({
        "totalEq": "10", "uTime": "1700000000000",
        "details": _two({
            "ccy": "BTC", "eq": "2", "cashBal": "2", "availEq": "1.5", "availBal": "1.5",
            "frozenBal": "0.5",
        }, ccy="USDT"),
    }),
}  # fmt: skip

_GATE_ORDERS: Final = _two({
    "id": 7, "contract": "BTC_USDT", "size": 200, "left": 200, "price": "50000", "tif": "gtc",
    "text": "t-x", "status": "open", "is_close": False, "is_reduce_only": False, "is_liq": False,
    "create_time": 1700000000.1, "fill_price": "0", "iceberg": 0, "user": 1,
}, id=8, size=-100, left=-100, is_reduce_only=True)  # fmt: skip
_GATE_SPOT_ORDER: Final = {
    "id": "7", "text": "t-x", "currency_pair": "BTC_USDT", "type": "limit", "account": "spot",
    "side": "buy", "amount": "2", "left": "2", "price": "50000", "status": "open",
    "time_in_force": "gtc", "create_time": "1700000000", "create_time_ms": 1700000000100,
    "update_time_ms": 1700000000100, "fill_price": "0", "filled_total": "0", "fee": "0",
}  # fmt: skip
GATE: Final[dict[str, Answer]] = {
    "/futures/usdt/positions": _two({
        "contract": "BTC_USDT", "size": 20000, "entry_price": "60000", "mark_price": "60000",
        "mode": "single", "leverage": "5", "value": "120000", "margin": "1",
        "unrealised_pnl": "0", "maintenance_rate": "0.004", "liq_price": "1",
        "initial_margin": "1", "open_time": 1700000000,
    }, contract="ETH_USDT", size=-300),
    "/futures/usdt/orders?": _GATE_ORDERS,
    "/futures/usdt/orders_timerange": _GATE_ORDERS,
    "/futures/usdt/price_orders": _two({
        "id": 7, "status": "open", "create_time": 1700000000, "is_stop_order": False,
        "trigger": {"price": "50000", "rule": 2, "price_type": 0, "strategy_type": 0},
        "initial": {"contract": "BTC_USDT", "size": -20000, "price": "49500", "tif": "gtc",
                    "is_reduce_only": True, "is_close": False, "text": "t-x"},
    }, id=8),
    "/futures/usdt/accounts": {
        "currency": "USDT", "total": "10", "available": "8", "unrealised_pnl": "0",
        "position_margin": "2", "order_margin": "0",
    },
    "/spot/accounts": _two(
        {"currency": "BTC", "available": "0.5", "locked": "1.5"}, currency="USDT"
    ),
    "/unified/accounts": {"user_id": 1, "locked": False, "balances": {
        "BTC": {"available": "0.5", "freeze": "1.5", "equity": "2"},
        "USDT": {"available": "1", "freeze": "1", "equity": "2"},
    }},
    "/spot/orders": _two(
        {**_GATE_SPOT_ORDER, "status": "closed", "left": "0"}, id="8", side="sell"
    ),
    "/spot/open_orders": [{
        "currency_pair": "BTC_USDT", "total": 2,
        "orders": _two({**_GATE_SPOT_ORDER, "id": "9"}, id="10", side="sell"),
    }],
    "/spot/price_orders": _two({
        "id": 7, "market": "BTC_USDT", "user": 1, "ctime": 1700000000, "status": "open",
        "trigger": {"price": "50000", "rule": "<=", "expiration": 86400},
        "put": {"type": "limit", "side": "sell", "price": "49500", "amount": "2",
                "account": "normal", "time_in_force": "gtc"},
    }, id=8),
}  # fmt: skip


def _bitget(data: Any) -> Answer:
    return {"code": "00000", "msg": "success", "requestTime": 1700000000000, "data": data}


_BITGET_ORDERS: Final = _bitget({"endId": "7", "entrustedList": _two({
    "symbol": "BTCUSDT", "size": "2", "orderId": "7", "clientOid": "x", "baseVolume": "0",
    "price": "50000", "priceAvg": "", "status": "live", "side": "buy", "posSide": "net",
    "marginCoin": "USDT", "marginMode": "isolated", "tradeSide": "buy_single", "force": "gtc",
    "posMode": "one_way_mode", "orderType": "limit", "reduceOnly": "NO", "leverage": "5",
    "cTime": "1700000000000", "uTime": "1700000000000",
}, orderId="8", side="sell", reduceOnly="YES")})  # fmt: skip
_BITGET_SPOT_ORDERS: Final[Answer] = _bitget(_two({
    "userId": "1", "symbol": "BTCUSDT", "orderId": "7", "clientOid": "x", "priceAvg": "50000",
    "size": "2", "orderType": "limit", "side": "buy", "status": "live", "baseVolume": "0",
    "quoteVolume": "0", "cTime": "1700000000000", "uTime": "1700000000000",
}, orderId="8", side="sell"))  # fmt: skip
_BITGET_PLANS: Final = _bitget({"nextFlag": False, "idLessThan": "7", "orderList": _two({
    "orderId": "7", "clientOid": "x", "symbol": "BTCUSDT", "size": "2", "executePrice": "49500",
    "triggerPrice": "50000", "status": "live", "orderType": "market", "side": "sell",
    "planType": "amount", "triggerType": "mark_price", "cTime": "1700000000000",
}, orderId="8")})  # fmt: skip
_BITGET_UNIFIED: Final[Answer] = _bitget({"cursor": "7", "list": _two({
        "orderId": "7", "clientOid": "x", "category": "USDT-FUTURES", "symbol": "BTCUSDT",
        "orderType": "limit", "side": "buy", "price": "50000", "qty": "2", "cumExecQty": "0",
        "avgPrice": "0", "timeInForce": "gtc", "orderStatus": "live", "posSide": "long",
        "holdMode": "one_way_mode", "reduceOnly": "NO", "createdTime": "1700000000000",
        "updatedTime": "1700000000000",
    }, orderId="8", side="sell", reduceOnly="YES")})  # fmt: skip
BITGET: Final[dict[str, Answer]] = {
    "/mix/position/all-position": _bitget(_two({
        "symbol": "BTCUSDT", "marginCoin": "USDT", "holdSide": "long", "total": "2",
        "available": "2", "locked": "0", "leverage": "5", "openPriceAvg": "60000",
        "marginSize": "1", "marginMode": "isolated", "posMode": "one_way_mode",
        "markPrice": "60000", "unrealizedPL": "0", "keepMarginRate": "0.004", "marginRatio": "0.1",
        "liquidationPrice": "1", "cTime": "1700000000000",
    }, symbol="ETHUSDT", holdSide="short")),
    "/mix/order/orders-pending": _BITGET_ORDERS,
    "/mix/order/orders-history": _bitget({"endId": "7", "entrustedList": [
        {**row, "status": "filled"} for row in _BITGET_ORDERS["data"]["entrustedList"]
    ]}),
    "/mix/order/orders-plan-pending": _bitget({"endId": "7", "entrustedList": _two({
        "planType": "normal_plan", "symbol": "BTCUSDT", "size": "2", "orderId": "7",
        "clientOid": "x", "triggerPrice": "50000", "triggerType": "mark_price",
        "planStatus": "live", "side": "sell", "posSide": "net", "marginCoin": "USDT",
        "marginMode": "isolated", "tradeSide": "close", "posMode": "one_way_mode",
        "orderType": "market", "cTime": "1700000000000", "uTime": "1700000000000",
    }, orderId="8", planType="pos_loss", size="")}),
    "/mix/account/accounts": _bitget(_two({
        "marginCoin": "USDT", "locked": "0", "available": "8", "accountEquity": "10",
        "crossedMaxAvailable": "8", "isolatedMaxAvailable": "8", "unrealizedPL": "0",
    }, marginCoin="USDC")),
    "/spot/account/assets": _bitget(_two({
        "coin": "BTC", "available": "0.5", "frozen": "1.5", "locked": "0", "limitAvailable": "0",
        "uTime": "1700000000000",
    }, coin="USDT")),
    "/spot/trade/unfilled-orders": _BITGET_SPOT_ORDERS,
    "/spot/trade/history-orders": _BITGET_SPOT_ORDERS,
    "/spot/trade/current-plan-order": _BITGET_PLANS,
    "/spot/trade/history-plan-order": _BITGET_PLANS,
    "/api/v3/position/current-position": _bitget({"list": _two({
        "category": "USDT-FUTURES", "symbol": "BTCUSDT", "marginCoin": "USDT",
        "holdMode": "one_way_mode", "posSide": "long", "marginMode": "isolated", "available": "2",
        "frozen": "0", "total": "2", "leverage": "5", "avgPrice": "60000", "unrealisedPnl": "0",
        "liquidationPrice": "1", "mmr": "0.004", "markPrice": "60000", "positionBalance": "1",
        "createdTime": "1700000000000", "updatedTime": "1700000000000",
    }, symbol="ETHUSDT", posSide="short")}),
    "/api/v3/trade/unfilled-orders": _BITGET_UNIFIED,
    "/api/v3/trade/history-orders": _bitget({"cursor": "7", "list": [
        {**row, "orderStatus": "filled"} for row in _BITGET_UNIFIED["data"]["list"]
    ]}),
    "/api/v3/trade/unfilled-strategy-orders": _bitget(_two({
        "orderId": "7", "clientOid": "x", "symbol": "BTCUSDT", "category": "USDT-FUTURES",
        "qty": "2", "side": "sell", "posSide": "long", "tpTriggerBy": "mark", "slTriggerBy": "mark",
        "stopLoss": "50000", "takeProfit": "", "status": "live", "createdTime": "1700000000000",
        "updatedTime": "1700000000000",
    }, orderId="8")),
    "/api/v3/account/assets": _bitget({"accountEquity": "10", "assets": _two({
        "coin": "BTC", "equity": "2", "balance": "2", "available": "1.5", "debt": "0",
        "locked": "0.5",
    }, coin="USDT")}),
}  # fmt: skip

HTX: Final[dict[str, Answer]] = {
    "/v1/account/accounts/1/balance": {"status": "ok", "data": {
        "id": 1, "type": "spot", "state": "working", "list": [
            {"currency": "btc", "type": "trade", "balance": "0.5", "seq-num": "0"},
            {"currency": "btc", "type": "frozen", "balance": "1.5", "seq-num": "0"},
        ],
    }},
    "/v1/order/orders": {"status": "ok", "data": _two({
        "id": 7, "symbol": "btcusdt", "account-id": 1, "client-order-id": "x", "amount": "2",
        "price": "50000", "created-at": 1700000000000, "type": "buy-limit", "field-amount": "0",
        "field-cash-amount": "0", "field-fees": "0", "source": "spot-api", "state": "submitted",
    }, id=8, type="sell-limit")},
}  # fmt: skip

_HYPERLIQUID_ORDER: Final = {
    "coin": "BTC", "side": "B", "limitPx": "50000", "sz": "2", "oid": 7, "origSz": "2",
    "timestamp": 1700000000000, "isTrigger": False, "triggerPx": "0", "reduceOnly": False,
    "orderType": "Limit", "tif": "Gtc", "cloid": None, "children": [], "isPositionTpsl": False,
}  # fmt: skip
_HYPERLIQUID_POSITION: Final = {
    "coin": "BTC", "szi": "2", "entryPx": "60000", "leverage": {"type": "cross", "value": 5},
    "marginUsed": "1", "positionValue": "120000", "unrealizedPnl": "0", "liquidationPx": "1",
}  # fmt: skip
HYPERLIQUID: Final[dict[str, Answer]] = {
    '"type":"clearinghouseState"': {
        "assetPositions": [
            {"type": "oneWay", "position": _HYPERLIQUID_POSITION},
            {"type": "oneWay", "position": {**_HYPERLIQUID_POSITION, "coin": "ETH", "szi": "-3"}},
        ],
        "marginSummary": {"accountValue": "10", "totalMarginUsed": "2", "totalRawUsd": "10"},
        "crossMarginSummary": {"accountValue": "10", "totalMarginUsed": "2"},
        "withdrawable": "8", "time": 1700000000000,
    },
    '"type":"frontendOpenOrders"': _two(_HYPERLIQUID_ORDER, oid=8, side="A", reduceOnly=True),
    '"type":"historicalOrders"': [
        {"order": _HYPERLIQUID_ORDER, "status": "filled", "statusTimestamp": 1700000000000},
        {"order": {**_HYPERLIQUID_ORDER, "oid": 8}, "status": "open",
         "statusTimestamp": 1700000000000},
    ],
    '"type":"spotClearinghouseState"': {"balances": _two(
        {"coin": "USDC", "token": 0, "total": "2", "hold": "0.5", "entryNtl": "0"},
        coin="PURR", token=1,
    )},
}  # fmt: skip

_KRAKEN_ORDER: Final = {
    "refid": None, "userref": None, "status": "open", "opentm": 1700000000.1, "starttm": 0,
    "expiretm": 0, "vol": "2", "vol_exec": "0", "cost": "0", "fee": "0", "price": "0",
    "stopprice": "0", "limitprice": "0", "misc": "", "oflags": "fciq",
    "descr": {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "50000",
              "price2": "0", "leverage": "none", "order": "", "close": ""},
}  # fmt: skip
KRAKEN: Final[dict[str, Answer]] = {
    "/0/private/BalanceEx": {"error": [], "result": {
        "XXBT": {"balance": "2", "hold_trade": "0.5"}, "ZUSD": {"balance": "2", "hold_trade": "0"},
    }},
    "/0/private/OpenOrders": {"error": [], "result": {
        "open": {"A": _KRAKEN_ORDER, "B": _KRAKEN_ORDER},
    }},
    "/0/private/ClosedOrders": {"error": [], "result": {
        "closed": {"C": {**_KRAKEN_ORDER, "status": "closed", "closetm": 1700000000.2},
                   "D": {**_KRAKEN_ORDER, "status": "closed", "closetm": 1700000000.2}},
        "count": 2,
    }},
}  # fmt: skip

_KRAKENFUTURES_EVENT: Final = {
    "uid": "a", "timestamp": 1700000000000, "event": {"OrderPlaced": {"reason": "new_user_order",
    "order": {
        "uid": "7", "clientId": "", "tradeable": "PF_XBTUSD", "direction": "Buy", "quantity": "2",
        "filled": "2", "limitPrice": "50000", "orderType": "Limit", "reduceOnly": False,
        "timestamp": 1700000000000, "lastUpdateTimestamp": 1700000000000,
    }}},
}  # fmt: skip
KRAKENFUTURES: Final[dict[str, Answer]] = {
    "/openpositions": {"result": "success", "serverTime": "2026-11-25T04:00:00Z", "openPositions":
        _two({"side": "long", "symbol": "PF_XBTUSD", "price": "60000", "size": "2",
              "fillTime": AN_HOUR_AGO_TEXT, "unrealizedFunding": "0"},
             symbol="PF_ETHUSD", side="short")},
    "/openorders": {"result": "success", "serverTime": "2026-11-25T04:00:00Z", "openOrders": _two({
        "order_id": "7", "symbol": "PF_XBTUSD", "side": "sell", "orderType": "stop",
        "stopPrice": 50000, "unfilledSize": 2, "filledSize": 0, "status": "untouched",
        "receivedTime": AN_HOUR_AGO_TEXT, "reduceOnly": True,
        "lastUpdateTime": AN_HOUR_AGO_TEXT,
    }, order_id="8")},
    "/api/history/v2/orders": {"accountUid": "u", "len": 2, "elements": [
        _KRAKENFUTURES_EVENT, {**_KRAKENFUTURES_EVENT, "uid": "b"},
    ]},
    "/derivatives/api/v3/accounts": {"result": "success", "accounts": {
        "flex": {
            "type": "multiCollateralMarginAccount", "availableMargin": 8, "portfolioValue": 10,
            "balanceValue": 10, "initialMargin": 2, "currencies": {
                "USD": {"quantity": 10, "value": 10, "collateral": 10, "available": 8},
            },
        },
        "cash": {"type": "cashAccount", "balances": {"xbt": 0}},
    }},
}  # fmt: skip

_BINGX_ORDERS: Final[Answer] = {"code": 0, "msg": "", "debugMsg": "", "data": {"orders": _two({
    "symbol": "BTC-USDT", "orderId": 7, "clientOrderID": "x", "price": "50000", "origQty": "2",
    "executedQty": "0", "cummulativeQuoteQty": "0", "status": "PENDING", "type": "LIMIT",
    "side": "BUY", "time": 1700000000000, "updateTime": 1700000000000, "StopPrice": "0",
}, orderId=8, side="SELL")}}  # fmt: skip
BINGX: Final[dict[str, Answer]] = {
    "/account/balance": {"code": 0, "msg": "", "debugMsg": "", "data": {"balances": _two(
        {"asset": "BTC", "free": "0.5", "locked": "1.5"}, asset="USDT"
    )}},
    "/trade/openOrders": _BINGX_ORDERS,
    "/trade/historyOrders": _BINGX_ORDERS,
}  # fmt: skip

BITMART: Final[dict[str, Answer]] = {
    "/spot/v1/wallet": {"code": 1000, "message": "OK", "trace": "t", "data": {"wallet": _two(
        {"id": "BTC", "name": "Bitcoin", "available": "0.5", "frozen": "1.5", "total": "2"},
        id="USDT",
    )}},
    "/spot/v4/query/open-orders": {"code": 1000, "message": "success", "trace": "t", "data": _two({
        "orderId": "7", "clientOrderId": "x", "symbol": "BTC_USDT", "side": "buy",
        "orderMode": "spot", "type": "limit", "state": "new", "price": "50000", "size": "2",
        "filledSize": "0", "createTime": 1700000000000, "updateTime": 1700000000000,
    }, orderId="8")},
}  # fmt: skip

SPOT: Final[dict[str, Answer]] = {
    "/api/v3/trade/unfilled-orders": _bitget({"cursor": "7", "list": [
        {**row, "category": "SPOT"} for row in _BITGET_UNIFIED["data"]["list"]
    ]}),
    "/api/v3/trade/history-orders": _bitget({"cursor": "7", "list": [
        {**row, "category": "SPOT", "orderStatus": "filled"}
        for row in _BITGET_UNIFIED["data"]["list"]
    ]}),
    "/api/v5/trade/orders-pending": _okx(*_OKX_SPOT),
    "/api/v5/trade/orders-history": _okx(*({**row, "state": "filled"} for row in _OKX_SPOT)),
    "/v5/order/": _bybit(*({k: v for k, v in row.items() if k != "tpslMode"} for row in
                           _BYBIT_ORDERS["result"]["list"])),
    '"type":"historicalOrders"': [
        {"order": {**_HYPERLIQUID_ORDER, "coin": "PURR/USDC", "oid": number}, "status": "open",
         "statusTimestamp": 1700000000000}
        for number in (7, 8)
    ],
    "/spot/trade/history-orders": _bitget([
        {**row, "status": "filled"} for row in _BITGET_SPOT_ORDERS["data"]
    ]),
    "/trade/historyOrders": {"code": 0, "msg": "", "debugMsg": "", "data": {"orders": [
        {**row, "status": "FILLED"} for row in _BINGX_ORDERS["data"]["orders"]
    ]}},
}  # fmt: skip
"""Where the same endpoint answers otherwise on spot."""

GOOD: Final[dict[str, dict[str, Answer]]] = {
    "binance": BINANCE, "bybit": BYBIT, "okx": OKX, "gate": GATE, "bitget": BITGET, "htx": HTX,
    "hyperliquid": HYPERLIQUID, "kraken": KRAKEN, "krakenfutures": KRAKENFUTURES, "bingx": BINGX,
    "bitmart": BITMART,
}  # fmt: skip

"""What exchanges answer to the questions that freqtrade and ccxt ask at a start, made small.

One market or two each, in the exchange's own words, so that ccxt's own parsers make the markets.
Contracts are not one coin where the exchange's are not. Source: the examples in ccxt's
``fetch_markets`` and ``parse_market`` of each exchange, with the values of its largest market.
"""

from typing import Any, Final

Answers = tuple[tuple[str, Any], ...]
"""A part of the address or the body, and the answer to it: JSON, or a body as it is, in bytes. The
first that fits counts."""


def _binance_symbol(**more: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
        "baseAssetPrecision": 8, "quotePrecision": 8, "quantityPrecision": 3, "pricePrecision": 2,
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT",
                       "TAKE_PROFIT_MARKET", "STOP_LOSS_LIMIT"],
        "timeInForce": ["GTC", "IOC", "FOK"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000",
             "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120",
             "stepSize": "0.001"},
        ], **more,
    }  # fmt: skip


BINANCE: Final[Answers] = (
    ("/fapi/v1/exchangeInfo", {"symbols": [
        _binance_symbol(contractType="PERPETUAL", marginAsset="USDT", deliveryDate=4133404800000),
        _binance_symbol(contractType="PERPETUAL", marginAsset="USDC", deliveryDate=4133404800000)
        | {"symbol": "ETHUSDC", "baseAsset": "ETH", "quoteAsset": "USDC"},
    ]}),
    ("/dapi/v1/exchangeInfo", {"symbols": []}),
    ("/api/v3/exchangeInfo", {"symbols": [
        _binance_symbol(isSpotTradingAllowed=True, permissions=["SPOT"]),
    ]}),
    ("/capital/config/getall", []), ("/margin/", []),
    ("positionSide/dual", {"dualSidePosition": False}),
    ("multiAssetsMargin", {"multiAssetsMargin": False}),
    ("leverageBracket", []), ("/leverage", {"leverage": 1, "symbol": "BTCUSDT"}),
    ("/marginType", {"code": 200, "msg": "success"}),
)  # fmt: skip


def _bybit(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"retCode": 0, "result": {"list": list(rows), "nextPageCursor": "", **more}, "time": 1}


def _bybit_linear(symbol: str, base: str, settle: str) -> dict[str, Any]:
    return {
        "symbol": symbol, "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": base,
        "quoteCoin": settle, "settleCoin": settle, "launchTime": "1585526400000",
        "deliveryTime": "0",
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999", "tickSize": "0.10"},
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001",
            "maxMktOrderQty": "119.000", "postOnlyMaxOrderQty": "1190.000",
        },
    }  # fmt: skip


BYBIT: Final[Answers] = (
    ("status=PreLaunch", _bybit()),
    ("instruments-info?category=spot", _bybit({
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "status": "Trading",
        "lotSizeFilter": {
            "basePrecision": "0.000001", "quotePrecision": "0.0000001", "minOrderQty": "0.000011",
            "maxOrderQty": "83", "minOrderAmt": "5", "maxOrderAmt": "8000000",
            "maxMarketOrderQty": "41.5",
        },
        "priceFilter": {"tickSize": "0.1"},
    })),
    ("instruments-info?category=linear", _bybit(
        _bybit_linear("BTCUSDT", "BTC", "USDT"), _bybit_linear("ETHPERP", "ETH", "USDC"),
        category="linear",
    )),
    ("instruments-info", _bybit()),
    ("/v5/user/query-api", {"retCode": 0, "result": {"unified": 0, "uta": 1}}),
    ("/v5/account/info", {"retCode": 0, "result": {"unifiedMarginStatus": 5}}),
    ("bybit", _bybit()),
)  # fmt: skip


def _okx(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": list(rows)}


def _okx_swap(coin: str, settle: str) -> dict[str, Any]:
    return {
        "instType": "SWAP", "instId": f"{coin}-{settle}-SWAP", "uly": f"{coin}-{settle}",
        "settleCcy": settle, "ctVal": "0.01", "ctMult": "1", "ctValCcy": coin, "ctType": "linear",
        "lever": "100", "lotSz": "0.01", "minSz": "0.01", "tickSz": "0.1", "state": "live",
        "maxLmtSz": "100000000", "maxMktSz": "35000", "listTime": "1573557408000",
    }  # fmt: skip


OKX: Final[Answers] = (
    ("instType=SPOT", _okx({
        "instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT",
        "lever": "10", "lotSz": "0.00000001", "minSz": "0.00001", "tickSz": "0.1", "state": "live",
        "maxLmtSz": "9999999999", "maxMktSz": "1000000",
    })),
    ("public/instruments?instType=SWAP", _okx(_okx_swap("BTC", "USDT"), _okx_swap("ETH", "USDC"))),
    ("account/config", _okx({"uid": "1", "posMode": "net_mode", "acctLv": "2"})),
    ("okx.com", _okx()),
)  # fmt: skip

GATE: Final[Answers] = (
    ("/spot/currency_pairs", [{
        "id": "BTC_USDT", "base": "BTC", "quote": "USDT", "fee": "0.2",
        "min_base_amount": "0.00001", "min_quote_amount": "3", "max_quote_amount": "5000000",
        "amount_precision": 6, "precision": 1, "trade_status": "tradable", "type": "normal",
    }]),
    ("/futures/usdt/contracts", [{
        "name": "BTC_USDT", "type": "direct", "quanto_multiplier": "0.0001", "status": "trading",
        "order_price_round": "0.1", "order_size_min": 1, "order_size_max": 1000000,
        "market_order_size_max": "300000", "enable_decimal": False, "leverage_min": "1",
        "leverage_max": "125", "mark_price": "60000", "in_delisting": False,
        "order_price_deviate": "0.5",
    }]),
    ("/account/detail", {"key": {"mode": 1}}),
    ("/spot/currencies", []), ("/margin/currency_pairs", []), ("contracts", []),
    ("/options/underlyings", []),
    ("gate", []),
)  # fmt: skip

HYPERLIQUID: Final[Answers] = (
    ("spotMeta", [
        {
            "tokens": [
                {"name": "USDC", "szDecimals": 8, "weiDecimals": 8, "index": 0},
                {"name": "PURR", "szDecimals": 0, "weiDecimals": 5, "index": 1},
            ],
            "universe": [{"name": "PURR/USDC", "tokens": [1, 0], "index": 0, "isCanonical": True}],
        },
        [{"markPx": "0.14", "midPx": "0.14", "prevDayPx": "0.20"}],
    ]),
    ("metaAndAssetCtxs", [
        {"universe": [{"name": "BTC", "szDecimals": 5, "maxLeverage": 40}]},
        [{"markPx": "60000.0", "midPx": "60000.0", "oraclePx": "60000.0", "funding": "0.00001"}],
    ]),
    ("userAbstraction", "disabled"),
    ("perpDexs", [None]),
    ("l2Book", {"coin": "BTC", "time": 1, "levels": [
        [{"px": "59999", "sz": "5", "n": 1}], [{"px": "60001", "sz": "5", "n": 1}],
    ]}),
    ("api.hyperliquid.xyz/info", []),
    ("hyperliquid", {"status": "ok", "response": {"type": "order", "data": {"statuses": []}}}),
)  # fmt: skip

KRAKEN: Final[Answers] = (
    ("/Assets", {"error": [], "result": {
        "XXBT": {"altname": "XBT", "decimals": 10, "display_decimals": 5, "status": "enabled"},
        "ZUSD": {"altname": "USD", "decimals": 4, "display_decimals": 2, "status": "enabled"},
    }}),
    ("/AssetPairs", {"error": [], "result": {"XXBTZUSD": {
        "altname": "XBTUSD", "wsname": "XBT/USD", "base": "XXBT", "quote": "ZUSD",
        "pair_decimals": 1, "lot_decimals": 8, "ordermin": "0.00005", "costmin": "0.5",
        "leverage_buy": [], "leverage_sell": [], "status": "online", "fees": [[0, 0.4]],
        "fees_maker": [[0, 0.25]],
    }}}),
    ("/OpenOrders", {"error": [], "result": {"open": {}}}),
    ("/ClosedOrders", {"error": [], "result": {"closed": {}, "count": 0}}),
    ("kraken", {"error": [], "result": {}}),
)  # fmt: skip

KRAKENFUTURES: Final[Answers] = (
    ("/instruments", {"result": "success", "instruments": [{
        "symbol": "PF_XBTUSD", "type": "flexible_futures", "tickSize": 1, "contractSize": 1,
        "contractValueTradePrecision": 4, "tradeable": True, "marginLevels": [
            {"numNonContractUnits": 0, "initialMargin": 0.02, "maintenanceMargin": 0.01},
        ],
    }]}),
    ("futures.kraken.com", {
        "result": "success", "openPositions": [], "openOrders": [], "orders": [], "elements": [],
        "sendStatus": {"status": "placed", "order_id": "1"},
        "cancelStatus": {"status": "cancelled", "order_id": "1"},
    }),
)  # fmt: skip


def _bitget_swap(symbol: str, coin: str, settle: str) -> dict[str, Any]:
    return {
        "symbol": symbol, "baseCoin": coin, "quoteCoin": settle, "supportMarginCoins": [settle],
        "minTradeNum": "0.001", "priceEndStep": "1", "volumePlace": "3", "pricePlace": "1",
        "sizeMultiplier": "0.001", "symbolType": "perpetual", "minTradeUSDT": "5",
        "symbolStatus": "normal", "offTime": "-1", "limitOpenTime": "-1", "deliveryTime": "",
        "minLever": "1", "maxLever": "125", "makerFeeRate": "0.0002", "takerFeeRate": "0.0006",
        "maxMarketOrderQty": "220", "maxOrderQty": "1200",
    }  # fmt: skip


BITGET: Final[Answers] = (
    ("/api/v3/account/settings", {"code": "40084", "msg": "classic account"}),
    ("/spot/public/symbols", {"code": "00000", "data": [{
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "minTradeAmount": "0",
        "maxTradeAmount": "900000000000000000000", "pricePrecision": "2", "quantityPrecision": "6",
        "quotePrecision": "8", "status": "online", "minTradeUSDT": "1", "takerFeeRate": "0.002",
        "makerFeeRate": "0.002",
    }]}),
    ("contracts?productType=USDT-FUTURES", {"code": "00000", "data": [
        _bitget_swap("BTCUSDT", "BTC", "USDT"),
    ]}),
    ("contracts?productType=USDC-FUTURES", {"code": "00000", "data": [
        _bitget_swap("ETHPERP", "ETH", "USDC"),
    ]}),
    ("/mix/order/", {"code": "00000", "data": {"entrustedList": None, "endId": None}}),
    ("bitget", {"code": "00000", "data": []}),
)  # fmt: skip

HTX: Final[Answers] = (
    ("/common/symbols", {"status": "ok", "data": [{
        "base-currency": "btc", "quote-currency": "usdt", "symbol": "btcusdt", "state": "online",
        "price-precision": 2, "amount-precision": 6, "value-precision": 8, "min-order-amt": 0.0001,
        "max-order-amt": 1000, "min-order-value": 10, "limit-order-max-order-amt": 1000,
        "sell-market-min-order-amt": 0.0001, "sell-market-max-order-amt": 100,
        "buy-market-max-order-value": 1000000, "api-trading": "enabled",
    }]}),
    ("linear-swap-api", {"status": "ok", "data": [{
        "symbol": "BTC", "contract_code": "BTC-USDT", "contract_size": 0.001, "price_tick": 0.1,
        "delivery_date": "", "contract_status": 1, "support_margin_mode": "all",
        "business_type": "swap", "pair": "BTC-USDT", "contract_type": "swap",
    }]}),
    ("contract_info", {"status": "ok", "data": [{
        "symbol": "BTC", "contract_code": "BTC-USD", "contract_size": 100, "price_tick": 0.1,
        "delivery_time": "", "contract_status": 1, "settlement_date": "1",
    }]}),
    ("/v1/account/accounts", {"status": "ok", "data": [
        {"id": 1, "type": "spot", "state": "working"},
    ]}),
    ("huobi", {"status": "ok", "code": 200, "data": []}),
)  # fmt: skip

BINGX: Final[Answers] = (
    ("/spot/v1/common/symbols", {"code": 0, "data": {"symbols": [{
        "symbol": "BTC-USDT", "minNotional": 5, "maxNotional": 200000, "status": 1,
        "tickSize": 0.01, "stepSize": 0.000001, "apiStateSell": True, "apiStateBuy": True,
    }]}}),
    ("bingx", {"code": 0, "data": {"orders": []}}),
)  # fmt: skip

BITMART: Final[Answers] = (
    ("/spot/v1/symbols/details", {"message": "OK", "code": 1000, "data": {"symbols": [{
        "symbol": "BTC_USDT", "symbol_id": 53, "base_currency": "BTC", "quote_currency": "USDT",
        "base_min_size": "0.00001", "base_max_size": "100000000", "price_min_precision": -1,
        "price_max_precision": 2, "quote_increment": "0.00001", "min_buy_amount": "5",
        "min_sell_amount": "5", "trade_status": "trading",
    }]}}),
    ("bitmart", {"message": "OK", "code": 1000, "data": {}}),
)  # fmt: skip
"""Supported by freqtrade until 2026.4."""

SAMPLES: Final[dict[str, Answers]] = {
    "binance": BINANCE, "bybit": BYBIT, "okx": OKX, "gate": GATE, "hyperliquid": HYPERLIQUID,
    "kraken": KRAKEN, "krakenfutures": KRAKENFUTURES, "bitget": BITGET, "htx": HTX, "bingx": BINGX,
    "bitmart": BITMART,
}  # fmt: skip
"""By ccxt's exchange id; what ccxt derives from one of them answers alike."""

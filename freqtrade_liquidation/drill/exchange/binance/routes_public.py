"""Market data, the same on both sides but for a few fields."""

import json
from itertools import islice
from typing import Any

from freqtrade_liquidation.drill.exchange.binance.exchange_info import market_json
from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.decimals import text
from freqtrade_liquidation.drill.exchange.prices import TIMEFRAME_MS
from freqtrade_liquidation.drill.exchange.refusals import refuse
from freqtrade_liquidation.drill.exchange.routing import Routes, per_limit, per_symbol
from freqtrade_liquidation.drill.exchange.venue import Venue

ROUTES = Routes()
_DAY_MS = 86_400_000
_FUNDING_MS = 8 * 3_600_000


def _venue(call: Call) -> Venue:
    return call.core.futures if call.path.startswith("/fapi") else call.core.spot


def _symbols(call: Call) -> list[str]:
    venue = _venue(call)
    if "symbols" in call.params:
        return [venue.market(name).symbol for name in json.loads(call.params["symbols"])]
    return [venue.market(call.symbol).symbol] if call.symbol else list(venue.markets)


def _one_or_all(call: Call, rows: list[dict[str, Any]]) -> Answer:
    return rows[0] if call.symbol else rows


@ROUTES.add("GET", "/fapi/v1/ping", "/api/v3/ping")
def ping(call: Call) -> Answer:
    """Nothing but an answer."""
    return {}


@ROUTES.add("GET", "/fapi/v1/time", "/api/v3/time", "/dapi/v1/time")
def server_time(call: Call) -> Answer:
    """The exchange's clock."""
    return {"serverTime": call.core.now_ms()}


@ROUTES.add("GET", "/fapi/v1/exchangeInfo", weight=1)
@ROUTES.add("GET", "/api/v3/exchangeInfo", weight=20)
def exchange_info(call: Call) -> Answer:
    """Markets, filters, rate limits."""
    futures = call.path.startswith("/fapi")
    limits = call.core.futures_limits if futures else call.core.spot_limits
    deliveries = call.core.deliveries if futures else {}
    unlisted = call.core.unlisted if futures else set()
    return {
        "timezone": "UTC", "serverTime": call.core.now_ms(), "exchangeFilters": [],
        "rateLimits": limits.published(), "assets": [],
        "symbols": [
            market_json(market, deliveries.get(market.symbol))
            for market in _venue(call).markets.values()
            if market.symbol not in unlisted
        ],
    }  # fmt: skip


@ROUTES.add("GET", "/dapi/v1/exchangeInfo")
def inverse_exchange_info(call: Call) -> Answer:
    """No coin-margined markets here."""
    return {"timezone": "UTC", "serverTime": call.core.now_ms(), "rateLimits": [], "symbols": []}


@ROUTES.add("GET", "/fapi/v1/klines", "/fapi/v1/markPriceKlines", "/fapi/v1/indexPriceKlines",
            weight=per_limit((99, 1), (499, 2), (1000, 5), (1500, 10)))  # fmt: skip
@ROUTES.add("GET", "/api/v3/klines", weight=2)
def klines(call: Call) -> Answer:
    """Candles."""
    market = _venue(call).market(call.symbol or call.params.get("pair"))
    timeframe = call.params.get("interval", "")
    if timeframe not in TIMEFRAME_MS:
        raise refuse(-1120, "Invalid interval.")
    start, end = call.params.get("startTime"), call.params.get("endTime")
    return call.core.prices.candles(
        market.symbol, timeframe, int(start) if start else None, int(end) if end else None,
        min(call.limit, 1500), call.core.now_ms(),
    )  # fmt: skip


@ROUTES.add("GET", "/fapi/v1/depth", weight=per_limit((50, 2), (100, 5), (500, 10), (1000, 20)))
@ROUTES.add("GET", "/api/v3/depth", weight=per_limit((100, 5), (500, 25), (1000, 50), (5000, 250)))
def depth(call: Call) -> Answer:
    """The order book."""
    venue, now = _venue(call), call.core.now_ms()
    symbol = venue.market(call.symbol).symbol
    sides = {
        name: [
            [text(level.price), text(level.amount)]
            for level in islice(venue.book(symbol, side), call.limit)
        ]
        for name, side in (("bids", "SELL"), ("asks", "BUY"))
    }
    return {"lastUpdateId": now, "E": now, "T": now, **sides}


@ROUTES.add("GET", "/fapi/v1/ticker/24hr", weight=per_symbol(1, 40))
@ROUTES.add("GET", "/api/v3/ticker/24hr", weight=per_symbol(2, 80))
def ticker_24hr(call: Call) -> Answer:
    """The last day; futures send no bid and ask here."""
    venue = _venue(call)
    return _one_or_all(call, [_ticker(call, venue, symbol) for symbol in _symbols(call)])


def _ticker(call: Call, venue: Venue, symbol: str) -> dict[str, Any]:
    now = call.core.now_ms()
    last, first = venue.price(symbol), call.core.prices.at(symbol, now - _DAY_MS)
    row: dict[str, Any] = {
        "symbol": symbol, "priceChange": text(last - first),
        "priceChangePercent": text((last - first) / first * 100),
        "weightedAvgPrice": text((last + first) / 2), "lastPrice": text(last), "lastQty": "1",
        "openPrice": text(first), "highPrice": text(max(last, first)),
        "lowPrice": text(min(last, first)), "volume": text(50_000_000 / last),
        "quoteVolume": "50000000", "openTime": now - _DAY_MS, "closeTime": now,
        "firstId": 1, "lastId": 1000, "count": 1000,
    }  # fmt: skip
    return row if call.path.startswith("/fapi") else row | _book_ticker(venue, symbol)


def _book_ticker(venue: Venue, symbol: str) -> dict[str, Any]:
    bid, ask = venue.best(symbol)
    return {
        "symbol": symbol, "bidPrice": text(bid.price), "bidQty": text(bid.amount),
        "askPrice": text(ask.price), "askQty": text(ask.amount),
    }  # fmt: skip


@ROUTES.add("GET", "/fapi/v1/ticker/bookTicker", weight=per_symbol(2, 5))
@ROUTES.add("GET", "/api/v3/ticker/bookTicker", weight=per_symbol(2, 4))
def book_ticker(call: Call) -> Answer:
    """Best bid and ask."""
    venue = _venue(call)
    extra = {"time": call.core.now_ms()} if call.path.startswith("/fapi") else {}
    return _one_or_all(call, [_book_ticker(venue, s) | extra for s in _symbols(call)])


@ROUTES.add("GET", "/fapi/v1/ticker/price", weight=per_symbol(1, 2))
@ROUTES.add("GET", "/fapi/v2/ticker/price", weight=per_symbol(1, 2))
@ROUTES.add("GET", "/api/v3/ticker/price", weight=per_symbol(2, 4))
def ticker_price(call: Call) -> Answer:
    """Last prices."""
    venue = _venue(call)
    rows = [{"symbol": symbol, "price": text(venue.price(symbol))} for symbol in _symbols(call)]
    return _one_or_all(call, rows)


@ROUTES.add("GET", "/fapi/v1/premiumIndex", weight=per_symbol(1, 10))
def premium_index(call: Call) -> Answer:
    """Mark price and funding rate."""
    now = call.core.now_ms()
    rows: list[dict[str, Any]] = []
    for symbol in _symbols(call):
        price = text(call.core.futures.price(symbol))
        rows.append({
            "symbol": symbol, "markPrice": price, "indexPrice": price,
            "estimatedSettlePrice": price, "lastFundingRate": "0.00010000",
            "interestRate": "0.00010000", "time": now,
            "nextFundingTime": (now // _FUNDING_MS + 1) * _FUNDING_MS,
        })  # fmt: skip
    return _one_or_all(call, rows)


@ROUTES.add("GET", "/fapi/v1/fundingRate", weight=1)
def funding_rate(call: Call) -> Answer:
    """Funding rates of the past, every eight hours."""
    symbol = call.core.futures.market(call.symbol).symbol
    last = call.core.now_ms() // _FUNDING_MS
    limit = int(call.params.get("limit") or 100)
    times = [
        n * _FUNDING_MS for n in range(last - 999, last + 1) if call.is_within(n * _FUNDING_MS)
    ]
    times = times[:limit] if "startTime" in call.params else times[-limit:]
    return [
        {
            "symbol": symbol,
            "fundingRate": "0.00010000",
            "fundingTime": time_ms,
            "markPrice": text(call.core.prices.at(symbol, time_ms)),
        }
        for time_ms in times
    ]


@ROUTES.add("GET", "/fapi/v1/fundingInfo", weight=0)
def funding_info(call: Call) -> Answer:
    """No market with unusual funding."""
    return []


@ROUTES.add("GET", "/fapi/v1/openInterest", weight=1)
def open_interest(call: Call) -> Answer:
    """A number."""
    symbol = call.core.futures.market(call.symbol).symbol
    return {"symbol": symbol, "openInterest": "10000", "time": call.core.now_ms()}


@ROUTES.add("GET", "/fapi/v1/aggTrades", weight=20)
@ROUTES.add("GET", "/api/v3/aggTrades", weight=4)
def agg_trades(call: Call) -> Answer:
    """One public trade a second, for as long as asked."""
    symbol = _venue(call).market(call.symbol).symbol
    now = call.core.now_ms() // 1000
    return [
        {
            "a": second,
            "p": text(call.core.prices.at(symbol, second * 1000)),
            "q": "1",
            "f": second,
            "l": second,
            "T": second * 1000,
            "m": second % 2 == 0,
            "M": True,
        }
        for second in range(now - min(call.limit, 1000) + 1, now + 1)
        if call.is_within(second * 1000)
    ]

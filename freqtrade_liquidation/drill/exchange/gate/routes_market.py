"""Market data: contracts, prices, candles, and of spot what ccxt asks when it loads markets."""

from itertools import islice
from typing import Any

from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.decimals import text
from freqtrade_liquidation.drill.exchange.gate.markets import contract_json, gate_id, pair_json
from freqtrade_liquidation.drill.exchange.gate.refusals import deny
from freqtrade_liquidation.drill.exchange.gate.words import (
    is_settled_here,
    is_within,
    market_of,
    page,
    seconds,
    size,
)
from freqtrade_liquidation.drill.exchange.markets import Market
from freqtrade_liquidation.drill.exchange.prices import TIMEFRAME_MS
from freqtrade_liquidation.drill.exchange.routing import Routes

ROUTES = Routes()
_DAY_MS = 86_400_000
_FUNDING_MS = 8 * 3_600_000
_CANDLES = 1999
_TIERS = [("1000000", "100"), ("5000000", "50"), ("20000000", "20"), ("500000000", "5")]


def _asked(call: Call) -> list[Market]:
    if not is_settled_here(call):
        return []
    return [market_of(call)] if call.symbol else list(call.core.futures.markets.values())


@ROUTES.add("GET", "/spot/time")
def server_time(call: Call) -> Answer:
    """The exchange's clock."""
    return {"server_time": call.core.now_ms()}


@ROUTES.add("GET", "/spot/currencies")
def currencies(call: Call) -> Answer:
    """Every asset, without chains."""
    markets = call.core.futures.markets.values()
    assets = dict.fromkeys(asset for market in markets for asset in (market.base, market.quote))
    return [
        {"currency": asset, "name": asset, "delisted": False, "withdraw_disabled": False,
         "withdraw_delayed": False, "deposit_disabled": False, "trade_disabled": False,
         "chains": []}
        for asset in assets
    ]  # fmt: skip


@ROUTES.add("GET", "/spot/currency_pairs")
def currency_pairs(call: Call) -> Answer:
    """Spot pairs; they can be loaded, but not traded here."""
    return [pair_json(market) for market in call.core.spot.markets.values()]


@ROUTES.add("GET", "/margin/currency_pairs")
@ROUTES.add("GET", "/delivery/{settle}/contracts")
@ROUTES.add("GET", "/options/underlyings")
def nothing(call: Call) -> Answer:
    """Nothing of this kind here."""
    return []


@ROUTES.add("GET", "/futures/{settle}/contracts")
def contracts(call: Call) -> Answer:
    """Contracts; those settled in USDT."""
    venue = call.core.futures
    core = call.core
    return [
        contract_json(
            market, venue.price(market.symbol), in_delisting=market.symbol in core.deliveries
        )
        for market in _asked(call)
        if market.symbol not in core.unlisted
    ]


@ROUTES.add("GET", "/futures/{settle}/contracts/{contract}")
def contract(call: Call) -> Answer:
    """One contract."""
    market = market_of(call)
    return contract_json(
        market,
        call.core.futures.price(market.symbol),
        in_delisting=market.symbol in call.core.deliveries,
    )


@ROUTES.add("GET", "/futures/{settle}/tickers")
def tickers(call: Call) -> Answer:
    """The last day; Gate sends best bid and ask with it."""
    return [_ticker(call, market) for market in _asked(call)]


def _ticker(call: Call, market: Market) -> dict[str, Any]:
    venue, now = call.core.futures, call.core.now_ms()
    last, first = venue.price(market.symbol), call.core.prices.at(market.symbol, now - _DAY_MS)
    bid, ask = venue.best(market.symbol)
    return {
        "contract": gate_id(market), "last": text(last), "low_24h": text(min(last, first)),
        "high_24h": text(max(last, first)),
        "change_percentage": text((last - first) / first * 100), "total_size": "1000000",
        "volume_24h_base": text(50_000_000 / last), "volume_24h_quote": "50000000",
        "volume_24h_settle": "50000000", "mark_price": text(last), "index_price": text(last),
        "funding_rate": "0.0001", "funding_rate_indicative": "0.0001",
        "highest_bid": text(bid.price), "highest_size": size(market, bid.amount),
        "lowest_ask": text(ask.price), "lowest_size": size(market, ask.amount),
    }  # fmt: skip


@ROUTES.add("GET", "/futures/{settle}/order_book")
def order_book(call: Call) -> Answer:
    """The order book, sizes in contracts."""
    market, venue = market_of(call), call.core.futures
    limit = min(300, int(call.params.get("limit") or 10))
    sides = {
        name: [
            {"p": text(level.price), "s": size(market, level.amount)}
            for level in islice(venue.book(market.symbol, side), limit)
        ]
        for name, side in (("bids", "SELL"), ("asks", "BUY"))
    }
    now = seconds(call.core.now_ms())
    return {"id": int(now), "current": now, "update": now, **sides}


@ROUTES.add("GET", "/futures/{settle}/candlesticks")
def candlesticks(call: Call) -> Answer:
    """Candles; ``mark_`` and ``index_`` ones are the same here."""
    market = market_of(call)
    timeframe = {"7d": "1w"}.get(call.params.get("interval", ""), call.params.get("interval", ""))
    if timeframe not in TIMEFRAME_MS:
        raise deny("INVALID_PARAM_VALUE", "invalid argument: interval")
    start, end = call.params.get("from"), call.params.get("to")
    rows = call.core.prices.candles(
        market.symbol, timeframe, int(start) * 1000 if start else None,
        int(end) * 1000 if end else None, min(_CANDLES, int(call.params.get("limit") or _CANDLES)),
        call.core.now_ms(),
    )  # fmt: skip
    return [
        {"t": r[0] // 1000, "o": r[1], "h": r[2], "l": r[3], "c": r[4], "v": r[5], "sum": r[7]}
        for r in rows
    ]


@ROUTES.add("GET", "/futures/{settle}/funding_rate")
def funding_rate(call: Call) -> Answer:
    """Funding rates of the past, newest first, every eight hours."""
    market_of(call)
    last = call.core.now_ms() // _FUNDING_MS
    times = [n * _FUNDING_MS for n in range(last, last - 1000, -1)]
    rows = [{"t": t // 1000, "r": "0.0001"} for t in times if is_within(call, t)]
    return rows[: int(call.params.get("limit") or 100)]


@ROUTES.add("GET", "/futures/{settle}/risk_limit_tiers")
def risk_limit_tiers(call: Call) -> Answer:
    """Leverage tiers, the same for every contract; a page is that many contracts."""
    return [
        {
            "contract": gate_id(market), "tier": number, "risk_limit": limit,
            "initial_rate": str(1 / int(leverage)), "maintenance_rate": f"0.0{number}",
            "leverage_max": leverage, "deduction": "0",
        }
        for market in page(call, _asked(call))
        for number, (limit, leverage) in enumerate(_TIERS, start=1)
    ]  # fmt: skip

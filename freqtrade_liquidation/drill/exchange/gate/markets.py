"""Gate's markets: perpetual futures counted in contracts, and spot pairs to load.

Contract sizes, price ticks and maximum sizes are those of ``GET /futures/usdt/contracts`` or near
them; a size of 1 contract is the smallest order everywhere.
"""

from decimal import Decimal
from typing import Any, Final

from freqtrade_liquidation.drill.exchange.decimals import text
from freqtrade_liquidation.drill.exchange.markets import Market, check_synthetic, synthetic_row

D = Decimal

#: base, price, tick, contract size (base), order_size_max, market_order_size_max (contracts)
_REAL: Final = [
    ("BTC", "65000", "0.1", "0.0001", "1000000", "800000"),
    ("ETH", "3200", "0.01", "0.01", "1000000", "200000"),
    ("SOL", "150", "0.01", "1", "100000", "30000"),
    ("XRP", "0.6", "0.0001", "10", "1000000", "200000"),
    ("ADA", "0.45", "0.0001", "10", "1000000", "100000"),
    ("DOGE", "0.12", "0.00001", "10", "10000000", "3000000"),
    ("LTC", "80", "0.01", "0.1", "500000", "50000"),
    ("BNB", "580", "0.01", "0.001", "1000000", "500000"),
    ("LINK", "14", "0.001", "1", "300000", "30000"),
    ("AVAX", "28", "0.001", "1", "200000", "20000"),
    ("DOT", "6", "0.001", "1", "500000", "50000"),
    ("TRX", "0.13", "0.00001", "100", "1000000", "50000"),
]
_SPOT_STEP: Final = D("0.0001")


def gate_markets(*, futures: bool, synthetic: int = 0, seed: int = 1) -> dict[str, Market]:
    """:return: twelve USDT markets and *synthetic* ones named ``P001USDT``, by symbol.

    :raises ValueError: if *synthetic* is not within 0…250.
    """
    check_synthetic(synthetic)
    rows = _REAL + [_synthetic(number, seed) for number in range(1, synthetic + 1)]
    markets = [_futures_market(row) if futures else _spot_market(row) for row in rows]
    return {market.symbol: market for market in markets}


def _synthetic(number: int, seed: int) -> tuple[str, str, str, str, str, str]:
    base, price, tick, step, maximum, _ = synthetic_row(number, seed)
    contracts = str(int(D(maximum) / D(step)))
    return base, price, tick, step, contracts, contracts


def _futures_market(row: tuple[str, str, str, str, str, str]) -> Market:
    base, price, tick, contract_size, maximum, market_maximum = row
    size = D(contract_size)
    return Market(
        symbol=f"{base}USDT", base=base, quote="USDT", futures=True, price=D(price), tick=D(tick),
        step=size, max_amount=D(maximum) * size, max_market_amount=D(market_maximum) * size,
        min_notional=D(0), max_leverage=100, contract_size=size,
    )  # fmt: skip


def _spot_market(row: tuple[str, str, str, str, str, str]) -> Market:
    base, price, tick, *_ = row
    maximum = D(5_000_000) / D(price)
    return Market(
        symbol=f"{base}USDT", base=base, quote="USDT", futures=False, price=D(price), tick=D(tick),
        step=_SPOT_STEP, max_amount=maximum, max_market_amount=maximum, min_notional=D(3),
    )  # fmt: skip


def gate_id(market: Market) -> str:
    """:return: Gate's name of *market*, ``BTC_USDT``; spot and futures share it."""
    return f"{market.base}_{market.quote}"


def contract_json(market: Market, price: Decimal, *, in_delisting: bool) -> dict[str, Any]:
    """:return: a row of ``/futures/usdt/contracts``."""
    maximum = int(market.max_amount / market.contract_size)
    market_maximum = int(market.max_market_amount / market.contract_size)
    return {
        "name": gate_id(market), "type": "direct", "quanto_multiplier": text(market.contract_size),
        "ref_discount_rate": "0", "order_price_deviate": "0.5", "maintenance_rate": "0.01",
        "mark_type": "index", "last_price": text(price), "mark_price": text(price),
        "index_price": text(price), "funding_rate_indicative": "0.0001",
        "mark_price_round": text(market.tick), "funding_offset": 0, "in_delisting": in_delisting,
        "risk_limit_base": "1000000", "risk_limit_step": "1000000", "risk_limit_max": "8000000",
        "interest_rate": "0.0003", "order_price_round": text(market.tick), "order_size_min": "1",
        "order_size_max": str(maximum), "market_order_size_max": str(market_maximum),
        "enable_decimal": False, "ref_rebate_rate": "0.2", "funding_interval": 28800,
        "leverage_min": "1", "leverage_max": str(market.max_leverage), "funding_rate": "0.0001",
        "maker_fee_rate": "0.0002", "taker_fee_rate": "0.0005", "orders_limit": 100,
        "trade_id": 1, "orderbook_id": 1, "status": "trading", "create_time": 1569398400,
        "cross_leverage_default": "10", "funding_next_apply": 1784131200,
    }  # fmt: skip


def pair_json(market: Market) -> dict[str, Any]:
    """:return: a row of ``/spot/currency_pairs``."""
    return {
        "id": gate_id(market), "base": market.base, "base_name": market.base,
        "quote": market.quote, "quote_name": market.quote, "fee": "0.2",
        "min_base_amount": text(market.step), "min_quote_amount": text(market.min_notional),
        "max_quote_amount": "5000000", "amount_precision": _decimals(market.step),
        "precision": _decimals(market.tick), "trade_status": "tradable", "sell_start": 0,
        "buy_start": 0, "type": "normal",
    }  # fmt: skip


def _decimals(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))

"""The largest market order that a market takes, where ccxt's unified limits tell another one's.

ccxt's ``limits.amount.max`` is that of limit orders on these exchanges, and a market order of that
size is refused. The exchange's own answer, which ccxt keeps as ``info``, has the right one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from freqtrade_liquidation.exchange.rules.kin import rule_for

Path = Sequence[str]

OF_CONTRACTS: Final[Mapping[str, Path]] = {
    # Bybit V5, Get Instruments Info, linear
    "bybit": ("lotSizeFilter", "maxMktOrderQty"),
    # OKX, Get instruments: contracts (of spot markets it is an amount of USDT)
    "okx": ("maxMktSz",),
    # Gate API v4, Contract
    "gate": ("market_order_size_max",),
    # Bitget V2, Get Contract Config
    "bitget": ("maxMarketOrderQty",),
}
OF_COINS: Final[Mapping[str, Path]] = {
    # Bybit V5, Get Instruments Info, spot
    "bybit": ("lotSizeFilter", "maxMarketOrderQty"),
    # HTX, Get all supported trading symbols
    "htx": ("sell-market-max-order-amt",),
}
"""Where it is in ccxt's ``market["info"]``, by ccxt's exchange id."""


def market_order_maximum(api: Any, market: Mapping[str, Any]) -> float | None:
    """In contracts, as ccxt counts them; ``None`` = none published.

    Source: the tables above, else ccxt market ``limits.market.max`` (binance's MARKET_LOT_SIZE),
    else ``limits.amount.max``.
    """
    return next((largest for path in _paths(api, market) if (largest := _at(market, path))), None)


def maximum_source(api: Any, market: Mapping[str, Any]) -> str | None:
    """Where *market* has it, in words; ``None`` = none published."""
    return next((".".join(path) for path in _paths(api, market) if _at(market, path)), None)


def _paths(api: Any, market: Mapping[str, Any]) -> list[Path]:
    own = rule_for(OF_CONTRACTS if market.get("contract") else OF_COINS, api, None)
    unified: list[Path] = [("limits", "market", "max"), ("limits", "amount", "max")]
    return unified if own is None else [("info", *own), *unified]


def _at(market: Any, path: Path) -> float | None:
    for key in path:
        market = market.get(key) if isinstance(market, Mapping) else None
    try:
        return float(market)
    except (TypeError, ValueError):
        return None

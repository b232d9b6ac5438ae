"""The largest market order that a market takes, where ccxt's unified limits tell another one's.

ccxt's ``limits.amount.max`` is that of limit orders on these exchanges, and a market order of that
size is refused. The exchange's own answer, which ccxt keeps as ``info``, has the right one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from freqtrade_liquidation.host.exchanges.kin import rule_for

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
    path = rule_for(OF_CONTRACTS if market.get("contract") else OF_COINS, api, None)
    limits = market.get("limits") or {}
    return (
        (_at(market.get("info") or {}, path) if path else None)
        or (limits.get("market") or {}).get("max")
        or (limits.get("amount") or {}).get("max")
        or None
    )


def _at(info: Any, path: Path) -> float | None:
    for key in path:
        info = info.get(key) if isinstance(info, Mapping) else None
    try:
        return float(info)
    except (TypeError, ValueError):
        return None

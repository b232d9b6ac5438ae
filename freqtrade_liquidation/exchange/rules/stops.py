"""What a resting order is, where ccxt's unified fields do not say it on every exchange."""

from collections.abc import Mapping
from typing import Any, Final

from freqtrade.exchange import Exchange

OF_A_POSITION: Final = frozenset(
    {"pos_loss", "pos_profit", "loss_plan", "profit_plan", "moving_plan"}
)
"""Bitget's plan types that belong to a position and end with it: they cannot open one.

Source: Bitget V2, Place TPSL order; ccxt ``bitget.create_order_request`` sends ``pos_loss`` for
freqtrade's stops, without a reduce-only mark that could be read back.
"""


def can_only_reduce(row: Mapping[str, Any]) -> bool:
    """Whether the exchange says so of ccxt's order *row*."""
    plan = (row.get("info") or {}).get("planType")
    return bool(row.get("reduceOnly")) or plan in OF_A_POSITION


def stop_price(exchange: Exchange, row: Mapping[str, Any]) -> float | None:
    """Of ccxt's order *row*, in quote currency; ``None`` = it is no stop.

    Source: freqtrade's ``stop_price_prop``, where it finds its own (okx: ``stopLossPrice``, and
    nowhere else); ccxt's unified ``triggerPrice`` and ``stopPrice``.
    """
    own = str(exchange.get_option("stop_price_prop") or "stopLossPrice")
    fields = (own, "triggerPrice", "stopPrice")
    found = next((row[field] for field in fields if row.get(field)), None)
    return None if found is None else float(found)

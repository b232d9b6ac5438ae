"""What a stop does and at which prices, where ccxt's unified fields do not say it everywhere.

What is read here is what a stop has to be put back with: the same trigger, watched in the same
price, the same limit or none, the same direction.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypedDict

from freqtrade.enums import PriceType
from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.rules.kin import rule_for

Row = Mapping[str, Any]


class StopTerms(TypedDict):
    """Fields of :class:`~freqtrade_liquidation.model.OpenOrder` that say what a stop is."""

    stop_price: float | None
    limit_price: float | None
    trigger_source: str | None
    takes_profit: bool


NO_STOP: Final = StopTerms(
    stop_price=None, limit_price=None, trigger_source=None, takes_profit=False
)


def stop_terms(exchange: Exchange, row: Row) -> StopTerms:
    """All of it, of ccxt's order *row*."""
    price = stop_price(exchange, row)
    if price is None:
        return NO_STOP
    return StopTerms(
        stop_price=price,
        limit_price=limit_price(exchange, row),
        trigger_source=trigger_source(exchange, row),
        takes_profit=takes_profit(exchange, row),
    )


def stop_price(exchange: Exchange, row: Row) -> float | None:
    """Of ccxt's order *row*, in quote currency; ``None`` = it is no stop.

    Source: freqtrade's ``stop_price_prop``, where it finds its own (okx: ``stopLossPrice``, and
    nowhere else); ccxt's unified ``triggerPrice``, ``stopPrice`` and ``takeProfitPrice``.
    """
    own = str(exchange.get_option("stop_price_prop") or "stopLossPrice")
    fields = (own, "triggerPrice", "stopPrice", "takeProfitPrice")
    found = next((row[field] for field in fields if row.get(field)), None)
    return None if found is None else float(found)


OKX_LIMITS: Final = (
    ("slTriggerPx", "slOrdPx"),
    ("tpTriggerPx", "tpOrdPx"),
    ("triggerPx", "ordPx"),
)
"""Trigger and limit. Source: OKX, Get algo order list; −1 stands for the market's price."""


def limit_price(exchange: Exchange, row: Row) -> float | None:
    """Of a stop: what its order asks once it is triggered, in quote currency; ``None`` = at market.

    Source: ccxt's unified ``price``, which is no limit where ``type`` says market (Bybit and
    Hyperliquid give their slippage bound as the price); OKX tells it in fields of its own; ccxt
    calls every stop of Kraken Futures a market order (Get open orders, ``limitPrice``).
    """
    info = row.get("info") or {}
    price = row.get("price")
    if rule_for({"krakenfutures": True}, exchange._api, False):
        price = info.get("limitPrice")
    elif rule_for({"okx": True}, exchange._api, False):
        found = [info[limit] for trigger, limit in OKX_LIMITS if info.get(trigger)]
        price = next((value for value in found if value), price)
    elif "market" in str(row.get("type") or "").lower():
        return None
    limit = float(price or 0.0)
    return limit if limit > 0 else None


def trigger_source(exchange: Exchange, row: Row) -> str | None:
    """The price that a stop watches: ``last``, ``mark`` or ``index``; ``None`` = not told.

    Source: freqtrade's ``stop_price_type_field`` and ``stop_price_type_value_mapping``, which it
    sends; the exchanges give it back under the same name (Gate: within ``trigger``).
    """
    field = exchange._ft_has.get("stop_price_type_field")
    if not field:
        return None
    info = row.get("info") or {}
    inside = info.get("trigger")
    told = info.get(field, inside.get(field) if isinstance(inside, Mapping) else None)
    known: Mapping[PriceType, Any] = exchange._ft_has["stop_price_type_value_mapping"]
    return next((kind.value for kind, value in known.items() if str(value) == str(told)), None)


def takes_profit(exchange: Exchange, row: Row) -> bool:
    """Whether a stop waits for a better price, not for a worse one.

    Source: ccxt's unified ``takeProfitPrice`` and ``type``; Gate API v4, ``trigger.rule``: 1 waits
    for a price at or above, 2 at or below; Bitget V2, ``planType``.
    """
    info = row.get("info") or {}
    if row.get("takeProfitPrice") and not row.get("stopLossPrice"):
        return True
    if "takeprofit" in re.sub("[ _-]", "", str(row.get("type") or "").lower()):
        return True
    trigger = info.get("trigger")
    rule = str(trigger.get("rule")) if isinstance(trigger, Mapping) else None
    if (rule, row.get("side")) in (("1", "sell"), ("2", "buy"), (">=", "sell"), ("<=", "buy")):
        return True
    return info.get("planType") in ("pos_profit", "profit_plan")

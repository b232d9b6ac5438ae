"""Whether an account can hold both sides of a pair: then a close that is sent before a look could
meet the wrong one."""

from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.rules.kin import lineage

ONE_WAY: Final = frozenset({"binance", "bybit", "bitget", "hyperliquid", "krakenfutures"})
"""By ccxt's exchange id: one position a pair.

Source: freqtrade refuses binance's hedge mode at its start (``Binance.additional_exchange_init``)
and sets one-way mode on bybit and bitget (theirs). Hyperliquid and Kraken Futures know nothing
else. On the others nobody has made sure.
"""


def may_hold_both_sides(exchange: Exchange) -> bool:
    """Whether nobody has made sure that *exchange*'s account holds one position a pair."""
    api: Any = exchange._api
    names = set(lineage(api))
    if "okx" in names:  # freqtrade Okx.additional_exchange_init has asked for the account's mode
        return not getattr(exchange, "net_only", False)
    return ONE_WAY.isdisjoint(names)

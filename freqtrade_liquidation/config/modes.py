"""Account modes that a configuration can ask ccxt for, and that no run is made for."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from freqtrade.exceptions import ConfigurationError

FUTURE_IS_SWAP: Final = frozenset({
    "binance", "binanceusdm", "bitget", "bybit", "hyperliquid", "krakenfutures", "okx",
})  # fmt: skip
"""Where ``defaultType: "future"``, which many configurations carry (freqtrade 2940, 4109), changes
no request of a run. On Gate it is the market of contracts that end on a date, and no position of
the bot's is listed there. A test holds this table to what ccxt sends."""


def refuse_unsupported(config: Mapping[str, Any]) -> None:
    """Looks through what *config* hands to ccxt.

    :raises ConfigurationError: naming each option that would make ccxt ask for another book than
        the one that freqtrade trades: it could look flat and not be.
    """
    found = list(_unsupported(config))
    if found:
        raise ConfigurationError(
            "freqtrade-liquidation closes linear swaps in one-way mode only. Not started:\n- "
            + "\n- ".join(found)
        )


def _unsupported(config: Mapping[str, Any]) -> Iterator[str]:
    futures = config.get("trading_mode") == "futures"
    name = str(_object(config, "exchange").get("name", "")).lower()
    same = (None, "swap", "future") if name in FUTURE_IS_SWAP else (None, "swap")
    for block in ("ccxt_config", "ccxt_sync_config"):
        options = _object(config, "exchange", block, "options")
        where = f"exchange.{block}.options"
        # ccxt binance: handle_option_bool_and_params_2(..., "papi", "portfolioMargin")
        for name in ("portfolioMargin", "papi"):
            if options.get(name):
                yield f"{where}.{name}: portfolio margin is not supported"
        if options.get("defaultSubType") == "inverse":
            yield f"{where}.defaultSubType: inverse contracts are not supported"
        kind = options.get("defaultType")
        if futures and kind not in same:
            yield f"{where}.defaultType: it must be swap (or left out), and is {kind!r}"
        # ccxt: positions and orders of two sides a pair
        if options.get("hedged") or _object(options, "createOrder").get("hedged"):
            yield f"{where}: hedge mode (hedged) is not supported"


def _object(value: Any, *path: str) -> Mapping[str, Any]:
    """The object at *path*; where something else stands, freqtrade's schema says so."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}

"""A perpetual contract, whatever the exchange's list and ccxt call it today.

ccxt makes its name of a market from what the exchange says of it at that moment. A perpetual that
is being delisted becomes a delivery contract on Binance (``contractType: PERPETUAL_DELIVERING`` and
a date), so ``BTC/USDT:USDT`` turns into ``BTC/USDT:USDT-261129`` while the position is held. Others
drop the market from their list; then ccxt passes the exchange's own id through, or a part of it, or
takes the spot market of the same id for it.
Bybit, OKX, Gate and Bitget keep the name of a perpetual with a delivery date as long as they list
it. Source: ccxt ``parse_market`` of each, and ``Exchange.safe_market``.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from freqtrade_liquidation.exchange.rules.kin import rule_for

Market = Mapping[str, Any]
Markets = Mapping[str, Market]


def is_linear_perpetual(market: Market) -> bool:
    """Whether ccxt's *market* is a perpetual that is settled in its quote currency, or was one
    until its delivery was announced.

    Source: Binance USD-M, Exchange Information, ``contractType``: PERPETUAL, TRADIFI_PERPETUAL and
    PERPETUAL_DELIVERING; delivery contracts are CURRENT_QUARTER and the like.
    """
    if not market.get("linear"):
        return False
    told = (market.get("info") or {}).get("contractType")
    return bool(market.get("swap")) or (
        bool(market.get("future")) and "PERPETUAL" in str(told).upper()
    )


def perpetual_pair(market: Market) -> str | None:
    """freqtrade's name of *market*'s contract while it was a perpetual; ``None`` = it never was."""
    if not is_linear_perpetual(market):
        return None
    return f"{market['base']}/{market['quote']}:{market['settle']}"


def may_be_of(markets: Markets, symbol: str | None, pairs: Collection[str]) -> str | None:
    """The one of *pairs* (open trades') whose contract *symbol* may be: nothing says that it was
    that perpetual, but it has the same currencies, and the exchange does not list the perpetual.

    :returns: ``None`` = none of them.
    """
    market = markets.get(symbol) if symbol else None
    if not market or not market.get("linear"):
        return None
    pair = f"{market['base']}/{market['quote']}:{market['settle']}"
    return pair if pair in pairs and not names_today(markets, pair) else None


def trade_pair(api: Any, markets: Markets, symbol: str, pairs: Collection[str]) -> str:
    """The one of *pairs* (open trades') whose contract *symbol* is, or may be; else *symbol*."""
    if symbol in pairs:
        return symbol
    found = pair_of(api, markets, symbol, pairs) or may_be_of(markets, symbol, pairs)
    return found or symbol


def contract_name(markets: Markets, symbol: str | None) -> str | None:
    """What to call the contract of a position, or of an order in a list of futures, that ccxt gives
    *symbol*. A spot market cannot be meant: the contract is not listed any more, and the spot
    market has the same id.

    Source: ccxt ``Exchange.safe_market``, which returns the one market that has the id.
    """
    market = markets.get(symbol) if symbol else None
    return f"{symbol}:{market['quote']}" if market and market.get("spot") else symbol


def names_today(markets: Markets, pair: str) -> list[str]:
    """ccxt's names under which *markets* list the perpetual contract *pair*; empty = not listed."""
    return [name for name, market in markets.items() if perpetual_pair(market) == pair]


def pair_of(api: Any, markets: Markets, symbol: str | None, pairs: Iterable[str]) -> str | None:
    """The one of *pairs* (open trades') whose contract a row of *symbol* is about.

    :param api: ccxt's exchange: how it writes the ids of its contracts.
    :param symbol: of a position or an order, as ccxt gives it: a name of a listed market, else the
        exchange's own id, or the two currencies of it.
    :returns: ``None`` = none of them.
    """
    if symbol is None:
        return None
    market = markets.get(symbol)
    if market is not None:
        own = perpetual_pair(market)
        return next((pair for pair in pairs if pair in (symbol, own)), None)
    return next((pair for pair in pairs if symbol in unlisted_names(api, pair)), None)


def market_ids(api: Any, markets: Markets, pair: str) -> frozenset[str]:
    """The exchange's ids of the perpetual contract *pair*: as listed, else as it writes them."""
    listed = {str(markets[name]["id"]) for name in names_today(markets, pair)}
    return frozenset(listed) or _written_ids(api, pair)


def unlisted_names(api: Any, pair: str) -> frozenset[str]:
    """What ccxt may call *pair*'s contract where the exchange does not list its market any more.

    Source: ccxt ``Exchange.safe_market``: the id itself; of an id of two parts, both currencies.
    """
    base, quote, _ = _currencies(pair)
    return _written_ids(api, pair) | {pair, f"{base}/{quote}"}


def _joined(base: str, quote: str) -> tuple[str, ...]:
    """BTCUSDT; in USDC, Bybit and Bitget write BTCPERP."""
    return (f"{base}{quote}", f"{base}PERP") if quote == "USDC" else (f"{base}{quote}",)


def _unknown(base: str, quote: str) -> tuple[str, ...]:
    return ()


IDS: Final[Mapping[str, Callable[[str, str], tuple[str, ...]]]] = {
    "binance": lambda base, quote: (f"{base}{quote}",),
    "bybit": _joined,
    "bitget": _joined,
    "okx": lambda base, quote: (f"{base}-{quote}-SWAP",),
    "gate": lambda base, quote: (f"{base}_{quote}",),
    "krakenfutures": lambda base, quote: (f"PF_{base}{quote}",),
    # ccxt names a coin that it does not know by this itself
    "hyperliquid": lambda base, quote: (f"{base}/{quote}:{quote}",),
}
"""Ids of perpetuals by ccxt's exchange id. Source: the exchanges' lists of instruments, which ccxt
keeps as ``id``. Elsewhere none is known."""


def _written_ids(api: Any, pair: str) -> frozenset[str]:
    base, quote, _ = _currencies(pair)
    write = rule_for(IDS, api, _unknown)
    codes = getattr(api, "commonCurrencies", {})
    written = [own for own, code in codes.items() if code == base]  # Kraken's XBT is ccxt's BTC
    return frozenset(name for known in (base, *written) for name in write(known, quote))


def _currencies(pair: str) -> tuple[str, str, str]:
    base, _, rest = pair.partition("/")
    quote, _, settle = rest.partition(":")
    return base, quote, settle.partition("-")[0]

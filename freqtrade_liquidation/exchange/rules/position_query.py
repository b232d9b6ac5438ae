"""The question about one pair's position alone: a second witness where a list lacks it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.rules.kin import rule_for

Rows = Sequence[Mapping[str, Any]]
Ask = Callable[[Exchange], list[Any]]


def _by_params(name: str) -> Callable[[str], Ask]:
    """The list's own endpoint, asked for one market by the exchange's parameter *name*."""

    def question(pair: str) -> Ask:
        def ask(exchange: Exchange) -> list[Any]:
            api: Any = exchange._api
            return list(api.fetch_positions([pair], {name: api.market(pair)["id"]}))

        return ask

    return question


def _by_pair(pair: str) -> Ask:
    """ccxt sends the pair where the endpoint takes one."""
    return lambda exchange: list(exchange._api.fetch_positions([pair]))


def _alone(pair: str) -> Ask:
    """An endpoint of its own."""

    def ask(exchange: Exchange) -> list[Any]:
        api: Any = exchange._api
        return [api.fetch_position(pair)]

    return ask


QUERIES: Final[Mapping[str, Callable[[str], Ask]]] = {
    # Binance USDⓈ-M, Position Information V3: parameter symbol. ccxt fetch_positions filters what
    # the endpoint answers without it; with it the endpoint answers for one market
    "binance": _by_params("symbol"),
    # Bybit V5, Get Position Info: symbol. ccxt bybit.fetch_positions sends it for one pair
    "bybit": _by_pair,
    # OKX V5, Get positions: instId. ccxt okx.fetch_positions sends it
    "okx": _by_pair,
    # Gate API v4, Get single position: /futures/{settle}/positions/{contract}
    "gate": _alone,
    # Bitget V2, Get Single Position. ccxt bitget.fetch_position
    "bitget": _alone,
}
"""By ccxt's exchange id."""


def one_position(exchange: Exchange, pair: str) -> Ask | None:
    """The question; ``None`` = none is known that would be another one than the list."""
    query = rule_for(QUERIES, exchange._api, None)
    return None if query is None or pair not in exchange.markets else query(pair)

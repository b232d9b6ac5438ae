"""The façades that there are."""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.drill.exchange.binance.facade import BinanceFacade
from freqtrade_liquidation.drill.exchange.facade import Facade
from freqtrade_liquidation.drill.exchange.gate.facade import GateFacade

BY_EXCHANGE: Final[Mapping[str, Facade]] = {"binance": BinanceFacade(), "gate": GateFacade()}
"""By ccxt's exchange id."""


def facade_of(exchange: str) -> Facade:
    """:raises ValueError: if there is none for *exchange*."""
    if exchange not in BY_EXCHANGE:
        raise ValueError(f"exchange {exchange!r} is unknown; known: {sorted(BY_EXCHANGE)}")
    return BY_EXCHANGE[exchange]

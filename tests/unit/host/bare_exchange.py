"""As much of freqtrade's exchange as the wire looks at, around ccxt's real object."""

from types import SimpleNamespace
from typing import Any

import ccxt

from freqtrade_liquidation.exchange.client import ExchangeClient


class Bare:
    """Its attributes and nothing else."""

    def __init__(self, name: str) -> None:
        self._api: Any = getattr(ccxt, name)()
        self._api_async: Any = SimpleNamespace(close=None)
        self._config: dict[str, Any] = {"exchange": {}}


def wire_to(name: str) -> ExchangeClient:
    exchange: Any = Bare(name)
    return ExchangeClient(exchange)

"""As much of freqtrade's exchange as the client looks at, around ccxt's real object."""

from types import SimpleNamespace
from typing import Any, cast

import ccxt
from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.client import ExchangeClient, Line


class Bare:
    """Its attributes and nothing else."""

    def __init__(self, name: str) -> None:
        self._api: Any = getattr(ccxt, name)()
        self._api_async: Any = SimpleNamespace(close=None)
        self._config: dict[str, Any] = {"exchange": {}}


def bare_exchange(name: str) -> Exchange:
    """For a test; its type is freqtrade's."""
    return cast(Exchange, Bare(name))


def client_of(name: str, line: Line | None = None) -> ExchangeClient:
    """A client over *line*, the real one by default."""
    return ExchangeClient(bare_exchange(name), line=line)

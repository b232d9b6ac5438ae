"""What the parts of the operator's side share: the core, and how a pair is named."""

from decimal import Decimal
from typing import Any

from freqtrade_liquidation.drill.exchange.core import Core
from freqtrade_liquidation.drill.exchange.futures import FuturesVenue
from freqtrade_liquidation.drill.exchange.spot import SpotVenue

Number = float | str | Decimal
Json = dict[str, Any]


def decimal(value: Number) -> Decimal:
    """:return: *value* exactly as it is written."""
    return Decimal(str(value))


class Grip:
    """Holds the exchange.

    A *pair* is ``BTC/USDT:USDT`` (futures), ``BTC/USDT`` (spot) or Binance's id (futures).
    """

    core: Core

    def _venue(self, pair: str) -> tuple[FuturesVenue | SpotVenue, str]:
        venue: FuturesVenue | SpotVenue = self.core.futures
        if "/" in pair and ":" not in pair:
            venue = self.core.spot
        symbol = pair.partition(":")[0].replace("/", "")
        if symbol not in venue.markets:
            raise ValueError(f"{pair!r} is no market of the practice exchange")
        return venue, symbol

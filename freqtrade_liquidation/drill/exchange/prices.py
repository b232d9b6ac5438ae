"""Prices: a smooth, seeded function of time, or the ones that the operator set."""

import math
import random
from bisect import bisect_right
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from freqtrade_liquidation.drill.exchange.markets import Market

_PERIODS_S = (7 * 3600.0, 53 * 60.0, 11 * 60.0)

TIMEFRAME_MS = {
    "1s": 1_000, "1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000,
    "1h": 3_600_000, "2h": 7_200_000, "4h": 14_400_000, "6h": 21_600_000, "8h": 28_800_000,
    "12h": 43_200_000, "1d": 86_400_000, "3d": 259_200_000, "1w": 604_800_000,
}  # fmt: skip


class Prices:
    """The price of every symbol at every time: same seed and time, same price.

    :param moving_ratio: how far the price swings around its start; 0 = it stands still.
    """

    def __init__(self, markets: Mapping[str, Market], seed: int, moving_ratio: float) -> None:
        self._markets = markets
        self._moving_ratio = moving_ratio
        self._phases = {
            symbol: [
                random.Random(f"{seed}/{symbol}/{k}").uniform(0, 2 * math.pi) for k in range(3)
            ]
            for symbol in markets
        }
        self._set: dict[str, list[tuple[int, Decimal]]] = {}

    def set_price(self, symbol: str, price: Decimal, now_ms: int) -> None:
        """From now on the price of *symbol* is *price* and stands still."""
        self._set.setdefault(symbol, []).append((now_ms, price))

    def at(self, symbol: str, time_ms: int) -> Decimal:
        """:return: the price of *symbol* at *time_ms*, on its tick."""
        changes = self._set.get(symbol, [])
        index = bisect_right(changes, time_ms, key=lambda change: change[0])
        if index:
            return changes[index - 1][1]
        market = self._markets[symbol]
        swing = sum(
            math.sin(2 * math.pi * time_ms / 1000 / period + phase) / (k + 1)
            for k, (period, phase) in enumerate(zip(_PERIODS_S, self._phases[symbol], strict=True))
        )
        factor = Decimal(repr(1 + self._moving_ratio * swing))
        return market.round_price(market.price * factor)

    def candles(
        self, symbol: str, timeframe: str, start_ms: int | None, end_ms: int | None,
        limit: int, now_ms: int,
    ) -> list[list[Any]]:  # fmt: skip
        """:return: aligned candles as Binance lists them, the last one still running."""
        width = TIMEFRAME_MS[timeframe]
        last = min(end_ms if end_ms is not None else now_ms, now_ms) // width
        first = last - limit + 1
        if start_ms is not None:
            first = -(-start_ms // width)
            last = min(last, first + limit - 1)
        return [self._candle(symbol, n * width, width, now_ms) for n in range(first, last + 1)]

    def _candle(self, symbol: str, open_ms: int, width: int, now_ms: int) -> list[Any]:
        end_ms = min(open_ms + width, now_ms)
        seen = [self.at(symbol, open_ms + (end_ms - open_ms) * k // 3) for k in range(4)]
        volume = Decimal(1000 + open_ms // width % 977)
        quote = volume * seen[-1]
        return [
            open_ms, str(seen[0]), str(max(seen)), str(min(seen)), str(seen[-1]), str(volume),
            open_ms + width - 1, str(quote), 100, str(volume / 2), str(quote / 2), "0",
        ]  # fmt: skip

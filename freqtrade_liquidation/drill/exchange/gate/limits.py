"""Gate's rate limits: each endpoint counts by itself, and nobody is banned.

Source: Gate API v4, Rate limit: futures orders placed 100 a second, cancelled 200 a second, every
other endpoint 200 in ten seconds.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from freqtrade_liquidation.drill.exchange.limits import Excess, Limits

_PLACED: Final = (100, 1.0)
_CANCELLED: Final = (200, 1.0)
_OTHER: Final = (200, 10.0)


@dataclass(slots=True)
class GateLimits(Limits):
    """The limits of one account. The operator's own (orders a second, weight) come on top."""

    weight_per_minute: int | None = None
    orders_per_window: dict[int, int] = field(default_factory=dict)
    _times: dict[str, deque[float]] = field(default_factory=dict)

    def reset(self) -> None:
        """Forget what was used."""
        Limits.reset(self)
        self._times.clear()

    def spend(self, weight: int, orders: int, endpoint: str = "") -> Excess | None:
        """Count a request to *endpoint*."""
        now = time.time()
        limit, seconds = _rate(endpoint, orders)
        times = self._times.setdefault(endpoint, deque())
        while times and times[0] <= now - seconds:
            times.popleft()
        if len(times) >= limit:
            return self._refuse(now, -1003, times[0] + seconds - now)
        times.append(now)
        return Limits.spend(self, weight, orders, endpoint)

    def _refuse(self, now: float, code: int, wait_s: float) -> Excess:
        return Excess(429, code, max(1, int(wait_s)), tells_wait=False)

    def headers(self, endpoint: str = "") -> dict[str, str]:
        """What is left of *endpoint*'s window."""
        now = time.time()
        limit, seconds = _rate(endpoint, int(endpoint.startswith("POST") and "orders" in endpoint))
        times = self._times.get(endpoint, ())
        remain = limit - len(times)
        resets = times[0] + seconds if times and remain <= 0 else now
        return {
            "X-Gate-RateLimit-Requests-Remain": str(max(0, remain)),
            "X-Gate-RateLimit-Limit": str(limit),
            "X-Gate-RateLimit-Reset-Timestamp": str(int(resets)),
        }


def _rate(endpoint: str, orders: int) -> tuple[int, float]:
    if orders:
        return _PLACED
    return _CANCELLED if endpoint.startswith("DELETE") else _OTHER

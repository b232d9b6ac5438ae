"""Rate limits: used weight a minute, orders a window, 429, and the ban for who goes on."""

import math
import time
from collections import deque
from dataclasses import dataclass, field

_WINDOW_S = 60.0
_PUBLISHED = {10: 300, 60: 1200}


@dataclass(frozen=True, slots=True)
class Excess:
    """Why a request is turned away: the HTTP status, the engine's code, seconds to wait."""

    status: int
    code: int
    wait_s: int
    tells_wait: bool = True

    @property
    def headers(self) -> dict[str, str]:
        """``Retry-After``, where the exchange sends one."""
        return {"Retry-After": str(self.wait_s)} if self.tells_wait else {}


@dataclass(slots=True)
class Limits:
    """The limits of one address on one side (futures or spot).

    :param weight_per_minute: None = count, but never refuse.
    :param orders_per_window: seconds of a sliding window → orders that fit into it.
    :param requests_per_second: of any kind, in a sliding window; None = no such limit.
    :param ban_after: requests that may follow a 429 before the address is banned (418).
    :param ban_s: how long the ban lasts.
    """

    weight_per_minute: int | None = 2400
    orders_per_window: dict[int, int] = field(default_factory=lambda: dict(_PUBLISHED))
    requests_per_second: int | None = None
    ban_after: int = 10
    ban_s: float = 120.0
    used_weight: int = 0
    _window: int = 0
    _refused: int = 0
    _banned_until: float = 0.0
    _order_times: deque[float] = field(default_factory=deque)
    _request_times: deque[float] = field(default_factory=deque)

    def reset(self) -> None:
        """Forget what was used, and any ban."""
        self.used_weight = self._refused = 0
        self._banned_until = 0.0
        self._order_times.clear()
        self._request_times.clear()

    def spend(self, weight: int, orders: int, endpoint: str = "") -> Excess | None:
        """Count a request.

        :param endpoint: method and path, for exchanges that count each by itself.
        :return: None if it may pass.
        """
        now = time.time()
        if now < self._banned_until:
            return Excess(418, -1003, math.ceil(self._banned_until - now))
        window = int(now // _WINDOW_S)
        if window != self._window:
            self._window = window
            self.used_weight = self._refused = 0
        self.used_weight += weight
        if self.weight_per_minute is not None and self.used_weight > self.weight_per_minute:
            return self._refuse(now, -1003, (window + 1) * _WINDOW_S - now)
        if not self._one_more_request(now):
            return self._refuse(now, -1003, 1)
        return self._spend_orders(now, orders)

    def _one_more_request(self, now: float) -> bool:
        if self.requests_per_second is None:
            return True
        while self._request_times and self._request_times[0] <= now - 1:
            self._request_times.popleft()
        if len(self._request_times) >= self.requests_per_second:
            return False
        self._request_times.append(now)
        return True

    def _spend_orders(self, now: float, orders: int) -> Excess | None:
        while self._order_times and self._order_times[0] <= now - _WINDOW_S:
            self._order_times.popleft()
        for seconds, limit in self.orders_per_window.items() if orders else ():
            if self._orders_within(now, seconds) + orders > limit:
                return self._refuse(now, -1015, seconds)
        self._order_times.extend([now] * orders)
        return None

    def _orders_within(self, now: float, seconds: float) -> int:
        return sum(at > now - seconds for at in self._order_times)

    def _refuse(self, now: float, code: int, wait_s: float) -> Excess:
        self._refused += 1
        if self._refused > self.ban_after:
            self._banned_until = now + self.ban_s
            return Excess(418, -1003, math.ceil(self.ban_s))
        return Excess(429, code, max(1, math.ceil(wait_s)))

    def headers(self, endpoint: str = "") -> dict[str, str]:
        """:return: the headers that every answer carries."""
        now = time.time()
        return {
            "X-MBX-USED-WEIGHT-1M": str(self.used_weight),
            "X-MBX-ORDER-COUNT-10S": str(self._orders_within(now, 10)),
            "X-MBX-ORDER-COUNT-1M": str(self._orders_within(now, _WINDOW_S)),
        }

    def published(self) -> list[dict[str, object]]:
        """:return: the ``rateLimits`` of ``exchangeInfo``."""
        rows: list[dict[str, object]] = []
        if self.weight_per_minute is not None:
            rows.append(_row("REQUEST_WEIGHT", 60, self.weight_per_minute))
        if self.requests_per_second is not None:
            rows.append(_row("RAW_REQUESTS", 1, self.requests_per_second))
        rows += [_row("ORDERS", *item) for item in self.orders_per_window.items()]
        return rows


def _row(kind: str, seconds: int, limit: int) -> dict[str, object]:
    minutes, rest = divmod(seconds, 60)
    interval = ("SECOND", seconds) if rest else ("MINUTE", minutes)
    return {
        "rateLimitType": kind, "interval": interval[0], "intervalNum": interval[1], "limit": limit,
    }  # fmt: skip

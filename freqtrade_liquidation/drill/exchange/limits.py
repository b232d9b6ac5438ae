"""Rate limits: used weight a minute, order counts, 429, and the ban for who goes on."""

import math
import time
from dataclasses import dataclass, field

_WINDOW_S = 60.0


@dataclass(slots=True)
class Limits:
    """The limits of one address on one side (futures or spot).

    :param weight_per_minute: None = count, but never refuse.
    :param orders_per_second: None = no limit.
    :param ban_after: requests that may follow a 429 before the address is banned (418).
    :param ban_s: how long the ban lasts.
    """

    weight_per_minute: int | None = 2400
    orders_per_second: int | None = None
    ban_after: int = 10
    ban_s: float = 120.0
    used_weight: int = 0
    used_orders: int = 0
    _window: int = 0
    _refused: int = 0
    _banned_until: float = 0.0
    _order_times: list[float] = field(default_factory=list)

    def reset(self) -> None:
        """Forget what was used, and any ban."""
        self.used_weight = self.used_orders = self._refused = 0
        self._banned_until = 0.0
        self._order_times.clear()

    def spend(self, weight: int, orders: int) -> tuple[int, int] | None:
        """Count a request.

        :return: None if it may pass, else the HTTP status and the seconds for ``Retry-After``.
        """
        now = time.time()
        if now < self._banned_until:
            return 418, math.ceil(self._banned_until - now)
        window = int(now // _WINDOW_S)
        if window != self._window:
            self._window = window
            self.used_weight = self.used_orders = self._refused = 0
        self.used_weight += weight
        self.used_orders += orders
        if self.weight_per_minute is not None and self.used_weight > self.weight_per_minute:
            return self._refuse(now, math.ceil((window + 1) * _WINDOW_S - now))
        if orders and self._too_many_orders(now, orders):
            return self._refuse(now, 1)
        return None

    def _too_many_orders(self, now: float, orders: int) -> bool:
        if self.orders_per_second is None:
            return False
        self._order_times = [t for t in self._order_times if t > now - 1]
        if len(self._order_times) + orders > self.orders_per_second:
            return True
        self._order_times += [now] * orders
        return False

    def _refuse(self, now: float, wait_s: int) -> tuple[int, int]:
        self._refused += 1
        if self._refused > self.ban_after:
            self._banned_until = now + self.ban_s
            return 418, math.ceil(self.ban_s)
        return 429, max(1, wait_s)

    def headers(self) -> dict[str, str]:
        """:return: the headers that every answer carries."""
        return {
            "X-MBX-USED-WEIGHT-1M": str(self.used_weight),
            "X-MBX-ORDER-COUNT-1M": str(self.used_orders),
        }

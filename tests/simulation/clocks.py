"""The product on virtual time: what it takes for the time is the virtual loop's."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from types import SimpleNamespace
from typing import Any, Final

from freqtrade.exchange import exchange as freqtrade_exchange

BEGAN: Final = 1_000.0
"""The virtual loop's clock at the beginning of a schedule."""
EPOCH_S: Final = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""The exchange's wall clock when the virtual loop's is 0."""


class Clock:
    """What the bot's process takes for the time.

    :ivar skew_s: how far its wall clock is ahead of the exchange's.
    :ivar shift_s: added to both clocks while something of before is made.
    """

    skew_s = 0.0
    shift_s = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.shift_s

    def time(self) -> float:
        return EPOCH_S + self.monotonic() + self.skew_s

    def utcnow(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)


CLOCK: Final = Clock()


class _Datetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return CLOCK.utcnow()


_TIME: Final = SimpleNamespace(
    monotonic=CLOCK.monotonic, time=CLOCK.time, time_ns=lambda: int(CLOCK.time() * 1e9)
)
_ROOMS: Final = ("freqtrade_liquidation.orders.", "freqtrade_liquidation.exchange.rules.")


def _places() -> Iterator[tuple[Any, str, Any]]:
    yield freqtrade_exchange, "dt_now", CLOCK.utcnow
    for name, module in sorted(sys.modules.items()):
        if name.startswith(_ROOMS):
            if getattr(module, "time", None) is time:
                yield module, "time", _TIME
            if getattr(module, "datetime", None) is datetime:
                yield module, "datetime", _Datetime


_found: list[tuple[Any, str, Any]] = []


@contextmanager
def product_on_virtual_time(*, skew_s: float) -> Iterator[Clock]:
    """While inside, the order managers' clocks are the virtual loop's."""
    if not _found:
        _found.extend(_places())
    before = [(module, name, getattr(module, name)) for module, name, _ in _found]
    CLOCK.skew_s, CLOCK.shift_s = skew_s, 0.0
    for module, name, fake in _found:
        setattr(module, name, fake)
    try:
        yield CLOCK
    finally:
        for module, name, real in before:
            setattr(module, name, real)

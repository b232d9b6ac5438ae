"""The two clocks of a process: one that only goes forward, and one that tells the date."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


def _utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Handed in, so that a simulation can turn the hands.

    :param monotonic: seconds; the running event loop's clock shows the same.
    :param utcnow: aware UTC; it may be set back, and differs from the exchange's.
    """

    monotonic: Callable[[], float] = time.monotonic
    utcnow: Callable[[], datetime] = _utcnow


SYSTEM: Final = Clock()

"""How long an answer takes, and when within that time the request takes effect."""

import random
from dataclasses import dataclass, field
from typing import Final

SHARES_BEFORE: Final = {"arrival": 0.0, "midway": 0.5, "answer": 1.0}
"""Of the time, by when a request is executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The time from a request's arrival to its answer.

    :param spread_ratio: each request's differs by up to so much, at random.
    :param executed: at its ``arrival``, ``midway``, or with its ``answer``.
    :param reads_at_arrival: what is only read is of the moment of arrival, whatever *executed*
        says: an answer that is old when it comes.
    :raises ValueError: for an unknown *executed*.
    """

    round_trip_ms: float = 0.0
    spread_ratio: float = 0.0
    executed: str = "midway"
    reads_at_arrival: bool = False
    _random: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        if self.executed not in SHARES_BEFORE:
            raise ValueError(f"executed {self.executed!r} is unknown; known: {[*SHARES_BEFORE]}")

    def draw_s(self, method: str) -> tuple[float, float]:
        """:return: seconds before and after a request is executed."""
        spread = self._random.uniform(-self.spread_ratio, self.spread_ratio)
        whole_s = self.round_trip_ms / 1000 * (1 + spread)
        share = SHARES_BEFORE[self.executed]
        if self.reads_at_arrival and method == "GET":
            share = 0.0
        return whole_s * share, whole_s * (1 - share)

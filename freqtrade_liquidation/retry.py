"""When to try again. Pure: the caller sleeps."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential backoff with jitter.

    :param base_s: seconds before the first further attempt (0 = at once).
    :param max_retries: further attempts after the first.
    """

    base_s: float
    max_retries: int
    random: Random

    def allows(self, attempts_made: int) -> bool:
        """Whether another attempt is allowed after *attempts_made* of them."""
        return attempts_made <= self.max_retries

    def delay_s(self, attempts_made: int, *, retry_after_s: float | None = None) -> float:
        """Seconds to wait before the next attempt; never less than the exchange asked for."""
        ceiling = self.base_s * 2.0 ** max(0, attempts_made - 1)
        jittered = ceiling * self.random.uniform(0.5, 1.0)
        return max(jittered, retry_after_s or 0.0)

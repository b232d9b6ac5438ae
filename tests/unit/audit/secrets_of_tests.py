"""Secrets for tests, and the time that a call takes."""

import time
from collections.abc import Callable

from freqtrade_liquidation.audit.masking import Masker, Secret


def secret(value: str, *, in_parts: bool = True) -> Secret:
    return Secret(key="test", value=value, in_parts=in_parts)


def masker(*values: str) -> Masker:
    return Masker([secret(value) for value in values])


def cpu_ns(call: Callable[[], object], *, rounds: int = 7) -> int:
    """The least of the thread's own CPU time for one *call*: what others do does not count."""
    taken = []
    for _ in range(rounds):
        began = time.thread_time_ns()
        call()
        taken.append(time.thread_time_ns() - began)
    return min(taken)

"""Nonces where an exchange wants each to be new, or larger than the one before."""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from freqtrade_liquidation.exchange.rules.kin import lineage

IN_ORDER: Final = frozenset({"kraken", "krakenfutures"})
"""They refuse a nonce that is smaller than one that they have seen, so requests go one at a time.

Source: Kraken's REST API, "Nonce"; ccxt ``kraken.nonce``, krakenfutures' ``nonceBelowThreshold``.
"""
EACH_NEW: Final = IN_ORDER | {"hyperliquid"}
"""They refuse a nonce that was used before; ccxt takes the time in milliseconds.

Source: Hyperliquid's API, "Nonces and API wallets"; ccxt ``Exchange.incrementing_nonce``, which
counts in the object's options, and each of our attempts has a copy of its own.
"""


def are_in_order(api: Any) -> bool:
    """Whether requests of ccxt's exchange *api* must arrive in the order of their nonces."""
    return not IN_ORDER.isdisjoint(lineage(api))


def make_new(api: Any) -> None:
    """No nonce of *api* is one of another copy."""
    if not EACH_NEW.isdisjoint(lineage(api)):
        api.milliseconds = milliseconds


def _counter() -> Callable[[], int]:
    lock, last = threading.Lock(), 0

    def milliseconds() -> int:
        nonlocal last
        with lock:
            last = max(last + 1, time.time_ns() // 1_000_000)
            return last

    return milliseconds


milliseconds: Final = _counter()
"""The time (Unix, ms), or one more than it told last: never the same twice in this process."""

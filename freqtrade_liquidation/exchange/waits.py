"""How long the exchange asked us to send nothing: known to each run of the process.

A ban outlives the run that met it, and so does its memory: a run has its own client, and each
request that a banned address sends makes the ban longer. Binance counts by address, others by
account, so that the memory belongs to one exchange, its address and the key.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from freqtrade.exchange import Exchange


class Waits:
    """One moment, shared by threads and runs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0

    @property
    def left_s(self) -> float:
        """Seconds in which nothing may be sent; 0 = none."""
        with self._lock:
            return max(0.0, self._until - self._clock())

    def ask(self, seconds: float) -> None:
        """The exchange has asked for *seconds* from now; a longer wait stays."""
        with self._lock:
            self._until = max(self._until, self._clock() + seconds)


_KNOWN: Final[dict[str, Waits]] = {}
_LOCK: Final = threading.Lock()


def waits_of(exchange: Exchange) -> Waits:
    """The one for *exchange*'s account: the same for each run, also after a reload."""
    api: Any = exchange._api
    addresses = sorted(f"{name}={url}" for name, url in (api.urls.get("api") or {}).items())
    named = (api.id, *addresses, api.apiKey or api.walletAddress or "")
    account = hashlib.sha256("\n".join(map(str, named)).encode()).hexdigest()
    with _LOCK:
        return _KNOWN.setdefault(account, Waits())

"""systemd's watchdog: freqtrade's loop pings it, and while a run of ours goes on, we do.

A run may take a minute, and the bot's loop waits for it. With ``WatchdogSec=20``, as in freqtrade's
own unit file, systemd would abort the bot in the middle of it.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from freqtrade_liquidation.threads import start_thread

logger = logging.getLogger(__name__)

PING_EVERY_S: Final = 2.0
LONGEST_WORK_S: Final = 240.0
"""Two runs of 60 s, one after the other, and freqtrade's cleanup. What takes longer hangs."""


class Watchdog:
    """Pings while work of ours is under way. Thread-safe.

    :ivar notify: sends a message to the service manager; freqtrade's worker sets it.
    """

    def __init__(self) -> None:
        self.notify: Callable[[str], None] | None = None
        self._pinged_at = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._works = 0

    def ping(self) -> None:
        """Says that the process lives, at most every two seconds."""
        now = time.monotonic()
        if self.notify is None or now - self._pinged_at < PING_EVERY_S:
            return
        self._pinged_at = now
        try:
            self.notify("WATCHDOG=1")
        except Exception as error:  # noqa: BLE001 - a broken socket of systemd's must end nothing
            logger.warning("systemd was not told that the bot lives: %s", error)

    @contextmanager
    def pinging(self) -> Iterator[None]:
        """Pings until the block ends, from a thread of its own."""
        with self._lock:
            self._works += 1
            if self._works == 1 and self.notify is not None:
                self._over = threading.Event()
                over = self._over
                start_thread(lambda: self._ping_until(over), name="watchdog")
        try:
            yield
        finally:
            with self._lock:
                self._works -= 1
                if not self._works:
                    self._over.set()

    def _ping_until(self, over: threading.Event) -> None:
        until = time.monotonic() + LONGEST_WORK_S
        self.ping()
        while not over.wait(PING_EVERY_S) and time.monotonic() < until:
            self.ping()

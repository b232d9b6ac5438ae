"""Signals: the first ends the bot, the second hears how things stand, the third forces the exit."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from freqtrade_liquidation.host.threads import bounded

FORCED_EXIT: Final = 3
"""Positions may remain."""
RECORD_WITHIN_S: Final = 0.5


class Signals:
    """The process's handlers for SIGINT, SIGTERM and SIGHUP (unless it was ignored at start).

    :param on_second: says what is open and how long is left.
    :param on_third: puts the forced exit on record.
    """

    def __init__(self, *, on_second: Callable[[], None], on_third: Callable[[], None]) -> None:
        self.received: list[str] = []
        self.untold: str | None = None
        self._on_second = on_second
        self._on_third = on_third
        self._exiting = False
        self._holds = 0

    def install(self) -> None:
        """Replaces the handlers, in the main thread. freqtrade's own come earlier and lose."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._handle)

    @property
    def first(self) -> str | None:
        """The name of the signal that ended the bot, if one did."""
        return self.received[0] if self.received else None

    def check(self) -> None:
        """Raises again what a destructor, a callback or :meth:`held` kept back."""
        if self.received and not self._exiting:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """A run in the bot's loop is not interrupted: call :meth:`check` after it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    def exiting(self) -> None:
        """From now on a signal interrupts nothing."""
        self._exiting = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received.append(signal.Signals(number).name)
        if len(self.received) >= 3:
            self._force()
        if self._exiting or self._holds:
            self._tell()
        elif len(self.received) == 1:
            raise KeyboardInterrupt

    def _tell(self) -> None:
        """Whatever becomes of the message, it must not break the exit that it interrupted."""
        try:
            bounded(self._on_second, timeout_s=RECORD_WITHIN_S, name="second-signal")
        except Exception as error:  # noqa: BLE001 - a message, nothing more
            self.untold = f"{type(error).__name__}: {error}"

    def _force(self) -> None:
        try:
            bounded(self._on_third, timeout_s=RECORD_WITHIN_S, name="third-signal")
            bounded(logging.shutdown, timeout_s=RECORD_WITHIN_S, name="last-words")
        except Exception as error:  # noqa: BLE001 - os.write takes no lock that we may hold
            os.write(2, f"Forced exit could not be put on record: {error}\n".encode())
        os._exit(FORCED_EXIT)

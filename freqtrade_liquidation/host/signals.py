"""Signals: the first ends the bot, the second hears how things stand, the third forces the exit."""

import logging
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from freqtrade_liquidation.threads import bounded

logger = logging.getLogger(__name__)

FORCED_EXIT: Final = 3
"""Positions may remain."""
RECORD_WITHIN_S: Final = 0.5
FORCED_WITHIN_S: Final = 2 * RECORD_WITHIN_S


class QueryInterrupted(BaseException):
    """A signal fell into a query of psycopg's.

    On ``KeyboardInterrupt`` that would ask the server to cancel it, and wait for up to ten seconds;
    one that is frozen never answers. Source: ``psycopg.Connection.wait``.
    """


class Signals:
    """The process's handlers for SIGINT, SIGTERM and SIGHUP (unless it was ignored at start).

    A handler may have interrupted the holder of any lock, so it takes none: it drops a word into a
    queue, whose reader was started before.

    :param on_held: says that a signal is heard, and what comes first.
    :param on_third: puts the forced exit on record.
    """

    def __init__(self, *, on_held: Callable[[], None], on_third: Callable[[], None]) -> None:
        self.received: list[str] = []
        self._on_held = on_held
        self._on_third = on_third
        self._exiting = False
        self._holds = 0
        self._words: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._on_record = threading.Event()

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
        self._listen()
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self._words.put(None)

    def exiting(self) -> None:
        """From now on a signal interrupts nothing."""
        self._listen()
        self._exiting = True

    def _listen(self) -> None:
        """A reader of our queue, until it reads ``None``."""
        threading.Thread(target=self._read, name="liquidation-signals", daemon=True).start()

    def _read(self) -> None:
        while (say := self._words.get()) is not None:
            try:
                say()
            except Exception:
                logger.exception("What a signal sets off failed.")

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received.append(signal.Signals(number).name)
        heard = self._exiting or self._holds > 0
        if len(self.received) >= 3:
            if heard:
                self._words.put(self._last_words)
                self._on_record.wait(FORCED_WITHIN_S)
            else:
                self._last_words()
            os._exit(FORCED_EXIT)
        if heard:
            self._words.put(self._on_held)
        elif len(self.received) == 1:
            raise QueryInterrupted if _is_in_query(frame) else KeyboardInterrupt

    def _last_words(self) -> None:
        try:
            bounded(self._on_third, timeout_s=RECORD_WITHIN_S, name="third-signal")
            bounded(logging.shutdown, timeout_s=RECORD_WITHIN_S, name="last-words")
        except Exception as error:  # noqa: BLE001 - os.write takes no lock that anybody may hold
            os.write(2, f"Forced exit could not be put on record: {error}\n".encode())
        finally:
            self._on_record.set()


def _is_in_query(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == "psycopg.connection":
            return True
        frame = frame.f_back
    return False

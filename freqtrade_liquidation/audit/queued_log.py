"""Writes the log of a bot's process in threads of its own: no log line ends or delays a run.

freqtrade's console handler writes through rich. When the reader of a pipe has gone (``trade | tee``
and Ctrl-C, which tee gets, too), rich raises ``SystemExit`` out of the log call, in whatever thread
that is. When the reader is there and does not read (Ctrl-S in tmux, a stopped tee), or the log file
stands on a disk that hangs, the log call never returns. Both once kept a book open.

Where to put the queue? We weighed:

- ``logging.handlers.QueueHandler`` on the root logger: every ``/reload_config`` replaces the root's
  handlers, a refused one, too, and a logger may have handlers of its own.
- Streams of ours in place of ``sys.stdout`` and ``sys.stderr``: they know nothing of log files.
- ``logging.Handler.handle``: each record passes it on the way to each handler, whoever has made the
  handler and whenever. So it is replaced, once a process.

Each class of handlers has an outlet of its own (a queue and a thread that sleeps when the log is
quiet), so a console that nobody reads does not hold up the log file, and a reload, which makes the
same handlers anew, keeps the order. An outlet that hangs keeps ``KEPT`` records; it leaves out what
comes after them, and says how many those were. Handlers that only keep records in memory (for
``/logs``) are called at once. A forked child has no threads of ours: its handlers write themselves.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import BufferingHandler
from queue import SimpleQueue
from typing import Final

KEPT: Final = 10_000
BEFORE_FORK_S: Final = 0.2
"""A child inherits the locks that a handler holds while it writes."""

Handle = Callable[[logging.Handler, logging.LogRecord], bool]


class _Outlet:
    """Hands records to their handlers, one after the other.

    :raises RuntimeError: if no thread was granted.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        # Its put takes no lock that a signal handler could find taken.
        self._queue: SimpleQueue[tuple[logging.Handler, logging.LogRecord] | threading.Event]
        self._queue = SimpleQueue()
        self._left_out = 0
        self._left_out_by: logging.Handler | None = None
        threading.Thread(target=self._work, name="liquidation-log", daemon=True).start()

    def put(self, handler: logging.Handler, record: logging.LogRecord) -> None:
        if self._queue.qsize() >= KEPT:
            self._left_out, self._left_out_by = self._left_out + 1, handler
            return
        self._say_left_out()
        self._queue.put((handler, record))

    def mark(self) -> threading.Event:
        """Set once everything that was put before it is written."""
        self._say_left_out()
        written = threading.Event()
        self._queue.put(written)
        return written

    def _say_left_out(self) -> None:
        if self._left_out and (handler := self._left_out_by) is not None:
            count, self._left_out = self._left_out, 0
            text = f"{count} lines are missing here: the log was not read, or its disk hung."
            note = {"name": __name__, "levelname": "WARNING", "levelno": logging.WARNING}
            self._queue.put((handler, logging.makeLogRecord({**note, "msg": text})))

    def _work(self) -> None:
        while True:
            item = self._queue.get()
            if isinstance(item, threading.Event):
                item.set()
                continue
            handler, record = item
            # BaseException: rich raises SystemExit where the reader of a pipe has gone.
            with suppress(BaseException):
                self._handle(handler, record)
            del item, handler, record  # not for as long as the log is quiet


class QueuedLog:
    """Stands before every handler of the process from :meth:`begin` to :meth:`end`."""

    def __init__(self) -> None:
        self._handle: Handle = logging.Handler.handle
        self._outlets: dict[type[logging.Handler], _Outlet] = {}
        self._lock = threading.RLock()  # a signal handler may log

    def begin(self) -> None:
        """From now on no log call waits for what it is written to, or raises because of it."""

        def handle(handler: logging.Handler, record: logging.LogRecord) -> bool:
            return self._take(handler, record)

        logging.Handler.handle = handle  # type: ignore[assignment, method-assign]
        os.register_at_fork(
            before=lambda: self.flush(BEFORE_FORK_S) and None, after_in_child=self.end
        )

    def end(self) -> None:
        """Handlers write themselves again."""
        logging.Handler.handle = self._handle  # type: ignore[assignment, method-assign]

    def flush(self, timeout_s: float) -> bool:
        """Whether everything that was logged before is written within *timeout_s* seconds."""
        until = time.monotonic() + timeout_s
        marks = [outlet.mark() for outlet in list(self._outlets.values())]
        return all(mark.wait(max(0.0, until - time.monotonic())) for mark in marks)

    def _take(self, handler: logging.Handler, record: logging.LogRecord) -> bool:
        outlet = None if isinstance(handler, BufferingHandler) else self._outlet(type(handler))
        if outlet is None:
            return self._handle(handler, record)
        outlet.put(handler, record)
        return True

    def _outlet(self, kind: type[logging.Handler]) -> _Outlet | None:
        if (outlet := self._outlets.get(kind)) is not None:
            return outlet
        with self._lock:
            if kind not in self._outlets:
                try:
                    self._outlets[kind] = _Outlet(self._handle)
                except (RuntimeError, MemoryError):  # no thread was granted
                    return None
            return self._outlets[kind]


_log: Final = QueuedLog()


def queue_log() -> None:
    """The log of this process is written in threads of its own from now on."""
    _log.begin()


def flush_log(timeout_s: float) -> bool:
    """Whether the log is written within *timeout_s* seconds. Then handlers write themselves again,
    for the end of the process; else they must not: they would hang."""
    written = _log.flush(timeout_s)
    if written:
        _log.end()
    return written

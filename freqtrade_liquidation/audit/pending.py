"""Lines on their way into the database, or into the file beside it.

SQLite's busy timeout bounds the wait for a lock and nothing else. On a disk that hangs, or takes a
second for each sync, in a trigger that calculates, at the close of the last connection, a call
takes as long as it takes, and a server that is frozen never answers. So one thread writes, and the
run waits for it as long as it can afford to.

What the caller did not wait for is still written, in its order, and what came meanwhile goes with
the same commit: where a sync takes a second, a dozen records take two or three. A line that comes
late is no harm: by its ids nothing is taken in twice.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from freqtrade_liquidation.audit.rows import Line
from freqtrade_liquidation.bounded import start_thread

MOST: Final = 1000
QUICKER: Final = 4
"""After each wait in vain the next one is so much shorter: all of them take a third more than the
first one alone."""
ASK_AGAIN_S: Final = 0.05


@dataclass(slots=True, eq=False)
class Entry:
    """The lines of one record.

    :param tried: the end of the first attempt to write them.
    """

    lines: Sequence[Line]
    tried: "Future[None]" = field(default_factory=Future)


class Pending:
    """Entries that are not written yet, and the thread that writes them while there are any.

    :param write: makes lines durable, all of them or none.
    :param patience_s: how long a caller waits; less after waits in vain, until one write has taken
        no longer than this.
    :param keeps: whether entries stay, for the next write, after this error; a lock goes away.
    """

    def __init__(
        self,
        write: Callable[[list[Line]], object],
        *,
        name: str,
        patience_s: float,
        keeps: Callable[[BaseException], bool] = lambda error: False,
    ) -> None:
        self._write = write
        self._name = name
        self._patience_s = patience_s
        self._keeps = keeps
        self._entries: list[Entry] = []
        self._works = False
        self._in_vain = 0
        self._lock = threading.RLock()  # a signal handler may record

    def add(self, lines: Sequence[Line]) -> Entry:
        """Lines for the next write. Beyond ``MOST`` entries the oldest are forgotten."""
        entry = Entry(lines)
        with self._lock:
            self._entries = [*self._entries[1 - MOST :], entry]
        return entry

    def drop(self, entry: Entry) -> None:
        """It is durable elsewhere, or its author has given it up."""
        with self._lock:
            self._entries = [one for one in self._entries if one is not entry]

    def write(self, entry: Entry, *, within_s: float | None = None) -> None:
        """Returns once *entry* is written.

        :raises TimeoutError: if it is not by then; it is written later. Else what the write raises.
        """
        self._go_on()
        if within_s is None:
            within_s = self._patience_s / float(QUICKER ** min(self._in_vain, 10))
        try:
            entry.tried.result(within_s)
        except TimeoutError:
            self._in_vain += 1
            raise TimeoutError(f"not written within {within_s:.2f} s") from None

    def finish(self, *, within_s: float) -> bool:
        """Tries until everything is written. Whether it is, within *within_s* seconds."""
        until = time.monotonic() + within_s
        while self._entries:
            if time.monotonic() >= until:
                return False
            self._go_on()
            time.sleep(min(ASK_AGAIN_S, within_s))
        return True

    def _go_on(self) -> None:
        with self._lock:
            if self._works or not self._entries:
                return
            self._works = True
        if start_thread(self._work, name=self._name) is None:
            self._work()

    def _work(self) -> None:
        while batch := self._next():
            error: BaseException | None = None
            began = time.monotonic()
            try:
                self._write([line for entry in batch for line in entry.lines])
            except BaseException as raised:  # noqa: BLE001 - handed to the callers, whatever it is
                error = raised
            if time.monotonic() - began < self._patience_s:
                self._in_vain = 0
            with self._lock:
                kept = error is not None and self._keeps(error)
                if not kept:
                    self._entries = [one for one in self._entries if one not in batch]
                # Those that came meanwhile have not been tried yet.
                self._works = any(one not in batch for one in self._entries)
                works = self._works
            for entry in batch:
                _settle(entry.tried, error)
            if not works:
                return

    def _next(self) -> list[Entry]:
        with self._lock:
            self._works = bool(self._entries)
            return self._entries


def _settle(tried: "Future[None]", error: BaseException | None) -> None:
    if tried.done():
        return
    if error is None:
        tried.set_result(None)
    else:
        tried.set_exception(error)

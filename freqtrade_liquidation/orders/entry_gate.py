"""The door that all of freqtrade's entries pass: closed from a run's start until ``/start``."""

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

KEPT: Final = 20
"""Entries of unknown end that are remembered, newest last; each costs a spot run a request."""
FRESH_S: Final = 60.0
"""An order or a position older or younger than this than an entry's note is not that entry."""
SETTLES_WITHIN_S: Final = 2.0
"""An entry request that its process let go of reaches the exchange within this, or never."""


@dataclass(slots=True, kw_only=True, eq=False)
class EntryNote:
    """An entry (on spot, an exit, too) that was about to be sent, written down before it was.

    :ivar let_go_monotonic: when its process gave up on it; ``None`` = it may still be sending.
    """

    pair: str
    side: str
    is_exit: bool = False
    noted_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    noted_monotonic: float = field(default_factory=time.monotonic)
    let_go_monotonic: float | None = None

    @property
    def is_fresh(self) -> bool:
        """What appears for its pair may still be its effect."""
        return time.monotonic() - self.noted_monotonic < FRESH_S

    def out_at_the_latest(self, run_began: float) -> float:
        """When its request had left the process at the latest, on the monotonic clock."""
        out = max(run_began, self.noted_monotonic)
        return out if self.let_go_monotonic is None else min(out, self.let_go_monotonic)


class Door:
    """Which pairs may be entered, and which entries are in the air. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all_barred = False
        self._barred: set[str] = set()
        self._in_air: list[EntryNote] = []

    def bar(self, pairs: Collection[str] | None = None) -> None:
        """Refuses entries into *pairs* (``None`` = all) until :meth:`open`."""
        with self._lock:
            if pairs is None:
                self._all_barred = True
            else:
                self._barred |= set(pairs)

    def open(self) -> None:
        """Lets every pair be entered again."""
        with self._lock:
            self._all_barred = False
            self._barred.clear()

    @property
    def is_closed(self) -> bool:
        """Whether every entry is refused."""
        with self._lock:
            return self._all_barred

    def barred_pairs(self) -> list[str]:
        """Pairs that a run for some pairs has barred, in order."""
        with self._lock:
            return sorted(self._barred)

    def is_barred(self, pair: str) -> bool:
        """Whether an entry into *pair* is refused."""
        with self._lock:
            return self._all_barred or pair in self._barred

    def note(self, pair: str, side: str) -> EntryNote | None:
        """Writes an entry down before it is sent; ``None`` = it is refused. One step: no race."""
        with self._lock:
            if self._all_barred or pair in self._barred:
                return None
            entry = EntryNote(pair=pair, side=side)
            del self._in_air[: -KEPT + 1]
            self._in_air.append(entry)
            return entry

    def let_go(self, entry: EntryNote) -> None:
        """Its process no longer waits for the answer; the exchange may execute it all the same."""
        entry.let_go_monotonic = time.monotonic()

    def note_exit(self, pair: str, side: str) -> EntryNote:
        """Writes an exit down before it is sent: on spot, one that was lost is not sold again."""
        with self._lock:
            note = EntryNote(pair=pair, side=side, is_exit=True)
            del self._in_air[: -KEPT + 1]
            self._in_air.append(note)
            return note

    def settle(self, entry: EntryNote) -> None:
        """The database (or nobody) knows of *entry*: it is in the air no more."""
        with self._lock:
            if entry in self._in_air:
                self._in_air.remove(entry)

    def in_air(self) -> tuple[EntryNote, ...]:
        """Entries whose request nobody has seen the end of."""
        with self._lock:
            return tuple(self._in_air)

"""The gate that all of freqtrade's entries pass, and the orders of freqtrade's that are in the air.

freqtrade gives up on an order request that is not answered, and the exchange may execute it all the
same. So each is noted before it is sent. A note ends when the fate of its orders is known: booked,
refused, found by a run, or shown to have never arrived. There is one note for a pair, a side and a
kind, however often freqtrade tries again, and none is dropped for room.
"""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from freqtrade_liquidation.clock import SYSTEM, Clock

SETTLES_WITHIN_S: Final = 2.0
"""An entry request that its process let go of reaches the exchange within this, or never."""
WINDOW: Final = timedelta(seconds=2)
"""Clocks differ by less, once the offset to the exchange's is taken off."""
ASKED_KEPT: Final = 1000
"""Orders without an answer that a note keeps, the newest ones: hours of an exchange that hangs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One order, before it is sent.

    :param amount: base currency.
    :param price: quote currency; ``None`` = it bears none.
    :param name: the client order id that it bears, which no other order does.
    """

    amount: float
    price: float | None
    name: str


@dataclass(slots=True, kw_only=True, eq=False)
class OrderNote:
    """Orders of freqtrade's for one pair and side whose fate is not known.

    :param noted_at: before the first of them was sent (aware UTC, by our clock).
    :param in_flight: how many requests freqtrade still waits for.
    :ivar let_go_at: when it last gave up on one, on the monotonic clock; ``None`` = never.
    :ivar let_go_date: the same by our clock (aware UTC).
    :ivar asked: those whose answer nobody has.
    """

    pair: str
    side: str
    is_exit: bool = False
    noted_at: datetime
    in_flight: int = 0
    let_go_at: float | None = None
    let_go_date: datetime | None = None
    unknown: int = 0
    asked: list[Asked] = field(default_factory=list)

    def ask(self, order: Asked) -> None:
        """*order* is about to be sent."""
        del self.asked[: -ASKED_KEPT + 1]
        self.asked.append(order)

    def out_since(self, run_began: float) -> float:
        """When the last of its requests had left the process, at the latest (monotonic, s)."""
        return run_began if self.let_go_at is None or self.in_flight else self.let_go_at

    def may_be_at(self, moment: datetime, *, offset: timedelta) -> bool:
        """Whether an order that the exchange dates at *moment* can be one of them.

        :param offset: the exchange's clock less ours.
        """
        began = self.noted_at + offset - WINDOW
        over = None if self.let_go_date is None or self.in_flight else self.let_go_date
        latest = None if over is None else over + offset + WINDOW + _ARRIVES
        return began <= moment and (latest is None or moment <= latest)


_ARRIVES: Final = timedelta(seconds=SETTLES_WITHIN_S)


class EntryGate:
    """Which pairs may be entered, and which orders are in the air. Thread-safe."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all_barred = False
        self._barred: set[str] = set()
        self._notes: dict[tuple[str, str, bool], OrderNote] = {}

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

    # -- notes ------------------------------------------------------------------------------

    def note(self, pair: str, side: str) -> OrderNote | None:
        """Writes an entry down before it is sent; ``None`` = it is refused. One step: no race."""
        with self._lock:
            if self._all_barred or pair in self._barred:
                return None
            return self._note(pair, side, is_exit=False)

    def note_exit(self, pair: str, side: str) -> OrderNote:
        """Writes an exit down before it is sent: on spot, one that was lost is not sold again."""
        with self._lock:
            return self._note(pair, side, is_exit=True)

    def _note(self, pair: str, side: str, *, is_exit: bool) -> OrderNote:
        now = self._clock.utcnow()
        new = OrderNote(pair=pair, side=side, is_exit=is_exit, noted_at=now)
        note = self._notes.setdefault((pair, side, is_exit), new)
        note.in_flight += 1
        return note

    def let_go(self, note: OrderNote) -> None:
        """freqtrade no longer waits for an answer; the exchange may execute the order all the
        same."""
        with self._lock:
            note.in_flight = max(0, note.in_flight - 1)
            note.unknown += 1
            note.let_go_at, note.let_go_date = self._clock.monotonic(), self._clock.utcnow()
            self._notes.setdefault((note.pair, note.side, note.is_exit), note)

    def answered(self, note: OrderNote, orders: Collection[Asked] = ()) -> None:
        """The requests of one call, *orders*, were answered or refused for certain: the database
        knows what there is to know. The note ends if no other one is out."""
        with self._lock:
            note.in_flight = max(0, note.in_flight - 1)
            note.asked = [order for order in note.asked if order not in orders]
            if not note.in_flight and not note.unknown:
                self._notes.pop((note.pair, note.side, note.is_exit), None)

    def found(self, note: OrderNote, orders: Collection[Asked]) -> None:
        """The exchange shows *orders*. The note ends with the last one that it waits for."""
        with self._lock:
            kept = [order for order in note.asked if order not in orders]
            is_over = bool(note.asked) and not kept
            note.asked = kept
        if is_over:
            self.settle(note)

    def settle(self, note: OrderNote) -> None:
        """The fate of its orders is known, whoever still waits for an answer."""
        with self._lock:
            note.unknown = 0
            self._notes.pop((note.pair, note.side, note.is_exit), None)

    def in_air(self) -> tuple[OrderNote, ...]:
        """Orders whose end nobody has seen, entries and exits."""
        with self._lock:
            return tuple(self._notes.values())

"""The gate that all of freqtrade's entries pass, and the orders of freqtrade's that are in the air.

freqtrade gives up on an order request that is not answered, and the exchange may execute it all the
same. So each order is noted before it is sent, here and as a row in freqtrade's database: one
record, which the next process takes in as a note that was let go. The gate owns its life:

* *in the air*: sent, or about to be, and no look has shown it;
* *seen*: a look has shown every order of the note, and freqtrade's database does not know one of
  them. What it has filled is the bot's, for this run and for the next;
* *over*: booked, refused, never arrived, or closed by a run. The row goes with it.

There is one note in the air for a pair, a side and a direction, however often freqtrade tries
again, and none is dropped for room. A count of open requests was weighed: it knows when to wait,
but neither which order was lost nor, after a restart, that there was one.
"""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from freqtrade_liquidation.clock import SYSTEM, Clock

ARRIVES_WITHIN_S: Final = 2.0
"""An entry request that its process let go of reaches the exchange within this, or never."""
SETTLES_WITHIN_S: Final = ARRIVES_WITHIN_S + 1.5
"""And its lists show it no later than this."""
WINDOW: Final = timedelta(seconds=2)
"""Clocks differ by less, once the offset to the exchange's is taken off."""
ASKED_KEPT: Final = 1000
"""Orders without an answer that a note keeps, the newest ones: hours of an exchange that hangs."""
REQUEST_LASTS: Final = timedelta(seconds=60)
"""A process that was killed had waited for its request no longer than this."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One order, before it is sent.

    :param amount: base currency.
    :param price: quote currency, a limit or the trigger of a stop; ``None`` = it bears none.
    :param name: the client order id that it bears, which no other order does. Some exchanges take
        none for a stop.
    """

    amount: float
    price: float | None
    name: str
    is_stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedOrder:
    """An order on record: what the database keeps of a note.

    :param noted_at: before it was sent (aware UTC, by the clock of its process).
    """

    pair: str
    side: str
    is_exit: bool
    asked: Asked
    noted_at: datetime


class Keeper(Protocol):
    """Keeps noted orders beyond the process. Raises nothing, and takes a bounded time."""

    def write(self, order: NotedOrder) -> None:
        """Before it is sent."""

    def strike(self, names: Collection[str]) -> None:
        """They are over."""


@dataclass(slots=True, kw_only=True, eq=False)
class OrderNote:
    """Orders of freqtrade's for one pair and side whose fate is not known.

    :param noted_at: before the first of them was sent (aware UTC, by our clock).
    :param in_flight: how many requests freqtrade still waits for.
    :ivar let_go_at: when it last gave up on one, on the monotonic clock; ``None`` = never.
    :ivar let_go_date: the same by our clock (aware UTC).
    :ivar asked: those whose answer nobody has.
    :ivar seen: those of them that a look has shown: by name, the exchange's id.
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
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def is_seen(self) -> bool:
        """A look has shown every order of it."""
        return bool(self.asked) and all(order.name in self.seen for order in self.asked)

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


_ARRIVES: Final = timedelta(seconds=ARRIVES_WITHIN_S)


class EntryGate:
    """Which pairs may be entered, and which orders are in the air. Thread-safe.

    :ivar keeper: keeps what is noted for the next process; ``None`` = it ends with this one.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all_barred = False
        self._barred: set[str] = set()
        self._notes: list[OrderNote] = []
        self._over: set[str] = set()
        self.keeper: Keeper | None = None

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
        note = self._note_of(pair, side, is_exit, self._clock.utcnow())
        note.in_flight += 1
        return note

    def _note_of(self, pair: str, side: str, is_exit: bool, noted_at: datetime) -> OrderNote:
        for note in self._notes:
            same = (note.pair, note.side, note.is_exit) == (pair, side, is_exit)
            if same and not note.is_seen:
                return note
        self._notes.append(OrderNote(pair=pair, side=side, is_exit=is_exit, noted_at=noted_at))
        return self._notes[-1]

    def ask(self, note: OrderNote, order: Asked) -> None:
        """*order* is about to be sent: on record first."""
        with self._lock:
            self._over.update(dropped.name for dropped in note.asked[: -ASKED_KEPT + 1])
            del note.asked[: -ASKED_KEPT + 1]
            note.asked.append(order)
        if self.keeper is not None:
            self.keeper.write(
                NotedOrder(
                    pair=note.pair,
                    side=note.side,
                    is_exit=note.is_exit,
                    asked=order,
                    noted_at=self._clock.utcnow(),
                )
            )

    def take_in(self, orders: Iterable[NotedOrder]) -> None:
        """What a process before this one has noted: it waits for no answer any more."""
        with self._lock:
            for order in orders:
                note = self._note_of(order.pair, order.side, order.is_exit, order.noted_at)
                note.noted_at = min(note.noted_at, order.noted_at)
                note.asked.append(order.asked)
                note.unknown += 1
                until = min(self._clock.utcnow(), order.noted_at + REQUEST_LASTS)
                note.let_go_at = self._clock.monotonic()
                note.let_go_date = max(until, note.let_go_date or until)

    def let_go(self, note: OrderNote) -> None:
        """freqtrade no longer waits for an answer; the exchange may execute the order all the
        same."""
        with self._lock:
            note.in_flight = max(0, note.in_flight - 1)
            note.unknown += 1
            note.let_go_at, note.let_go_date = self._clock.monotonic(), self._clock.utcnow()
            if note not in self._notes:
                self._notes.append(note)

    def answered(self, note: OrderNote, orders: Collection[Asked] = ()) -> None:
        """The requests of one call, *orders*, were answered or refused for certain: the database
        knows what there is to know. The note ends if no other one is out."""
        with self._lock:
            note.in_flight = max(0, note.in_flight - 1)
            self._leave(note, {order.name for order in orders})
            if not note.in_flight and not note.unknown:
                self._drop(note)
        self.strike_rows()

    def found(self, note: OrderNote, orders: Mapping[str, str]) -> None:
        """The exchange shows *orders*: by name, its id. With the last one the note is seen."""
        with self._lock:
            note.seen |= orders

    def end(self, note: OrderNote, names: Collection[str]) -> None:
        """The fate of these is known; with the last order the note is over. See
        :meth:`strike_rows`."""
        with self._lock:
            had_any = bool(note.asked)
            self._leave(note, names)
            if had_any and not note.asked:
                note.unknown = 0
                self._drop(note)

    def settle(self, note: OrderNote) -> None:
        """The fate of its orders is known, whoever still waits for an answer."""
        with self._lock:
            note.unknown = 0
            self._leave(note, {order.name for order in note.asked})
            self._drop(note)

    def strike_rows(self) -> None:
        """Takes what is over off the record. Not for an event loop: a database may be locked."""
        with self._lock:
            names, self._over = self._over, set()
        if names and self.keeper is not None:
            self.keeper.strike(names)

    def _leave(self, note: OrderNote, names: Collection[str]) -> None:
        note.asked = [order for order in note.asked if order.name not in names]
        self._over |= set(names)

    def _drop(self, note: OrderNote) -> None:
        self._notes = [other for other in self._notes if other is not note]

    def notes(self) -> tuple[OrderNote, ...]:
        """What is in the air, and what a look has shown and nobody has booked or closed."""
        with self._lock:
            return tuple(self._notes)

    def noted_since(self) -> dict[str, datetime]:
        """By pair, since when an order is noted (aware UTC)."""
        since: dict[str, datetime] = {}
        for note in self.notes():
            since[note.pair] = min(note.noted_at, since.get(note.pair, note.noted_at))
        return since

    def in_air(self) -> tuple[OrderNote, ...]:
        """Orders that no look has shown, entries and exits."""
        return tuple(note for note in self.notes() if not note.is_seen)

"""What the exchange shows: lists of positions and of orders, each with its moment.

The two lists are not of one instant. An entry that fills between them is in neither. So positions
prove a flat book only if they were asked for after a list of orders was answered that had no entry
in it, or none but those whose cancel the exchange has confirmed.

A list is asked for again without waiting for the one before it, where something has happened since.
Of two lists the one that was asked for later counts, whichever comes first.
"""

import asyncio
import operator
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.errors import AccountRefused, ExchangeUnavailable, LiquidationError
from freqtrade_liquidation.model import (
    UNLISTED,
    CancelAnswer,
    CancelStatus,
    OpenOrder,
    OrderRole,
    Position,
)
from freqtrade_liquidation.plan import Book, Rules, Urgency
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.run.request_runner import RequestRunner, now
from freqtrade_liquidation.trail import Trail

T = TypeVar("T")

SIDE_BY_SIDE: Final = 3
"""Lists of one kind in flight at most."""
AGAIN_S: Final = 0.5
"""Before a list that the exchange refused is asked for again."""

REDUCING: Final = (OrderRole.PROTECTIVE, OrderRole.EXIT)
ONE_READING_S: Final = 0.01
"""Lists that were asked for this close together are of one reading."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One list, and when it was asked for and answered, on the loop's clock."""

    rows: tuple[T, ...]
    asked_at: float
    answered_at: float


@dataclass(slots=True)
class _Lists(Generic[T]):
    """The lists of one kind: the newest one, and those in flight."""

    what: str
    ask: Callable[..., Awaitable[Sequence[T]]]
    is_decisive: bool = False
    """A key that is refused here is refused everywhere; some lists of orders want rights of their
    own."""
    newest: Listing[T] | None = None
    asked_at: float = float("-inf")
    error: str | None = None
    last_heard: str | None = None
    """Why the last attempt since the newest list failed; "no answer" alone helps nobody."""
    not_before: float = float("-inf")
    """On the loop's clock: it is not asked for again earlier."""
    in_flight: list[asyncio.Task[Listing[T]]] = field(default_factory=list)


class BookReader:
    """Reads the book.

    :ivar positions: the newest list of positions; ``None`` = none was answered yet.
    :ivar orders: the newest list of resting orders; ``None`` = none was answered yet.
    """

    def __init__(
        self, order_manager: OrderManager, trail: Trail, runner: RequestRunner, rules: Rules
    ) -> None:
        self._order_manager = order_manager
        self._trail = trail
        self._runner = runner
        self._joint = rules.closes_need_orders
        self._positions = _Lists[Position](
            "positions", order_manager.get_all_positions, is_decisive=True
        )
        self._orders = _Lists[OpenOrder]("orders", order_manager.get_open_orders)
        self._gone: set[str] = set()
        self._going: set[str] = set()
        self._entries_known_at = float("-inf")
        self._an_entry_rested = False
        self._book: Book | None = None
        self._reducing: frozenset[str] = frozenset()
        self._made_of: tuple[object, ...] = ()
        self._unsettled_at = float("-inf")

    @property
    def positions(self) -> Listing[Position] | None:
        """The newest list of positions."""
        return self._positions.newest

    @property
    def orders(self) -> Listing[OpenOrder] | None:
        """The newest list of resting orders."""
        return self._orders.newest

    @property
    def unread(self) -> list[tuple[str, str]]:
        """The lists whose last question was not answered, each with the reason in words."""
        named = (("positions", self._positions), ("open orders", self._orders))
        return [
            (name, lists.last_heard or lists.error or "no answer")
            for name, lists in named
            if lists.newest is None or lists.error is not None
        ]

    @property
    def orders_are_unread(self) -> bool:
        """The last question for the resting orders was not answered."""
        return self._orders.error is not None

    @property
    def in_flight(self) -> list[asyncio.Task[object]]:
        """The questions that wait for their answer."""
        return [*self._positions.in_flight, *self._orders.in_flight]

    @property
    def book(self) -> Book | None:
        """The newest lists, without orders whose cancel is confirmed; ``None`` = no positions.

        Beside what is not the bot's, its own stop would go on to reduce that if it triggered while
        a close is on its way: there it has to go first.
        """
        self._refresh()
        return self._book

    @property
    def reducing(self) -> frozenset[str]:
        """Pairs of the book on which an order rests that can only reduce."""
        self._refresh()
        return self._reducing

    def _refresh(self) -> None:
        """Makes the book anew where one of the lists has changed: it is asked for at each step."""
        parts = (self._positions.newest, self._orders.newest, len(self._gone))
        if self._made_of and all(map(operator.is_, parts, self._made_of)):
            return
        self._made_of = parts
        self._book, self._reducing = None, frozenset()
        if self.positions is None:
            return
        orders = None if self.orders is None else self.orders.rows
        shared = {position.pair for position in self.positions.rows if position.is_shared}
        resting = tuple(
            replace(o, blocks_close=True) if o.pair in shared and o.role in REDUCING else o
            for o in orders or ()
            if o.order_id not in self._gone
        )
        self._book = Book(positions=self.positions.rows, orders=None if orders is None else resting)
        self._reducing = frozenset(o.pair for o in resting if o.role is not OrderRole.ENTRY)

    @property
    def is_complete(self) -> bool:
        """No entry can have filled unseen between the lists that make up the book."""
        if self.positions is None or self.orders is None or self.orders_are_too_old:
            return False
        if self._joint:
            return not self.positions_are_too_old
        return self.positions.asked_at >= self._entries_known_at

    @property
    def positions_are_too_old(self) -> bool:
        """Where resting orders lock what is closed: one that has gone from the later list of orders
        may have sold what the positions show."""
        if not self._joint or self.positions is None or self.orders is None:
            return False
        return self.orders.asked_at - self.positions.asked_at > ONE_READING_S

    def is_behind(self, asked_at: float) -> bool:
        """Whether positions that were asked for at *asked_at* may miss an entry that has gone from
        the lists of orders."""
        return not self._joint and self.orders is not None and asked_at < self._entries_known_at

    @property
    def orders_are_too_old(self) -> bool:
        """An entry was in the air when the orders were asked for."""
        return self.orders is None or self.orders.asked_at <= self._unsettled_at

    def still_unsettled(self) -> None:
        """An entry is in the air: lists that have been asked for by now may miss it."""
        self._unsettled_at = now()

    def amount_listed(self, order: OpenOrder) -> float | None:
        """Base currency: what *order* had still to fill when it was last listed; ``None`` = no list
        has shown it."""
        rows = () if self.orders is None else self.orders.rows
        return next((one.amount for one in rows if one.order_id == order.order_id), None)

    def is_gone(self, order_id: str) -> bool:
        """Its cancel is confirmed."""
        return order_id in self._gone

    def recall(self, orders: Sequence[OpenOrder]) -> Listing[OpenOrder] | None:
        """What rests by the answers to orders, as a list that is no newer than the one before;
        ``None`` = there was none."""
        if self._orders.newest is not None:
            self._orders.newest = replace(self._orders.newest, rows=tuple(orders))
        return self._orders.newest

    def cancel_answered(self, answer: CancelAnswer) -> None:
        """A cancel was answered. An order that is confirmed to be gone is gone whatever a list
        shows; of one whose cancel was only taken on, lists that are asked for from now on tell."""
        order = answer.order
        if answer.status is CancelStatus.CANCELLED:
            self._gone.add(order.order_id)
        elif answer.status is CancelStatus.ACKNOWLEDGED:
            self._going.add(order.order_id)
            if order.role is OrderRole.ENTRY:
                self.still_unsettled()

    # -- asking -----------------------------------------------------------------------------

    def positions_asked_at(self) -> float:
        """When positions were last asked for, answered or not."""
        return self._positions.asked_at

    def positions_may_be_asked_at(self) -> float | None:
        """From when on, on the loop's clock; ``None`` = enough of these questions are in flight."""
        full = len(self._positions.in_flight) >= SIDE_BY_SIDE
        return None if full else self._positions.not_before

    def orders_asked_at(self) -> float:
        """When orders were last asked for, answered or not."""
        return self._orders.asked_at

    def ask_positions(self) -> None:
        """Asks for the positions; where both lists come of one reading (spot), for both."""
        self._ask(self._positions)
        if self._joint:
            self._ask(self._orders)

    def ask_orders(self) -> None:
        """Asks for the resting orders; where both lists come of one reading, the question for the
        positions has asked for them."""
        if not self._joint:
            self._ask(self._orders)

    def _ask(self, lists: _Lists[T]) -> None:
        free = len(lists.in_flight) < SIDE_BY_SIDE
        if free and now() >= lists.not_before:
            lists.asked_at = now()
            lists.in_flight.append(asyncio.ensure_future(self._read(lists)))

    async def _read(self, lists: _Lists[T]) -> Listing[T]:
        """A question is asked again beside itself, and failed ones anew: the list is as new as the
        question that was answered."""
        began_at, priority = now(), self._runner.priority(lists.what, Urgency.LOOK)
        priority.failed = lambda error: self._heard(lists, error)
        rows = await self._runner.once(lists.ask, priority)
        return Listing(tuple(rows), priority.asked_at or began_at, now())

    def _heard(self, lists: _Lists[T], error: LiquidationError) -> None:
        """The question goes on; where it is never answered, these are the words that say why."""
        lists.last_heard = str(error)
        self._runner.note_failed(lists.what, error)

    # -- answers ----------------------------------------------------------------------------

    def take_in(self) -> tuple[bool, bool]:
        """Takes in the lists that have been answered.

        :returns: whether there are newer positions, and newer orders.
        :raises AccountRefused: if the exchange refuses the whole account.
        """
        heard = self._take_in(self._positions), self._take_in(self._orders)
        if heard[1]:
            self._note_entries()
        return heard

    def _note_entries(self) -> None:
        """From when on no entry can have filled unseen: the answer of the first list of orders
        since which none has shown one that rests. A later list without one does not undo that."""
        assert self.orders is not None, "they were heard"
        rows = (order for order in self.orders.rows if order.order_id not in self._gone)
        rests = any(order.role is OrderRole.ENTRY for order in rows)
        if rests or self._an_entry_rested or self._entries_known_at <= self._unsettled_at:
            self._entries_known_at = self.orders.answered_at
        self._an_entry_rested = rests

    def _take_in(self, lists: _Lists[T]) -> bool:
        answered = [task for task in lists.in_flight if task.done()]
        lists.in_flight = [task for task in lists.in_flight if not task.done()]
        before = lists.newest
        for task in answered:
            try:
                listing = task.result()
            except LiquidationError as error:
                if isinstance(error, AccountRefused) and lists.is_decisive:
                    raise
                lists.error, lists.not_before = str(error), now() + _pause_s(error)
                self._runner.note_failed(lists.what, error)
                continue
            if lists.newest is None or listing.asked_at >= lists.newest.asked_at:
                lists.newest, lists.error, lists.last_heard = listing, None, None
        return lists.newest is not before

    def positions_told(self, rows: Sequence[Position], *, asked_at: float) -> None:
        """A list that somebody else has asked for, on the loop's clock."""
        self._positions.newest = Listing(tuple(rows), asked_at, now())

    async def resting_now(self) -> set[str] | None:
        """The ids of the orders that are listed; ``None`` = the list could not be read, or does not
        go to its end. A book that was complete stays as it was: this list, which is later than the
        positions, only counts if it shows what could open one."""
        try:
            listing = await self._read(self._orders)
        except LiquidationError:
            return None
        orders = listing.rows
        listed = {order.order_id for order in orders}
        is_whole = all(order.pair != UNLISTED for order in orders)
        could_open = any(order.role is OrderRole.ENTRY for order in orders)
        if could_open or not self.is_complete:
            self._orders.newest = listing
        elif is_whole and self.orders is not None:
            self._gone |= {o.order_id for o in self.orders.rows if o.role in REDUCING} - listed
        return listed if is_whole else None

    def abandon(self) -> None:
        """Nobody waits for what is still in flight."""
        for task in self.in_flight:
            task.cancel()

    # -- the record -------------------------------------------------------------------------

    def note_positions(self, book: Book, appeared: Sequence[Position], *, first: bool) -> None:
        """Writes a list of positions down: the first whole, later ones as far as they are open."""
        if first:
            self._trail.note(
                Event.POSITIONS_QUERIED, "look", positions=[p.to_dict() for p in book.positions]
            )
            return
        self._trail.note(
            Event.VERIFIED,
            "verify",
            open_positions=[p.to_dict() for p in book.positions if not p.is_dust],
            appeared=[p.pair for p in appeared],
        )

    def note_orders(self, book: Book) -> None:
        """Writes the first list of orders down."""
        self._trail.note(
            Event.ORDERS_QUERIED, "look", orders=[o.to_dict() for o in book.orders or ()]
        )

    def entries_gone(self, before: Book | None, book: Book) -> list[OpenOrder]:
        """Entries that *before* had and *book* has not, without a cancel that was confirmed or
        acknowledged."""
        if before is None or book.orders is None:
            return []
        listed = {order.order_id for order in book.orders}
        return [
            order
            for order in before.orders or ()
            if order.role is OrderRole.ENTRY
            and order.order_id not in listed | self._gone | self._going
        ]


def _pause_s(error: LiquidationError) -> float:
    """Seconds before a list that failed is asked for again: as many as the exchange wants."""
    asked_s = error.retry_after_s if isinstance(error, ExchangeUnavailable) else None
    return max(AGAIN_S, asked_s or 0.0)

"""What the exchange shows: positions and orders read side by side, and written down.

Side by side, a resting entry can fill between the two answers and be in neither. So a book that
looks flat is not called so before every entry that might have filled unseen is accounted for: by
positions that were asked after the answer about the orders.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.model import UNLISTED, OpenOrder, Position
from freqtrade_liquidation.plan import Book, Rules, exposure
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.run.asking import Asker, now
from freqtrade_liquidation.trail import Trail

T = TypeVar("T")

SHORTEST_WAIT_S: Final = 0.05
"""A list of orders gets at least this long after the positions are known."""
TOGETHER_S: Final = 0.01
"""Two questions asked within this are asked side by side."""


@dataclass(slots=True)
class _Question:
    """One question of a look: when it was last asked, and when it was answered."""

    asked_at: float = 0.0
    answered_at: float = 0.0

    def noting(self, ask: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """*ask*, noted here."""

        async def noted(*, timeout_s: float) -> T:
            self.asked_at = now()
            answer = await ask(timeout_s=timeout_s)
            self.answered_at = now()
            return answer

        return noted

    def is_newer_than(self, other: "_Question") -> bool:
        """Its answer may tell of later than *other*'s. Two that are asked side by side are
        answered from one reading where it matters (spot)."""
        together = abs(self.asked_at - other.asked_at) < TOGETHER_S
        return not together and self.answered_at > other.asked_at


class Looker:
    """Looks at the exchange.

    :param seems_flat: whether a book would end the run as flat, were it proven.
    :param shown: called each time that the exchange has shown the positions.
    :ivar book: what the last look showed; ``None`` = there was none.
    :ivar positions: the last answer, of a look that was not completed, too.
    :ivar looked_at: when it began, on the loop's clock.
    :ivar listed_at: when the orders of ``book`` were asked for, on the loop's clock.
    :ivar held_at: when ``positions`` were asked for.
    :ivar unsettled: pairs whose entry was in the air when it began.
    :ivar orders_error: why the list of orders could not be read, in words.
    :ivar patient: wait for the list of orders, even while there is something to close.
    :ivar proven: no entry can have filled unseen between the answers that make up the book.
    """

    def __init__(
        self,
        order_manager: OrderManager,
        trail: Trail,
        asker: Asker,
        rules: Rules,
        *,
        seems_flat: Callable[[Book], bool],
        shown: Callable[[], None],
    ) -> None:
        self._venue = order_manager
        self._trail = trail
        self._asker = asker
        self._rules = rules
        self._seems_flat = seems_flat
        self._shown = shown
        self._resting: set[str] | None = None  # entries of the last list; None = none was read
        self.book: Book | None = None
        self.positions: tuple[Position, ...] | None = None
        self.looked_at = self.listed_at = self.held_at = 0.0
        self.unsettled: frozenset[str] = frozenset()
        self.orders_error: str | None = None
        self.patient = False
        self.proven = False

    @property
    def list_is_old(self) -> bool:
        """The positions were asked for later than the orders: a stop may have sold in between."""
        return self.held_at - self.listed_at > TOGETHER_S

    def cancelled(self, order_id: str) -> None:
        """The exchange confirmed that it is gone: what it filled is in every later answer."""
        if self._resting is not None:
            self._resting.discard(order_id)

    async def look(self) -> Book:
        """Reads positions and orders.

        :raises LiquidationError: if the positions could not be read. The last book stands, or,
            when it was the proof of a flat one that failed, the new one, not ``proven``.
        """
        began = now()
        # Before the look: an entry that settles while we look may not be in the answer yet.
        unsettled = self._venue.unsettled_pairs()
        before = None if self._resting is None or self.unsettled else set(self._resting)
        held, resting = _Question(), _Question()
        positions, orders = await self._read_both(held, resting)
        self.looked_at, self.unsettled, self.proven = began, unsettled, False
        self.book = Book(
            positions=tuple(positions), orders=None if orders is None else tuple(orders)
        )
        if orders is None:
            return self.book
        self.listed_at = resting.asked_at
        if self._rules.closes_need_orders and resting.is_newer_than(held):
            # A stop that sold in between is in neither: what it sold would be sold twice.
            await self._read_positions_again()
        self._resting = {order.order_id for order in self.book.entries}
        self.proven = before is not None and before <= self._resting
        if not self.proven and self._seems_flat(self.book):
            await self._read_positions_again()
            self.proven = True
        return self.book

    async def _read_positions_again(self) -> None:
        assert self.book is not None, "read before"
        positions = await self._read_positions(_Question())
        self.book = replace(self.book, positions=tuple(positions))

    async def _read_both(
        self, held: "_Question", resting: "_Question"
    ) -> tuple[Sequence[Position], Sequence[OpenOrder] | None]:
        """Positions and orders (``None`` = not read)."""
        began = now()
        orders_task = asyncio.ensure_future(self._read_orders(resting))
        try:
            positions = await self._read_positions(held)
            await asyncio.wait([orders_task], timeout=self._patience_s(positions, now() - began))
            orders = orders_task.result() if orders_task.done() else None
        finally:
            orders_task.cancel()
        return positions, orders

    async def _read_positions(self, question: "_Question") -> Sequence[Position]:
        ask = question.noting(self._venue.get_all_positions)
        positions = await self._asker.until_answered("positions", ask)
        self.positions, self.held_at = tuple(positions), question.asked_at
        self._shown()
        return positions

    def _patience_s(self, positions: Sequence[Position], took_s: float) -> float | None:
        """How long to wait for the orders; ``None`` = until they are there or given up.

        To prove a book flat takes them, however slow; to close a futures position does not.
        """
        needed = self._rules.closes_need_orders or self.patient or not exposure(positions)
        return None if needed else max(took_s, SHORTEST_WAIT_S)

    async def _read_orders(self, question: "_Question") -> Sequence[OpenOrder] | None:
        ask = question.noting(self._venue.get_open_orders)
        try:
            orders = await self._asker.until_answered("orders", ask)
        except LiquidationError as error:
            self.orders_error = str(error)
            return None
        self.orders_error = None
        return orders

    async def resting_now(self) -> set[str] | None:
        """The ids of the orders that are listed; ``None`` = the list could not be read, or does not
        go to its end. The book stands as it was last shown."""
        try:
            orders = await self._asker.until_answered("orders", self._venue.get_open_orders)
        except LiquidationError:
            return None
        return None if any(o.pair == UNLISTED for o in orders) else {o.order_id for o in orders}

    def note_first(self, book: Book) -> None:
        """Writes the first look down: the whole book."""
        self._trail.note(
            Event.POSITIONS_QUERIED, "look", positions=[p.to_dict() for p in book.positions]
        )
        if book.orders is not None:
            self._trail.note(
                Event.ORDERS_QUERIED, "look", orders=[o.to_dict() for o in book.orders]
            )
        self._note_missing_orders(book)

    def note_again(self, book: Book, appeared: Sequence[Position]) -> None:
        """Writes a later look down: what is still open, and what was not there before."""
        self._trail.note(
            Event.VERIFIED,
            "verify",
            open_positions=[p.to_dict() for p in exposure(book.positions).values()],
            appeared=[p.pair for p in appeared],
        )
        self._note_missing_orders(book)

    def _note_missing_orders(self, book: Book) -> None:
        if book.orders is None:
            self._trail.note(Event.ORDERS_QUERIED, "look", error=self.orders_error or "no answer")

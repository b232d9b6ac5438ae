"""What to do next, given what the exchange shows. Pure."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import IntEnum

from freqtrade_liquidation.model import UNLISTED, OpenOrder, OrderRole, Position


class Urgency(IntEnum):
    """What goes first where not everything fits; within each, the largest exposure."""

    PUT_BACK = 0
    """A position stands without its stop."""
    LOOK = 1
    """Two or three questions, and without their answers nothing is known."""
    CLOSE = 2
    """Closing orders, and cancels that a close waits for."""
    CANCEL_ENTRY = 3
    """Orders that could add risk, and have not yet."""
    TIDY_UP = 4
    """Orders that can only reduce: harmless, and in the way of the next trade."""
    BOOK = 5
    """The next start can do it as well."""


def urgency_of_cancel(order: OpenOrder) -> Urgency:
    """How urgent the cancel of *order* is."""
    if order.blocks_close:
        return Urgency.CLOSE
    return Urgency.CANCEL_ENTRY if order.role is OrderRole.ENTRY else Urgency.TIDY_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One look at the exchange.

    :param orders: ``None`` = the list of resting orders could not be read this time.
    """

    positions: tuple[Position, ...]
    orders: tuple[OpenOrder, ...] | None

    def position(self, pair: str) -> Position | None:
        """The position of *pair* that is more than dust, if there is one."""
        return next((p for p in self.positions if p.pair == pair and not p.is_dust), None)

    def orders_of(self, pair: str) -> tuple[OpenOrder, ...]:
        """The resting orders of *pair*; empty when none is known."""
        return tuple(o for o in self.orders or () if o.pair == pair)

    @property
    def entries(self) -> tuple[OpenOrder, ...]:
        """The resting orders that could open, grow or flip a position."""
        return tuple(o for o in self.orders or () if o.role is OrderRole.ENTRY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which parts of the work the configuration allows this run.

    :param cancel_entries: cancel what could add risk.
    :param close: close positions.
    :param closes_need_orders: resting orders lock what a close needs (spot).
    """

    cancel_entries: bool = True
    close: bool = True
    closes_need_orders: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PairWork:
    """What one round does for one pair: cancel, and close what is there.

    :param cancel_first: the cancels must be answered before the close is sent.
    """

    pair: str
    cancels: tuple[OpenOrder, ...]
    close: Position | None
    cancel_first: bool

    def __bool__(self) -> bool:
        return bool(self.cancels) or self.close is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What must not be touched this round.

    :param busy: pairs with a request in the air, or waiting for their next attempt.
    :param may_cancel: whether an order may be cancelled (again).
    :param may_close: whether a pair may be closed (again).
    :param may_unprotect: enough time is left to remove a stop that locks the asset.
    :param is_stuck: whether an order's cancel will not be sent any more.
    :param is_blocked: whether a resting order keeps a pair's close from being taken.
    """

    busy: Collection[str] = field(default_factory=frozenset)
    may_cancel: Callable[[OpenOrder], bool] = lambda order: True
    may_close: Callable[[Position], bool] = lambda position: True
    may_unprotect: bool = True
    is_stuck: Callable[[OpenOrder], bool] = lambda order: False
    is_blocked: Callable[[str], bool] = lambda pair: False


def next_work(book: Book, rules: Rules, limits: Limits) -> list[PairWork]:
    """The next round: one piece of work a pair, largest exposure first."""
    pairs = {p.pair: p.notional for p in book.positions}
    for order in book.orders or ():
        pairs.setdefault(order.pair, 0.0)
    work = (
        _work_for(pair, book, rules, limits)
        for pair in sorted(pairs, key=lambda name: (-pairs[name], name))
        if pair not in limits.busy
    )
    return [piece for piece in work if piece]


def _work_for(pair: str, book: Book, rules: Rules, limits: Limits) -> PairWork:
    position = book.position(pair)
    closing = (
        rules.close
        and position is not None
        and (position.at_least or not position.uncertain)
        and position.obstacle is None
        and limits.may_close(position)
        and (book.orders is not None or not (rules.closes_need_orders or position.is_shared))
    )
    blockers = tuple(o for o in book.orders_of(pair) if o.blocks_close) if closing else ()
    if any(o.role is OrderRole.PROTECTIVE for o in blockers) and not limits.may_unprotect:
        closing, blockers = False, ()
    if blockers and not any(limits.may_cancel(o) or limits.is_stuck(o) for o in blockers):
        closing, blockers = False, ()  # a later list has to show them first
    entries = tuple(
        o
        for o in book.orders_of(pair)
        if o.role is OrderRole.ENTRY and rules.cancel_entries and o not in blockers
    )
    resting_exits = (
        tuple(o for o in book.orders_of(pair) if o.role is OrderRole.EXIT and not o.blocks_close)
        if rules.close and (rules.cancel_entries or limits.is_blocked(pair))
        else ()
    )
    if limits.is_blocked(pair) and any(map(limits.may_cancel, resting_exits)):
        closing = False  # it would be refused once more
    cancels = tuple(o for o in (*entries, *blockers, *resting_exits) if limits.may_cancel(o))
    return PairWork(
        pair=pair,
        cancels=cancels,
        close=position if closing else None,
        cancel_first=bool(blockers),
    )


def leftovers(book: Book) -> dict[str, tuple[OpenOrder, ...]]:
    """Stops and exits whose position is gone: harmless, and in the way of the next trade."""
    gone: dict[str, list[OpenOrder]] = {}
    for order in book.orders or ():
        if order.role is not OrderRole.ENTRY and book.position(order.pair) is None:
            gone.setdefault(order.pair, []).append(order)
    return {pair: tuple(orders) for pair, orders in gone.items()}


def is_flat(book: Book, rules: Rules) -> bool:
    """No position above dust, and no order that could open one, whoever may cancel it."""
    if book.orders is None or book.entries:
        return False
    return not rules.close or all(p.is_dust for p in book.positions)


def in_scope(book: Book, pairs: Collection[str] | None) -> Book:
    """*book* without what a run for *pairs* (``None`` = all) must not touch."""
    if pairs is None:
        return book
    wanted = {*pairs, UNLISTED}  # what is not listed may be of these pairs
    return Book(
        positions=tuple(p for p in book.positions if p.pair in wanted),
        orders=None if book.orders is None else tuple(o for o in book.orders if o.pair in wanted),
    )

"""Protective orders that had to be removed for a close, and their way back (principle 4)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.errors import ExchangeUnavailable, LiquidationError, OutcomeUnknown
from freqtrade_liquidation.model import (
    AMOUNT_TOLERANCE,
    CancelAnswer,
    CancelStatus,
    CloseAnswer,
    OpenOrder,
    OrderRole,
    Position,
)
from freqtrade_liquidation.plan import Urgency
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.round_trips import RoundTrips
from freqtrade_liquidation.run.book_reader import Listing
from freqtrade_liquidation.run.request_runner import RequestRunner, now
from freqtrade_liquidation.trail import Trail

UNPROTECT_NEEDS_S: Final = 1.5
"""With less time than this, a stop that locks the asset (spot) stays where it is."""
UNPROTECT_TRIPS: Final = 3
"""So many of the longest round trips must fit, too: its cancel, the sell, and its way back."""
LOOKS_EVERY_S: Final = 0.05
"""How often it is looked whether an answer has told what is left, when stops wait for it."""
PUT_BACK_NEEDS_S: Final = 0.5
"""Kept free, at least, to put removed stops back while their position may be open."""


def unprotect_needs_s(round_trips: RoundTrips, *, trips: int = UNPROTECT_TRIPS) -> float:
    """Seconds that must be left for a stop that locks the asset to be cancelled."""
    return max(UNPROTECT_NEEDS_S, trips * (round_trips.longest_s or 0.0))


def put_back_needs_s(round_trips: RoundTrips) -> float:
    """Seconds that are kept for the way back of a stop."""
    return max(PUT_BACK_NEEDS_S, round_trips.longest_s or 0.0)


class Stops:
    """Knows which stops are off because of us."""

    def __init__(
        self, order_manager: OrderManager, trail: Trail, runner: RequestRunner, backoff: Backoff
    ) -> None:
        self._order_manager = order_manager
        self._trail = trail
        self._runner = runner
        self._backoff = backoff
        self._removed: dict[str, list[OpenOrder]] = {}
        self._doubtful: dict[str, OpenOrder] = {}
        self._standing: dict[str, OpenOrder] = {}  # as last listed, what can close a pair
        self._listed_at = 0.0
        self._gone: set[str] = set()  # by its cancel, whatever a list shows
        self._acknowledged_at: dict[str, float] = {}  # gone, unless a later list shows it
        self._refused_at: dict[str, float] = {}  # may be gone, until a later list shows it
        self._closed: frozenset[str] = frozenset()
        self._position_of: Callable[[str], Position | None] = lambda pair: None
        self._may_be_open: Callable[[str], bool] = lambda pair: True
        self.restored: set[str] = set()
        self._back: dict[str, float] = {}  # base currency that those cover which were put back
        self._on_the_way: dict[str, tuple[str, float]] = {}  # by order id: pair, base currency
        self._smaller: list[OpenOrder] = []  # as they were: put back for less

    @property
    def any_removed(self) -> bool:
        """Some position stands without the stop it had."""
        return bool(self._removed.keys() - self._closed)

    def is_removed(self, pair: str) -> bool:
        """A stop of *pair* is off because of us."""
        return pair in self._removed

    def is_doubtful(self, pair: str) -> bool:
        """Whether a stop of *pair* is off could not be found out. That the last look listed it says
        little: a cancel that was not answered may be carried out later."""
        return any(stop.pair == pair for stop in self._doubtful.values())

    def heard(self, answer: CancelAnswer) -> None:
        """A cancel was answered, or was not."""
        stop = answer.order
        if stop.role is not OrderRole.PROTECTIVE or not stop.blocks_close:
            return
        if answer.status in (CancelStatus.CANCELLED, CancelStatus.ACKNOWLEDGED):
            self._gone.add(stop.order_id)
            if answer.status is CancelStatus.ACKNOWLEDGED:
                self._acknowledged_at[stop.order_id] = now()
            else:
                self._acknowledged_at.pop(stop.order_id, None)
            self._doubtful.pop(stop.order_id, None)  # known now, and put back once at most
            if answer.left is not None:  # it has sold since it was listed: so much less is left
                stop = replace(stop, amount=min(stop.amount, answer.left))
            self._take_off(stop)
        elif answer.status is CancelStatus.UNKNOWN:
            if stop.order_id not in self._gone:
                self._doubtful[stop.order_id] = stop
        elif not answer.sendable:  # refused: it may have been gone before
            self._refused_at[stop.order_id] = now()

    def listed(self, orders: Listing[OpenOrder]) -> None:
        """The resting orders were listed: a doubtful stop that is not among them is gone, and one
        whose cancel was acknowledged, and is, is not, or not yet."""
        by_id = {order.order_id: order for order in orders.rows if not order.unconfirmed}
        for order_id, answered_at in list(self._acknowledged_at.items()):
            if order_id in by_id and answered_at <= orders.asked_at:
                self._stands_after_all(order_id)
        stands = {OrderRole.PROTECTIVE}
        self._standing = {k: o for k, o in by_id.items() if o.blocks_close or o.role in stands}
        self._listed_at = orders.asked_at
        for order_id in [order_id for order_id in self._doubtful if order_id not in by_id]:
            self._take_off(self._doubtful.pop(order_id))

    def _take_off(self, stop: OpenOrder) -> None:
        """It is off, once: a list that lacks it and the answers to several cancels may say so."""
        of_pair = self._removed.get(stop.pair, [])
        others = [one for one in of_pair if one.order_id != stop.order_id]
        self._removed[stop.pair] = [*others, stop]

    def _stands_after_all(self, order_id: str) -> None:
        """It may go yet, so that nothing is put back beside it, and a person is told."""
        del self._acknowledged_at[order_id]
        self._gone.discard(order_id)
        removed = [stop for stops in self._removed.values() for stop in stops]
        for stop in (stop for stop in removed if stop.order_id == order_id):
            self._doubtful[order_id] = stop
            self._no_longer_off(stop)

    def closed(self, pairs: Collection[str]) -> None:
        """Nothing is left of *pairs*, as far as is known now: they need no stop."""
        self._closed = frozenset(pairs)

    async def put_back(
        self,
        position_of: Callable[[str], Position | None],
        *,
        look: Callable[[], Awaitable[None]],
        may_be_open: Callable[[str], bool],
        list_is_old: bool = False,
    ) -> list[str]:
        """Puts back what is off while its position is open.

        :param look: asks what is left of the pairs, for as long as that is of use.
        :param may_be_open: whether something of a pair without a position may be left.
        :param list_is_old: stops that it shows may have sold before the positions were read.
        :returns: what was lost, in words: the loudest lines of the report.
        """
        self._position_of, self._may_be_open = position_of, may_be_open
        open_now = {p: at for p in list(self._removed) if (at := position_of(p)) is not None}
        unsafe = {pair for pair, p in open_now.items() if _could_sell_the_users_own(p)}
        beside = [
            stop
            for pair in open_now
            if list_is_old and pair not in unsafe and self._standing_amount(pair)
            for stop in self._removed[pair]
        ]
        safe = [pair for pair in open_now if pair not in unsafe]
        doubts = [s.pair for s in list(self._doubtful.values()) if position_of(s.pair) is not None]
        unknown = unsafe | set(doubts)  # what is found out in time leaves it
        lost = await asyncio.gather(
            self._put_back_all(safe), self._put_back_when_known(unknown, look)
        )
        doubtful = [stop for stop in self._doubtful.values() if stop.pair in unknown]
        still_off = [
            stop
            for pair in sorted(self._removed)
            for stop in self._removed[pair]
            if stop.order_id not in self._on_the_way
        ]
        told = [(s, _in_doubt(s)) for s in doubtful] + [(s, _beside_another(s)) for s in beside]
        for stop in still_off:
            if stop.pair in unknown or position_of(stop.pair) is not None:
                told.append((stop, _not_put_back(stop)))
            elif may_be_open(stop.pair):
                told.append((stop, _perhaps_missed(stop)))
        told += [(s, _covers_less(s)) for s in self._smaller if self._is_short(s.pair)]
        placed = [words for of_pairs in lost for words in of_pairs if words is not None]
        return placed + self._tell(told)

    def _is_short(self, pair: str) -> bool:
        """More of *pair* is open than was known when its stops were put back, or may be."""
        position, covered = self._position_of(pair), self._standing_amount(pair) + self._back[pair]
        if position is None:
            return False
        return position.at_least or position.amount > covered * (1 + AMOUNT_TOLERANCE)

    def _tell(self, told: Sequence[tuple[OpenOrder, str]]) -> list[str]:
        for stop, words in told:
            self._trail.note(Event.STOP_LOST, "close", pair=stop.pair, error=words)
        return [words for _, words in told]

    async def _put_back_when_known(
        self, unknown: set[str], look: Callable[[], Awaitable[None]]
    ) -> Sequence[str | None]:
        """Those of the pairs *unknown* of which it is found out in time what is left, and which
        stops stand. An answer to one of their orders may come at any moment of the look."""
        if not unknown:
            return []
        looking = asyncio.ensure_future(look())
        begun: list[asyncio.Future[Sequence[str | None]]] = []
        while True:
            await asyncio.wait([looking], timeout=LOOKS_EVERY_S)
            known = {pair for pair in unknown if self._is_known(pair)}
            if is_open := {pair for pair in known if self._position_of(pair) is not None}:
                unknown -= is_open
                begun.append(asyncio.ensure_future(self._put_back_all(sorted(is_open))))
            if closed := {p for p in known - is_open if not self._may_be_open(p)}:
                unknown -= closed
            if looking.done() or not unknown:
                looking.cancel()
                return [words for lost in await asyncio.gather(*begun) for words in lost]

    def _is_known(self, pair: str) -> bool:
        position = self._position_of(pair)
        is_safe = position is None or not _could_sell_the_users_own(position)
        return is_safe and not self.is_doubtful(pair)

    async def _put_back_all(self, pairs: Sequence[str]) -> Sequence[str | None]:
        """All stops that are off of *pairs* with a position; what was lost, in words."""
        waiting = [
            share
            for pair in pairs
            if (position := self._position_of(pair)) is not None
            for share in self._shares(pair, position.amount)
        ]
        for stop, amount in waiting:
            self._announce(stop, amount)
        if waiting:
            self._trail.commit()
        return await asyncio.gather(*(self._put_back(stop, amount) for stop, amount in waiting))

    def _shares(self, pair: str, amount: float) -> list[tuple[OpenOrder, float]]:
        """Each stop of *pair* with what it may sell, together no more than *amount* (base
        currency). One that gets nothing is not missed: the others cover what is left, those that
        still stand first, and those that are on their way back."""
        shares = []
        sent = [stop for stop in self._removed.get(pair, ()) if stop.order_id in self._on_the_way]
        on_the_way = [covers for of, covers in self._on_the_way.values() if of == pair]
        covered = (self._standing_amount(pair), self._back.get(pair, 0.0), *on_the_way)
        amount = sum_of(amount, *(-one for one in covered))
        for stop in self._removed.pop(pair, []):
            if stop in sent:
                continue
            share = min(stop.amount, amount)
            if share > AMOUNT_TOLERANCE * stop.amount:
                shares.append((stop, share))
            amount = sum_of(amount, -share)
        if sent or shares:
            self._removed[pair] = [*sent, *(stop for stop, _ in shares)]
        self._on_the_way |= {stop.order_id: (pair, share) for stop, share in shares}
        return shares

    def _standing_amount(self, pair: str) -> float:
        """What the stops of *pair* that still stand may sell, base currency."""
        orders = (order for order in self._standing.values() if order.pair == pair)
        return sum_of(*(order.amount for order in orders if self._stands(order)))

    def _stands(self, order: OpenOrder) -> bool:
        """As the last list shows it, if its cancel has told nothing else since."""
        refused_at = self._refused_at.get(order.order_id, self._listed_at)
        return order.order_id not in self._gone and refused_at <= self._listed_at

    def _announce(self, stop: OpenOrder, amount: float) -> None:
        self._trail.note(
            Event.STOP_INTENDED,
            "close",
            pair=stop.pair,
            order_id=stop.order_id,
            stop_price=stop.stop_price,
            amount=amount,
        )

    async def _place(self, stop: OpenOrder, amount: float) -> CloseAnswer | None:
        """Again where it was proven not to have acted, time is left, and the position is open.

        :returns: ``None`` = nothing is left that it could protect.
        :raises LiquidationError: if it does not stand, or nobody knows.
        """
        attempts = 0
        while True:
            attempts += 1
            try:
                put_back = partial(self._order_manager.put_back_stop, stop, amount)
                priority = self._runner.priority("put_back", Urgency.PUT_BACK)
                return await self._runner.once(put_back, priority)
            except ExchangeUnavailable as error:
                delay = self._backoff.delay_s(attempts, retry_after_s=error.retry_after_s)
                if not self._backoff.allows(attempts) or delay >= self._runner.left_s:
                    raise
            await asyncio.sleep(delay)
            position = self._position_of(stop.pair)
            if position is None:
                return None
            amount = min(amount, position.amount)
            self._announce(stop, amount)
            self._trail.commit()

    async def _put_back(self, stop: OpenOrder, amount: float) -> str | None:
        try:
            answer = await self._place(stop, amount)
        except LiquidationError as error:
            unknown = isinstance(error, OutcomeUnknown)
            words = (
                f"{stop.pair} HAS LOST ITS STOP at {stop.stop_price}: putting it back "
                f"{'has no known outcome' if unknown else 'failed'} ({error}). "
                "Set a stop by hand now."
            )
            self._trail.note(
                Event.STOP_LOST,
                "close",
                pair=stop.pair,
                error=words,
                replaces=stop.order_id,
                outcome="unknown" if unknown else "refused",
            )
            return words
        self._no_longer_off(stop)
        del self._on_the_way[stop.order_id]
        if answer is None:
            return None
        self.restored.add(stop.pair)
        self._back[stop.pair] = sum_of(self._back.get(stop.pair, 0.0), amount)
        if amount < stop.amount * (1 - AMOUNT_TOLERANCE):
            self._smaller.append(stop)
        self._trail.note(
            Event.STOP_PUT_BACK,
            "close",
            pair=stop.pair,
            order_id=answer.order_id,
            replaces=stop.order_id,
            amount=amount,
            error=answer.remark,
        )
        return answer.remark

    def _no_longer_off(self, stop: OpenOrder) -> None:
        """It, not its pair: another stop of the pair may be lost."""
        self._removed[stop.pair] = [s for s in self._removed[stop.pair] if s is not stop]
        if not self._removed[stop.pair]:
            del self._removed[stop.pair]


def _could_sell_the_users_own(position: Position) -> bool:
    """A sell of unknown outcome may have sold the bot's coins. If there are no others, the
    exchange refuses the stop then, and nothing is lost by asking."""
    return position.uncertain and not (position.exclusive or position.at_least)


def _not_put_back(stop: OpenOrder) -> str:
    return (
        f"{stop.pair} HAS LOST ITS STOP at {stop.stop_price}, which was not put back: how much of "
        "its coins is left is not known. Look at the exchange now."
    )


def _perhaps_missed(stop: OpenOrder) -> str:
    return (
        f"{stop.pair} MAY HAVE LOST ITS STOP at {stop.stop_price}: whether anything is left that "
        "it protected could not be found out. Look at the exchange now."
    )


def _in_doubt(stop: OpenOrder) -> str:
    return (
        f"{stop.pair} MAY HAVE LOST ITS STOP at {stop.stop_price}: whether it was cancelled could "
        "not be found out. Look at the exchange now."
    )


def _beside_another(stop: OpenOrder) -> str:
    return (
        f"{stop.pair} MAY HAVE LOST A PART OF ITS STOP at {stop.stop_price}: another stop of the "
        "pair stood when the orders were last listed, and may have sold since. Look at the "
        "exchange now."
    )


def _covers_less(stop: OpenOrder) -> str:
    return (
        f"{stop.pair} HAS LOST A PART OF ITS STOP at {stop.stop_price}: it was put back for what "
        "was known to be left, and more is, or may be. Set a stop for the rest by hand now."
    )

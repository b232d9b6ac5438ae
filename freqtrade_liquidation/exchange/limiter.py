"""Keeps the exchange's limits: so many requests in so many seconds, the most urgent first.

A request counts from its sending until the window has passed since its *answer*: it arrived between
the two, and the exchange counts arrivals. One that is not answered counts as arrived after `LAG_S`.
So no answer says 429 for which we are to blame, however unevenly the network delivers. It costs a
round trip for each window that is used up; to take the shortest one off again was tried: while the
processor was busy it was measured too long, and 429 came.
"""

import asyncio
import heapq
import itertools
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from freqtrade_liquidation.errors import NotSent
from freqtrade_liquidation.plan import Urgency
from freqtrade_liquidation.request_priority import CURRENT, Priority

LAG_S: Final = 0.75
"""An unanswered request has arrived by then, though it may have to shake hands first (TCP, TLS 1.3:
two round trips). One that hangs does not hold up the others for longer."""
SORTED_WITHIN_S: Final = 0.005
"""When it gets tight, requests that come within this are sorted before any of them is sent."""
REQUEST, READ, WRITE, ORDER, CANCEL = "request", "read", "write", "order", "cancel"
"""What a limit counts. A request is a read or a write, a write is an order or a cancel."""


@dataclass(slots=True, kw_only=True)
class Window:
    """At most *limit* requests (of *kind*, else of any) in any *span_s* seconds.

    :ivar counted: those that count still.
    """

    span_s: float
    limit: int
    kind: str = REQUEST
    counted: list["Sent"] = field(default_factory=list)

    def counts(self, kinds: Collection[str]) -> bool:
        """Whether a request of *kinds* counts."""
        return self.kind in kinds

    def free(self, now: float) -> int:
        """How many more may be sent now."""
        self.counted = [sent for sent in self.counted if sent.arrived_by + self.span_s > now]
        return self.limit - len(self.counted)

    def next_free(self) -> float:
        """When the next one may be sent, as far as it is known."""
        return min(sent.arrived_by for sent in self.counted) + self.span_s


@dataclass(slots=True)
class Sent:
    """:param arrived_by: when it has arrived at the exchange at the latest."""

    arrived_by: float


@dataclass(order=True, slots=True)
class _Waiting:
    rank: tuple[int, float]
    number: int
    kinds: frozenset[str] = field(compare=False)
    turn: "asyncio.Future[Sent]" = field(compare=False)


class Limiter:
    """Lets requests pass. Lives in one event loop.

    :param windows: all of them hold; none = nobody ever waits.
    """

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def at_once(self, kinds: Collection[str]) -> Sent | None:
        """One that need not wait: there is plenty left, and nobody waits. It is counted.

        :returns: ``None`` = it has to.
        """
        now = asyncio.get_running_loop().time()
        passes = not self._waiting and all(
            window.free(now) * 2 > window.limit for window in self._windows if window.counts(kinds)
        )
        return self._count(kinds, now) if passes else None

    async def turn(self, kinds: Collection[str], rank: tuple[int, float]) -> Sent:
        """Waits until a request of *kinds* may be sent; it is counted.

        :param rank: smaller goes first.
        """
        if (sent := self.at_once(kinds)) is not None:
            return sent
        loop = asyncio.get_running_loop()
        waiting = _Waiting(rank, next(self._numbers), frozenset(kinds), loop.create_future())
        heapq.heappush(self._waiting, waiting)
        self._wake_at(loop.time() + SORTED_WITHIN_S)
        return await waiting.turn

    @contextmanager
    def counted(self, sent: Sent) -> Iterator[None]:
        """While inside, *sent* is under way."""
        try:
            yield
        finally:
            now = asyncio.get_running_loop().time()
            sent.arrived_by = min(sent.arrived_by, now)
            if self._waiting:  # for the moment that was foreseen when it was sent: it comes sooner
                self._wake_at(now + SORTED_WITHIN_S)

    def _count(self, kinds: Collection[str], now: float) -> Sent:
        sent = Sent(now + LAG_S)
        for window in self._windows:
            if window.counts(kinds):
                window.counted.append(sent)
        return sent

    def _grant(self) -> None:
        """Lets pass who may, in their order; the first who may not holds up those behind it."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._waiting:
            first = self._waiting[0]
            full = [w for w in self._windows if w.counts(first.kinds) and w.free(now) <= 0]
            if full and not first.turn.done():
                self._wake_at(max(window.next_free() for window in full))
                return
            heapq.heappop(self._waiting)
            if not first.turn.done():  # else nobody waits for it any more
                first.turn.set_result(self._count(first.kinds, now))

    def _wake_at(self, moment: float) -> None:
        if self._timer is not None:
            if self._timer.when() <= moment:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(moment, self._grant)


NOBODY_SAID: Final = (int(Urgency.BOOK), 0.0)
"""The rank of requests outside of a run's verbs."""


async def take_turn(limiter: Limiter, timeout_s: float, *, write: bool) -> Sent:
    """Waits until the exchange's limits allow one more request, by the priority of the verb that
    runs.

    :param write: it could change something on the exchange.
    :returns: the request, counted.
    :raises NotSent: if that is too late.
    """
    priority, now = CURRENT.get(), asyncio.get_running_loop().time
    kinds = _kinds_of(priority, write=write)
    if (sent := limiter.at_once(kinds)) is not None:
        return sent
    until = now() + timeout_s if priority is None else priority.wait_until
    try:
        async with asyncio.timeout_at(until):
            if priority is None:
                return await limiter.turn(kinds, NOBODY_SAID)
            with priority.queued():
                return await limiter.turn(kinds, priority.rank)
    except TimeoutError:
        raise NotSent("not sent: the exchange's limits leave no time") from None


def _kinds_of(priority: Priority | None, *, write: bool) -> frozenset[str]:
    """Under which limits a request of the verb counts. A cancel that a close waits for has the
    close's urgency and counts as an order, where it should count as a cancel."""
    if not write:
        return frozenset((REQUEST, READ))
    places_order = priority is not None and priority.urgency in (Urgency.PUT_BACK, Urgency.CLOSE)
    return frozenset((REQUEST, WRITE, ORDER if places_order else CANCEL))

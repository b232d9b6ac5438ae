"""The way to the exchange: questions asked until they are answered, changes sent once.

A question may be asked again, so one that is late is asked again *beside* the first, and the first
good answer counts. A change is sent once; what became of it, a look tells. Nobody hangs up before
the caller's time is over.
"""

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol, TypeVar

from freqtrade.exchange import Exchange

from freqtrade_liquidation.errors import (
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    NotSent,
    OutcomeUnknown,
)
from freqtrade_liquidation.exchange.limiter import Limiter, take_turn
from freqtrade_liquidation.exchange.limits import limits_of
from freqtrade_liquidation.exchange.line import HttpLine
from freqtrade_liquidation.exchange.nonces import are_in_order
from freqtrade_liquidation.exchange.rules.lists import requests_of_a_look
from freqtrade_liquidation.plan import Urgency
from freqtrade_liquidation.request_priority import CURRENT
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.round_trips import RoundTrips

T = TypeVar("T")
Call = Callable[[Exchange], T]

BESIDE: Final = 3
"""A question is in flight at most so often at once."""
HANGS: Final = 4.0
"""Times the median round trip, and :data:`HANGS_AFTER_S` at least: then the third attempt is given
up and asked anew, with twice the patience. The first two stay until the end: an exchange that has
become slow answers them, however late. But three that hang for good (a connection that a balancer
forgot, a server behind it that died) would leave a question dead for all the time that is left."""
HANGS_AFTER_S: Final = 1.0
LATE: Final = 2.0
"""Times the median round trip: then an answer is late."""
IN_TIME: Final = 1.5
"""Times the median round trip before the end, a list is asked again though it is not late: what is
asked later is not answered in time."""
FAILED_READS: Final = Backoff(base_s=0.2, max_retries=1_000_000, random=random.Random())
"""Pauses between the attempts of a question that failed; time bounds them, no count."""
LONGEST_PAUSE_S: Final = 1.0
STALLS_AFTER_S: Final = 1.0
"""Without a round trip to compare with, a question is late after this: an exchange that swallows
the first requests may answer the next ones at once."""
UNKNOWN_S: Final = 0.5
"""How often a question looks whether it is late, while no round trip has been seen."""
IN_ORDER_S: Final = 2.0
"""Where requests must go one at a time, one that is not answered holds up the next so long."""


class Line(Protocol):
    """One attempt: sent, and answered or not."""

    async def send(self, call: Call[T], *, timeout_s: float, write: bool) -> T:
        """:raises LiquidationError: by what is known of it."""

    async def ready(self, *, timeout_s: float) -> None:
        """Waits, a bounded time, for what every request needs (a clock that is being set)."""

    @property
    def clock_offset_s(self) -> float:
        """The exchange's clock less ours, in seconds, as far as it is known."""

    def close(self) -> None:
        """Drops the connections."""


class ExchangeClient:
    """Speaks to *exchange* for one run, a preview or a repair.

    :param line: what carries a single attempt; the real one by default.
    :param orders: how many will be sent at once, as far as it is known: the real line opens its
        connections for them, and for the lists beside them, as many as the limits let pass.
    :ivar round_trips: what it has seen, in seconds.
    """

    def __init__(self, exchange: Exchange, *, line: Line | None = None, orders: int = 0) -> None:
        windows = limits_of(exchange)
        at_once = orders and orders + requests_of_a_look(exchange)
        at_once = min([at_once, *(window.limit for window in windows)])
        self._line: Line = HttpLine(exchange, connections=at_once) if line is None else line
        self._limiter = Limiter(windows)
        self._in_order = asyncio.Lock() if are_in_order(exchange._api) else None
        self._is_over = False
        self.round_trips = RoundTrips()

    async def read(self, call: Call[T], *, timeout_s: float) -> T:
        """The answer to a question, asked again until there is one.

        :raises ExchangeRefused: at once: asking again is no use.
        :raises ExchangeUnavailable: if there was none within *timeout_s*.
        """
        now = asyncio.get_running_loop().time
        until, asked_at, paused_until = now() + timeout_s, 0.0, 0.0
        failures = replaced = 0
        error = ExchangeUnavailable(f"no answer within {timeout_s:.2f} s")
        in_flight: dict[asyncio.Task[T], float] = {}
        try:
            while (left_s := until - now()) > 0 and not self._is_over:
                due_at = self._due_at(len(in_flight), asked_at, paused_until, until)
                if now() >= due_at:
                    if len(in_flight) == BESIDE - 1:  # the last place changes hands
                        patience_s = max(HANGS_AFTER_S, HANGS * (self.round_trips.median_s or 0.0))
                        left_s, replaced = min(left_s, patience_s * 2.0**replaced), replaced + 1
                    attempt = self.attempt(call, timeout_s=left_s, write=False)
                    asked_at = in_flight[asyncio.ensure_future(attempt)] = now()
                    continue
                known = self._in_order is None and self.round_trips.median_s is not None
                look_at = math.inf if known else now() + UNKNOWN_S  # another one may have shown it
                for task in await _first_of(in_flight, min(due_at, look_at, until) - now()):
                    left_at = in_flight.pop(task)
                    try:
                        return _answered(task.result(), left_at)
                    except ExchangeRefused:
                        raise
                    except LiquidationError as failed:
                        error, failures = _heard(failed), failures + 1
                        paused_until = now() + _pause_s(failures, error)
            raise error
        finally:
            for task in in_flight:
                task.cancel()

    def _due_at(self, in_flight: int, asked_at: float, paused_until: float, until: float) -> float:
        """When a question with so many attempts in flight is asked again, on the loop's clock."""
        late_s = self.late_after_s
        if not in_flight:
            return paused_until
        if in_flight >= BESIDE or late_s is None:
            return math.inf
        due_at, priority = asked_at + late_s, CURRENT.get()
        if priority is not None and priority.urgency is Urgency.LOOK:
            due_at = min(due_at, until - late_s * IN_TIME / LATE)
        return max(paused_until, due_at)

    async def write(self, call: Call[T], *, timeout_s: float) -> T:
        """The answer to a change, which is sent once.

        :raises OutcomeUnknown: where it may have acted.
        :raises LiquidationError: where it has not.
        """
        return await self.attempt(call, timeout_s=timeout_s, write=True)

    async def attempt(self, call: Call[T], *, timeout_s: float, write: bool) -> T:
        """One attempt, when it is its turn. :raises LiquidationError: by what is known of it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        if self._is_over:
            raise NotSent("not sent: the run is over")
        sent = await take_turn(self._limiter, timeout_s, write=write)
        with self._limiter.counted(sent):
            async with self._one_at_a_time(until):
                await self._line.ready(timeout_s=(until - loop.time()) / 2)
                began = loop.time()
                if began >= until:
                    raise NotSent("not sent: other requests had to go first")
                try:
                    async with asyncio.timeout_at(until):
                        answer = await self._line.send(call, timeout_s=until - began, write=write)
                except TimeoutError as error:
                    kind = OutcomeUnknown if write else ExchangeUnavailable
                    raise kind(f"no answer within {timeout_s:.2f} s") from error
                self.round_trips.add(loop.time() - began, at=loop.time())
                return answer

    @property
    def late_after_s(self) -> float | None:
        """When a question is asked again beside itself; ``None`` = never."""
        if self._in_order is not None:
            return None
        median_s = self.round_trips.median_s
        return STALLS_AFTER_S if median_s is None else LATE * median_s

    @property
    def clock_offset_s(self) -> float:
        """The exchange's clock less ours, in seconds, as far as it is known."""
        return self._line.clock_offset_s

    def end(self) -> None:
        """Nothing leaves any more."""
        self._is_over = True

    def close(self) -> None:
        """Drops the connections."""
        self._line.close()

    def _one_at_a_time(self, until: float) -> AbstractAsyncContextManager[None]:
        """Where the exchange wants requests in the order of their nonces."""
        if self._in_order is None:
            return contextlib.nullcontext()
        return self._in_turn(self._in_order, until)

    @contextlib.asynccontextmanager
    async def _in_turn(self, in_order: asyncio.Lock, until: float) -> AsyncIterator[None]:
        """The next request leaves when this one is answered, or after a bounded wait."""
        priority, loop = CURRENT.get(), asyncio.get_running_loop()
        wait = contextlib.nullcontext() if priority is None else priority.queued()
        until = until if priority is None else min(until, priority.wait_until)
        try:
            with wait:
                async with asyncio.timeout_at(until):
                    await in_order.acquire()
        except TimeoutError:
            raise NotSent("not sent: other requests had to go first") from None
        released = _Once(in_order.release)
        timer = loop.call_later(IN_ORDER_S, released)
        try:
            yield
        finally:
            timer.cancel()
            released()


class _Once:
    """Calls *function* at the first call, and no more."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function: Callable[[], None] | None = function

    def __call__(self) -> None:
        function, self._function = self._function, None
        if function is not None:
            function()


async def _first_of(tasks: Collection[asyncio.Task[T]], timeout_s: float) -> list[asyncio.Task[T]]:
    """Those that have ended, when one has, or when the time is over; oldest first, for a set of
    tasks has another order in each process."""
    if tasks:
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(timeout_s)
    return [task for task in tasks if task.done()]


def _answered(answer: T, asked_at: float) -> T:
    """*answer* to a question that left at *asked_at*: whoever asked hears how old it is at most."""
    if (priority := CURRENT.get()) is not None:
        priority.answered(asked_at)
    return answer


def _heard(error: LiquidationError) -> ExchangeUnavailable:
    """*error*, told to whoever asked."""
    if (priority := CURRENT.get()) is not None:
        priority.failed(error)
    return error if isinstance(error, ExchangeUnavailable) else ExchangeUnavailable(str(error))


def _pause_s(failures: int, error: ExchangeUnavailable) -> float:
    pause_s = min(LONGEST_PAUSE_S, FAILED_READS.delay_s(min(failures, 4)))
    return max(pause_s, error.retry_after_s or 0.0)

"""Booking by pair: as soon as one is done, beside everything else."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import replace

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import unexpected
from freqtrade_liquidation.model import BookedPair
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.trail import Trail

logger = logging.getLogger(__name__)


class Booking:
    """Hands pairs to the order manager's books, each when its closing orders are at their end.

    :ivar results: by pair, as far as they are known.
    """

    def __init__(self, order_manager: OrderManager, trail: Trail, deadline: Deadline) -> None:
        self._order_manager = order_manager
        self._trail = trail
        self._deadline = deadline
        self._tasks: list[asyncio.Task[None]] = []
        self._begun: set[str] = set()
        self._ended: set[str] = set()
        self.results: dict[str, BookedPair] = {}

    def begin(self, pairs: Iterable[str], *, while_closing: bool = True) -> None:
        """Books those of *pairs* that nobody has begun to book. Does not wait."""
        new = sorted(set(pairs) - self._begun)
        if new:
            self._begun |= set(new)
            self._tasks.append(asyncio.ensure_future(self._book(new, while_closing)))

    def reopen(self, pair: str) -> None:
        """More was sent for *pair* since it was booked."""
        self._begun.discard(pair)
        self._ended.discard(pair)

    async def finish(self, pairs: Collection[str], *, sent: Collection[str]) -> None:
        """Books what is left of *pairs*, and what could not be booked before, until the
        deadline.

        :param sent: pairs that the run has sent an order for; of the others nothing is missing.
        """
        failed = {pair for pair in pairs if self._has_failed(pair)}
        self._begun -= failed
        self.begin(pairs, while_closing=False)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._deadline.left_s)
        for pair in sorted({*sent} - self._ended):
            self._cut_off(pair)
        for task in self._tasks:
            task.cancel()

    def _cut_off(self, pair: str) -> None:
        """What was booked before its last orders were cleared stays booked."""
        booked, later = self.results.get(pair), "the next start books it"
        if booked is None or booked.error:
            self._note(BookedPair(pair=pair, error=f"not booked in time; {later}"))
        else:
            missing = booked.missing or f"the end of its last order is not booked; {later}"
            self.results[pair] = replace(booked, missing=missing)

    def _has_failed(self, pair: str) -> bool:
        result = self.results.get(pair)
        return result is not None and result.error is not None

    async def _book(self, pairs: list[str], while_closing: bool) -> None:
        seconds = self._deadline.left_s
        try:
            booked = list(
                await self._order_manager.book(
                    pairs, timeout_s=seconds, while_closing=while_closing
                )
            )
        except Exception as error:
            logger.exception("Could not book.")
            words = f"not booked ({unexpected(error)}); the next start books it"
            booked = [BookedPair(pair=pair, error=words) for pair in pairs]
        self._ended |= set(pairs)
        for entry in booked:
            self._note(entry)

    def _note(self, entry: BookedPair) -> None:
        """One record settles a pair: the pass after its last orders adds one only for news."""
        if entry == self.results.get(entry.pair):
            return
        self.results[entry.pair] = entry
        self._trail.note(
            Event.BOOKING_FAILED if entry.error else Event.BOOKED,
            "book",
            pair=entry.pair,
            error=entry.error,
            realized_pnl=entry.realized_pnl,
            missing=entry.missing,
            filled=entry.filled,
            average=entry.average,
        )

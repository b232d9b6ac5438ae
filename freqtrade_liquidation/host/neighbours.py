"""Other processes on the same database: what they ask of the bot, and what they do themselves."""

import logging
from collections.abc import Callable
from typing import Final

from freqtrade_liquidation.host.lease import (
    Beat,
    BookDatabase,
    BookUnavailable,
    Lease,
    Pulse,
    Requests,
    RunClaims,
    StoredRequest,
)
from freqtrade_liquidation.host.turns import Ticket, Turn
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import Request

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.5
"""How long the bot's loop sleeps at most without looking at what others want."""


class Neighbours:
    """The bot's side of a shared book.

    :param db_url: freqtrade's; in memory, nobody shares it and every call here is free.
    """

    def __init__(self, db_url: str) -> None:
        self.db_url = db_url
        self._book = BookDatabase(db_url)
        self._lease = Lease(self._book)
        self._requests = Requests(self._book)
        self._claims = RunClaims(self._book)
        self._pulse = Pulse(self._book, self._lease)
        self._foreign: set[str] = set()

    @property
    def under_way(self) -> str | None:
        """``correlation_id`` of a run of another process, as last seen."""
        return next(iter(self._foreign), None)

    def take_over(self) -> None:
        """The bot before this one is gone, however it ended, and with it its turn."""
        if not self._book.is_shared:
            return
        try:
            before = self._lease.look()
            if before is not None and before.holder != self._book.holder:
                self._claims.void(before.holder)
        except BookUnavailable as error:
            logger.warning("A run of the bot before this one may hold up the first: %s", error)

    def beat(self) -> Beat:
        """Says that this bot lives, and what is new. Keeps its own pace; never raises."""
        beat = self._pulse.beat()
        self._foreign |= {claim.correlation_id for claim in beat.started}
        self._foreign -= {claim.correlation_id for claim in beat.ended}
        return beat

    def carry_out(self, order: Callable[[Request], Ticket]) -> None:
        """Takes the request that waits, and answers it when its run is over."""
        try:
            stored = self._requests.take_next()
        except BookUnavailable as error:
            logger.warning("A request of another process could not be taken: %s", error)
            return
        if stored is None:
            return  # withdrawn meanwhile
        ticket = order(stored.as_request())
        self._tell_begun(stored, ticket)
        ticket.turn.done.add_done_callback(lambda done: self._answer(stored, done.result()))

    def _tell_begun(self, stored: StoredRequest, ticket: Ticket) -> None:
        try:
            self._requests.begun(stored.id, ticket.correlation_id)
        except BookUnavailable as error:
            logger.warning("The asker does not know the run's id yet: %s", error)

    def _answer(self, stored: StoredRequest, result: LiquidationResult) -> None:
        try:
            self._requests.answer(stored.id, result.correlation_id, result.to_dict())
        except BookUnavailable as error:
            logger.warning("The asker was not told the result: %s", error)

    def refuse_entry(self, pair: str) -> str | None:
        """Why *pair* must not be entered now, in words; ``None`` = no other process bars it."""
        try:
            claim = self._pulse.barred_by(pair)
        except BookUnavailable as error:
            return f"what other processes do could not be read: {error}"
        return None if claim is None else f"liquidation {claim.correlation_id} barred it"

    def lift(self) -> None:
        """``/start``: runs that are over bar nothing any more."""
        self._pulse.lift()

    def claim(self, turn: Turn, *, for_s: float, wait_s: float) -> bool:
        """Takes this database's turn for a run.

        :returns: ``False`` if another process has it still after *wait_s* seconds. A database that
            cannot be written holds up no run.
        """
        if not self._book.is_shared:
            return True
        try:
            return self._claims.acquire(
                turn.correlation_id, for_s=for_s, pairs=turn.request.pairs, wait_s=wait_s
            )
        except BookUnavailable as error:
            logger.warning("Running without a claim, the database does not take it: %s", error)
            return True

    def release(self, turn: Turn, result: LiquidationResult) -> None:
        """Gives the turn back."""
        if not self._book.is_shared:
            return
        try:
            self._claims.release(turn.correlation_id, booked=True, flat=result.success)
        except BookUnavailable as error:
            logger.warning("The claim of this run ends by itself: %s", error)

    def close(self, *, for_good: bool) -> None:
        """Gives the connections back.

        :param for_good: the bot ends in good order: others need not wait for it.
        """
        if for_good and self._book.is_shared:
            try:
                self._lease.release()
            except BookUnavailable as error:
                logger.warning("The lease ends by itself: %s", error)
        self._book.close()

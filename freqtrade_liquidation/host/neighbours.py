"""Other processes on the same database: what they ask of the bot, and what they do themselves."""

import logging
import time
from collections.abc import Callable
from typing import Final

from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.exchange.last_answers import SignedAnswers
from freqtrade_liquidation.host.lease import (
    Beat,
    BookDatabase,
    BookUnavailable,
    Lease,
    NotedOrders,
    Pulse,
    Requests,
    RunClaims,
    StoredRequest,
)
from freqtrade_liquidation.host.lease.claims import LONGEST_S, MARGIN_S
from freqtrade_liquidation.host.lease.database import ANSWERS_WITHIN_S
from freqtrade_liquidation.host.turns import Ticket, Turn
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.state import LiquidationState

logger = logging.getLogger(__name__)

ASK_AGAIN_S: Final = 0.1
ANSWER_TRIES: Final = 10
LOOK_EVERY_S: Final = 0.5
"""How long the bot's loop sleeps at most without looking at what others want."""


class Neighbours:
    """The bot's side of a shared book.

    :param db_url: freqtrade's; in memory, nobody shares it and every call here is free.
    :ivar noted_orders: the bot's orders in the air, on record.
    """

    def __init__(self, db_url: str) -> None:
        self.db_url = db_url
        self._book = BookDatabase(db_url, within_s=ANSWERS_WITHIN_S)
        self._lease = Lease(self._book)
        self._requests = Requests(self._book)
        self._claims = RunClaims(self._book)
        self._pulse = Pulse(self._book, self._lease)
        self.noted_orders = NotedOrders(self._book)
        self._foreign: set[str] = set()
        self._barring_after: int | None = None
        self._lifted: frozenset[str] = frozenset()

    @property
    def under_way(self) -> str | None:
        """``correlation_id`` of a run of another process, as last seen."""
        return next(iter(self._foreign), None)

    def tell_answers(self, answers: SignedAnswers) -> None:
        """From now on the lease tells them."""
        self._lease.answers = answers

    def wait_for_predecessor(self) -> None:
        """Until a run of the bot before this one is over: it may be closing still.

        One that was killed in it has its turn until the run's own deadline, a second more.
        """
        if not self._book.is_shared:
            return
        told, until = False, time.monotonic() + LONGEST_S + MARGIN_S
        try:
            before = self._lease.look()
            while before is not None and self._is_closing(before.holder):
                if time.monotonic() > until:
                    logger.warning("It is not waited for any longer.")
                    return
                if not told:
                    logger.warning("The bot before this one is in a liquidation: waiting for it.")
                    told = True
                time.sleep(ASK_AGAIN_S)
        except BookUnavailable as error:
            logger.warning("Whether the bot before this one is still closing: %s", error)

    def _is_closing(self, holder: str) -> bool:
        claim = self._claims.under_way()
        return holder != self._book.holder and claim is not None and claim.holder == holder

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
        """Insists for a moment: whoever asked would run again, for want of an answer."""
        for left in range(ANSWER_TRIES - 1, -1, -1):
            try:
                self._requests.answer(stored.id, result.correlation_id, result.to_dict())
                return
            except BookUnavailable as error:
                if not left:
                    logger.warning("The asker was not told the result: %s", error)
            time.sleep(ASK_AGAIN_S)

    def refuse_entry(self, pair: str, audit: AuditLog) -> str | None:
        """Why *pair* must not be entered now, in words; ``None`` = no other process bars it."""
        try:
            claim = self._pulse.barred_by(pair)
            barred_by = self._unclaimed(pair, audit) if claim is None else claim.correlation_id
        except (BookUnavailable, AuditUnreadable) as error:
            return f"what other processes do could not be read: {error}"
        return None if barred_by is None else f"liquidation {barred_by} barred it"

    def _unclaimed(self, pair: str, audit: AuditLog) -> str | None:
        """A run that could not take its turn, and so is in the audit trail alone.

        This bot may have hung with the database's lock in its hand.
        """
        if not self._book.is_shared:
            return None
        if self._barring_after is None:
            self._forget(audit)
        for run in audit.runs_begun(after=self._barring_after or 0):
            closed = run["state"] != LiquidationState.SKIPPED
            new = run["correlation_id"] not in self._lifted
            if closed and new and (run["pairs"] is None or pair in run["pairs"]):
                return str(run["correlation_id"])
        return None

    def lift(self, audit: AuditLog) -> None:
        """``/start``, or a bot's first: runs that are over bar nothing any more."""
        self._pulse.lift()
        self._barring_after = None
        try:
            self._forget(audit)
        except AuditUnreadable as error:  # the next entry asks again
            logger.warning("Which runs are over cannot be read for now: %s", error)

    def _forget(self, audit: AuditLog) -> None:
        """Of the trail so far nothing bars: by its sequence, for a clock may step back.

        :raises AuditUnreadable: if it cannot be read.
        """
        self._lifted = frozenset(str(run["correlation_id"]) for run in audit.waiting_runs())
        self._barring_after = audit.last_sequence() or 0

    def claim(self, turn: Turn, *, for_s: float, wait_s: float, insist_s: float) -> bool:
        """Takes this database's turn for a run.

        :param wait_s: for another process that has it.
        :param insist_s: on a database that cannot be written; after that the run goes on without,
            unless it can be read, and says that another process has the turn.
        :returns: ``False`` if another process has it still.
        """
        if not self._book.is_shared:
            return True
        until = time.monotonic() + insist_s
        had_by_another_until = time.monotonic() + wait_s
        while True:
            try:
                return self._claims.acquire(
                    turn.correlation_id, for_s=for_s, pairs=turn.request.pairs, wait_s=wait_s
                )
            except BookUnavailable as error:
                if insist_s and self._is_anothers_turn():
                    if time.monotonic() >= had_by_another_until:
                        return False
                elif time.monotonic() >= until:
                    logger.warning("Running without a claim, it is not taken: %s", error)
                    return True
            time.sleep(ASK_AGAIN_S)

    def _is_anothers_turn(self) -> bool:
        try:
            claim = self._claims.under_way()
        except BookUnavailable:
            return False  # not known
        return claim is not None and claim.holder != self._book.holder

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

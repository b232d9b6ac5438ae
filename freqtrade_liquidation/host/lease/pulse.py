"""What the bot's loop does for other processes: says that it lives, hears what they want."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from freqtrade_liquidation.host.lease.claims import Claim, claims_after, newest_number
from freqtrade_liquidation.host.lease.clock import Moment
from freqtrade_liquidation.host.lease.database import SLOW_S, BookDatabase, BookUnavailable
from freqtrade_liquidation.host.lease.lease import Lease
from freqtrade_liquidation.host.lease.requests import next_waiting

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.5
RENEW_EVERY_S: Final = 5.0
"""Each renewal is a synced commit: often enough for 60 s, seldom enough for a memory card."""
LEAVE_ALONE: Final = 10.0
"""A database that failed is left alone for this many times as long as its failure took: a lock
costs 0.2 s, a dead server two. The loop has other things to do."""
LEAVE_ALONE_AT_MOST_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What one look of the bot's loop found.

    :param request_waits: take it with ``Requests.take_next()``.
    :param started: runs of other processes that were not seen before and are under way.
    :param ended: runs of other processes that are over, each told once; seen to start or not.
    """

    request_waits: bool = False
    started: Sequence[Claim] = ()
    ended: Sequence[Claim] = ()


NOTHING: Final = Beat()


class Pulse:
    """Call :meth:`beat` as often as the loop turns; it keeps its own pace. No thread of its own.

    Runs of other processes that had ended before this one began to look are not told: what
    outlives them is the latch. So :meth:`beat` first, then read the latch.
    """

    def __init__(
        self,
        book: BookDatabase,
        lease: Lease,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._lease = lease
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._look_at = 0.0
        self._renew_at = 0.0
        self._seen: int | None = None
        self._under_way: dict[int, Claim] = {}
        self._barring: dict[int, Claim] = {}
        self._troubled = False

    def beat(self) -> Beat:
        """Renews the lease and looks, where it is time. Never raises: trouble is logged once."""
        now = self._monotonic()
        if not self._book.is_shared or now < self._look_at:
            return NOTHING
        self._look_at = now + LOOK_EVERY_S
        trouble: BookUnavailable | None = None
        try:
            self._renew_if_due(now)
        except BookUnavailable as error:  # freqtrade may hold the lock, which stops no reader
            trouble = error
        try:
            if trouble is not None and self._monotonic() - now > SLOW_S:
                return NOTHING
            return self._look()
        except BookUnavailable as error:
            trouble = error
            return NOTHING
        finally:
            self._note(trouble, took_s=self._monotonic() - now)

    def _renew_if_due(self, now: float) -> None:
        if now >= self._renew_at:
            self._renew_at = now + LOOK_EVERY_S
            self._lease.renew(inline=True)
            self._renew_at = now + RENEW_EVERY_S

    def _note(self, trouble: BookUnavailable | None, *, took_s: float) -> None:
        if trouble is not None:
            self._look_at += min(took_s * LEAVE_ALONE, LEAVE_ALONE_AT_MOST_S)
            if not self._troubled:
                logger.warning("Other processes cannot reach this bot for now: %s", trouble)
        self._troubled = trouble is not None

    def barred_by(self, pair: str) -> Claim | None:
        """The run of another process because of which *pair* must not be entered; asks anew.

        It bars from its start until :meth:`lift`, as a run of this process does.

        :raises BookUnavailable: if that cannot be read: refuse the entry, for nothing is known.
        """
        if not self._book.is_shared:
            return None
        none: dict[int, Claim] = {}
        found = self._book.read(self._claims, empty=none)
        with self._lock:
            barring = {**self._barring, **self._foreign(found)}
            return next((claim for claim in barring.values() if claim.covers(pair)), None)

    def lift(self) -> None:
        """``/start``: runs that are over bar nothing any more; one under way goes on barring."""
        with self._lock:
            self._barring = dict(self._under_way)

    def _look(self) -> Beat:
        def work(connection: Connection, now: Moment) -> tuple[bool, dict[int, Claim]]:
            request = next_waiting(connection, now, self._book.border)
            return request is not None, self._claims(connection, now)

        nothing: tuple[bool, dict[int, Claim]] = (False, {})
        waits, found = self._book.read(work, empty=nothing, inline=True)
        with self._lock:
            foreign = self._foreign(found)
            started = [c for n, c in foreign.items() if c.under_way and n not in self._under_way]
            ended = [claim for claim in foreign.values() if not claim.under_way]
            self._seen = max(self._seen or 0, *found, 0)
            self._barring |= foreign
            self._under_way = {n: claim for n, claim in foreign.items() if claim.under_way}
        return Beat(request_waits=waits, started=started, ended=ended)

    def _claims(self, connection: Connection, now: Moment) -> dict[int, Claim]:
        """Claims that may be news, by number. The first look takes what is over for known."""
        if self._seen is None:
            self._seen = newest_number(connection)
        oldest = min(self._under_way, default=self._seen + 1)
        claims = claims_after(connection, now, min(self._seen, oldest - 1), self._book.border)
        return {claim.number: claim for claim in claims}

    def _foreign(self, found: Mapping[int, Claim]) -> dict[int, Claim]:
        """Those of other processes that are under way, were, or are new."""
        return {
            number: claim
            for number, claim in found.items()
            if claim.holder != self._book.holder
            and (claim.under_way or number in self._under_way or number > (self._seen or 0))
        }

"""Turns: one run per database at a time, enforced by the database."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from freqtrade_liquidation.audit import shared_rows
from freqtrade_liquidation.audit.rows import Border
from freqtrade_liquidation.audit.tables import CLAIMS
from freqtrade_liquidation.host.lease.clock import Moment
from freqtrade_liquidation.host.lease.database import BookDatabase

MARGIN_S: Final = 1.0
"""A run ends at most 0.3 s after its deadline; its claim outlives it by this much."""
LONGEST_S: Final = 60.5
"""The longest ``timeout_seconds``, and what a run may overrun it by. No row holds a turn longer."""
ASK_AGAIN_S: Final = 0.05
KEPT: Final = 50
LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A process's turn.

    :param number: grows by one with each claim.
    :param pairs: ``None`` = the whole book.
    :param under_way: neither released nor expired.
    :param booked: it wrote freqtrade's trades itself; ``None`` = it did not say (it was cut off).
    :param flat: it saw its scope flat on the exchange; ``None`` = it did not say.
    """

    number: int
    correlation_id: str
    holder: str
    host: str
    pairs: frozenset[str] | None
    under_way: bool
    booked: bool | None
    flat: bool | None

    def covers(self, pair: str) -> bool:
        """Whether *pair* is in its scope."""
        return self.pairs is None or pair in self.pairs


class RunClaims:
    """Takes and gives back this process's turn. Raises ``BookUnavailable``, nothing else."""

    def __init__(
        self,
        book: BookDatabase,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._book = book
        self._monotonic = monotonic
        self._sleep = sleep

    def acquire(
        self,
        correlation_id: str,
        *,
        for_s: float,
        pairs: Collection[str] | None = None,
        wait_s: float = 0.0,
    ) -> bool:
        """Takes the turn for *for_s* seconds, waiting at most *wait_s* for another process.

        :param for_s: until the run's own absolute deadline.
        :returns: False = another process has it still.
        :raises BookUnavailable: if the database cannot be written.
        """
        until = self._monotonic() + wait_s
        while not self._acquire_now(correlation_id, for_s, pairs):
            if self._monotonic() >= until:
                return False
            self._sleep(ASK_AGAIN_S)
        return True

    def release(
        self, correlation_id: str, *, booked: bool | None = None, flat: bool | None = None
    ) -> None:
        """Gives the turn back, and says how the run went."""
        ours = (CLAIMS.c.correlation_id == correlation_id) & (CLAIMS.c.holder == self._book.holder)
        change = update(CLAIMS).where(ours).values(released=True, booked=booked, flat=flat)
        self._book.write(lambda connection, now: connection.execute(change) and None)

    def under_way(self) -> Claim | None:
        """Whose turn it is; ``None`` = nobody's."""
        nobody: Sequence[Claim] = ()
        return next(iter(self._book.read(self._open, empty=nobody)), None)

    def _open(self, connection: Connection, now: Moment) -> Sequence[Claim]:
        found = _claims(connection, now, CLAIMS.c.released.is_(False), self._book.border)
        return [claim for claim in found if claim.under_way]

    def _acquire_now(
        self, correlation_id: str, for_s: float, pairs: Collection[str] | None
    ) -> bool:
        def work(connection: Connection, now: Moment) -> bool:
            if any(claim.holder != self._book.holder for claim in self._open(connection, now)):
                return False
            number = newest_number(connection) + 1
            connection.execute(delete(CLAIMS).where(CLAIMS.c.number <= number - KEPT))
            if number >= shared_rows.HIGHEST_CLAIM:  # no run of ours made it: count anew
                connection.execute(delete(CLAIMS))
                number = 1
            connection.execute(
                insert(CLAIMS).values(
                    number=number,
                    correlation_id=correlation_id,
                    holder=self._book.holder,
                    host=self._book.host,
                    pairs=None if pairs is None else sorted(pairs),
                    for_s=for_s,
                    released=False,
                    **now.columns("claimed_at"),
                )
            )
            return True

        return self._book.write(work)


def newest_number(connection: Connection) -> int:
    """Of all claims; 0 = there is none."""
    highest = select(CLAIMS.c.number).where(_is_number()).order_by(CLAIMS.c.number.desc())
    return int(connection.scalar(highest.limit(1)) or 0)


def claims_after(
    connection: Connection, now: Moment, number: int, border: Border
) -> Sequence[Claim]:
    """Claims later than *number*, and those that are still open, oldest first."""
    wanted = or_(CLAIMS.c.number > number, CLAIMS.c.released.is_(False))
    return _claims(connection, now, wanted, border)


def _is_number() -> ColumnElement[bool]:
    """SQLite takes any text for larger than any number."""
    known: ColumnElement[bool] = CLAIMS.c.number.between(1, shared_rows.HIGHEST_CLAIM)
    return known


def _claims(
    connection: Connection, now: Moment, wanted: ColumnElement[bool], border: Border
) -> Sequence[Claim]:
    """The newest that fit, oldest first."""
    query = select(CLAIMS).where(_is_number() & wanted).order_by(CLAIMS.c.number.desc())
    found = connection.execute(query.limit(LOOKED_AT)).mappings().all()
    passed = (
        border.passed(CLAIMS.name, row["number"], partial(_claim, dict(row), now))
        for row in reversed(found)
    )
    return [claim for claim in passed if claim is not None]


def _claim(raw: Mapping[str, Any], now: Moment) -> Claim:
    row = shared_rows.claim(raw)
    lasts = abs(now.age_s(row, "claimed_at")) < min(row["for_s"], LONGEST_S) + MARGIN_S
    return Claim(
        number=row["number"],
        correlation_id=row["correlation_id"],
        holder=row["holder"],
        host=row["host"],
        pairs=None if row["pairs"] is None else frozenset(row["pairs"]),
        under_way=lasts and not row["released"],
        booked=row["booked"],
        flat=row["flat"],
    )

"""The bot's lease: which process works on this database, and whether it still does."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import OperationalError, ProgrammingError

from freqtrade_liquidation.audit import schema, shared_rows
from freqtrade_liquidation.audit.rows import Border
from freqtrade_liquidation.audit.tables import LEASE
from freqtrade_liquidation.exchange.last_answers import LastAnswers, SignedAnswers
from freqtrade_liquidation.host.lease.clock import Moment
from freqtrade_liquidation.host.lease.database import BookDatabase

logger = logging.getLogger(__name__)

FRESH_FOR_S: Final = 60.0
"""A bot that has not renewed for longer is gone; below, it may only be slow: book nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSight:
    """The lease as one look showed it.

    :param host: name of the machine or container.
    :param counter: grows with each renewal.
    :param renewed_at: aware UTC, by the holder's wall clock; for people.
    :param age_s: since the last renewal, by a shared clock where there is one. Negative: the
        holder's clock was ahead of ours.
    :param exact: by a shared clock; else by the wall clocks of two machines, which may differ.
    :param released: the bot ended in good order.
    """

    holder: str
    host: str
    counter: int
    renewed_at: datetime
    age_s: float
    exact: bool
    released: bool

    @property
    def is_fresh(self) -> bool:
        """The bot runs, or is slow to answer. A time far ahead is no better than one far back."""
        return not self.released and abs(self.age_s) < FRESH_FOR_S

    @property
    def is_gone(self) -> bool:
        """Nobody needs to be asked: it has ended, or was silent for long by a clock we trust."""
        return self.released or (self.exact and not self.is_fresh)

    def has_moved(self, later: "LeaseSight | None") -> bool:
        """Renewed between two looks: alive, whatever the clocks say."""
        return later is not None and (later.holder, later.counter) != (self.holder, self.counter)


class Lease:
    """The one lease of a database. The bot that started last has it.

    :ivar answers: what the bot's exchange has answered, told with each renewal; ``None`` = nothing
        is told of it.
    """

    def __init__(self, book: BookDatabase) -> None:
        self._book = book
        self._taken = False
        self._is_mute = False
        self.answers: SignedAnswers | None = None

    def renew(self, *, inline: bool = False) -> bool:
        """Says that this bot is alive; the first time, takes the lease from whoever had it.

        :returns: False if a bot that started later has it and has not let go of it.
        :raises BookUnavailable: if the database does not answer.
        """
        renewed = self._book.write(self._renew, inline=inline)
        self._taken = self._taken or renewed
        return renewed

    def release(self) -> None:
        """At a clean end, so that the next command need not wait for us.

        :raises BookUnavailable: if the database does not answer.
        """
        self._taken = False
        self._book.write(self._release)

    def look(self) -> LeaseSight | None:
        """The lease; ``None`` = no bot of ours ever ran on this database.

        :raises BookUnavailable: if the database does not answer.
        """
        return self._book.read(self._look, empty=None)

    def answers_told(self) -> LastAnswers | None:
        """What the bot has told of its exchange's answers, as of now; ``None`` = no bot that lives
        has told it, or not in its own words.

        :raises BookUnavailable: if the database does not answer.
        """
        return self._book.read(self._answers_told, empty=None)

    def _answers_told(self, connection: Connection, now: Moment) -> LastAnswers | None:
        sight = self._look(connection, now)
        if (
            sight is None
            or not sight.is_fresh
            or not schema.has_column(connection, LEASE.c.answers)
        ):
            return None
        raw = connection.scalar(select(LEASE.c.answers).where(LEASE.c.id == 1))
        if raw is None:
            return None
        row = self._book.border.passed(LEASE.name, 1, lambda: shared_rows.answers(raw))
        return None if row is None else LastAnswers.of(row, later_s=sight.age_s)

    def _look(self, connection: Connection, now: Moment) -> LeaseSight | None:
        return _look(connection, now, self._book.border)

    def _renew(self, connection: Connection, now: Moment) -> bool:
        values: dict[str, Any] = {
            "holder": self._book.holder,
            "host": self._book.host,
            "released": False,
            **now.columns("renewed_at"),
        }
        sight = self._look(connection, now)
        if sight is None:  # none, or none that is one
            connection.execute(delete(LEASE).where(LEASE.c.id == 1))
            connection.execute(insert(LEASE).values(id=1, counter=1, **values))
        elif self._taken and sight.holder != self._book.holder and sight.is_fresh:
            return False
        else:
            connection.execute(update(LEASE).values(counter=sight.counter + 1, **values))
        self._tell_answers(connection)
        return True

    def _tell_answers(self, connection: Connection) -> None:
        """It is for people: a restored table may lack the column, and that must not cost the
        lease."""
        told = None if self.answers is None else self.answers.last().to_dict()
        try:
            with connection.begin_nested():
                connection.execute(update(LEASE).values(answers=told))
        except (OperationalError, ProgrammingError) as error:
            if not self._is_mute:
                logger.warning(
                    "Other processes are not told what the exchange answers: %s. If the table %s "
                    "lacks a column, drop it: the bot makes it again.", error.orig, LEASE.name,
                )  # fmt: skip
            self._is_mute = True

    def _release(self, connection: Connection, now: Moment) -> None:
        ours = LEASE.c.holder == self._book.holder
        connection.execute(
            update(LEASE)
            .where(ours)
            .values(
                released=True,
                counter=LEASE.c.counter + 1,
                **now.columns("renewed_at"),
            )
        )


_THE_LEASE: Final = select(*(c for c in LEASE.c if c is not LEASE.c.answers)).where(LEASE.c.id == 1)
"""Without what is for people: an older table lacks it, and junk in it must not cost the lease."""


def _look(connection: Connection, now: Moment, border: Border) -> LeaseSight | None:
    raw = connection.execute(_THE_LEASE).mappings().first()
    if raw is None:
        return None
    row = border.passed(LEASE.name, 1, lambda: shared_rows.lease(dict(raw)))
    if row is None:
        return None
    return LeaseSight(
        holder=row["holder"],
        host=row["host"],
        counter=row["counter"],
        renewed_at=row["renewed_at"],
        age_s=now.age_s(row, "renewed_at"),
        exact=row["clock_id"] == now.clock_id,
        released=row["released"],
    )

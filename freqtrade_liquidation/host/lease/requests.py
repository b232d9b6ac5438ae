"""Requests that another process leaves for the bot. Exactly one of them carries one out."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, delete, insert, or_, select, update

from freqtrade_liquidation.audit import shared_rows
from freqtrade_liquidation.audit.rows import Border
from freqtrade_liquidation.audit.tables import REQUESTS
from freqtrade_liquidation.host.lease.clock import Moment
from freqtrade_liquidation.host.lease.database import BookDatabase
from freqtrade_liquidation.model import Request

TAKEN_WITHIN_S: Final = 2.0
"""What the bot has not taken by then, the asker does itself."""
GOOD_FOR_S: Final = 10.0
"""An asker that died before it could withdraw: nobody wants that run in an hour."""
KEPT: Final = 50
LOOKED_AT: Final = 100


class RequestState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """A request in the database.

    :param correlation_id: of the run for it; ``None`` = it has not begun.
    :param result: ``LiquidationResult.to_dict()``, masked; ``None`` = not done.
    """

    id: str
    state: RequestState
    pairs: frozenset[str] | None
    actor: str | None
    reason: str | None
    correlation_id: str | None
    result: Mapping[str, Any] | None

    def as_request(self) -> Request:
        """For the run."""
        return Request(trigger="cli", actor=self.actor, reason=self.reason, pairs=self.pairs)


class Requests:
    """Leave, take, withdraw and answer. Every method raises ``BookUnavailable``, nothing else."""

    def __init__(self, book: BookDatabase) -> None:
        self._book = book

    def leave(self, request: Request, *, request_id: str | None = None) -> str:
        """Asks the bot to run *request*; returns the request's id.

        :param request_id: of a call that may have failed: it is left once.
        """
        request_id = request_id or uuid.uuid4().hex

        def work(connection: Connection, now: Moment) -> None:
            if connection.scalar(select(REQUESTS.c.id).where(REQUESTS.c.id == request_id)):
                return
            _forget_old(connection, now)
            connection.execute(
                insert(REQUESTS).values(
                    id=request_id,
                    pairs=None if request.pairs is None else sorted(request.pairs),
                    actor=request.actor,
                    reason=request.reason,
                    state=str(RequestState.WAITING),
                    **now.columns("created_at"),
                )
            )

        self._book.write(work)
        return request_id

    def take_next(self) -> StoredRequest | None:
        """The oldest request that waits: from now on this process must carry it out."""

        def work(connection: Connection, now: Moment) -> StoredRequest | None:
            stored = next_waiting(connection, now, self._book.border)
            if stored is None:
                return None
            taken = {"state": str(RequestState.TAKEN), "taken_by": self._book.holder}
            connection.execute(update(REQUESTS).where(REQUESTS.c.id == stored.id).values(**taken))
            return replace(stored, state=RequestState.TAKEN)

        return self._book.write(work)

    def withdraw(self, request_id: str) -> bool:
        """Takes it back; False = too late, it was taken: whoever took it has it."""

        def work(connection: Connection, now: Moment) -> bool:
            waiting = (REQUESTS.c.id == request_id) & (
                REQUESTS.c.state == str(RequestState.WAITING)
            )
            change = update(REQUESTS).where(waiting).values(state=str(RequestState.WITHDRAWN))
            if connection.execute(change).rowcount:
                return True
            found = connection.scalar(select(REQUESTS.c.state).where(REQUESTS.c.id == request_id))
            return found in (None, str(RequestState.WITHDRAWN))

        return self._book.write(work)

    def begun(self, request_id: str, correlation_id: str) -> None:
        """The run for it has this id: whoever asked can follow its audit trail."""
        self._set(request_id, correlation_id=correlation_id)

    def answer(self, request_id: str, correlation_id: str, result: Mapping[str, Any]) -> None:
        """The end of it.

        :param result: ``LiquidationResult.to_dict()``, masked by the caller.
        """
        done = str(RequestState.DONE)
        self._set(request_id, correlation_id=correlation_id, result=dict(result), state=done)

    def get(self, request_id: str) -> StoredRequest | None:
        """As it stands."""

        def work(connection: Connection, now: Moment) -> StoredRequest | None:
            query = select(REQUESTS).where(REQUESTS.c.id == request_id)
            row = connection.execute(query).mappings().first()
            return None if row is None else _passed(dict(row), self._book.border)

        return self._book.read(work, empty=None)

    def _set(self, request_id: str, **values: Any) -> None:
        change = update(REQUESTS).where(REQUESTS.c.id == request_id).values(**values)
        self._book.write(lambda connection, now: connection.execute(change) and None)


def next_waiting(connection: Connection, now: Moment, border: Border) -> StoredRequest | None:
    """The oldest request that fits and is not too old."""
    waiting = select(REQUESTS).where(_waits_still(now))
    for order in (REQUESTS.c.created_at.asc(), REQUESTS.c.created_at.desc()):
        found = connection.execute(waiting.order_by(order).limit(LOOKED_AT)).mappings()
        for row in map(dict, found):
            stored = _passed(row, border)
            if stored is not None and abs(now.age_s(row, "created_at")) < GOOD_FOR_S:
                return stored
    return None


def _waits_still(now: Moment) -> ColumnElement[bool]:
    """By age, too: rows of whatever other time must not crowd out a request."""
    by_clock = REQUESTS.c.clock_s.between(now.clock_s - GOOD_FOR_S, now.clock_s + GOOD_FOR_S)
    good_for = timedelta(seconds=GOOD_FOR_S)
    by_wall = REQUESTS.c.created_at.between(now.wall - good_for, now.wall + good_for)
    same_clock = REQUESTS.c.clock_id == now.clock_id
    young = or_(and_(same_clock, by_clock), and_(~same_clock, by_wall))
    return and_(REQUESTS.c.state == str(RequestState.WAITING), young)


def _forget_old(connection: Connection, now: Moment) -> None:
    """The newest stay, to be asked for their results; before them those that wait to be taken."""
    rank = case((_waits_still(now), 0), else_=1)
    newest_first = select(REQUESTS.c.id).order_by(rank, REQUESTS.c.created_at.desc())
    old = connection.scalars(newest_first.offset(KEPT).limit(LOOKED_AT)).all()
    if old:
        connection.execute(delete(REQUESTS).where(REQUESTS.c.id.in_(old)))


def _passed(row: Mapping[str, Any], border: Border) -> StoredRequest | None:
    return border.passed(REQUESTS.name, row["id"], partial(_stored, row))


def _stored(raw: Mapping[str, Any]) -> StoredRequest:
    row = shared_rows.request(raw)
    return StoredRequest(
        id=row["id"],
        state=RequestState(row["state"]),
        pairs=None if row["pairs"] is None else frozenset(row["pairs"]),
        actor=row["actor"],
        reason=row["reason"],
        correlation_id=row["correlation_id"],
        result=row["result"],
    )

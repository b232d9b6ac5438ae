"""The audit tables as a store: one transaction a write, short reads. Raises; the log catches."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from freqtrade.persistence.base import ModelBase
from sqlalchemy import Engine, Select, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from freqtrade_liquidation.audit.appending import append
from freqtrade_liquidation.audit.chain import ChainHead, ChainReport, added, changed, verify
from freqtrade_liquidation.audit.engine import WRITING
from freqtrade_liquidation.audit.fallback import Line
from freqtrade_liquidation.audit.tables import AUDIT_TABLES, EVENTS, HEAD, RUNS, row_to_json

CHUNK: Final = 1000
ADVISORY_LOCK: Final = 0x6C69_7175_6964  # "liquid": the chain's lock on PostgreSQL


class AuditStore:
    """Reads and writes the audit tables.

    Every method raises ``sqlalchemy.exc.SQLAlchemyError`` if the database does not play along.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._tables_ready = False
        self.answers_by_itself = engine.dialect.name == "sqlite"
        """Its busy timeout bounds every call; a server's may never return."""

    def write(self, lines: Sequence[Line], *, written_ids: Iterable[str]) -> int:
        """Appends *lines* to the chain, leaving out what is in it; returns how many were new.

        :param written_ids: what to remember with the same commit.
        """
        ids = list(written_ids)
        try:
            return self._write(lines, ids)
        except (OperationalError, ProgrammingError) as error:
            if not self._tables_ready or not _lacks_a_table(error) or not self._is_freqtrades():
                raise
            self._tables_ready = False  # the database was replaced: make them, try once more
            return self._write(lines, ids)

    def _is_freqtrades(self) -> bool:
        """Not an empty file in the place of one that was moved away: what stood in it would be lost
        when that one is put back."""
        with self.engine.connect() as connection:
            return connection.dialect.has_table(connection, "trades")

    def _write(self, lines: Sequence[Line], written_ids: list[str]) -> int:
        with self.engine.connect().execution_options(**WRITING) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
            if not self._tables_ready:
                ModelBase.metadata.create_all(connection, tables=list(AUDIT_TABLES))
            count = append(connection, lines, written_ids)
        self._tables_ready = True
        return count

    def runs(self, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Newest first."""
        query = select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.correlation_id.desc())
        yield from self._rows(query.limit(limit))

    def run(self, correlation_id: str) -> dict[str, Any] | None:
        """The run's row, if there is one."""
        return next(self._rows(select(RUNS).where(RUNS.c.correlation_id == correlation_id)), None)

    def runs_since(self, moment: datetime) -> list[dict[str, Any]]:
        """Those that started at *moment* (aware UTC) or later, oldest first."""
        query = select(RUNS).where(RUNS.c.started_at >= moment).order_by(RUNS.c.started_at)
        return list(self._rows(query))

    def runs_in_state(self, state: str) -> list[dict[str, Any]]:
        """Oldest first."""
        query = select(RUNS).where(RUNS.c.state == state).order_by(RUNS.c.started_at)
        return list(self._rows(query))

    def events(
        self, correlation_id: str | None, types: Sequence[str] | None, after_sequence: int
    ) -> Iterator[dict[str, Any]]:
        """In sequence order; a short read for each thousand, so a slow reader blocks no writer."""
        query = select(EVENTS).order_by(EVENTS.c.sequence).limit(CHUNK)
        if correlation_id is not None:
            query = query.where(EVENTS.c.correlation_id == correlation_id)
        if types is not None:
            query = query.where(EVENTS.c.event_type.in_(types))
        while True:
            rows = list(self._rows(query.where(EVENTS.c.sequence > after_sequence)))
            yield from rows
            if len(rows) < CHUNK:
                return
            after_sequence = rows[-1]["sequence"]

    def last_event(self, types: Sequence[str]) -> dict[str, Any] | None:
        """The youngest by its own time: an imported event may be older than its neighbours."""
        newest_first = (EVENTS.c.timestamp.desc(), EVENTS.c.sequence.desc())
        rows = (
            next(self._rows(query.order_by(*newest_first).limit(1)), None)
            for query in (select(EVENTS).where(EVENTS.c.event_type == kind) for kind in types)
        )
        found = [row for row in rows if row is not None]
        return max(found, key=lambda row: (row["timestamp"], row["sequence"]), default=None)

    def unsettled(self, kinds: Sequence[str], settled_by: str) -> list[tuple[str, str]]:
        """Run and pair of the events of *kinds* to which no event *settled_by* belongs.

        One statement over the index of types: 10,000 rows take milliseconds.
        """
        if not self._exists():
            return []
        of_run = EVENTS.c.correlation_id.is_not(None) & EVENTS.c.pair.is_not(None)
        keys = select(EVENTS.c.correlation_id, EVENTS.c.pair).where(of_run)
        begun = keys.where(EVENTS.c.event_type.in_(kinds))
        settled = keys.where(EVENTS.c.event_type == settled_by)
        with self.engine.connect() as connection:
            rows = connection.execute(begun.except_(settled)).all()
        return sorted((str(row[0]), str(row[1])) for row in rows)

    def last_sequence(self) -> int:
        """The head's; 0 = no event yet."""
        head = self._head() if self._exists() else None
        return 0 if head is None else head.sequence

    def verify(self) -> ChainReport:
        """Checks the chain up to the head of this moment; later rows are left out."""
        if not self._exists():
            return verify((), None)
        unreadable: list[int] = []
        head = self._head()
        report = verify(self._rows_until(head, unreadable), head)
        if unreadable and (report.sequence is None or report.sequence >= unreadable[0]):
            return changed(unreadable[0], "cannot be read: a value is not what its column holds")
        return report if not report.ok else self._beyond(head) or self._anchors() or report

    def _head(self) -> ChainHead | None:
        with self.engine.connect() as connection:
            row = connection.execute(select(HEAD.c.sequence, HEAD.c.hash)).first()
        return None if row is None else ChainHead(row.sequence, row.hash)

    def _rows_until(
        self, head: ChainHead | None, unreadable: list[int]
    ) -> Iterator[dict[str, Any]]:
        done = 0
        try:
            for row in self.events(None, None, 0):
                if head is not None and row["sequence"] > head.sequence:
                    return
                yield row
                done = row["sequence"]
        except (ValueError, TypeError):  # such as a time that is none: find the row
            yield from self._one_by_one(done, unreadable)

    def _one_by_one(self, done: int, unreadable: list[int]) -> Iterator[dict[str, Any]]:
        """Rows after *done* up to the first that cannot be read; its number in *unreadable*."""
        in_order = select(EVENTS.c.sequence).order_by(EVENTS.c.sequence)
        with self.engine.connect() as connection:
            numbers = list(connection.scalars(in_order.where(EVENTS.c.sequence > done)))
        for number in numbers:
            try:
                rows = list(self._rows(select(EVENTS).where(EVENTS.c.sequence == number)))
            except (ValueError, TypeError):
                unreadable.append(int(number))
                return
            yield from rows

    def _beyond(self, head: ChainHead | None) -> ChainReport | None:
        """Rows after the head, unless the head has moved on with them."""
        with self.engine.connect() as connection:
            last = connection.scalar(select(func.max(EVENTS.c.sequence))) or 0
        if head is None or last <= head.sequence or self._head() != head:
            return None
        return added(head.sequence + 1)

    def _anchors(self) -> ChainReport | None:
        """Each run remembers its last event: with those gone or replaced it does not fit."""
        columns = (RUNS.c.correlation_id, RUNS.c.last_sequence, EVENTS.c.hash.label("found"))
        joined = RUNS.outerjoin(EVENTS, EVENTS.c.sequence == RUNS.c.last_sequence)
        query = (
            select(*columns)
            .select_from(joined)
            .where(
                (RUNS.c.last_sequence > 0)
                & ((EVENTS.c.hash != RUNS.c.last_hash) | EVENTS.c.hash.is_(None))
            )
        )
        with self.engine.connect() as connection:
            row = connection.execute(query.order_by(RUNS.c.last_sequence).limit(1)).first()
        if row is None:
            return None
        return changed(row.last_sequence, f"does not fit what run {row.correlation_id} remembers")

    def _rows(self, query: Select[Any]) -> Iterator[dict[str, Any]]:
        if not self._exists():
            return
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        yield from (row_to_json(dict(row)) for row in rows)

    def _exists(self) -> bool:
        """A database without our tables is an empty history, not an error."""
        if not self._tables_ready:
            with self.engine.connect() as connection:
                self._tables_ready = connection.dialect.has_table(connection, HEAD.name)
        return self._tables_ready


def _lacks_a_table(error: DBAPIError) -> bool:
    """PostgreSQL's 42P01, or SQLite's words, for it has no code for it."""
    return getattr(error.orig, "sqlstate", None) == "42P01" or "no such table" in str(error.orig)

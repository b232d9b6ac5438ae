"""The audit tables as a store: one transaction a write, short reads. Raises; the log catches."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Select, and_, func, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from freqtrade_liquidation.audit import rows, schema
from freqtrade_liquidation.audit.appending import TrailEnd, append, last_decision, trail_end
from freqtrade_liquidation.audit.chain import ChainHead, ChainReport, verify
from freqtrade_liquidation.audit.checks import JSON_LENGTH, Misfit
from freqtrade_liquidation.audit.engine import WRITING, lacks_a_table
from freqtrade_liquidation.audit.rows import Border, Line
from freqtrade_liquidation.audit.tables import EVENTS, HEAD, RECORD_IDS, RUNS, row_to_json
from freqtrade_liquidation.audit.verifying import Verifier

CHUNK: Final = 1000
LOOKED_AT: Final = 100
"""Of the newest events of a kind: so many may be set aside before the search for one ends."""


class Doubtful(Exception):
    """The trail does not say for certain what was asked of it; why, in words."""


class AuditStore:
    """Reads and writes the audit tables.

    Every method raises ``sqlalchemy.exc.SQLAlchemyError`` if the database does not play along.

    :param border: what reads let through.
    """

    def __init__(self, engine: Engine, border: Border) -> None:
        self.engine = engine
        self._border = border
        self._is_prepared = False
        self._has_tables = False
        self.is_file = engine.dialect.name == "sqlite"

    def write(self, lines: Sequence[Line], *, written_ids: Iterable[str]) -> int:
        """Appends *lines* to the chain, leaving out what is in it; returns how many were new.

        :param written_ids: what to remember with the same commit.
        """
        ids = list(written_ids)
        try:
            return self._write(lines, ids)
        except (OperationalError, ProgrammingError) as error:
            if not self._is_prepared or not lacks_a_table(error) or not self._is_freqtrades():
                raise
            self._is_prepared = False  # the database was replaced: make them, try once more
            return self._write(lines, ids, anew=True)

    def _is_freqtrades(self) -> bool:
        """Not an empty file in the place of one that was moved away: what stood in it would be lost
        when that one is put back."""
        with self.engine.connect() as connection:
            return connection.dialect.has_table(connection, "trades")

    def _write(self, lines: Sequence[Line], written_ids: list[str], *, anew: bool = False) -> int:
        with self.engine.connect().execution_options(**WRITING) as connection:
            if not self._is_prepared:
                with connection.begin():
                    schema.prepare(connection, schema.AUDIT, anew=anew)
                self._is_prepared = self._has_tables = True
            with connection.begin():
                schema.lock(connection, schema.AUDIT)
                return append(connection, lines, written_ids)

    def runs(self, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Newest first."""
        query = select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.correlation_id.desc())
        yield from self._runs(query.limit(limit))

    def run(self, correlation_id: str) -> dict[str, Any] | None:
        """The run's row, if there is one."""
        return next(self._runs(select(RUNS).where(RUNS.c.correlation_id == correlation_id)), None)

    def runs_named(self, correlation_ids: Iterable[str]) -> list[dict[str, Any]]:
        """The rows of these."""
        named = RUNS.c.correlation_id.in_(list(correlation_ids))
        return list(self._runs(select(RUNS).where(named)))

    def runs_in_state(self, state: str) -> list[dict[str, Any]]:
        """Oldest first."""
        query = select(RUNS).where(RUNS.c.state == state).order_by(RUNS.c.started_at)
        return list(self._runs(query))

    def has_taken(self, line: Line) -> bool:
        """Whether a line that waits is in these tables already."""
        if not self._exist():
            return False
        ids = RECORD_IDS.c.record_id.in_([line.line_id, line.record_id])
        with self.engine.connect() as connection:
            return connection.execute(select(RECORD_IDS.c.record_id).where(ids)).first() is not None

    def knows_run(self, correlation_id: str) -> bool:
        """Whether the run, or an event of it, is in these tables."""
        if not self._exist():
            return False
        with self.engine.connect() as connection:
            return any(
                connection.execute(
                    select(table.c.correlation_id)
                    .where(table.c.correlation_id == correlation_id)
                    .limit(1)
                ).first()
                for table in (RUNS, EVENTS)
            )

    def events(
        self,
        correlation_id: str | None,
        types: Sequence[str] | None,
        after_sequence: int,
        *,
        as_stored: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """In sequence order, the chain's alone; a short read for each thousand, so that a slow
        reader blocks no writer.

        :param as_stored: to be shown and not obeyed: rows that were changed later, too.
        """
        if (head := self._head()) is None:
            return
        query = select(EVENTS).where(_in_chain(head)).order_by(EVENTS.c.sequence).limit(CHUNK)
        if correlation_id is not None:
            query = query.where(EVENTS.c.correlation_id == correlation_id)
        if types is not None:
            query = query.where(EVENTS.c.event_type.in_(types))
        while True:
            found = self._raw(query.where(EVENTS.c.sequence > after_sequence))
            for raw in found:
                after_sequence = int(raw["sequence"])
                if (row := self._event(raw, head, as_stored=as_stored)) is not None:
                    yield row
            if len(found) < CHUNK:
                return

    def count(self, correlation_id: str, types: Sequence[str]) -> int:
        """Events of *types* that a run has within the chain, believed or not."""
        if (head := self._head()) is None:
            return 0
        of_run = (EVENTS.c.correlation_id == correlation_id) & EVENTS.c.event_type.in_(types)
        in_chain = EVENTS.c.sequence.between(1, head.sequence)
        with self.engine.connect() as connection:
            query = select(func.count()).select_from(EVENTS).where(of_run & in_chain)
            return int(connection.scalar(query) or 0)

    def last_event(
        self, types: Sequence[str], *, for_certain: bool = False
    ) -> dict[str, Any] | None:
        """The one with the highest sequence that is believed. No clock has a say.

        :raises Doubtful: *for_certain*, if a later one, or the end of the chain, is not believed.
        """
        kept = self._last_decision(types) if for_certain else 0  # before what it is held against
        if (end := self._end()) is None:
            return None
        if for_certain and end.doubt is not None:
            raise Doubtful(end.doubt)
        head = end.head
        last = self._newest_number(types, head) if for_certain else None
        found: list[dict[str, Any]] = []
        for kind in types:  # by one index each
            of_kind = (EVENTS.c.event_type == kind) & _in_chain(head)
            query = select(EVENTS).where(of_kind).order_by(EVENTS.c.sequence.desc())
            for limit, offset in ((1, 0), (LOOKED_AT, 1)):
                raw = self._raw(query.limit(limit).offset(offset))
                rows_in = (self._event(row, head) for row in raw)
                newest = next((row for row in rows_in if row is not None), None)
                if newest is not None:
                    found.append(newest)
                    break
        event = max(found, key=lambda row: int(row["sequence"]), default=None)
        if last is not None and (event is None or event["sequence"] != last):
            raise Doubtful(f"event {last} was changed")
        if kept > (last or 0):
            raise Doubtful(f"event {kept} is not what it was")
        return event

    def _last_decision(self, types: Sequence[str]) -> int:
        if not self._exist():
            return 0
        try:
            with self.engine.connect() as connection:
                return last_decision(connection, types)
        except (OperationalError, ProgrammingError) as error:
            if not lacks_a_table(error):
                raise
            return 0  # the chain's end says so
        except Misfit as error:
            raise Doubtful(f"the last decision that the chain's head keeps: {error}") from error

    def _newest_number(self, types: Sequence[str], head: ChainHead) -> int | None:
        """Of any event of *types* up to *head*, believed or not."""
        of_kind = EVENTS.c.event_type.in_(types) & EVENTS.c.sequence.between(1, head.sequence)
        with self.engine.connect() as connection:
            last = connection.scalar(select(func.max(EVENTS.c.sequence)).where(of_kind))
        return None if last is None else int(last)

    def unsettled(self, kinds: Sequence[str], settled_by: str) -> list[tuple[str, str]]:
        """Run and pair of the events of *kinds* to which no event *settled_by* belongs.

        One statement over the index of types: 10,000 rows take milliseconds.
        """
        if (head := self._head()) is None:
            return []
        of_run = EVENTS.c.correlation_id.is_not(None) & EVENTS.c.pair.is_not(None)
        keys = select(EVENTS.c.correlation_id, EVENTS.c.pair).where(of_run & _in_chain(head))
        begun = keys.where(EVENTS.c.event_type.in_(kinds))
        settled = keys.where(EVENTS.c.event_type == settled_by)
        with self.engine.connect() as connection:
            found = connection.execute(begun.except_(settled)).all()
        return sorted((str(row[0]), str(row[1])) for row in found)

    def last_sequence(self) -> int:
        """The head's; 0 = no event yet."""
        head = self._head()
        return 0 if head is None else head.sequence

    def verify(self) -> ChainReport:
        """See :class:`.verifying.Verifier`."""
        return Verifier(self.engine).verify() if self._exist() else verify((), None)

    def _head(self) -> ChainHead | None:
        """``None`` = no table."""
        end = self._end()
        return None if end is None else end.head

    def _end(self) -> TrailEnd | None:
        """``None`` = no table."""
        if not self._exist():
            return None
        try:
            with self.engine.connect() as connection:
                end = trail_end(connection)
                # The first event of all may have been written between two statements.
                return end if end.doubt is None else trail_end(connection)
        except (OperationalError, ProgrammingError) as error:
            if not lacks_a_table(error):
                raise
        with self.engine.connect() as connection:
            return trail_end(connection, has_head=False)

    def _event(
        self, raw: dict[str, Any], head: ChainHead, *, as_stored: bool = False
    ) -> dict[str, Any] | None:
        def check() -> dict[str, Any]:
            row = rows.event(raw)
            if as_stored:
                return row
            if not rows.is_believed(row, up_to=head.sequence):
                raise Misfit("it is not as it was written: its hash does not fit")
            return dict(rows.readable(row))

        return self._border.passed(EVENTS.name, raw["sequence"], check)

    def _runs(self, query: Select[Any]) -> Iterator[dict[str, Any]]:
        if not self._exist():
            return
        for raw in self._raw(query):
            row = self._border.passed(RUNS.name, raw["correlation_id"], partial(rows.run, raw))
            if row is not None:
                yield row

    def _raw(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            found = connection.execute(query).mappings().all()
        return [row_to_json(dict(row)) for row in found]

    def _exist(self) -> bool:
        """A database without our tables is an empty history, not an error."""
        if not self._has_tables:
            with self.engine.connect() as connection:
                self._has_tables = any(
                    connection.dialect.has_table(connection, table.name)
                    for table in (HEAD, EVENTS, RUNS)
                )
        return self._has_tables


def _in_chain(head: ChainHead) -> ColumnElement[bool]:
    """From 1 to the head, and of a size that is read whole."""
    numbered = EVENTS.c.sequence.between(1, head.sequence)
    return and_(numbered, func.length(EVENTS.c.additional_data) <= JSON_LENGTH)

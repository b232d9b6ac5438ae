"""The audit log: database first, else the fallback file, else the process's log. Never silent."""

import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import DataError, IntegrityError, OperationalError, SQLAlchemyError

from freqtrade_liquidation.audit.chain import ChainReport, canonical, plain
from freqtrade_liquidation.audit.engine import is_in_memory, make_engine
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.fallback import FallbackFile
from freqtrade_liquidation.audit.former import FormerFile
from freqtrade_liquidation.audit.free_text import with_words
from freqtrade_liquidation.audit.identity import identity
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.pending import Entry, Pending
from freqtrade_liquidation.audit.rows import Border, Line, Row, SetAside, cut, readable, tie
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.audit.store import LOOKED_AT, AuditStore, Doubtful
from freqtrade_liquidation.bounded import bounded
from freqtrade_liquidation.errors import LiquidationError

ANSWERS_WITHIN_S: Final = 0.5
"""A server may be frozen, or its host gone: nothing but our own clock tells then."""
SYNCED_WITHIN_S: Final = 2.0
IN_A_RUN_S: Final = 0.3
"""A disk may hang, or be slow: SQLite itself waits for it as long as it takes. A run does not."""
LOOKED_AT_WITHIN_S: Final = 0.1
LATE_WITHIN_S: Final = 2.0
"""What is not written when its process ends is waited for this long."""
PAUSE_S: Final = 30.0
"""A server that did not answer in time is left alone this long: a run has five seconds in all."""
REST_FACTOR: Final = 4
"""A lock costs 100 ms a record. From the third in a row on, the database is left alone for four
times what that cost, then eight times, …: all the failures of a run cost 0.6 s of its five.
"""


class AuditUnreadable(LiquidationError):
    """The database did not answer a read of the audit trail; nothing is known, least "no latch"."""


class TrailDoubtful(AuditUnreadable):
    """The trail was read, and does not say for certain what was asked; why, in words."""


class AuditLog:
    """Writes events and runs into freqtrade's database, on an engine of its own.

    :param db_url: freqtrade's. In memory (``sqlite://``): everything goes to *fallback*.
    :param fallback: the second SQLite file, in user_data; see :func:`.identity.fallback_path`.
    :param masker: all free text that is written passes through it.
    :param patience_s: how long a record waits for each of the two files; see :class:`.Pending`.
    :ivar border: what reads let through, and what they set aside.
    :raises sqlalchemy.exc.ArgumentError: if *db_url* is none.
    """

    def __init__(
        self,
        db_url: str,
        *,
        fallback: Path,
        masker: Masker,
        patience_s: float = SYNCED_WITHIN_S,
        logger: logging.Logger | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger or logging.getLogger(__name__)
        self.border = Border(self._logger)
        in_memory = is_in_memory(db_url)
        self._store = None if in_memory else AuditStore(make_engine(db_url), self.border)
        waits_for_disk = self._store is None or self._store.is_file
        database = identity(db_url, fallback.parent)
        self._file = FallbackFile(fallback, database=database, border=self.border)
        self._former = FormerFile(fallback.parent, self._file, self._logger)
        self._masker = masker
        self._monotonic = monotonic
        self._leave_alone_until = 0.0
        self._failures = 0
        self._trouble: str | None = None
        self._import_trouble: str | None = None
        self._noted = 0
        self._to_file = Pending(self._file.append, name="audit-file", patience_s=patience_s)
        self._to_database = Pending(
            self._append,
            name="audit",
            patience_s=patience_s if waits_for_disk else ANSWERS_WITHIN_S,
            keeps=lambda error: isinstance(error, OperationalError),
        )

    @property
    def fallback(self) -> Path:
        """Where records wait that the database did not take."""
        return self._file.path

    def record(
        self,
        events: Sequence[AuditEvent],
        run: RunRecord | None = None,
        *,
        within_s: float | None = None,
    ) -> Durability:
        """Makes *events* and *run* durable in one transaction. Never raises.

        :param within_s: the most that each place is waited for; what reached neither by then is
            given up. ``None``: as the log was made, and it reaches the database later, if it can.
        """
        if not events and run is None:
            return Durability.DATABASE
        lines: list[Line] = []
        try:
            lines = self._lines(events, run)
            entry = self._to_database.add(lines)
            try:
                if self._in_database(entry, within_s):
                    return Durability.DATABASE
                self._to_file.write(self._to_file.add(lines), within_s=within_s)
            except Exception:
                if within_s is not None or self._store is None:
                    self._to_database.drop(entry)
                raise
            self._to_database.drop(entry)
            return Durability.FILE
        except Exception as error:  # noqa: BLE001 - the run goes on whatever happens to its record
            self._to_log(lines, events, error)
            return Durability.LOG

    def finish(self, *, within_s: float = LATE_WITHIN_S) -> bool:
        """Waits for what is written late. Whether all of it is, within *within_s* seconds."""
        return self._to_database.finish(within_s=within_s)

    def import_fallback(self) -> int:
        """Brings the lines that wait into the database, each once; returns how many.

        A line that fits nowhere is set aside in the file and told. Lines that cannot be brought in
        now wait. Never raises.
        """
        if self._store is None:
            return 0
        if not self._store.is_file and self._monotonic() < self._leave_alone_until:
            return 0  # half a second each time, in the bot's loop
        count = 0
        try:
            self._former.bring_in(self._store)
            count = self._take_in(self._store)
            self._import_trouble = None
        except Exception as error:  # noqa: BLE001 - whatever stands there: it must end no bot
            if isinstance(error, TimeoutError):
                self._leave_alone_until = self._monotonic() + PAUSE_S
            self._tell_import(error)
        self._note_set_aside()
        return count

    def runs(self, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Runs, newest first, JSON types, keys as the columns. :raises AuditUnreadable:"""
        with self._reading() as store:
            yield from store.runs(limit) if store else self._runs_in_file()[:limit]

    def run(self, correlation_id: str) -> dict[str, Any] | None:
        """The run, or ``None``. :raises AuditUnreadable:"""
        with self._reading() as store:
            if store is not None:
                return store.run(correlation_id)
            runs = {run["correlation_id"]: run for run in self._runs_in_file()}
            return runs.get(correlation_id)

    def runs_begun(self, *, after: int) -> list[dict[str, Any]]:
        """Runs that began later than the event *after*, and those that wait in the file.

        :raises AuditUnreadable: if the database cannot be read.
        """
        with self._reading() as store:
            waiting = self._runs_in_file()  # first: the import takes them from here to there
            if store is None:
                return waiting
            begun = store.events(None, [AuditEventType.STARTED], after)
            return waiting + store.runs_named({str(row["correlation_id"]) for row in begun})

    def waiting_runs(self) -> list[dict[str, Any]]:
        """Runs that wait in the file, newest first. :raises AuditUnreadable:"""
        with self._reading():
            return self._runs_in_file()

    def waiting_events(self, types: Sequence[AuditEventType]) -> list[dict[str, Any]]:
        """Events of *types* that wait in the file. :raises AuditUnreadable:"""
        with self._reading():
            rows = [self._own(line) for line in self._file.lines("event")]
        return [row for row in rows if row is not None and row["event_type"] in types]

    def unfinished_runs(self) -> list[dict[str, Any]]:
        """Runs whose state is ``in_progress``, oldest first. :raises AuditUnreadable:"""
        with self._reading() as store:
            if store is not None:
                return store.runs_in_state("in_progress")
            found = reversed(self._runs_in_file())
            return [run for run in found if run["state"] == "in_progress"]

    def events(
        self,
        correlation_id: str | None = None,
        types: Sequence[AuditEventType] | None = None,
        after_sequence: int = 0,
        *,
        as_stored: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Events in sequence order, JSON types, keys as the columns.

        :param as_stored: to be shown and not obeyed: rows that were changed later, too.
        :raises AuditUnreadable: if the database cannot be read.
        """
        with self._reading() as store:
            if store is not None:
                words = _words(types)
                yield from store.events(correlation_id, words, after_sequence, as_stored=as_stored)
                return
            for row in self._events_in_file():
                right_run = correlation_id in (None, row["correlation_id"])
                right_type = types is None or row["event_type"] in types
                if right_run and right_type and row["sequence"] > after_sequence:
                    yield row

    def count(self, correlation_id: str, types: Sequence[AuditEventType]) -> int:
        """How many events of *types* a run has, believed or not. :raises AuditUnreadable:"""
        with self._reading() as store:
            if store is not None:
                return store.count(correlation_id, _words(types) or [])
            found = self._events_in_file()
        return sum(
            r["correlation_id"] == correlation_id and r["event_type"] in types for r in found
        )

    def last_event(
        self, types: Sequence[AuditEventType], *, for_certain: bool = False
    ) -> dict[str, Any] | None:
        """The last event of *types* by its place in the trail; no clock has a say.

        What waits in the file is later than all that the database holds: a record goes to the
        database only after what waited before it. It has ``sequence`` ``None``.

        :param for_certain: else what is not believed is passed over.
        :raises AuditUnreadable: if the database or the file cannot be read.
        :raises TrailDoubtful: *for_certain*, if a later one may have stood there.
        """
        words = _words(types) or []
        with self._reading() as store:
            waiting = self._file.newest(words, LOOKED_AT)
            for line in waiting:
                if line is not None and (
                    line.data["event_type"] not in types or (store and store.has_taken(line))
                ):
                    continue
                if line is not None and (found := self._own(line)) is not None:
                    return found
                if for_certain:
                    raise TrailDoubtful("a line that waits in the fallback file was changed")
            if for_certain and len(waiting) == LOOKED_AT:
                raise TrailDoubtful("the fallback file holds more than was ever put into it")
            try:
                return store.last_event(words, for_certain=for_certain) if store else None
            except Doubtful as error:
                raise TrailDoubtful(str(error)) from error

    def _own(self, line: Line) -> dict[str, Any] | None:
        return self.border.passed(self._file.path.name, line.line_id, partial(_own, line))

    def unsettled(
        self, kinds: Sequence[AuditEventType], settled_by: AuditEventType
    ) -> list[tuple[str, str]]:
        """(correlation id, pair) of *kinds* without *settled_by*. :raises AuditUnreadable:"""
        with self._reading() as store:
            if store is not None:
                return store.unsettled(_words(kinds) or [], str(settled_by))
            found = self._events_in_file()
        keys = [(str(row["event_type"]), (row["correlation_id"], row["pair"])) for row in found]
        settled = {key for kind, key in keys if kind == settled_by}
        return sorted({key for kind, key in keys if kind in kinds and None not in key} - settled)

    def waits(self, kinds: Sequence[AuditEventType]) -> bool:
        """Whether events of *kinds* wait in the file. :raises AuditUnreadable:"""
        with self._reading() as store:
            return store is not None and any(self._file.newest(_words(kinds) or [], 1))

    def last_sequence(self) -> int | None:
        """``None``: in memory, where there is none. :raises AuditUnreadable:"""
        with self._reading() as store:
            return None if store is None else store.last_sequence()

    def verify(self) -> ChainReport:
        """Checks the whole chain. :raises AuditUnreadable:"""
        with self._reading() as store:
            if store is not None:
                return store.verify()
        return ChainReport(checked=0, message="An in-memory database has no chain to verify.")

    def close(self) -> None:
        """Gives the connections back, after what is written late."""
        self.finish()
        if self._store is not None:
            self._store.engine.dispose()

    def _lines(self, events: Sequence[AuditEvent], run: RunRecord | None) -> list[Line]:
        record_id = uuid.uuid4().hex
        rows = [cut(self._masked(_row(event))) for event in events]
        lines = [Line.of(record_id, "event", row) for row in rows]
        if run is not None:
            run_row = cut(self._masked(_row(run)))
            tie(rows, run_row)
            lines.append(Line.of(record_id, "run", run_row))
        return lines

    def _masked(self, row: dict[str, Any]) -> dict[str, Any]:
        return with_words(row, self._masker.text)

    def _in_database(self, entry: Entry, within_s: float | None) -> bool:
        began = self._monotonic()
        if self._store is None or began < self._leave_alone_until:
            return False
        try:
            self._to_database.write(entry, within_s=within_s)
        except Exception as error:  # noqa: BLE001 - drivers raise their own, too; the file is next
            self._rest(self._monotonic() - began, answered=not isinstance(error, TimeoutError))
            self._tell(self._masker.text(_brief(error)))
            return False
        self._failures, self._trouble = 0, None
        return True

    def _append(self, lines: list[Line]) -> None:
        assert self._store is not None, "nothing is pending for a database in memory"
        self._take_in_first(self._store)
        self._store.write(lines, written_ids={line.record_id for line in lines})

    def _tell(self, trouble: str) -> None:
        """Once for each trouble: a run has a dozen records."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._logger.warning(
                "Audit records go to %s, the database does not take them: %s",
                self._file.path,
                trouble,
            )

    def _tell_import(self, error: Exception) -> None:
        words = self._masker.text(_brief(error))
        if words != self._import_trouble:
            self._import_trouble = words
            self._logger.warning("Audit lines in %s wait: %s", self._file.path, words)

    def _rest(self, cost_s: float, *, answered: bool) -> None:
        """After a write that failed and took *cost_s*."""
        if not answered and self._store is not None and self._store.is_file:
            return  # it may be slow and still write: what comes meanwhile goes with the next commit
        self._failures += 1
        rest_s = REST_FACTOR * max(0, self._failures - 2) * cost_s if answered else PAUSE_S
        self._leave_alone_until = self._monotonic() + rest_s

    def _take_in_first(self, store: AuditStore) -> None:
        """What waits comes before what is written now, so that the sequence tells the order.

        A file that does not play along holds up no record.
        """
        try:
            if bounded(self._file.waits, timeout_s=LOOKED_AT_WITHIN_S, name="audit-file"):
                self._take_in(store)
        except (OSError, sqlite3.Error) as error:
            self._tell_import(error)

    def _take_in(self, store: AuditStore) -> int:
        """Lines from the file into the database, batch by batch, until none waits."""
        count = 0
        while batch := self._file.first():
            fitting = {number: line for number, line in batch if line is not None}
            if misfits := [number for number, line in batch if line is None]:
                self._file.set_aside(misfits, "it does not fit: see the log")
            try:
                count += self._write(store, list(fitting.values()))
            except (DataError, IntegrityError):
                count += self._one_by_one(store, fitting)
            self._file.remove(list(fitting))
        return count

    def _one_by_one(self, store: AuditStore, lines: Mapping[int, Line]) -> int:
        """A line that the database refuses keeps the others from nothing."""
        count = 0
        for number, line in lines.items():
            try:
                count += self._write(store, [line])
            except (DataError, IntegrityError) as error:
                why = f"the database refuses it: {self._masker.text(_brief(error))}"
                self._file.set_aside([number], why)
                self.border.tell(SetAside(self._file.path.name, str(number), why))
        return count

    @staticmethod
    def _write(store: AuditStore, lines: Sequence[Line]) -> int:
        """A write that comes too late is no harm: by its ids nothing is brought in twice."""
        ids = [line.line_id for line in lines]

        def write() -> int:
            return store.write(lines, written_ids=ids) if lines else 0

        if store.is_file:
            return write()
        return bounded(write, timeout_s=ANSWERS_WITHIN_S, name="audit")

    def _note_set_aside(self) -> None:
        """What was not believed stands in the trail, too; the same rows once."""
        rows = [str(row) for row in self.border.set_aside]
        if self._noted == len(rows):
            return
        self._noted = len(rows)
        kind = AuditEventType.ROWS_SET_ASIDE
        try:
            last = self.last_event([kind])
        except AuditUnreadable:
            last = None
        if last is None or last["additional_data"].get("rows") != rows:
            data = {"rows": rows}
            self.record([AuditEvent(event_type=kind, operation="control", additional_data=data)])

    def _to_log(self, lines: list[Line], events: Sequence[AuditEvent], error: Exception) -> None:
        cause = self._masker.text(_brief(error))
        self._logger.error("Audit record could not be stored (%s); it follows.", cause)
        for line in lines:
            self._logger.error("Audit record: %s", canonical(line.data))
        if not lines:  # not even JSON could be made of it
            self._logger.error("Audit record: %s", self._masker.text(repr(events)))

    @contextmanager
    def _reading(self) -> Iterator[AuditStore | None]:
        try:
            yield self._store
        except (SQLAlchemyError, sqlite3.Error, OSError, ValueError) as error:
            words = self._masker.text(_brief(error))
            raise AuditUnreadable(f"The audit trail cannot be read: {words}") from error

    def _runs_in_file(self) -> list[dict[str, Any]]:
        runs = {
            line.data["correlation_id"]: {**line.data, "last_sequence": None, "last_hash": None}
            for line in self._file.lines("run")
        }
        return sorted(runs.values(), key=lambda run: str(run["started_at"]), reverse=True)

    def _events_in_file(self) -> list[dict[str, Any]]:
        """For a database in memory: numbered as they stand."""
        return [
            {**_own(line), "sequence": number}
            for number, line in enumerate(self._file.lines("event"), start=1)
        ]


def _own(line: Line) -> dict[str, Any]:
    """An event that waits, as it would be read from the database."""
    row: Row = {"sequence": None, **line.data, "previous_hash": None, "hash": None}
    return dict(readable(row))


def _row(item: AuditEvent | RunRecord) -> dict[str, Any]:
    return {field.name: plain(getattr(item, field.name)) for field in fields(item)}


def _words(types: Sequence[AuditEventType] | None) -> list[str] | None:
    return None if types is None else [str(kind) for kind in types]


def _brief(error: BaseException) -> str:
    """Without SQLAlchemy's copy of the statement and its parameters."""
    cause = getattr(error, "orig", None) or error
    return " ".join(f"{type(cause).__name__}: {cause}".split())

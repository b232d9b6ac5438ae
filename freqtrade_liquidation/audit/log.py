"""The audit log: database first, else a fsynced file, else the process's log. Never silent."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from freqtrade_liquidation.audit.chain import ChainReport, canonical, plain
from freqtrade_liquidation.audit.engine import is_in_memory, make_engine
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.fallback import FallbackFile, Line, parse, read_raw
from freqtrade_liquidation.audit.free_text import with_words
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.audit.store import AuditStore
from freqtrade_liquidation.bounded import bounded
from freqtrade_liquidation.errors import LiquidationError

ANSWERS_WITHIN_S: Final = 0.5
"""A server may be frozen, or its host gone: nothing but our own clock tells then."""
PAUSE_S: Final = 30.0
"""A server that did not answer in time is left alone this long: a run has five seconds in all."""
REST_FACTOR: Final = 4
"""A lock costs 100 ms a record. From the third in a row on, the database is left alone for four
times what that cost, then eight times, …: all the failures of a run cost 0.6 s of its five.
"""


class AuditUnreadable(LiquidationError):
    """The database did not answer a read of the audit trail; nothing is known, least "no latch"."""


class AuditLog:
    """Writes events and runs into freqtrade's database, on an engine of its own.

    :param db_url: freqtrade's. In memory (``sqlite://``): everything goes to *fallback*.
    :param fallback: the JSON Lines file, in user_data.
    :param masker: all free text that is written passes through it.
    :raises sqlalchemy.exc.ArgumentError: if *db_url* is none.
    """

    def __init__(
        self,
        db_url: str,
        *,
        fallback: Path,
        masker: Masker,
        logger: logging.Logger | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = None if is_in_memory(db_url) else AuditStore(make_engine(db_url))
        self._file = FallbackFile(fallback)
        self._masker = masker
        self._logger = logger or logging.getLogger(__name__)
        self._monotonic = monotonic
        self._leave_alone_until = 0.0
        self._failures = 0
        self._trouble: str | None = None
        # Re-entrant: a signal handler that records must not wait for the record it interrupted.
        self._lock = threading.RLock()

    @property
    def fallback(self) -> Path:
        """Where records wait that the database did not take."""
        return self._file.path

    def record(self, events: Sequence[AuditEvent], run: RunRecord | None = None) -> Durability:
        """Makes *events* and *run* durable in one transaction. Never raises."""
        if not events and run is None:
            return Durability.DATABASE
        lines: list[Line] = []
        try:
            lines = self._lines(events, run)
            with self._lock:
                if self._in_database(lines):
                    return Durability.DATABASE
                self._file.append(lines)
            return Durability.FILE
        except Exception as error:  # noqa: BLE001 - the run goes on whatever happens to its record
            self._to_log(lines, events, error)
            return Durability.LOG

    def import_fallback(self) -> int:
        """Brings the file's lines into the database, each once; returns how many.

        A torn line is kept in ``<fallback>.unreadable`` and reported. A file that cannot be
        imported now waits for the next start. Never raises.
        """
        if self._store is None:
            return 0
        try:
            self._file.move_aside()
            return sum(self._import(self._store, path) for path in self._file.moved_aside())
        except (OSError, SQLAlchemyError) as error:
            self._logger.warning(
                "Audit lines in %s wait for the next start: %s",
                self._file.path,
                self._masker.text(_brief(error)),
            )
            return 0

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

    def runs_since(self, moment: datetime) -> list[dict[str, Any]]:
        """Runs that started at *moment* (aware UTC) or later, those that wait in the file included.

        :raises AuditUnreadable: if the database cannot be read.
        """
        began = datetime.fromisoformat
        with self._reading() as store:
            waiting = self._runs_in_file()  # first: the import takes them from here to there
            stored = store.runs_since(moment) if store else []
            return [run for run in waiting if began(run["started_at"]) >= moment] + stored

    def unfinished_runs(self) -> list[dict[str, Any]]:
        """Runs whose state is ``in_progress``, oldest first. :raises AuditUnreadable:"""
        with self._reading() as store:
            if store is not None:
                return store.runs_in_state("in_progress")
        return [run for run in reversed(self._runs_in_file()) if run["state"] == "in_progress"]

    def events(
        self,
        correlation_id: str | None = None,
        types: Sequence[AuditEventType] | None = None,
        after_sequence: int = 0,
    ) -> Iterator[dict[str, Any]]:
        """Events in sequence order, JSON types, keys as the columns. :raises AuditUnreadable:"""
        with self._reading() as store:
            if store is not None:
                yield from store.events(correlation_id, _words(types), after_sequence)
                return
        for row in self._events_in_file():
            right_run = correlation_id in (None, row["correlation_id"])
            right_type = types is None or row["event_type"] in types
            if right_run and right_type and row["sequence"] > after_sequence:
                yield row

    def last_event(self, types: Sequence[AuditEventType]) -> dict[str, Any] | None:
        """The youngest event of *types* by its own timestamp, waiting fallback lines included.

        Those have ``sequence`` ``None``. :raises AuditUnreadable:
        """
        with self._reading() as store:
            stored = store.last_event(_words(types) or []) if store else None
        waiting = [row for row in self._events_in_file() if row["event_type"] in types]
        found = ([stored] if stored else []) + waiting
        return max(found, key=lambda row: row["timestamp"], default=None)

    def unsettled(
        self, kinds: Sequence[AuditEventType], settled_by: AuditEventType
    ) -> list[tuple[str, str]]:
        """(correlation id, pair) of *kinds* without *settled_by*. :raises AuditUnreadable:"""
        with self._reading() as store:
            if store is not None:
                return store.unsettled(_words(kinds) or [], str(settled_by))
        rows = self._events_in_file()
        keys = [(str(row["event_type"]), (row["correlation_id"], row["pair"])) for row in rows]
        settled = {key for kind, key in keys if kind == settled_by}
        return sorted({key for kind, key in keys if kind in kinds and None not in key} - settled)

    def waits(self, kinds: Sequence[AuditEventType]) -> bool:
        """Whether events of *kinds* wait in the file for the database."""
        rows = [] if self._store is None else self._events_in_file()
        return any(row["event_type"] in kinds for row in rows)

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
        """Gives the connections back."""
        if self._store is not None:
            self._store.engine.dispose()

    def _lines(self, events: Sequence[AuditEvent], run: RunRecord | None) -> list[Line]:
        record_id = uuid.uuid4().hex
        rows: list[tuple[str, AuditEvent | RunRecord]] = [("event", event) for event in events]
        if run is not None:
            rows.append(("run", run))
        return [Line.of(record_id, kind, self._masked(_row(item))) for kind, item in rows]

    def _masked(self, row: dict[str, Any]) -> dict[str, Any]:
        return with_words(row, self._masker.text)

    def _in_database(self, lines: list[Line]) -> bool:
        began = self._monotonic()
        if self._store is None or began < self._leave_alone_until:
            return False
        try:
            self._write(self._store, lines)
        except Exception as error:  # noqa: BLE001 - drivers raise their own, too; the file is next
            self._rest(self._monotonic() - began, answered=not isinstance(error, TimeoutError))
            self._tell(self._masker.text(_brief(error)))
            return False
        self._failures, self._trouble = 0, None
        return True

    def _tell(self, trouble: str) -> None:
        """Once for each trouble: a run has a dozen records."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._logger.warning(
                "Audit records go to %s, the database does not take them: %s",
                self._file.path,
                trouble,
            )

    def _rest(self, cost_s: float, *, answered: bool) -> None:
        """After a write that failed and took *cost_s*."""
        self._failures += 1
        rest_s = REST_FACTOR * max(0, self._failures - 2) * cost_s if answered else PAUSE_S
        self._leave_alone_until = self._monotonic() + rest_s

    @staticmethod
    def _write(store: AuditStore, lines: list[Line]) -> None:
        """A write that comes too late is no harm: by its ids nothing is brought in twice."""

        def write() -> None:
            store.write(lines, written_ids=[lines[0].record_id])

        if store.answers_by_itself:
            write()
        else:
            bounded(write, timeout_s=ANSWERS_WITHIN_S, name="audit")

    def _to_log(self, lines: list[Line], events: Sequence[AuditEvent], error: Exception) -> None:
        cause = self._masker.text(_brief(error))
        self._logger.error("Audit record could not be stored (%s); it follows.", cause)
        for line in lines:
            self._logger.error("Audit record: %s", canonical(line.data))
        if not lines:  # not even JSON could be made of it
            self._logger.error("Audit record: %s", self._masker.text(repr(events)))

    def _import(self, store: AuditStore, path: Path) -> int:
        raw_lines = read_raw(path)
        parsed = [(raw, parse(raw)) for raw in raw_lines]
        lines = [line for _, line in parsed if line is not None]
        if torn := [raw for raw, line in parsed if line is None]:
            kept = self._file.keep_unreadable(torn)
            self._logger.error(
                "%d audit line(s) were cut off in mid-write; see %s.", len(torn), kept
            )
        count = store.write(lines, written_ids=[line.line_id for line in lines]) if lines else 0
        self._file.remove(path)
        return count

    @contextmanager
    def _reading(self) -> Iterator[AuditStore | None]:
        try:
            yield self._store
        except (SQLAlchemyError, OSError, ValueError) as error:
            words = self._masker.text(_brief(error))
            raise AuditUnreadable(f"The audit trail cannot be read: {words}") from error

    def _runs_in_file(self) -> list[dict[str, Any]]:
        runs = {
            line.data["correlation_id"]: {**line.data, "last_sequence": None, "last_hash": None}
            for line in self._file.pending()
            if line.kind == "run"
        }
        return sorted(runs.values(), key=lambda run: str(run["started_at"]), reverse=True)

    def _events_in_file(self) -> list[dict[str, Any]]:
        """In-memory database: numbered as they stand. Else they wait for their numbers."""
        rows = [line.data for line in self._file.pending() if line.kind == "event"]
        blank = {"previous_hash": None, "hash": None}
        return [
            {"sequence": number if self._store is None else None, **row, **blank}
            for number, row in enumerate(rows, start=1)
        ]


def _row(item: AuditEvent | RunRecord) -> dict[str, Any]:
    return {field.name: plain(getattr(item, field.name)) for field in fields(item)}


def _words(types: Sequence[AuditEventType] | None) -> list[str] | None:
    return None if types is None else [str(kind) for kind in types]


def _brief(error: BaseException) -> str:
    """Without SQLAlchemy's copy of the statement and its parameters."""
    cause = getattr(error, "orig", None) or error
    return " ".join(f"{type(cause).__name__}: {cause}".split())

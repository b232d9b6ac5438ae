"""``--verify``: the chain, what stands beside it, and runs that say other than their events.

All of it is linear in the rows that there are, whatever numbers stand in them: one walk through the
events, which notes what each tells of its run, then one through the runs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from freqtrade_liquidation.audit.appending import chain_head
from freqtrade_liquidation.audit.chain import (
    ChainHead,
    ChainReport,
    FaultKind,
    added,
    changed,
    removed,
    verify,
)
from freqtrade_liquidation.audit.checks import LARGEST, Misfit, shown
from freqtrade_liquidation.audit.engine import lacks_a_table
from freqtrade_liquidation.audit.events import AuditEventType
from freqtrade_liquidation.audit.rows import DIGEST, Row, cut, event, run, run_digest
from freqtrade_liquidation.audit.tables import EVENTS, RECORD_IDS, RUNS, row_to_json
from freqtrade_liquidation.state import ENDS, LiquidationState

CHUNK: Final = 1000
FINAL: Final[Mapping[str, frozenset[LiquidationState]]] = {
    AuditEventType.COMPLETED: frozenset({LiquidationState.COMPLETED}),
    AuditEventType.PARTIAL: frozenset({LiquidationState.PARTIAL}),
    AuditEventType.FAILED: frozenset({LiquidationState.FAILED}),
    AuditEventType.SKIPPED: frozenset({LiquidationState.SKIPPED}),
    AuditEventType.INTERRUPTED: frozenset({LiquidationState.PARTIAL, LiquidationState.FAILED}),
}
"""Which states of a run's row each last event allows."""
AT_START: Final = ("actor", "reason", "pairs")
AT_END: Final = (
    *("positions_closed", "positions_failed", "orders_cancelled"),
    *("total_realized_pnl", "duration_seconds"),
)
"""Columns of a run's row that the data of its first event, and of its last ones, tell as well."""


@dataclass(slots=True)
class _Told:
    """What the events of one run tell of its row.

    :ivar last: the number of the last event.
    :ivar final: the number and kind of the last one that ends a run.
    :ivar columns: what an event tells of a column, and its number.
    :ivar has_row: whether one of them was written together with a row.
    :ivar tied: the last one that was recorded with the row, and the row's digest. The beginning
        counts only where nothing else was: it may have waited in the fallback file, and have come
        into the chain behind the end.
    """

    last: int = 0
    final: tuple[int, str] | None = None
    columns: dict[str, tuple[Any, int]] = field(default_factory=dict)
    has_row: bool = False
    tied: tuple[int, str, bool] | None = None

    def note(self, row: Row) -> None:
        self.last = row["sequence"]
        begins = row["event_type"] == AuditEventType.STARTED
        data, kind = row["additional_data"], row["event_type"]
        said = {key: data[key] for key in (AT_START if begins else AT_END) if key in data}
        if kind in FINAL:
            self.final = self.last, kind
        elif begins:
            said |= {"trigger": row["trigger"], "config": row["config"]}
        elif kind != AuditEventType.PROFITS_ADDED:
            said = {}
        self.columns |= {key: (value, self.last) for key, value in cut(said).items()}
        digest = data.get(DIGEST)
        self.has_row |= begins or self.final is not None or digest is not None
        if digest is not None and not (begins and self.tied and not self.tied[2]):
            self.tied = self.last, str(digest), begins


class Verifier:
    """Reads the whole trail as it is stored, through no border.

    Its methods raise ``sqlalchemy.exc.SQLAlchemyError`` if the database does not answer.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._told: dict[str, _Told] = {}

    def verify(self) -> ChainReport:
        """Checks the chain up to the head of this moment; rows written meanwhile are left out."""
        head = self._head()
        with self._engine.connect() as connection:
            below = connection.scalar(select(func.min(EVENTS.c.sequence)))
        if below is not None and below < 1:
            return added(int(below))
        unreadable: list[int] = []
        report = verify(self._rows(head, unreadable), head)
        if unreadable and (report.sequence is None or report.sequence >= unreadable[0]):
            return changed(unreadable[0], "cannot be read: a value is not what its column holds")
        if not report.ok:
            return report
        end = 0 if head is None else head.sequence
        return self._beyond(head) or self._removed(end) or self._runs(end) or report

    def _head(self) -> ChainHead | None:
        """``None``, too, where its table is missing."""
        try:
            with self._engine.connect() as connection:
                return chain_head(connection)
        except (OperationalError, ProgrammingError) as error:
            if not lacks_a_table(error):
                raise
            return None

    def _rows(self, head: ChainHead | None, unreadable: list[int]) -> Iterator[Row]:
        """Up to the head, or up to the first row that is none; its number in *unreadable*."""
        query = select(EVENTS).order_by(EVENTS.c.sequence).limit(CHUNK)
        if head is not None:
            query = query.where(EVENTS.c.sequence <= head.sequence)
        done = 0
        while True:
            with self._engine.connect() as connection:
                rows = connection.execute(query.where(EVENTS.c.sequence > done)).mappings().all()
            for row in rows:
                done = int(row["sequence"])
                try:
                    found = event(row_to_json(dict(row)))
                except Misfit:
                    unreadable.append(done)
                    return
                if found["correlation_id"] is not None:
                    self._told.setdefault(found["correlation_id"], _Told()).note(found)
                yield found
            if len(rows) < CHUNK:
                return

    def _beyond(self, head: ChainHead | None) -> ChainReport | None:
        """Rows after the head, unless the head has moved on with them."""
        after = 0 if head is None else head.sequence
        with self._engine.connect() as connection:
            first = connection.scalar(
                select(func.min(EVENTS.c.sequence)).where(EVENTS.c.sequence > after)
            )
        if first is None or head is None or self._head() != head:
            return None
        return added(int(first))

    def _removed(self, end: int) -> ChainReport | None:
        """Events that the head has forgotten, too, and the ids of their records have not."""
        try:
            with self._engine.connect() as connection:
                in_range = RECORD_IDS.c.sequence.between(1, LARGEST)
                known = connection.scalar(select(func.max(RECORD_IDS.c.sequence)).where(in_range))
        except (OperationalError, ProgrammingError):  # tables of an earlier release have no such
            return None
        now = self._head()
        if known is None or known <= max(end, 0 if now is None else now.sequence):
            return None
        return removed(end + 1, int(known))

    def _runs(self, end: int) -> ChainReport | None:
        """The first run whose row does not fit its events, or that has lost its row."""
        told = dict(self._told)
        with self._engine.connect() as connection:
            rows = connection.execute(select(RUNS).order_by(RUNS.c.last_sequence)).mappings()
            for raw in map(dict, rows.all()):
                of_run = told.pop(str(raw["correlation_id"]), None) or _Told()
                if report := _fault_of(connection, row_to_json(raw), of_run, end):
                    return report
        lost = sorted((one.last, name) for name, one in told.items() if one.has_row)
        for sequence, name in lost[:1]:
            return _misfit(sequence, f"Run {name} has no row, but event {sequence} tells of it.")
        return None


def _fault_of(
    connection: Connection, row: dict[str, Any], told: _Told, end: int
) -> ChainReport | None:
    name = ascii(str(row["correlation_id"])[:64])[1:-1]
    try:
        row = run(row)
    except Misfit as error:
        number = row["last_sequence"] if isinstance(row["last_sequence"], int) else 0
        return _misfit(number, f"The row of run {name!r} is not as we write them: {error}.")
    last = row["last_sequence"]
    anchor = connection.scalar(select(EVENTS.c.hash).where(EVENTS.c.sequence == last))
    if anchor != row["last_hash"] or last < told.last:
        return changed(last, f"does not fit what run {name} remembers")
    if last > end:
        return None  # written meanwhile
    if not told.last:
        return _misfit(last, f"Run {name} stands beside the chain: no event tells of it.")
    if words := _contradiction(row, told):
        return _misfit(last, f"Run {name} {words}.")
    return None


def _contradiction(row: Row, told: _Told) -> str | None:
    """What the row of a run says and its events do not, in words."""
    state = row["state"]
    if told.final is None and state in ENDS:
        return f"is called {state}, but no event says how it ended"
    if told.final is not None and state not in FINAL[told.final[1]]:
        return f"is called {state}, but event {told.final[0]} is {told.final[1]}"
    if told.tied is not None and told.tied[1] == run_digest(row):
        return None
    for key, (said, number) in told.columns.items():
        if said != row[key]:
            return f"has {key} {shown(row[key])}, but event {number} says {shown(said)}"
    if told.tied is None:  # of an earlier release
        return None
    return f"was changed: its row is not the one that event {told.tied[0]} was recorded with"


def _misfit(sequence: int, message: str) -> ChainReport:
    return ChainReport(checked=sequence, message=message, kind=FaultKind.CHANGED, sequence=sequence)

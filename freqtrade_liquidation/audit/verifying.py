"""``--verify``: the chain, what stands beside it, and runs that say other than their events."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select

from freqtrade_liquidation.audit.appending import chain_head
from freqtrade_liquidation.audit.chain import ChainHead, ChainReport, added, changed, verify
from freqtrade_liquidation.audit.checks import Misfit
from freqtrade_liquidation.audit.events import AuditEventType
from freqtrade_liquidation.audit.rows import Row, event, run
from freqtrade_liquidation.audit.tables import EVENTS, RUNS, row_to_json
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
COUNTS: Final = ("positions_closed", "positions_failed", "orders_cancelled")


class Verifier:
    """Reads the whole trail as it is stored, through no border.

    Its methods raise ``sqlalchemy.exc.SQLAlchemyError`` if the database does not answer.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def verify(self) -> ChainReport:
        """Checks the chain up to the head of this moment; rows written meanwhile are left out."""
        with self._engine.connect() as connection:
            head = chain_head(connection)
            below = connection.scalar(select(func.min(EVENTS.c.sequence)))
        if below is not None and below < 1:
            return added(int(below))
        unreadable: list[int] = []
        report = verify(self._rows(head, unreadable), head)
        if unreadable and (report.sequence is None or report.sequence >= unreadable[0]):
            return changed(unreadable[0], "cannot be read: a value is not what its column holds")
        return report if not report.ok else self._beyond(head) or self._runs() or report

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
                    yield event(row_to_json(dict(row)))
                except Misfit:
                    unreadable.append(done)
                    return
            if len(rows) < CHUNK:
                return

    def _beyond(self, head: ChainHead | None) -> ChainReport | None:
        """Rows after the head, unless the head has moved on with them."""
        after = 0 if head is None else head.sequence
        with self._engine.connect() as connection:
            first = connection.scalar(
                select(func.min(EVENTS.c.sequence)).where(EVENTS.c.sequence > after)
            )
            if first is None or head is None or chain_head(connection) != head:
                return None
        return added(int(first))

    def _runs(self) -> ChainReport | None:
        """The first run whose row does not fit its events."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(RUNS).order_by(RUNS.c.last_sequence)).mappings()
            for row in map(dict, rows.all()):
                if (report := _fault_of(connection, row_to_json(row))) is not None:
                    return report
        return None


def _fault_of(connection: Connection, row: dict[str, Any]) -> ChainReport | None:
    name = str(row["correlation_id"])[:64]
    try:
        row = run(row)
    except Misfit as error:
        return _misfit(row, f"The row of run {name!a} is not as we write them: {error}.")
    anchor = connection.scalar(
        select(EVENTS.c.hash).where(EVENTS.c.sequence == row["last_sequence"])
    )
    if row["last_sequence"] > 0 and anchor != row["last_hash"]:
        return changed(row["last_sequence"], f"does not fit what run {name} remembers")
    of_run = (EVENTS.c.correlation_id == row["correlation_id"]) & EVENTS.c.event_type.in_(FINAL)
    found = select(EVENTS).where(of_run).order_by(EVENTS.c.sequence.desc()).limit(1)
    last = connection.execute(found).mappings().first()
    if last is None:
        if row["state"] not in ENDS:
            return None  # under way, or cut off
        return _misfit(row, f"Run {name} is called {row['state']}, but no event says how it ended.")
    if row["state"] not in FINAL[last["event_type"]]:
        return _misfit(row, f"Run {name} is called {row['state']}, but event {last['sequence']} "
                       f"is {last['event_type']}.")  # fmt: skip
    told = last["additional_data"]
    for key in COUNTS:
        if isinstance(told, dict) and told.get(key, row[key]) != row[key]:
            return _misfit(row, f"Run {name} has {key} {row[key]}, but event {last['sequence']} "
                           f"says {told[key]!a}.")  # fmt: skip
    return None


def _misfit(row: Row, message: str) -> ChainReport:
    number = row["last_sequence"]
    sequence = number if isinstance(number, int) else 0
    report = changed(sequence, "")
    return ChainReport(checked=sequence, message=message, kind=report.kind, sequence=sequence)

"""Appending to the audit tables, inside a transaction of the caller's."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from freqtrade_liquidation.audit.chain import ChainHead, event_hash
from freqtrade_liquidation.audit.fallback import Line
from freqtrade_liquidation.audit.tables import EVENTS, HEAD, RECORD_IDS, RUNS

_RUN_TIMES: Final = ("started_at", "finished_at")


def append(connection: Connection, lines: Sequence[Line], written_ids: list[str]) -> int:
    """Chains and inserts *lines* that are new, and returns how many were.

    The caller holds the chain's lock and commits.

    :param written_ids: what to remember with the same commit.
    """
    lines = _new(connection, lines)
    head = _current_head(connection)
    rows = []
    for line in lines:
        if line.kind == "event":
            row = {**line.data, "sequence": head.sequence + 1, "previous_hash": head.hash}
            head = ChainHead(row["sequence"], event_hash(head.hash, row))
            rows.append({**row, "hash": head.hash, "timestamp": _moment(row["timestamp"])})
    if rows:
        connection.execute(insert(EVENTS), rows)
        _move_head(connection, head)
    for line in lines:
        if line.kind == "run":
            _upsert_run(connection, line.data, head)
    _anchor_runs(connection, rows)
    if new_ids := sorted(set(written_ids) - _known(connection, written_ids)):
        connection.execute(insert(RECORD_IDS), [{"record_id": one} for one in new_ids])
    return len(lines)


def _new(connection: Connection, lines: Sequence[Line]) -> list[Line]:
    """*lines* without those that a commit has already brought in."""
    wanted = {line.line_id for line in lines} | {line.record_id for line in lines}
    known = _known(connection, sorted(wanted))
    return [line for line in lines if not known & {line.line_id, line.record_id}]


def _known(connection: Connection, ids: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(ids), 500):  # SQLite once allowed 999 parameters
        chunk = RECORD_IDS.c.record_id.in_(ids[start : start + 500])
        known.update(connection.scalars(select(RECORD_IDS.c.record_id).where(chunk)))
    return known


def _current_head(connection: Connection) -> ChainHead:
    """The later of head and last row: never a number twice, and a removed tail stays a gap."""
    columns = (EVENTS.c.sequence, EVENTS.c.hash)
    last_row = select(*columns).order_by(EVENTS.c.sequence.desc()).limit(1)
    last = connection.execute(last_row).first()
    head = connection.execute(select(HEAD.c.sequence, HEAD.c.hash)).first()
    known = [ChainHead(row.sequence, row.hash) for row in (last, head) if row is not None]
    return max(known, key=lambda one: one.sequence, default=ChainHead())


def _move_head(connection: Connection, head: ChainHead) -> None:
    values = {"sequence": head.sequence, "hash": head.hash}
    if connection.execute(update(HEAD).values(**values)).rowcount == 0:
        connection.execute(insert(HEAD).values(id=1, **values))


def _upsert_run(connection: Connection, data: Mapping[str, Any], head: ChainHead) -> None:
    values = {key: _moment(item) if key in _RUN_TIMES else item for key, item in data.items()}
    values |= {"last_sequence": head.sequence, "last_hash": head.hash}
    this = RUNS.c.correlation_id == data["correlation_id"]
    known = connection.execute(select(RUNS.c.finished_at).where(this)).first()
    if known is None:
        connection.execute(insert(RUNS).values(**values))
    elif known.finished_at is None or values["finished_at"] is not None:
        connection.execute(update(RUNS).where(this).values(**values))
    # else: an imported line from before the run's end; the end stands


def _anchor_runs(connection: Connection, rows: list[dict[str, Any]]) -> None:
    last = {row["correlation_id"]: row for row in rows if row["correlation_id"] is not None}
    for correlation_id, row in last.items():
        connection.execute(
            update(RUNS)
            .where(RUNS.c.correlation_id == correlation_id)
            .values(last_sequence=row["sequence"], last_hash=row["hash"])
        )


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)

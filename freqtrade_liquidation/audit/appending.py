"""Appending to the audit tables, inside a transaction of the caller's."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from freqtrade_liquidation.audit.chain import ChainHead, event_hash
from freqtrade_liquidation.audit.checks import LARGEST, Misfit, moment, text, whole
from freqtrade_liquidation.audit.rows import Line
from freqtrade_liquidation.audit.tables import EVENTS, HEAD, RECORD_IDS, RUNS

IDS_KEPT: Final = 10_000
"""A line that waits is taken in within seconds of the database's return; this many events later
nobody asks for its id."""
PRUNED_EVERY: Final = 500
_RUN_TIMES: Final = ("started_at", "finished_at")


def append(connection: Connection, lines: Sequence[Line], written_ids: list[str]) -> int:
    """Chains and inserts *lines* that are new, and returns how many were.

    The caller holds the chain's lock and commits.

    :param written_ids: what to remember with the same commit.
    """
    lines = _new(connection, lines)
    began = head = current_head(connection)
    taken = _beside(connection, head)
    rows = []
    for line in lines:
        if line.kind == "event":
            number = head.sequence + 1
            while number in taken:
                number += 1
            row = {**line.data, "sequence": number, "previous_hash": head.hash}
            head = ChainHead(number, event_hash(head.hash, row))
            rows.append({**row, "hash": head.hash, "timestamp": moment(row["timestamp"])})
    if rows:
        connection.execute(insert(EVENTS), rows)
        _move_head(connection, head)
    for line in lines:
        if line.kind == "run":
            _upsert_run(connection, line.data, head)
    _anchor_runs(connection, rows)
    if new_ids := sorted(set(written_ids) - _known(connection, written_ids)):
        ids = [{"record_id": one, "sequence": head.sequence} for one in new_ids]
        connection.execute(insert(RECORD_IDS), ids)
    if began.sequence // PRUNED_EVERY != head.sequence // PRUNED_EVERY:
        old = RECORD_IDS.c.sequence < head.sequence - IDS_KEPT
        connection.execute(delete(RECORD_IDS).where(old))
    return len(lines)


def current_head(connection: Connection) -> ChainHead:
    """The chain's end, by the row that is kept for it. Where it is lost, the last event's.

    A row after the head was put there by hand: it is not the chain's, and becomes no part of it.
    """
    head = chain_head(connection)
    if head is not None:
        return head
    columns = (EVENTS.c.sequence, EVENTS.c.hash)
    in_range = EVENTS.c.sequence.between(1, LARGEST)
    last_row = select(*columns).where(in_range).order_by(EVENTS.c.sequence.desc()).limit(1)
    last = connection.execute(last_row).first()
    return ChainHead() if last is None else ChainHead(int(last.sequence), str(last.hash))


def chain_head(connection: Connection) -> ChainHead | None:
    """The row of the head; ``None`` = there is none, or none that is one."""
    row = connection.execute(select(HEAD.c.sequence, HEAD.c.hash).where(HEAD.c.id == 1)).first()
    if row is None:
        return None
    try:
        return ChainHead(whole(0, LARGEST)(row.sequence), text(64)(row.hash))
    except Misfit:
        return None


def _beside(connection: Connection, head: ChainHead) -> set[int]:
    """Numbers after the head that are taken already: ours step over them."""
    after = select(EVENTS.c.sequence).where(EVENTS.c.sequence > head.sequence)
    return set(connection.scalars(after.order_by(EVENTS.c.sequence).limit(10_000)))


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


def _move_head(connection: Connection, head: ChainHead) -> None:
    values = {"sequence": head.sequence, "hash": head.hash}
    if connection.execute(update(HEAD).where(HEAD.c.id == 1).values(**values)).rowcount == 0:
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


def _moment(value: str | None) -> Any:
    return None if value is None else moment(value)

"""Appending to the audit tables, inside a transaction of the caller's.

The head says where the chain ends. What it says is held against the rows, for the end decides about
the latch: without its last rows, or with a head that names an earlier one, a latched bot would look
released. Where head and rows disagree, the end is *in doubt*: a read for the latch says so, and the
next write latches before it writes anything else. So a doubt does not go away by the next event,
but by a person's ``release``. Where the head names no event, the write goes on behind the last row
that is there and leaves one number free: :mod:`.verifying` names the place for ever.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from freqtrade_liquidation.audit.chain import ChainHead, event_hash, plain
from freqtrade_liquidation.audit.checks import LARGEST, Misfit, moment, text, whole
from freqtrade_liquidation.audit.events import LATCHES, WINDOWS, AuditEvent, AuditEventType
from freqtrade_liquidation.audit.rows import Line
from freqtrade_liquidation.audit.tables import EVENTS, HEAD, RECORD_IDS, RUNS

IDS_KEPT: Final = 10_000
"""A line that waits is taken in within seconds of the database's return; this many events later
nobody asks for its id."""
PRUNED_EVERY: Final = 500
HIGHEST_END: Final = LARGEST - 2**32
"""Behind a row with a higher number there might be no room for ours."""
DECISIONS: Final[Mapping[int, Sequence[AuditEventType]]] = {2: LATCHES, 3: WINDOWS}
"""Rows of the head that keep the last event of these kinds."""
_RUN_TIMES: Final = ("started_at", "finished_at")


@dataclass(frozen=True, slots=True)
class TrailEnd:
    """Where the chain ends.

    :param doubt: in which way head and rows disagree; ``None`` = they agree.
    :param is_broken: the head names no event; *head* is then the last one that is there.
    """

    head: ChainHead
    doubt: str | None = None
    is_broken: bool = False


def append(connection: Connection, lines: Sequence[Line], written_ids: list[str]) -> int:
    """Chains and inserts *lines* that are new, and returns how many were.

    The caller holds the chain's lock and commits.

    :param written_ids: what to remember with the same commit.
    """
    lines = _new(connection, lines)
    end = trail_end(connection)
    began = head = end.head
    taken = _beside(connection, head)
    written = list(lines)
    if lines and end.doubt is not None:
        if end.is_broken:
            taken.add(head.sequence + 1)
        written.insert(0, _latch(end.doubt))
    rows = []
    for line in written:
        if line.kind == "event":
            number = head.sequence + 1
            while number in taken:
                number += 1
            row = {**line.data, "sequence": number, "previous_hash": head.hash}
            head = ChainHead(number, event_hash(head.hash, row))
            rows.append({**row, "hash": head.hash, "timestamp": moment(row["timestamp"])})
    if rows:
        connection.execute(insert(EVENTS), rows)
        _move_head(connection, 1, head)
        _keep_decisions(connection, rows)
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


def trail_end(connection: Connection, *, has_head: bool = True) -> TrailEnd:
    """The chain's end, by the row that is kept for it and by the events themselves.

    A row after the head was put there by hand: it is not the chain's, and becomes no part of it.

    :param has_head: whether the table of the head is there.
    """
    named = None
    if has_head:
        named, own_hash, next_one = _named_end(connection)
        if named is not None and own_hash == named.hash:
            doubt = f"event {next_one} goes on behind the chain's head"
            return TrailEnd(named, None if next_one is None else doubt)
    in_range = EVENTS.c.sequence.between(1, HIGHEST_END)
    newest = select(EVENTS.c.sequence, EVENTS.c.hash).where(in_range)
    row = connection.execute(newest.order_by(EVENTS.c.sequence.desc()).limit(1)).first()
    last = ChainHead() if row is None else ChainHead(int(row.sequence), str(row.hash))
    if named is not None:
        doubt = f"the chain's head names event {named.sequence}, which is not there as it was"
        return TrailEnd(last, doubt, is_broken=True)
    if row is None:
        return TrailEnd(last)
    return TrailEnd(last, "the chain's head is missing", is_broken=True)


def _named_end(connection: Connection) -> tuple[ChainHead | None, Any, Any]:
    """The head, the hash of the event that it names, and the number of one that continues it.

    In one statement: nothing can be appended in between.
    """
    after = (EVENTS.c.sequence > HEAD.c.sequence) & (EVENTS.c.previous_hash == HEAD.c.hash)
    query = select(
        HEAD.c.sequence,
        HEAD.c.hash,
        select(EVENTS.c.hash).where(EVENTS.c.sequence == HEAD.c.sequence).scalar_subquery(),
        select(func.min(EVENTS.c.sequence)).where(after).scalar_subquery(),
    )
    row = connection.execute(query.where(HEAD.c.id == 1)).first()
    return (None, None, None) if row is None else (_head(row[0], row[1]), row[2], row[3])


def _latch(doubt: str) -> Line:
    event = AuditEvent(
        event_type=AuditEventType.LATCHED,
        operation="control",
        additional_data={"by": doubtful(doubt)},
    )
    data = {name: plain(getattr(event, name)) for name in event.__dataclass_fields__}
    return Line.of(uuid.uuid4().hex, "event", data)


def doubtful(doubt: str) -> str:
    """Who latched, where nobody can say whether anybody did."""
    return f"an audit trail that is not as it was written ({doubt}; show-liquidations --verify)"


def chain_head(connection: Connection) -> ChainHead | None:
    """The row of the head; ``None`` = there is none, or none that is one."""
    row = connection.execute(select(HEAD.c.sequence, HEAD.c.hash).where(HEAD.c.id == 1)).first()
    return None if row is None else _head(row.sequence, row.hash)


def _head(sequence: Any, own_hash: Any) -> ChainHead | None:
    try:
        return ChainHead(whole(1, LARGEST)(sequence), text(64)(own_hash))
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


def _move_head(connection: Connection, place: int, head: ChainHead) -> None:
    values = {"sequence": head.sequence, "hash": head.hash}
    if connection.execute(update(HEAD).where(HEAD.c.id == place).values(**values)).rowcount == 0:
        connection.execute(insert(HEAD).values(id=place, **values))


def _keep_decisions(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    for place, kinds in DECISIONS.items():
        decided = [row for row in rows if row["event_type"] in kinds]
        for row in decided[-1:]:
            _move_head(connection, place, ChainHead(row["sequence"], row["hash"]))


def last_decision(connection: Connection, types: Sequence[str]) -> int:
    """The number of the last event about what *types* decide, as it was kept; 0 = none was.

    :raises Misfit: if what is kept is no number of an event.
    """
    place = next((place for place, kinds in DECISIONS.items() if set(kinds) == set(types)), None)
    kept = connection.scalar(select(HEAD.c.sequence).where(HEAD.c.id == place))
    return 0 if kept is None else int(whole(1, LARGEST)(kept))


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

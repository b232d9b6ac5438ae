"""The audit tables, on freqtrade's ``ModelBase``: its ``init_db()`` creates them with its own."""

from datetime import datetime
from typing import Any, Final

from freqtrade.persistence.base import ModelBase
from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table

from freqtrade_liquidation.audit.chain import iso_utc
from freqtrade_liquidation.audit.columns import (
    Actor,
    BigInt,
    Id,
    JsonText,
    LongText,
    Pair,
    UtcDateTime,
    Word,
)

METADATA: Final = ModelBase.metadata
IN_MARIADB: Final[dict[str, Any]] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}
"""A server's defaults may be Latin letters, compared without case; other engines roll nothing back.
"""

RUNS: Final = Table(
    "liquidation_runs",
    METADATA,
    Column("correlation_id", Id, primary_key=True),
    Column("trigger", Word, nullable=False),
    Column("actor", Actor),
    Column("reason", LongText),
    Column("scope", Word),
    Column("pairs", JsonText),
    Column("state", Word, index=True, nullable=False),
    Column("started_at", UtcDateTime, index=True, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("positions_closed", Integer, nullable=False),
    Column("positions_failed", Integer, nullable=False),
    Column("orders_cancelled", Integer, nullable=False),
    Column("total_realized_pnl", Float(53)),
    Column("duration_seconds", Float(53)),
    Column("config", JsonText),
    Column("errors", JsonText, nullable=False),
    Column("outcome", JsonText, nullable=False),
    Column("last_sequence", BigInt, nullable=False),
    Column("last_hash", String(64), nullable=False),
    **IN_MARIADB,
)
"""One run: what was asked, how it ended. Updated while it is under way."""

EVENTS: Final = Table(
    "liquidation_events",
    METADATA,
    Column("sequence", BigInt, primary_key=True, autoincrement=False),
    Column("timestamp", UtcDateTime, nullable=False),
    Column("event_type", Word, nullable=False),
    Column("operation", Word, nullable=False),
    Column("correlation_id", Id, index=True),
    Column("trigger", Word),
    Column("pair", Pair),
    Column("config", JsonText),
    Column("error", LongText),
    Column("additional_data", JsonText, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_liquidation_events_kind", "event_type", "sequence"),
    **IN_MARIADB,
)
"""One event. Append-only; its hash covers the row and the hash before it."""

HEAD: Final = Table(
    "liquidation_chain_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInt, nullable=False),
    Column("hash", String(64), nullable=False),
    **IN_MARIADB,
)
"""Row 1: the last event. Without it, removing the last events would not show.

Rows 2 and 3: the last event about the latch, and about the window. Without them, one that was made
another kind of event would not show where it is looked for.
"""

RECORD_IDS: Final = Table(
    "liquidation_record_ids",
    METADATA,
    Column("record_id", String(48), primary_key=True),
    Column("sequence", BigInt, index=True),
    **IN_MARIADB,
)
"""What was written last, so that no fallback line is imported twice.

One row per :meth:`AuditLog.record` that reached the database (its fallback lines, if the
answer to the commit was lost, carry the same id), and one per imported line. ``sequence`` is the
chain's at that time; ids that the chain has left far behind are removed.
"""

SCHEMA: Final = Table(
    "liquidation_schema",
    METADATA,
    Column("part", Word, primary_key=True),
    Column("version", Integer, nullable=False),
    **IN_MARIADB,
)
"""Which form the tables have, by part: ``audit`` and ``lease``; see :mod:`.schema`."""

LEASE: Final = Table(
    "liquidation_lease",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(32), nullable=False),
    Column("host", Actor, nullable=False),
    Column("counter", BigInt, nullable=False),
    Column("renewed_at", UtcDateTime, nullable=False),
    Column("clock_id", String(64), nullable=False),
    Column("clock_s", Float(53), nullable=False),
    Column("released", Boolean, nullable=False),
    Column("answers", JsonText),
    **IN_MARIADB,
)
"""One row: the bot that works on this database, and when it last said so.

``renewed_at`` is for people and for machines that share no clock; ages are told by
``clock_s`` of the clock ``clock_id`` (see ``host/lease/clock.py``). ``answers``: what the exchange
last answered to the bot's key, as of the renewal; a column of its own that costs no lease.
"""

REQUESTS: Final = Table(
    "liquidation_requests",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("clock_id", String(64), nullable=False),
    Column("clock_s", Float(53), nullable=False),
    Column("pairs", JsonText),
    Column("actor", Actor),
    Column("reason", LongText),
    Column("state", String(16), index=True, nullable=False),
    Column("taken_by", String(32)),
    Column("correlation_id", Id),
    Column("result", JsonText),
    **IN_MARIADB,
)
"""What another process asks the bot to run. ``state``: waiting, taken, done, withdrawn."""

CLAIMS: Final = Table(
    "liquidation_claims",
    METADATA,
    Column("number", BigInt, primary_key=True, autoincrement=False),
    Column("correlation_id", Id, nullable=False),
    Column("holder", String(32), nullable=False),
    Column("host", Actor, nullable=False),
    Column("pairs", JsonText),
    Column("for_s", Float(53), nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("clock_id", String(64), nullable=False),
    Column("clock_s", Float(53), nullable=False),
    Column("released", Boolean, index=True, nullable=False),
    Column("booked", Boolean),
    Column("flat", Boolean),
    **IN_MARIADB,
)
"""A process's turn to run: at most one is neither released nor expired."""

NOTED_ORDERS: Final = Table(
    "liquidation_noted_orders",
    METADATA,
    Column("name", String(48), primary_key=True),
    Column("pair", Pair, nullable=False),
    Column("side", String(4), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("amount", Float(53), nullable=False),
    Column("price", Float(53)),
    Column("noted_at", UtcDateTime, nullable=False),
    **IN_MARIADB,
)
"""An order of freqtrade's, from before it is sent until its fate is known; ``name`` is its client
order id. ``kind``: entry, exit, stop. ``price`` is a limit, or the trigger of a stop."""

LEASE_TABLES: Final = (SCHEMA, LEASE, REQUESTS, CLAIMS, NOTED_ORDERS)
AUDIT_TABLES: Final = (SCHEMA, RUNS, EVENTS, HEAD, RECORD_IDS)
RUN_COLUMNS: Final = tuple(RUNS.columns.keys())
EVENT_COLUMNS: Final = tuple(EVENTS.columns.keys())


def row_to_json(row: dict[str, Any]) -> dict[str, Any]:
    """A database row in JSON's types."""
    return {
        key: iso_utc(value) if isinstance(value, datetime) else value for key, value in row.items()
    }

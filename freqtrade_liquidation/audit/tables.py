"""The audit tables, on freqtrade's ``ModelBase``: its ``init_db()`` creates them with its own."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from freqtrade.persistence.base import ModelBase
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

from freqtrade_liquidation.audit.chain import canonical, iso_utc

METADATA: Final = ModelBase.metadata
BigInt: Final = BigInteger().with_variant(Integer, "sqlite")
"""SQLite's integers have 64 bits anyway, and only ``INTEGER`` may be its row id."""


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python, naive UTC in the database as freqtrade's own columns; microseconds."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class JsonText(TypeDecorator[Any]):
    """Canonical JSON as text: the same on every database, so hashes can be computed again."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        try:
            return json.loads(value)
        except ValueError:
            return value  # somebody changed it: show it as it is; verify() names the row


RUNS: Final = Table(
    "liquidation_runs",
    METADATA,
    Column("correlation_id", String, primary_key=True),
    Column("trigger", String, nullable=False),
    Column("actor", String),
    Column("reason", Text),
    Column("scope", String),
    Column("pairs", JsonText),
    Column("state", String, index=True, nullable=False),
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
)
"""One run: what was asked, how it ended. Updated while it is under way."""

EVENTS: Final = Table(
    "liquidation_events",
    METADATA,
    Column("sequence", BigInt, primary_key=True, autoincrement=False),
    Column("timestamp", UtcDateTime, nullable=False),
    Column("event_type", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("correlation_id", String, index=True),
    Column("trigger", String),
    Column("pair", String),
    Column("config", JsonText),
    Column("error", Text),
    Column("additional_data", JsonText, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_liquidation_events_event_type", "event_type", "timestamp"),
)
"""One event. Append-only; its hash covers the row and the hash before it."""

HEAD: Final = Table(
    "liquidation_chain_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInt, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""One row: the last event. Without it, removing the last events would not show."""

RECORD_IDS: Final = Table(
    "liquidation_record_ids",
    METADATA,
    Column("record_id", String(48), primary_key=True),
)
"""What has been written, so that no fallback line is imported twice.

One row per :meth:`AuditLog.record` that reached the database (its fallback lines, if the
answer to the commit was lost, carry the same id), and one per imported line.
"""

LEASE: Final = Table(
    "liquidation_lease",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(32), nullable=False),
    Column("host", String, nullable=False),
    Column("counter", BigInt, nullable=False),
    Column("renewed_at", UtcDateTime, nullable=False),
    Column("clock_id", String(64), nullable=False),
    Column("clock_s", Float(53), nullable=False),
    Column("released", Boolean, nullable=False),
)
"""One row: the bot that works on this database, and when it last said so.

``renewed_at`` is for people and for machines that share no clock; ages are told by
``clock_s`` of the clock ``clock_id`` (see ``host/lease/clock.py``).
"""

REQUESTS: Final = Table(
    "liquidation_requests",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("clock_id", String(64), nullable=False),
    Column("clock_s", Float(53), nullable=False),
    Column("pairs", JsonText),
    Column("actor", String),
    Column("reason", Text),
    Column("state", String(16), index=True, nullable=False),
    Column("taken_by", String(32)),
    Column("correlation_id", String),
    Column("result", JsonText),
)
"""What another process asks the bot to run. ``state``: waiting, taken, done, withdrawn."""

CLAIMS: Final = Table(
    "liquidation_claims",
    METADATA,
    Column("number", BigInt, primary_key=True, autoincrement=False),
    Column("correlation_id", String, nullable=False),
    Column("holder", String(32), nullable=False),
    Column("host", String, nullable=False),
    Column("pairs", JsonText),
    Column("for_s", Float(53), nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("clock_id", String(64), nullable=False),
    Column("clock_s", Float(53), nullable=False),
    Column("released", Boolean, index=True, nullable=False),
    Column("booked", Boolean),
    Column("flat", Boolean),
)
"""A process's turn to run: at most one is neither released nor expired."""

LEASE_TABLES: Final = (LEASE, REQUESTS, CLAIMS)
AUDIT_TABLES: Final = (RUNS, EVENTS, HEAD, RECORD_IDS)
RUN_COLUMNS: Final = tuple(RUNS.columns.keys())
EVENT_COLUMNS: Final = tuple(EVENTS.columns.keys())


def row_to_json(row: dict[str, Any]) -> dict[str, Any]:
    """A database row in JSON's types."""
    return {
        key: iso_utc(value) if isinstance(value, datetime) else value for key, value in row.items()
    }

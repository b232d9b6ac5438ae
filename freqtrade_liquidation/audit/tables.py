"""The audit tables, on freqtrade's ``ModelBase``: its ``init_db()`` creates them with its own."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from freqtrade.persistence.base import ModelBase
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from freqtrade_liquidation.audit.chain import canonical, iso_utc

BigInt = BigInteger().with_variant(Integer, "sqlite")
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


class LiquidationRun(ModelBase):
    """One run: what was asked, how it ended. Updated while it is under way."""

    __tablename__ = "liquidation_runs"

    correlation_id: Mapped[str] = mapped_column(String, primary_key=True)
    trigger: Mapped[str] = mapped_column(String)
    actor: Mapped[str | None] = mapped_column(String)
    reason: Mapped[str | None] = mapped_column(Text)
    scope: Mapped[str | None] = mapped_column(String)
    pairs: Mapped[Any] = mapped_column(JsonText, nullable=True)
    state: Mapped[str] = mapped_column(String, index=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    positions_closed: Mapped[int] = mapped_column(Integer)
    positions_failed: Mapped[int] = mapped_column(Integer)
    orders_cancelled: Mapped[int] = mapped_column(Integer)
    total_realized_pnl: Mapped[float | None] = mapped_column(Float(53))
    duration_seconds: Mapped[float | None] = mapped_column(Float(53))
    config: Mapped[Any] = mapped_column(JsonText, nullable=True)
    errors: Mapped[Any] = mapped_column(JsonText)
    outcome: Mapped[Any] = mapped_column(JsonText)
    last_sequence: Mapped[int] = mapped_column(BigInt)
    last_hash: Mapped[str] = mapped_column(String(64))

    def to_json(self) -> dict[str, Any]:
        """Keys are the column names; times are ISO 8601 text in UTC."""
        return row_to_json({column: getattr(self, column) for column in RUN_COLUMNS})


class LiquidationEvent(ModelBase):
    """One event. Append-only; its hash covers the row and the hash before it."""

    __tablename__ = "liquidation_events"
    __table_args__ = (Index("ix_liquidation_events_event_type", "event_type", "timestamp"),)

    sequence: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    event_type: Mapped[str] = mapped_column(String)
    operation: Mapped[str] = mapped_column(String)
    correlation_id: Mapped[str | None] = mapped_column(String, index=True)
    trigger: Mapped[str | None] = mapped_column(String)
    pair: Mapped[str | None] = mapped_column(String)
    config: Mapped[Any] = mapped_column(JsonText, nullable=True)
    error: Mapped[str | None] = mapped_column(Text)
    additional_data: Mapped[Any] = mapped_column(JsonText)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    def to_json(self) -> dict[str, Any]:
        """Keys are the column names; times are ISO 8601 text in UTC."""
        return row_to_json({column: getattr(self, column) for column in EVENT_COLUMNS})


class LiquidationChainHead(ModelBase):
    """One row: the last event. Without it, removing the last events would not show."""

    __tablename__ = "liquidation_chain_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInt)
    hash: Mapped[str] = mapped_column(String(64))


class LiquidationRecordId(ModelBase):
    """What has been written, so that no fallback line is imported twice.

    One row per :meth:`AuditLog.record` that reached the database (its fallback lines, if the
    answer to the commit was lost, carry the same id), and one per imported line.
    """

    __tablename__ = "liquidation_record_ids"

    record_id: Mapped[str] = mapped_column(String(48), primary_key=True)


class LiquidationLease(ModelBase):
    """One row: the bot that works on this database, and when it last said so.

    ``renewed_at`` is for people and for machines that share no clock; ages are told by
    ``clock_s`` of the clock ``clock_id`` (see ``host/lease/clock.py``).
    """

    __tablename__ = "liquidation_lease"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    holder: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String)
    counter: Mapped[int] = mapped_column(BigInt)
    renewed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    clock_id: Mapped[str] = mapped_column(String(64))
    clock_s: Mapped[float] = mapped_column(Float(53))
    released: Mapped[bool] = mapped_column(Boolean)


class LiquidationRequest(ModelBase):
    """What another process asks the bot to run. ``state``: waiting, taken, done, withdrawn."""

    __tablename__ = "liquidation_requests"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    clock_id: Mapped[str] = mapped_column(String(64))
    clock_s: Mapped[float] = mapped_column(Float(53))
    pairs: Mapped[Any] = mapped_column(JsonText, nullable=True)
    actor: Mapped[str | None] = mapped_column(String)
    reason: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    taken_by: Mapped[str | None] = mapped_column(String(32))
    correlation_id: Mapped[str | None] = mapped_column(String)
    result: Mapped[Any] = mapped_column(JsonText, nullable=True)


class LiquidationClaim(ModelBase):
    """A process's turn to run: at most one is neither released nor expired."""

    __tablename__ = "liquidation_claims"

    number: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    correlation_id: Mapped[str] = mapped_column(String)
    holder: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String)
    pairs: Mapped[Any] = mapped_column(JsonText, nullable=True)
    for_s: Mapped[float] = mapped_column(Float(53))
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    clock_id: Mapped[str] = mapped_column(String(64))
    clock_s: Mapped[float] = mapped_column(Float(53))
    released: Mapped[bool] = mapped_column(Boolean, index=True)
    booked: Mapped[bool | None] = mapped_column(Boolean)
    flat: Mapped[bool | None] = mapped_column(Boolean)


RUNS: Final[Table] = ModelBase.metadata.tables["liquidation_runs"]
EVENTS: Final[Table] = ModelBase.metadata.tables["liquidation_events"]
HEAD: Final[Table] = ModelBase.metadata.tables["liquidation_chain_head"]
RECORD_IDS: Final[Table] = ModelBase.metadata.tables["liquidation_record_ids"]
LEASE: Final[Table] = ModelBase.metadata.tables["liquidation_lease"]
REQUESTS: Final[Table] = ModelBase.metadata.tables["liquidation_requests"]
CLAIMS: Final[Table] = ModelBase.metadata.tables["liquidation_claims"]
LEASE_TABLES: Final = (LEASE, REQUESTS, CLAIMS)
AUDIT_TABLES: Final = (RUNS, EVENTS, HEAD, RECORD_IDS)
RUN_COLUMNS: Final = tuple(RUNS.columns.keys())
EVENT_COLUMNS: Final = tuple(EVENTS.columns.keys())


def row_to_json(row: dict[str, Any]) -> dict[str, Any]:
    """A database row in JSON's types."""
    return {
        key: iso_utc(value) if isinstance(value, datetime) else value for key, value in row.items()
    }

"""Where audit events go. Imports neither SQLAlchemy nor freqtrade, so the core can use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from freqtrade_liquidation.audit.events import AuditEvent


class Durability(StrEnum):
    """How far a record got. Each is worse than the one before."""

    DATABASE = "database"
    """Committed."""
    FILE = "file"
    """In the fallback file, fsynced; it comes into the database as soon as that takes it."""
    LOG = "log"
    """Only in the process's log, at ERROR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The row of a run in ``liquidation_runs``, without its place in the chain.

    :param trigger: ``shutdown``, ``stop``, ``fatal_error``, ``telegram``, ``rest``, ``cli`` or
        ``recovery``.
    :param pairs: ``None`` = the whole book.
    :param started_at: aware UTC.
    :param finished_at: aware UTC; ``None`` while the run is under way.
    :param total_realized_pnl: stake currency; ``None`` = not known. Never 0 for "unknown".
    :param outcome: by pair, plain values.
    :raises ValueError: if a time is naive.
    """

    correlation_id: str
    trigger: str
    state: str
    started_at: datetime
    actor: str | None = None
    reason: str | None = None
    scope: str | None = None
    pairs: Sequence[str] | None = None
    finished_at: datetime | None = None
    positions_closed: int = 0
    positions_failed: int = 0
    orders_cancelled: int = 0
    total_realized_pnl: float | None = None
    duration_seconds: float | None = None
    config: Mapping[str, Any] | None = None
    errors: Sequence[str] = ()
    outcome: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        for name in ("started_at", "finished_at"):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise ValueError(f"{name} must be aware UTC, got naive {value.isoformat()}")


class AuditSink(Protocol):
    """Takes events and says how durable they are now."""

    def record(self, events: Sequence[AuditEvent], run: RunRecord | None = None) -> Durability:
        """Makes *events* (in this order) and *run* durable, all or none. Never raises."""

"""The words of the audit trail: event types and the event itself. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final


class AuditEventType(StrEnum):
    """Every kind of row in ``liquidation_events``.

    One run is: started, then what it looked at, intended and was answered, then exactly one of
    completed, partial, failed or skipped. The types after that stand outside of runs.
    """

    STARTED = "liquidation_started"
    SKIPPED = "liquidation_skipped"
    POSITIONS_QUERIED = "liquidation_positions_queried"
    ORDERS_QUERIED = "liquidation_orders_queried"
    CANCEL_INTENDED = "liquidation_cancel_intended"
    CANCEL_ACKNOWLEDGED = "liquidation_cancel_acknowledged"
    ORDERS_CANCELLED = "liquidation_orders_cancelled"
    CANCEL_FAILED = "liquidation_cancel_failed"
    CLOSE_INTENDED = "liquidation_close_intended"
    CLOSE_ANSWERED = "liquidation_close_answered"
    ATTEMPT_FAILED = "liquidation_attempt_failed"
    VERIFIED = "liquidation_verified"
    POSITION_CLOSED = "liquidation_position_closed"
    POSITION_CLOSE_FAILED = "liquidation_position_close_failed"
    STOP_INTENDED = "liquidation_stop_put_back_intended"
    STOP_PUT_BACK = "liquidation_stop_put_back"
    STOP_LOST = "liquidation_stop_lost"
    BOOKED = "liquidation_booked"
    PROFITS_ADDED = "liquidation_profits_added"
    BOOKING_FAILED = "liquidation_booking_failed"
    TIMEOUT = "liquidation_timeout"
    COMPLETED = "liquidation_completed"
    PARTIAL = "liquidation_partial"
    FAILED = "liquidation_failed"

    CONFIG_CHANGED = "liquidation_config_changed"
    DISARMED = "liquidation_disarmed"
    ARMED = "liquidation_armed"
    LATCHED = "liquidation_latched"
    RELEASED = "liquidation_released"
    INTERRUPTED = "liquidation_interrupted"
    ABANDONED = "liquidation_abandoned"
    UNTRACKED_FOUND = "liquidation_untracked_found"
    ROWS_SET_ASIDE = "liquidation_rows_set_aside"


WINDOWS: Final = (AuditEventType.DISARMED, AuditEventType.ARMED)
LATCHES: Final = (AuditEventType.LATCHED, AuditEventType.RELEASED)
"""The last of each decides what a bot does next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One fact, before the log gives it its sequence and its place in the chain.

    :param operation: what was going on: ``run``, ``look``, ``cancel``, ``close``, ``verify``,
        ``book``, ``control``.
    :param correlation_id: the run; ``None`` for arm, disarm and configuration.
    :param timestamp: aware UTC, when it happened (not when it was written).
    :param config: the liquidation settings in force, as plain values; only on ``started``.
    :param error: what went wrong, in words; masked by the log before it is written.
    :param additional_data: JSON-serialisable; keys are documented in docs/audit.md.
    :raises ValueError: if *timestamp* is naive.
    """

    event_type: AuditEventType
    operation: str
    correlation_id: str | None = None
    trigger: str | None = None
    pair: str | None = None
    config: Mapping[str, Any] | None = None
    error: str | None = None
    additional_data: Mapping[str, Any] = field(default_factory=dict)
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if self.timestamp.tzinfo is None:
            raise ValueError(f"timestamp must be aware UTC, got naive {self.timestamp.isoformat()}")

"""What the last process left: its configuration, and runs that were cut off."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.sink import RunRecord
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.state import LiquidationState


def note_config(audit: AuditLog, config: LiquidationConfig) -> None:
    """A change against the last start is an audit event with old and new values."""
    last = audit.last_event([AuditEventType.CONFIG_CHANGED])
    changes = configuration.changes((last or {}).get("config"), config)
    if not changes and last is not None:
        return
    audit.record(
        [
            AuditEvent(
                event_type=AuditEventType.CONFIG_CHANGED,
                operation="control",
                config=config.to_dict(),
                additional_data={"changes": changes},
            )
        ]
    )


def close_interrupted_runs(audit: AuditLog, positions_shown: Sequence[str]) -> list[str]:
    """Closes in the audit what a killed process left in progress.

    :param positions_shown: pairs with a position, as freqtrade has just read them.
    :returns: a message each, for the operator.
    """
    return [_close(audit, run, positions_shown) for run in list(audit.unfinished_runs())]


def _close(audit: AuditLog, run: dict[str, Any], positions_shown: Sequence[str]) -> str:
    left = ", ".join(positions_shown) or "no position"
    words = (
        f"Liquidation {run['correlation_id']} ({run['trigger']}) was cut off. "
        f"The exchange shows now: {left}."
    )
    event = AuditEvent(
        event_type=AuditEventType.INTERRUPTED,
        operation="run",
        correlation_id=run["correlation_id"],
        trigger=run["trigger"],
        error=words,
        additional_data={"positions": list(positions_shown)},
    )
    known = {field.name for field in fields(RunRecord)}
    row = {key: value for key, value in run.items() if key in known}
    row["started_at"] = _aware(row["started_at"])
    row |= {
        "state": str(LiquidationState.FAILED),
        "finished_at": datetime.now(UTC),
        "errors": [words],
        "positions_closed": row.get("positions_closed") or 0,
        "positions_failed": len(positions_shown),
        "orders_cancelled": row.get("orders_cancelled") or 0,
        "outcome": row.get("outcome") or (),
    }
    audit.record([event], RunRecord(**row))
    return words


def _aware(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

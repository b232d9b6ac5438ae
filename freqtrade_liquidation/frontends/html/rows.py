"""Reading rows of the audit trail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.frontends.words import Row


def data_of(row: Row) -> Mapping[str, Any]:
    """The event's own data; empty where the trail holds none."""
    data = row["additional_data"]
    return data if isinstance(data, Mapping) else {}


def seconds_since(began: datetime, row: Row) -> float:
    """When *row* happened, in seconds since the run began."""
    return (datetime.fromisoformat(row["timestamp"]) - began).total_seconds()


def shown_by(row: Row) -> list[Mapping[str, Any]] | None:
    """The positions that a look showed; ``None`` = the event is no look."""
    if row["event_type"] == Event.POSITIONS_QUERIED:
        return list(data_of(row).get("positions") or ())
    if row["event_type"] == Event.VERIFIED:
        return list(data_of(row).get("open_positions") or ())
    return None

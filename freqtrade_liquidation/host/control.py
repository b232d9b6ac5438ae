"""Latch and maintenance window, read from the audit trail: the one source of truth.

The last event of its kind counts, by its place in the trail. A clock that steps back, or a machine
whose clock is wrong, would bring back what was lifted, or lose what was just set. A clock has a say
only in when a window ends, and then within two bounds; see :func:`_window`.

A trail that was changed, or that lacks its end, does not say what the last event was. Then the bot
is latched and armed: a latch that a person lifts by mistake costs less than one that went missing.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from freqtrade_liquidation.audit.appending import doubtful
from freqtrade_liquidation.audit.chain import iso_utc
from freqtrade_liquidation.audit.checks import moment
from freqtrade_liquidation.audit.events import LATCHES, WINDOWS, AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditUnreadable, TrailDoubtful
from freqtrade_liquidation.audit.sink import Durability
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.host.lease import BookUnavailable

T = TypeVar("T")

LONGEST_WINDOW: Final = timedelta(hours=24)
LONGEST_NAME: Final = 300
WRITTEN_WITHIN_S: Final = 2.0
"""By each of two places: who decides waits for it, and is told whether it holds."""


_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours"}


def window(text: str) -> timedelta:
    """How long a maintenance window lasts: ``90s``, ``15m`` or ``2h``.

    :raises ValueError: for anything else, and above 24 hours, in words for whoever typed it.
    """
    match = re.fullmatch(r"([0-9]{1,6})([smh])", text)
    if match is None:
        raise ValueError(f"{text!r} is no duration: a number and s, m or h, such as 15m")
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if not timedelta(0) < duration <= LONGEST_WINDOW:
        raise ValueError(f"{text!r} is not within 1s…24h")
    return duration


READ_WITHIN_S: Final = 1.0
ASK_AGAIN_S: Final = 0.05


def patiently(read: Callable[[], T], *, within_s: float = READ_WITHIN_S) -> T:
    """What *read* returns; asked again for *within_s* where the database is busy. Not for a run.

    :raises LiquidationError: if it is busy all the time.
    """
    until = time.monotonic() + within_s
    while True:
        try:
            return read()
        except (AuditUnreadable, BookUnavailable):
            if time.monotonic() >= until:
                raise
            time.sleep(ASK_AGAIN_S)


class ControlLog(Protocol):
    """An audit log that can be asked for its last word."""

    def record(self, events: Sequence[AuditEvent], *, within_s: float | None) -> Durability:
        """See :meth:`.audit.log.AuditLog.record`."""

    def last_event(self, types: Any, *, for_certain: bool) -> dict[str, Any] | None:
        """The last event of *types*, one that fits."""


class ControlNotDurable(LiquidationError):
    """A decision for later reached no place where it would be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlState:
    """What an operator or a run has decided for later.

    :param disarmed_until: aware UTC; ``None`` = armed.
    :param latched_by: the run or person that latched; ``None`` = not latched.
    """

    disarmed_until: datetime | None = None
    disarmed_by: str | None = None
    latched_by: str | None = None


class Control:
    """Reads and writes latch and window."""

    def __init__(self, log: ControlLog) -> None:
        self._log = log

    def state(self, now: datetime | None = None) -> ControlState:
        """As of *now* (aware UTC)."""
        now = now or datetime.now(UTC)
        try:
            window, latch = map(self._last, (WINDOWS, LATCHES))
        except TrailDoubtful as error:
            return ControlState(latched_by=doubtful(str(error)))
        until, by = _window(window, now)
        latched = latch is not None and latch["event_type"] == AuditEventType.LATCHED
        return ControlState(
            disarmed_until=until,
            disarmed_by=by,
            latched_by=_by(latch) if latch and latched else None,
        )

    def _last(self, types: Sequence[AuditEventType]) -> dict[str, Any] | None:
        return self._log.last_event(types, for_certain=True)

    def latch(self, *, by: str, correlation_id: str | None) -> None:
        """After this the bot stays stopped until ``/start`` or ``release``.

        The run does not wait for a slow disk: the latch may come into force later.
        """
        self._write(AuditEventType.LATCHED, correlation_id=correlation_id, within_s=None, by=by)

    def release(self, *, by: str, reason: str | None = None) -> None:
        """Lifts the latch. Starts nothing."""
        self._write(AuditEventType.RELEASED, by=by, reason=reason)

    def disarm(self, duration: timedelta, *, by: str, reason: str | None = None) -> datetime:
        """Every automatic trigger within *duration* leaves positions open.

        :raises ValueError: if *duration* is not above 0 and at most 24 hours.
        :returns: until when, aware UTC.
        """
        if not timedelta(0) < duration <= LONGEST_WINDOW:
            raise ValueError(f"a maintenance window lasts up to 24 h, got {duration}")
        until = datetime.now(UTC) + duration
        self._write(AuditEventType.DISARMED, by=by, reason=reason, until=iso_utc(until))
        return until

    def arm(self, *, by: str, reason: str | None = None) -> None:
        """Ends a maintenance window."""
        self._write(AuditEventType.ARMED, by=by, reason=reason)

    def _write(
        self,
        kind: AuditEventType,
        *,
        correlation_id: str | None = None,
        within_s: float | None = WRITTEN_WITHIN_S,
        **data: Any,
    ) -> None:
        event = AuditEvent(
            event_type=kind,
            operation="control",
            correlation_id=correlation_id,
            additional_data={key: value for key, value in data.items() if value is not None},
        )
        if self._log.record([event], within_s=within_s) is Durability.LOG:
            raise ControlNotDurable(
                f"{kind} could not be written down: neither the database nor the file beside it "
                "takes it. Nothing has changed, unless a disk that is slow writes it later: look "
                "at the status."
            )


def _data(event: dict[str, Any] | None) -> dict[str, Any]:
    return (event or {}).get("additional_data") or {}


def _window(event: dict[str, Any] | None, now: datetime) -> tuple[datetime | None, str | None]:
    """Until when a window is open, and who opened it.

    Whatever the row says, a window ends 24 hours after it began, and 24 hours from now. One that
    begins more than 24 hours from now is none: it would end 24 hours from now for ever.
    """
    if event is None or event["event_type"] != AuditEventType.DISARMED:
        return None, None
    data, began = _data(event), moment(event["timestamp"])
    if began > now + LONGEST_WINDOW:
        return None, None
    until = min(moment(data["until"]), began + LONGEST_WINDOW, now + LONGEST_WINDOW)
    return (until, _by(event)) if until > now else (None, None)


def _by(event: dict[str, Any]) -> str:
    return str(_data(event).get("by") or "unknown")[:LONGEST_NAME]

"""A run's pen: it gathers events and hands them to the audit sink, intent before request."""

from collections.abc import Callable
from typing import Any

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.sink import AuditSink, Durability, RunRecord

Listener = Callable[[AuditEvent], None]


class Trail:
    """The audit events of one run, written one commit per phase.

    :param listener: hears each event as it is noted (progress for people); it must not block.
    """

    def __init__(
        self,
        sink: AuditSink,
        *,
        correlation_id: str,
        trigger: str,
        listener: Listener | None = None,
    ) -> None:
        self._sink = sink
        self._correlation_id = correlation_id
        self._trigger = trigger
        self._listener = listener
        self._waiting: list[AuditEvent] = []
        self.is_lost = False
        """A part of it reached no place that outlives the process, but for its log."""

    def note(
        self,
        event_type: AuditEventType,
        operation: str,
        *,
        pair: str | None = None,
        error: str | None = None,
        config: dict[str, Any] | None = None,
        **data: Any,
    ) -> None:
        """Keeps an event for the next :meth:`commit`."""
        event = AuditEvent(
            event_type=event_type,
            operation=operation,
            correlation_id=self._correlation_id,
            trigger=self._trigger,
            pair=pair,
            config=config,
            error=error,
            additional_data=data,
        )
        self._waiting.append(event)
        if self._listener is not None:
            self._listener(event)

    def commit(self, run: RunRecord | None = None) -> None:
        """Makes everything noted so far durable (database, else file, else log)."""
        events, self._waiting = self._waiting, []
        if events or run is not None:
            self.is_lost |= self._sink.record(events, run) is Durability.LOG

"""An audit sink that keeps everything in a list: for tests and simulation."""

from collections.abc import Sequence

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.sink import Durability, RunRecord


class MemoryAuditLog:
    """Keeps what it is given.

    :param durability: what :meth:`record` answers; nothing here survives the process, but a
        simulation wants to play each case.
    """

    def __init__(self, durability: Durability = Durability.DATABASE) -> None:
        self.durability = durability
        self.events: list[AuditEvent] = []
        self.runs: dict[str, RunRecord] = {}
        self.batches: list[tuple[AuditEvent, ...]] = []

    def record(self, events: Sequence[AuditEvent], run: RunRecord | None = None) -> Durability:
        """As :class:`~freqtrade_liquidation.audit.sink.AuditSink`."""
        self.batches.append(tuple(events))
        self.events.extend(events)
        if run is not None:
            self.runs[run.correlation_id] = run
        return self.durability

    def of_type(self, *types: AuditEventType) -> list[AuditEvent]:
        """The events of *types*, oldest first."""
        return [event for event in self.events if event.event_type in types]

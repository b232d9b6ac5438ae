"""A run as it goes on, for people: one line a pair on a terminal, plain lines elsewhere."""

import queue
import threading
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.bounded import start_thread

WORDS: Final = {
    Event.CANCEL_INTENDED: "cancelling orders",
    Event.CANCEL_FAILED: "an order could not be cancelled",
    Event.CLOSE_INTENDED: "closing",
    Event.CLOSE_ANSWERED: "sent, looking",
    Event.ATTEMPT_FAILED: "an attempt failed",
    Event.STOP_PUT_BACK: "its stop is back",
    Event.STOP_LOST: "LOST ITS STOP",
    Event.POSITION_CLOSED: "closed",
    Event.POSITION_CLOSE_FAILED: "NOT CLOSED",
}
FAILURES: Final = (Event.POSITION_CLOSE_FAILED, Event.STOP_LOST)


PRINTED_WITHIN_S: Final = 2.0
"""A pager that nobody scrolls must not hold up the end."""


class Progress:
    """Hears audit events, in whatever thread, and shows how each pair stands.

    What is printed goes through a thread of its own: the run does not wait for a slow pipe.

    :param console: where to; a table that is redrawn if it is a terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._pairs: dict[str, Text] = {}
        self._headline = "Looking…"
        self._spinner = Spinner("dots")
        self._live = Live(
            console=console, get_renderable=self._table, refresh_per_second=8, transient=True
        )
        self._lines: queue.SimpleQueue[Text | None] = queue.SimpleQueue()
        self._printer: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._printer = start_thread(self._print, name="progress")
        if self._console.is_terminal and self._printer is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.put(None)
        if self._printer is None:
            self._print()
            return
        self._printer.join(PRINTED_WITHIN_S)
        self._live.stop()

    def say(self, words: str) -> None:
        """A line that stays."""
        self._lines.put(Text(words))

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            self._console.print(line, soft_wrap=True)

    def hear(self, event: AuditEvent) -> None:
        """As a run's listener: returns at once, raises nothing."""
        words = self._words(event)
        if words is None:
            return
        with self._lock:
            if event.pair is None:
                self._headline = words.plain
            elif self._pairs.get(event.pair) == words:
                return
            else:
                self._pairs[event.pair] = words
        if not self._console.is_terminal:
            line = Text(f"{event.pair}: ") + words if event.pair is not None else words
            self._lines.put(line)

    @staticmethod
    def _words(event: AuditEvent) -> Text | None:
        if event.event_type is Event.POSITIONS_QUERIED:
            return Text(f"{_count(event, 'positions')} position(s) open.")
        if event.event_type is Event.ORDERS_CANCELLED and event.pair is not None:
            return Text("orders cancelled")
        if event.pair is None or (words := WORDS.get(event.event_type)) is None:
            return None
        if event.event_type in FAILURES:
            return Text(f"{words}: {event.error or ''}", style="bold red")
        return Text(words, style="green" if event.event_type is Event.POSITION_CLOSED else "")

    def _table(self) -> Table:
        with self._lock:
            table = Table.grid(padding=(0, 2))
            self._spinner.update(text=self._headline)
            table.add_row(self._spinner, "")
            for pair, words in sorted(self._pairs.items()):
                table.add_row(Text(pair), words)
            return table


def _count(event: AuditEvent, key: str) -> int:
    found: Any = event.additional_data.get(key)
    return len(found) if isinstance(found, (list, tuple)) else 0

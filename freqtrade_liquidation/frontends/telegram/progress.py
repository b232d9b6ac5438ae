"""One message that follows a run, edited at most once a second."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.events import AuditEventType as Event

BETWEEN_EDITS_S: Final = 1.0

LAST_EDIT_WITHIN_S: Final = 60.0
"""A reload waits for it; the outcome comes in a message of its own."""

Show = Callable[[str], Awaitable[float]]
"""Edits the message; never raises. Returns 0, or in how many seconds it may be tried again."""


class Tally:
    """Counts what a run does, from its audit events."""

    def __init__(self) -> None:
        self.open: int | None = None
        self.sent: set[object] = set()
        self.accepted: set[object] = set()
        self.cancelled = 0
        self.problems: dict[str, str] = {}

    def count(self, event: AuditEvent) -> None:
        """One more event."""
        data = event.additional_data
        match event.event_type:
            case Event.POSITIONS_QUERIED | Event.VERIFIED:
                shown = data.get("positions", data.get("open_positions"))
                self.open = self.open if shown is None else len(shown)
            case Event.CLOSE_INTENDED:
                self.sent.add(data.get("client_order_id"))
            case Event.CLOSE_ANSWERED:
                self.accepted.add(data.get("client_order_id"))
                self.problems.pop(event.pair or "account", None)
            case Event.ORDERS_CANCELLED:
                self.cancelled += int(data.get("cancelled_count", 0))
            case Event.ATTEMPT_FAILED | Event.CANCEL_FAILED | Event.STOP_LOST:
                self.problems[event.pair or "account"] = str(event.error)

    def text(self) -> str:
        """``sent`` and ``accepted`` are not ``closed``: the exchange shows what is open."""
        shown = "not known yet" if self.open is None else str(self.open)
        lines = [
            f"Open, as last shown: {shown}",
            f"Closing orders: {len(self.sent)} sent, {len(self.accepted)} accepted",
            f"Orders cancelled: {self.cancelled}",
        ]
        return "\n".join(lines + [f"! {pair}: {words}" for pair, words in self.problems.items()])


class Progress:
    """Follows one run.

    :param clock: seconds, monotonic. :param sleep: as ``asyncio.sleep``.
    """

    def __init__(
        self,
        show: Show,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._show = show
        self._clock = clock
        self._sleep = sleep
        self._loop = asyncio.get_running_loop()
        self._tally = Tally()
        self._news = asyncio.Event()
        self._news.set()  # that it has begun is news
        self._editing = asyncio.Lock()
        self._next_at = clock()
        self._over = False
        self.headline = "Liquidation under way"

    def hear(self, event: AuditEvent) -> None:
        """Called in the run's thread: returns at once, whatever becomes of Telegram."""
        with contextlib.suppress(RuntimeError):  # its loop is closed: nobody reads this any more
            self._loop.call_soon_threadsafe(self._note, event)

    def _note(self, event: AuditEvent) -> None:
        self._tally.count(event)
        self._news.set()

    async def follow(self) -> None:
        """Until :meth:`end`."""
        while True:
            await self._news.wait()
            self._news.clear()
            async with self._editing:
                await self._until_next()
                if self._over:
                    return
                await self._edit(f"{self.headline}\n{self._tally.text()}")

    async def end(self, text: str) -> None:
        """The last edit; tried again, as nothing follows that would put the message right."""
        self._over = True
        self._news.set()
        async with self._editing:
            until = self._clock() + LAST_EDIT_WITHIN_S
            while self._next_at <= until:
                await self._until_next()
                if await self._edit(text):
                    return

    async def _until_next(self) -> None:
        wait_s = self._next_at - self._clock()
        if wait_s > 0:
            await self._sleep(wait_s)

    async def _edit(self, text: str) -> bool:
        began = self._clock()
        again_s = await self._show(text)
        self._next_at = max(began + BETWEEN_EDITS_S, self._clock() + again_s)
        return again_s == 0

"""A bot that lives runs what it is asked; one that does not answer is not waited for."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.host.lease import (
    TAKEN_WITHIN_S,
    BookDatabase,
    BookUnavailable,
    Lease,
    LeaseSight,
    Requests,
    RequestState,
    RunClaims,
    StoredRequest,
)
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import PairOutcome, PairState, Request, Side
from freqtrade_liquidation.state import LiquidationState
from freqtrade_liquidation.trail import Listener

ASK_EVERY_S: Final = 0.1
ANSWERS_WITHIN_S: Final = 5.0
"""On top of the run's own time: the bot may have to wait for its turn, and it books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What became of a request to the bot.

    :param result: of the bot's run; ``None`` = we have to run.
    :param books: our run may book: no bot will.
    :param words: who is there, and why we run.
    """

    result: LiquidationResult | None = None
    books: bool = False
    words: str = ""


class Asker:
    """Leaves a request to the bot, and follows the bot's run.

    :param say: for a person, while it goes on.
    """

    def __init__(
        self, book: BookDatabase, audit: AuditLog, *, say: Callable[[str], None], run_s: float
    ) -> None:
        self._lease = Lease(book)
        self._requests = Requests(book)
        self._claims = RunClaims(book)
        self._audit = audit
        self._say = say
        self._run_s = run_s

    def hand_over(self, request: Request, listener: Listener) -> Handed:
        """Asks the bot to run *request*, if there is one, and waits for its result."""
        try:
            sight = self._lease.look()
        except BookUnavailable as error:
            return Handed(words=f"Whether a bot runs is not known: {error}.")
        if sight is None or sight.is_gone:
            return Handed(books=True, words=nobody(sight))
        try:
            request_id = self._leave(request)
        except BookUnavailable as error:
            return Handed(words=f"The bot on {sight.host} cannot be asked: {error}.")
        try:
            return self._wait_for_bot(request_id, sight, listener)
        except KeyboardInterrupt:
            self._say(self._let_go(request_id))
            raise

    def _leave(self, request: Request) -> str:
        """Insists while the bot would have time to take it.

        :raises BookUnavailable: if it is not left.
        """
        request_id, until = uuid.uuid4().hex, time.monotonic() + TAKEN_WITHIN_S
        while True:
            try:
                return self._requests.leave(request, request_id=request_id)
            except BookUnavailable:
                if time.monotonic() >= until:
                    raise
            time.sleep(ASK_EVERY_S)

    def _wait_for_bot(self, request_id: str, sight: LeaseSight, listener: Listener) -> Handed:
        if not self._is_taken(request_id):
            if not sight.is_fresh and not self._has_moved(sight):
                return Handed(books=True, words=nobody(sight))
            return Handed(
                words=f"The bot on {sight.host} (renewed {sight.age_s:.0f} s ago) did not take "
                f"the request within {TAKEN_WITHIN_S:.0f} s: closing here, it books."
            )
        self._say(f"The bot on {sight.host} carries it out.")
        result = self._follow(request_id, listener)
        if result is None:
            return Handed(
                words=f"The bot on {sight.host} took the request and did not end it: closing "
                "here, it books."
            )
        return Handed(result=result)

    def _is_taken(self, request_id: str) -> bool:
        until = time.monotonic() + TAKEN_WITHIN_S
        while time.monotonic() < until:
            if self._state(request_id) not in (None, RequestState.WAITING):
                return True
            time.sleep(ASK_EVERY_S)
        try:
            return not self._requests.withdraw(request_id)
        except BookUnavailable:
            return False  # whoever has it takes his turn, and we ours

    def _has_moved(self, sight: LeaseSight) -> bool:
        with suppress(BookUnavailable):
            return sight.has_moved(self._lease.look())
        return True  # not known: then a bot may be there

    def _let_go(self, request_id: str) -> str:
        """What becomes of the request when nobody waits for its result any more."""
        try:
            if self._requests.withdraw(request_id):
                return "The request is withdrawn: nothing is closed."
        except BookUnavailable as error:
            return f"The request could not be withdrawn, the bot may carry it out: {error}"
        return "The bot has taken the request and goes on with it: see show-liquidations."

    def _state(self, request_id: str) -> RequestState | None:
        stored = self._stored(request_id)
        return None if stored is None else stored.state

    def _stored(self, request_id: str) -> StoredRequest | None:
        with suppress(BookUnavailable):  # asked again in a moment
            return self._requests.get(request_id)
        return None

    def _follow(self, request_id: str, listener: Listener) -> LiquidationResult | None:
        """The bot's result; ``None`` = it has had its time, and no run of its own is under way."""
        until = time.monotonic() + self._run_s + ANSWERS_WITHIN_S
        seen = 0
        while True:
            stored = self._stored(request_id)
            if stored is not None and stored.correlation_id is not None:
                for sequence, event in self._events(stored.correlation_id, after=seen):
                    seen = sequence
                    listener(event)
            if stored is not None and stored.result is not None:
                return result_of(stored.result)
            if time.monotonic() > until and not self._runs(stored):
                return None
            time.sleep(ASK_EVERY_S)

    def _runs(self, stored: StoredRequest | None) -> bool:
        with suppress(BookUnavailable):
            claim = self._claims.under_way()
            return claim is not None and (
                stored is None or claim.correlation_id == stored.correlation_id
            )
        return False

    def _events(self, correlation_id: str, *, after: int) -> Iterator[tuple[int, AuditEvent]]:
        with suppress(AuditUnreadable):
            for row in self._audit.events(correlation_id, after_sequence=after):
                yield row["sequence"], _event(row)


def nobody(sight: LeaseSight | None) -> str:
    """Why no bot is asked."""
    if sight is None:
        return "No bot has said that it works on this database."
    if sight.released:
        return f"The bot on {sight.host} has ended."
    return (
        f"The bot on {sight.host} has not been heard of since "
        f"{sight.renewed_at:%Y-%m-%d %H:%M:%S} UTC."
    )


def result_of(data: Any) -> LiquidationResult:
    """What ``LiquidationResult.to_dict()`` was made of."""
    return LiquidationResult(
        state=LiquidationState(data["state"]),
        correlation_id=data["correlation_id"],
        positions_closed=data["positions_closed"],
        positions_failed=data["positions_failed"],
        orders_cancelled=data["orders_cancelled"],
        total_realized_pnl=data["total_realized_pnl"],
        duration_seconds=data["duration_seconds"],
        errors=tuple(data["errors"]),
        outcomes=tuple(map(_outcome, data["outcome"])),
        skip_reason=data["skip_reason"],
    )


def _outcome(data: dict[str, Any]) -> PairOutcome:
    known = {field.name for field in fields(PairOutcome)}
    values = {key: value for key, value in data.items() if key in known}
    return PairOutcome(**{**values, "side": Side(data["side"]), "state": PairState(data["state"])})


def _event(row: dict[str, Any]) -> AuditEvent:
    return AuditEvent(
        event_type=AuditEventType(row["event_type"]),
        operation=row["operation"],
        correlation_id=row["correlation_id"],
        trigger=row["trigger"],
        pair=row["pair"],
        error=row["error"],
        additional_data=row["additional_data"] or {},
        timestamp=datetime.fromisoformat(row["timestamp"]),
    )

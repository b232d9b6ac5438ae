"""Single attempts within their time, and questions asked again where there was no answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import (
    AccountRefused,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    OutcomeUnknown,
    unexpected,
)
from freqtrade_liquidation.place import Place, at
from freqtrade_liquidation.plan import Urgency
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.trail import Trail

T = TypeVar("T")
logger = logging.getLogger(__name__)

SHORTEST_ATTEMPT_S: Final = 0.01
"""With less time than this, a request is not sent at all."""
LOOK_NEEDS_S: Final = 0.5
"""What waits for its turn gives up this long before the end: the last look shows what is left."""


class Asker:
    """Keeps a run's requests within its deadline.

    :param reserved_s: seconds before the deadline that nothing here may use (now).
    """

    def __init__(
        self,
        deadline: Deadline,
        backoff: Backoff,
        trail: Trail,
        *,
        reserved_s: Callable[[], float],
    ) -> None:
        self.deadline = deadline
        self.backoff = backoff
        self._trail = trail
        self._reserved_s = reserved_s
        self._places: list[Place] = []

    @property
    def left_s(self) -> float:
        """Seconds to act in."""
        return max(0.0, self.deadline.left_s - self._reserved_s())

    @property
    def queueing(self) -> bool:
        """Something waits for its turn: the exchange takes only so many requests."""
        return any(place.waiting for place in self._places)

    async def once(
        self,
        verb: Callable[..., Awaitable[T]],
        *,
        urgency: Urgency = Urgency.LOOK,
        exposure: float = 0.0,
    ) -> T:
        """One attempt within its time, whatever the order manager does.

        :param exposure: quote currency; see :class:`~freqtrade_liquidation.place.Place`.
        :raises OutcomeUnknown: if there was no answer in time, or a defect kept it from us.
        :raises ExchangeUnavailable: if no time was left to send it in.
        """
        seconds = self._attempt_s()
        if self._is_late:
            raise ExchangeUnavailable("not sent: no time is left")
        spared_s = LOOK_NEEDS_S if urgency > Urgency.LOOK else 0.0
        try:
            async with asyncio.timeout(seconds) as attempt:
                place = Place(
                    urgency=urgency,
                    exposure=exposure,
                    wait_until=now() + self.left_s - spared_s,
                    attempt=attempt,
                    attempt_s=self._attempt_s,
                )
                with self._standing(place):
                    return await verb(timeout_s=seconds)
        except TimeoutError as error:
            raise OutcomeUnknown(f"no answer within {seconds:.2f} s") from error
        except LiquidationError:
            raise
        except Exception as error:
            logger.exception("Unexpected: nobody knows what became of a request.")
            raise OutcomeUnknown(unexpected(error)) from error

    def _attempt_s(self) -> float:
        return min(self.deadline.attempt_s(), self.left_s)

    @contextmanager
    def _standing(self, place: Place) -> Iterator[None]:
        self._places.append(place)
        try:
            with at(place):
                yield
        finally:
            place.over = True
            self._places.remove(place)

    async def until_answered(self, what: str, verb: Callable[..., Awaitable[T]]) -> T:
        """Asks a question, again where there was no answer.

        :raises ExchangeRefused: at once; asking again is no use.
        :raises LiquidationError: the last one, when attempts or time are used up.
        """
        attempts = 0
        while True:
            began, attempts = now(), attempts + 1
            try:
                return await self.once(verb)
            except LiquidationError as error:
                error.attempts = attempts
                self._trail.note(
                    Event.ATTEMPT_FAILED,
                    "look",
                    error=str(error),
                    request=what,
                    attempt=attempts,
                    outcome=outcome_word(error),
                )
                refused = isinstance(error, ExchangeRefused)
                if refused or not self.backoff.allows(attempts) or self._is_late:
                    raise
                # The attempt's own time counts as a pause; what the exchange asked for does not.
                pause = self.delay_s(attempts, None) - (now() - began)
                delay = max(0.0, pause, _asked_s(error))
                await asyncio.sleep(min(delay, self.left_s))
                if self._is_late:
                    raise  # what was said last, not that nothing more could be sent

    @property
    def _is_late(self) -> bool:
        return self._attempt_s() < SHORTEST_ATTEMPT_S

    def delay_s(self, attempts: int, error: LiquidationError | None) -> float:
        """Seconds before the next attempt; at least what the exchange asked for."""
        return self.backoff.delay_s(attempts, retry_after_s=_asked_s(error))


def _asked_s(error: LiquidationError | None) -> float:
    """Seconds that the exchange asked us to wait, from its answer on."""
    asked = error.retry_after_s if isinstance(error, ExchangeUnavailable) else None
    return asked or 0.0


def now() -> float:
    """Seconds on the running loop's monotonic clock."""
    return asyncio.get_running_loop().time()


def outcome_word(error: LiquidationError) -> str:
    """``unavailable`` (not acted), ``refused``, ``account_refused`` or ``unknown``."""
    match error:
        case AccountRefused():
            return "account_refused"
        case ExchangeRefused():
            return "refused"
        case ExchangeUnavailable():
            return "unavailable"
        case _:
            return "unknown"

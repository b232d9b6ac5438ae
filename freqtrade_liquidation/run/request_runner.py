"""A run's verbs, each within the run's deadline."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import (
    AccountRefused,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    NotSent,
    OutcomeUnknown,
    unexpected,
)
from freqtrade_liquidation.plan import Urgency
from freqtrade_liquidation.request_priority import Priority, at
from freqtrade_liquidation.trail import Trail

T = TypeVar("T")
logger = logging.getLogger(__name__)

SHORTEST_ATTEMPT_S: Final = 0.01
"""With less time than this, a request is not sent at all."""
LOOK_NEEDS_S: Final = 0.5
"""What waits for its turn gives up this long before the end: the last look shows what is left."""


class RequestRunner:
    """Hands verbs to the order manager and says, in three kinds, what became of them.

    :param reserved_s: seconds before the deadline that nothing here may use (now).
    """

    def __init__(
        self, deadline: Deadline, trail: Trail, *, reserved_s: Callable[[], float]
    ) -> None:
        self.deadline = deadline
        self._trail = trail
        self._reserved_s = reserved_s

    @property
    def left_s(self) -> float:
        """Seconds to act in."""
        return max(0.0, self.deadline.left_s - self._reserved_s())

    def priority(self, what: str, urgency: Urgency, exposure: float = 0.0) -> Priority:
        """Of a verb that begins now; its failed attempts are put on record.

        :param exposure: quote currency at stake.
        """
        spared_s = LOOK_NEEDS_S if urgency > Urgency.LOOK else 0.0
        return Priority(
            urgency=urgency,
            exposure=exposure,
            wait_until=now() + self.left_s - spared_s,
            failed=lambda error: self.note_failed(what, error),
        )

    async def once(self, verb: Callable[..., Awaitable[T]], priority: Priority) -> T:
        """*verb*, which has all the time that is left. What a look asks may be answered in the time
        that is kept for stops, too: whoever puts them back wants to know.

        :raises OutcomeUnknown: if there was no answer in time, or a defect kept it from us.
        :raises NotSent: if no time was left to send it in.
        """
        seconds = self.left_s
        if seconds < SHORTEST_ATTEMPT_S:
            raise NotSent("not sent: no time is left")
        try:
            async with asyncio.timeout(seconds):
                with at(priority):
                    looks = priority.urgency is Urgency.LOOK
                    return await verb(timeout_s=self.deadline.left_s if looks else seconds)
        except TimeoutError as error:
            raise OutcomeUnknown(f"no answer within {seconds:.2f} s") from error
        except LiquidationError:
            raise
        except Exception as error:
            logger.exception("Unexpected: nobody knows what became of a request.")
            raise OutcomeUnknown(unexpected(error)) from error

    def note_failed(self, what: str, error: LiquidationError) -> None:
        """A question was not answered: on record."""
        self._trail.note(
            Event.ATTEMPT_FAILED,
            "look",
            error=str(error),
            request=what,
            outcome=outcome_word(error),
        )


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

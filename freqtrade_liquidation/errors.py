"""What can go wrong, sorted by the one question that matters: may it have acted?"""


class LiquidationError(Exception):
    """Base of every error that this package raises on its own account.

    :ivar attempts: how often it was tried before this was the last word.
    """

    attempts: int = 1


class ExchangeUnavailable(LiquidationError):
    """Proven not to have acted: sending again is safe.

    :param retry_after_s: seconds that the exchange asked us to wait; ``None`` = it did not say.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotSent(ExchangeUnavailable):
    """It never left: the exchange's limits, a wait that it asked for, or the time that is left
    forbade it. It spends no attempt."""


class RefusedForNow(ExchangeUnavailable):
    """The market refused an order that it may take a moment later (price band, nobody to match)."""


class ClockSkewed(ExchangeUnavailable):
    """Refused because our clock is off: nothing was done; synchronise once, then send again."""


class ExchangeRefused(LiquidationError):
    """It said no. A refused cancel may mean "already filled": look."""


class NothingToReduce(ExchangeRefused):
    """A reduce-only order was refused because the position is zero, in a code that says that alone:
    look again, it is no failure."""


class CloseBlocked(ExchangeRefused):
    """A close was refused because less can be closed than it asks for: the position got smaller
    (spot: coins were sold or moved), or another resting order claims a part of it. Look, clear what
    blocks, send again."""


class AccountRefused(ExchangeRefused):
    """It said no to the whole account (key, permission, suspension): asking again is no use."""


class OutcomeUnknown(LiquidationError):
    """It may have acted: look before anything else."""


def unexpected(error: Exception) -> str:
    """A defect in one line: what it is, without the pages that some add."""
    words = (str(error).splitlines() or [""])[0]
    return f"unexpected error: {type(error).__name__}: {words}"

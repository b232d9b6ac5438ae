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


class ClockSkewed(ExchangeUnavailable):
    """Refused because our clock is off: nothing was done; synchronise once, then send again."""


class ExchangeRefused(LiquidationError):
    """It said no. A refused cancel may mean "already filled": look."""


class NothingToReduce(ExchangeRefused):
    """A reduce-only order was refused for want of a position: look again, it is no failure."""


class AccountRefused(ExchangeRefused):
    """It said no to the whole account (key, permission, suspension): asking again is no use."""


class OutcomeUnknown(LiquidationError):
    """It may have acted: look before anything else."""


def unexpected(error: Exception) -> str:
    """A defect in one line: what it is, without the pages that some add."""
    words = (str(error).splitlines() or [""])[0]
    return f"unexpected error: {type(error).__name__}: {words}"

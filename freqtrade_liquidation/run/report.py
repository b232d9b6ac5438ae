"""What a run leaves behind."""

from dataclasses import dataclass, field

from freqtrade_liquidation.model import PairOutcome, PairState


@dataclass(slots=True, kw_only=True)
class RunReport:
    """What a run leaves behind.

    :param flat: the exchange showed it: nothing in scope is open, nothing could open.
    :param errors: in words, most urgent first.
    :param account_refused: the exchange's words, if it refused the whole account.
    """

    outcomes: list[PairOutcome] = field(default_factory=list)
    orders_cancelled: int = 0
    flat: bool = False
    timed_out: bool = False
    errors: list[str] = field(default_factory=list)
    account_refused: str | None = None

    def count(self, *states: PairState) -> int:
        """How many pairs ended in one of *states*."""
        return sum(outcome.state in states for outcome in self.outcomes)

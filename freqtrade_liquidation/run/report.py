"""What a run leaves behind, and how a pair's outcome is told from what was seen."""

from dataclasses import dataclass, field

from freqtrade_liquidation.model import BookedPair, PairOutcome, PairState, Position


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the last look says of a pair.

    :param verified: that look began after our last order for the pair was sent.
    :param shown: the position it showed; ``None`` = none.
    :param protected: it showed a stop, or one was put back since; ``None`` = not known.
    :param why_open: in words, should it be open.
    """

    verified: bool
    shown: Position | None
    protected: bool | None
    why_open: str


def outcome_of(first: Position, sight: Sight, booked: BookedPair | None) -> PairOutcome:
    """The outcome of a pair first seen as *first*. What is not verified counts as open."""
    state, residual = _state_of(sight)
    left = state in (PairState.OPEN, PairState.UNVERIFIED)
    return PairOutcome(
        pair=first.pair,
        side=first.side,
        state=state,
        amount=first.amount,
        residual_amount=residual,
        realized_pnl=booked.realized_pnl if booked else None,
        tracked=bool(first.trade_ids),
        protected=sight.protected if left else None,
        error=sight.why_open if left else None,
    )


def _state_of(sight: Sight) -> tuple[PairState, float | None]:
    shown = sight.shown
    if not sight.verified or (shown is not None and shown.uncertain):
        return PairState.UNVERIFIED, None
    if shown is None:
        return PairState.CLOSED, 0.0
    return (PairState.DUST if shown.is_dust else PairState.OPEN), shown.amount

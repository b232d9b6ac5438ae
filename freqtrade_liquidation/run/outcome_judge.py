"""How each pair, and the book, ended: told from the verdicts and from what was sent."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.digits import digits
from freqtrade_liquidation.model import (
    BookedPair,
    OpenOrder,
    OrderRole,
    PairOutcome,
    PairState,
    Position,
)
from freqtrade_liquidation.plan import Book, Rules
from freqtrade_liquidation.run.attempts import Attempts
from freqtrade_liquidation.run.history import PairHistory
from freqtrade_liquidation.run.proof import Verdict
from freqtrade_liquidation.run.stops import Stops
from freqtrade_liquidation.trail import Trail

STATES: Final = {
    Verdict.FLAT: PairState.CLOSED,
    Verdict.FILLED: PairState.CLOSED,
    Verdict.OPEN: PairState.OPEN,
    Verdict.LATE: PairState.NOT_PROVEN,
    Verdict.CONTRADICTED: PairState.NOT_PROVEN,
    Verdict.UNREAD: PairState.NOT_PROVEN,
}
WHY: Final = {
    Verdict.LATE: (
        "its closing orders have filled all that was known, and the exchange lists the position "
        "still"
    ),
    Verdict.CONTRADICTED: (
        "the exchange does not list it, and no fill explains where the position went"
    ),
    Verdict.UNREAD: "the exchange did not show whether it is closed",
}


class OutcomeJudge:
    """Says what is true at the end, and writes it down pair by pair."""

    def __init__(self, trail: Trail, rules: Rules, attempts: Attempts, stops: Stops) -> None:
        self._trail = trail
        self._rules = rules
        self._attempts = attempts
        self._stops = stops

    def outcomes(
        self,
        histories: Mapping[str, PairHistory],
        verdict_of: Callable[[str], Verdict],
        book: Book | None,
        booked: Mapping[str, BookedPair],
        *,
        timed_out: bool,
    ) -> list[PairOutcome]:
        """One for each pair of *histories*, as it was first known."""
        found = [
            self._outcome(history, verdict_of(pair), book, booked.get(pair), timed_out=timed_out)
            for pair, history in histories.items()
        ]
        for outcome in found:
            self._note(outcome)
        return found

    def _outcome(
        self,
        history: PairHistory,
        verdict: Verdict,
        book: Book | None,
        booked: BookedPair | None,
        *,
        timed_out: bool,
    ) -> PairOutcome:
        first = history.first
        assert first is not None, "only pairs that were known to be open have an outcome"
        shown = next((p for p in book.positions if p.pair == first.pair), None) if book else None
        state, residual = state_of(history, verdict, shown)
        left = state in (PairState.OPEN, PairState.NOT_PROVEN)
        return PairOutcome(
            pair=first.pair,
            side=shown.side if left and shown is not None else first.side,
            state=state,
            amount=history.amount,
            residual_amount=residual,
            realized_pnl=booked.realized_pnl if booked else None,
            tracked=bool(first.trade_ids),
            protected=self._is_protected(first.pair, book) if left else None,
            error=self._why(first.pair, shown, verdict, timed_out=timed_out) if left else None,
        )

    def why_not_flat(self, scoped: Book | None, seen: Collection[str]) -> list[str]:
        """What stands in the way of a flat book and is no position, in words."""
        resting = scoped.entries if scoped else ()
        if not (self._rules.close or self._rules.cancel_entries):
            resting = ()  # nobody wanted them gone
        about = [self._about(order) for order in resting]
        if scoped is not None and scoped.orders is not None:
            return about  # what is not listed is gone, whatever was answered to its cancel
        return about + [
            f"{pair}: {words}" for pair, words in self._attempts.errors.items() if pair not in seen
        ]

    def leftovers(self, resting: Collection[OpenOrder]) -> list[str]:
        """What may rest still of closed pairs, in words."""
        return [
            f"{o.pair}: {o.role} order {o.order_id} ({o.side} {digits(o.amount)}) may still rest "
            f"on the exchange: {self._attempts.why_resting(o) or 'not cancelled in time'}"
            for o in resting
        ]

    def _about(self, order: OpenOrder) -> str:
        why = self._attempts.why_resting(order) or "not cancelled in time"
        if not self._rules.cancel_entries:
            why = "cancel_orders is false"
        return (
            f"{order.pair}: order {order.order_id} ({order.side} {digits(order.amount)}) rests "
            f"on the exchange and could open a position: {why}"
        )

    def _why(self, pair: str, shown: Position | None, verdict: Verdict, *, timed_out: bool) -> str:
        if shown is not None and shown.obstacle is not None:
            return shown.obstacle
        if verdict is not Verdict.OPEN and (words := WHY.get(verdict)) is not None:
            trouble = self._attempts.why(pair)
            return words if trouble is None else f"{words} ({trouble})"
        if (trouble := self._attempts.why(pair)) is not None:
            return trouble
        return "out of time" if timed_out else "still open"

    def _is_protected(self, pair: str, book: Book | None) -> bool | None:
        """Whether a stop stands for it; ``None`` = the list of orders could not be read."""
        if self._stops.is_removed(pair):
            return False  # even if another one of it stands: it is less protected than before
        if self._stops.is_doubtful(pair):
            return None
        if pair in self._stops.restored:
            return True
        if book is None or book.orders is None:
            return None
        return any(order.role is OrderRole.PROTECTIVE for order in book.orders_of(pair))

    def _note(self, outcome: PairOutcome) -> None:
        if outcome.state in (PairState.CLOSED, PairState.DUST):
            self._trail.note(
                Event.POSITION_CLOSED,
                "verify",
                pair=outcome.pair,
                quantity=outcome.amount - (outcome.residual_amount or 0.0),
                realized_pnl=outcome.realized_pnl,
                dust=outcome.residual_amount or None,
                tracked=outcome.tracked,
            )
        else:
            self._trail.note(
                Event.POSITION_CLOSE_FAILED,
                "verify",
                pair=outcome.pair,
                error=outcome.error,
                residual_amount=outcome.residual_amount,
                state=str(outcome.state),
            )


def state_of(
    history: PairHistory, verdict: Verdict, shown: Position | None
) -> tuple[PairState, float | None]:
    """How a pair is told, and base currency that is left of it; ``None`` = not known.

    :param shown: as the newest list shows it, dust, too.
    """
    left = history.left
    if (shown is not None and shown.uncertain) or (left is not None and left.uncertain):
        return PairState.NOT_PROVEN, None
    state = STATES[verdict]
    if state is PairState.CLOSED:
        dust = shown is not None and shown.is_dust
        return (PairState.DUST, shown.amount) if dust and shown else (state, 0.0)
    return state, left.amount if state is PairState.OPEN and left is not None else None

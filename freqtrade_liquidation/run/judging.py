"""How each pair, and the book, ended: told from the last look and from what was sent."""

from collections.abc import Collection, Mapping

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
from freqtrade_liquidation.run.looking import Looker
from freqtrade_liquidation.run.report import Sight, outcome_of
from freqtrade_liquidation.run.stops import Stops
from freqtrade_liquidation.trail import Trail


class Judge:
    """Says what is true at the end, and writes it down pair by pair."""

    def __init__(
        self, trail: Trail, rules: Rules, looker: Looker, attempts: Attempts, stops: Stops
    ) -> None:
        self._trail = trail
        self._rules = rules
        self._looker = looker
        self._attempts = attempts
        self._stops = stops

    def outcomes(
        self, seen: Mapping[str, Position], booked: Mapping[str, BookedPair], *, timed_out: bool
    ) -> list[PairOutcome]:
        """One for each pair of *seen*, as it was first seen."""
        found = [
            outcome_of(first, self._sight(pair, timed_out=timed_out), booked.get(pair))
            for pair, first in seen.items()
        ]
        for outcome in found:
            self._note(outcome)
        return found

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

    def _about(self, order: OpenOrder) -> str:
        why = self._attempts.why_resting(order) or "not cancelled in time"
        if not self._rules.cancel_entries:
            why = "cancel_orders is false"
        return (
            f"{order.pair}: order {order.order_id} ({order.side} {digits(order.amount)}) rests "
            f"on the exchange and could open a position: {why}"
        )

    def _sight(self, pair: str, *, timed_out: bool) -> Sight:
        book = self._looker.book
        shown = next((p for p in book.positions if p.pair == pair), None) if book else None
        return Sight(
            verified=book is not None and self._looker.looked_at >= self._attempts.sent_at(pair),
            shown=shown,
            protected=self._is_protected(pair),
            why_open=self._why_open(pair, shown, timed_out=timed_out),
        )

    def _why_open(self, pair: str, shown: Position | None, *, timed_out: bool) -> str:
        if shown is not None and shown.obstacle is not None:
            return shown.obstacle
        if (trouble := self._attempts.why(pair)) is not None:
            return trouble
        if self._looker.book is None:
            return "the exchange did not show whether it is closed"
        return "out of time" if timed_out else "still open"

    def _is_protected(self, pair: str) -> bool | None:
        """Whether a stop stands for it; ``None`` = the list of orders could not be read."""
        if self._stops.is_removed(pair):
            return False  # even if another one of it stands: it is less protected than before
        if self._stops.is_doubtful(pair):
            return None
        if pair in self._stops.restored:
            return True
        book = self._looker.book
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

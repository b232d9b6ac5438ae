"""How often something was tried, when it may be tried again, and what was given up."""

from collections.abc import Sequence
from dataclasses import dataclass

from freqtrade_liquidation.errors import (
    CloseBlocked,
    ExchangeRefused,
    LiquidationError,
    NothingToReduce,
    OutcomeUnknown,
)
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, OpenOrder, Position
from freqtrade_liquidation.run.asking import Asker, now


@dataclass(slots=True)
class _Sent:
    """Attempts to close a pair since it last got smaller."""

    attempts: int = 0
    amount: float = 0.0
    at: float = 0.0


class Attempts:
    """Counts per pair and per order; a position that got smaller starts anew."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._closes: dict[str, _Sent] = {}
        self._cancels: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._given_up: dict[str, str] = {}
        self._not_cancelled: dict[str, str] = {}
        self.errors: dict[str, str] = {}

    # -- asked by the plan ------------------------------------------------------------------

    def may_close(self, position: Position) -> bool:
        """Whether another closing order may be sent for it."""
        if position.pair in self._given_up:
            return False
        sent = self._closes.get(position.pair)
        return (
            sent is None or _is_smaller(position, sent) or self._asker.backoff.allows(sent.attempts)
        )

    def may_cancel(self, order: OpenOrder) -> bool:
        """Whether its cancel may be sent (again)."""
        return self._asker.backoff.allows(self._cancels.get(order.order_id, 0))

    def waiting(self) -> set[str]:
        """Pairs whose next attempt is not due yet."""
        moment = now()
        return {pair for pair, at in self._not_before.items() if at > moment}

    def next_due(self) -> float:
        """When the next of them is due, on the loop's clock; now, if none waits."""
        moment = now()
        return min((at for at in self._not_before.values() if at > moment), default=moment)

    def sent_at(self, pair: str) -> float:
        """When its last closing order was sent, on the loop's clock; 0.0 = never."""
        return self._closes.get(pair, _Sent()).at

    def closes_of(self, pair: str) -> int:
        """Closing attempts since it last got smaller."""
        return self._closes.get(pair, _Sent()).attempts

    def why(self, pair: str) -> str | None:
        """The words of its last trouble."""
        return self._given_up.get(pair) or self.errors.get(pair)

    def why_resting(self, order: OpenOrder) -> str | None:
        """The words of the last trouble with cancelling it."""
        return self._not_cancelled.get(order.order_id)

    # -- told by the actor ------------------------------------------------------------------

    def count_close(self, position: Position) -> None:
        """Its closing orders are about to be sent."""
        sent = self._closes.setdefault(position.pair, _Sent())
        sent.attempts = 1 if _is_smaller(position, sent) else sent.attempts + 1
        sent.amount, sent.at = position.amount, now()

    def count_cancels(self, orders: Sequence[OpenOrder]) -> None:
        """Their cancels are about to be sent."""
        for order in orders:
            self._cancels[order.order_id] = self._cancels.get(order.order_id, 0) + 1

    def failed(self, pair: str, words: str, error: LiquidationError | None = None) -> None:
        """A closing attempt failed. A look comes first, always; then the wait counts from its
        sending, so that an answer that took long is not waited for twice."""
        self.errors[pair] = words
        if isinstance(error, NothingToReduce | CloseBlocked):
            return
        if isinstance(error, ExchangeRefused):
            self.give_up(pair, words)
            return
        delay_s = self._asker.delay_s(max(1, self.closes_of(pair)), error)
        if isinstance(error, OutcomeUnknown):
            delay_s -= now() - self.sent_at(pair)
        self.postpone(pair, max(0.0, delay_s))

    def cancel_failed(self, order: OpenOrder, words: str, *, sendable: bool) -> None:
        """A cancel failed; *sendable* = it was not acted upon and may be sent again."""
        self.errors[order.pair] = _not_cancelled(order, words)
        self._not_cancelled[order.order_id] = words
        if sendable:
            self.postpone(order.pair, self._asker.delay_s(self._cancels[order.order_id], None))

    def cancelled(self, order: OpenOrder) -> None:
        """Its cancel is confirmed: an earlier one that failed is no trouble any more."""
        words = self._not_cancelled.pop(order.order_id, None)
        if words is not None and self.errors.get(order.pair) == _not_cancelled(order, words):
            del self.errors[order.pair]

    def give_up(self, pair: str, words: str) -> None:
        """No further closing order for *pair*."""
        self._given_up[pair] = words

    def postpone(self, pair: str, seconds: float) -> None:
        """Nothing more for *pair* within *seconds*."""
        self._not_before[pair] = max(self._not_before.get(pair, 0.0), now() + seconds)


def _is_smaller(position: Position, sent: _Sent) -> bool:
    return position.amount < sent.amount * (1 - AMOUNT_TOLERANCE)


def _not_cancelled(order: OpenOrder, words: str) -> str:
    return f"order {order.order_id} not cancelled: {words}"

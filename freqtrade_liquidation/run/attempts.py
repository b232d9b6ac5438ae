"""How often something was tried, when it may be tried again, and what was given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from freqtrade_liquidation.errors import (
    CloseBlocked,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    NothingToReduce,
    NotSent,
    OutcomeUnknown,
)
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, OpenOrder, Position, Side
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.run.request_runner import now

NEVER: Final = float("-inf")
ACKNOWLEDGED: Final = "the exchange took the cancel on, and lists the order still"
NOT_SENT_PAUSE_S: Final = 0.1
"""Before an order that could not leave is tried again."""


@dataclass(slots=True)
class _Sent:
    """Attempts to close a pair since it last got smaller.

    :param began_at: when the first of them was sent, on the loop's clock.
    :param look_since: on the loop's clock; a list asked for before this allows no further order.
    """

    attempts: int = 0
    began_at: float = NEVER
    side: Side | None = None
    amount: float = 0.0
    at: float = 0.0
    look_since: float = NEVER


class Attempts:
    """Counts per pair and per order; a position that got smaller, or is turned, starts anew."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._closes: dict[str, _Sent] = {}
        self._cancels: dict[str, int] = {}
        self._cancel_sent: dict[str, float] = {}
        self._cancel_answered: dict[str, float] = {}
        self._cancel_due: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        self._given_up: dict[str, str] = {}
        self._not_cancelled: dict[str, str] = {}
        self._going: set[str] = set()
        self._blocked: set[str] = set()
        self.errors: dict[str, str] = {}

    # -- asked by the plan ------------------------------------------------------------------

    def may_close(self, position: Position, *, listed_at: float) -> bool:
        """Whether another closing order may be sent for it, as a list asked for at *listed_at*
        shows it."""
        sent = self._closes.get(position.pair)
        if position.pair in self._given_up:
            return False
        if sent is None:
            return True
        allowed = _begins_anew(position, sent) or self._backoff.allows(sent.attempts)
        return allowed and listed_at >= sent.look_since

    def may_cancel(self, order: OpenOrder, *, listed_at: float) -> bool:
        """Whether its cancel may be sent (again), as a list asked for at *listed_at* shows it."""
        answered_at = self._cancel_answered.get(order.order_id, NEVER)
        tries = self._cancels.get(order.order_id, 0)
        is_due = now() >= self._cancel_due.get(order.order_id, NEVER)
        return self._backoff.allows(tries) and listed_at >= answered_at and is_due

    def may_still_cancel(self, order: OpenOrder) -> bool:
        """Whether attempts are left for it, at whatever moment."""
        return self._backoff.allows(self._cancels.get(order.order_id, 0))

    def is_blocked(self, pair: str) -> bool:
        """Its close was refused because another order claims the position."""
        return pair in self._blocked

    def waiting(self, moment: float) -> set[str]:
        """Pairs whose next attempt is not due at *moment*, on the loop's clock."""
        return {pair for pair, at in self._not_before.items() if at > moment}

    def next_due(self, moment: float) -> float | None:
        """When the next of those that were not due at *moment* is."""
        due = (*self._not_before.values(), *self._cancel_due.values())
        return min((at for at in due if at > moment), default=None)

    def is_open_for(self, pair: str, amount: float) -> bool:
        """Whether a further closing order may be sent for *amount* of it, now or later."""
        sent = self._closes.get(pair)
        if pair in self._given_up:
            return False
        smaller = sent is not None and amount < sent.amount * (1 - AMOUNT_TOLERANCE)
        return sent is None or smaller or self._backoff.allows(sent.attempts)

    def sent_at(self, pair: str) -> float:
        """When its last closing order was sent, on the loop's clock; 0.0 = never."""
        return self._closes.get(pair, _Sent()).at

    def closes_of(self, pair: str) -> int:
        """Closing attempts since it last got smaller."""
        return self._closes.get(pair, _Sent()).attempts

    def why(self, pair: str) -> str | None:
        """The words of its last trouble."""
        return self._given_up.get(pair) or self.errors.get(pair)

    def why_given_up(self, pair: str) -> str | None:
        """Why no further closing order is sent for it, in words."""
        return self._given_up.get(pair)

    def why_resting(self, order: OpenOrder) -> str | None:
        """The words of the last trouble with cancelling it."""
        return self._not_cancelled.get(order.order_id)

    # -- told by the sender -----------------------------------------------------------------

    def count_close(self, position: Position) -> None:
        """Its closing orders are about to be sent."""
        sent = self._closes.setdefault(position.pair, _Sent())
        if _begins_anew(position, sent):
            sent.attempts = 0
        sent.began_at = sent.began_at if sent.attempts else now()
        sent.attempts += 1
        sent.side, sent.amount, sent.at = position.side, position.amount, now()

    def forget_close(self, pair: str, *, sent_at: float) -> None:
        """An order that was sent before any look was refused, or never left: it spends no attempt.
        One that was sent before the position got smaller is not counted any more."""
        sent = self._closes.setdefault(pair, _Sent())
        if sent_at < sent.began_at:
            return
        sent.attempts = max(0, sent.attempts - 1)
        sent.amount = float("inf") if sent.attempts == 0 else sent.amount

    def count_cancels(self, orders: Sequence[OpenOrder]) -> None:
        """Their cancels are about to be sent."""
        for order in orders:
            self._cancels[order.order_id] = self._cancels.get(order.order_id, 0) + 1
            self._cancel_sent[order.order_id] = now()

    def look_first(self, pair: str) -> None:
        """What became of its last order is not known, or was a refusal: only a list that is asked
        for from now on allows another one."""
        self._closes.setdefault(pair, _Sent()).look_since = now()

    def succeeded(self, pair: str) -> None:
        """A closing order of it was filled: earlier trouble is over, and it has got smaller."""
        self._closes.setdefault(pair, _Sent()).attempts = 0
        self.errors.pop(pair, None)
        self._blocked.discard(pair)

    def failed(
        self, pair: str, words: str, error: LiquidationError, *, unseen: bool, sent_at: float
    ) -> None:
        """A closing attempt failed. A look comes first, always; then the wait counts from its
        sending, so that an answer that took long is not waited for twice.

        :param unseen: it was sent before any look: a refusal says nothing of the next attempt.
        """
        self.errors[pair] = words
        asked_s = error.retry_after_s if isinstance(error, ExchangeUnavailable) else None
        if isinstance(error, NotSent):
            self.forget_close(pair, sent_at=sent_at)
            self.postpone(pair, max(NOT_SENT_PAUSE_S, asked_s or 0.0))
            return
        self.look_first(pair)
        if isinstance(error, CloseBlocked):
            self._blocked.add(pair)
        if unseen and isinstance(error, ExchangeRefused):
            self.forget_close(pair, sent_at=sent_at)
            return
        if isinstance(error, NothingToReduce):
            return
        if isinstance(error, ExchangeRefused) and not isinstance(error, CloseBlocked):
            self.give_up(pair, words)
            return
        delay_s = self._backoff.delay_s(max(1, self.closes_of(pair)), retry_after_s=asked_s)
        if isinstance(error, OutcomeUnknown):
            delay_s -= now() - self.sent_at(pair)
        self.postpone(pair, max(0.0, delay_s))

    def cancel_failed(self, order: OpenOrder, words: str, *, unknown: bool) -> None:
        """A cancel failed. Nothing else of the pair waits for the next one.

        :param unknown: it may have acted, or act later; else it was refused, or not acted upon.
        """
        self.errors[order.pair] = _not_cancelled(order, words)
        self._not_cancelled[order.order_id] = words
        if unknown:
            self._wait_for_its_end(order)
        else:
            self._cancel_answered[order.order_id] = now()
            self._cancel_due[order.order_id] = self._next_cancel_at(order)

    def cancel_acknowledged(self, order: OpenOrder) -> None:
        """The exchange has taken its cancel on."""
        self._not_cancelled[order.order_id] = ACKNOWLEDGED
        self._wait_for_its_end(order)

    def _wait_for_its_end(self, order: OpenOrder) -> None:
        """It is cancelled again if a list shows it still that is asked for after the pause: lists
        are late, and so may the cancel be."""
        self._going.add(order.order_id)
        self._cancel_answered[order.order_id] = self._next_cancel_at(order)

    def _next_cancel_at(self, order: OpenOrder) -> float:
        """After a pause that counts from the sending of the last one."""
        delay_s = self._backoff.delay_s(max(1, self._cancels.get(order.order_id, 0)))
        return max(now(), self._cancel_sent.get(order.order_id, now()) + delay_s)

    def may_go_yet(self, order: OpenOrder) -> bool:
        """Its cancel was taken on, or has no known outcome: it may be carried out later."""
        return order.order_id in self._going

    def cancel_not_sent(self, order: OpenOrder, error: NotSent) -> None:
        """A cancel never left: it spends no attempt."""
        self._cancels[order.order_id] -= 1
        self._not_cancelled[order.order_id] = str(error)
        self.postpone(order.pair, max(NOT_SENT_PAUSE_S, error.retry_after_s or 0.0))

    def cancelled(self, order: OpenOrder) -> None:
        """Its cancel is confirmed: an earlier one that failed is no trouble any more."""
        self._going.discard(order.order_id)
        words = self._not_cancelled.pop(order.order_id, None)
        if words is not None and self.errors.get(order.pair) == _not_cancelled(order, words):
            del self.errors[order.pair]

    def give_up(self, pair: str, words: str) -> None:
        """No further closing order for *pair*."""
        self._given_up[pair] = words

    def postpone(self, pair: str, seconds: float) -> None:
        """Nothing more for *pair* within *seconds*."""
        self._not_before[pair] = max(self._not_before.get(pair, 0.0), now() + seconds)


def _begins_anew(position: Position, sent: _Sent) -> bool:
    """It got smaller; or somebody has turned it, and that is another one."""
    is_another = sent.side not in (None, position.side)
    return is_another or position.amount < sent.amount * (1 - AMOUNT_TOLERANCE)


def _not_cancelled(order: OpenOrder, words: str) -> str:
    return f"order {order.order_id} not cancelled: {words}"

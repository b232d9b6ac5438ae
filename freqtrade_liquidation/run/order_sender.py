"""What is sent: cancels and closing orders, all pairs side by side, intent written first."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.errors import (
    CloseBlocked,
    ExchangeUnavailable,
    LiquidationError,
    NothingToReduce,
    NotSent,
    OutcomeUnknown,
    RefusedForNow,
    unexpected,
)
from freqtrade_liquidation.model import (
    AMOUNT_TOLERANCE,
    CancelAnswer,
    CancelStatus,
    ClosingOrder,
    OpenOrder,
    OrderRole,
    Position,
    Side,
)
from freqtrade_liquidation.plan import PairWork, Urgency, urgency_of_cancel
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.request_priority import Priority
from freqtrade_liquidation.run.attempts import Attempts
from freqtrade_liquidation.run.history import PairHistory
from freqtrade_liquidation.run.request_runner import RequestRunner, now, outcome_word
from freqtrade_liquidation.run.stops import Stops
from freqtrade_liquidation.trail import Trail

logger = logging.getLogger(__name__)

OVERDUE: Final = 2.0
"""Times the median round trip: then nobody counts on the answer to an order any more."""
OVERDUE_AT_LEAST_S: Final = 0.5


@dataclass(slots=True, eq=False)
class Flight:
    """The requests of one round for one pair. *sent_at*: on the loop's clock."""

    pair: str
    task: asyncio.Task[None]
    sent_at: float
    priorities: list[Priority]
    overdue: bool = False


class OrderSender:
    """Sends what the plan says. Every request is announced in the audit trail before.

    :param history: of each pair.
    :param cancel_answered: hears each answer to a cancel.
    :param amount_listed: what an order had still to fill when it was last listed; ``None`` = no
        list has shown it.
    :ivar touched: pairs that something was sent for.
    :ivar answered_at: when an order was last answered, on the loop's clock.
    :ivar cancels_in_doubt_at: when a cancel last ended otherwise than in a confirmation.
    """

    def __init__(
        self,
        order_manager: OrderManager,
        trail: Trail,
        runner: RequestRunner,
        attempts: Attempts,
        stops: Stops,
        history: Mapping[str, PairHistory],
        *,
        cancel_answered: Callable[[CancelAnswer], None],
        amount_listed: Callable[[OpenOrder], float | None],
    ) -> None:
        self._order_manager = order_manager
        self._trail = trail
        self._runner = runner
        self._attempts = attempts
        self._stops = stops
        self._history = history
        self._cancel_answered = cancel_answered
        self._amount_listed = amount_listed
        self.flights: list[Flight] = []
        self.touched: set[str] = set()
        self.orders_cancelled = 0
        self._acknowledged: dict[str, tuple[OpenOrder, float]] = {}
        self.answered_at = self.cancels_in_doubt_at = 0.0

    # -- in flight --------------------------------------------------------------------------

    @property
    def busy(self) -> set[str]:
        """Pairs with a request in flight whose answer may still be counted on."""
        return {flight.pair for flight in self.flights if not flight.overdue}

    @property
    def is_queueing(self) -> bool:
        """Something waits for its turn: the exchange takes only so many requests."""
        return any(p.waiting for flight in self.flights for p in flight.priorities)

    def collect(self) -> None:
        """Drops the flights that are over; raises what only a defect can raise. Those that are
        overdue hold up their pair no longer: a look that is asked for from now on tells."""
        for flight in [flight for flight in self.flights if flight.task.done()]:
            self.flights.remove(flight)
            self.answered_at = now()
            flight.task.result()
        for flight in self.flights:
            due_at = self._overdue_at(flight)
            if not flight.overdue and due_at is not None and now() >= due_at:
                flight.overdue = True
                self.answered_at = now()
                self._attempts.look_first(flight.pair)

    def next_overdue(self) -> float | None:
        """When the next flight is overdue, on the loop's clock."""
        due = [self._overdue_at(flight) for flight in self.flights if not flight.overdue]
        return min((moment for moment in due if moment is not None), default=None)

    def _overdue_at(self, flight: Flight) -> float | None:
        median_s = self._order_manager.round_trips.median_s
        if median_s is None or any(priority.waiting for priority in flight.priorities):
            return None
        left_at = max(flight.sent_at, *(p.queued_until for p in flight.priorities), 0.0)
        return left_at + max(OVERDUE * median_s, OVERDUE_AT_LEAST_S)

    async def abandon(self) -> None:
        """Nobody waits for what is still in flight; what became of it is not known."""
        tasks = [flight.task for flight in self.flights]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # -- sending ----------------------------------------------------------------------------

    def launch(self, work: Sequence[PairWork], *, unseen: bool = False) -> None:
        """One commit for the whole round, then all of it at once.

        :param unseen: the exchange has not shown what is closed; the bot's trades say so.
        """
        rounds = [(piece, self._orders_for(piece)) for piece in work]
        for piece, orders in rounds:
            self._intend_cancels(piece.pair, piece.cancels)
            for order in orders:
                self._trail.note(Event.CLOSE_INTENDED, "close", pair=piece.pair, **order.to_dict())
        self._trail.commit()
        for piece, orders in rounds:
            if orders and piece.close is not None:
                self._attempts.count_close(piece.close)
            self._send(piece, orders, unseen=unseen)

    async def clear(self, orders: Sequence[OpenOrder]) -> list[CancelAnswer]:
        """Cancels orders whose position is gone.

        :returns: the answers of those that are still there, as far as is known.
        """
        by_pair: dict[str, list[OpenOrder]] = {}
        for order in orders:
            by_pair.setdefault(order.pair, []).append(order)
        for pair, of_pair in by_pair.items():
            self._intend_cancels(pair, of_pair)
        self._trail.commit()
        answers = await asyncio.gather(
            *(self._cancel(p, of_pair, []) for p, of_pair in by_pair.items())
        )
        return [a for of_pair in answers for a in of_pair if not _is_done(a)]

    def _send(self, piece: PairWork, orders: Sequence[ClosingOrder], *, unseen: bool) -> None:
        exposure = 0.0 if piece.close is None else piece.close.notional
        priorities: list[Priority] = []
        closes = [
            self._close(order, self._priority("close", Urgency.CLOSE, exposure, priorities), unseen)
            for order in orders
        ]
        cancels = self._cancel_for(piece, exposure, priorities)
        task = asyncio.ensure_future(_all_of(cancels, *closes))
        self.flights.append(Flight(piece.pair, task, now(), priorities))

    def _priority(
        self, what: str, urgency: Urgency, exposure: float, known: list[Priority]
    ) -> Priority:
        priority = self._runner.priority(what, urgency, exposure)
        known.append(priority)
        return priority

    def _orders_for(self, piece: PairWork) -> list[ClosingOrder]:
        try:
            return self._closing_orders(piece)
        except Exception as error:  # one odd market costs the others nothing
            logger.exception("Unexpected with %s, it is given up.", piece.pair)
            self._attempts.give_up(piece.pair, unexpected(error))
            return []

    def _closing_orders(self, piece: PairWork) -> list[ClosingOrder]:
        if piece.close is None:
            return []
        if piece.cancel_first:
            if not piece.cancels:  # sold all the same, the coins that it locks would be the user's
                self._attempts.give_up(piece.pair, "an order that locks it was not cancelled")
            return []  # what locked the coins may have sold some of them: the next look tells
        pieces = self._order_manager.amount_pieces(piece.close)
        name = self._order_manager.new_client_order_id
        orders = [_closing_order(piece.close, amount, name()) for amount in pieces]
        if not orders:
            self._attempts.give_up(piece.pair, "its amount is below the market's smallest step")
        return orders

    # -- cancels ----------------------------------------------------------------------------

    def _intend_cancels(self, pair: str, orders: Sequence[OpenOrder]) -> None:
        self.touched.add(pair)
        self._attempts.count_cancels(orders)
        if orders:
            self._trail.note(
                Event.CANCEL_INTENDED, "cancel", pair=pair, orders=[o.to_dict() for o in orders]
            )

    async def _cancel_for(
        self, work: PairWork, exposure: float, priorities: list[Priority]
    ) -> None:
        answers = await self._cancel(work.pair, work.cancels, priorities, exposure)
        blocked = [
            a for a in answers if a.order.blocks_close and not (_is_done(a) or _is_acknowledged(a))
        ]
        if blocked:
            error = OutcomeUnknown(f"cannot close: {blocked[0].error}")
            self._attempts.failed(work.pair, str(error), error, unseen=False, sent_at=now())

    async def _cancel(
        self,
        pair: str,
        orders: Sequence[OpenOrder],
        priorities: list[Priority],
        exposure: float = 0.0,
    ) -> Sequence[CancelAnswer]:
        asks = [
            self._cancel_one(
                order, self._priority("cancel", urgency_of_cancel(order), exposure, priorities)
            )
            for order in orders
        ]
        answers = await asyncio.gather(*asks)
        self._note_cancelled(pair, [answer.order for answer in answers if _is_done(answer)])
        for answer in answers:
            if _is_acknowledged(answer):
                self._note_acknowledged(answer.order)
            elif not _is_done(answer):
                self._note_cancel_failed(answer)
        return answers

    async def _cancel_one(self, order: OpenOrder, priority: Priority) -> CancelAnswer:
        """By itself: one that hangs must not take the others' answers with it."""
        send = partial(self._order_manager.cancel_all_orders, order.pair, (order,))
        try:
            [answer] = await self._runner.once(send, priority)
        except LiquidationError as error:
            answer = _failed(order, error)
        except asyncio.CancelledError:
            self._stops.heard(_failed(order, OutcomeUnknown("abandoned")))
            raise
        self._stops.heard(answer)
        self._cancel_answered(answer)
        if order.blocks_close:  # it may have sold a part of what is closed next
            self._attempts.look_first(order.pair)
        if _is_done(answer):
            self._learn_from_cancel(answer)
        elif _may_have_filled(answer):  # until its end is read
            self._history[order.pair].entry_is_gone(order.order_id, at=now())
        return answer

    def _learn_from_cancel(self, answer: CancelAnswer) -> None:
        """What a cancelled order has filled since it was last seen is knowledge."""
        order, history = answer.order, self._history[answer.order.pair]
        if answer.left is None:
            if order.role is OrderRole.ENTRY:
                history.entry_is_gone(order.order_id, at=now())
            return
        history.entry_is_known(order.order_id)
        # what was claimed counts the fills that the database knew, not those of a list of orders
        listed = self._amount_listed(order) if history.is_listed else None
        known = order.amount if listed is None else listed
        filled = max(0.0, sum_of(known, -answer.left))
        if filled <= AMOUNT_TOLERANCE * known:
            return
        if order.role is not OrderRole.ENTRY:
            history.closed(filled, at=now(), may_be_listed=True)
            return
        side = Side.LONG if order.side == "buy" else Side.SHORT
        opened = Position(pair=order.pair, side=side, amount=filled)
        history.opened(opened, at=now(), since_listed=listed is not None)

    def orders_listed(self, listed: Collection[str], *, asked_at: float) -> None:
        """A list of the orders by id, asked for at *asked_at*: what it lacks, and whose cancel was
        acknowledged before, is cancelled."""
        gone: dict[str, list[OpenOrder]] = {}
        for order_id, (order, answered_at) in list(self._acknowledged.items()):
            if order_id not in listed and answered_at <= asked_at:
                del self._acknowledged[order_id]
                gone.setdefault(order.pair, []).append(order)
        for pair, orders in gone.items():
            self._note_cancelled(pair, orders)

    def _note_acknowledged(self, order: OpenOrder) -> None:
        """Only a list that is asked for from now on tells whether it is gone."""
        self._acknowledged[order.order_id] = (order, now())
        self.cancels_in_doubt_at = now()
        self._attempts.cancel_acknowledged(order)
        self._trail.note(
            Event.CANCEL_ACKNOWLEDGED, "cancel", pair=order.pair, order_id=order.order_id
        )

    def _note_cancelled(self, pair: str, orders: Sequence[OpenOrder]) -> None:
        if not orders:
            return
        self.orders_cancelled += len(orders)
        for order in orders:
            self._attempts.cancelled(order)
        self._trail.note(
            Event.ORDERS_CANCELLED,
            "cancel",
            pair=pair,
            cancelled_count=len(orders),
            order_ids=[order.order_id for order in orders],
        )

    def _note_cancel_failed(self, answer: CancelAnswer) -> None:
        order = answer.order
        if answer.not_sent is not None:
            self._attempts.cancel_not_sent(order, answer.not_sent)
        else:
            self.cancels_in_doubt_at = now()
        self._trail.note(
            Event.CANCEL_FAILED,
            "cancel",
            pair=order.pair,
            error=answer.error,
            order_id=order.order_id,
            outcome=str(answer.status),
        )
        if answer.not_sent is None:
            self._attempts.cancel_failed(
                order,
                answer.error or str(answer.status),
                unknown=answer.status is CancelStatus.UNKNOWN,
            )

    # -- closes -----------------------------------------------------------------------------

    async def _close(self, order: ClosingOrder, priority: Priority, unseen: bool) -> None:
        send = partial(self._order_manager.execute_market_close, order, reduce_only=True)
        history = self._history[order.pair]
        history.in_doubt(order.client_order_id)
        sent_at = now()
        try:
            answer = await self._runner.once(send, priority)
        except LiquidationError as error:
            if isinstance(error, NothingToReduce):
                history.said_zero(sent_at=sent_at, at=now())
            self._note_close_failed(order, error, unseen=unseen, sent_at=sent_at)
            return
        self._trail.note(
            Event.CLOSE_ANSWERED,
            "close",
            pair=order.pair,
            client_order_id=order.client_order_id,
            order_id=answer.order_id,
            filled=answer.filled,
            average=answer.average,
        )
        if answer.filled is None:  # accepted, and not filled as far as is known: a look tells
            self._attempts.look_first(order.pair)
            history.may_be_less(at=now())
            return
        history.out_of_doubt(order.client_order_id)
        if not answer.filled:  # nobody to match, or the price had moved too far
            unfilled = RefusedForNow("accepted, and ended without a fill")
            self._attempts.failed(
                order.pair, str(unfilled), unfilled, unseen=False, sent_at=sent_at
            )
            return
        history.closed(answer.filled, at=now(), order=order.client_order_id)
        self._attempts.succeeded(order.pair)

    def _note_close_failed(
        self, order: ClosingOrder, error: LiquidationError, *, unseen: bool, sent_at: float
    ) -> None:
        history = self._history[order.pair]
        if isinstance(error, OutcomeUnknown | CloseBlocked):
            history.may_be_less(at=now())
        if not isinstance(error, OutcomeUnknown):
            history.out_of_doubt(order.client_order_id)
        self._trail.note(
            Event.ATTEMPT_FAILED,
            "close",
            pair=order.pair,
            error=str(error),
            client_order_id=order.client_order_id,
            attempt=self._attempts.closes_of(order.pair),
            outcome=outcome_word(error),
        )
        self._attempts.failed(order.pair, str(error), error, unseen=unseen, sent_at=sent_at)


async def _all_of(*work: object) -> None:
    await asyncio.gather(*work)  # type: ignore[call-overload]


def _closing_order(position: Position, amount: float, client_order_id: str) -> ClosingOrder:
    return ClosingOrder(
        pair=position.pair,
        side=position.side,
        amount=amount,
        client_order_id=client_order_id,
        row=position.row,
    )


def _failed(order: OpenOrder, error: LiquidationError) -> CancelAnswer:
    unknown = isinstance(error, OutcomeUnknown)
    return CancelAnswer(
        order=order,
        status=CancelStatus.UNKNOWN if unknown else CancelStatus.REFUSED,
        error=str(error),
        sendable=isinstance(error, ExchangeUnavailable),
        not_sent=error if isinstance(error, NotSent) else None,
    )


def _is_done(answer: CancelAnswer) -> bool:
    return answer.status is CancelStatus.CANCELLED


def _is_acknowledged(answer: CancelAnswer) -> bool:
    return answer.status is CancelStatus.ACKNOWLEDGED


def _may_have_filled(answer: CancelAnswer) -> bool:
    """An entry whose cancel was acknowledged without its fill, or refused for good: as a rule, that
    one is gone and has filled."""
    if _is_acknowledged(answer):
        return answer.order.role is OrderRole.ENTRY
    refused = answer.status is CancelStatus.REFUSED and not answer.sendable
    return refused and answer.order.role is OrderRole.ENTRY and answer.not_sent is None

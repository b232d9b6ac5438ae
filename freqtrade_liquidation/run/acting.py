"""What is sent: cancels and closing orders, all pairs side by side, intent written first."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.errors import (
    ExchangeUnavailable,
    LiquidationError,
    OutcomeUnknown,
    unexpected,
)
from freqtrade_liquidation.model import (
    AMOUNT_TOLERANCE,
    CancelAnswer,
    CancelStatus,
    ClosingOrder,
    OpenOrder,
    Position,
)
from freqtrade_liquidation.plan import PairWork, Urgency, urgency_of_cancel
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.run.asking import Asker, outcome_word
from freqtrade_liquidation.run.attempts import Attempts
from freqtrade_liquidation.run.fills import Fills
from freqtrade_liquidation.run.stops import Stops
from freqtrade_liquidation.trail import Trail

logger = logging.getLogger(__name__)

LAG_S: Final = 0.2
"""How long a list of positions may lag behind a fill before we send again."""


class Actor:
    """Sends what the plan says. Every request is announced in the audit trail before.

    :param cancelled: hears the id of each order whose cancel the exchange confirmed.
    :ivar touched: pairs that something was sent for.
    """

    def __init__(
        self,
        order_manager: OrderManager,
        trail: Trail,
        asker: Asker,
        attempts: Attempts,
        stops: Stops,
        fills: Fills,
        *,
        cancelled: Callable[[str], None],
    ) -> None:
        self._venue = order_manager
        self._trail = trail
        self._asker = asker
        self._attempts = attempts
        self._stops = stops
        self._cancelled = cancelled
        self._fills = fills
        self.in_air: dict[str, asyncio.Task[None]] = {}
        self.touched: set[str] = set()
        self.orders_cancelled = 0

    def launch(self, work: Sequence[PairWork]) -> None:
        """One commit for the whole round, then all of it at once."""
        rounds = [(piece, self._orders_for(piece)) for piece in work]
        for piece, orders in rounds:
            self._intend_cancels(piece.pair, piece.cancels)
            for order in orders:
                self._trail.note(Event.CLOSE_INTENDED, "close", pair=piece.pair, **order.to_dict())
        self._trail.commit()
        for piece, orders in rounds:
            if orders and piece.close is not None:
                self._attempts.count_close(piece.close)
            self.in_air[piece.pair] = asyncio.ensure_future(self._work_on(piece, orders))

    def collect(self) -> None:
        """Drops the tasks that are done; raises what only a defect can raise."""
        for pair, task in list(self.in_air.items()):
            if task.done():
                del self.in_air[pair]
                task.result()

    async def abandon(self) -> None:
        """Nobody waits for what is still in the air; what became of it is not known."""
        tasks = list(self.in_air.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

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
            *(self._cancel(p, of_pair) for p, of_pair in by_pair.items())
        )
        return [a for of_pair in answers for a in of_pair if not _is_done(a)]

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
        pieces = self._venue.amount_pieces(piece.close)
        name = self._venue.new_client_order_id
        orders = [_closing_order(piece.close, amount, name()) for amount in pieces]
        if not orders:
            self._attempts.give_up(piece.pair, "its amount is below the market's smallest step")
        return orders

    def _intend_cancels(self, pair: str, orders: Sequence[OpenOrder]) -> None:
        self.touched.add(pair)
        self._attempts.count_cancels(orders)
        if orders:
            self._trail.note(
                Event.CANCEL_INTENDED, "cancel", pair=pair, orders=[o.to_dict() for o in orders]
            )

    async def _work_on(self, work: PairWork, orders: Sequence[ClosingOrder]) -> None:
        exposure = 0.0 if work.close is None else work.close.notional
        await asyncio.gather(
            self._cancel_for(work, exposure), *(self._close(order, exposure) for order in orders)
        )

    async def _cancel_for(self, work: PairWork, exposure: float) -> None:
        answers = await self._cancel(work.pair, work.cancels, exposure)
        blocked = [
            a for a in answers if a.order.blocks_close and a.status is not CancelStatus.CANCELLED
        ]
        if blocked:
            self._attempts.failed(work.pair, f"cannot close: {blocked[0].error}")

    async def _cancel(
        self, pair: str, orders: Sequence[OpenOrder], exposure: float = 0.0
    ) -> Sequence[CancelAnswer]:
        answers = await asyncio.gather(*(self._cancel_one(order, exposure) for order in orders))
        self._note_cancelled(pair, [a.order for a in answers if _is_done(a)])
        for answer in answers:
            if not _is_done(answer):
                self._note_cancel_failed(answer)
        return answers

    async def _cancel_one(self, order: OpenOrder, exposure: float) -> CancelAnswer:
        """By itself: one that hangs must not take the others' answers with it."""
        send = partial(self._venue.cancel_all_orders, order.pair, (order,))
        try:
            [answer] = await self._asker.once(
                send, urgency=urgency_of_cancel(order), exposure=exposure
            )
        except LiquidationError as error:
            answer = _failed(order, error)
        except asyncio.CancelledError:
            self._stops.heard(_failed(order, OutcomeUnknown("abandoned")))
            raise
        self._stops.heard(answer)
        return answer

    def _note_cancelled(self, pair: str, done: Sequence[OpenOrder]) -> None:
        if not done:
            return
        self.orders_cancelled += len(done)
        for order in done:
            self._cancelled(order.order_id)
            self._attempts.cancelled(order)
        self._trail.note(
            Event.ORDERS_CANCELLED,
            "cancel",
            pair=pair,
            cancelled_count=len(done),
            order_ids=[order.order_id for order in done],
        )

    def _note_cancel_failed(self, answer: CancelAnswer) -> None:
        order = answer.order
        self._trail.note(
            Event.CANCEL_FAILED,
            "cancel",
            pair=order.pair,
            error=answer.error,
            order_id=order.order_id,
            outcome=str(answer.status),
        )
        self._attempts.cancel_failed(
            order, answer.error or str(answer.status), sendable=answer.sendable
        )

    async def _close(self, order: ClosingOrder, exposure: float) -> None:
        send = partial(self._venue.execute_market_close, order, reduce_only=True)
        sale = self._fills.sent(order.pair)
        try:
            answer = await self._asker.once(send, urgency=Urgency.CLOSE, exposure=exposure)
        except LiquidationError as error:
            sale.filled = None if isinstance(error, OutcomeUnknown) else 0.0
            self._trail.note(
                Event.ATTEMPT_FAILED,
                "close",
                pair=order.pair,
                error=str(error),
                client_order_id=order.client_order_id,
                attempt=self._attempts.closes_of(order.pair),
                outcome=outcome_word(error),
            )
            self._attempts.failed(order.pair, str(error), error)
            return
        sale.filled = answer.filled
        self._attempts.errors.pop(order.pair, None)
        self._trail.note(
            Event.CLOSE_ANSWERED,
            "close",
            pair=order.pair,
            client_order_id=order.client_order_id,
            order_id=answer.order_id,
            filled=answer.filled,
            average=answer.average,
        )
        if answer.filled is None or answer.filled >= order.amount * (1 - AMOUNT_TOLERANCE):
            # The list of positions may lag behind the fill: do not answer that with an order.
            self._attempts.postpone(order.pair, LAG_S)


def _closing_order(position: Position, amount: float, client_order_id: str) -> ClosingOrder:
    return ClosingOrder(
        pair=position.pair,
        side=position.side,
        amount=amount,
        client_order_id=client_order_id,
        margin_mode=position.margin_mode,
    )


def _failed(order: OpenOrder, error: LiquidationError) -> CancelAnswer:
    unknown = isinstance(error, OutcomeUnknown)
    return CancelAnswer(
        order=order,
        status=CancelStatus.UNKNOWN if unknown else CancelStatus.REFUSED,
        error=str(error),
        sendable=isinstance(error, ExchangeUnavailable),
    )


def _is_done(answer: CancelAnswer) -> bool:
    return answer.status is CancelStatus.CANCELLED

"""Protective orders that had to be removed for a close, and their way back (principle 4)."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.errors import LiquidationError, OutcomeUnknown
from freqtrade_liquidation.model import CancelAnswer, CancelStatus, OpenOrder, OrderRole, Position
from freqtrade_liquidation.plan import Book, exposure
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.run.asking import Asker
from freqtrade_liquidation.trail import Trail

UNPROTECT_NEEDS_S: Final = 1.5
"""Below this, a stop that locks the asset (spot) stays where it is."""
PUT_BACK_NEEDS_S: Final = 1.0
"""Kept free to put removed stops back while their position is still open."""


class Stops:
    """Knows which stops are off because of us."""

    def __init__(self, order_manager: OrderManager, trail: Trail) -> None:
        self._venue = order_manager
        self._trail = trail
        self._removed: dict[str, list[OpenOrder]] = {}
        self._doubtful: dict[str, OpenOrder] = {}
        self.restored: set[str] = set()

    @property
    def any_removed(self) -> bool:
        """Some position stands without the stop it had."""
        return bool(self._removed)

    def heard(self, answer: CancelAnswer) -> None:
        """A cancel was answered, or was not."""
        stop = answer.order
        if stop.role is not OrderRole.PROTECTIVE or not stop.blocks_close:
            return
        if answer.status is CancelStatus.CANCELLED:
            self._removed.setdefault(stop.pair, []).append(stop)
        elif answer.status is CancelStatus.UNKNOWN:
            self._doubtful[stop.order_id] = stop

    def looked(self, book: Book) -> None:
        """A doubtful stop that is not listed is gone; without a position none matters."""
        if book.orders is not None:
            listed = {order.order_id for order in book.orders}
            for order_id in self._doubtful.keys() - listed:
                stop = self._doubtful.pop(order_id)
                self._removed.setdefault(stop.pair, []).append(stop)
        for pair in self._removed.keys() - exposure(book.positions).keys():
            del self._removed[pair]

    async def put_back(
        self, asker: Asker, position_of: Callable[[str], Position | None]
    ) -> list[str]:
        """Puts back what is off while its position is open.

        :returns: what was lost, in words: the loudest lines of the report.
        """
        waiting = [
            (stop, min(stop.amount, position.amount))
            for pair, stops in self._removed.items()
            for stop in stops
            if (position := position_of(pair)) is not None
        ]
        for stop, amount in waiting:
            self._trail.note(
                Event.STOP_INTENDED,
                "close",
                pair=stop.pair,
                order_id=stop.order_id,
                stop_price=stop.stop_price,
                amount=amount,
            )
        if waiting:
            self._trail.commit()
        lost: Sequence[str | None] = await asyncio.gather(
            *(self._put_back(asker, stop, amount) for stop, amount in waiting)
        )
        return [words for words in lost if words is not None]

    async def _put_back(self, asker: Asker, stop: OpenOrder, amount: float) -> str | None:
        try:
            answer = await asker.once(partial(self._venue.put_back_stop, stop, amount))
        except LiquidationError as error:
            unknown = isinstance(error, OutcomeUnknown)
            words = (
                f"{stop.pair} HAS LOST ITS STOP at {stop.stop_price}: putting it back "
                f"{'has no known outcome' if unknown else 'failed'} ({error}). "
                "Set a stop by hand now."
            )
            self._trail.note(Event.STOP_LOST, "close", pair=stop.pair, error=words)
            return words
        self.restored.add(stop.pair)
        self._trail.note(
            Event.STOP_PUT_BACK, "close", pair=stop.pair, order_id=answer.order_id, amount=amount
        )
        return None

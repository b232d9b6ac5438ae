"""The order manager of a dry-run: freqtrade simulates the exchange in this process.

Positions are freqtrade's trades; there is no account beside them, and no order is ever in the air.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from freqtrade_liquidation.exchange.single_flight import SharedFlight
from freqtrade_liquidation.model import OpenOrder, Position
from freqtrade_liquidation.orders.base import OrderManagerBase
from freqtrade_liquidation.orders.ownership import is_final
from freqtrade_liquidation.orders.prices import last_exit_price
from freqtrade_liquidation.plan import Book
from freqtrade_liquidation.ports import Explanation


class DryRunOrders(OrderManagerBase):
    """Spot and futures alike."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading = SharedFlight(self._read)

    @property
    def shares_the_account(self) -> bool:
        """There is none."""
        return False

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        await self._reading.join(timeout_s)
        return self._positions()

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        await self._reading.join(timeout_s)
        return self._resting()

    def _resting(self) -> list[OpenOrder]:
        gone = {order.order_id for order in self.executions.cancelled}
        return [order for order in self.known_orders() if order.order_id not in gone]

    async def _read(self, timeout_s: float) -> None:
        for note in self._gate.in_air():
            self._gate.settle(note)
        await self.fill_in(timeout_s=timeout_s)
        await self._bot_orders.read(timeout_s=timeout_s)

    def recall(self) -> Book:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return Book(positions=tuple(self._positions()), orders=tuple(self._resting()))

    def _positions(self) -> list[Position]:
        shares = (self.ownership.share(pair) for pair in sorted(self.ownership.pairs()))
        return self._with_unreadable(
            self._with_price(self._expected(share))
            for share in shares
            if share.amount > 0 or share.doubt is not None
        )

    def _with_price(self, position: Position) -> Position:
        return replace(position, last_price=last_exit_price(self._exchange, position.pair))

    def entry_price(self, pair: str) -> float | None:
        """Quote currency; ``None``: no list of positions shows it."""
        return None

    async def explain(
        self, pairs: Collection[str], *, timeout_s: float
    ) -> Mapping[str, Explanation]:
        """Nothing is ever unexplained: what freqtrade simulates, its trades tell."""
        return {
            pair: Explanation(
                left=self.ownership.share(pair).amount,
                is_answered=True,
                entries={
                    order_id: None
                    for order_id, state in self.ownership.states.items()
                    if is_final(state)
                },
            )
            for pair in pairs
        }

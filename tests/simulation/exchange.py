"""A simulated order manager: an exchange in memory, with latency and faults by script."""

import asyncio
import itertools
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from freqtrade_liquidation.errors import ExchangeUnavailable, NothingToReduce, OutcomeUnknown
from freqtrade_liquidation.model import (
    BookedPair,
    CancelAnswer,
    CancelStatus,
    CloseAnswer,
    ClosingOrder,
    OpenOrder,
    OrderRole,
    Position,
    Side,
)
from freqtrade_liquidation.ports import Explanation
from freqtrade_liquidation.round_trips import RoundTrips

Fault = Callable[[str, str], Exception | None]
"""(verb, pair or '') -> what is raised, before anything is done."""


@dataclass
class SimulatedExchange:
    """One account, one-way mode, base amounts.

    :param latency_s: round trip; half before execution, half after.
    :param before: called with each verb just before the exchange executes it.
    :param fault: raised before execution: nothing was done.
    :param fault_after: raised after execution: it was done.
    :param acknowledged: a cancel is answered with an acknowledgement alone, and carried out or not;
        ``None`` = it is confirmed.
    """

    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[str, OpenOrder] = field(default_factory=dict)
    latency_s: float = 0.1
    before: Callable[[str], None] = lambda verb: None
    fault: Fault = lambda verb, pair: None
    fault_after: Fault = lambda verb, pair: None
    fill_share: Callable[[ClosingOrder], float] = lambda order: 1.0
    hangs: Callable[[str, str], bool] = lambda verb, pair: False
    closes_need_orders: bool = False
    acts_at_once: bool = False
    acknowledged: Callable[[OpenOrder], bool | None] = lambda order: None
    known: list[OpenOrder] = field(default_factory=list)
    lists: Callable[[Sequence[Position]], Sequence[Position]] = lambda positions: positions
    unsettled: frozenset[str] = frozenset()
    maximum: float | None = None
    host_busy_s: float | None = None
    remarked: dict[str, str] = field(default_factory=dict)
    sent: list[ClosingOrder] = field(default_factory=list)
    requests: list[tuple[float, str, str]] = field(default_factory=list)
    booked: list[str] = field(default_factory=list)
    closed_meanwhile: set[str] = field(default_factory=set)
    gone: list[OpenOrder] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self.round_trips = RoundTrips()
        self.recent_round_trips = RoundTrips()
        self.traded = dict(self.positions)

    def fill(self, order_id: str) -> None:
        """The resting entry fills: it is no order any more, and a position instead."""
        if (order := self.orders.pop(order_id, None)) is not None:
            self.positions[order.pair] = position(order.pair, amount=order.amount)

    async def _go(self, verb: str, pair: str) -> None:
        self.requests.append((asyncio.get_running_loop().time(), verb, pair))
        await asyncio.sleep(self.latency_s / 2)
        self.before(verb)
        if self.hangs(verb, pair):
            await asyncio.Event().wait()
        if (error := self.fault(verb, pair)) is not None:
            raise error

    async def _return(self, verb: str, pair: str) -> None:
        if (error := self.fault_after(verb, pair)) is not None:
            raise error
        await asyncio.sleep(self.latency_s / 2)
        self.round_trips.add(self.latency_s, at=asyncio.get_running_loop().time())

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        await self._go("positions", "")
        shown = self.lists(list(self.positions.values()))
        await self._return("positions", "")
        return shown

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        await self._go("orders", "")
        shown = list(self.orders.values())
        await self._return("orders", "")
        return shown

    async def cancel_all_orders(
        self, pair: str, orders: Sequence[OpenOrder], *, timeout_s: float
    ) -> Sequence[CancelAnswer]:
        return await asyncio.gather(*(self._cancel(order) for order in orders))

    async def _cancel(self, order: OpenOrder) -> CancelAnswer:
        try:
            await self._go("cancel", order.pair)
            if (is_done := self.acknowledged(order)) is not None:
                if is_done:
                    self.orders.pop(order.order_id, None)
                await self._return("cancel", order.pair)
                return CancelAnswer(order=order, status=CancelStatus.ACKNOWLEDGED)
            gone = self.orders.pop(order.order_id, None)
            self.gone += [] if gone is None else [gone]
            await self._return("cancel", order.pair)
        except OutcomeUnknown as error:
            return CancelAnswer(order=order, status=CancelStatus.UNKNOWN, error=str(error))
        except ExchangeUnavailable as error:
            return CancelAnswer(
                order=order, status=CancelStatus.REFUSED, error=str(error), sendable=True
            )
        status = CancelStatus.REFUSED if gone is None else CancelStatus.CANCELLED
        return CancelAnswer(order=order, status=status, error=None if gone else "unknown order")

    async def execute_market_close(
        self, order: ClosingOrder, *, reduce_only: bool = True, timeout_s: float
    ) -> CloseAnswer:
        assert reduce_only
        self.sent.append(order)
        await self._go("close", order.pair)
        held = self.positions.get(order.pair)
        if held is None or held.side is not order.side:
            raise NothingToReduce("nothing to reduce")
        filled = min(order.amount, held.amount) * self.fill_share(order)
        left = held.amount - filled
        if left <= 1e-12:
            del self.positions[order.pair]
        else:
            self.positions[order.pair] = replace(held, amount=left)
        await self._return("close", order.pair)
        return CloseAnswer(order_id=str(next(self._ids)), filled=filled, average=100.0)

    async def put_back_stop(
        self, order: OpenOrder, amount: float, *, timeout_s: float
    ) -> CloseAnswer:
        await self._go("put_back", order.pair)
        order_id = f"back{next(self._ids)}"
        self.orders[order_id] = replace(order, order_id=order_id, amount=amount)
        await self._return("put_back", order.pair)
        return CloseAnswer(order_id=order_id)

    async def host_lets_go(self, *, timeout_s: float) -> bool:
        if self.host_busy_s is None:
            return False
        took, self.host_busy_s = min(self.host_busy_s, timeout_s), None
        await asyncio.sleep(took)
        self.before("host")
        return took < timeout_s

    async def book(
        self, pairs: Sequence[str], *, timeout_s: float, while_closing: bool = False
    ) -> Sequence[BookedPair]:
        await asyncio.sleep(self.latency_s)
        self.booked.extend(pairs)
        self.traded = {pair: p for pair, p in self.traded.items() if pair in self.positions}
        return [
            BookedPair(pair=pair, realized_pnl=1.0, closed_meanwhile=pair in self.closed_meanwhile)
            for pair in pairs
        ]

    def abandon(self) -> None:
        return None

    def expected_positions(self) -> Sequence[Position]:
        return list(self.traded.values())

    def recall(self) -> None:
        return None

    def as_known_now(self, position: Position) -> Position:
        return position

    async def explain(
        self, pairs: Collection[str], *, timeout_s: float
    ) -> Mapping[str, Explanation]:
        await self._go("explain", "")
        await self._return("explain", "")
        return {
            pair: Explanation(
                held=self.positions.get(pair),
                is_answered=True,
                entries={order.order_id: None for order in self.gone if order.pair == pair},
            )
            for pair in pairs
        }

    def known_orders(self) -> Sequence[OpenOrder]:
        return self.known

    @property
    def may_book(self) -> bool:
        return True

    @property
    def scope(self) -> str:
        return "account"

    def empty_trades(self) -> Sequence[str]:
        return ()

    def found_entries(self) -> Mapping[str, Position]:
        return {}

    def remarks(self) -> Mapping[str, str]:
        return self.remarked

    def names_today(self, pairs: Collection[str]) -> frozenset[str]:
        return frozenset(pairs)

    def has_found_entries_of(self, pair: str) -> bool:
        return False

    def unsettled_pairs(self) -> frozenset[str]:
        return self.unsettled

    def new_client_order_id(self) -> str:
        return f"ftl{uuid.uuid4().hex[:15]}"

    def amount_pieces(self, position: Position) -> Sequence[float]:
        pieces, left = [], position.amount
        while left > 1e-12:
            piece = min(left, self.maximum or left)
            pieces.append(piece)
            left -= piece
        return pieces


def position(pair: str, side: Side = Side.LONG, amount: float = 1.0, **kwargs: Any) -> Position:
    """A position of a known trade."""
    return Position(
        pair=pair, side=side, amount=amount, entry_price=100.0, trade_ids=(1,), **kwargs
    )


def stop(
    pair: str, *, blocks: bool = False, order_id: str | None = None, amount: float = 1.0
) -> OpenOrder:
    """A protective order."""
    return OpenOrder(
        pair=pair,
        order_id=order_id or f"stop-{pair}",
        role=OrderRole.PROTECTIVE,
        side="sell",
        amount=amount,
        conditional=True,
        blocks_close=blocks,
        stop_price=90.0,
    )


def entry(pair: str, order_id: str | None = None) -> OpenOrder:
    """A resting order that could open a position."""
    return OpenOrder(
        pair=pair,
        order_id=order_id or f"entry-{pair}",
        role=OrderRole.ENTRY,
        side="buy",
        amount=1.0,
    )

"""The exchange's account: what is held, what rests, and what a fill does to both.

Source: Binance, "USDⓈ-M Futures: New Order", "Conditional orders" and "Error Codes"; "Spot: New
Order" and "Filters".
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.world.records import (
    CRUMB,
    FOREVER,
    Change,
    Kind,
    Market,
    Order,
    Owner,
    Refusal,
    Status,
)

TRADED_FOR_THE_BOT = (Owner.BOT, Owner.RUN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How this exchange differs from another one.

    :param refuses_oversize: a reduce-only order for more than the position is refused; else it is
        cut to the position.
    :param resting_claims: resting reduce-only limit orders claim their part of the position, and
        one more for it is refused.
    :param tells_fills: the answer to a market order tells its fill; else only that it was accepted.
    :param keeps_names: an order is listed with the name that it was given.
    :param hedged: pairs of which the account holds both sides, in hedge mode.
    """

    spot: bool = False
    refuses_oversize: bool = False
    resting_claims: bool = False
    tells_fills: bool = True
    cancels_tell_fills: bool = True
    keeps_names: bool = True
    hedged: frozenset[str] = frozenset()


@dataclass(slots=True)
class Course:
    """How an amount went over time: signed base currency."""

    times: list[float] = field(default_factory=lambda: [-FOREVER])
    amounts: list[float] = field(default_factory=lambda: [0.0])

    @property
    def now(self) -> float:
        return self.amounts[-1]

    def at(self, moment: float) -> float:
        """What it was then."""
        return self.amounts[bisect_right(self.times, moment) - 1]

    def since(self, moment: float) -> list[float]:
        """What it was then and has been since."""
        return self.amounts[bisect_right(self.times, moment) - 1 :]

    def change(self, moment: float, by: float) -> None:
        """It changes *by* so much."""
        amount = round(self.amounts[-1] + by, 9)
        self.times.append(moment)
        self.amounts.append(0.0 if abs(amount) < CRUMB else amount)


class Account:
    """One account, in one-way mode.

    :param clock: seconds, the exchange's own.
    :param hear: told of each change.
    """

    def __init__(
        self,
        rules: Rules,
        markets: Iterable[Market],
        *,
        clock: Callable[[], float],
        hear: Callable[[Change], None],
    ) -> None:
        self.rules = rules
        self.markets = {market.pair: market for market in markets}
        self.clock = clock
        self._hear = hear
        self.held = {pair: Course() for pair in self.markets}
        self.bots = {pair: Course() for pair in self.markets}
        self.orders: dict[str, Order] = {}
        self.names: dict[str, Order] = {}
        self._ids = 0

    # -- what was there before --------------------------------------------------------------

    def start_with(self, pair: str, *, bots: float, users: float) -> None:
        """Signed base currency that is held when everything begins."""
        self.bots[pair] = Course([-FOREVER], [round(bots, 9)])
        self.held[pair] = Course([-FOREVER], [round(bots + users, 9)])

    def add(self, order: Order) -> Order:
        """An order of before, or one that arrives."""
        self.orders[order.order_id] = order
        if order.name:
            self.names[order.name] = order
        return order

    # -- orders -----------------------------------------------------------------------------

    def new_order(self, pair: str, side: str, kind: Kind, amount: float, **more: Any) -> Order:
        """One that is just arriving; it has no effect yet."""
        self._ids += 1
        order_id = f"{8000 + self._ids}"
        more.setdefault("name", f"web_{order_id}")
        return Order(
            order_id=order_id,
            pair=pair,
            side=side,
            kind=kind,
            amount=round(amount, 9),
            placed_at=self.clock(),
            **more,
        )

    def place(self, order: Order, *, share: float = 1.0, delayed: bool = False) -> Order:
        """Takes *order*, or refuses it.

        :param share: of a market order, how much finds a buyer or seller; the rest expires.
        :param delayed: it is accepted, and executed by :meth:`execute` later.
        :raises Refusal: with Binance's code.
        """
        self._check_filters(order)
        if order.name in self.names:
            raise Refusal(-4116, "ClientOrderId is duplicated.")
        if order.kind is Kind.MARKET or (order.kind is Kind.LIMIT and order.reduce_only):
            self._check_reduce_only(order)
        if self.rules.spot and order.side == "sell" and order.left > self.free(order.pair) + CRUMB:
            raise Refusal(-2010, "Account has insufficient balance for requested action.")
        self.add(order)
        self._hear(Change(what="placed", order=order, by=order.owner))
        if order.kind is Kind.MARKET and not delayed:
            self.execute(order, share=share)
        return order

    def execute(self, order: Order, *, share: float = 1.0) -> None:
        """A market order meets the book; what does not fill expires."""
        if not order.rests:
            return
        amount = self._reducible(order) if order.reduce_only else order.left
        if self.rules.spot and order.side == "sell":
            amount = min(amount, max(0.0, self.held[order.pair].now))
        step = self.markets[order.pair].step
        amount = min(order.left, amount)
        if share < 1.0:
            amount = round(amount * share / step) * step
        self._fill(order, amount)
        if order.left > CRUMB:
            self._end(order, Status.EXPIRED, Owner.EXCHANGE)

    def fill(self, order: Order, share: float) -> None:
        """The market fills *share* of what is left of a resting limit order."""
        if not order.rests or order.kind is not Kind.LIMIT:
            return
        amount = min(order.left, self._reducible(order)) if order.reduce_only else order.left
        step = self.markets[order.pair].step
        self._fill(order, amount if share >= 1.0 else round(amount * share / step) * step)

    def trigger(self, stop: Order) -> None:
        """The price reaches *stop*. On futures it places a market order, on spot it fills."""
        if not stop.rests:
            return
        if self.rules.spot:
            self._fill(stop, stop.left)
            return
        child = self.new_order(
            stop.pair,
            stop.side,
            Kind.MARKET,
            stop.left,
            owner=stop.owner,
            reduce_only=stop.reduce_only,
            name=f"{stop.name}-triggered",
            request=stop.request,
            parent=stop.order_id,
        )
        stop.became = child.order_id
        self._end(stop, Status.FILLED, Owner.EXCHANGE)
        self.add(child)
        self.execute(child)

    def cancel(self, order_id: str, pair: str, *, conditional: bool, by: Owner) -> Order:
        """:raises Refusal: if no such order rests."""
        order = self.orders.get(order_id)
        listed = order is not None and self.is_conditional(order) == conditional
        if order is None or not order.rests or order.pair != pair or not listed:
            raise Refusal(-2011, "Unknown order sent.")
        self._end(order, Status.CANCELED, by)
        return order

    def is_conditional(self, order: Order) -> bool:
        """It stands in the list of conditional orders, which only futures have."""
        return order.kind is Kind.STOP and not self.rules.spot

    def free(self, pair: str) -> float:
        """Coins that no resting sell locks (spot)."""
        locked = sum(
            o.left for o in self.orders.values() if o.pair == pair and o.rests and o.side == "sell"
        )
        return round(self.held[pair].now - locked, 9)

    # -- checks -----------------------------------------------------------------------------

    def _check_filters(self, order: Order) -> None:
        market = self.markets[order.pair]
        steps = order.amount / market.step
        if abs(steps - round(steps)) > 1e-6:
            raise Refusal(-1111, "Precision is over the maximum defined for this asset.")
        if order.amount < market.minimum - CRUMB:
            raise Refusal(-4003, "Quantity less than or equal to zero.")
        if self.rules.spot and order.amount * market.price < market.minimum_cost - CRUMB:
            raise Refusal(-1013, "Filter failure: NOTIONAL")
        too_large = market.maximum is not None and order.amount > market.maximum + CRUMB
        if too_large and order.kind is Kind.MARKET:
            raise Refusal(-4005, "Quantity greater than max quantity.")
        if order.pair in self.rules.hedged:
            raise Refusal(-4061, "Order's position side does not match user's setting.")

    def _check_reduce_only(self, order: Order) -> None:
        if not order.reduce_only or self.rules.spot:
            return
        position = self.held[order.pair].now
        if position * order.sign >= 0:
            raise Refusal(-2022, "ReduceOnly Order is rejected.")
        claimed = 0.0
        if self.rules.resting_claims:
            claimed = sum(
                o.left
                for o in self.orders.values()
                if o.pair == order.pair and o.rests and o.reduce_only and o.kind is Kind.LIMIT
            )
        oversize = order.amount > abs(position) + CRUMB and self.rules.refuses_oversize
        blocked = claimed > 0 and order.amount > abs(position) - claimed + CRUMB
        if oversize or blocked:
            raise Refusal(
                -4118,
                "ReduceOnly Order Failed. Please check your existing position and open orders",
            )

    def _reducible(self, order: Order) -> float:
        if self.rules.spot:
            return max(0.0, self.held[order.pair].now)
        position = self.held[order.pair].now
        return abs(position) if position * order.sign < 0 else 0.0

    # -- effects ----------------------------------------------------------------------------

    def _fill(self, order: Order, amount: float) -> None:
        amount = round(min(amount, order.left), 9)
        if amount <= CRUMB:
            return
        now, signed = self.clock(), order.sign * amount
        held, bots = self.held[order.pair], self.bots[order.pair]
        before, bot_before = held.now, bots.now
        held.change(now, signed)
        if order.owner in TRADED_FOR_THE_BOT:
            bots.change(now, signed)
        order.filled = round(order.filled + amount, 9)
        order.fills.append((now, order.filled))
        order.average = self.markets[order.pair].price
        whole = order.left <= CRUMB
        order.status = Status.FILLED if whole else Status.PARTIALLY_FILLED
        if whole:
            order.ended_at = now
        self._hear(
            Change(
                what="fill",
                order=order,
                by=order.owner,
                amount=amount,
                before=before,
                after=held.now,
                bot_before=bot_before,
                bot_after=bots.now,
            )
        )

    def _end(self, order: Order, status: Status, by: Owner) -> None:
        order.status, order.ended_at, order.ended_by = status, self.clock(), by
        self._hear(Change(what="gone", order=order, by=by))

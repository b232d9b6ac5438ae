"""The simulated account: what is held, what rests, and who changed it. The truth of a schedule."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from freqtrade_liquidation.errors import ExchangeRefused, NothingToReduce
from freqtrade_liquidation.model import OpenOrder, OrderRole
from tests.simulation.journal import Actor, Fact, Journal, What
from tests.simulation.schedule import Market, Resting, Schedule

CRUMB: Final = 1e-9
"""Base currency: below it, nothing."""


class Account:
    """Positions (signed, one-way) on futures; coins, the user's own among them, on spot.

    :ivar held: signed base amount by pair; on spot all coins of the account.
    :ivar orders: what rests, by id.
    :ivar bought: spot: coins that the bot has bought; :ivar sold: that its orders have sold.
    """

    def __init__(self, schedule: Schedule, journal: Journal, clock: Callable[[], float]) -> None:
        self._spot = schedule.spot
        self._journal = journal
        self._clock = clock
        self._history: dict[str, tuple[list[float], list[float]]] = {}
        self.markets = {market.pair: market for market in schedule.markets}
        self.held: dict[str, float] = {}
        self.orders: dict[str, OpenOrder] = {}
        self.bought: dict[str, float] = {}
        self.sold: dict[str, float] = {}
        self.fills: dict[str, float] = {}
        for market in schedule.markets:
            self._begin(market)

    def _begin(self, market: Market) -> None:
        self.held[market.pair] = market.amount + market.own_coins
        self.bought[market.pair], self.sold[market.pair] = market.amount, 0.0
        self._history[market.pair] = ([float("-inf")], [self.held[market.pair]])
        for resting in market.resting:
            self.orders[resting.order_id] = self.open_order(market.pair, resting)

    def open_order(self, pair: str, resting: Resting) -> OpenOrder:
        """As the exchange lists it."""
        role = OrderRole(resting.role)
        return OpenOrder(
            pair=pair,
            order_id=resting.order_id,
            role=role,
            side=resting.side,
            amount=resting.amount,
            conditional=role is OrderRole.PROTECTIVE,
            blocks_close=self._spot and role is not OrderRole.ENTRY,
            stop_price=90.0 if role is OrderRole.PROTECTIVE else None,
        )

    # -- what is asked ----------------------------------------------------------------------

    def held_at(self, pair: str, at: float) -> float:
        """What was held after everything that happened until *at*."""
        times, amounts = self._history.get(pair, ([], []))
        index = bisect_right(times, at)
        return amounts[index - 1] if index else 0.0

    def bots_coins(self, pair: str) -> float:
        """Spot: bought and not sold by the bot's own orders."""
        return self.bought.get(pair, 0.0) - self.sold.get(pair, 0.0)

    def locked(self, pair: str) -> float:
        """Spot: coins that resting sells of the bot hold."""
        return sum(o.amount for o in self.orders.values() if o.pair == pair and o.side == "sell")

    # -- what is done -----------------------------------------------------------------------

    def market_order(
        self,
        pair: str,
        side: str,
        amount: float,
        *,
        actor: Actor,
        reduce_only: bool,
        order_id: str = "",
        request: Fact | None = None,
    ) -> float:
        """Executes at once what can be executed.

        :returns: base currency, filled.
        :raises NothingToReduce: reduce-only, and no position on the other side.
        :raises ExchangeRefused: spot: too few free coins.
        """
        held = self.held.get(pair, 0.0)
        sign = 1.0 if side == "buy" else -1.0
        if self._spot:
            if side == "sell" and amount > held - self.locked(pair) + CRUMB:
                raise ExchangeRefused("insufficient balance")
        elif reduce_only:
            if held * sign >= 0:
                raise NothingToReduce("nothing to reduce")
            amount = min(amount, abs(held))
        self._change(pair, sign * amount, actor, order_id, request)
        return amount

    def _change(
        self, pair: str, by: float, actor: Actor, order_id: str, request: Fact | None = None
    ) -> None:
        before = self.held.get(pair, 0.0)
        after = before + by
        if abs(after) < CRUMB:
            after = 0.0
        self.held[pair] = after
        if order_id:
            self.fills[order_id] = self.fills.get(order_id, 0.0) + abs(by)
        if actor is not Actor.USER:
            if by > 0:
                self.bought[pair] = self.bought.get(pair, 0.0) + by
            else:
                self.sold[pair] = self.sold.get(pair, 0.0) - by
        at = self._clock()
        times, amounts = self._history.setdefault(pair, ([float("-inf")], [0.0]))
        times.append(at)
        amounts.append(after)
        self._journal.add(
            at,
            What.FILL,
            pair=pair,
            actor=actor,
            request=request,
            order_id=order_id,
            amount=by,
            before=before,
            after=after,
        )

    def place(self, order: OpenOrder, *, actor: Actor, request: Fact | None = None) -> None:
        """It rests from now on.

        :raises ExchangeRefused: spot: too few free coins to lock.
        """
        if self._spot and order.side == "sell":
            free = self.held.get(order.pair, 0.0) - self.locked(order.pair)
            if order.amount > free + CRUMB:
                raise ExchangeRefused("insufficient balance")
        self.orders[order.order_id] = order
        self._journal.add(
            self._clock(),
            What.PLACED,
            pair=order.pair,
            actor=actor,
            request=request,
            order_id=order.order_id,
            amount=order.amount,
            after=self._covered(order.pair),
            payload=order,
        )

    def _covered(self, pair: str) -> float:
        """Base currency: what the stops of *pair* could sell."""
        stops = (o for o in self.orders.values() if o.role is OrderRole.PROTECTIVE)
        return sum(order.amount for order in stops if order.pair == pair)

    def take_away(
        self, order_id: str, *, actor: Actor, words: str, request: Fact | None = None
    ) -> OpenOrder | None:
        """It rests no longer; ``None`` = it did not."""
        order = self.orders.pop(order_id, None)
        if order is not None:
            self._journal.add(
                self._clock(),
                What.GONE,
                pair=order.pair,
                actor=actor,
                request=request,
                order_id=order_id,
                amount=order.amount,
                words=words,
                payload=order,
            )
        return order

    def fill_resting(self, order_id: str, share: float) -> None:
        """The price reaches it: a share of it fills, the rest (if any) rests on."""
        order = self.orders.get(order_id)
        if order is None:
            return
        sign = 1.0 if order.side == "buy" else -1.0
        amount = order.amount * share
        if self._spot:
            amount = min(amount, self.held.get(order.pair, 0.0)) if sign < 0 else amount
        elif order.role is not OrderRole.ENTRY:
            held = self.held.get(order.pair, 0.0)
            amount = min(amount, abs(held)) if held * sign < 0 else 0.0
        if share >= 1.0:
            self.take_away(order_id, actor=Actor.MARKET, words="filled")
        else:
            self.orders[order_id] = replace(order, amount=order.amount - amount)
        if amount > CRUMB:
            self._change(order.pair, sign * amount, Actor.MARKET, order_id)

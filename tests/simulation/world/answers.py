"""What the exchange answers to questions: each list as old as it happens to be.

Source: Binance, "General info" (data may lag), "Query Order" (-2013), "Position Information V3"
(positions of size zero are not listed).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.simulation.world.account import Account
from tests.simulation.world.records import FOREVER, Order, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """How old an answer is, in seconds.

    :param known_after: an order that is asked for by its id or name before this is not found.
    :param omits: by pair, until when (after the beginning) the list of positions leaves it out.
    :param forgets: by order id, from when to when a question for the order finds nothing.
    """

    positions: float = 0.0
    orders: float = 0.0
    stops: float = 0.0
    balance: float = 0.0
    known_after: float = 0.0
    omits: Mapping[str, float] = field(default_factory=dict)
    forgets: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A position: signed base currency."""

    pair: str
    amount: float


class Answers:
    """Reads *account* as an outsider may see it.

    :param began: the clock when everything began.
    """

    def __init__(self, account: Account, lags: Lags, *, began: float) -> None:
        self._account = account
        self.lags = lags
        self._began = began

    def positions(self, *, whole: bool) -> list[Row]:
        """The list of positions. *whole*: of the account; asked for one pair it omits nothing."""
        now = self._account.clock()
        rows = []
        for pair, course in self._account.held.items():
            if whole and now < self._began + self.lags.omits.get(pair, 0.0):
                continue
            if amount := course.at(now - self.lags.positions):
                rows.append(Row(pair, amount))
                if pair in self._account.rules.hedged:
                    rows.append(Row(pair, -amount))
        return rows

    def position_margin(self) -> float:
        """Of the whole account, in quote currency. It is up to date: another part of the exchange
        reckons it."""
        return sum(
            abs(course.now) * self._account.markets[pair].price
            for pair, course in self._account.held.items()
        )

    def coins(self) -> dict[str, tuple[float, float]]:
        """By base currency: total and free (spot)."""
        moment = self._account.clock() - self.lags.balance
        found = {}
        for pair, market in self._account.markets.items():
            total = self._account.held[pair].at(moment)
            locked = sum(
                order.amount - order.filled_at(moment)
                for order in self._account.orders.values()
                if order.pair == pair
                and order.side == "sell"
                and order.placed_at <= moment < order.ended_at
            )
            found[market.base] = (total, round(total - locked, 9))
        return found

    def open_orders(self, pair: str | None, *, conditional: bool) -> list[tuple[Order, float]]:
        """Each with what it is said to have filled."""
        lag = self.lags.stops if conditional else self.lags.orders
        moment = self._account.clock() - lag
        return [
            (order, order.filled_at(moment))
            for order in self._account.orders.values()
            if (pair is None or order.pair == pair)
            and order.placed_at <= moment < order.ended_at
            and self._account.is_conditional(order) == conditional
        ]

    def order(self, order_id: str, name: str | None, *, conditional: bool) -> Order:
        """:raises Refusal: if the exchange does not know it, or does not know it yet."""
        account = self._account
        order = account.names.get(name) if name is not None else account.orders.get(order_id)
        if order is None or account.is_conditional(order) != conditional:
            raise Refusal(-2013, "Order does not exist.")
        now = account.clock()
        since, until = self.lags.forgets.get(order.order_id, (FOREVER, FOREVER))
        is_new = order.placed_at >= self._began and now < order.placed_at + self.lags.known_after
        if is_new or self._began + since <= now < self._began + until:
            raise Refusal(-2013, "Order does not exist.")
        return order

    def all_orders(self, pair: str, since: float) -> Iterator[Order]:
        """Those placed since then, but for conditional ones, whatever became of them."""
        moment = self._account.clock() - self.lags.orders
        for order in self._account.orders.values():
            conditional = self._account.is_conditional(order)
            if order.pair == pair and since <= order.placed_at <= moment and not conditional:
                yield order

    def fills(self, pair: str, since: float) -> Iterator[tuple[Order, float, float]]:
        """Those since then: of which order, when, and how much."""
        moment = self._account.clock() - self.lags.orders
        for order in self._account.orders.values():
            before = 0.0
            for at, filled in order.fills:
                if order.pair == pair and since <= at <= moment:
                    yield order, at, round(filled - before, 9)
                before = filled

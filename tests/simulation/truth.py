"""What was true at a moment of a played schedule, told from its journal alone."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from freqtrade_liquidation.model import OpenOrder, OrderRole
from tests.simulation.journal import Actor, Fact, What
from tests.simulation.play import Played

FOREVER: Final = float("inf")


@dataclass(slots=True)
class Line:
    """How an amount went over time: base currency, signed."""

    times: list[float]
    amounts: list[float]

    def at(self, moment: float) -> float:
        return self.amounts[bisect_right(self.times, moment) - 1]

    def change(self, moment: float, by: float) -> None:
        self.times.append(moment)
        self.amounts.append(self.amounts[-1] + by)


@dataclass(slots=True)
class Life:
    """From when to when an order rested, and who ended it."""

    order: OpenOrder
    placed: float = -FOREVER
    gone: float = FOREVER
    ended_by: Fact | None = None


@dataclass
class Truth:
    """Of one played schedule."""

    played: Played
    held: dict[str, Line] = field(default_factory=dict)
    bots: dict[str, Line] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    fills: dict[str, list[Fact]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for market in self.played.schedule.markets:
            pair = market.pair
            self.held[pair] = Line([-FOREVER], [market.amount + market.own_coins])
            self.bots[pair] = Line([-FOREVER], [market.amount])
            self.fills[pair] = []
            for resting in market.resting:
                order = self.played.account.open_order(pair, resting)
                self.lives[resting.order_id] = Life(order)
        for fact in self.played.journal.facts:
            if fact.what is What.FILL:
                self.fills[fact.pair].append(fact)
                self.held[fact.pair].change(fact.at, fact.amount)
                if fact.actor is not Actor.USER:
                    self.bots[fact.pair].change(fact.at, fact.amount)
            elif fact.what is What.PLACED:
                self.lives[fact.order_id] = Life(fact.payload, fact.at)
            elif fact.what is What.GONE:
                self.lives[fact.order_id].gone = fact.at
                self.lives[fact.order_id].ended_by = fact

    def open_at(self, pair: str, moment: float, known_at: float | None = None) -> float:
        """Base currency, unsigned: what is in a run's scope of *pair*, dust as 0.0."""
        amount = self.any_at(pair, moment, known_at)
        minimum = self.played.account.markets[pair].minimum
        return 0.0 if amount < minimum * (1 - 1e-9) else amount

    def any_at(self, pair: str, moment: float, known_at: float | None = None) -> float:
        """As :meth:`open_at`, dust as what it is. *known_at*: for what the bot's own orders on
        spot come to, if that was read at another moment."""
        held = self.held[pair].at(moment)
        if not self.played.schedule.spot:
            return abs(held)
        bots = self.bots[pair].at(moment if known_at is None else known_at)
        return max(0.0, min(held, bots))

    def resting_at(self, pair: str, role: OrderRole, moment: float) -> list[OpenOrder]:
        """Orders of *pair* that rested then."""
        return [
            life.order
            for life in self.lives.values()
            if life.order.pair == pair
            and life.order.role is role
            and life.placed <= moment < life.gone
        ]

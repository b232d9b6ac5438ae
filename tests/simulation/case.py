"""What an invariant judges: a played schedule, its runs, and what was true of its account."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tests.simulation.clocks import BEGAN
from tests.simulation.journal import Fact, What
from tests.simulation.play import Played
from tests.simulation.runs import OPERATORS, OneRun, runs_of
from tests.simulation.schedule import Asked, Endpoint, Schedule
from tests.simulation.world.account import Account
from tests.simulation.world.records import Change, Kind, Order, Owner

TINY: Final = 1e-6
"""Base currency: differences below it come from binary floats."""
INSTANT_S: Final = 1e-6


@dataclass
class Case:
    """One played schedule."""

    played: Played

    @property
    def schedule(self) -> Schedule:
        return self.played.schedule

    @property
    def account(self) -> Account:
        return self.played.account

    @cached_property
    def runs(self) -> list[OneRun]:
        return list(runs_of(self.played))

    @cached_property
    def ended(self) -> list[OneRun]:
        """Runs with an end on record."""
        return [run for run in self.runs if run.ended is not None]

    @cached_property
    def changes(self) -> list[Fact]:
        """Of the account, in order; :attr:`Fact.payload` is a :class:`Change`."""
        return self.played.journal.of(What.CHANGE)

    @cached_property
    def pairs(self) -> frozenset[str]:
        return frozenset(book.pair for book in self.schedule.books)

    # -- whose it is ------------------------------------------------------------------------

    @cached_property
    def extent(self) -> frozenset[str]:
        """Pairs that are in scope, fixed when everything begins: every perpetual swap of the
        account and what the bot has a trade in; else the bot's trades and its entries in the air.
        """
        if not self.schedule.shared:
            dated = (b.pair for b in self.schedule.books if b.market.renamed and not b.trade)
            return self.pairs - frozenset(dated)
        trades = (b.pair for b in self.schedule.books if b.trade and not b.trade.dry_run)
        flights = (f.pair for f in self.schedule.flights if f.kind == "entry")
        return frozenset((*trades, *flights))

    def pairs_of(self, run: OneRun, seq: int | None = None) -> frozenset[str]:
        """What *run* may touch at that place of the journal (``None`` = at its end): what it was
        started for, or everything once somebody who asked for that has joined it."""
        first = run.events[0].additional_data["pairs"]
        if first is None or any(
            asked.pairs is None and (seq is None or place < seq)
            for place, asked in self._joined(run)
        ):
            return self.pairs
        return frozenset(first)

    def wants_nothing(self, asked: Asked) -> bool:
        """The configuration switches its trigger off: any run does all that it asks for."""
        switched_on = self.schedule.config.get("triggers", (asked.trigger,))
        return asked.trigger not in OPERATORS and asked.trigger not in switched_on

    def _joined(self, run: OneRun) -> list[tuple[int, Asked]]:
        return [
            (fact.seq, fact.payload.asked)
            for fact in run.facts
            if fact.what is What.ASKED
            and not self.wants_nothing(fact.payload.asked)
            and fact.payload.result is not None
            and fact.payload.result.correlation_id == run.correlation_id
        ]

    def is_on_record(self, order: Order) -> bool:
        """*order* is one of the bot's that freqtrade's database has."""
        terms = (order.pair, order.kind, order.side, order.trigger)
        return terms in {
            (book.pair, resting.kind, resting.side, resting.trigger)
            for book in self.schedule.books
            for resting in book.resting
            if resting.owner is Owner.BOT
        }

    # -- what nobody could know -------------------------------------------------------------

    def unknown_to_the_database(self, pair: str) -> float:
        """Base currency that the bot held of *pair* at the beginning, beyond what its trade and the
        fills of its open orders add up to: the database was wrong."""
        return max(0.0, abs(self._began_with(pair)) - self.recorded(pair))

    def gone_before(self, pair: str) -> float:
        """Base currency that the trade of *pair* has, and the bot held no more at the beginning."""
        return max(0.0, self.recorded(pair) - abs(self._began_with(pair)))

    def bots_left(self, pair: str, moment: float) -> float:
        """Base currency of what the bot held of *pair* that was not closed then; 0.0 also where
        more than that was closed."""
        began = self._began_with(pair)
        return max(0.0, self.account.bots[pair].at(moment) * (1 if began >= 0 else -1))

    def never_shown(self, run: OneRun, pair: str, moment: float) -> float:
        """Base currency of *pair* that was not the bot's, as far as its database knew, and that no
        answer showed to *run*: its lists left the pair out by mistake, and what the bot knew of it
        is closed. Where the pair was asked about alone, only what a person traded after that, and
        before the newest list."""
        if self.schedule.shared:
            return 0.0
        lists = [fact.executed_at or 0.0 for fact in run.read(Endpoint.POSITIONS)]
        newest = max(lists, default=0.0)
        if newest >= self.began + self.schedule.lags.omits.get(pair, 0.0):
            return 0.0
        known = max(0.0, self.bots_left(pair, moment) - self.unknown_to_the_database(pair))
        beyond = max(0.0, self.open_at(pair, moment) - known)
        alone = [fact.executed_at or 0.0 for fact in run.read_of(pair, Endpoint.POSITION)]
        if not alone:
            return beyond
        lag = self.schedule.lags.positions
        return min(beyond, self.by_others_since(pair, max(alone) - lag, newest - lag))

    def bought_back(self, pair: str) -> float:
        """Base currency that a person bought by hand of what the bot's trade has and the bot had
        no more: it looks like the bot's own if he did before the first look, or before the first
        answer about *pair* alone; or if it was as much as the trade has by the time that *pair* was
        shown."""
        endpoint = Endpoint.BALANCE if self.schedule.spot else Endpoint.POSITIONS
        read = [run.first_read(endpoint) for run in self.runs]
        alone = [f for run in self.runs for f in run.read_of(pair, Endpoint.POSITION)[:1]]
        moments = [f.executed_at or 0.0 for f in read if f is not None]
        first = max((min(moments, default=self.began), *(f.executed_at or 0.0 for f in alone[:1])))
        gone = self.gone_before(pair)
        if self.by_others_since(pair, self.began, self._shown_at(pair)) >= gone - TINY:
            return gone
        return min(gone, self.by_others_since(pair, self.began, first))

    def _shown_at(self, pair: str) -> float:
        """When *pair* was first shown to a run; -inf = never."""
        shown = (
            fact.at
            for fact in self.played.journal.of(What.SHOWN)
            if any(position.pair == pair for position in fact.payload)
        )
        return next(shown, float("-inf"))

    def _began_with(self, pair: str) -> float:
        return next((book.bots for book in self.schedule.books if book.pair == pair), 0.0)

    def recorded(self, pair: str) -> float:
        """Base currency: the trade's amount, with the fills of its open orders."""
        book = next((book for book in self.schedule.books if book.pair == pair), None)
        if book is None or book.trade is None or book.trade.dry_run:
            return 0.0
        adds = "buy" if book.trade.side == "long" else "sell"
        fills = (
            order.filled if order.side == adds else -order.filled
            for order in book.resting
            if order.key in book.trade.open_orders
        )
        return book.trade.amount + sum(fills)

    # -- what was true ----------------------------------------------------------------------

    def in_scope_at(self, pair: str, moment: float) -> float:
        """Base currency, unsigned: what of *pair* was in scope then, dust as what it is."""
        return self._in_scope(
            self.account.held[pair].at(moment), self.account.bots[pair].at(moment)
        )

    def _in_scope(self, held: float, bots: float) -> float:
        if not self.schedule.shared:
            return abs(held)
        return min(abs(held), abs(bots)) if held * bots > 0 else 0.0

    def open_at(self, pair: str, moment: float) -> float:
        """As :meth:`in_scope_at`, dust as 0.0."""
        return self.without_dust(pair, self.in_scope_at(pair, moment))

    def without_dust(self, pair: str, amount: float) -> float:
        """*amount* (base currency); what no order can close is 0.0."""
        return 0.0 if amount < self.account.markets[pair].smallest * (1 - 1e-9) else amount

    def least_since(self, pair: str, moment: float) -> float:
        """Base currency: the least of *pair* that has been in scope since then."""
        later = (f.at for f in self.changes if f.pair == pair and f.at > moment)
        return min(self.open_at(pair, at) for at in (moment, *later))

    def most_since(self, pair: str, moment: float, until: float) -> float:
        """Base currency: the most of *pair* that was in scope in that time."""
        later = (f.at for f in self.changes if f.pair == pair and moment < f.at <= until)
        return max(self.open_at(pair, at) for at in (moment, *later))

    def entries_at(self, pair: str, moment: float) -> list[Order]:
        """Resting orders in scope that could open a position then."""
        return [
            order
            for order in self.account.orders.values()
            if order.pair == pair
            and order.placed_at <= moment < order.ended_at
            and order.kind is Kind.LIMIT
            and (order.side == "buy" if self.schedule.spot else not order.reduce_only)
            and (order.owner is Owner.BOT or not self.schedule.shared)
        ]

    def by_others_since(self, pair: str, moment: float, until: float) -> float:
        """Base currency: what a person traded of *pair* at market in that time, which no list could
        show any more."""
        return sum(
            change.amount
            for change in self.fills(pair)
            if moment < self.at(change) <= until
            and change.by in (Owner.USER, Owner.EXCHANGE)
            and self.at(change) - change.order.placed_at < INSTANT_S
        )

    def entered_since(
        self, pair: str, moment: float, until: float, *, by: Collection[Owner] = tuple(Owner)
    ) -> float:
        """Base currency: what resting entries of *pair* have filled in that time."""
        return sum(
            abs(change.amount)
            for change in self.fills(pair)
            if moment < self.at(change) <= until
            and change.order.kind is Kind.LIMIT
            and change.order.owner in by
            and abs(change.after) > abs(change.before)
        )

    def fills(self, pair: str) -> Iterator[Change]:
        """Of *pair*, in order."""
        for fact in self.changes:
            if fact.pair == pair and fact.payload.what == "fill":
                yield fact.payload

    @cached_property
    def _moments(self) -> dict[int, float]:
        return {id(fact.payload): fact.at for fact in self.changes}

    def at(self, change: Change) -> float:
        """When it happened, on the virtual clock."""
        return self._moments[id(change)]

    @property
    def began(self) -> float:
        return BEGAN


Invariant = Callable[[Case], Iterator[str]]
"""Yields, in words, each breach; nothing = it holds."""

INVARIANTS: Final[dict[str, Invariant]] = {}


def invariant(check: Invariant) -> Invariant:
    """Makes *check* one of those that hold in every schedule; its docstring says what it wants."""
    INVARIANTS[check.__name__] = check
    return check

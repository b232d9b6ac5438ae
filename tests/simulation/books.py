"""Draws what is there when a schedule begins: the bot's trades, and the user beside it."""

from random import Random
from typing import Any, Final

from tests.simulation.schedule import Book, Resting, Scope, Trade
from tests.simulation.world.records import Kind, Market, Owner

PRICE: Final = 100.0
TRIGGERS: Final = (91.3, 93.7, 95.0)
LIMIT_RATIOS: Final = (0.9, 0.95, 0.99, 0.99)


class BookDraw:
    """Draws one pair after the other."""

    def __init__(self, random: Random, scope: Scope, *, user: bool) -> None:
        self._random = random
        self._scope = scope
        self._spot = scope is Scope.SPOT
        self._user = user

    def book(self, name: str) -> Book:
        """One pair."""
        r = self._random
        market = self._market(name)
        kind = r.random()
        if self._user and kind < 0.12:
            return self._users_alone(name, market)
        if kind < 0.17:
            return Book(market=market)
        if kind < 0.2:
            return self._gone(name, market)
        return self._bots(name, market)

    def _market(self, name: str) -> Market:
        r = self._random
        renamed = None
        if not self._spot and r.random() < 0.015:
            renamed = f"{name}/USDT:USDT-261129"
        return Market(
            pair=f"{name}/USDT" if self._spot else f"{name}/USDT:USDT",
            base=name,
            maximum=r.choice((0.5, 1.0)) if r.random() < 0.15 else None,
            minimum_cost=5.0 if self._spot else 0.0,
            minimum=0.001 if self._spot or r.random() < 0.9 else 0.01,
            price=PRICE,
            renamed=renamed,
        )

    # -- the bot's --------------------------------------------------------------------------

    def _bots(self, name: str, market: Market) -> Book:
        r = self._random
        long = self._spot or r.random() < 0.6
        sign = 1.0 if long else -1.0
        entry_side, exit_side = ("buy", "sell") if long else ("sell", "buy")
        size = r.choice((1.0, 1.0, 2.5, 0.7, 0.333))
        if r.random() < 0.05:
            size = 0.0004 if not self._spot else 0.03  # dust
        resting: list[Resting] = []
        known, amount = size, size
        state = r.random()
        if state < 0.12:  # the first entry rests
            filled = r.choice((0.0, 0.1, 0.6)) * size
            filled = round(filled, 3)
            resting.append(self._limit(f"entry-{name}", Owner.BOT, entry_side, size, filled=filled))
            known, amount = 0.0, filled
        elif state < 0.24:  # a position adjustment rests
            more = r.choice((0.5, 1.0))
            filled = round(r.choice((0.0, 0.2, 0.4)) * more, 3)
            resting.append(self._limit(f"entry-{name}", Owner.BOT, entry_side, more, filled=filled))
            amount = size + filled
        elif state < 0.36 and size > 0.1:  # an exit rests
            filled = round(r.choice((0.0, 0.2, 0.5)) * size, 3)
            resting.append(
                self._limit(f"exit-{name}", Owner.BOT, exit_side, size, filled=filled, reduce=True)
            )
            amount = size - filled
        covered = amount - self._locked(resting)
        if covered > 0.1 and r.random() < 0.6:
            resting += self._stops(name, Owner.BOT, exit_side, covered)
        trade = self._trade(market, long=long, known=known, resting=resting)
        users, more_resting = self._beside(name, market, held=sign * amount)
        return Book(
            market=market,
            bots=round(sign * amount, 9),
            users=users,
            resting=(*resting, *more_resting),
            trade=trade,
        )

    def _gone(self, name: str, market: Market) -> Book:
        """Closed behind the bot's back: by hand last week, or by the exchange."""
        long = self._spot or self._random.random() < 0.6
        side = "sell" if long else "buy"
        orphans = [] if self._spot else self._stops(name, Owner.BOT, side, 1.0)
        resting = orphans if self._random.random() < 0.4 else []
        trade = self._trade(market, long=long, known=1.0, resting=resting)
        return Book(market=market, resting=tuple(resting), trade=trade)

    def _locked(self, resting: list[Resting]) -> float:
        """A resting exit locks the coins that a stop would need (spot)."""
        sells = (o.amount - o.filled for o in resting if o.side == "sell")
        return sum(sells) if self._spot else 0.0

    def _trade(self, market: Market, *, long: bool, known: float, resting: list[Resting]) -> Trade:
        r = self._random
        if self._scope is Scope.ACCOUNT and r.random() < 0.05:
            known *= r.choice((0.9, 1.1, 0.0))  # the database is wrong
        return Trade(
            side="long" if long else "short",
            amount=round(known, 9),
            open_orders=tuple(order.key for order in resting),
        )

    def _stops(self, name: str, owner: Owner, side: str, amount: float) -> list[Resting]:
        r = self._random
        shares = r.choice(((1.0,), (1.0,), (1.0,), (0.5, 0.5)))
        return [
            self._stop(f"stop{n}-{name}-{owner.name}", owner, side, round(amount * share, 3))
            for n, share in enumerate(shares)
        ]

    def _stop(self, key: str, owner: Owner, side: str, amount: float) -> Resting:
        r = self._random
        trigger = r.choice(TRIGGERS)
        if side == "buy":
            trigger = round(2 * PRICE - trigger, 2)
        limit = round(trigger * r.choice(LIMIT_RATIOS), 2) if self._spot else None
        return Resting(
            key=key,
            owner=owner,
            kind=Kind.STOP,
            side=side,
            amount=amount,
            reduce_only=not self._spot,
            trigger=trigger,
            limit=limit,
        )

    def _limit(
        self,
        key: str,
        owner: Owner,
        side: str,
        amount: float,
        *,
        filled: float = 0.0,
        reduce: bool = False,
    ) -> Resting:
        return Resting(
            key=key,
            owner=owner,
            kind=Kind.LIMIT,
            side=side,
            amount=amount,
            filled=filled,
            reduce_only=reduce and not self._spot,
            limit=PRICE,
        )

    # -- the user's -------------------------------------------------------------------------

    def _beside(self, name: str, market: Market, *, held: float) -> "tuple[float, list[Resting]]":
        """What the user holds and has placed on a pair of the bot's."""
        r = self._random
        if not self._user or r.random() < 0.45:
            return 0.0, []
        sign = 1.0 if held >= 0 else -1.0
        users = r.choice((0.0, 0.3, 0.5, 1.0, 3.0))
        if not self._spot and r.random() < 0.1:  # against the bot's: less is held than it bought
            return round(-sign * min(0.3, abs(held) / 2), 3), []
        return round(sign * users, 9), self._users_orders(name, sign * users, long=held >= 0)

    def _users_alone(self, name: str, market: Market) -> Book:
        r = self._random
        users = r.choice((0.5, 1.0, 3.0)) * (1.0 if self._spot or r.random() < 0.6 else -1.0)
        trade = None
        if self._scope is not Scope.ACCOUNT and r.random() < 0.3:
            side = "long" if users > 0 else "short"
            trade = Trade(side=side, amount=abs(users) / 2, dry_run=True)
        return Book(
            market=market,
            users=users,
            resting=tuple(self._users_orders(name, users, long=users > 0)),
            trade=trade,
        )

    def _users_orders(self, name: str, users: float, *, long: bool) -> list[Resting]:
        r = self._random
        entry_side, exit_side = ("buy", "sell") if long else ("sell", "buy")
        found: list[Any] = []
        left = abs(users)
        if left > 0.1 and r.random() < 0.4:
            found += self._stops(name, Owner.USER, exit_side, left)
            left = 0.0 if self._spot else left
        if left > 0.1 and r.random() < 0.25:
            key = f"profit-{name}"
            found.append(self._limit(key, Owner.USER, exit_side, left, reduce=True))
        if r.random() < 0.25:
            found.append(self._limit(f"entry-{name}-USER", Owner.USER, entry_side, 0.5))
        return found

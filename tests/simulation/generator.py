"""Draws a schedule from a seed: what may happen, and how often."""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

from tests.simulation.books import BookDraw
from tests.simulation.moves import MoveDraw
from tests.simulation.schedule import (
    Asked,
    Book,
    Endpoint,
    Fate,
    Schedule,
    Scope,
    Weather,
    Word,
)
from tests.simulation.world.account import Rules
from tests.simulation.world.answers import Lags

NAMES: Final = ("ADA", "BNB", "BTC", "DOT", "ETH", "LTC", "SOL", "TRX", "XLM", "XRP")
OPERATORS: Final = ("cli", "rest", "telegram", "recovery")
AUTOMATIC: Final = ("shutdown", "stop", "fatal_error")
DEAD: Final = (Word.HANGS, Word.HANGS, Word.DOWN, Word.LOST)


def generate(seed: int) -> Schedule:
    """The schedule of *seed*, always the same."""
    return _Draw(seed).schedule()


class _Draw:
    """One schedule in the making. The order of the draws is part of what a seed means."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = r = Random(seed)
        self._scope = r.choice((Scope.ACCOUNT, Scope.ACCOUNT, Scope.TRADES, Scope.SPOT))
        self._scope = Scope.SPOT if r.random() < 0.15 else self._scope
        # In calm schedules almost nothing goes wrong, in storms half of everything does.
        self._faults = r.choice((0.0, 0.0, 0.05, 0.15, 0.3, 0.5))
        self._bustle = r.choice((0.0, 0.0, 0.2, 0.5))
        self._user_is_there = r.random() < 0.55
        self._is_calm = not self._faults and not self._bustle

    def schedule(self) -> Schedule:
        config = self._config()
        spot = self._scope is Scope.SPOT
        draw = BookDraw(self._random, self._scope, user=self._user_is_there)
        books = tuple(draw.book(name) for name in self._names())
        moves = MoveDraw(self._random, self._scope, config, bustle=self._bustle)
        flights = [f for f in map(moves.flight, books) if f is not None]
        made = [move for book in books for move in moves.of(book)]
        return Schedule(
            seed=self._seed,
            scope=self._scope,
            books=books,
            config=config,
            asked=self._asked(books, config),
            rules=self._rules(books, spot=spot),
            lags=self._lags(books, spot=spot),
            weather=self._weather(books, config),
            moves=tuple(sorted(made, key=lambda move: move.at_s)),
            flights=tuple(flights),
            skew_s=self._maybe(0.15, (-2.0, -1.5, -0.5, 0.5, 1.5, 2.0)) or 0.0,
            database=self._maybe(0.05, ("raises", "hangs")) or "answers",
        )

    def _maybe(self, chance: float, choices: Sequence[Any]) -> Any:
        return self._random.choice(choices) if self._random.random() < chance else None

    def _moment(self, config: dict[str, Any]) -> float:
        """Most of what matters happens in the first round trips."""
        span = self._random.choice((0.3, 1.0, config["timeout_seconds"] + 1.0))
        return round(self._random.uniform(0.0, span), 4)

    def _names(self) -> Sequence[str]:
        return self._random.sample(NAMES, self._random.choice((2, 3, 3, 3, 4, 4, 4, 5)))

    def _config(self) -> dict[str, Any]:
        r = self._random
        config: dict[str, Any] = {
            "timeout_seconds": r.choice((1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 5.0, 8.0, 15.0)),
            "max_retries": r.choice((0, 1, 2, 3, 3, 3, 5)),
            "retry_delay_seconds": r.choice((0.0, 0.1, 0.5, 0.5, 1.0)),
            "scope": "account" if self._scope is Scope.ACCOUNT else "trades",
        }
        if r.random() < 0.06:
            config["close_positions"] = False
        if r.random() < 0.06:
            config["cancel_orders"] = False
        if r.random() < 0.03:
            config["triggers"] = ["shutdown"]
        return config

    # -- who asks ---------------------------------------------------------------------------

    def _asked(self, books: Sequence[Book], config: dict[str, Any]) -> tuple[Asked, ...]:
        r = self._random
        more = [
            self._one_asked(books, at_s=self._moment(config))
            for _ in range(r.choice((0, 0, 0, 0, 1, 1, 2)))
        ]
        first = self._one_asked(books, at_s=0.0)
        return (first, *sorted(more, key=lambda asked: asked.at_s))

    def _one_asked(self, books: Sequence[Book], *, at_s: float) -> Asked:
        r = self._random
        trigger = r.choice(OPERATORS if r.random() < 0.5 else AUTOMATIC)
        pairs = None
        if r.random() < 0.2 and trigger not in AUTOMATIC:
            some = r.sample(books, r.randint(1, len(books)))
            pairs = tuple(sorted(book.pair for book in some))
        return Asked(at_s=at_s, trigger=trigger, pairs=pairs)

    # -- the exchange -----------------------------------------------------------------------

    def _rules(self, books: Sequence[Book], *, spot: bool) -> Rules:
        r = self._random
        hedged = [
            book.pair for book in books if not spot and self._user_is_there and r.random() < 0.02
        ]
        return Rules(
            spot=spot,
            refuses_oversize=r.random() < 0.3,
            resting_claims=r.random() < 0.4,
            tells_fills=r.random() < 0.75,
            cancels_tell_fills=r.random() < 0.8,
            keeps_names=r.random() < 0.85,
            hedged=frozenset(hedged),
        )

    def _lags(self, books: Sequence[Book], *, spot: bool) -> Lags:
        if self._random.random() < 0.45:
            return Lags()
        r, short = self._random, (0.05, 0.2, 0.5)
        return Lags(
            positions=self._maybe(0.6, (0.05, 0.2, 0.5, 1.0, 2.0)) or 0.0,
            orders=self._maybe(0.3, short) or 0.0,
            stops=self._maybe(0.3, short) or 0.0,
            balance=self._maybe(0.3, short) or 0.0,
            known_after=self._maybe(0.4, (0.05, 0.2, 0.6, 1.5)) or 0.0,
            omits={
                book.pair: r.choice((0.3, 0.8, 1.5))
                for book in books
                if not spot and r.random() < 0.06
            },
            forgets={
                resting.key: (0.0, r.choice((0.1, 0.4, 1.0, 2.5)))
                for book in books
                for resting in book.resting
                if r.random() < 0.08
            },
        )

    def _weather(self, books: Sequence[Book], config: dict[str, Any]) -> Weather:
        r = self._random
        dead: dict[Endpoint, Word] = {}
        script: dict[tuple[Endpoint, str], tuple[Fate, ...]] = {}
        if self._faults and r.random() < 0.08:
            dead[r.choice((Endpoint.POSITIONS, Endpoint.ORDERS, Endpoint.STOPS))] = r.choice(DEAD)
        if self._faults and r.random() < 0.2:
            pair = r.choice(books).pair
            script[Endpoint.CLOSE, pair] = self._stubborn(config["max_retries"])
        pace_s = r.choice((0.005, 0.05, 0.1, 0.1, 0.3, 0.3, 1.0))
        return Weather(faults=self._faults, pace_s=pace_s, dead=dead, script=script)

    def _stubborn(self, max_retries: int) -> tuple[Fate, ...]:
        """A pair that resists to the last attempt, for good after a part was filled, or for a
        moment."""
        part, down = Fate(share=0.4), Fate(word=Word.OVERLOADED)
        refused, busy = Fate(word=Word.REFUSED), Fate(word=Word.BUSY)
        return self._random.choice(((part, *[refused] * 3), (down,) * max_retries, (busy,)))

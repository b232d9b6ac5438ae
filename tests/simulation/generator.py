"""Draws a schedule from a seed: what may happen, and how often."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final

from tests.simulation.schedule import (
    Asked,
    Deed,
    Fate,
    Fortune,
    Market,
    Move,
    Resting,
    Schedule,
    Verb,
)

NAMES: Final = ("ADA", "BTC", "DOT", "ETH", "LTC", "SOL", "TRX", "XRP")
OPERATORS: Final = ("cli", "rest", "telegram", "recovery")
AUTOMATIC: Final = ("shutdown", "stop", "fatal_error")

FATES: Final[dict[Verb, tuple[Fate, ...]]] = {
    Verb.POSITIONS: (Fate.UNAVAILABLE, Fate.UNAVAILABLE, Fate.LOST_AFTER, Fate.HANGS),
    Verb.ORDERS: (Fate.UNAVAILABLE, Fate.LOST_AFTER, Fate.REFUSED, Fate.HANGS, Fate.HANGS),
    Verb.READ_BACK: (Fate.UNAVAILABLE, Fate.LOST_AFTER, Fate.HANGS),
    Verb.BOOK: (Fate.UNAVAILABLE, Fate.HANGS),
    Verb.CANCEL: (
        Fate.UNAVAILABLE,
        Fate.REFUSED,
        Fate.LOST_BEFORE,
        Fate.LOST_AFTER,
        Fate.LATE,
        Fate.HANGS,
        Fate.HANGS_DONE,
    ),
    Verb.CLOSE: (
        Fate.UNAVAILABLE,
        Fate.UNAVAILABLE,
        Fate.REFUSED,
        Fate.NOTHING_TO_REDUCE,
        Fate.ACCOUNT_REFUSED,
        Fate.LOST_BEFORE,
        Fate.LOST_AFTER,
        Fate.LATE,
        Fate.NO_FILL_TOLD,
        Fate.ACCEPTED,
        Fate.HANGS,
        Fate.HANGS_DONE,
    ),
    Verb.PUT_BACK: (
        Fate.UNAVAILABLE,
        Fate.REFUSED,
        Fate.LOST_BEFORE,
        Fate.LOST_AFTER,
        Fate.HANGS,
        Fate.HANGS_DONE,
    ),
}
"""What goes wrong with a request, by verb; named twice = twice as often."""


def generate(seed: int) -> Schedule:
    """The schedule of *seed*, always the same."""
    return _Draw(seed).schedule()


class _Draw:
    """One schedule in the making. The order of the draws is part of what a seed means."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)
        r = self._random
        self._spot = r.random() < 0.4
        # The weather: in calm schedules almost nothing goes wrong, in storms half of everything.
        self._faults = r.choice((0.0, 0.05, 0.15, 0.3, 0.5))
        self._bustle = r.choice((0.0, 0.0, 0.3, 0.7))
        self._pace_s = r.choice((0.005, 0.05, 0.1, 0.1, 0.3))

    def schedule(self) -> Schedule:
        config = self._config()
        markets = tuple(self._market(name) for name in self._names())
        in_air, arrivals = self._entries_in_air(markets)
        moves = [*arrivals, *(m for market in markets for m in self._moves(market, config))]
        return Schedule(
            seed=self._seed,
            spot=self._spot,
            markets=markets,
            config=config,
            asked=self._asked(markets, config),
            usual={verb: self._fortune(verb, faults=0.0) for verb in Verb},
            fortunes=self._fortunes(markets, config),
            lag_s=self._maybe(0.15, lambda: self._random.choice((0.05, 0.15, 0.3, 0.8))) or 0.0,
            moves=tuple(sorted(moves, key=lambda move: move.at_s)),
            in_air=in_air,
            # A killed process takes with it what it knew of an entry in the air.
            crash_at_s=None if in_air else self._maybe(0.08, lambda: self._moment(config)),
        )

    def _maybe(self, chance: float, draw: Any) -> Any:
        return draw() if self._random.random() < chance else None

    def _moment(self, config: dict[str, Any]) -> float:
        """Most of what matters happens in the first round trips."""
        span = self._random.choice((0.3, 1.0, config["timeout_seconds"] + 1.0))
        return round(self._random.uniform(0.0, span), 4)

    def _names(self) -> Sequence[str]:
        return self._random.sample(NAMES, self._random.choice((1, 1, 2, 2, 3, 4, 6, 8)))

    def _config(self) -> dict[str, Any]:
        r = self._random
        config: dict[str, Any] = {
            "timeout_seconds": r.choice((0.3, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 8.0)),
            "max_retries": r.choice((0, 1, 2, 3, 3, 3, 5)),
            "retry_delay_seconds": r.choice((0.0, 0.1, 0.5, 0.5, 1.0)),
        }
        if r.random() < 0.12:
            config["close_positions"] = False
        if r.random() < 0.12:
            config["cancel_orders"] = False
        if r.random() < 0.05:
            config["triggers"] = ["shutdown"]
        return config

    # -- the book ---------------------------------------------------------------------------

    def _market(self, name: str) -> Market:
        r = self._random
        pair = f"{name}/USDT" if self._spot else f"{name}/USDT:USDT"
        size = r.choice((1.0, 1.0, 2.5, 0.7)) if r.random() < 0.85 else 0.0
        if r.random() < 0.06:
            size = 0.0004  # dust
        short = not self._spot and r.random() < 0.4
        amount = -size if short else size
        return Market(
            pair=pair,
            amount=amount,
            maximum=self._maybe(0.15, lambda: 1.0),
            own_coins=(self._maybe(0.4, lambda: r.choice((0.5, 1.0, 3.0))) or 0.0)
            if self._spot
            else 0.0,
            obstacle=self._maybe(0.02, lambda: "close it by hand"),
            resting=tuple(self._resting(name, amount)),
        )

    def _resting(self, name: str, amount: float) -> "list[Resting]":
        r = self._random
        found: list[Resting] = []
        exit_side = "sell" if amount > 0 else "buy"
        if abs(amount) > 0.01 and r.random() < 0.6:
            shares = r.choice(((1.0,), (1.0,), (0.5, 0.5)))
            found += [
                self._order(name, f"stop{n}", "protective", exit_side, abs(amount) * share)
                for n, share in enumerate(shares)
            ]
        elif abs(amount) > 0.01 and r.random() < 0.15:
            found.append(self._order(name, "exit", "exit", exit_side, abs(amount)))
        if r.random() < 0.3:
            side = "buy" if self._spot else r.choice(("buy", "sell"))
            found.append(self._order(name, "entry", "entry", side, r.choice((0.5, 1.0))))
        return found

    @staticmethod
    def _order(name: str, kind: str, role: str, side: str, amount: float) -> Resting:
        return Resting(order_id=f"{kind}-{name}", role=role, side=side, amount=amount)

    # -- who asks ---------------------------------------------------------------------------

    def _asked(self, markets: Sequence[Market], config: dict[str, Any]) -> tuple[Asked, ...]:
        r = self._random
        first = self._one_asked(markets, at_s=0.0)
        more = [
            self._one_asked(markets, at_s=self._moment(config))
            for _ in range(r.choice((0, 0, 0, 1, 1, 2)))
        ]
        return (first, *sorted(more, key=lambda asked: asked.at_s))

    def _one_asked(self, markets: Sequence[Market], *, at_s: float) -> Asked:
        r = self._random
        trigger = r.choice(OPERATORS if r.random() < 0.5 else AUTOMATIC)
        pairs = None
        if r.random() < 0.25 and trigger not in AUTOMATIC:
            some = r.sample(markets, r.randint(1, len(markets)))
            pairs = tuple(sorted(market.pair for market in some))
        return Asked(at_s=at_s, trigger=trigger, pairs=pairs)

    # -- how requests fare ------------------------------------------------------------------

    def _fortunes(
        self, markets: Sequence[Market], config: dict[str, Any]
    ) -> dict[tuple[Verb, str], tuple[Fortune, ...]]:
        found = {}
        for verb in (Verb.POSITIONS, Verb.ORDERS):
            found[verb, ""] = tuple(self._fortune(verb) for _ in range(10))
        found[Verb.BOOK, ""] = (self._fortune(Verb.BOOK),)
        verbs = (Verb.CLOSE, Verb.CANCEL, *((Verb.PUT_BACK, Verb.READ_BACK) if self._spot else ()))
        for market in markets:
            for verb in verbs:
                found[verb, market.pair] = tuple(self._fortune(verb) for _ in range(4))
        if self._faults and self._random.random() < 0.25:
            pair = self._random.choice(markets).pair
            found[Verb.CLOSE, pair] = self._stubborn(config["max_retries"])
        return found

    def _stubborn(self, max_retries: int) -> tuple[Fortune, ...]:
        """A pair that resists to the last attempt, or for good after a part was filled."""
        part = replace(self._fortune(Verb.CLOSE, faults=0.0), share=0.4)
        down = replace(part, share=1.0, fate=Fate.UNAVAILABLE)
        refused = replace(part, share=1.0, fate=Fate.REFUSED)
        return self._random.choice(((part, *[refused] * 3), (down,) * max_retries))

    def _fortune(self, verb: Verb, *, faults: float | None = None) -> Fortune:
        r = self._random
        chance = self._faults if faults is None else faults
        out_s, back_s = self._pace_s * r.uniform(0.3, 0.7), self._pace_s * r.uniform(0.3, 0.7)
        if chance and r.random() < chance / 3:  # slow, beyond the longest attempt, too
            out_s, back_s = out_s + r.choice((0.0, 0.5, 3.0)), back_s + r.choice((0.0, 0.5, 3.0))
        if r.random() >= chance:
            return Fortune(out_s=out_s, back_s=back_s)
        if verb is Verb.CLOSE and r.random() < 0.25:
            return Fortune(out_s=out_s, back_s=back_s, share=r.choice((0.0, 0.3, 0.6, 0.9995)))
        return Fortune(
            fate=r.choice(FATES[verb]),
            out_s=out_s,
            back_s=back_s,
            late_s=out_s + back_s + r.choice((0.05, 0.3, 1.0, 2.5, 6.0)),
            retry_after_s=r.choice((None, None, 0.3, 1.5)),
        )

    # -- the others -------------------------------------------------------------------------

    def _entries_in_air(self, markets: Sequence[Market]) -> tuple[tuple[str, ...], list[Move]]:
        if self._random.random() >= 0.12:
            return (), []
        r, pair = self._random, self._random.choice(markets).pair
        deed = r.choice((Deed.ENTRY_ARRIVES, Deed.ENTRY_EXECUTES, None))
        if deed is None:
            return (pair,), []  # it never arrived
        amount = 1.0 if self._spot else r.choice((1.0, -1.0))
        at_s = round(r.uniform(0.0, 1.9), 4)
        moves = [Move(at_s=at_s, deed=deed, pair=pair, order_id="late-entry", amount=amount)]
        if deed is Deed.ENTRY_ARRIVES and r.random() < 0.6:
            moves.append(
                Move(
                    at_s=round(at_s + r.uniform(0.01, 1.5), 4),
                    deed=Deed.FILL_ENTRY,
                    pair=pair,
                    order_id="late-entry",
                )
            )
        return (pair,), moves

    def _moves(self, market: Market, config: dict[str, Any]) -> "list[Move]":
        r = self._random
        found: list[Move] = []
        kinds = {
            "entry": (Deed.FILL_ENTRY, Deed.FILL_ENTRY, Deed.USER_CANCELS),
            "exit": (Deed.FILL_EXIT, Deed.USER_CANCELS),
            "protective": (Deed.TRIGGER_STOP, Deed.TRIGGER_STOP, Deed.USER_CANCELS),
        }
        for resting in market.resting:
            if r.random() < self._bustle:
                found.append(
                    Move(
                        at_s=self._moment(config),
                        deed=r.choice(kinds[resting.role]),
                        pair=market.pair,
                        order_id=resting.order_id,
                        share=r.choice((1.0, 1.0, 0.4)),
                    )
                )
        if r.random() < self._bustle * 0.4:
            others = [Deed.USER_CLOSES, Deed.USER_OPENS]
            deed = r.choice(others if self._spot else [*others, Deed.MARGIN_CALL])
            amount = r.choice((0.5, 2.0)) * (1 if self._spot else r.choice((1, -1)))
            share = r.choice((1.0, 0.5)) if deed is Deed.USER_CLOSES else 1.0
            found.append(
                Move(
                    at_s=self._moment(config),
                    deed=deed,
                    pair=market.pair,
                    share=share,
                    amount=amount,
                )
            )
        return found

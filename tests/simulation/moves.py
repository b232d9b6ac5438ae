"""Draws what others do meanwhile: the market, the user, and freqtrade's own loop."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, Final

from tests.simulation.schedule import Book, Deed, Flight, Move, Resting, Scope
from tests.simulation.world.records import Kind, Owner

ARRIVES_WITHIN_S: Final = 2.0
"""A request that its process let go of reaches the exchange within this, or never."""


class MoveDraw:
    """Draws for one pair after the other."""

    def __init__(
        self, random: Random, scope: Scope, config: dict[str, Any], *, bustle: float
    ) -> None:
        self._random = random
        self._scope = scope
        self._spot = scope is Scope.SPOT
        self._config = config
        self._bustle = bustle

    def of(self, book: Book) -> Iterator[Move]:
        """What happens to *book*."""
        r = self._random
        for order in book.resting:
            if r.random() < self._bustle / 2:
                yield self._with(order, book)
        if r.random() < self._bustle / 4 and self._scope is Scope.ACCOUNT:
            sign = r.choice((1.0, -1.0))
            yield self._trade(book, sign * r.choice((0.3, 1.0)))
        elif r.random() < self._bustle / 4:
            # By hand beside the bot, or of what the bot bought.
            yield self._trade(book, r.choice((0.3, 0.5, 1.0, -0.2)))
        if not self._spot and r.random() < self._bustle / 10:
            yield Move(at_s=self._moment(), deed=Deed.MARGIN_CALL, pair=book.pair)
        if r.random() < self._bustle / 8:
            yield Move(
                at_s=self._moment(), deed=Deed.USER_RESTS, pair=book.pair, order=self._users(book)
            )

    def _with(self, order: Resting, book: Book) -> Move:
        r = self._random
        at_s = self._moment()
        if r.random() < 0.2:
            return Move(at_s=at_s, deed=Deed.USER_CANCELS, pair=book.pair, key=order.key)
        deed = Deed.TRIGGER if order.kind is Kind.STOP else Deed.FILL
        share = r.choice((1.0, 1.0, 0.5, 0.2))
        return Move(at_s=at_s, deed=deed, pair=book.pair, key=order.key, share=share)

    def _trade(self, book: Book, amount: float) -> Move:
        return Move(at_s=self._moment(), deed=Deed.USER_TRADES, pair=book.pair, amount=amount)

    def _users(self, book: Book) -> Resting:
        r = self._random
        stops = [order for order in book.resting if order.kind is Kind.STOP]
        if stops and r.random() < 0.5:  # one more at the same price, or one against it
            return replace(
                stops[0],
                key=f"new-{book.pair}",
                owner=Owner.USER,
                side=r.choice(("buy", "sell")),
                amount=0.2,
            )
        side = "buy" if self._spot else r.choice(("buy", "sell"))
        return Resting(
            key=f"new-{book.pair}",
            owner=Owner.USER,
            kind=Kind.LIMIT,
            side=side,
            amount=0.4,
            limit=book.market.price,
        )

    def _moment(self) -> float:
        span = self._random.choice((0.3, 1.0, self._config["timeout_seconds"] + 1.0))
        return round(self._random.uniform(0.0, span), 4)

    # -- freqtrade's loop -------------------------------------------------------------------

    def flight(self, book: Book) -> Flight | None:
        """What the loop is at with *book*, if anything."""
        r = self._random
        if r.random() >= 0.05 or book.market.renamed is not None:
            return None
        waits = r.random() < 0.3
        noted_s = r.choice((0.05, 0.5, 3.0, 12.0, 300.0)) if not waits else 0.05
        let_go_s = None if waits else r.choice((0.0, 0.0, -noted_s / 2))
        arrives_s: float | None = round(r.uniform(-0.05, 1.9) + (let_go_s or 0.0), 3)
        if r.random() < 0.25:
            arrives_s = None
        held = abs(book.bots)
        if book.trade is None and not book.bots:
            return self._entry(book, noted_s, let_go_s, arrives_s)
        plain = book.trade is not None and not book.trade.dry_run and not book.resting
        if not plain or held < 0.1:
            return None
        kind = r.choice(("entry", "exit", "stop"))
        if kind == "entry":
            return self._entry(book, noted_s, let_go_s, arrives_s)
        side = "sell" if book.bots > 0 else "buy"
        trigger = None
        if kind == "stop":
            trigger = 92.0 if side == "sell" else 108.0
        return Flight(
            pair=book.pair,
            kind=kind,
            side=side,
            amount=held,
            noted_s=noted_s,
            let_go_s=let_go_s,
            arrives_s=arrives_s,
            rests=kind == "exit" and r.random() < 0.3,
            trigger=trigger,
            repeats=25 if kind == "stop" and r.random() < 0.3 else 1,
        )

    def _entry(
        self, book: Book, noted_s: float, let_go_s: float | None, arrives_s: float | None
    ) -> Flight:
        r = self._random
        short = not self._spot and (book.bots < 0 or (not book.bots and r.random() < 0.4))
        return Flight(
            pair=book.pair,
            kind="entry",
            side="sell" if short else "buy",
            amount=0.8,
            noted_s=noted_s,
            let_go_s=let_go_s,
            arrives_s=arrives_s,
            rests=r.random() < 0.4,
            share=r.choice((0.0, 0.5)) if r.random() < 0.5 else 1.0,
            by_hand=self._by_hand(book, noted_s),
            by_hand_s=noted_s / 2,
        )

    @staticmethod
    def _by_hand(book: Book, noted_s: float) -> float:
        """Of what the user holds there, what he has just bought."""
        return book.users if noted_s > 1.0 and book.users > 0 and not book.resting else 0.0

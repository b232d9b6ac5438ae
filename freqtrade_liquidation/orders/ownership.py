"""What is ours: one question, answered here for every market and scope.

Ours is what freqtrade's trades have, with the fills of their open orders, with the orders of the
bot that its database never heard of, less what the bot's exits and our own closes have taken away.
To ask the account instead was weighed: but an account may hold coins and contracts of the user's
own, and no list tells them apart. To trust ``Trade.amount`` alone was weighed, too: it leaves out
what an open order has filled, and is zero while the first entry rests; and where it is larger than
what the trade's orders have bought, the difference is the user's.

Which pairs are ours is fixed when a run begins. What is ours of a pair changes with each answer.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, ClosingOrder, Side
from freqtrade_liquidation.orders.executions import FINAL_STATUSES, Close, Executions, PutBack
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade, ours

Raw = Mapping[str, Any]

FEE_RATIO: Final = 0.001
"""Of an order that no trade knows, where fees are taken in coins. Too little is dust, too much is
not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What is ours of one pair.

    :param amount: base currency, at most.
    :param doubt: why it may be less, in words; ``None`` = it is certain.
    :param entry_price: quote currency; ``None`` = not known.
    """

    pair: str
    side: Side
    amount: float
    doubt: str | None
    entry_price: float | None
    trade_ids: tuple[int, ...]


class Ownership:
    """Answers what is ours, from what has been heard so far. Asks nobody.

    :param trades: freqtrade's open trades.
    :param executions: what our runs have sent.
    :param in_air: pairs with an order of freqtrade's in the air when the run began.
    :param fees_in_coins: an entry brings less than it fills (spot).
    :param trade_pair: the one of some pairs whose contract a name of the exchange's is today.
    :ivar states: ccxt orders by id, of what the database calls open, as last read.
    :ivar found: ccxt orders by id, of the bot, that its database has not heard of.
    :ivar found_stops: the ids of those that an exchange keeps in a list of stops alone.
    :ivar may_be_gone: ids of orders whose cancel was refused, or has no known outcome: a list that
        shows them may be late.
    :ivar put_back: the stops that earlier runs have put back: each is an order of the trade that it
        protects, whether or not that has booked it.
    :ivar doubts: by order id, the pair and why what the order has filled, or whether it is the
        bot's at all, is not known, in words.
    """

    def __init__(
        self,
        trades: Sequence[KnownTrade],
        executions: Executions,
        in_air: Collection[str],
        *,
        fees_in_coins: bool,
        trade_pair: Callable[[str, Collection[str]], str] = lambda name, pairs: name,
    ) -> None:
        self._trade_pair = trade_pair
        self._fees_in_coins = fees_in_coins
        self._executions = executions
        self.states: dict[str, dict[str, Any]] = {}
        self.found: dict[str, dict[str, Any]] = {}
        self.may_be_gone: set[str] = set()
        self.found_stops: set[str] = set()
        self.put_back: tuple[PutBack, ...] = ()
        self.doubts: dict[str, tuple[str, str]] = {}
        self.trades: tuple[KnownTrade, ...]
        self.left_alone: tuple[KnownTrade, ...]
        self._set(trades)
        of_trades = {trade.pair for trade in self.trades}
        self.extent: frozenset[str] = frozenset(of_trades | set(in_air))

    def know(self, trades: Sequence[KnownTrade]) -> None:
        """freqtrade's loop has written to its trades since they were read.

        An exit that it has placed meanwhile may have filled, and its trade does not count that yet.
        """
        before = {order.order_id for trade in self.trades for order in trade.open_orders}
        self._set(trades)
        known = {order_id for trade in self.trades for order_id in trade.order_ids}
        for order_id in known & self.found.keys():
            self.states.setdefault(order_id, self.found.pop(order_id))
        for trade, order in self.open_orders():
            is_exit = order.role_side == trade.side.exit_side
            if is_exit and order.order_id not in before | self.states.keys():
                words = f"what order {order.order_id} of the bot has filled is not known yet"
                self.doubts[order.order_id] = (trade.pair, words)

    def _set(self, trades: Sequence[KnownTrade]) -> None:
        self.trades = tuple(self._with_stops(trades))
        self.left_alone = tuple(trade for trade in trades if trade.left_alone is not None)
        self._by_pair: dict[str, list[KnownTrade]] = {}
        for trade in self.trades:
            self._by_pair.setdefault(trade.pair, []).append(trade)

    def _with_stops(self, trades: Sequence[KnownTrade]) -> Iterator[KnownTrade]:
        known = {order_id for trade in trades for order_id in trade.order_ids}
        unbooked = [stop for stop in self.put_back if stop.order.order_id not in known]
        for trade in ours(trades):
            own = [s for s in unbooked if s.pair == trade.pair and trade.opened_at < s.placed_at]
            unbooked = [stop for stop in unbooked if stop not in own]
            orders = (*trade.open_orders, *(stop.order for stop in own))
            ids = trade.order_ids | {stop.order.order_id for stop in own}
            yield replace(trade, open_orders=orders, order_ids=ids) if own else trade

    def pair_of(self, name: str) -> str:
        """The pair by which freqtrade's trades know what the exchange calls *name* today."""
        return self._trade_pair(name, self._by_pair)

    def find(self, order: dict[str, Any]) -> None:
        """An order of the bot whose fill no trade counts."""
        order_id = str(order["id"])
        if self.owner_of(order_id) is None:
            self.found[order_id] = order
        else:
            self.learn(order_id, order)

    # -- orders -----------------------------------------------------------------------------

    def learn(self, order_id: str, state: dict[str, Any]) -> None:
        """An answer about an order of the bot's, as ccxt reads it.

        An order only moves on. An answer that shows it where it was before what is known is older
        than that, however late it comes: a question that left before the cancel, say.
        """
        known = self.states.get(order_id, {})
        had, has = (float(one.get("filled") or 0.0) for one in (known, state))
        if not is_final(state) and (is_final(known) or has < had):
            return
        self.states[order_id] = state

    def trades_of(self, pair: str) -> list[KnownTrade]:
        """The open trades of *pair*."""
        return self._by_pair.get(self.pair_of(pair), [])

    def open_orders(self) -> Iterator[tuple[KnownTrade, KnownOrder]]:
        """What the database calls open, and nobody has shown to be at its end."""
        for trade in self.trades:
            for order in trade.open_orders:
                if not is_final(self.states.get(order.order_id)):
                    yield trade, order

    def entries_of(self, pair: str) -> Iterator[tuple[KnownTrade, KnownOrder]]:
        """Entries of *pair* that the database calls open, and that are at their end."""
        for trade in self.trades_of(pair):
            for order in trade.open_orders:
                entry = not order.reduces(trade.side)
                if entry and is_final(self.states.get(order.order_id)):
                    yield trade, order

    def owner_of(self, order_id: str) -> tuple[KnownTrade, KnownOrder] | None:
        """The trade whose open order *order_id* is."""
        owned = ((t, o) for t in self.trades for o in t.open_orders if o.order_id == order_id)
        return next(owned, None)

    def owns(self, order_id: str) -> bool:
        """Whether the bot, or a run, has placed it."""
        put_back = {str(raw.get("id")) for _, raw, _ in self._executions.stops_put_back}
        return self.owner_of(order_id) is not None or order_id in self.found or order_id in put_back

    def found_of(self, pair: str) -> list[dict[str, Any]]:
        """Orders of the bot's in *pair* that its database has not heard of."""
        pair = self.pair_of(pair)
        return [o for o in self.found.values() if self.pair_of(o["symbol"]) == pair]

    # -- shares -----------------------------------------------------------------------------

    def pairs(self) -> frozenset[str]:
        """Pairs that something may be ours of."""
        return frozenset(self._by_pair) | {self.pair_of(o["symbol"]) for o in self.found.values()}

    def recorded(self, pair: str) -> float:
        """Base currency that the trades of *pair* have, without what any open order has filled."""
        return sum_of(*(trade.owned for trade in self.trades_of(pair)))

    def share(self, pair: str) -> Share:
        """What is ours of *pair*."""
        trades, closes = self.trades_of(pair), self._closes_of(pair)
        side = trades[0].side if trades else self._found_side(pair)
        closed = (-close.unbooked for close in closes if close.order.side is side)
        parts = [*self._parts(pair, side), *closed]
        return Share(
            pair=pair,
            side=side,
            amount=max(0.0, sum_of(*parts)),
            doubt=self.doubt_of(pair) or _doubt_of(closes),
            entry_price=trades[0].open_rate if trades else self._found_price(pair),
            trade_ids=tuple(trade.trade_id for trade in trades),
        )

    def would_exceed(self, order: ClosingOrder) -> bool:
        """Whether *order* could close more than what is ours, beside the closes on their way."""
        closes = [close for close in self._closes_of(order.pair) if not close.is_final]
        on_their_way = (close.filled - close.order.amount for close in closes)
        ours_still = sum_of(self.share(order.pair).amount, *on_their_way)
        return order.amount > ours_still * (1 + AMOUNT_TOLERANCE)

    def doubt_of(self, pair: str) -> str | None:
        """Why what the bot's own orders have filled is not known; ``None`` = it is."""
        pair = self.pair_of(pair)
        return next(
            (
                words
                for order_id, (of_pair, words) in self.doubts.items()
                if of_pair == pair and not is_final(self.states.get(order_id))
            ),
            None,
        )

    def filled_of(self, order: KnownOrder) -> float:
        """Base currency that an open order has filled; its trade does not count it."""
        return float(self.states.get(order.order_id, {}).get("filled") or order.filled)

    def _parts(self, pair: str, side: Side) -> Iterator[float]:
        for trade in self.trades_of(pair):
            yield trade.owned
            for order in trade.open_orders:
                filled = self.filled_of(order)
                entry = not order.reduces(trade.side)
                yield self._bought(filled, trade.fee_open) if entry else -filled
        for found in self.found_of(pair):
            filled = float(found.get("filled") or 0.0)
            entry = found["side"] != side.exit_side
            yield self._bought(filled, FEE_RATIO) if entry else -filled

    def _bought(self, filled: float, fee_ratio: float) -> float:
        return filled * (1 - fee_ratio) if self._fees_in_coins else filled

    def _closes_of(self, pair: str) -> list[Close]:
        """Ours, without those that a trade has booked."""
        pair = self.pair_of(pair)
        closes = [c for c in self._executions.closes if self.pair_of(c.order.pair) == pair]
        known = [trade.order_ids for trade in self.trades_of(pair)]
        return [c for c in closes if not any((c.answer or {}).get("id") in ids for ids in known)]

    def _found_side(self, pair: str) -> Side:
        """Of what only the exchange knows: an entry opens in its own direction."""
        sides = [o["side"] for o in self.found_of(pair)]
        return Side.SHORT if not self._fees_in_coins and "sell" in sides[:1] else Side.LONG

    def _found_price(self, pair: str) -> float | None:
        averages = [order.get("average") for order in self.found_of(pair)]
        return next((float(average) for average in averages if average), None)


def _doubt_of(closes: Iterable[Close]) -> str | None:
    known = all(close.is_final for close in closes)
    return None if known else "a closing order has no known outcome"


def is_final(state: Raw | None) -> bool:
    """Whether ccxt's order *state* is at its end."""
    return state is not None and state.get("status") in FINAL_STATUSES

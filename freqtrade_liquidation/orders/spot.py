"""The order manager for spot, live: a position is what the bot bought and has not sold.

freqtrade's trade says so, corrected by the fills that the exchange reports since, and never more
than the balance. A sell whose outcome is unknown makes its position *uncertain*: it is looked for
by the name we gave it and never sent again, for a second sell would take coins that the bot never
bought.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ccxt

from freqtrade_liquidation.digits import digits, sum_of
from freqtrade_liquidation.errors import CloseBlocked, ExchangeRefused, ExchangeUnavailable
from freqtrade_liquidation.exchange.classify import causes
from freqtrade_liquidation.exchange.rows import coins
from freqtrade_liquidation.exchange.rules.stops import stop_terms
from freqtrade_liquidation.exchange.single_flight import SharedFlight
from freqtrade_liquidation.model import (
    AMOUNT_TOLERANCE,
    CloseAnswer,
    ClosingOrder,
    OpenOrder,
    OrderRole,
    Position,
)
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.base import OrderManagerBase
from freqtrade_liquidation.orders.ownership import Share, is_final
from freqtrade_liquidation.orders.prices import last_exit_price
from freqtrade_liquidation.orders.trades import KnownTrade
from freqtrade_liquidation.plan import Book
from freqtrade_liquidation.ports import Explanation


class SpotOrders(OrderManagerBase):
    """A resting sell or stop locks the coins that a close needs."""

    closes_need_orders = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held: dict[str, float] | None = None
        self._held_at = 0.0
        self._newer: set[str] = set()  # pairs of trades that are newer than the balance
        self._missing: dict[str, str] = {}
        self._short: set[str] = set()  # pairs of which a sell was refused for the lack of coins
        self._exclusive: set[str] = set()  # pairs of which the account holds the bot's part only
        self._gone: dict[str, float] = {}
        # Positions and orders are asked for side by side, and both depend on the same answers.
        self._reading = SharedFlight(self._read)

    def know(self, trades: Sequence[KnownTrade]) -> None:
        """See the base class. What the account held before may lack what a trade has by now."""
        before = self.trades
        super().know(trades)
        self._newer |= {trade.pair for trade in self.trades if trade not in before}

    async def execute_market_close(
        self, order: ClosingOrder, *, reduce_only: bool = True, timeout_s: float
    ) -> CloseAnswer:
        """See the base class. Coins that are short have been sold or locked since the look: that is
        no refusal of the pair, but a reason to look again."""
        try:
            return await super().execute_market_close(
                order, reduce_only=reduce_only, timeout_s=timeout_s
            )
        except ExchangeRefused as error:
            if any(isinstance(cause, ccxt.InsufficientFunds) for cause in causes(error)):
                self._short.add(order.pair)
                raise CloseBlocked(str(error)) from error
            raise

    # -- looking ----------------------------------------------------------------------------

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        await self._reading.join(timeout_s)
        return self._positions()

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`. Only the bot's own orders."""
        await self._reading.join(timeout_s)
        return self._resting()

    def _resting(self) -> list[OpenOrder]:
        found = (order for order in self.ownership.found.values() if not is_final(order))
        orders = [*self.known_orders(), *(self._found_order(order) for order in found)]
        return [
            replace(order, unconfirmed=True) if self._is_unconfirmed(order.order_id) else order
            for order in orders
        ]

    def _is_unconfirmed(self, order_id: str) -> bool:
        """Its cancel was acknowledged, and it was not asked for since."""
        _, answered_at = self.executions.acknowledged.get(order_id, (None, float("-inf")))
        state = self.ownership.states.get(order_id) or self.ownership.found.get(order_id)
        return not is_final(state) and self._bot_orders.read_at(order_id) < answered_at

    def _found_order(self, order: Mapping[str, Any]) -> OpenOrder:
        buys, terms = order["side"] == "buy", stop_terms(self._exchange, order)
        sells_as = OrderRole.EXIT if terms["stop_price"] is None else OrderRole.PROTECTIVE
        of_trades = self.ownership.trades_of(order["symbol"])
        return OpenOrder(
            pair=order["symbol"],
            order_id=str(order["id"]),
            conditional=order["id"] in self.ownership.found_stops,
            trade_id=next((trade.trade_id for trade in of_trades), None),
            role=OrderRole.ENTRY if buys else sells_as,
            side=order["side"],
            amount=float(order.get("remaining") or 0.0),
            blocks_close=not buys,
            **terms,
        )

    async def _read(self, timeout_s: float) -> None:
        await self._bot_orders.catch_up()
        closes = self._bot_orders.begin_closes(None, timeout_s)
        await asyncio.gather(
            self._read_balances(timeout_s, newer=set(self._newer)),
            self._bot_orders.read(timeout_s=timeout_s),
            self._bot_orders.wait(closes, timeout_s=timeout_s),
        )

    async def _read_balances(self, timeout_s: float, *, newer: Collection[str]) -> None:
        asked_at = self._clock.monotonic()
        held = await self._balances(timeout_s)
        if asked_at >= self._held_at:
            self._held, self._held_at = held, asked_at
            self._newer.difference_update(newer)

    async def _balances(self, timeout_s: float) -> dict[str, float]:
        """Free and locked coins by currency."""
        ask = requests.checked(lambda exchange: coins(exchange.get_balances()), _some)
        held: dict[str, float] = await self._client.read(ask, timeout_s=timeout_s)
        return held

    def recall(self) -> Book | None:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        if self._held is None:
            return None
        return Book(positions=tuple(self._positions()), orders=tuple(self._resting()))

    def _positions(self) -> list[Position]:
        held = self._held or {}
        positions = (self._position(pair, held) for pair in sorted(self.ownership.pairs()))
        return self._with_unreadable(p for p in positions if p is not None)

    def _position(self, pair: str, balances: Mapping[str, float]) -> Position | None:
        share = self.ownership.share(pair)
        may_be_less = share.doubt is not None or self._exit_is_in_air(pair)
        may_be_less = may_be_less or self._cancelled_without_fill(pair, "sell")
        may_be_less = may_be_less or pair in self._newer
        uncertain = may_be_less or self._cancelled_without_fill(pair, "buy")
        uncertain = uncertain or self._has_unread_entries(pair)
        held = balances.get(self._base_currency(pair), 0.0)
        locked = min(share.amount, self._locked(pair))
        if held < locked * (1 - AMOUNT_TOLERANCE):
            held, uncertain, may_be_less = locked, True, True
        own = max(0.0, sum_of(share.amount, -self._gone_before(pair, held)))
        self._note_exclusive(share, own=own, held=held, uncertain=uncertain)
        position = replace(
            self._expected(share),
            amount=min(own, held),
            by_orders=own <= held,
            uncertain=uncertain,
            at_least=uncertain and not may_be_less,
            exclusive=pair in self._exclusive,
            last_price=last_exit_price(self._exchange, pair),
        )
        self._missing.pop(pair, None)
        if share.trade_ids and not uncertain:
            self._note_missing(position, share.amount)
        return position if position.amount > 0 or uncertain else None

    def _gone_before(self, pair: str, held: float) -> float:
        """Base currency of the trades of *pair* that the account did not hold when it was first
        looked at."""
        if pair not in self._gone.keys() | self._newer:
            told = self._is_long_bought(pair) and not self._may_be_selling(pair)
            recorded = self.ownership.recorded(pair)
            self._gone[pair] = max(0.0, sum_of(recorded, -held)) if told else 0.0
        return self._gone.get(pair, 0.0)

    def _may_be_selling(self, pair: str) -> bool:
        """An order of the bot's, or of an earlier run, may have sold what the account lacks."""
        resting = any(trade.open_orders for trade in self.ownership.trades_of(pair))
        return resting or self._has_acted_on(pair)

    def _note_exclusive(self, share: Share, *, own: float, held: float, uncertain: bool) -> None:
        """Whether the account has no coins of a pair but the bot's. While an order of ours has no
        known outcome, equality proves nothing; more than *own* disproves it, but for what fees and
        steps leave over: no order could sell that."""
        others = sum_of(held, -own)
        if others > own * AMOUNT_TOLERANCE and others >= self._smallest_close(share):
            self._exclusive.discard(share.pair)
        elif not uncertain:
            self._exclusive.add(share.pair)

    def _cancelled_without_fill(self, pair: str, side: str) -> bool:
        """An order of the bot's is gone, or may be, and what it had filled is not known (yet)."""
        states, unread = self.ownership.states, self.executions.acknowledged.values()
        if any(
            (o.pair, o.side) == (pair, side) and self._is_unconfirmed(o.order_id) for o, _ in unread
        ):
            return True
        return any(
            (order.pair, order.side) == (pair, side) and not is_final(states.get(order.order_id))
            for order in self.executions.cancelled
            if self.ownership.owner_of(order.order_id) is not None
        )

    def _has_unread_entries(self, pair: str) -> bool:
        """What an entry of the bot's has filled since freqtrade looked is not known yet."""
        return any(
            not order.reduces(trade.side) and order.order_id not in self.ownership.states
            for trade in self.ownership.trades_of(pair)
            for order in trade.open_orders
        )

    def _locked(self, pair: str) -> float:
        """Base currency that the bot's sell orders lock, as the exchange told of them in this run,
        or had locked when we cancelled them, less what we have sold: a balance that lacks it
        contradicts what the exchange has just said. A stop in a list of its own locks nothing; and
        where a sell was refused for the lack of coins, the balance is not alone in its word."""
        if pair in self._short:
            return 0.0
        states = self.ownership.states
        of_pair = ((t, o) for t, o in self.ownership.open_orders() if t.pair == pair)
        cancelled = (o for o in self.executions.cancelled if o.pair == pair)
        orders = [
            *(o for o in cancelled if is_final(states.get(o.order_id))),
            *(self._known_order(trade, o) for trade, o in of_pair if o.order_id in states),
        ]
        left = (
            float(states[o.order_id].get("amount") or 0.0)
            - float(states[o.order_id].get("filled") or 0.0)
            for o in orders
            if o.side == "sell" and not o.conditional
        )
        sold = (-close.filled for close in self.executions.closes if close.order.pair == pair)
        return max(0.0, sum_of(*left, *sold))

    def _base_currency(self, pair: str) -> str:
        trades = self.ownership.trades_of(pair)
        known = next((trade.base_currency for trade in trades), None)
        return known or self._exchange.get_pair_base_currency(pair)

    def _smallest_close(self, share: Share) -> float:
        """At the highest price seen: what may be worth a sale is not called dust."""
        if not self._knows(share.pair):
            return 0.0
        trades = self.ownership.trades_of(share.pair)
        highest = max((trade.highest_rate for trade in trades), default=0.0)
        return self.minimum_amount(share.pair, highest or share.entry_price)

    def _note_missing(self, held: Position, unsold: float) -> None:
        """Coins that the trade says it has, and the account has not, are nobody's exposure."""
        nothing_to_sell = held.amount <= 0 or held.is_dust
        if nothing_to_sell and unsold > 0 and not replace(held, amount=unsold).is_dust:
            holds = digits(held.amount) if held.amount > 0 else "none"
            self._missing[held.pair] = (
                f"the bot's trade says {digits(unsold)} {self._base_currency(held.pair)}, the "
                f"account holds {holds}: nothing to sell. Sold or moved by hand? Then correct the "
                "trade"
            )

    def remarks(self) -> Mapping[str, str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return {**super().remarks(), **self._missing}

    def entry_price(self, pair: str) -> float | None:
        """Quote currency; ``None``: no list of positions shows it."""
        return None

    async def explain(
        self, pairs: Collection[str], *, timeout_s: float
    ) -> Mapping[str, Explanation]:
        """The balance is the answer about each pair alone; a look has just asked for it."""
        return {
            pair: Explanation(
                left=self.ownership.share(pair).amount,
                is_answered=self._held is not None,
                entries={
                    order_id: None
                    for order_id, state in self.ownership.states.items()
                    if state.get("symbol") == pair and is_final(state)
                },
            )
            for pair in pairs
        }


def _some(held: dict[str, float]) -> dict[str, float]:
    """No currency at all is an answer about something else: with it every trade's coins would be
    gone. :raises ExchangeUnavailable: then."""
    if not held:
        raise ExchangeUnavailable("the balance lists no currency at all")
    return held

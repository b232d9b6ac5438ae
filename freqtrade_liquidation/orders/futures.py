"""The order manager for futures, live: positions are what the exchange lists."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.errors import ExchangeUnavailable, LiquidationError, NothingToReduce
from freqtrade_liquidation.exchange.pagination import Lists
from freqtrade_liquidation.exchange.rules.at_once import may_hold_both_sides
from freqtrade_liquidation.exchange.rules.position_query import one_position
from freqtrade_liquidation.exchange.single_flight import SharedFlight
from freqtrade_liquidation.model import (
    AMOUNT_TOLERANCE,
    CancelAnswer,
    CancelStatus,
    ClosingOrder,
    OpenOrder,
    OrderRole,
    Position,
    Side,
)
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.base import OrderManagerBase, role_of
from freqtrade_liquidation.orders.executions import an_order
from freqtrade_liquidation.orders.open_orders import MORE as MORE_ORDERS
from freqtrade_liquidation.orders.open_orders import OrderReader
from freqtrade_liquidation.orders.ownership import is_final
from freqtrade_liquidation.orders.positions import MORE, PositionReader
from freqtrade_liquidation.orders.trades import KnownTrade
from freqtrade_liquidation.ports import Explanation

TURNED_UP: Final = (
    "it was gone when the exchange was asked about it alone, and has turned up since: bought by "
    "hand meanwhile? It is left alone: look whose it is"
)
EXPLAINED_WITHIN_S: Final = 0.3
"""After the first answer to an explanation the others get so long, or two round trips."""


class FuturesOrders(OrderManagerBase):
    """Every close is reduce-only.

    :param account_scope: every linear swap position of the account; else what is ours of it.
    """

    def __init__(self, *args: Any, account_scope: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._account_scope = account_scope
        self._lists = Lists(self._exchange, self._client)
        self._reader = PositionReader(
            self._exchange, self._amounts, self.trades, account_scope=account_scope
        )
        self._orders = OrderReader(self._exchange, self.trades)
        self._position_remarks: dict[str, str] = {}
        self._entry_prices: dict[str, float] = {}
        self._gone: set[str] = set()  # pairs whose position was gone when asked about alone
        self._lacked: set[str] = set()  # pairs of trades that a list lacked
        self._order_lists = SharedFlight(self._read_orders)
        self._read: list[OpenOrder] = []
        self._read_at = 0.0
        self._later: set[str] = set()
        self._ends: dict[str, dict[str, Any]] = {}
        self._to_list: frozenset[str] = frozenset()
        self._listed_once: set[str] = set()

    @property
    def scope(self) -> str:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return "account" if self._account_scope else "trades"

    @property
    def shares_the_account(self) -> bool:
        """See the base class."""
        return not self._account_scope

    @property
    def acts_at_once(self) -> bool:  # type: ignore[override]
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        order = ClosingOrder(pair="", side=Side.LONG, amount=1.0, client_order_id="")
        needs_price = requests.needs_price(self._exchange, order)
        return self._account_scope and not needs_price and not may_hold_both_sides(self._exchange)

    def know(self, trades: Sequence[KnownTrade]) -> None:
        """See the base class."""
        before = {order.order_id for _, order in self.ownership.open_orders()}
        super().know(trades)
        self._later |= {order.order_id for _, order in self.ownership.open_orders()} - before
        self._reader.trades = self._orders.trades = self.trades

    def entry_price(self, pair: str) -> float | None:
        """Quote currency, as first shown by the exchange; ``None`` = not known."""
        return self._entry_prices.get(pair)

    def remarks(self) -> Mapping[str, str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return {**super().remarks(), **self._position_remarks}

    def found_entries(self) -> Mapping[str, Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`. An order whose cancel we sent
        tells its fill with the answer."""
        cancelled = {order.order_id for order in self.executions.called_off}
        return {
            order_id: Position(
                pair=order["symbol"],
                side=Side.SHORT if order["side"] == "sell" else Side.LONG,
                amount=float(order["filled"]),
            )
            for order_id, order in self.ownership.found.items()
            if order.get("filled") and not order.get("reduceOnly") and order_id not in cancelled
        }

    # -- looking ----------------------------------------------------------------------------

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        if not self._account_scope:
            await self._bot_orders.catch_up()
        asked_at = self._clock.monotonic()
        asked = asyncio.ensure_future(self._lists.positions(timeout_s=timeout_s))
        if not self._account_scope:  # what is ours depends on what our orders have filled
            closes = self._bot_orders.begin_closes(None, timeout_s)
            await asyncio.gather(
                asked,
                self._order_lists.join(timeout_s),
                self._bot_orders.wait(closes, timeout_s=timeout_s),
            )
        whole = await asked
        self._listed_at = max(self._listed_at, asked_at)
        listed = self._reader.read(whole.rows, scope_pairs=self._pairs())
        self._position_remarks = listed.remarks
        if whole.cut_off:
            listed.positions.append(MORE)
        for position in listed.positions:
            if position.entry_price is not None and self._knows(position.pair):
                self._entry_prices.setdefault(position.pair, float(position.entry_price))
        if not self._account_scope and not whole.cut_off:
            self._note_lacked({position.pair for position in listed.positions})
        own = self._ours(listed.positions)
        return own if self._account_scope else self._with_unreadable(own)

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        await self._order_lists.join(timeout_s)
        return list(self._read)

    async def _read_orders(self, timeout_s: float) -> None:
        asked_at, until = self._clock.monotonic(), asyncio.get_running_loop().time() + timeout_s
        pairs = self._pairs() | self._entry_prices.keys()
        lists, _ = await asyncio.gather(
            self._lists.orders(pairs, timeout_s=timeout_s),
            self._bot_orders.find(timeout_s=timeout_s),
        )
        orders = self._orders.read(lists)
        if not self._account_scope or self._later or self._read_as_resting():
            rows = {
                str(row["id"]): self._in_base_currency(row)
                for _, listed in lists
                for row in listed.rows
            }
            left_s = until - asyncio.get_running_loop().time()
            await self._bot_orders.read(timeout_s=left_s, listed=rows)
        if not self._account_scope:
            orders = [order for order in orders if self.ownership.owns(order.order_id)]
        self._expect_found(str(row["id"]) for _, listed in lists for row in listed.rows)
        listed_ids = {order.order_id for order in orders}
        orders += [o for o in self._known_to_rest() if o.order_id not in listed_ids]
        if any(listed.cut_off for _, listed in lists):
            orders.append(MORE_ORDERS)
        if asked_at >= self._read_at:
            self._read, self._read_at = orders, asked_at

    def _known_to_rest(self) -> list[OpenOrder]:
        """Entries that freqtrade's loop has placed since the run began, and that nothing shows to
        be at their end, and those that rest when asked for alone: a list may be too old to have
        them."""
        resting = self._later | self._read_as_resting()
        return [
            self._known_order(trade, order)
            for trade, order in self.ownership.open_orders()
            if order.order_id in resting and role_of(trade, order) is OrderRole.ENTRY
        ]

    def _read_as_resting(self) -> set[str]:
        """The bot's orders that rested when they were last asked for, each by itself."""
        open_ids = {order.order_id for _, order in self.ownership.open_orders()}
        return open_ids & self.ownership.states.keys()

    def _expect_found(self, listed: Iterable[str]) -> None:
        """An order in the air may be found after the list beside it was answered: where it rests,
        the next list has to show it."""
        resting = {key for key, order in self.ownership.found.items() if not is_final(order)}
        new = resting - {*listed} - self._listed_once
        self._to_list = frozenset(self.ownership.found[key]["symbol"] for key in new)
        self._listed_once |= new

    def unsettled_pairs(self) -> frozenset[str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`. Until a list has it, what rests
        when asked for alone keeps its pair from being settled, too."""
        listed = {order.order_id for order in self._read}
        missed = (o for o in self._known_to_rest() if o.order_id not in listed)
        return super().unsettled_pairs() | self._to_list | {order.pair for order in missed}

    def _in_base_currency(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of a list that was asked of ccxt, as freqtrade would give it."""
        return self._exchange._order_contracts_to_amount(dict(row))

    def recall(self) -> None:
        """Only a list tells."""
        return

    def as_known_now(self, position: Position) -> Position:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return self._limited(position, standing={order.order_id for order in self._read})

    def _pairs(self) -> frozenset[str]:
        return self.ownership.extent

    def _ours(self, positions: Iterable[Position]) -> list[Position]:
        limited = [self._limited(position) for position in positions]
        held = Counter(position.pair for position in limited if position.amount > 0)
        return [
            replace(position, has_others=held[position.pair] > 1)
            for position in limited
            if position.amount > 0
        ]

    def _limited(self, position: Position, *, standing: Collection[str] = ()) -> Position:
        """In scope "trades", never more than ours: the account may be shared. There, what an order
        of unknown outcome has closed looks as if it were open still.

        :param standing: ids of orders that are taken off elsewhere.
        """
        told_apart = self._knows(position.pair) and position.side is not Side.UNKNOWN
        if self._account_scope or not told_apart:
            return position
        share = self.ownership.share(self.ownership.pair_of(position.pair))
        own = share.amount if share.side is position.side else 0.0
        lacks_a_part = position.amount < own * (1 - AMOUNT_TOLERANCE)
        has_turned_up = share.pair in self._gone or (share.pair in self._lacked and lacks_a_part)
        return replace(
            position,
            amount=max(0.0, min(position.amount, own)),
            by_orders=own <= position.amount,
            obstacle=TURNED_UP if has_turned_up else position.obstacle,
            uncertain=has_turned_up
            or share.doubt is not None
            or self._bot_orders.unread(share.pair, standing)
            or self._exit_is_in_air(share.pair),
            is_shared=position.amount > own * (1 + AMOUNT_TOLERANCE),
        )

    # -- explaining -------------------------------------------------------------------------

    async def explain(
        self, pairs: Collection[str], *, timeout_s: float
    ) -> Mapping[str, Explanation]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`. What is not answered in the time
        of the others is not waited for: it is asked again with the next explanation."""
        held: dict[str, tuple[Position | None, bool]] = {}

        async def ask(pair: str) -> None:
            held[pair] = await self._ask_alone(pair, timeout_s)

        asks = [
            *(asyncio.ensure_future(ask(pair)) for pair in pairs),
            asyncio.ensure_future(self.fill_in(pairs, timeout_s=timeout_s)),
            asyncio.ensure_future(self._read_ends(pairs, timeout_s)),
        ]
        try:
            await asyncio.wait(asks, return_when=asyncio.FIRST_COMPLETED)
            median_s = self.round_trips.median_s or 0.0
            await asyncio.wait(asks, timeout=max(EXPLAINED_WITHIN_S, 2 * median_s))
        finally:
            for task in asks:
                task.cancel()
        return {pair: self._explanation(pair, held.get(pair, (None, False))) for pair in pairs}

    def _explanation(self, pair: str, answered: tuple[Position | None, bool]) -> Explanation:
        known = self._knows(pair) and bool(
            self.ownership.trades_of(pair) or self.ownership.found_of(pair)
        )
        position, is_answered = answered
        return Explanation(
            left=self.ownership.share(pair).amount if known else None,
            held=None if position is None else self._limited(position),
            is_answered=is_answered,
            entries=self._entries_of(pair),
        )

    def _entries_of(self, pair: str) -> dict[str, Position | None]:
        """What cancelled entries have filled, as read back."""
        found: dict[str, Position | None] = {}
        for trade, known in self.ownership.entries_of(pair):
            more = sum_of(self.ownership.filled_of(known), -known.filled)
            opened = Position(pair=pair, side=trade.side, amount=max(0.0, more))
            found[known.order_id] = opened if more > 0 else None
        for order in self.executions.called_off:
            ends = (self.ownership.states.get(order.order_id), self._ends.get(order.order_id))
            state = next((end for end in ends if is_final(end)), None)
            is_entry = order.pair == pair and order.role is OrderRole.ENTRY
            if not is_entry or state is None:
                continue
            filled = float(state.get("filled") or 0.0)
            side = Side.SHORT if order.side == "sell" else Side.LONG
            opened = Position(pair=pair, side=side, amount=filled)
            found[order.order_id] = opened if filled > 0 else None
        return found

    async def _read_ends(self, pairs: Collection[str], timeout_s: float) -> None:
        """The bot's open orders, and entries whose cancel told no fill."""

        async def read(order: OpenOrder) -> None:
            try:
                ask = requests.checked(
                    lambda exchange: exchange.fetch_order(order.order_id, order.pair),
                    lambda raw: an_order(
                        raw, pair=order.pair, side=order.side, order_id=order.order_id
                    ),
                )
                state = await self._client.read(ask, timeout_s=timeout_s)
            except LiquidationError:
                return  # not known: the pair stays unexplained
            self._ends[order.order_id] = state
            if self.ownership.owner_of(order.order_id) is not None:
                self.ownership.learn(order.order_id, state)

        gone = [o for o in self.executions.called_off if o.pair in pairs]
        entries = [o for o in gone if o.role is OrderRole.ENTRY and not o.conditional]
        await asyncio.gather(*(read(order) for order in entries), self._read_bot_orders(timeout_s))

    async def _read_bot_orders(self, timeout_s: float) -> None:
        try:
            await self._bot_orders.read(timeout_s=timeout_s)
        except LiquidationError:
            return  # not known: the pair stays unexplained

    async def _ask_alone(self, pair: str, timeout_s: float) -> tuple[Position | None, bool]:
        """The position of *pair* as the exchange shows it when asked about it alone, and whether
        it answered."""
        ask = one_position(self._exchange, pair)
        if ask is None:
            return None, False
        try:
            rows = await self._client.read(ask, timeout_s=timeout_s)
        except NothingToReduce:  # Gate: POSITION_NOT_FOUND
            return None, True
        except LiquidationError:
            return None, False
        listed = self._reader.read(rows, scope_pairs=self._pairs() | {pair})
        found = next((p for p in self._ours(listed.positions) if p.pair == pair), None)
        if found is None and self._would_be_shown(pair):
            self._gone.add(pair)
        return found, True

    def _note_lacked(self, listed: Collection[str]) -> None:
        """A list may leave a position out by mistake: then it turns up whole. What turns up with
        less than the trades have, is not what they had."""
        traded = {trade.pair for trade in self.trades}
        names = {self.ownership.pair_of(name) for name in listed}
        self._lacked |= {pair for pair in traded - names if self._would_be_shown(pair)}

    def _would_be_shown(self, pair: str) -> bool:
        """An answer that lacks the bot's position of *pair* is not late: it is gone."""
        return self._is_long_bought(pair) and not self._may_be_growing(pair)

    def _may_be_growing(self, pair: str) -> bool:
        entries = (
            not order.reduces(trade.side)
            for trade in self.ownership.trades_of(pair)
            for order in trade.open_orders
        )
        return any(entries) or self._has_acted_on(pair)

    # -- acting -----------------------------------------------------------------------------

    async def _cancel(self, order: OpenOrder, timeout_s: float) -> CancelAnswer:
        if order is MORE_ORDERS:
            words = "the exchange lists no more orders than those seen, and there may be others"
            return CancelAnswer(order=order, status=CancelStatus.REFUSED, error=words)
        if not self._account_scope and not self.ownership.owns(order.order_id):
            raise ExchangeUnavailable(f"order {order.order_id} is not ours: left alone")
        return await super()._cancel(order, timeout_s)

"""The order manager over freqtrade's exchange, for futures live. Spot and dry-run build on it."""

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.errors import (
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    OutcomeUnknown,
)
from freqtrade_liquidation.exchange.client import Wire
from freqtrade_liquidation.exchange.pagination import Lists
from freqtrade_liquidation.exchange.rules.names import client_order_id
from freqtrade_liquidation.model import (
    AMOUNT_TOLERANCE,
    BookedPair,
    CancelAnswer,
    CancelStatus,
    CloseAnswer,
    ClosingOrder,
    OpenOrder,
    OrderRole,
    Position,
    Side,
)
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.amounts import Amounts, total
from freqtrade_liquidation.orders.entry_gate import SETTLES_WITHIN_S, Door, EntryNote
from freqtrade_liquidation.orders.executions import Close, Deeds, an_order
from freqtrade_liquidation.orders.open_orders import MORE as MORE_ORDERS
from freqtrade_liquidation.orders.open_orders import OrderReader
from freqtrade_liquidation.orders.positions import MORE, PositionReader
from freqtrade_liquidation.orders.put_back import put_back, remark
from freqtrade_liquidation.orders.trades import KnownTrade
from freqtrade_liquidation.place import within


class Booking(Protocol):
    """Writes what a run did into freqtrade's database."""

    async def book(self, pairs: Sequence[str], *, timeout_s: float) -> Sequence[BookedPair]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""


class BotLoop(Protocol):
    """freqtrade's loop, which may be in the middle of an exit of its own."""

    async def lets_go(self, *, timeout_s: float) -> Sequence[KnownTrade] | None:
        """Waits for it; the trades as it left them, ``None`` = nothing to wait for, or in vain."""


class FuturesVenue:
    """Positions are what the exchange lists; every close is reduce-only.

    :param trades: freqtrade's open trades at the start of the run.
    :param account_scope: every linear swap position of the account; else only the trades'.
    :param door: knows the entries in the air.
    """

    closes_need_orders = False

    def __init__(
        self,
        exchange: Exchange,
        wire: Wire,
        trades: Sequence[KnownTrade],
        *,
        door: Door,
        account_scope: bool = True,
    ) -> None:
        self._exchange = exchange
        self._wire = wire
        self._amounts = Amounts(exchange)
        self._lists = Lists(exchange, wire)
        self._trades = tuple(trades)
        self._reader = PositionReader(
            exchange, self._amounts, self._trades, account_scope=account_scope
        )
        self._orders = OrderReader(exchange, self._trades)
        self._remarks: dict[str, str] = {}
        self._door = door
        self._loop_is_busy = False
        self._account_scope = account_scope
        self._began = time.monotonic()
        self.began_at = datetime.now(UTC)
        self.booker: Booking | None = None
        self.loop: BotLoop | None = None
        self._entry_prices: dict[str, float] = {}
        self._exclusive: set[str] = set()  # pairs of which the account holds the bot's part only
        self.deeds = Deeds()

    # -- looking ----------------------------------------------------------------------------

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        if self.shares_the_account:  # beside the user's own no list shows what an order has filled
            whole, _ = await asyncio.gather(
                self._lists.positions(timeout_s=timeout_s), self.fill_in(timeout_s=timeout_s)
            )
        else:
            whole = await self._lists.positions(timeout_s=timeout_s)
        listed = self._reader.read(whole.rows, scope_pairs=self._scope_pairs())
        self._remarks = listed.remarks
        if whole.cut_off:
            listed.positions.append(MORE)
        limited = (self._limited(position) for position in listed.positions)
        positions = [position for position in limited if position.amount > 0]
        for position in positions:
            if position.entry_price is not None and self._knows(position.pair):
                self._entry_prices.setdefault(position.pair, float(position.entry_price))
        self._settle_entries(shown={position.pair for position in positions})
        return positions

    def entry_price(self, pair: str) -> float | None:
        """Quote currency, as first shown by the exchange; ``None`` = not known."""
        return self._entry_prices.get(pair)

    def remarks(self) -> Mapping[str, str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        words = (
            "an entry into it was being sent when this run ended, and could not be looked at: look "
            "the pair up on the exchange"
        )
        return {**dict.fromkeys(self._being_sent(), words), **self._remarks}

    def _knows(self, pair: str) -> bool:
        return pair in self._exchange.markets

    def _scope_pairs(self) -> set[str]:
        return {t.pair for t in self._trades} | {
            note.pair for note in self._door.in_air() if note.is_fresh
        }

    def _limited(self, position: Position) -> Position:
        """In scope "trades", never more than the bot's own: the account may be shared. There, what
        an order of unknown outcome has closed looks as if it were open still."""
        told_apart = self._knows(position.pair) and position.side is not Side.UNKNOWN
        if self._account_scope or not told_apart:
            return position
        own = sum(t.amount for t in self._trades_of(position.pair) if t.side is position.side)
        closes = [c for c in self.deeds.closes if c.order.pair == position.pair]
        own -= sum(c.filled for c in closes)
        if any(n.pair == position.pair and n.is_fresh for n in self._door.in_air()):
            return position
        uncertain = not all(c.is_final for c in closes)
        self._note_exclusive(position.pair, own=own, held=position.amount, uncertain=uncertain)
        uncertain = uncertain and position.pair not in self._exclusive
        amount = max(0.0, min(position.amount, own))
        return replace(position, amount=amount, uncertain=uncertain)

    def _note_exclusive(
        self, pair: str, *, own: float, held: float | None, uncertain: bool
    ) -> None:
        """Whether the account has no part of *pair* but the bot's.

        :param own: base currency, what of the bot's is not known to be closed.
        :param held: base currency, by the account; ``None`` = there is none.
        :param uncertain: an order of ours may have closed more. Then as much as *own* could be the
            user's: that is no proof, and more than it is one of the contrary.
        """
        if held is None or held > own * (1 + AMOUNT_TOLERANCE):
            self._exclusive.discard(pair)
        elif not uncertain:
            self._exclusive.add(pair)

    def _trades_of(self, pair: str) -> list[KnownTrade]:
        return [trade for trade in self._trades if trade.pair == pair]

    def _settle_entries(self, *, shown: set[str]) -> None:
        """Entries in the air whose effect the exchange shows need no more waiting."""
        known = {t.pair for t in self._trades}
        for note in self._door.in_air():
            if note.pair in shown and note.pair not in known:
                self._door.settle(note)

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        pairs = self._scope_pairs() | self._entry_prices.keys()
        lists = await self._lists.orders(pairs, timeout_s=timeout_s)
        orders = self._orders.read(lists)
        if not self._account_scope:
            pairs = self._scope_pairs()
            orders = [order for order in orders if order.pair in pairs]
        for note in self._door.in_air():
            if any(o.pair == note.pair and _is_news(o) for o in orders):
                self._door.settle(note)
        if any(listed.cut_off for _, listed in lists):
            orders.append(MORE_ORDERS)
        return orders

    @property
    def scope(self) -> str:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return "account" if self._account_scope else "trades"

    @property
    def shares_the_account(self) -> bool:
        """What the account holds may be the user's own: earlier closes must be known by name."""
        return not self._account_scope

    def expected_positions(self) -> Sequence[Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return [
            Position(
                pair=trade.pair,
                side=trade.side,
                amount=trade.amount,
                entry_price=trade.open_rate,
                trade_ids=(trade.trade_id,),
            )
            for trade in self._trades
            if trade.amount > 0
        ]

    def empty_trades(self) -> Sequence[str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return [trade.pair for trade in self._trades if not trade.amount]

    def unsettled_pairs(self) -> frozenset[str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        in_air = {note.pair for note in self._door.in_air() if not self._is_stale(note)}
        return frozenset(in_air | self._being_sent())

    def _being_sent(self) -> set[str]:
        """Pairs whose entry freqtrade's loop is at still, when nobody waits for it any more."""
        if not self._loop_is_busy:
            return set()
        notes = self._door.in_air()
        return {n.pair for n in notes if not n.is_exit and n.let_go_monotonic is None}

    def has_entry_in_air(self, pair: str) -> bool:
        """Whether an entry into *pair* may still arrive: freqtrade's loop is at it, however long,
        or let go of it just now."""
        return any(
            note.pair == pair
            and not note.is_exit
            and (note.let_go_monotonic is None or not self._is_stale(note))
            for note in self._door.in_air()
        )

    def _is_stale(self, note: EntryNote) -> bool:
        return time.monotonic() - note.out_at_the_latest(self._began) > SETTLES_WITHIN_S

    # -- acting -----------------------------------------------------------------------------

    async def cancel_all_orders(
        self, pair: str, orders: Sequence[OpenOrder], *, timeout_s: float
    ) -> Sequence[CancelAnswer]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return await asyncio.gather(*(self._cancel(order, timeout_s) for order in orders))

    async def _cancel(self, order: OpenOrder, timeout_s: float) -> CancelAnswer:
        if order is MORE_ORDERS:
            words = "the exchange lists no more orders than those seen, and there may be others"
            return CancelAnswer(order=order, status=CancelStatus.REFUSED, error=words)
        try:
            answer = await self._wire.write(requests.cancel(order), timeout_s=timeout_s)
            if not answer:
                raise OutcomeUnknown("the answer is empty")
        except LiquidationError as error:
            status = (
                CancelStatus.UNKNOWN if isinstance(error, OutcomeUnknown) else CancelStatus.REFUSED
            )
            sendable = not isinstance(error, (OutcomeUnknown, ExchangeRefused))
            return CancelAnswer(order=order, status=status, error=str(error), sendable=sendable)
        self.deeds.cancelled.append(order)
        return CancelAnswer(
            order=order, status=CancelStatus.CANCELLED, left=_left_of_cancelled(answer)
        )

    async def execute_market_close(
        self, order: ClosingOrder, *, reduce_only: bool = True, timeout_s: float
    ) -> CloseAnswer:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`.

        :raises ValueError: without *reduce_only* on futures: such an order could flip a position.
        """
        if self._exchange.trading_mode == TradingMode.FUTURES and not reduce_only:
            raise ValueError("a futures close is reduce-only, always")
        now = asyncio.get_running_loop().time
        began = now()
        rate = await self._rate(order, timeout_s / 2)
        close = Close(order=order)
        self.deeds.closes.append(close)
        leverage = self._leverage(order.pair)
        try:
            raw = await self._wire.write(
                requests.close(order, leverage=leverage, rate=rate),
                # The price took half of it at most, not counting what it waited for its turn.
                timeout_s=max(timeout_s / 2, timeout_s - (now() - began)),
            )
        except OutcomeUnknown:
            raise
        except LiquidationError:
            close.refused = True
            raise
        if raw.get("id") is None:
            raise OutcomeUnknown("the answer names no order")
        close.answer = dict(raw)
        final = close.is_final
        return CloseAnswer(
            order_id=str(raw["id"]),
            filled=close.filled if final else None,
            average=raw.get("average") if final else None,
        )

    async def _rate(self, order: ClosingOrder, timeout_s: float) -> float:
        """Quote currency; 0.0 where a market order carries no price. A question of its own: an
        order that was not sent for want of a price has no unknown outcome.

        :raises ExchangeUnavailable: if there is no answer: nothing was sent.
        """
        if not requests.needs_price(self._exchange, order):
            return 0.0
        try:
            async with within(timeout_s):
                price = await self._wire.read(requests.price(order), timeout_s=timeout_s)
        except TimeoutError as error:
            raise ExchangeUnavailable("not sent: no price within its time") from error
        return float(price)

    def _leverage(self, pair: str) -> float:
        return next((trade.leverage for trade in self._trades_of(pair)), 1.0)

    async def put_back_stop(
        self, order: OpenOrder, amount: float, *, timeout_s: float
    ) -> CloseAnswer:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        leverage = self._leverage(order.pair)
        raw = await put_back(self._wire, order, amount, leverage=leverage, timeout_s=timeout_s)
        self.deeds.stops_put_back.append((order, dict(raw), amount))
        words = remark(self._exchange, raw, order, amount)
        return CloseAnswer(order_id=str(raw["id"]), remark=words)

    async def host_lets_go(self, *, timeout_s: float) -> bool:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        trades = None if self.loop is None else await self.loop.lets_go(timeout_s=timeout_s)
        if trades is None:
            self._loop_is_busy = self.loop is not None
            return False
        self.know(trades)
        return True

    @property
    def trades(self) -> Sequence[KnownTrade]:
        """freqtrade's open trades, as last read."""
        return self._trades

    def found_orders(self) -> Mapping[str, list[dict[str, Any]]]:
        """Orders of the bot that only the exchange knew, filled and at their end, by pair."""
        return {}

    def know(self, trades: Sequence[KnownTrade]) -> None:
        """freqtrade's loop has written to its trades since they were read."""
        self._trades = self._reader.trades = self._orders.trades = tuple(trades)

    async def book(self, pairs: Sequence[str], *, timeout_s: float) -> Sequence[BookedPair]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        if self.booker is None:
            return [BookedPair(pair=pair, error="not booked: no bot runs here") for pair in pairs]
        return await self.booker.book(pairs, timeout_s=timeout_s)

    def minimum_amount(self, pair: str, price: float | None = None) -> float:
        """Base currency: the smallest closing order; on spot, at *price*."""
        return self._amounts.minimum(pair, price=price)

    def maximum_amount(self, pair: str) -> float | None:
        """Base currency: the largest market order; ``None`` = none published."""
        return self._amounts.maximum(pair)

    def new_client_order_id(self) -> str:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return client_order_id(self._exchange._api, uuid.uuid4().hex)

    def amount_pieces(self, position: Position) -> Sequence[float]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return list(self._amounts.pieces(position))

    async def fill_in(self, *, timeout_s: float) -> None:
        """Reads back those of our closes whose fill is not known yet. Raises nothing."""
        open_closes = [close for close in self.deeds.closes if not close.is_final]
        await asyncio.gather(*(self._read_back(close, timeout_s) for close in open_closes))

    async def _read_back(self, close: Close, timeout_s: float) -> None:
        try:
            close.answer = an_order(
                await self._wire.read(requests.read_back(close), timeout_s=timeout_s)
            )
        except LiquidationError:
            return  # still not known; whoever needs it sees that it is not final


def _is_news(order: OpenOrder) -> bool:
    """An entry that the database does not know: an older one says nothing of one in the air."""
    return order.role is OrderRole.ENTRY and order.trade_id is None


def _left_of_cancelled(answer: Any) -> float | None:
    """What an order that filled in part had left; ``None`` where the answer tells of no fill.

    Not ccxt's ``remaining``: some exchanges call it 0 for whatever is cancelled.
    """
    told = answer if isinstance(answer, Mapping) else {}
    amount, filled = told.get("amount"), told.get("filled")
    return max(0.0, total([float(amount), -float(filled)])) if amount and filled else None

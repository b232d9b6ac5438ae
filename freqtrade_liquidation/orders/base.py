"""What the order managers have in common: what they send, and what the bot's books say."""

import asyncio
import itertools
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Protocol

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.clock import SYSTEM, Clock
from freqtrade_liquidation.digits import digits, sum_of
from freqtrade_liquidation.errors import (
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    NotSent,
    OutcomeUnknown,
)
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rules.names import client_order_id
from freqtrade_liquidation.exchange.rules.renamed import trade_pair
from freqtrade_liquidation.exchange.rules.stops import NO_STOP, StopTerms, stop_terms
from freqtrade_liquidation.model import (
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
from freqtrade_liquidation.orders.amounts import Amounts
from freqtrade_liquidation.orders.bot_orders import GONE_AFTER_S, BotOrders
from freqtrade_liquidation.orders.cancels import left_of_cancelled, status_told
from freqtrade_liquidation.orders.entry_gate import SETTLES_WITHIN_S, EntryGate, OrderNote
from freqtrade_liquidation.orders.executions import (
    Close,
    Earlier,
    Executions,
    answer_to,
    as_earlier,
)
from freqtrade_liquidation.orders.ownership import Ownership, Share, is_final
from freqtrade_liquidation.orders.put_back import put_back, remark
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade
from freqtrade_liquidation.round_trips import RoundTrips

RECENT_S: Final = 60.0
"""Round trips of the bot's own requests that were answered within this tell how fast it is now."""
LATE_AT_MOST: Final = timedelta(seconds=60)
"""An answer that lacks what was bought longer ago is not late."""
MOST_PIECES: Final = 20
"""Orders of one round for one position. More are needed by one that no account holds, as a rule: a
list may show any number. What a real one has left after them, the next round closes."""
BEING_SENT: Final = (
    "an entry into it was being sent when this run ended, and could not be looked at: look the "
    "pair up on the exchange"
)


class Booking(Protocol):
    """Writes what a run did into freqtrade's database."""

    async def book(
        self, pairs: Sequence[str], *, timeout_s: float, while_closing: bool = False
    ) -> Sequence[BookedPair]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""


class BotLoop(Protocol):
    """freqtrade's loop, which may be in the middle of an exit of its own."""

    @property
    def is_quiet(self) -> bool:
        """It writes to no trade now."""

    async def lets_go(self, *, timeout_s: float) -> Sequence[KnownTrade] | None:
        """Waits for it; the trades as it left them, ``None`` = nothing to wait for, or in vain."""


class OrderManagerBase:
    """Sends closes, cancels and stops; knows what the bot's books say.

    :param trades: freqtrade's open trades at the start of the run.
    :param gate: knows the orders in the air.
    :param earlier: what earlier runs have sent and nobody has booked.
    :param seen: the round trips of the bot's own signed requests.
    """

    closes_need_orders = False
    acts_at_once = False

    def __init__(
        self,
        exchange: Exchange,
        client: ExchangeClient,
        trades: Sequence[KnownTrade],
        *,
        gate: EntryGate,
        seen: RoundTrips | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._exchange = exchange
        self._client = client
        self._clock = clock
        self._amounts = Amounts(exchange)
        self._gate = gate
        self._seen = seen or RoundTrips()
        self._loop_is_busy = False
        self._began = clock.monotonic()
        self._listed_at = float("-inf")  # when the positions were asked for, as answered last
        self.began_at = clock.utcnow()
        self.executions = Executions()
        self.ownership = Ownership(
            trades,
            self.executions,
            {note.pair for note in gate.notes()},
            fees_in_coins=exchange.trading_mode == TradingMode.SPOT,
            trade_pair=lambda name, pairs: trade_pair(exchange._api, exchange.markets, name, pairs),
        )
        self._bot_orders = BotOrders(
            exchange,
            client,
            self.ownership,
            self.executions,
            gate,
            clock,
            know=self.know,
            run_began=self._began,
            step=self._amounts.step,
        )
        self.booker: Booking | None = None
        self.loop: BotLoop | None = None

    @property
    def scope(self) -> str:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return "trades"

    @property
    def shares_the_account(self) -> bool:
        """What the account holds may be the user's own: earlier closes must be known by name."""
        return True

    @property
    def round_trips(self) -> RoundTrips:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return self._client.round_trips

    @property
    def recent_round_trips(self) -> RoundTrips:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return self._seen.since(self._clock.monotonic() - RECENT_S)

    # -- what the bot's books say -------------------------------------------------------------

    @property
    def trades(self) -> Sequence[KnownTrade]:
        """freqtrade's open trades, as last read."""
        return self.ownership.trades

    def know(self, trades: Sequence[KnownTrade]) -> None:
        """freqtrade's loop has written to its trades since they were read."""
        self.ownership.know(trades)

    def take_over(self, earlier: Earlier) -> None:
        """What runs before this one have left, before it begins."""
        self.executions.closes += as_earlier(earlier.closes)
        self.ownership.doubts |= earlier.doubts
        if earlier.stops:
            self.ownership.put_back = tuple(earlier.stops)
            self.know((*self.trades, *self.ownership.left_alone))

    def expected_positions(self) -> Sequence[Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        shares = (self.ownership.share(pair) for pair in sorted(self.ownership.pairs()))
        return [self._expected(share) for share in shares if share.amount > 0]

    def _expected(self, share: Share) -> Position:
        known = self._knows(share.pair)
        return Position(
            pair=share.pair,
            side=share.side,
            amount=share.amount,
            entry_price=share.entry_price,
            minimum_amount=self._smallest_close(share) if known else 0.0,
            maximum_amount=self.maximum_amount(share.pair) if known else None,
            trade_ids=share.trade_ids,
            uncertain=share.doubt is not None,
            obstacle=None if known else "its market is not known to freqtrade: close it by hand",
        )

    def _with_unreadable(self, positions: Iterable[Position]) -> list[Position]:
        """*positions*, and those of trades whose row makes no sense: how much is open there is not
        known, so that no book with one of them is flat."""
        unreadable = {t.pair: t for t in self.ownership.left_alone if t.is_unreadable}
        shown = [
            replace(p, uncertain=True, obstacle=unreadable[p.pair].left_alone)
            if p.pair in unreadable
            else p
            for p in positions
        ]
        missing = unreadable.keys() - {position.pair for position in shown}
        return shown + [
            Position(
                pair=pair,
                side=unreadable[pair].side,
                amount=0.0,
                trade_ids=(unreadable[pair].trade_id,),
                uncertain=True,
                obstacle=unreadable[pair].left_alone,
            )
            for pair in sorted(missing)
        ]

    def known_orders(self) -> Sequence[OpenOrder]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return [self._known_order(*known) for known in self.ownership.open_orders()]

    def _known_order(self, trade: KnownTrade, order: KnownOrder) -> OpenOrder:
        entry = not order.reduces(trade.side)
        entry_side = "sell" if trade.side is Side.SHORT else "buy"
        read = self.ownership.states.get(order.order_id, {})
        by_flag = bool(self._exchange.get_option("stoploss_query_requires_stop_flag"))
        return OpenOrder(
            pair=trade.pair,
            order_id=order.order_id,
            role=role_of(trade, order),
            side=entry_side if entry else trade.side.exit_side,
            amount=self._left_of(order, read),
            conditional=order.is_stop and by_flag,
            blocks_close=self.closes_need_orders and not entry,
            trade_id=trade.trade_id,
            **self._terms(order, read),
        )

    def _left_of(self, order: KnownOrder, read: Mapping[str, Any]) -> float:
        """Base currency that it has still to fill: as the exchange has it, else as recorded."""
        amount = float(read.get("amount") or order.amount)
        return max(0.0, sum_of(amount, -self.ownership.filled_of(order)))

    def _terms(self, order: KnownOrder, read: Mapping[str, Any]) -> StopTerms:
        """Of a stop: as the exchange has it, else as the database recorded it."""
        if not order.is_stop:
            return NO_STOP
        terms = stop_terms(self._exchange, read)
        if terms["stop_price"] is not None:
            return terms
        return StopTerms(
            stop_price=order.stop_price,
            limit_price=order.limit_price,
            trigger_source=None,
            takes_profit=False,
        )

    def as_known_now(self, position: Position) -> Position:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return position

    def empty_trades(self) -> Sequence[str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return [trade.pair for trade in self.trades if not trade.amount]

    def found_orders(self) -> Mapping[str, list[dict[str, Any]]]:
        """Orders of the bot that only the exchange knew, filled and at their end, by pair."""
        found: dict[str, list[dict[str, Any]]] = {}
        for order in sorted(self.ownership.found.values(), key=lambda order: order["timestamp"]):
            if order.get("filled") and is_final(order):
                found.setdefault(order["symbol"], []).append(order)
        return found

    def found_entries(self) -> Mapping[str, Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return {}

    def names_today(self, pairs: Collection[str]) -> frozenset[str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        api, markets = self._exchange._api, self._exchange.markets
        names = (name for name in markets if trade_pair(api, markets, name, pairs) in pairs)
        return frozenset(pairs).union(names)

    def has_found_entries_of(self, pair: str) -> bool:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        notes = [n for n in self._gate.notes() if n.pair == pair and not n.is_exit]
        return bool(notes) and all(note.is_seen and not note.in_flight for note in notes)

    def remarks(self) -> Mapping[str, str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        left_alone = {t.pair: t.left_alone for t in self.ownership.left_alone if t.left_alone}
        overstated = {t.pair: _overstated(t) for t in self.trades if t.is_overstated}
        odd_rows = {t.pair: t.remark for t in self.trades if t.remark is not None}
        pairs = self.ownership.pairs()
        doubts = {p: words for p in pairs if (words := self.ownership.doubt_of(p)) is not None}
        being_sent = dict.fromkeys(self._being_sent(), BEING_SENT)
        missed = self._bot_orders.missed()
        ambiguous = self._bot_orders.ambiguous
        return {
            **missed,
            **odd_rows,
            **left_alone,
            **overstated,
            **doubts,
            **ambiguous,
            **being_sent,
        }

    def _knows(self, pair: str) -> bool:
        return pair in self._exchange.markets

    def _is_long_bought(self, pair: str) -> bool:
        """Where an answer lacks what the trades of *pair* have, it is not late: that is gone. What
        turns up later may be the user's: bought by hand meanwhile."""
        latest = (trade.last_fill_at for trade in self.ownership.trades_of(pair))
        return self.began_at - max(latest, default=self.began_at) > LATE_AT_MOST

    def _has_acted_on(self, pair: str) -> bool:
        """The bot has an order in the air, or a run has sent one: what that has filled may be what
        the account lacks, or has more."""
        in_air = any(note.pair == pair for note in self._gate.notes())
        return in_air or any(close.order.pair == pair for close in self.executions.closes)

    # -- orders in the air --------------------------------------------------------------------

    def unsettled_pairs(self) -> frozenset[str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        in_air = {note.pair for note in self._gate.notes() if not self._is_stale(note)}
        behind = {pair for pair in self.ownership.extent if self._is_behind(pair)}
        return frozenset(in_air | behind | self._being_sent())

    def _is_behind(self, pair: str) -> bool:
        return self.shares_the_account and self._bot_orders.is_behind(pair)

    def _being_sent(self) -> set[str]:
        """Pairs whose entry freqtrade's loop is at still, when nobody waits for it any more."""
        if not self._loop_is_busy:
            return set()
        notes = self._gate.in_air()
        return {note.pair for note in notes if not note.is_exit and note.in_flight}

    def has_entry_in_air(self, pair: str) -> bool:
        """Whether an entry into *pair* may still arrive: freqtrade's loop is at it, however long,
        or let go of it just now."""
        return any(
            note.pair == pair and not note.is_exit and (note.in_flight or not self._is_stale(note))
            for note in self._gate.in_air()
        )

    def _exit_is_in_air(self, pair: str) -> bool:
        """freqtrade's own, sent and not heard of: closing beside it would be closing twice."""
        return self._is_behind(pair) or any(
            note.pair == pair and note.is_exit and not self._is_stale(note)
            for note in self._gate.notes()
        )

    def _is_stale(self, note: OrderNote) -> bool:
        """It will open or close nothing that no look has shown. Where the account is shared, only
        a look tells; elsewhere the positions do."""
        if self.shares_the_account:
            return self._bot_orders.is_stale(note)
        out = note.out_since(self._began)
        is_gone = self._clock.monotonic() - out >= GONE_AFTER_S
        return note.is_seen or is_gone or self._listed_at - out > SETTLES_WITHIN_S

    async def end_notes(self, is_closed: Callable[[str], bool]) -> None:
        """After the run and its booking: ends the notes whose orders have no say in the next one.

        :param is_closed: whether the run has shown that of a pair nothing is left.
        """
        await self._bot_orders.end_notes(is_closed)

    # -- acting -------------------------------------------------------------------------------

    async def cancel_all_orders(
        self, pair: str, orders: Sequence[OpenOrder], *, timeout_s: float
    ) -> Sequence[CancelAnswer]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return await asyncio.gather(*(self._cancel(order, timeout_s) for order in orders))

    async def _cancel(self, order: OpenOrder, timeout_s: float) -> CancelAnswer:
        try:
            answer = await self._client.write(requests.cancel(order), timeout_s=timeout_s)
            status = status_told(self._exchange._api, order, answer)
            if status is CancelStatus.UNKNOWN:
                raise OutcomeUnknown("the answer does not say that the order is cancelled")
        except LiquidationError as error:
            unknown = isinstance(error, OutcomeUnknown)
            if unknown or isinstance(error, ExchangeRefused):
                self.ownership.may_be_gone.add(order.order_id)
            return CancelAnswer(
                order=order,
                status=CancelStatus.UNKNOWN if unknown else CancelStatus.REFUSED,
                error=str(error),
                sendable=not (unknown or isinstance(error, ExchangeRefused)),
                not_sent=error if isinstance(error, NotSent) else None,
            )
        if status is CancelStatus.ACKNOWLEDGED:
            self.executions.acknowledged[order.order_id] = (order, self._clock.monotonic())
            return CancelAnswer(order=order, status=status)
        self.executions.acknowledged.pop(order.order_id, None)
        self.executions.cancelled.append(order)
        left = left_of_cancelled(order, answer)
        if left is not None:
            self._note_end(order, left)
        return CancelAnswer(order=order, status=status, left=left)

    def _note_end(self, order: OpenOrder, left: float) -> None:
        """What an order of the bot's has filled is known by its cancel."""
        owner = self.ownership.owner_of(order.order_id)
        if owner is None:
            return
        _, known = owner
        state = self.ownership.states.get(order.order_id, {})
        amount = float(state.get("amount") or known.amount)
        end = {
            "id": order.order_id,
            "symbol": order.pair,
            "side": order.side,
            "status": "canceled",
            "amount": amount,
            "filled": max(0.0, sum_of(amount, -left)),
            "remaining": left,
            "stopPrice": order.stop_price,
        }
        self.ownership.learn(order.order_id, {**state, **end})

    async def execute_market_close(
        self, order: ClosingOrder, *, reduce_only: bool = True, timeout_s: float
    ) -> CloseAnswer:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`.

        :raises ValueError: without *reduce_only* on futures: such an order could flip a position.
        """
        if self._exchange.trading_mode == TradingMode.FUTURES and not reduce_only:
            raise ValueError("a futures close is reduce-only, always")
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        rate = await self._rate(order, timeout_s / 2)
        if self.shares_the_account and self.ownership.would_exceed(order):
            raise ExchangeUnavailable(
                f"not sent: {digits(order.amount)} is more than what is known to be the bot's"
            )
        close = Close(order=order, sent_at=self._clock.utcnow())
        self.executions.closes.append(close)
        try:
            raw = await self._client.write(
                requests.close(order, leverage=self._leverage(order.pair), rate=rate),
                timeout_s=until - loop.time(),
            )
        except OutcomeUnknown:
            raise
        except LiquidationError:
            close.refused = True
            raise
        try:
            close.answer = answer_to(order, raw, step=self._amounts.step(order.pair))
        except ExchangeUnavailable as error:
            raise OutcomeUnknown(str(error)) from error
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
            return float(await self._client.read(requests.price(order), timeout_s=timeout_s))
        except ExchangeUnavailable as error:
            raise NotSent("not sent: no price within its time") from error

    def _leverage(self, pair: str) -> float:
        return next((trade.leverage for trade in self.ownership.trades_of(pair)), 1.0)

    async def put_back_stop(
        self, order: OpenOrder, amount: float, *, timeout_s: float
    ) -> CloseAnswer:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        raw = await put_back(
            self._client,
            order,
            amount,
            leverage=self._leverage(order.pair),
            timeout_s=timeout_s,
            is_another=self.ownership.owns,
        )
        self.executions.stops_put_back.append((order, dict(raw), amount))
        words = remark(self._exchange, raw, order, amount)
        return CloseAnswer(order_id=str(raw["id"]), remark=words)

    async def fill_in(self, pairs: Collection[str] | None = None, *, timeout_s: float) -> None:
        """Reads back those of our closes (of *pairs*) whose fill is not known yet. Raises
        nothing."""
        await self._bot_orders.fill_in(pairs, timeout_s=timeout_s)

    # -- the host -----------------------------------------------------------------------------

    async def host_lets_go(self, *, timeout_s: float) -> bool:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        trades = None if self.loop is None else await self.loop.lets_go(timeout_s=timeout_s)
        if trades is None:
            self._loop_is_busy = self.loop is not None and not self.loop.is_quiet
            return False
        self.know(trades)
        return True

    @property
    def may_book(self) -> bool:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return self.booker is not None and (self.loop is None or self.loop.is_quiet)

    async def book(
        self, pairs: Sequence[str], *, timeout_s: float, while_closing: bool = False
    ) -> Sequence[BookedPair]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        if self.booker is None:
            return [BookedPair(pair=pair, error="not booked: no bot runs here") for pair in pairs]
        return await self.booker.book(pairs, timeout_s=timeout_s, while_closing=while_closing)

    def abandon(self) -> None:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        self._bot_orders.abandon()
        self._client.end()

    # -- amounts ------------------------------------------------------------------------------

    def _smallest_close(self, share: Share) -> float:
        """Base currency: below it the exchange takes no closing order."""
        return self.minimum_amount(share.pair)

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
        return list(itertools.islice(self._amounts.pieces(position), MOST_PIECES))


def role_of(trade: KnownTrade, order: KnownOrder) -> OrderRole:
    """What the bot placed *order* for."""
    if order.is_stop:
        return OrderRole.PROTECTIVE
    return OrderRole.EXIT if order.reduces(trade.side) else OrderRole.ENTRY


def _overstated(trade: KnownTrade) -> str:
    return (
        f"the bot's trade says {digits(trade.amount)} {trade.base_currency}, its orders have "
        f"bought {digits(trade.owned)} more than they have sold: no more than that is closed for "
        "it. Correct the trade, unless a sale of it is being booked just now"
    )

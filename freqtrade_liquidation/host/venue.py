"""The order manager over freqtrade's exchange, for futures live. Spot and dry-run build on it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import ccxt
from freqtrade.constants import BuySell
from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.errors import ExchangeRefused, LiquidationError, OutcomeUnknown
from freqtrade_liquidation.host.amounts import Amounts
from freqtrade_liquidation.host.deeds import Close, Deeds
from freqtrade_liquidation.host.door import SETTLES_WITHIN_S, Door, EntryNote
from freqtrade_liquidation.host.positions import NAMELESS, PositionReader
from freqtrade_liquidation.host.snapshot import KnownTrade
from freqtrade_liquidation.host.wire import Wire
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

_OKX: Final = ({"ordType": "conditional"}, {"ordType": "trigger"})
STOP_KINDS: Final[Mapping[str, Sequence[Mapping[str, str]]]] = dict.fromkeys(
    ("okx", "myokx", "okxus"), _OKX
)
"""Where each kind of stop order is a list of its own, by ccxt's exchange id.

ccxt asks okx for "trigger" orders alone; freqtrade's stops are "conditional" ones.
Source: ccxt ``okx.fetch_open_orders``; freqtrade ``Okx._fetch_stop_order_fallback``.
"""


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
        self._trades = tuple(trades)
        self._reader = PositionReader(
            exchange, self._amounts, self._trades, account_scope=account_scope
        )
        self._remarks: dict[str, str] = {}
        self._door = door
        self._account_scope = account_scope
        self._began = time.monotonic()
        self.began_at = datetime.now(UTC)
        self.booker: Booking | None = None
        self.loop: BotLoop | None = None
        self._entry_prices: dict[str, float] = {}
        self.deeds = Deeds()

    # -- looking ----------------------------------------------------------------------------

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        raw = await self._wire.read(
            lambda exchange: exchange.fetch_positions(count=0),  # type: ignore[call-arg]
            timeout_s=timeout_s,
        )
        listed = self._reader.read(raw, scope_pairs=self._scope_pairs())
        self._remarks = listed.remarks
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
        return self._remarks

    def _knows(self, pair: str) -> bool:
        return pair in self._exchange.markets

    def _scope_pairs(self) -> set[str]:
        return {t.pair for t in self._trades} | {
            note.pair for note in self._door.in_air() if note.is_fresh
        }

    def _limited(self, position: Position) -> Position:
        """In scope "trades", never more than the bot's own: the account may be shared."""
        told_apart = self._knows(position.pair) and position.side is not Side.UNKNOWN
        if self._account_scope or not told_apart:
            return position
        own = sum(t.amount for t in self._trades_of(position.pair) if t.side is position.side)
        own -= sum(c.filled for c in self.deeds.closes if c.order.pair == position.pair)
        if any(n.pair == position.pair and n.is_fresh for n in self._door.in_air()):
            return position
        return replace(position, amount=max(0.0, min(position.amount, own)))

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
        lists = [self._list_orders(timeout_s)]
        if self._exchange.get_option("stoploss_query_requires_stop_flag"):
            kinds = STOP_KINDS.get(self._exchange._api.id, ({},))
            lists += [self._list_orders(timeout_s, {"stop": True, **kind}) for kind in kinds]
        orders = [order for found in await asyncio.gather(*lists) for order in found]
        if not self._account_scope:
            pairs = self._scope_pairs()
            orders = [order for order in orders if order.pair in pairs]
        for note in self._door.in_air():
            if any(o.pair == note.pair and _is_news(o) for o in orders):
                self._door.settle(note)
        return orders

    async def _list_orders(
        self, timeout_s: float, stop: Mapping[str, Any] | None = None
    ) -> list[OpenOrder]:
        # Without a type, ccxt asks binance's spot market, whatever the default type.
        params: dict[str, Any] = {"type": "swap", **(stop or {})}
        raw = await self._wire.read(
            lambda exchange: _orders_of_all(exchange, params), timeout_s=timeout_s
        )
        if raw is None:
            raw = await self._list_by_pair(params, timeout_s)
        return [self._open_order(entry, listed_as_stop=stop is not None) for entry in raw]

    async def _list_by_pair(self, params: dict[str, Any], timeout_s: float) -> list[Any]:
        """Where the exchange lists no orders without a pair: those that we have reason to ask."""
        pairs = sorted(self._scope_pairs() | self._entry_prices.keys())
        lists = await asyncio.gather(
            *(
                self._wire.read(
                    lambda exchange, pair=pair: exchange._api.fetch_open_orders(  # type: ignore[misc]
                        pair, params=params
                    ),
                    timeout_s=timeout_s,
                )
                for pair in pairs
            )
        )
        return [order for found in lists for order in found]

    def _open_order(self, raw: Any, *, listed_as_stop: bool) -> OpenOrder:
        pair, order_id = raw["symbol"] or NAMELESS, str(raw["id"])
        stop_price = raw.get("triggerPrice") or raw.get("stopPrice")
        known = self._known_role(pair, order_id)
        reduces = bool(raw.get("reduceOnly")) or known in (OrderRole.EXIT, OrderRole.PROTECTIVE)
        is_stop = listed_as_stop or stop_price is not None
        role = OrderRole.ENTRY  # what cannot be shown to reduce could add risk
        if reduces:
            role = OrderRole.PROTECTIVE if is_stop else OrderRole.EXIT
        contracts = raw.get("remaining") or raw.get("amount") or 0.0
        return OpenOrder(
            pair=pair,
            order_id=order_id,
            role=role,
            side=raw.get("side") or "",
            amount=self._exchange._contracts_to_amount(pair, float(contracts)),
            conditional=listed_as_stop,
            stop_price=stop_price,
            trade_id=self._known_trade_id(pair, order_id),
        )

    def _known_role(self, pair: str, order_id: str) -> OrderRole | None:
        for trade in self._trades_of(pair):
            for order in trade.open_orders:
                if order.order_id == order_id:
                    if order.is_stop:
                        return OrderRole.PROTECTIVE
                    exits = order.role_side == trade.side.exit_side
                    return OrderRole.EXIT if exits else OrderRole.ENTRY
        return None

    def _known_trade_id(self, pair: str, order_id: str) -> int | None:
        return next(
            (
                trade.trade_id
                for trade in self._trades_of(pair)
                if any(order.order_id == order_id for order in trade.open_orders)
            ),
            None,
        )

    @property
    def scope(self) -> str:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return "account" if self._account_scope else "trades"

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
        return [t.pair for t in self._trades if not t.amount and not t.open_orders]

    def unsettled_pairs(self) -> frozenset[str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return frozenset(note.pair for note in self._door.in_air() if not self._is_stale(note))

    def _is_stale(self, note: EntryNote) -> bool:
        return time.monotonic() - note.out_at_the_latest(self._began) > SETTLES_WITHIN_S

    # -- acting -----------------------------------------------------------------------------

    async def cancel_all_orders(
        self, pair: str, orders: Sequence[OpenOrder], *, timeout_s: float
    ) -> Sequence[CancelAnswer]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return await asyncio.gather(*(self._cancel(order, timeout_s) for order in orders))

    async def _cancel(self, order: OpenOrder, timeout_s: float) -> CancelAnswer:
        def send(exchange: Exchange) -> Any:
            params = {"stop": True} if order.conditional else None
            return exchange.cancel_order(  # type: ignore[call-arg]
                order.order_id, order.pair, params, count=0
            )

        try:
            answer = await self._wire.write(send, timeout_s=timeout_s)
            if not answer:
                raise OutcomeUnknown("the answer is empty")
        except LiquidationError as error:
            status = (
                CancelStatus.UNKNOWN if isinstance(error, OutcomeUnknown) else CancelStatus.REFUSED
            )
            sendable = not isinstance(error, (OutcomeUnknown, ExchangeRefused))
            return CancelAnswer(order=order, status=status, error=str(error), sendable=sendable)
        self.deeds.cancelled.append(order)
        return CancelAnswer(order=order, status=CancelStatus.CANCELLED)

    async def execute_market_close(
        self, order: ClosingOrder, *, reduce_only: bool = True, timeout_s: float
    ) -> CloseAnswer:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`.

        :raises ValueError: without *reduce_only* on futures: such an order could flip a position.
        """
        if self._exchange.trading_mode == TradingMode.FUTURES and not reduce_only:
            raise ValueError("a futures close is reduce-only, always")
        close = Close(order=order)
        self.deeds.closes.append(close)
        try:
            raw = await self._wire.write(
                lambda exchange: self._send_close(exchange, order), timeout_s=timeout_s
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

    def _send_close(self, exchange: Exchange, order: ClosingOrder) -> Any:
        side: BuySell = "sell" if order.side is Side.LONG else "buy"
        pair = order.pair
        needs_price = exchange._config["dry_run"] or exchange._order_needs_price(side, "market")
        rate = self._rate(exchange, order) if needs_price else 0.0
        params_of = exchange._get_params

        def with_client_order_id(*args: Any, **kwargs: Any) -> dict[str, Any]:
            return {**params_of(*args, **kwargs), "clientOrderId": order.client_order_id}

        exchange._get_params = with_client_order_id  # type: ignore[method-assign]
        return exchange.create_order(
            pair=pair,
            ordertype="market",
            side=side,
            amount=order.amount,
            rate=rate,
            leverage=self._leverage(pair),
            reduceOnly=exchange.trading_mode == TradingMode.FUTURES,
            initial_order=False,
        )

    @staticmethod
    def _rate(exchange: Exchange, order: ClosingOrder) -> float:
        return float(
            exchange.get_rate(
                order.pair, side="exit", is_short=order.side is Side.SHORT, refresh=True
            )
        )

    def _leverage(self, pair: str) -> float:
        return next((trade.leverage for trade in self._trades_of(pair)), 1.0)

    async def put_back_stop(
        self, order: OpenOrder, amount: float, *, timeout_s: float
    ) -> CloseAnswer:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        if order.stop_price is None:
            raise ExchangeRefused(f"the price of stop {order.order_id} is not known")
        stop_price = order.stop_price
        raw = await self._wire.write(
            lambda exchange: exchange.create_stoploss(
                pair=order.pair,
                amount=amount,
                stop_price=stop_price,
                order_types={"stoploss": "market"},
                side="sell" if order.side == "sell" else "buy",
                leverage=self._leverage(order.pair),
            ),
            timeout_s=timeout_s,
        )
        if raw.get("id") is None:
            raise OutcomeUnknown("the answer names no order")
        self.deeds.stops_put_back.append((order, dict(raw), amount))
        return CloseAnswer(order_id=str(raw["id"]))

    async def host_lets_go(self, *, timeout_s: float) -> bool:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        trades = None if self.loop is None else await self.loop.lets_go(timeout_s=timeout_s)
        if trades is None:
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
        self._trades = self._reader.trades = tuple(trades)

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

    def amount_pieces(self, position: Position) -> Sequence[float]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return list(self._amounts.pieces(position))

    async def fill_in(self, *, timeout_s: float) -> None:
        """Reads back those of our closes whose fill is not known yet. Raises nothing."""
        open_closes = [close for close in self.deeds.closes if not close.is_final]
        await asyncio.gather(*(self._read_back(close, timeout_s) for close in open_closes))

    async def _read_back(self, close: Close, timeout_s: float) -> None:
        """By its id, else by ours: an unanswered order is found again by the name we gave it."""
        order = close.order

        def ask(exchange: Exchange) -> Any:
            if exchange._config["dry_run"] or close.answer is not None:
                return exchange.fetch_order(  # type: ignore[call-arg]
                    str((close.answer or {})["id"]), order.pair, count=0
                )
            return exchange.fetch_order(  # type: ignore[call-arg]
                "", order.pair, {"clientOrderId": order.client_order_id}, count=0
            )

        try:
            close.answer = dict(await self._wire.read(ask, timeout_s=timeout_s))
        except LiquidationError:
            return  # still not known; whoever needs it sees that it is not final


def _is_news(order: OpenOrder) -> bool:
    """An entry that the database does not know: an older one says nothing of one in the air."""
    return order.role is OrderRole.ENTRY and order.trade_id is None


def _orders_of_all(exchange: Exchange, params: dict[str, Any]) -> list[Any] | None:
    """Every open order of the account; ``None`` = this exchange lists them by pair only."""
    try:
        return list(exchange._api.fetch_open_orders(None, params=params))
    except (ccxt.ArgumentsRequired, ccxt.NotSupported):
        return None

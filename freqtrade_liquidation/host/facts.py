"""What booking needs to know, asked side by side and once: fills, final states, funding."""

import asyncio
import time
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import ccxt
from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.shape import is_number
from freqtrade_liquidation.host.strays import find_strays, unexplained
from freqtrade_liquidation.orders.choosing import OrderManager
from freqtrade_liquidation.orders.executions import Close, is_amount, the_order
from freqtrade_liquidation.orders.requests import checked
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade

FUNDING_LIMIT: Final = 1000
"""Entries of one answer; as many as that may be cut off, and are asked for pair by pair."""


@dataclass(slots=True)
class Facts:
    """The answers.

    :param fills: ccxt trades by order id, amounts in base currency.
    :param states: ccxt orders by order id, of what the database called open.
    :param funding: stake currency, by trade id, since its last fill; gains are positive.
    :param strays: ccxt orders by pair, of the bot, that its database never heard of.
    :param missing: by pair, what closes that are new could not be told, in words: it is not asked
        for again once they are booked.
    :param unread: by pair, an order that could not be read, in words.
    """

    fills: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    funding: dict[int, float] = field(default_factory=dict)
    strays: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


class FactFinder:
    """Asks the exchange what booking needs, all at once."""

    def __init__(self, exchange: Exchange, wire: ExchangeClient, venue: OrderManager) -> None:
        self._exchange = exchange
        self._wire = wire
        self._venue = venue

    async def gather(
        self,
        pairs: Collection[str],
        trades: Sequence[KnownTrade],
        *,
        timeout_s: float,
        while_closing: bool = False,
    ) -> Facts:
        """Everything for *pairs* that can be had in time. Raises nothing: see ``missing`` and
        ``unread``.

        :param while_closing: stops that rest are cleared later, and asked for then.
        """
        facts, began = Facts(), time.monotonic()
        trades = [trade for trade in trades if trade.pair in pairs]
        closed = {close.order.pair for close in self._new_closes()}
        gone = {order.order_id for order in self._venue.executions.cancelled}
        asks: list[Awaitable[None]] = [self._venue.fill_in(pairs, timeout_s=timeout_s)]
        for trade in trades:
            for order in trade.open_orders:
                if (state := self._as_cancelled(order)) is not None:
                    facts.states[order.order_id] = state
                    continue
                rests = order.is_stop and order.order_id not in gone and trade.pair in closed
                if not (while_closing and rests):
                    asks.append(self._state(facts, trade, order, timeout_s))
        paying = [trade for trade in trades if trade.pair in closed and self._pays_funding()]
        if paying:
            asks.append(self._funding(facts, paying, timeout_s))
        if not self._exchange._config["dry_run"]:
            asks += [
                self._fills(facts, pair, timeout_s, since_ms=self._first_close_ms(pair))
                for pair in sorted(closed & set(pairs))
            ]
        await asyncio.gather(*asks)
        facts.strays |= self._venue.found_orders()
        if self._pays_funding():  # futures, live
            left_s = timeout_s - (time.monotonic() - began)
            await asyncio.gather(*(self._strays(facts, trade, left_s) for trade in trades))
        return facts

    def _new_closes(self) -> list[Close]:
        """Those that are not booked yet."""
        executions = self._venue.executions
        return [
            close
            for close in executions.closes
            if (close.answer or {}).get("id") not in executions.booked
        ]

    async def _strays(self, facts: Facts, trade: KnownTrade, timeout_s: float) -> None:
        """Asked for only where the amounts do not add up without them."""
        of_pair = [c for c in self._venue.executions.closes if c.order.pair == trade.pair]
        closes = [c for c in of_pair if (c.answer or {}).get("id") not in trade.order_ids]
        states = [facts.states.get(order.order_id) for order in trade.open_orders]
        beyond = unexplained(trade, states, closes)
        known = trade.pair not in {*facts.missing, *facts.unread}
        if not (beyond and known and all(c.is_final for c in closes)):
            return
        ours = {c.order.client_order_id for c in of_pair}
        try:
            strays = await find_strays(self._wire, trade, beyond, ours, timeout_s=timeout_s)
            if strays:
                facts.strays[trade.pair] = list(strays)
                await self._fills(facts, trade.pair, timeout_s, since_ms=strays[0]["timestamp"])
        except LiquidationError as error:
            facts.unread[trade.pair] = f"an order that the database does not know: {error}"

    def _pays_funding(self) -> bool:
        live = not self._exchange._config["dry_run"]
        return live and self._exchange.trading_mode == TradingMode.FUTURES

    def _as_cancelled(self, order: KnownOrder) -> dict[str, Any] | None:
        """The state of a stop whose cancel the exchange confirmed; ``None`` = ask for it.

        One from a list of its own is no order before it triggers, and cannot be cancelled after: it
        has filled nothing. Any other order may have filled in part before its cancel.
        """
        for gone in self._venue.executions.cancelled:
            if gone.conditional and order.is_stop and gone.order_id == order.order_id:
                return {
                    "id": gone.order_id,
                    "symbol": gone.pair,
                    "side": gone.side,
                    "status": "canceled",
                    "amount": gone.amount,
                    "filled": 0.0,
                    "remaining": gone.amount,
                    "stopPrice": gone.stop_price,
                }
        return None

    async def _state(
        self, facts: Facts, trade: KnownTrade, order: KnownOrder, timeout_s: float
    ) -> None:
        def ask(exchange: Exchange) -> Any:
            return exchange.fetch_order_or_stoploss_order(order.order_id, trade.pair, order.is_stop)

        try:
            asked = checked(ask, lambda raw: the_order(raw, trade, order))
            facts.states[order.order_id] = await self._wire.read(asked, timeout_s=timeout_s)
        except LiquidationError as error:
            facts.unread[trade.pair] = f"state of order {order.order_id}: {error}"

    def _first_close_ms(self, pair: str) -> int:
        """A minute early, for clocks differ; ccxt takes milliseconds."""
        first = min(c.sent_at for c in self._new_closes() if c.order.pair == pair)
        return int((first - timedelta(minutes=1)).timestamp() * 1000)

    async def _fills(self, facts: Facts, pair: str, timeout_s: float, *, since_ms: int) -> None:

        def ask(exchange: Exchange) -> tuple[Any, set[str]]:
            fills = exchange._api.fetch_my_trades(pair, since_ms)
            odd = {str(fill.get("order")) for fill in fills if not _is_a_fill(fill)}
            sound = [fill for fill in fills if str(fill.get("order")) not in odd]
            return exchange._trades_contracts_to_amount(sound), odd

        try:
            fills, odd = await self._wire.read(ask, timeout_s=timeout_s)
        except LiquidationError as error:
            facts.missing[pair] = f"fills: {error}"
            return
        if odd:  # half of an order's fills are a wrong fee: rather none
            facts.missing[pair] = "fills: the exchange lists one that cannot be read"
        by_order: dict[str, list[dict[str, Any]]] = {}
        for fill in fills:
            by_order.setdefault(str(fill["order"]), []).append(dict(fill))
        facts.fills |= by_order

    async def _funding(self, facts: Facts, trades: Sequence[KnownTrade], timeout_s: float) -> None:
        """One question for all trades, where the exchange answers without a pair."""
        since = min(trade.last_fill_at for trade in trades)
        params_since = int(since.timestamp() * 1000)

        def ask(exchange: Exchange) -> list[Any] | None:
            try:
                return list(exchange._api.fetch_funding_history(None, params_since, FUNDING_LIMIT))
            except (ccxt.ArgumentsRequired, ccxt.NotSupported):
                return None

        try:
            history = await self._wire.read(ask, timeout_s=timeout_s)
        except LiquidationError as error:
            facts.missing |= {trade.pair: f"funding fees: {error}" for trade in trades}
            return
        if history is None or len(history) >= FUNDING_LIMIT:
            await asyncio.gather(*(self._funding_of(facts, t, timeout_s) for t in trades))
            return
        for trade in trades:
            from_ms = trade.last_fill_at.timestamp() * 1000
            fees = [fee for fee in history if fee.get("symbol") in (None, trade.pair)]
            if not all(_is_a_fee(fee) for fee in fees):
                facts.missing[trade.pair] = (
                    "funding fees: the exchange lists one that cannot be read"
                )
                continue
            facts.funding[trade.trade_id] = sum(
                float(fee["amount"]) for fee in fees if fee["timestamp"] >= from_ms
            )

    async def _funding_of(self, facts: Facts, trade: KnownTrade, timeout_s: float) -> None:
        def ask(exchange: Exchange) -> float:
            since = trade.last_fill_at
            return float(exchange._get_funding_fees_from_exchange(trade.pair, since))

        try:
            facts.funding[trade.trade_id] = await self._wire.read(ask, timeout_s=timeout_s)
        except LiquidationError as error:
            facts.missing[trade.pair] = f"funding fees: {error}"


def _is_a_fill(fill: Mapping[str, Any]) -> bool:
    """Whether *fill*, ccxt's unified trade, says what booking needs of it."""
    sizes = (fill.get("amount"), fill.get("price"))
    timed = is_number(fill.get("timestamp"))
    return bool(fill.get("order")) and timed and all(is_amount(size) for size in sizes)


def _is_a_fee(fee: Mapping[str, Any]) -> bool:
    """Whether *fee*, an entry of ccxt's funding history, says whose it is, of when and how much."""
    return (
        bool(fee.get("symbol")) and is_number(fee.get("amount")) and is_number(fee.get("timestamp"))
    )

"""The order manager where the exchange lists no positions: spot live, and dry-run.

There a position is what the bot bought and has not sold: freqtrade's trade, corrected by the
fills that the exchange reports since, and never more than the balance.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange
from sqlalchemy.exc import SQLAlchemyError

from freqtrade_liquidation.digits import digits
from freqtrade_liquidation.errors import (
    AccountRefused,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
)
from freqtrade_liquidation.exchange.rows import coins
from freqtrade_liquidation.exchange.rules.names import is_ours
from freqtrade_liquidation.exchange.rules.stops import stop_price
from freqtrade_liquidation.exchange.single_flight import SharedFlight
from freqtrade_liquidation.model import OpenOrder, OrderRole, Position, Side
from freqtrade_liquidation.orders.amounts import total
from freqtrade_liquidation.orders.entry_gate import FRESH_S, SETTLES_WITHIN_S, EntryNote
from freqtrade_liquidation.orders.executions import FINAL_STATUSES, an_order
from freqtrade_liquidation.orders.futures import FuturesVenue
from freqtrade_liquidation.orders.prices import last_exit_price
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade, booked_ids
from freqtrade_liquidation.threads import in_thread

logger = logging.getLogger(__name__)


class LedgerVenue(FuturesVenue):
    """Positions from freqtrade's trades and the orders read back.

    A sell whose outcome is unknown makes its position *uncertain*: it is looked for by the name we
    gave it and never sent again, for a second sell would take coins that the bot never bought.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._states: dict[str, dict[str, Any]] = {}
        self._found: dict[str, dict[str, Any]] = {}
        self._unreadable: set[str] = set()
        self._searched: dict[int, float] = {}
        # Positions and orders are asked for side by side, and both depend on the same answers.
        self._known_orders = SharedFlight(self._read_known_orders)

    @property
    def scope(self) -> str:
        """Always the bot's trades: coins may be anybody's, and a dry-run has no others."""
        return "trades"

    @property
    def shares_the_account(self) -> bool:
        """Always, where there is one: coins may be anybody's."""
        return not self._dry_run

    @property
    def closes_need_orders(self) -> bool:  # type: ignore[override]
        """On a live spot market a resting sell or stop locks the coins."""
        return not self._dry_run

    @property
    def _dry_run(self) -> bool:
        return bool(self._exchange._config["dry_run"])

    # -- looking ----------------------------------------------------------------------------

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        balances, *_ = await asyncio.gather(
            self._balances(timeout_s),
            self.fill_in(timeout_s=timeout_s),
            self._known_orders.join(timeout_s),
            self._find_entries(timeout_s),
        )
        pairs = {t.pair for t in self._trades} | {o["symbol"] for o in self._found.values()}
        self._remarks = {}
        positions = [self._ledger_position(pair, balances) for pair in sorted(pairs)]
        return [position for position in positions if position is not None]

    async def _balances(self, timeout_s: float) -> dict[str, float] | None:
        """Free and locked coins by currency; ``None`` in dry-run, where the wallet is made up."""
        if self._dry_run:
            return None
        held = await self._wire.read(
            lambda exchange: coins(exchange.get_balances()), timeout_s=timeout_s
        )
        if not held:  # an answer about something else: with it every trade's coins would be gone
            raise ExchangeUnavailable("the balance lists no currency at all")
        return held

    def _ledger_position(self, pair: str, balances: dict[str, float] | None) -> Position | None:
        trades = self._trades_of(pair)
        closes = [close for close in self.deeds.closes if close.order.pair == pair]
        uncertain = pair in self._unreadable or any(not close.is_final for close in closes)
        uncertain = uncertain or self._exit_is_in_air(pair)
        unsold = amount = self._unsold(pair)
        held = None if balances is None else balances.get(self._base_currency(pair), 0.0)
        if held is not None:
            amount = min(amount, held)
        self._note_exclusive(pair, own=unsold, held=held, uncertain=uncertain)
        known = self._knows(pair)
        price = trades[0].open_rate if trades else self._found_price(pair)
        position = Position(
            pair=pair,
            side=trades[0].side if trades else self._found_side(pair),
            amount=max(0.0, amount),
            entry_price=price,
            minimum_amount=self._smallest_sale(pair, price) if known else 0.0,
            maximum_amount=self.maximum_amount(pair) if known else None,
            trade_ids=tuple(trade.trade_id for trade in trades),
            uncertain=uncertain,
            exclusive=pair in self._exclusive,
            obstacle=None if known else "its market is not known to freqtrade: close it by hand",
            last_price=last_exit_price(self._exchange, pair),
        )
        if trades and not uncertain:
            self._note_missing(position, unsold)
        return position if amount > 0 or uncertain else None

    def _exit_is_in_air(self, pair: str) -> bool:
        """freqtrade's own, sent and not heard of: selling beside it would be selling twice."""
        return any(
            n.pair == pair and n.is_exit for n in self._door.in_air() if not self._is_stale(n)
        )

    def found_orders(self) -> Mapping[str, list[dict[str, Any]]]:
        """See the base class."""
        found: dict[str, list[dict[str, Any]]] = {}
        for order in sorted(self._found.values(), key=lambda order: order["timestamp"]):
            if order.get("filled") and _is_final(order):
                found.setdefault(order["symbol"], []).append(order)
        return found

    def know(self, trades: Sequence[KnownTrade]) -> None:
        """See the base class."""
        super().know(trades)
        known = {order_id for trade in trades for order_id in trade.order_ids}
        self._found = {key: order for key, order in self._found.items() if key not in known}

    def _unsold(self, pair: str) -> float:
        """Base currency: what the bot bought and has not sold, whatever the account holds."""
        parts = [part for trade in self._trades_of(pair) for part in self._own_amounts(trade)]
        parts += [self._net(order, 0.001) for order in self._found_of(pair)]
        known = {order_id for trade in self._trades_of(pair) for order_id in trade.order_ids}
        closes = (close for close in self.deeds.closes if close.order.pair == pair)
        parts += [-c.filled for c in closes if (c.answer or {}).get("id") not in known]
        return total(parts)

    def _base_currency(self, pair: str) -> str:
        known = next((trade.base_currency for trade in self._trades_of(pair)), None)
        return known or self._exchange.get_pair_base_currency(pair)

    def _smallest_sale(self, pair: str, price: float | None) -> float:
        """At the highest price seen: what may be worth a sale is not called dust."""
        highest = max((trade.highest_rate for trade in self._trades_of(pair)), default=0.0)
        spot = self._exchange.trading_mode == TradingMode.SPOT
        return self.minimum_amount(pair, (highest or price) if spot else None)

    def _note_missing(self, held: Position, unsold: float) -> None:
        """Coins that the trade says it has, and the account has not, are nobody's exposure."""
        nothing_to_sell = held.amount <= 0 or held.is_dust
        if nothing_to_sell and unsold > 0 and not replace(held, amount=unsold).is_dust:
            holds = digits(held.amount) if held.amount > 0 else "none"
            self._remarks[held.pair] = (
                f"the bot's trade says {digits(unsold)} {self._base_currency(held.pair)}, the "
                f"account holds {holds}: nothing to sell. Sold or moved by hand? Then correct the "
                "trade"
            )

    def _own_amounts(self, trade: KnownTrade) -> Iterator[float]:
        """What the database knows, and what its open orders have filled since."""
        yield trade.amount
        for order in trade.open_orders:
            state = self._states.get(order.order_id, {})
            filled = float(state.get("filled") or 0.0)
            entry = not order.is_stop and order.role_side != trade.side.exit_side
            yield filled * (1 - trade.fee_open) if entry else -filled

    @staticmethod
    def _net(order: dict[str, Any], fee_ratio: float) -> float:
        """Bought coins less a fee taken in coins: too little is dust, too much is not ours."""
        filled = float(order.get("filled") or 0.0)
        return filled * (1 - fee_ratio) if order["side"] == "buy" else -filled

    def _found_of(self, pair: str) -> list[dict[str, Any]]:
        return [order for order in self._found.values() if order["symbol"] == pair]

    @staticmethod
    def _found_side(pair: str) -> Side:
        return Side.LONG  # spot

    def _found_price(self, pair: str) -> float | None:
        average = self._found_of(pair)[0].get("average")
        return float(average) if average else None

    async def _read_known_orders(self, timeout_s: float) -> None:
        """The fills of what the database calls open.

        :raises LiquidationError: if one cannot be read: its fills decide how much may be sold.
        """
        asks = [
            self._read_order(trade.pair, order, timeout_s)
            for trade in self._trades
            for order in trade.open_orders
            if not _is_final(self._states.get(order.order_id))
        ]
        found = [
            self._refresh_found(order, timeout_s)
            for order in self._found.values()
            if not _is_final(order)
        ]
        await asyncio.gather(*asks, *found)

    async def _read_order(self, pair: str, order: KnownOrder, timeout_s: float) -> None:
        try:
            raw = await self._wire.read(
                lambda exchange: exchange.fetch_order_or_stoploss_order(
                    order.order_id, pair, order.is_stop
                ),
                timeout_s=timeout_s,
            )
        except AccountRefused:
            raise
        except ExchangeRefused:
            self._forgotten(pair, order)
            return
        self._states[order.order_id] = an_order(raw)

    def _forgotten(self, pair: str, order: KnownOrder) -> None:
        """The exchange does not know it (any more). One that we cancelled is cancelled; of any
        other the fill is not known, and with it how much of *pair* may be sold."""
        if any(cancelled.order_id == order.order_id for cancelled in self.deeds.cancelled):
            last = self._states.get(order.order_id, {})
            self._states[order.order_id] = {"filled": 0.0, **last, "status": "canceled"}
        else:
            self._unreadable.add(pair)

    async def _refresh_found(self, order: dict[str, Any], timeout_s: float) -> None:
        raw = await self._wire.read(
            lambda exchange: exchange.fetch_order(order["id"], order["symbol"]),
            timeout_s=timeout_s,
        )
        self._found[order["id"]] = an_order(raw)

    async def _find_entries(self, timeout_s: float) -> None:
        """Entries in the air that reached the exchange without the database hearing of it."""
        if self._dry_run:
            for note in self._door.in_air():  # simulated in this process: nothing is in the air
                self._door.settle(note)
            return
        await asyncio.gather(*(self._find_entry(note, timeout_s) for note in self._door.in_air()))

    def _is_stale(self, note: EntryNote) -> bool:
        """Looked for in vain, long enough after its process let go of it."""
        searched = self._searched.get(id(note))
        out = note.out_at_the_latest(self._began)
        return searched is not None and searched - out > SETTLES_WITHIN_S

    async def _find_entry(self, note: EntryNote, timeout_s: float) -> None:
        began = time.monotonic()
        try:
            orders = await self._wire.read(
                lambda exchange: exchange.fetch_orders(note.pair, note.noted_at),
                timeout_s=timeout_s,
            )
        except LiquidationError:
            return  # still in the air: asked again at the next look, reported if never found
        self._searched[id(note)] = began
        earliest_ms = (note.noted_at.timestamp() - 1.0) * 1000
        latest_ms = (note.noted_at.timestamp() + FRESH_S) * 1000
        ours = {str((close.answer or {}).get("id")) for close in self.deeds.closes}
        fresh = {
            str(order["id"]): dict(order)
            for order in orders
            if earliest_ms <= (order.get("timestamp") or 0) <= latest_ms
            and order["side"] == note.side
            and str(order["id"]) not in ours  # where the list gives no names
            and not is_ours(order.get("clientOrderId"))
        }
        if not fresh:
            return
        try:
            # Of closed trades, too: what they bought is sold, and not to be sold again.
            booked = await in_thread(lambda: booked_ids(fresh.keys()), name="orders")
        except SQLAlchemyError as error:
            logger.warning("Orders not readable, %s is not settled: %s", note.pair, error)
            return
        if unheard := fresh.keys() - booked:
            self._found |= {order_id: fresh[order_id] for order_id in unheard}
            self._door.settle(note)

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`. Only the bot's own orders."""
        if self._dry_run:
            return list(self._dry_orders())
        await self._known_orders.join(timeout_s)
        known = [
            self._ledger_order(trade.pair, order, self._states.get(order.order_id, {}), trade)
            for trade in self._trades
            for order in trade.open_orders
            if not _is_final(self._states.get(order.order_id))
        ]
        found = [self._found_order(order) for order in self._found.values() if not _is_final(order)]
        return [*known, *found]

    def _ledger_order(
        self, pair: str, order: KnownOrder, state: dict[str, Any], trade: KnownTrade
    ) -> OpenOrder:
        role = self._orders.known_role(pair, order.order_id) or OrderRole.ENTRY
        stop = order.is_stop and bool(
            self._exchange.get_option("stoploss_query_requires_stop_flag")
        )
        return OpenOrder(
            pair=pair,
            order_id=order.order_id,
            role=role,
            side=state.get("side") or trade.side.exit_side,
            amount=float(state.get("remaining") or state.get("amount") or 0.0),
            conditional=stop,
            blocks_close=role is not OrderRole.ENTRY and not self._dry_run,
            stop_price=stop_price(self._exchange, state) if order.is_stop else None,
            trade_id=trade.trade_id,
        )

    @staticmethod
    def _found_order(order: dict[str, Any]) -> OpenOrder:
        buys = order["side"] == "buy"
        return OpenOrder(
            pair=order["symbol"],
            order_id=order["id"],
            role=OrderRole.ENTRY if buys else OrderRole.EXIT,
            side=order["side"],
            amount=float(order.get("remaining") or 0.0),
            blocks_close=not buys,
        )

    def _dry_orders(self) -> Iterable[OpenOrder]:
        gone = {order.order_id for order in self.deeds.cancelled}
        for trade in self._trades:
            for order in trade.open_orders:
                state = self._states.get(order.order_id, {})
                if order.order_id not in gone and not _is_final(state):
                    yield self._ledger_order(trade.pair, order, state, trade)


def _is_final(state: dict[str, Any] | None) -> bool:
    return state is not None and state.get("status") in FINAL_STATUSES


def venue_for(exchange: Exchange, *args: Any, **kwargs: Any) -> FuturesVenue:
    """The order manager that fits *exchange*'s market and mode."""
    lists_positions = exchange.trading_mode == "futures" and not exchange._config["dry_run"]
    return (FuturesVenue if lists_positions else LedgerVenue)(exchange, *args, **kwargs)

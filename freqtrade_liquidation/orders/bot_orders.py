"""The bot's own orders and our closes, read back: what they have filled, and those of the bot's
that its database never heard of.

Each order is a question of its own that stays in flight until it is answered. A look waits for them
a bounded time: one that is not answered costs its pair, and no other.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from freqtrade.exchange import Exchange
from sqlalchemy.exc import SQLAlchemyError

from freqtrade_liquidation.clock import Clock
from freqtrade_liquidation.errors import AccountRefused, ExchangeRefused, LiquidationError
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rules.names import is_ours, is_same
from freqtrade_liquidation.model import AMOUNT_TOLERANCE
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.entry_gate import SETTLES_WITHIN_S, Asked, EntryGate, OrderNote
from freqtrade_liquidation.orders.executions import (
    Close,
    Executions,
    an_order,
    answer_to,
    the_order,
)
from freqtrade_liquidation.orders.ownership import Ownership, is_final
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade, booked_ids
from freqtrade_liquidation.threads import in_thread

logger = logging.getLogger(__name__)

Raw = Mapping[str, Any]

FORGOTTEN_TWICE_S: Final = 0.5
"""An order that the exchange does not know is asked for again after this, before its fills tell."""
BOOKED_WITHIN_S: Final = 0.5
"""The database may be locked; without its word an order in the air is told, not taken."""
LISTED_SINCE: Final = timedelta(seconds=60)
"""Orders are listed from so long before a note on: clocks differ, names decide."""
LATE_TRIPS: Final = 3
LATE_AT_LEAST_S: Final = 0.1


class BotOrders:
    """Reads the bot's orders into *ownership*.

    :param run_began: when the run began, on the monotonic clock.
    :param step: of a pair's amounts, base currency.
    :ivar ambiguous: by pair, in words: orders that may be the bot's, and cannot be shown to be.
    """

    def __init__(
        self,
        exchange: Exchange,
        client: ExchangeClient,
        ownership: Ownership,
        executions: Executions,
        gate: EntryGate,
        clock: Clock,
        *,
        run_began: float,
        step: Callable[[str], float],
    ) -> None:
        self._exchange = exchange
        self._step = step
        self._client = client
        self._ownership = ownership
        self._executions = executions
        self._gate = gate
        self._clock = clock
        self._run_began = run_began
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._unanswered: set[str] = set()
        self._forgotten_at: dict[str, float] = {}
        self._searched: dict[int, float] = {}
        self._read_at: dict[str, float] = {}
        self.ambiguous: dict[str, str] = {}

    async def read(self, *, timeout_s: float, listed: Mapping[str, Raw] | None = None) -> None:
        """Reads what is not known to be at its end, and looks for what is in the air.

        :param listed: ccxt orders by id, of a list that was just read: they need no question.
        :raises AccountRefused: if the exchange refuses the whole account.
        """
        for order_id, row in (listed or {}).items():
            if self._ownership.owner_of(order_id) is not None:
                self._ownership.learn(order_id, dict(row))
        shown = (listed or {}).keys() - self._ownership.may_be_gone
        self._unanswered -= shown
        asked = []
        for trade, order in self._ownership.open_orders():
            if order.order_id not in shown:
                self._unanswered.add(order.order_id)
                asked.append(self._begin(order.order_id, self._read_order(trade, order, timeout_s)))
        asked += [
            self._begin(found["id"], self._read_found(found, timeout_s))
            for found in self._ownership.found.values()
            if not is_final(found)
        ]
        await self.wait([*asked, *self._begin_finding(timeout_s)], timeout_s=timeout_s)

    async def fill_in(self, pairs: Collection[str] | None, *, timeout_s: float) -> None:
        """Reads back those of our closes (of *pairs*) whose fill is not known yet, and waits for
        each. Raises nothing."""
        if asked := self.begin_closes(pairs, timeout_s):
            await asyncio.wait(asked, timeout=timeout_s)

    def begin_closes(
        self, pairs: Collection[str] | None, timeout_s: float
    ) -> list[asyncio.Task[None]]:
        """Asks for them, and waits for none."""
        return [
            self._begin(close.order.client_order_id, self._read_close(close, timeout_s))
            for close in self._executions.closes
            if not close.is_final and (pairs is None or close.order.pair in pairs)
        ]

    async def find(self, *, timeout_s: float) -> None:
        """Looks for what is in the air.

        :raises AccountRefused: if the exchange refuses the whole account.
        """
        await self.wait(self._begin_finding(timeout_s), timeout_s=timeout_s)

    def _begin_finding(self, timeout_s: float) -> list[asyncio.Task[None]]:
        return [
            self._begin(f"in the air: {pair}", self._find(pair, notes, timeout_s))
            for pair, notes in self._notes_by_pair().items()
        ]

    def unread(self, pair: str) -> bool:
        """Whether a question about *pair* is still in flight, or what one of its stops or exits has
        closed was asked for and not answered."""
        orders = [(t, o) for t, o in self._ownership.open_orders() if t.pair == pair]
        if any(o.order_id in self._unanswered and o.reduces(t.side) for t, o in orders):
            return True
        known = {o.order_id for _, o in orders}
        known |= {o["id"] for o in self._ownership.found_of(pair)} | {f"in the air: {pair}"}
        return any(not task.done() for key, task in self._asked.items() if key in known)

    def read_at(self, order_id: str) -> float:
        """When the order was asked for, on the monotonic clock, by the question that was answered
        last; -inf = none was."""
        return self._read_at.get(order_id, float("-inf"))

    def abandon(self) -> None:
        """Nobody waits for an answer any more."""
        for task in self._asked.values():
            task.cancel()

    def is_stale(self, note: OrderNote) -> bool:
        """Looked for in vain, long enough after freqtrade let go of it."""
        searched = self._searched.get(id(note))
        out = note.out_since(self._run_began)
        return searched is not None and searched - out > SETTLES_WITHIN_S

    def _notes_by_pair(self) -> dict[str, list[OrderNote]]:
        notes: dict[str, list[OrderNote]] = {}
        for note in self._gate.in_air():
            if note.pair in self._ownership.extent:
                notes.setdefault(note.pair, []).append(note)
        return notes

    def _begin(self, key: str, question: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Asks *question*, unless it is in flight."""
        task = self._asked.get(key)
        if task is not None and not task.done():
            question.close()
            return task
        self._asked[key] = task = asyncio.ensure_future(question)
        return task

    async def wait(self, asked: Sequence[asyncio.Task[None]], *, timeout_s: float) -> None:
        """For what one look has *asked*, until those that are late are known to be late.

        :raises AccountRefused: if the exchange refuses the whole account.
        """
        began = asyncio.get_running_loop().time()
        while pending := [task for task in asked if not task.done()]:
            median_s = self._client.round_trips.median_s
            late_s = timeout_s if median_s is None else max(LATE_AT_LEAST_S, LATE_TRIPS * median_s)
            left_s = began + late_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                break
            await asyncio.wait(
                pending, timeout=min(left_s, 0.5), return_when=asyncio.FIRST_COMPLETED
            )
        for task in [task for task in asked if task.done()]:
            if (error := task.exception()) is not None:
                raise error

    async def _read_close(self, close: Close, timeout_s: float) -> None:
        try:
            step, order_id = self._step(close.order.pair), close.order_id
            ask = requests.checked(
                requests.read_back(close),
                lambda raw: answer_to(close.order, raw, step=step, order_id=order_id),
            )
            close.answer = await self._client.read(ask, timeout_s=timeout_s)
        except LiquidationError:
            return  # still not known; whoever needs it sees that it is not final

    # -- orders that the database knows -----------------------------------------------------

    async def _read_order(self, trade: KnownTrade, order: KnownOrder, timeout_s: float) -> None:
        asked_at = self._clock.monotonic()
        try:
            ask = requests.checked(
                lambda exchange: exchange.fetch_order_or_stoploss_order(
                    order.order_id, trade.pair, order.is_stop
                ),
                lambda raw: the_order(raw, trade, order),
            )
            self._ownership.learn(order.order_id, await self._client.read(ask, timeout_s=timeout_s))
            self._unanswered.discard(order.order_id)
            self._ownership.doubts.pop(order.order_id, None)
            self._read_at[order.order_id] = asked_at
        except AccountRefused:
            raise
        except ExchangeRefused:
            await self._forgotten(trade, order, timeout_s)
        except LiquidationError:
            return  # not answered: asked again at the next look

    async def _forgotten(self, trade: KnownTrade, order: KnownOrder, timeout_s: float) -> None:
        """The exchange does not know it (any more). Once says little; after that, what rests and
        what has filled tells."""
        now = self._clock.monotonic()
        since = self._forgotten_at.setdefault(order.order_id, now)
        cancelled = any(o.order_id == order.order_id for o in self._executions.called_off)
        self._ownership.doubts[order.order_id] = (
            trade.pair,
            f"the exchange does not know order {order.order_id} of the bot, and what it has sold "
            "is not known",
        )
        if now - since < FORGOTTEN_TWICE_S and not cancelled:
            return
        try:
            state = await self._client.read(_by_its_fills(trade, order), timeout_s=timeout_s)
        except LiquidationError as error:
            logger.info("Order %s was not found by its fills: %s", order.order_id, error)
            return
        self._ownership.learn(order.order_id, state)
        self._read_at[order.order_id] = now

    # -- orders that it has not heard of ----------------------------------------------------

    async def _read_found(self, order: Raw, timeout_s: float) -> None:
        asked_at = self._clock.monotonic()
        try:
            ask = requests.checked(
                lambda exchange: exchange.fetch_order(order["id"], order["symbol"]),
                lambda raw: an_order(
                    raw, pair=order["symbol"], side=order["side"], order_id=order["id"]
                ),
            )
            self._ownership.found[order["id"]] = await self._client.read(ask, timeout_s=timeout_s)
        except AccountRefused:
            raise
        except LiquidationError:
            return  # as last read; asked again at the next look
        self._read_at[order["id"]] = asked_at

    async def _find(self, pair: str, notes: Sequence[OrderNote], timeout_s: float) -> None:
        began = self._clock.monotonic()
        since = min(note.noted_at for note in notes) - LISTED_SINCE
        try:
            orders = await self._client.read(
                lambda exchange: exchange.fetch_orders(pair, since), timeout_s=timeout_s
            )
        except AccountRefused:
            raise
        except LiquidationError:
            return  # still in the air: asked again at the next look, reported if never found
        asked = [order for note in notes for order in note.asked]
        unknown = await self._not_booked(pair, orders, asked)
        for note in notes:
            self._searched[id(note)] = began
            self._take(note, [order for order in unknown if order["side"] == note.side])
            self._gate.found(note, [order for order in asked if _named(orders, [order])])

    async def _not_booked(
        self, pair: str, orders: Sequence[Raw], asked: Sequence[Asked]
    ) -> list[Raw]:
        """Those that neither a run has sent nor the database knows, closed trades included."""
        closes = {str((close.answer or {}).get("id")) for close in self._executions.closes}
        known = {i for trade in self._ownership.trades_of(pair) for i in trade.order_ids}
        fresh = {
            str(order["id"]): order
            for order in orders
            if str(order["id"]) not in closes | known and not is_ours(order.get("clientOrderId"))
        }
        if not fresh:
            return []
        try:
            async with asyncio.timeout(BOOKED_WITHIN_S):
                booked = await in_thread(lambda: booked_ids(fresh.keys()), name="orders")
        except (SQLAlchemyError, TimeoutError) as error:
            logger.warning("Which orders of %s are booked is not known: %s", pair, error)
            booked = fresh.keys() - {str(order["id"]) for order in _named(fresh.values(), asked)}
        return [order for order_id, order in fresh.items() if order_id not in booked]

    def _take(self, note: OrderNote, orders: Collection[Raw]) -> None:
        """Those of *orders* that are the note's, by their name, else by what it asked for."""
        named = _named(orders, note.asked)
        nameless = [order for order in orders if not _name_of(order)]
        in_time = [order for order in nameless if self._is_in_time(note, order)]
        like = [order for order in in_time if _was_asked_for(order, note)]
        for order in (*named, *like):
            self._ownership.found[str(order["id"])] = dict(order)
        if like:
            self._gate.settle(note)
        elif not named and (unlike := [order for order in in_time if order not in like]):
            self.ambiguous[note.pair] = (
                f"order {unlike[0]['id']} may be the bot's, and cannot be shown to be: look it up"
            )

    def _is_in_time(self, note: OrderNote, order: Raw) -> bool:
        moment = datetime.fromtimestamp((order.get("timestamp") or 0) / 1000, UTC)
        return note.may_be_at(moment, offset=timedelta(seconds=self._client.clock_offset_s))


def _name_of(order: Raw) -> str | None:
    name = order.get("clientOrderId")
    return None if not name else str(name)


def _named(orders: Iterable[Raw], asked: Sequence[Asked]) -> list[Raw]:
    """Those of *orders* that bear the name of one that was *asked* for."""
    return [order for order in orders if any(is_same(_name_of(order), a.name) for a in asked)]


def _was_asked_for(order: Raw, note: OrderNote) -> bool:
    """Whether *note* asked for the amount of *order*, and for its price where it has one."""
    amount, price = order.get("amount"), order.get("price")
    return any(
        _is_close(amount, asked.amount)
        and (order.get("type") == "market" or asked.price is None or _is_close(price, asked.price))
        for asked in note.asked
    )


def _is_close(told: Any, asked: float) -> bool:
    return told is not None and abs(float(told) - asked) <= max(1e-3, AMOUNT_TOLERANCE) * asked


def _by_its_fills(trade: KnownTrade, order: KnownOrder) -> Any:
    """The state of an order that the exchange does not know by its id, as what rests and what has
    filled show it."""

    def ask(exchange: Exchange) -> dict[str, Any]:
        resting = exchange._api.fetch_open_orders(trade.pair)
        listed = next((row for row in resting if str(row["id"]) == order.order_id), None)
        if listed is not None:
            return the_order(exchange._order_contracts_to_amount(listed), trade, order)
        since_ms = int(trade.opened_at.timestamp() * 1000)
        fills = exchange._trades_contracts_to_amount(
            exchange._api.fetch_my_trades(trade.pair, since_ms)
        )
        filled = sum(float(f["amount"]) for f in fills if str(f.get("order")) == order.order_id)
        status = "closed" if filled >= order.amount * (1 - AMOUNT_TOLERANCE) else "canceled"
        return {
            "id": order.order_id,
            "symbol": trade.pair,
            "side": trade.side.exit_side if order.is_stop else order.role_side,
            "status": status,
            "amount": order.amount,
            "filled": filled,
            "remaining": max(0.0, order.amount - filled),
        }

    return ask

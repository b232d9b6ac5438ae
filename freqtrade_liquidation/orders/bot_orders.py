"""The bot's own orders and our closes, read back: what they have filled, and those of the bot's
that its database never heard of.

Each order is a question of its own that stays in flight until it is answered. A look waits for them
a bounded time: one that is not answered costs its pair, and no other.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from freqtrade.exchange import Exchange
from sqlalchemy.exc import SQLAlchemyError

from freqtrade_liquidation.clock import Clock
from freqtrade_liquidation.errors import AccountRefused, ExchangeRefused, LiquidationError
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rules.kinds import own_stop_lists
from freqtrade_liquidation.exchange.rules.names import is_ours, is_same, name_of, stop_name
from freqtrade_liquidation.exchange.rules.stops import stop_price
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
from freqtrade_liquidation.orders.trades import (
    KnownOrder,
    KnownTrade,
    booked_ids,
    of_pair,
    open_trades,
    traded_pairs,
)
from freqtrade_liquidation.threads import in_thread

logger = logging.getLogger(__name__)

Raw = Mapping[str, Any]

FORGOTTEN_TWICE_S: Final = 0.5
"""An order that the exchange does not know is asked for again after this, before its fills tell."""
BOOKED_WITHIN_S: Final = 0.5
"""The database may be locked; without its word an order in the air is told, not taken."""
GONE_AFTER_S: Final = 60.0
"""An order that was let go of so long before it was looked for in vain will never arrive."""
LISTED_SINCE: Final = timedelta(seconds=60)
"""Orders are listed from so long before a note on: clocks differ, names decide."""
LATE_TRIPS: Final = 3
LATE_AT_LEAST_S: Final = 0.1
LAST_WORD_S: Final = 0.05
"""A look goes without what is late so long before its time is over: what comes later is of no use,
and what the others have answered is."""


class BotOrders:
    """Reads the bot's orders into *ownership*.

    :param know: takes freqtrade's trades as they are now.
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
        know: Callable[[Sequence[KnownTrade]], None],
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
        self._know = know
        self._run_began = run_began
        self._being_sent = [note for note in gate.notes() if note.in_flight]
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

    def unread(self, pair: str, but_for: Collection[str] = ()) -> bool:
        """Whether a question about *pair* is still in flight, or what one of its stops or exits has
        closed was asked for and not answered; orders *but_for* these (ids)."""
        pair = self._ownership.pair_of(pair)
        orders = [
            (t, o)
            for t, o in self._ownership.open_orders()
            if t.pair == pair and o.order_id not in but_for
        ]
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
        """Looked for, and either found or in vain, long enough after freqtrade let go of it."""
        if note.is_seen:
            return id(note) in self._searched
        return self._missed_for_s(note) > SETTLES_WITHIN_S

    def _missed_for_s(self, note: OrderNote) -> float:
        """How long it had been out when it was last looked for."""
        searched = self._searched.get(id(note), float("-inf"))
        return searched - note.out_since(self._run_began)

    # -- trades that were read before an order was answered -----------------------------------

    def is_behind(self, pair: str) -> bool:
        """freqtrade was sending an order of *pair* when the run began, and has put it into its
        trades since: those that the run knows count neither its fill nor its end."""
        return any(note.pair == pair and self._is_answered(note) for note in self._being_sent)

    def _is_answered(self, note: OrderNote) -> bool:
        return not note.in_flight or note not in self._gate.notes()

    async def catch_up(self) -> None:
        """Before a look: reads the trades again once such an order is answered."""
        answered = [note for note in self._being_sent if self._is_answered(note)]
        if not answered:
            return
        try:
            async with asyncio.timeout(BOOKED_WITHIN_S):
                trades = await in_thread(lambda: open_trades(self._exchange._config), name="orders")
        except (SQLAlchemyError, TimeoutError) as error:
            logger.warning("What became of an order is not known: %s", error)
            return
        self._know(trades)
        self._being_sent = [note for note in self._being_sent if note not in answered]

    def _notes_by_pair(self) -> dict[str, list[OrderNote]]:
        """Those to look for. What an earlier run has seen is looked for once more: it is what its
        closes have left that is the bot's."""
        notes: dict[str, list[OrderNote]] = {}
        for note in self._gate.notes():
            if note.pair in self._ownership.extent and not (note.is_seen and self.is_stale(note)):
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
            late_s, median_s = timeout_s - LAST_WORD_S, self._client.round_trips.median_s
            if median_s is not None:
                late_s = min(late_s, max(LATE_AT_LEAST_S, LATE_TRIPS * median_s))
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
            closes = {str((close.answer or {}).get("id")) for close in self._executions.closes}
            ask = _by_its_fills(trade, order, known=closes | {*trade.order_ids})
            state = await self._client.read(ask, timeout_s=timeout_s)
        except LiquidationError as error:
            logger.info("Order %s was not found by its fills: %s", order.order_id, error)
            return
        if state is None:
            return  # in doubt
        self._ownership.learn(order.order_id, state)
        self._read_at[order.order_id] = now

    # -- orders that it has not heard of ----------------------------------------------------

    async def _read_found(self, order: Raw, timeout_s: float) -> None:
        is_stop = order["id"] in self._ownership.found_stops
        asked_at = self._clock.monotonic()
        try:
            ask = requests.checked(
                lambda exchange: exchange.fetch_order_or_stoploss_order(
                    order["id"], order["symbol"], is_stop
                ),
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
        reads: list[Callable[[Exchange], list[dict[str, Any]]]] = [
            lambda exchange: exchange.fetch_orders(pair, since)
        ]
        if any(order.is_stop for note in notes for order in note.asked):
            reads.append(partial(_stops_apart, pair))
        try:
            lists = await asyncio.gather(
                *(self._client.read(read, timeout_s=timeout_s) for read in reads)
            )
        except AccountRefused:
            raise
        except LiquidationError:
            return  # still in the air: asked again at the next look, reported if never found
        self._ownership.found_stops |= {str(o["id"]) for listed in lists[1:] for o in listed}
        orders = [order for listed in lists for order in listed]
        booked = await self._booked(pair, orders)
        for note in notes:
            of_side = [order for order in orders if order["side"] == note.side]
            if not self._is_in_doubt(note, of_side, booked):
                self._searched[id(note)] = began
            self._take(note, of_side, booked)

    def _is_in_doubt(self, note: OrderNote, orders: Sequence[Raw], booked: "_Booked") -> bool:
        """Whether one of *orders* may be the note's that the database did not tell to be booked."""
        doubtful = (
            order
            for order in orders
            if str(order["id"]) in booked.in_doubt
            and self._is_in_time(note, order)
            and self._may_be(note, order)
        )
        order = next(doubtful, None)
        if order is not None:
            self.ambiguous[note.pair] = (
                f"order {order['id']} may be the bot's, and freqtrade's database did not answer "
                "whether it is: look it up"
            )
        return order is not None

    async def _booked(self, pair: str, orders: Sequence[Raw]) -> "_Booked":
        """Those that a run has sent or the database knows, closed trades included."""
        closes = {str((close.answer or {}).get("id")) for close in self._executions.closes}
        known = {i for trade in self._ownership.trades_of(pair) for i in trade.order_ids}
        ours = {str(o["id"]) for o in orders if is_ours(o.get("clientOrderId"))}
        found = _Booked(of_runs=closes | ours, known=known)
        fresh = {str(order["id"]) for order in orders} - found.of_runs - known
        if not fresh:
            return found
        try:
            async with asyncio.timeout(BOOKED_WITHIN_S):
                booked, trades = await in_thread(lambda: self._read_booked(fresh), name="orders")
        except (SQLAlchemyError, TimeoutError) as error:
            logger.warning("Which orders of %s are booked is not known: %s", pair, error)
            found.in_doubt = fresh
            return found
        if trades is not None and of_pair(pair, trades) != self._ownership.trades_of(pair):
            self._know(trades)
        found.known |= booked
        return found

    def _read_booked(
        self, order_ids: Collection[str]
    ) -> tuple[set[str], tuple[KnownTrade, ...] | None]:
        """Those of *order_ids* that the database knows, and the trades, read after that: a trade
        that was read earlier may not count what is booked since. ``None`` = nothing is."""
        booked = booked_ids(order_ids)
        return booked, open_trades(self._exchange._config) if booked else None

    def _take(self, note: OrderNote, orders: Collection[Raw], booked: "_Booked") -> None:
        """Those of *orders* that are the note's, by their name, else by what it asked for."""
        nameless = [
            order
            for order in orders
            if str(order["id"]) not in booked and self._is_in_time(note, order)
        ]
        seen: dict[str, Raw] = {}
        for asked in note.asked:
            order = self._order_of(note, asked, orders)
            if order is None:
                taken = {str(other["id"]) for other in seen.values()}
                free = [other for other in nameless if str(other["id"]) not in taken]
                order = self._like(asked, free)
            if order is not None:
                seen[asked.name] = order
        over = set()
        for name, order in seen.items():
            # An exit is in the database a while before its trade's amount is less by it.
            counts = str(order["id"]) not in booked.known or (note.is_exit and note.in_flight)
            if counts:
                self._ownership.find(dict(order))
            else:
                over.add(name)
        if not seen and (unlike := [order for order in nameless if self._may_be(note, order)]):
            self.ambiguous[note.pair] = (
                f"order {unlike[0]['id']} may be the bot's, and cannot be shown to be: look it up"
            )
        self._gate.found(note, {name: str(order["id"]) for name, order in seen.items()})
        self._gate.end(note, over)

    def _order_of(self, note: OrderNote, asked: Asked, orders: Iterable[Raw]) -> Raw | None:
        """The one that bears the name of *asked*, or that an earlier look has shown to be it."""
        known = note.seen.get(asked.name)
        return next(
            (o for o in orders if str(o["id"]) == known or is_same(name_of(o), asked.name)), None
        )

    def _like(self, asked: Asked, orders: Iterable[Raw]) -> Raw | None:
        """The one without a name that has the terms of *asked*. A name tells nothing where
        *asked* could bear none."""
        named = self._bears_a_name(asked)
        return next(
            (
                order
                for order in orders
                if not (named and name_of(order)) and _has_terms(self._exchange, order, asked)
            ),
            None,
        )

    def _may_be(self, note: OrderNote, order: Raw) -> bool:
        """Whether *order* may be one of the note's, for all that its name tells."""
        if not name_of(order):
            return True
        unnamed = any(not self._bears_a_name(asked) for asked in note.asked)
        return unnamed and stop_price(self._exchange, order) is not None

    def _bears_a_name(self, asked: Asked) -> bool:
        return not asked.is_stop or bool(stop_name(self._exchange._api, asked.name))

    def _is_in_time(self, note: OrderNote, order: Raw) -> bool:
        moment = datetime.fromtimestamp((order.get("timestamp") or 0) / 1000, UTC)
        return note.may_be_at(moment, offset=timedelta(seconds=self._client.clock_offset_s))

    def missed(self) -> dict[str, str]:
        """By pair, in words: an order that was let go of just now and looked for in vain. It may
        arrive still, however unlikely that is."""
        return {
            note.pair: f"the bot sent an order at {note.noted_at:%H:%M:%S} UTC whose answer was "
            "lost, and the exchange does not list it: look whether it arrives"
            for note in self._gate.in_air()
            if note.asked and 0.0 < self._missed_for_s(note) < GONE_AFTER_S
        }

    # -- the end of a note --------------------------------------------------------------------

    async def end_notes(self, is_closed: Callable[[str], bool]) -> None:
        """Ends what is over: what never arrived, is booked, or has filled nothing; and where the
        run has shown a pair closed that no trade is open in, what it has closed.

        What is left stands for the next run.
        """
        notes = [n for n in self._gate.notes() if id(n) in self._searched and not n.in_flight]
        if not notes:
            return
        ids = {order_id for note in notes for order_id in note.seen.values()}
        try:
            async with asyncio.timeout(BOOKED_WITHIN_S):
                booked, traded = await in_thread(
                    lambda: (booked_ids(ids), traded_pairs(self._exchange._config)), name="orders"
                )
        except (SQLAlchemyError, TimeoutError) as error:
            logger.warning("Which orders are booked is not known: %s", error)
            return
        for note in notes:
            closed = is_closed(note.pair) and note.pair not in traded
            over = [a.name for a in note.asked if self._is_over(note, a, booked, closed=closed)]
            self._gate.end(note, over)
            if not note.asked and self.is_stale(note):
                self._gate.settle(note)
        await in_thread(self._gate.strike_rows, name="orders")

    def _is_over(
        self, note: OrderNote, asked: Asked, booked: Collection[str], *, closed: bool
    ) -> bool:
        order_id = note.seen.get(asked.name)
        if order_id is None:
            return self._missed_for_s(note) > GONE_AFTER_S
        order = self._ownership.found.get(order_id)
        if order_id in booked or order is None:
            return order_id in booked
        return is_final(order) and (closed or not order.get("filled"))


@dataclass(slots=True)
class _Booked:
    """Orders that count elsewhere, by id.

    :param of_runs: closes of ours.
    :param known: those in freqtrade's table.
    :param in_doubt: those that may be, for the database does not answer.
    """

    of_runs: set[str]
    known: set[str]
    in_doubt: set[str] = field(default_factory=set)

    def __contains__(self, order_id: str) -> bool:
        return order_id in self.of_runs or order_id in self.known or order_id in self.in_doubt


def _stops_apart(pair: str, exchange: Exchange) -> list[dict[str, Any]]:
    """The resting orders of *pair* in the list that *exchange* keeps of stops alone."""
    return [
        exchange._order_contracts_to_amount(row)
        for params in own_stop_lists(exchange)
        if params
        for row in exchange._api.fetch_open_orders(pair, params=params)
    ]


def _has_terms(exchange: Exchange, order: Raw, asked: Asked) -> bool:
    """Whether *order* has the amount that was *asked* for, and the price: that of its trigger, or
    its limit, where it has one."""
    if not _is_close(order.get("amount"), asked.amount):
        return False
    if asked.is_stop:
        return _is_close(stop_price(exchange, order), asked.price or 0.0)
    by_market = order.get("type") == "market" or asked.price is None
    return by_market or _is_close(order.get("price"), asked.price or 0.0)


def _is_close(told: Any, asked: float) -> bool:
    return told is not None and abs(float(told) - asked) <= max(1e-3, AMOUNT_TOLERANCE) * asked


def _by_its_fills(trade: KnownTrade, order: KnownOrder, *, known: Collection[str]) -> Any:
    """The state of an order that the exchange does not know by its id, as what rests and what has
    filled show it; ``None`` = they do not: where stops are orders of their own, one that triggers
    places another order, and what is not *known* may be that.

    :param known: ids of the bot's orders and ours.
    """

    def ask(exchange: Exchange) -> dict[str, Any] | None:
        resting = exchange._api.fetch_open_orders(trade.pair)
        listed = next((row for row in resting if str(row["id"]) == order.order_id), None)
        if listed is not None:
            return the_order(exchange._order_contracts_to_amount(listed), trade, order)
        since_ms = int(trade.opened_at.timestamp() * 1000)
        fills = exchange._trades_contracts_to_amount(
            exchange._api.fetch_my_trades(trade.pair, since_ms)
        )
        filled = sum(float(f["amount"]) for f in fills if str(f.get("order")) == order.order_id)
        apart = order.is_stop and exchange.get_option("stoploss_query_requires_stop_flag")
        side, others = trade.side.exit_side, {str(f.get("order")) for f in fills} - {*known}
        if apart and any(f["side"] == side and str(f.get("order")) in others for f in fills):
            return None
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

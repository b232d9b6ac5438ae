"""freqtrade's side: its database, and the requests that its loop is in the middle of."""

import asyncio
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.exc import OperationalError

from freqtrade_liquidation.clock import Clock
from freqtrade_liquidation.exchange.rules.names import bot_order_id
from freqtrade_liquidation.model import BookedPair, Side
from freqtrade_liquidation.orders.entry_gate import Asked, EntryGate
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade
from tests.simulation.clocks import BEGAN, CLOCK, EPOCH_S
from tests.simulation.schedule import Book, Flight, Schedule, Trade
from tests.simulation.unified import BROKER
from tests.simulation.wire import templates
from tests.simulation.world.account import Account
from tests.simulation.world.records import Kind, Order, Owner, Refusal, Status

HOUR_S: Final = 3600.0


class Bot:
    """What freqtrade knows, and what it is at.

    :ivar keys: by the schedule's name of an order, the order.
    """

    def __init__(self, schedule: Schedule, account: Account) -> None:
        self._schedule = schedule
        self._account = account
        self._loop = asyncio.get_running_loop()
        self.database = schedule.database
        self.keys: dict[str, Order] = {}
        self._entries: dict[str, Order] = {}
        self.clock = Clock(monotonic=CLOCK.monotonic, utcnow=CLOCK.utcnow)
        self.gate = EntryGate(self.clock)
        self._heard: dict[str, list[Order]] = {}
        self._busy: list[tuple[Flight, Any, asyncio.Event]] = []
        for book in schedule.books:
            self._set_up(book)
        for flight in schedule.flights:
            self._take_off(flight)

    def _set_up(self, book: Book) -> None:
        account = self._account
        account.start_with(book.pair, bots=book.bots, users=book.users)
        for resting in book.resting:
            bots = resting.owner is Owner.BOT
            order = account.new_order(
                book.pair,
                resting.side,
                resting.kind,
                resting.amount,
                owner=resting.owner,
                reduce_only=resting.reduce_only,
                trigger=resting.trigger,
                limit=resting.limit,
                filled=resting.filled,
                average=book.market.price if resting.filled else None,
                status=Status.PARTIALLY_FILLED if resting.filled else Status.NEW,
            )
            order.placed_at = BEGAN - HOUR_S / 2
            if resting.filled:
                order.fills.append((order.placed_at, resting.filled))
            if bots:
                order.name = f"{BROKER[self._schedule.spot]}{order.order_id}"
            self.keys[resting.key] = account.add(order)
        if book.trade is not None and not book.trade.dry_run and (book.bots or book.trade.amount):
            self._entries[book.pair] = self._filled_entry(book)

    def _filled_entry(self, book: Book) -> Order:
        """The order by which the bot got what its resting ones have not filled."""
        resting = sum(
            o.filled * (1 if o.side == "buy" else -1)
            for o in book.resting
            if o.owner is Owner.BOT and o.kind is Kind.LIMIT
        )
        signed = round(book.bots - resting, 9)
        if not book.bots and book.trade is not None:  # closed behind the bot's back
            signed = book.trade.amount * (1 if book.trade.side == "long" else -1)
        order = self._account.new_order(
            book.pair,
            "buy" if signed >= 0 else "sell",
            Kind.LIMIT,
            abs(signed),
            owner=Owner.BOT,
            filled=abs(signed),
            average=book.market.price,
            status=Status.FILLED,
        )
        order.name = f"{BROKER[self._schedule.spot]}{order.order_id}"
        order.placed_at, order.ended_at = BEGAN - HOUR_S, BEGAN - HOUR_S + 1
        order.fills.append((order.ended_at, order.filled))
        return self._account.add(order)

    # -- the database -----------------------------------------------------------------------

    def trades(self) -> tuple[KnownTrade, ...]:
        """The open trades, as the database has them now."""
        rows = [(book, trade) for book in self._schedule.books if (trade := self._row(book))]
        return tuple(self._trade(n, book, trade) for n, (book, trade) in enumerate(rows, 1))

    def _row(self, book: Book) -> Trade | None:
        """A new one, where the loop has heard of an entry."""
        heard = self._heard.get(book.pair)
        if book.trade is not None or not heard:
            return book.trade
        return Trade(side="long" if heard[0].side == "buy" else "short", amount=0.0)

    def _trade(self, number: int, book: Book, trade: Trade) -> KnownTrade:
        orders = [self.keys[key] for key in trade.open_orders if self.keys[key].order_id]
        ids = {order.order_id for order in orders}
        if trade.dry_run:
            ids = {f"dry_run_buy_{book.pair}_{number}"}
        elif book.pair in self._entries:
            ids.add(self._entries[book.pair].order_id)
        amount = trade.amount
        for order in self._heard.get(book.pair, ()):
            ids.add(order.order_id)
            if order.rests:  # its fills are left out until it ends
                orders.append(order)
                continue
            adds = (order.side == "buy") == (trade.side == "long")
            amount += order.filled if adds else -order.filled
        opened = datetime.fromtimestamp(EPOCH_S + BEGAN - HOUR_S, UTC)
        return KnownTrade(
            trade_id=number,
            pair=book.pair,
            base_currency=book.market.base,
            side=Side(trade.side),
            amount=max(0.0, round(amount, 9)),
            leverage=3.0 if not self._schedule.spot else 1.0,
            open_rate=book.market.price,
            fee_open=trade.fee_open,
            opened_at=opened,
            last_fill_at=opened,
            open_orders=tuple(
                KnownOrder(
                    order_id=order.order_id,
                    role_side="stoploss" if order.kind is Kind.STOP else order.side,
                    is_stop=order.kind is Kind.STOP,
                    amount=order.amount,
                    stop_price=order.trigger,
                    limit_price=order.limit,
                )
                for order in orders
            ),
            order_ids=frozenset(ids),
            highest_rate=book.market.price,
            left_alone="of a dry-run: left alone" if trade.dry_run else None,
        )

    def booked_ids(self, order_ids: Collection[str]) -> set[str]:
        """Those that the database knows."""
        if self._schedule.database == "raises":
            raise OperationalError("SELECT", {}, Exception("database is locked"))
        known = {order_id for trade in self.trades() for order_id in trade.order_ids}
        return known & set(order_ids)

    # -- its loop ---------------------------------------------------------------------------

    def _take_off(self, flight: Flight) -> None:
        note = None
        for _ in range(flight.repeats):
            note = self._note(flight)
        self._buy_by_hand(flight)
        answered = asyncio.Event()
        if flight.let_go_s is None:
            self._busy.append((flight, note, answered))
        if flight.arrives_s is None:
            answered.set()
        else:
            self._loop.call_later(max(0.0, flight.arrives_s), self._arrive, flight, note, answered)

    def _note(self, flight: Flight) -> Any:
        CLOCK.shift_s = -flight.noted_s
        note: Any = None
        if flight.kind == "entry":
            note = self.gate.note(flight.pair, flight.side)
        elif self._schedule.shared:
            note = self.gate.note_exit(flight.pair, flight.side)
        if note is not None:
            price = self._account.markets[flight.pair].price
            asked = Asked(flight.amount, price if flight.rests else None, self._name(flight))
            self.gate.ask(note, asked)
        if flight.let_go_s is not None:
            CLOCK.shift_s = min(0.0, flight.let_go_s)
            if note is not None:
                self.gate.let_go(note)
        CLOCK.shift_s = 0.0
        return note

    def _buy_by_hand(self, flight: Flight) -> None:
        """A person saw no order, and bought with one of his own; it is among his coins already."""
        if not flight.by_hand:
            return
        order = self._account.new_order(
            flight.pair,
            flight.side,
            Kind.MARKET,
            flight.by_hand,
            owner=Owner.USER,
            filled=flight.by_hand,
            average=100.0,
            status=Status.FILLED,
        )
        order.placed_at = order.ended_at = BEGAN - flight.noted_s + flight.by_hand_s
        order.fills.append((order.placed_at, order.filled))
        self._account.add(order)

    def _arrive(self, flight: Flight, note: Any, answered: asyncio.Event) -> None:
        kind = Kind.MARKET
        if flight.kind == "stop":
            kind = Kind.STOP
        elif flight.rests:
            kind = Kind.LIMIT
        order = self._account.new_order(
            flight.pair,
            flight.side,
            kind,
            flight.amount,
            owner=Owner.BOT,
            reduce_only=flight.kind != "entry" and not self._schedule.spot,
            trigger=flight.trigger,
            limit=None if kind is Kind.MARKET else self._account.markets[flight.pair].price,
        )
        order.name = self._name(flight) if self._schedule.rules.keeps_names else ""
        order.placed_at += min(0.0, flight.arrives_s or 0.0)
        try:
            self._account.place(order, share=flight.share)
            if flight.rests and 0.0 < flight.share < 1.0:
                self._account.fill(order, flight.share)
        except Refusal:
            order = None  # type: ignore[assignment]
        if flight.let_go_s is None:
            if order is not None:
                self._heard.setdefault(flight.pair, []).append(order)
            if note is not None:
                self.gate.answered(note)
        answered.set()

    def _name(self, flight: Flight) -> str:
        """As our bot names its orders; some exchanges do not keep it."""
        api = templates(spot=self._schedule.spot).api
        [number] = [n for n, one in enumerate(self._schedule.flights) if one is flight]
        return bot_order_id(api, f"{number:04x}".ljust(32, "0"))

    @property
    def is_quiet(self) -> bool:
        """It writes to no trade now."""
        return not self._busy

    async def lets_go(self, *, timeout_s: float) -> Sequence[KnownTrade] | None:
        """The order manager waits for the loop."""
        if not self._busy:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                for _, _, answered in self._busy:
                    await answered.wait()
        except TimeoutError:
            return None
        self._busy = []
        return self.trades()

    async def book(
        self, pairs: Sequence[str], *, timeout_s: float, **more: Any
    ) -> Sequence[BookedPair]:
        """Booking itself is not simulated, but that it takes a while is."""
        await asyncio.sleep(min(timeout_s, 2 * self._schedule.weather.pace_s))
        return [BookedPair(pair=pair) for pair in pairs]


_found: list[tuple[Any, str, Any]] = []


def _places() -> Iterator[tuple[Any, str, Any]]:
    for key, module in sorted(sys.modules.items()):
        if key.startswith("freqtrade_liquidation.orders."):
            for name in ("booked_ids", "in_thread", "open_trades"):
                if hasattr(module, name):
                    yield module, name, getattr(module, name)


@contextmanager
def database_of(bot: Bot) -> Iterator[None]:
    """While inside, the order managers ask *bot*'s database, in no thread."""

    async def at_once(function: Callable[[], Any], **more: Any) -> Any:
        if bot.database == "hangs":
            await asyncio.sleep(HOUR_S)
        return function()

    if not _found:
        _found.extend(_places())
    swaps: dict[str, Any] = {
        "booked_ids": bot.booked_ids,
        "in_thread": at_once,
        "open_trades": lambda config: bot.trades(),
    }
    for module, name, _ in _found:
        setattr(module, name, swaps[name])
    try:
        yield
    finally:
        for module, name, real in _found:
            setattr(module, name, real)

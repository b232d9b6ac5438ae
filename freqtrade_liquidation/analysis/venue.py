"""The order manager of a backtest: the book of one moment, an exchange on virtual time."""

import asyncio
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from freqtrade_liquidation.analysis.book import Line
from freqtrade_liquidation.analysis.pace import Pace
from freqtrade_liquidation.exchange.limiter import Limiter, take_turn
from freqtrade_liquidation.exchange.single_flight import SharedFlight
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
)
from freqtrade_liquidation.orders.amounts import Amounts
from freqtrade_liquidation.plan import Book
from freqtrade_liquidation.ports import Explanation
from freqtrade_liquidation.round_trips import RoundTrips

T = TypeVar("T")


class BacktestVenue:
    """Answers as an exchange with the book of one moment would.

    Market orders fill at once and whole, at the open of the next candle less slippage. Nothing
    else moves meanwhile.

    :param lines: what is open.
    :param orders: what rests.
    :param book_close: books one line, and returns the profit of its trade.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        orders: Sequence[OpenOrder],
        amounts: Amounts,
        pace: Pace,
        *,
        book_close: Callable[[Line], float],
    ) -> None:
        self._lines = list(lines)
        self._amounts = amounts
        self._pace = pace
        self._book_close = book_close
        self._positions = {position.pair: position for position in self._first_positions()}
        self._left = {pair: position.amount for pair, position in self._positions.items()}
        self._held: list[Position] = []
        locks = not pace.futures
        self._orders = {
            order.order_id: replace(order, blocks_close=locks and order.role is not OrderRole.ENTRY)
            for order in orders
        }
        self._reading = SharedFlight(self._read)
        self._limiter = Limiter(pace.windows())
        self._numbers = itertools.count(1)
        self.requests = 0
        self.round_trips = RoundTrips()
        self.recent_round_trips = RoundTrips()

    @property
    def scope(self) -> str:
        """A backtest knows of no other positions."""
        return "trades"

    @property
    def acts_at_once(self) -> bool:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return self._pace.futures

    @property
    def may_book(self) -> bool:
        """There is no bot's loop."""
        return True

    @property
    def closes_need_orders(self) -> bool:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return not self._pace.futures

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        if not self._pace.futures:
            await self._reading.join(timeout_s)
            return self._held
        return await self._request(self._open_positions, timeout_s)

    def recall(self) -> Book | None:
        """On spot the answers to orders tell what is left."""
        if self._pace.futures:
            return None
        return Book(positions=tuple(self._open_positions()), orders=None)

    def as_known_now(self, position: Position) -> Position:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return position

    async def explain(
        self, pairs: Collection[str], *, timeout_s: float
    ) -> Mapping[str, Explanation]:
        """Nothing goes but by an order that was answered."""
        return {pair: Explanation(left=self._left.get(pair, 0.0)) for pair in pairs}

    def known_orders(self) -> Sequence[OpenOrder]:
        """All of them: a backtest places no other."""
        return list(self._orders.values())

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`.

        On futures two lists, the second for stops; on spot a part of the same reading.
        """
        if self._pace.futures:
            await asyncio.gather(*(self._request(lambda: None, timeout_s) for _ in range(2)))
        else:
            await self._reading.join(timeout_s)
        return list(self._orders.values())

    async def cancel_all_orders(
        self, pair: str, orders: Sequence[OpenOrder], *, timeout_s: float
    ) -> Sequence[CancelAnswer]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return await asyncio.gather(*(self._cancel(order, timeout_s) for order in orders))

    async def execute_market_close(
        self, order: ClosingOrder, *, reduce_only: bool = True, timeout_s: float
    ) -> CloseAnswer:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""

        def fill() -> CloseAnswer:
            filled = min(order.amount, self._left[order.pair])
            self._left[order.pair] -= filled
            return CloseAnswer(
                order_id=order.client_order_id, filled=filled, average=self._price(order.pair)
            )

        return await self._request(fill, timeout_s, write=True)

    async def put_back_stop(
        self, order: OpenOrder, amount: float, *, timeout_s: float
    ) -> CloseAnswer:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""

        def place() -> CloseAnswer:
            self._orders[order.order_id] = replace(order, amount=amount)
            return CloseAnswer(order_id=order.order_id)

        return await self._request(place, timeout_s, write=True)

    async def host_lets_go(self, *, timeout_s: float) -> bool:
        """There is no bot's loop."""
        return False

    async def book(
        self, pairs: Sequence[str], *, timeout_s: float, while_closing: bool = False
    ) -> Sequence[BookedPair]:
        """Books with freqtrade's own trades what was closed whole."""
        return [self._book(pair) for pair in pairs]

    def abandon(self) -> None:
        """Nothing is in flight after a run."""

    def expected_positions(self) -> Sequence[Position]:
        """What was open when the run began."""
        return list(self._positions.values())

    def empty_trades(self) -> Sequence[str]:
        """None: freqtrade's backtest drops them."""
        return ()

    def remarks(self) -> Mapping[str, str]:
        """None."""
        return {}

    def found_entries(self) -> Mapping[str, Position]:
        """None: a backtest's orders are all known."""
        return {}

    def names_today(self, pairs: Collection[str]) -> frozenset[str]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return frozenset(pairs)

    def has_found_entries_of(self, pair: str) -> bool:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return False

    def unsettled_pairs(self) -> frozenset[str]:
        """A backtest has no entry in the air: it fills in a candle or rests."""
        return frozenset()

    def new_client_order_id(self) -> str:
        """Numbered."""
        return f"close-{next(self._numbers)}"

    def amount_pieces(self, position: Position) -> Sequence[float]:
        """As the market takes them."""
        return list(self._amounts.pieces(position))

    # -- the exchange -----------------------------------------------------------------------

    async def _read(self, timeout_s: float) -> None:
        """Spot, as live: the balance and each resting order, once for all who ask at that moment.
        An order whose cancel was confirmed is not asked for."""
        questions = [self._request(lambda: None, timeout_s) for _ in self._orders]
        balance = self._request(self._open_positions, timeout_s)
        self._held = (await asyncio.gather(balance, *questions))[0] or []

    async def _request(self, do: Callable[[], T], timeout_s: float, *, write: bool = False) -> T:
        """One request: it leaves when the live limiter lets it, acts half a round trip later."""
        half = self._pace.round_trip_ms / 2000
        sent = await take_turn(self._limiter, timeout_s, write=write)
        with self._limiter.counted(sent):
            self.requests += 1
            await asyncio.sleep(half)
            answer = do()
            await asyncio.sleep(half)
            self.round_trips.add(2 * half, at=asyncio.get_running_loop().time())
            return answer

    async def _cancel(self, order: OpenOrder, timeout_s: float) -> CancelAnswer:
        await self._request(lambda: self._orders.pop(order.order_id, None), timeout_s, write=True)
        return CancelAnswer(order=order, status=CancelStatus.CANCELLED, left=order.amount)

    def _open_positions(self) -> list[Position]:
        return [
            replace(position, amount=self._left[pair], exclusive=True)
            for pair, position in self._positions.items()
            if self._left[pair] > position.amount * AMOUNT_TOLERANCE
        ]

    def _first_positions(self) -> list[Position]:
        of_pair: dict[str, list[Line]] = {}
        for line in self._lines:
            of_pair.setdefault(line.pair, []).append(line)
        return [self._position(pair, lines) for pair, lines in of_pair.items()]

    def _position(self, pair: str, lines: Sequence[Line]) -> Position:
        amount = sum(line.amount for line in lines)
        price = lines[0].price
        return Position(
            pair=pair,
            side=lines[0].side,
            amount=amount,
            entry_price=sum(line.amount * line.average for line in lines) / amount,
            minimum_amount=self._amounts.minimum(pair, price=None if self._pace.futures else price),
            maximum_amount=self._amounts.maximum(pair),
            trade_ids=tuple(int(line.trade.id) for line in lines),
            mark_price=price if self._pace.futures else None,
            last_price=None if self._pace.futures else price,
        )

    def _price(self, pair: str) -> float:
        return next(line.fill_price for line in self._lines if line.pair == pair)

    def _book(self, pair: str) -> BookedPair:
        position = self._positions.get(pair)
        if position is None:
            return BookedPair(pair=pair)  # only an order of it was cancelled
        if self._left[pair] > position.amount * AMOUNT_TOLERANCE:
            return BookedPair(pair=pair, filled=position.amount - self._left[pair])
        profits = [self._book_close(line) for line in self._lines if line.pair == pair]
        return BookedPair(
            pair=pair,
            realized_pnl=sum(profits),
            filled=position.amount,
            average=self._price(pair),
        )

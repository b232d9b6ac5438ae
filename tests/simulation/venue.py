"""The simulated order manager: what the real ones do, over the simulated account."""

import asyncio
import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from freqtrade_liquidation.errors import ExchangeRefused, LiquidationError, OutcomeUnknown
from freqtrade_liquidation.exchange.single_flight import SharedFlight
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
from tests.simulation.account import CRUMB, Account
from tests.simulation.journal import Actor, Fact
from tests.simulation.line import Line
from tests.simulation.schedule import Fate, Fortune, Schedule, Verb

SETTLES_WITHIN_S: Final = 2.0
"""As the door has it: an entry in the air arrives within this, or never."""


@dataclass(slots=True)
class Sale:
    """Spot: a closing order of ours and what we know of it; *filled* ``None`` = not known."""

    order: ClosingOrder
    filled: float | None = None


class SimulatedVenue:
    """One process's order manager.

    :param in_air: pairs whose entry request this process let go of just now.
    """

    def __init__(
        self, schedule: Schedule, account: Account, line: Line, *, in_air: Sequence[str] = ()
    ) -> None:
        self._schedule = schedule
        self._account = account
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._in_air = set(in_air)
        self._searched_at = self._began
        self._ids = itertools.count(1)
        self.sales: dict[str, Sale] = {}
        self._known_entries = {o.order_id for m in schedule.markets for o in m.resting}
        self._exclusive: dict[str, bool] = {}
        self._listed: Sequence[OpenOrder] = ()
        self._listed_at = self._began
        self._bought: Mapping[str, float] = {}
        # As the real one for spot: both questions of a look are answered from one reading.
        self._known = SharedFlight(self._read_orders)

    @property
    def closes_need_orders(self) -> bool:
        return self._schedule.spot

    # -- looking ----------------------------------------------------------------------------

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        if not self._schedule.spot:
            request, held = await self._line.ask(
                Verb.POSITIONS, "", self._read_held, timeout_s=timeout_s
            )
            return self._tell(request, request.after, {pair: (a, 0.0) for pair, a in held.items()})
        unknown = [sale for sale in self.sales.values() if sale.filled is None]
        reading = self._line.ask(Verb.POSITIONS, "", self._read_held, timeout_s=timeout_s)
        answers = await asyncio.gather(
            reading,
            self._known.join(timeout_s),
            *(self._read_back(sale, timeout_s) for sale in unknown),
        )
        request, held = cast("tuple[Fact, dict[str, float]]", answers[0])
        bought = self._bought
        return self._tell(request, self._listed_at, {p: (a, bought[p]) for p, a in held.items()})

    def _tell(
        self, request: Fact, known_at: float, held: Mapping[str, tuple[float, float]]
    ) -> list[Position]:
        positions = [p for pair in held if (p := self._told(pair, *held[pair])) is not None]
        self._line.note_shown(request, positions, known_at=known_at)
        return positions

    def _read_held(self, fortune: Fortune, request: Fact) -> tuple[Fact, dict[str, float]]:
        """What the exchange shows, which is as it was *lag_s* ago."""
        self._searched_at = self._loop.time()
        request.after = self._loop.time() - self._schedule.lag_s
        held = {pair: self._account.held_at(pair, request.after) for pair in self._account.held}
        bots = self._account.bots_coins if self._schedule.spot else held.__getitem__
        self._in_air -= {p for p in self._in_air if abs(bots(p)) > CRUMB and not self._knows(p)}
        return request, held

    async def _read_orders(self, timeout_s: float) -> None:
        """The resting orders, and (spot) what the bot's orders come to, in one reading."""

        def read(
            fortune: Fortune, request: Fact
        ) -> tuple[float, list[OpenOrder], dict[str, float]]:
            request.after = self._loop.time()
            orders = list(self._account.orders.values())
            bought = {pair: self._bought_of(pair) for pair in self._account.held}
            return request.after, orders, bought

        reading = await self._line.ask(Verb.ORDERS, "", read, timeout_s=timeout_s)
        self._listed_at, self._listed, self._bought = reading
        entries = (o for o in self._listed if o.role is OrderRole.ENTRY)
        self._in_air -= {o.pair for o in entries if o.order_id not in self._known_entries}

    def _bought_of(self, pair: str) -> float:
        """What the bot bought, less what its own resting orders have sold."""
        return self._account.bots_coins(pair) + sum(
            self._account.fills.get(name, 0.0)
            for name, sale in self.sales.items()
            if sale.order.pair == pair
        )

    def _told(self, pair: str, held: float, bought: float) -> Position | None:
        if not self._schedule.spot:
            return self._position(pair, held) if held else None
        sales = [sale for sale in self.sales.values() if sale.order.pair == pair]
        uncertain = any(sale.filled is None for sale in sales)
        unsold = bought - sum(sale.filled or 0.0 for sale in sales)
        amount = max(0.0, min(unsold, held))
        if amount <= CRUMB and not uncertain:
            return None
        if held > unsold + CRUMB:
            self._exclusive[pair] = False
        elif not uncertain:
            self._exclusive[pair] = True
        exclusive = self._exclusive.get(pair, False)
        return replace(self._position(pair, amount), uncertain=uncertain, exclusive=exclusive)

    def _position(self, pair: str, signed: float) -> Position:
        market = self._account.markets[pair]
        return Position(
            pair=pair,
            side=Side.LONG if signed >= 0 else Side.SHORT,
            amount=abs(signed),
            entry_price=100.0,
            minimum_amount=market.minimum,
            maximum_amount=market.maximum,
            trade_ids=(1,) if market.amount else (),
            obstacle=market.obstacle,
        )

    async def _read_back(self, sale: Sale, timeout_s: float) -> None:
        def look(fortune: Fortune, request: Fact) -> float | None:
            return self._account.fills.get(sale.order.client_order_id)

        try:
            found = await self._line.ask(
                Verb.READ_BACK,
                sale.order.pair,
                look,
                timeout_s=timeout_s,
                order_id=sale.order.client_order_id,
            )
        except LiquidationError:
            return
        if found is not None:
            sale.filled = found

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        if self._schedule.spot:
            await self._known.join(timeout_s)
        else:
            await self._read_orders(timeout_s)
        self._line.note_listed(self._listed, known_at=self._listed_at)
        return self._listed

    def expected_positions(self) -> Sequence[Position]:
        return [self._position(m.pair, m.amount) for m in self._schedule.markets if m.amount]

    def _knows(self, pair: str) -> bool:
        """As the real one: freqtrade has a trade as soon as it has sent the entry."""
        market = self._account.markets[pair]
        return bool(market.amount) or any(o.role == "entry" for o in market.resting)

    @property
    def scope(self) -> str:
        return "account"

    def empty_trades(self) -> Sequence[str]:
        return ()

    def remarks(self) -> Mapping[str, str]:
        return {}

    def unsettled_pairs(self) -> frozenset[str]:
        moment = self._searched_at if self._schedule.spot else self._loop.time()
        stale = moment - self._began > SETTLES_WITHIN_S
        return frozenset() if stale else frozenset(self._in_air)

    def new_client_order_id(self) -> str:
        return f"ftl{uuid.uuid4().hex[:15]}"

    def amount_pieces(self, position: Position) -> Sequence[float]:
        pieces, left = [], position.amount
        while left >= max(position.minimum_amount * (1 - 1e-9), CRUMB):
            pieces.append(min(left, position.maximum_amount or left))
            left -= pieces[-1]
        return pieces

    # -- acting -----------------------------------------------------------------------------

    async def cancel_all_orders(
        self, pair: str, orders: Sequence[OpenOrder], *, timeout_s: float
    ) -> Sequence[CancelAnswer]:
        return await asyncio.gather(*(self._cancel(order, timeout_s) for order in orders))

    async def _cancel(self, order: OpenOrder, timeout_s: float) -> CancelAnswer:
        def do(fortune: Fortune, request: Fact) -> float:
            gone = self._account.take_away(
                order.order_id, actor=Actor.US, words="cancelled", request=request
            )
            if gone is None:
                raise ExchangeRefused("unknown order")
            return gone.amount

        try:
            left = await self._line.ask(
                Verb.CANCEL,
                order.pair,
                do,
                timeout_s=timeout_s,
                payload=order,
                order_id=order.order_id,
            )
        except LiquidationError as error:
            unknown = isinstance(error, OutcomeUnknown)
            return CancelAnswer(
                order=order,
                status=CancelStatus.UNKNOWN if unknown else CancelStatus.REFUSED,
                error=str(error),
                sendable=not isinstance(error, (OutcomeUnknown, ExchangeRefused)),
            )
        return CancelAnswer(order=order, status=CancelStatus.CANCELLED, left=left)

    async def execute_market_close(
        self, order: ClosingOrder, *, reduce_only: bool = True, timeout_s: float
    ) -> CloseAnswer:
        sale = self.sales[order.client_order_id] = Sale(order)

        def do(fortune: Fortune, request: Fact) -> CloseAnswer:
            filled = self._account.market_order(
                order.pair,
                order.side.exit_side,
                order.amount * fortune.share,
                actor=Actor.US,
                reduce_only=reduce_only and not self._schedule.spot,
                order_id=order.client_order_id,
                request=request,
            )
            told = None if fortune.fate is Fate.NO_FILL_TOLD else filled
            return CloseAnswer(order_id=order.client_order_id, filled=told, average=100.0)

        try:
            answer = await self._line.ask(
                Verb.CLOSE,
                order.pair,
                do,
                timeout_s=timeout_s,
                payload=(order, reduce_only),
                amount=order.amount,
                order_id=order.client_order_id,
            )
        except LiquidationError as error:
            if not isinstance(error, OutcomeUnknown):
                sale.filled = 0.0
            raise
        answer = answer or CloseAnswer(order_id=order.client_order_id)  # accepted, no more
        sale.filled = answer.filled
        return answer

    async def put_back_stop(
        self, order: OpenOrder, amount: float, *, timeout_s: float
    ) -> CloseAnswer:
        order_id = f"{order.order_id}'{next(self._ids)}"

        def do(fortune: Fortune, request: Fact) -> CloseAnswer:
            placed = replace(order, order_id=order_id, amount=amount)
            self._account.place(placed, actor=Actor.US, request=request)
            return CloseAnswer(order_id=order_id)

        answer = await self._line.ask(
            Verb.PUT_BACK,
            order.pair,
            do,
            timeout_s=timeout_s,
            payload=order,
            amount=amount,
            order_id=order_id,
        )
        return answer or CloseAnswer(order_id=order_id)

    async def host_lets_go(self, *, timeout_s: float) -> bool:
        return False  # what freqtrade's loop does meanwhile is among the moves

    async def book(self, pairs: Sequence[str], *, timeout_s: float) -> Sequence[BookedPair]:
        def do(fortune: Fortune, request: Fact) -> list[BookedPair]:
            return [BookedPair(pair=pair, realized_pnl=1.0) for pair in pairs]

        try:
            return await self._line.ask(Verb.BOOK, "", do, timeout_s=timeout_s)
        except LiquidationError as error:
            return [BookedPair(pair=pair, error=str(error)) for pair in pairs]

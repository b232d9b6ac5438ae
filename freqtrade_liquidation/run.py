"""One run: look, cancel and close, look again, until the exchange shows a flat book.

Every further attempt follows a look: what is sent is always what the exchange still shows, so a
request whose outcome is unknown is never sent again blindly.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import (
    AccountRefused,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    NothingToReduce,
    OutcomeUnknown,
)
from freqtrade_liquidation.model import (
    AMOUNT_TOLERANCE,
    BookedPair,
    CancelAnswer,
    CancelStatus,
    ClosingOrder,
    OpenOrder,
    OrderRole,
    PairOutcome,
    PairState,
    Position,
    Request,
)
from freqtrade_liquidation.plan import (
    Book,
    Limits,
    PairWork,
    Rules,
    exposure,
    in_scope,
    is_flat,
    leftovers,
    next_work,
)
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.trail import Trail

T = TypeVar("T")

UNPROTECT_NEEDS_S: Final = 1.5
"""Below this, a stop that locks the asset (spot) stays where it is."""
PUT_BACK_NEEDS_S: Final = 1.0
"""Kept free to put removed stops back while their position is still open."""
LAG_S: Final = 0.2
"""How long a list of positions may lag behind a fill before we send again."""
SHORTEST_ATTEMPT_S: Final = 0.01
"""With less time than this, a request is not sent at all."""
POLL_S: Final = 0.05
"""Pause between two looks when nothing is in the air but an answer may still show."""


@dataclass(slots=True)
class _Sent:
    """Attempts to close a pair since it last got smaller."""

    attempts: int = 0
    amount: float = 0.0
    at: float = 0.0


@dataclass(slots=True, kw_only=True)
class RunReport:
    """What a run leaves behind.

    :param flat: the exchange showed it: nothing in scope is open, nothing could open.
    :param errors: in words, most urgent first.
    """

    outcomes: list[PairOutcome] = field(default_factory=list)
    orders_cancelled: int = 0
    flat: bool = False
    timed_out: bool = False
    errors: list[str] = field(default_factory=list)

    def count(self, *states: PairState) -> int:
        """How many pairs ended in one of *states*."""
        return sum(outcome.state in states for outcome in self.outcomes)


class Run:
    """One run over the book. Holds all that changes while it lasts.

    :param rules: what the configuration allows.
    :param deadline: absolute; nothing here makes another.
    """

    def __init__(
        self,
        request: Request,
        order_manager: OrderManager,
        trail: Trail,
        *,
        rules: Rules,
        deadline: Deadline,
        backoff: Backoff,
    ) -> None:
        self.pairs = request.pairs
        self._venue = order_manager
        self._trail = trail
        self._rules = rules
        self._deadline = deadline
        self._backoff = backoff
        self._book: Book | None = None
        self._looked_at = 0.0
        self._orders_error: str | None = None
        self._patient = False
        self._unsettled: frozenset[str] = frozenset()
        self._seen: dict[str, Position] = {}
        self._touched: set[str] = set()
        self._sent: dict[str, _Sent] = {}
        self._cancel_attempts: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._given_up: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self._removed_stops: dict[str, list[OpenOrder]] = {}
        self._doubtful_stops: dict[str, OpenOrder] = {}
        self._ending = False
        self._in_air: dict[str, asyncio.Task[None]] = {}
        self._report = RunReport()

    def widen(self) -> None:
        """From the next look on, the whole book is in scope."""
        self.pairs = None

    async def execute(self) -> RunReport:
        """Runs to the end. Raises only what is a defect; what the exchange does is reported.

        Cancelled from outside (the caller's own bound), it leaves nothing running.
        """
        try:
            await self._until_flat()
        except LiquidationError as error:
            self._report.errors.append(f"could not look at the exchange: {error}")
        finally:
            for task in self._in_air.values():
                task.cancel()
        if self._deadline.passed:
            self._timed_out()
        self._ending = True
        await self._put_back_stops()
        await self._clear_leftovers()
        booked = await self._book_pairs()
        self._conclude(booked)
        return self._report

    # -- the loop ---------------------------------------------------------------------------

    async def _until_flat(self) -> None:
        await self._look(first=True)
        while not (self._deadline.passed or self._must_put_back()):
            work = next_work(self._scoped(), self._rules, self._limits())
            if work:
                self._launch(work)
            elif self._is_settled():
                return
            await self._wait()
            await self._look()

    def _must_put_back(self) -> bool:
        """Stops are off and the time that is left belongs to putting them back."""
        return bool(self._removed_stops) and self._left_s() <= 0.0

    def _left_s(self) -> float:
        """Seconds to act in; what putting removed stops back takes is not among them."""
        reserved = PUT_BACK_NEEDS_S if self._removed_stops and not self._ending else 0.0
        return max(0.0, self._deadline.left_s - reserved)

    def _scoped(self) -> Book:
        assert self._book is not None, "looked before"
        return in_scope(self._book, self.pairs)

    def _is_settled(self) -> bool:
        """Flat, whatever still hangs unanswered; or nothing more that we may try or wait for."""
        book = self._scoped()
        if self._in_scope(self._unsettled) or any(p.uncertain for p in book.positions):
            return False
        if is_flat(book, self._rules):
            return True
        if book.orders is None and self._orders_error is None:
            self._patient = True  # the list is only slow: wait for it at the next look
            return False
        return not self._in_air and not self._waiting_pairs()

    def _in_scope(self, pairs: Iterable[str]) -> set[str]:
        return {pair for pair in pairs if self.pairs is None or pair in self.pairs}

    def _waiting_pairs(self) -> set[str]:
        now = _now()
        return {pair for pair, until in self._not_before.items() if until > now}

    def _limits(self) -> Limits:
        return Limits(
            busy=self._in_air.keys() | self._waiting_pairs(),
            may_cancel=lambda order: self._backoff.allows(
                self._cancel_attempts.get(order.order_id, 0)
            ),
            may_close=self._may_close,
            may_unprotect=self._deadline.left_s >= UNPROTECT_NEEDS_S,
        )

    def _may_close(self, position: Position) -> bool:
        if position.pair in self._given_up:
            return False
        sent = self._sent.get(position.pair)
        if sent is None or position.amount < sent.amount * (1 - AMOUNT_TOLERANCE):
            return True
        return self._backoff.allows(sent.attempts)

    async def _wait(self) -> None:
        """Until the requests in the air are answered (stragglers get as long again, no more)."""
        if not self._in_air:
            now = _now()
            until = min((at for at in self._not_before.values() if at > now), default=now)
            await asyncio.sleep(min(max(until - now, POLL_S), self._left_s()))
            return
        began = _now()
        tasks = list(self._in_air.values())
        await asyncio.wait(tasks, timeout=self._left_s(), return_when=asyncio.FIRST_COMPLETED)
        grace = min(max(_now() - began, POLL_S), self._left_s())
        await asyncio.wait(tasks, timeout=grace)
        for pair, task in list(self._in_air.items()):
            if task.done():
                del self._in_air[pair]
                task.result()

    # -- looking ----------------------------------------------------------------------------

    async def _look(self, *, first: bool = False) -> None:
        """Reads positions and orders side by side and writes down what they show."""
        began = _now()
        # Before the look: an entry that settles while we look may not be in the answer yet.
        self._unsettled = self._venue.unsettled_pairs()
        orders_task = asyncio.ensure_future(self._read_orders())
        try:
            positions = await self._ask("positions", self._venue.get_all_positions)
            wait_s = None  # to prove a book flat takes the list of orders, however slow
            if exposure(positions) and not (self._rules.closes_need_orders or self._patient):
                wait_s = max(_now() - began, POLL_S)  # closing does not: do not hold it up
            await asyncio.wait([orders_task], timeout=wait_s)
            orders = orders_task.result() if orders_task.done() else None
        finally:
            orders_task.cancel()
        self._looked_at = began
        self._book = Book(
            positions=tuple(positions), orders=None if orders is None else tuple(orders)
        )
        self._note_look(first=first)

    async def _read_orders(self) -> Sequence[OpenOrder] | None:
        try:
            orders = await self._ask("orders", self._venue.get_open_orders)
        except LiquidationError as error:
            self._orders_error = str(error)
            return None
        self._orders_error = None
        return orders

    def _note_look(self, *, first: bool) -> None:
        book = self._scoped()
        shown = exposure(book.positions)
        self._settle_stops(book, shown)
        appeared = [p for pair, p in shown.items() if pair not in self._seen]
        for position in appeared:
            self._seen[position.pair] = position
        if first:
            self._trail.note(
                Event.POSITIONS_QUERIED, "look", positions=[p.to_dict() for p in book.positions]
            )
        else:
            self._trail.note(
                Event.VERIFIED,
                "verify",
                open_positions=[p.to_dict() for p in shown.values()],
                appeared=[p.pair for p in appeared],
            )
        if book.orders is None:
            self._trail.note(Event.ORDERS_QUERIED, "look", error=self._orders_error or "no answer")
        elif first:
            self._trail.note(
                Event.ORDERS_QUERIED, "look", orders=[o.to_dict() for o in book.orders]
            )

    def _settle_stops(self, book: Book, shown: Mapping[str, Position]) -> None:
        """A removed stop matters while its position is open; a doubtful one is looked for."""
        if book.orders is not None:
            listed = {order.order_id for order in book.orders}
            for order_id, stop in list(self._doubtful_stops.items()):
                if order_id not in listed:
                    self._removed_stops.setdefault(stop.pair, []).append(stop)
                    del self._doubtful_stops[order_id]
        for pair in self._removed_stops.keys() - shown.keys():
            del self._removed_stops[pair]

    async def _ask(self, what: str, verb: Callable[..., Awaitable[T]]) -> T:
        """Reads, again where there was no answer.

        :raises AccountRefused: at once; no other request would fare better.
        :raises LiquidationError: the last one, when attempts or time are used up.
        """
        attempts = 0
        while True:
            began, attempts = _now(), attempts + 1
            try:
                return await self._bounded(verb)
            except ExchangeRefused:
                raise
            except (ExchangeUnavailable, OutcomeUnknown) as error:
                self._trail.note(
                    Event.ATTEMPT_FAILED,
                    "look",
                    error=str(error),
                    request=what,
                    attempt=attempts,
                    outcome=_outcome(error),
                )
                if not self._backoff.allows(attempts) or self._left_s() < SHORTEST_ATTEMPT_S:
                    raise
                delay = self._delay(attempts, error) - (_now() - began)
                await asyncio.sleep(min(max(0.0, delay), self._left_s()))

    async def _bounded(self, verb: Callable[..., Awaitable[T]]) -> T:
        """One attempt within its time, whatever the order manager does.

        :raises OutcomeUnknown: if there was no answer in time.
        """
        seconds = min(self._deadline.attempt_s(), self._left_s())
        if seconds < SHORTEST_ATTEMPT_S:
            raise ExchangeUnavailable("not sent: no time is left")
        try:
            async with asyncio.timeout(seconds):
                return await verb(timeout_s=seconds)
        except TimeoutError as error:
            raise OutcomeUnknown(f"no answer within {seconds:.2f} s") from error

    def _delay(self, attempts: int, error: LiquidationError | None) -> float:
        asked = error.retry_after_s if isinstance(error, ExchangeUnavailable) else None
        return self._backoff.delay_s(attempts, retry_after_s=asked)

    # -- acting -----------------------------------------------------------------------------

    def _launch(self, work: Sequence[PairWork]) -> None:
        """Writes down what is about to be sent, then sends it, all pairs side by side."""
        rounds: list[tuple[PairWork, list[ClosingOrder]]] = []
        for piece in work:
            orders = self._closing_orders(piece.close) if piece.close is not None else []
            if piece.close is not None and not orders:
                self._given_up[piece.pair] = "its amount is below the market's smallest step"
            rounds.append((piece, orders))
            self._intend_cancel(piece.pair, piece.cancels)
            for order in orders:
                self._trail.note(Event.CLOSE_INTENDED, "close", pair=piece.pair, **order.to_dict())
        self._trail.commit()
        for piece, orders in rounds:
            self._touched.add(piece.pair)
            if orders and piece.close is not None:
                self._count_attempt(piece.close)
            self._in_air[piece.pair] = asyncio.ensure_future(self._work_on(piece, orders))

    def _closing_orders(self, position: Position) -> list[ClosingOrder]:
        return [
            ClosingOrder(
                pair=position.pair,
                side=position.side,
                amount=amount,
                client_order_id=f"ftl{uuid.uuid4().hex[:26]}",
            )
            for amount in self._venue.amount_pieces(position)
        ]

    def _count_attempt(self, position: Position) -> None:
        sent = self._sent.setdefault(position.pair, _Sent())
        smaller = position.amount < sent.amount * (1 - AMOUNT_TOLERANCE)
        sent.attempts = 1 if smaller else sent.attempts + 1
        sent.amount, sent.at = position.amount, _now()

    def _intend_cancel(self, pair: str, orders: Sequence[OpenOrder]) -> None:
        if orders:
            self._trail.note(
                Event.CANCEL_INTENDED,
                "cancel",
                pair=pair,
                orders=[order.to_dict() for order in orders],
            )
        for order in orders:
            self._cancel_attempts[order.order_id] = self._cancel_attempts.get(order.order_id, 0) + 1

    async def _work_on(self, work: PairWork, orders: Sequence[ClosingOrder]) -> None:
        closes = [partial(self._close, order) for order in orders]
        if work.cancel_first:
            answers = await self._cancel(work.pair, work.cancels)
            blocked = [a for a in answers if a.order.blocks_close and _still_there(a)]
            if blocked:
                self._fail(work.pair, f"cannot close: {blocked[0].error}", None)
                return
            await asyncio.gather(*(close() for close in closes))
        else:
            await asyncio.gather(
                self._cancel(work.pair, work.cancels), *(close() for close in closes)
            )

    async def _cancel(self, pair: str, orders: Sequence[OpenOrder]) -> Sequence[CancelAnswer]:
        if not orders:
            return ()
        try:
            answers = await self._bounded(partial(self._venue.cancel_all_orders, pair, orders))
        except LiquidationError as error:
            answers = [
                CancelAnswer(order=o, status=CancelStatus.UNKNOWN, error=str(error)) for o in orders
            ]
        self._note_cancels(pair, answers)
        return answers

    def _note_cancels(self, pair: str, answers: Sequence[CancelAnswer]) -> None:
        done = [a.order for a in answers if a.status is CancelStatus.CANCELLED]
        if done:
            self._report.orders_cancelled += len(done)
            self._trail.note(
                Event.ORDERS_CANCELLED,
                "cancel",
                pair=pair,
                cancelled_count=len(done),
                order_ids=[order.order_id for order in done],
            )
        stops = [o for o in done if o.role is OrderRole.PROTECTIVE and o.blocks_close]
        if stops:
            self._removed_stops.setdefault(pair, []).extend(stops)
        for answer in answers:
            stop = answer.order
            unknown = answer.status is CancelStatus.UNKNOWN
            if unknown and stop.role is OrderRole.PROTECTIVE and stop.blocks_close:
                self._doubtful_stops[stop.order_id] = stop
            if answer.status is not CancelStatus.CANCELLED:
                self._errors[pair] = f"order {answer.order.order_id} not cancelled: {answer.error}"
                self._trail.note(
                    Event.CANCEL_FAILED,
                    "cancel",
                    pair=pair,
                    error=answer.error,
                    order_id=answer.order.order_id,
                    outcome=str(answer.status),
                )
                if answer.sendable:
                    self._postpone(
                        pair, self._delay(self._cancel_attempts[answer.order.order_id], None)
                    )

    async def _close(self, order: ClosingOrder) -> None:
        try:
            answer = await self._bounded(
                partial(self._venue.execute_market_close, order, reduce_only=True)
            )
        except LiquidationError as error:
            self._note_close_error(order, error)
            return
        self._errors.pop(order.pair, None)
        self._trail.note(
            Event.CLOSE_ANSWERED,
            "close",
            pair=order.pair,
            client_order_id=order.client_order_id,
            order_id=answer.order_id,
            filled=answer.filled,
            average=answer.average,
        )
        if answer.filled is None or answer.filled >= order.amount * (1 - AMOUNT_TOLERANCE):
            # The list of positions may lag behind the fill: do not answer that with an order.
            self._postpone(order.pair, LAG_S)

    def _note_close_error(self, order: ClosingOrder, error: LiquidationError) -> None:
        self._trail.note(
            Event.ATTEMPT_FAILED,
            "close",
            pair=order.pair,
            error=str(error),
            client_order_id=order.client_order_id,
            attempt=self._sent[order.pair].attempts,
            outcome=_outcome(error),
        )
        self._fail(order.pair, str(error), error)

    def _fail(self, pair: str, words: str, error: LiquidationError | None) -> None:
        self._errors[pair] = words
        if isinstance(error, (OutcomeUnknown, NothingToReduce)):
            return  # a look comes next; it alone says what is left to do
        if isinstance(error, ExchangeRefused):
            self._given_up[pair] = words
            return
        attempts = self._sent[pair].attempts if pair in self._sent else 1
        self._postpone(pair, self._delay(attempts, error))

    def _postpone(self, pair: str, seconds: float) -> None:
        self._not_before[pair] = max(self._not_before.get(pair, 0.0), _now() + seconds)

    # -- the end ----------------------------------------------------------------------------

    async def _put_back_stops(self) -> None:
        """A stop that we removed for a close that failed is put back (principle 4)."""
        book = in_scope(self._book, self.pairs) if self._book else None
        waiting = [
            (stop, position)
            for pair, stops in self._removed_stops.items()
            for stop in stops
            if (position := book.position(pair) if book else self._seen.get(pair)) is not None
        ]
        for stop, position in waiting:
            self._trail.note(
                Event.STOP_INTENDED,
                "close",
                pair=stop.pair,
                order_id=stop.order_id,
                stop_price=stop.stop_price,
                amount=min(stop.amount, position.amount),
            )
        if waiting:
            self._trail.commit()
            await asyncio.gather(*(self._put_back(stop, pos) for stop, pos in waiting))

    async def _put_back(self, stop: OpenOrder, position: Position) -> None:
        amount = min(stop.amount, position.amount)
        try:
            answer = await self._bounded(partial(self._venue.put_back_stop, stop, amount))
        except LiquidationError as error:
            words = (
                f"{stop.pair} HAS LOST ITS STOP at {stop.stop_price}: putting it back "
                f"{'has no known outcome' if isinstance(error, OutcomeUnknown) else 'failed'} "
                f"({error}). Set a stop by hand now."
            )
            self._report.errors.insert(0, words)
            self._trail.note(Event.STOP_LOST, "close", pair=stop.pair, error=words)
            return
        self._trail.note(
            Event.STOP_PUT_BACK, "close", pair=stop.pair, order_id=answer.order_id, amount=amount
        )
        self._removed_stops[stop.pair].remove(stop)

    async def _clear_leftovers(self) -> None:
        """Stops and exits of positions that are gone."""
        if self._book is None or not self._rules.close or self._deadline.passed:
            return
        gone = {
            pair: tuple(o for o in orders if self._may_clear(o))
            for pair, orders in leftovers(self._scoped()).items()
        }
        for pair, orders in gone.items():
            self._intend_cancel(pair, orders)
            self._touched.add(pair)
        self._trail.commit()
        answers = await asyncio.gather(
            *(self._cancel(pair, orders) for pair, orders in gone.items())
        )
        for answer in (a for of_pair in answers for a in of_pair):
            if _still_there(answer):
                self._report.errors.append(
                    f"{answer.order.pair}: leftover {answer.order.role} order "
                    f"{answer.order.order_id} not cancelled: {answer.error}"
                )

    def _may_clear(self, order: OpenOrder) -> bool:
        """With ``cancel_orders: false`` only a closed position's own stop goes with it."""
        ours = self._rules.cancel_entries or order.role is OrderRole.PROTECTIVE
        return ours and self._limits().may_cancel(order)

    async def _book_pairs(self) -> dict[str, BookedPair]:
        pairs = sorted(self._touched | self._seen.keys())
        if not pairs:
            return {}
        seconds = self._deadline.left_s
        try:
            async with asyncio.timeout(seconds):
                if self._deadline.passed:
                    raise TimeoutError
                booked = await self._venue.book(pairs, timeout_s=seconds)
        except TimeoutError:
            booked = [
                BookedPair(pair=p, error="not booked in time; the next start books it")
                for p in pairs
            ]
        for entry in booked:
            kind = Event.BOOKING_FAILED if entry.error else Event.BOOKED
            self._trail.note(
                kind, "book", pair=entry.pair, error=entry.error, realized_pnl=entry.realized_pnl
            )
            if entry.error:
                self._report.errors.append(f"{entry.pair}: {entry.error}")
        return {entry.pair: entry for entry in booked}

    def _conclude(self, booked: dict[str, BookedPair]) -> None:
        if self._book is None:
            for position in self._venue.expected_positions():
                if self.pairs is None or position.pair in self.pairs:
                    self._seen.setdefault(position.pair, position)
        for pair, position in self._seen.items():
            outcome = self._outcome_of(pair, position, booked.get(pair))
            self._report.outcomes.append(outcome)
            self._note_outcome(outcome)
        self._report.flat = self._is_proven_flat()
        self._report.errors.extend(
            f"{pair}: {words}"
            for pair, words in self._errors.items()
            if not self._report.flat and pair not in self._seen
        )
        if self._orders_error is not None:
            self._report.errors.append(
                f"the list of open orders could not be read: {self._orders_error}"
            )

    def _is_proven_flat(self) -> bool:
        if self._book is None or not is_flat(self._scoped(), self._rules):
            return False
        if any(p.uncertain for p in self._scoped().positions):
            return False
        if self._in_scope(self._unsettled):
            return False
        return all(o.state in (PairState.CLOSED, PairState.DUST) for o in self._report.outcomes)

    def _outcome_of(self, pair: str, first: Position, booked: BookedPair | None) -> PairOutcome:
        shown = self._shown(pair)
        state, residual = PairState.CLOSED, 0.0
        if self._book is None or self._looked_at < self._sent.get(pair, _Sent()).at:
            return self._unverified(pair, first, booked)
        if shown is not None and shown.uncertain:
            return self._unverified(pair, first, booked)
        if shown is not None:
            state = PairState.DUST if shown.is_dust else PairState.OPEN
            residual = shown.amount
        return PairOutcome(
            pair=pair,
            side=first.side,
            state=state,
            amount=first.amount,
            residual_amount=residual,
            realized_pnl=booked.realized_pnl if booked else None,
            tracked=bool(first.trade_ids),
            protected=self._is_protected(pair) if state is PairState.OPEN else None,
            error=self._why_open(pair) if state is PairState.OPEN else None,
        )

    def _unverified(self, pair: str, first: Position, booked: BookedPair | None) -> PairOutcome:
        return PairOutcome(
            pair=pair,
            side=first.side,
            state=PairState.UNVERIFIED,
            amount=first.amount,
            residual_amount=None,
            realized_pnl=booked.realized_pnl if booked else None,
            tracked=bool(first.trade_ids),
            protected=self._is_protected(pair),
            error=self._errors.get(pair) or "the exchange did not show whether it is closed",
        )

    def _why_open(self, pair: str) -> str:
        known = self._given_up.get(pair) or self._errors.get(pair)
        return known or ("out of time" if self._report.timed_out else "still open")

    def _shown(self, pair: str) -> Position | None:
        if self._book is None:
            return None
        return next((p for p in self._book.positions if p.pair == pair), None)

    def _is_protected(self, pair: str) -> bool:
        orders = self._book.orders_of(pair) if self._book else ()
        return any(o.role is OrderRole.PROTECTIVE for o in orders)

    def _note_outcome(self, outcome: PairOutcome) -> None:
        if outcome.state in (PairState.CLOSED, PairState.DUST):
            self._trail.note(
                Event.POSITION_CLOSED,
                "verify",
                pair=outcome.pair,
                quantity=outcome.amount - (outcome.residual_amount or 0.0),
                realized_pnl=outcome.realized_pnl,
                dust=outcome.residual_amount or None,
                tracked=outcome.tracked,
            )
        else:
            self._trail.note(
                Event.POSITION_CLOSE_FAILED,
                "verify",
                pair=outcome.pair,
                error=outcome.error,
                residual_amount=outcome.residual_amount,
                state=str(outcome.state),
            )

    def _timed_out(self) -> None:
        self._report.timed_out = True
        self._trail.note(
            Event.TIMEOUT, "run", in_the_air=sorted(self._in_air), left_s=self._deadline.left_s
        )


def _now() -> float:
    return asyncio.get_running_loop().time()


def _still_there(answer: CancelAnswer) -> bool:
    return answer.status is not CancelStatus.CANCELLED


def _outcome(error: LiquidationError) -> str:
    """The word for it: ``unavailable`` (not acted), ``refused`` or ``unknown``."""
    match error:
        case AccountRefused():
            return "account_refused"
        case ExchangeRefused():
            return "refused"
        case ExchangeUnavailable():
            return "unavailable"
        case _:
            return "unknown"

"""One run, from its first request to its report.

It does not go in rounds. Whatever is answered is taken in at once, and what follows from it leaves
at once: an order for a pair waits for nobody's answer but its own, a list is asked for while orders
are in flight, a pair is booked while others close. What is sent is always what the exchange still
shows, or what the bot knows before the first look; a request of unknown outcome is never sent again
without a list that was asked for later.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.errors import AccountRefused, LiquidationError, unexpected
from freqtrade_liquidation.model import UNLISTED, OpenOrder, OrderRole, Position, Request
from freqtrade_liquidation.plan import (
    Book,
    Limits,
    PairWork,
    Rules,
    in_scope,
    is_flat,
    leftovers,
    next_work,
)
from freqtrade_liquidation.ports import Explanation, OrderManager
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.run.attempts import Attempts
from freqtrade_liquidation.run.book_reader import BookReader
from freqtrade_liquidation.run.booking import Booking
from freqtrade_liquidation.run.history import PairHistory, show
from freqtrade_liquidation.run.order_sender import OrderSender
from freqtrade_liquidation.run.outcome_judge import OutcomeJudge
from freqtrade_liquidation.run.proof import Verdict
from freqtrade_liquidation.run.report import RunReport
from freqtrade_liquidation.run.request_runner import RequestRunner, now
from freqtrade_liquidation.run.stops import Stops, put_back_needs_s, unprotect_needs_s
from freqtrade_liquidation.trail import Trail

logger = logging.getLogger(__name__)

BOOKING_NEEDS_S: Final = 1.0
"""So much of the deadline is not spent on waiting for freqtrade's loop, or for the late end of an
order whose cancel was taken on."""
POLL_S: Final = 0.4
"""Pause between two lists when nothing is in flight but the exchange may still show something.
Listing all orders is dear (binance: weight 40 of 2,400 a minute): looking faster ends in a 429."""
EXPLAIN_EVERY_S: Final = 1.0
QUIET_S: Final = 0.05
"""A list is asked for when no order has been answered for as long as this, or half a round trip."""
FILLS_LISTED_AFTER_S: Final = 0.2
"""Before a pair is booked that no list has shown closed: the exchange lists its fills by then."""
AT_ONCE_TRIPS: Final = 4
"""Spot: cancel, sell, look, and the way back of the stop must fit."""


class Run:
    """One run over the book.

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
        self._asked_for = request.pairs or frozenset()
        self.pairs = request.pairs and order_manager.names_today(request.pairs)
        self._open_before = request.open_before
        self._order_manager = order_manager
        self._trail = trail
        self._rules = rules
        self._deadline = deadline
        self._ending = self._stumbled = False
        self._kept_s = 0.0  # of the end, for what comes after it
        self._cleared: set[str] = set()  # leftovers that a cancel was sent for
        self._scope_is_fixed = False
        self._unsettled = self._were_unsettled = frozenset[str]()
        self._look_since = self._positions_at = 0.0  # older lists settle nothing
        self._decided_at = 0.0  # what becomes due while it decides is the next decision's
        self._recalled: Book | None = None
        self._explaining: asyncio.Task[Mapping[str, Explanation]] | None = None
        self._verdicts: dict[str, Verdict] | None = None
        self._explained_at: dict[str, float] = {}
        self._found: dict[str, float] = {}
        self._report = RunReport()
        self._history: defaultdict[str, PairHistory] = defaultdict(PairHistory)
        self._runner = RequestRunner(deadline, trail, reserved_s=self._reserved_s)
        self._attempts = Attempts(backoff)
        self._stops = Stops(order_manager, trail, self._runner, backoff)
        self._reader = BookReader(order_manager, trail, self._runner, rules)
        self._booking = Booking(order_manager, trail, deadline)
        self._sender = OrderSender(
            order_manager,
            trail,
            self._runner,
            self._attempts,
            self._stops,
            self._history,
            cancel_answered=self._reader.cancel_answered,
            amount_listed=self._reader.amount_listed,
        )
        self._judge = OutcomeJudge(trail, rules, self._attempts, self._stops)

    def widen(self, *, needs_s: float) -> bool:
        """From now on, the whole book is in scope.

        :returns: ``False`` if this run no longer looks for work, or has less than *needs_s* left.
        """
        if self._scope_is_fixed or self._runner.left_s < needs_s:
            return False
        self.pairs = None
        self._look_since = now()
        self._claim()
        return True

    async def execute(self) -> RunReport:
        """Runs to the end. Raises nothing: what the exchange does is reported, and a defect too."""
        try:
            with self._unexpected():
                await self._until_flat()
        except AccountRefused as error:
            self._report.account_refused = str(error)
            self._report.errors.append(f"the exchange refused this account: {error}")
        finally:
            self._scope_is_fixed = True
            self._reader.abandon()
            await self._sender.abandon()
            if self._explaining is not None:
                self._explaining.cancel()
        self._note_time()
        self._report.errors += self._unread_lists()
        self._ending = True
        with self._unexpected():
            self._recall()
            self._report.errors[:0] = await self._stops.put_back(
                self._position_now,
                look=self._look_once_more,
                may_be_open=self._may_be_open,
                list_is_old=self._list_is_old,
            )
        if self._report.account_refused is None:
            with self._unexpected():
                await self._clear_leftovers()
            await self._book_the_rest()
        with self._unexpected():
            self._recall()
        self._conclude()
        self._order_manager.abandon()
        return self._report

    @contextmanager
    def _unexpected(self) -> Iterator[None]:
        """A defect in one part must not keep the next one from its work: stops come back, and what
        is left is told pair by pair. The book is not called flat after it."""
        try:
            yield
        except LiquidationError:
            raise
        except Exception as error:
            logger.exception("Unexpected in a liquidation; it goes on with what comes next.")
            self._report.errors.append(unexpected(error))
            self._stumbled = True

    # -- the loop ---------------------------------------------------------------------------

    async def _until_flat(self) -> None:
        self._claim()
        self._act_at_once()
        self._reader.ask_positions()
        self._reader.ask_orders()
        await self._act_until_settled()
        if not self._rules.close:
            return
        if await self._host_lets_go():
            self._claim()
            for pair in self._were_unsettled:  # its fill is in no list, perhaps, and in no answer
                self._booking.reopen(pair)  # freqtrade writes its order down when it is answered
                if not self._order_manager.has_found_entries_of(pair):
                    self._history[pair].entry_is_gone(f"in the air: {pair}", at=now())
            self._look_since = now()
            await self._act_until_settled()
        else:  # an entry that the loop is at still will not be looked at
            self._unsettled |= self._order_manager.unsettled_pairs()

    def _claim(self) -> None:
        """What is known to be open before any look."""
        trades = self._order_manager.expected_positions()
        known = {position.pair for position in trades}  # better than what was open before
        earlier = [position for position in self._open_before if position.pair not in known]
        for positions, by_trades in ((trades, True), (earlier, False)):
            for position in (p for p in positions if not p.is_dust):
                self._history[position.pair].claim(position, by_trades=by_trades)
        if self._reader.orders is None:
            for order in self._order_manager.known_orders():
                if order.role is OrderRole.ENTRY:
                    self._history[order.pair].entry_may_fill(order.order_id)

    def _act_at_once(self) -> None:
        """Beside the first look leaves what needs none: on futures the closes of known positions,
        on spot the cancels of the bot's stops, where there is time for all that follows."""
        known = Book(
            positions=tuple(self._order_manager.expected_positions()),
            orders=tuple(self._order_manager.known_orders()),
        )
        recent = self._order_manager.recent_round_trips
        if self._rules.closes_need_orders:
            needs_s = unprotect_needs_s(recent, trips=AT_ONCE_TRIPS)
            fits = recent.longest_s is not None and needs_s <= self._deadline.left_s
        else:
            fits = self._order_manager.acts_at_once
        if fits:
            limits = Limits(may_close=lambda position: not position.obstacle)
            work = next_work(in_scope(known, self.pairs), self._rules, limits)
            if self._rules.closes_need_orders:  # a sell needs the balance
                work = [piece for piece in work if piece.cancel_first]
            self._sender.launch(work, unseen=True)

    async def _host_lets_go(self) -> bool:
        """Before leftovers are cleared and booked; what this takes, the booking has not."""
        seconds = self._runner.left_s - BOOKING_NEEDS_S
        return await self._order_manager.host_lets_go(timeout_s=max(0.0, seconds))

    async def _act_until_settled(self) -> None:
        while not (self._deadline.passed or self._must_put_back()):
            self._take_in()
            self._verdicts = {}  # nothing is heard while it decides
            try:
                if self._decide():
                    return
            finally:
                self._verdicts = None
            await self._news()

    def _decide(self) -> bool:
        """Sends and asks what follows from all that was heard. :returns: whether nothing does."""
        self._decided_at = now()
        self._stops.closed({p for p in self._history if self._verdict(p) is Verdict.FLAT})
        if work := self._work():
            self._sender.launch(work)
        elif self._is_settled():
            return True
        self._ask()
        self._begin_booking()
        return False

    async def _news(self) -> None:
        """Until something is answered, or due."""
        tasks: list[asyncio.Task[object]] = [flight.task for flight in self._sender.flights]
        tasks += self._reader.in_flight
        if self._explaining is not None:
            tasks.append(self._explaining)
        due = [
            self._attempts.next_due(self._decided_at),
            self._sender.next_overdue(),
            self._next_look(),
        ]
        soonest = min((moment for moment in due if moment is not None), default=now() + POLL_S)
        seconds = min(max(0.0, soonest - now()), self._runner.left_s)
        pending = [task for task in tasks if not task.done()]
        if len(pending) < len(tasks):
            return
        if pending:
            await asyncio.wait(pending, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(max(seconds, 0.001))

    def _work(self) -> list[PairWork]:
        book = None if self._reader.positions_are_too_old else self._book_to_close()
        return [] if book is None else next_work(book, self._rules, self._limits())

    def _limits(self) -> Limits:
        listed_at = -1.0 if self._reader.orders is None else self._reader.orders.asked_at
        needs_s = unprotect_needs_s(self._order_manager.round_trips)
        return Limits(
            busy=self._sender.busy | self._attempts.waiting(self._decided_at),
            may_cancel=lambda order: self._attempts.may_cancel(order, listed_at=listed_at),
            may_close=lambda position: self._attempts.may_close(
                position, listed_at=self._positions_at
            ),
            may_unprotect=self._deadline.left_s >= needs_s,
            is_stuck=self._is_stuck,
            is_blocked=self._attempts.is_blocked,
        )

    def _is_stuck(self, order: OpenOrder) -> bool:
        """No further cancel is sent for it, and none of those sent may be carried out yet."""
        may_go = self._attempts.may_go_yet(order) or self._stops.is_doubtful(order.pair)
        return not (self._attempts.may_still_cancel(order) or may_go)

    def _must_put_back(self) -> bool:
        """Stops are off and the time that is left belongs to putting them back."""
        return self._stops.any_removed and self._runner.left_s <= 0.0

    def _reserved_s(self) -> float:
        if self._ending:
            return self._kept_s
        removed = self._stops.any_removed
        return put_back_needs_s(self._order_manager.round_trips) if removed else 0.0

    # -- what is heard ----------------------------------------------------------------------

    def _take_in(self) -> None:
        before, answered_at = self._reader.book, self._sender.answered_at
        self._sender.collect()
        new_positions, new_orders = self._reader.take_in()
        if new_orders:
            self._heard_orders(before)
        if new_positions:
            self._heard_positions(first=before is None)
            answered_at = self._positions_at  # what was answered since is not in that list
        if self._sender.answered_at > answered_at:
            self._recall()
        self._take_in_explanation()
        self._take_in_found_entries()
        unsettled = self._order_manager.unsettled_pairs()
        for pair in self._unsettled - unsettled:
            self._history[pair].entry_has_landed(at=now())
        self._unsettled = unsettled
        self._were_unsettled |= unsettled
        if self._unsettled_in_scope():
            self._reader.still_unsettled()

    def _heard_orders(self, before: Book | None) -> None:
        book, orders = self._reader.book, self._reader.orders
        assert orders is not None, "they were heard"
        self._stops.listed(orders)
        if all(order.pair != UNLISTED for order in orders.rows):
            listed = {order.order_id for order in orders.rows}
            self._sender.orders_listed(listed, asked_at=orders.asked_at)
        for order in orders.rows:
            self._history[order.pair]
        if book is not None:
            for order in self._reader.entries_gone(before, book):
                self._history[order.pair].entry_is_gone(order.order_id, at=now())
        if before is None or before.orders is None:
            resting = Book(positions=(), orders=orders.rows)
            self._reader.note_orders(in_scope(resting, self.pairs))

    def _heard_positions(self, *, first: bool) -> None:
        positions = self._reader.positions
        assert positions is not None, "they were heard"
        self._claim()
        known = {pair for pair, history in self._history.items() if history.was_open}
        self._show(positions.rows, asked_at=positions.asked_at)
        scoped = in_scope(Book(positions=positions.rows, orders=None), self.pairs)
        appeared = [p for p in scoped.positions if p.pair not in known and not p.is_dust]
        self._reader.note_positions(scoped, appeared, first=first)

    def _recall(self) -> None:
        """Where the answers to orders tell what is left (spot), that needs no list."""
        if self._reader.positions is None:
            return
        recalled = self._order_manager.recall()
        if recalled is None:
            return
        self._show(recalled.positions, asked_at=now())
        self._recalled = recalled
        if recalled.orders is not None and (listing := self._reader.recall(recalled.orders)):
            self._stops.listed(listing)

    def _show(self, positions: Iterable[Position], *, asked_at: float) -> None:
        self._positions_at, self._recalled = asked_at, None
        show(self._history, positions, asked_at=asked_at)

    def _take_in_explanation(self) -> None:
        if self._explaining is None or not self._explaining.done():
            return
        found, self._explaining = self._explaining.result(), None
        for pair, explanation in found.items():
            asked_at = self._explained_at[pair]
            self._history[pair].take_in(explanation, asked_at=asked_at, at=now())

    def _take_in_found_entries(self) -> None:
        """Lists that are late do not show what they have opened."""
        for order_id, opened in self._order_manager.found_entries().items():
            more = sum_of(opened.amount, -self._found.get(order_id, 0.0))
            if more > 0:
                self._found[order_id] = opened.amount
                self._history[opened.pair].opened(replace(opened, amount=more), at=now())

    # -- what is asked ----------------------------------------------------------------------

    def _ask(self) -> None:
        look_at = self._next_look()
        if look_at is not None and look_at <= now():
            self._reader.ask_positions()
            if self._orders_are_old():
                self._reader.ask_orders()
        contradicted = self._contradicted()
        if self._explaining is None and contradicted and self._reader.positions is not None:
            self._explained_at |= dict.fromkeys(contradicted, now())
            seconds = self._runner.left_s
            explain = self._order_manager.explain(sorted(contradicted), timeout_s=seconds)
            self._explaining = asyncio.ensure_future(explain)

    def _contradicted(self) -> set[str]:
        """Pairs whose end nothing explains, and that nobody has asked about for a while."""
        if not self._rules.close:
            return set()
        due = now() - EXPLAIN_EVERY_S
        return {
            pair
            for pair in self._in_scope(self._history)
            if self._verdict(pair) is Verdict.CONTRADICTED
            and self._explained_at.get(pair, float("-inf")) <= due
        }

    def _next_look(self) -> float | None:
        """When positions are asked for again, on the loop's clock; ``None`` = there is no need."""
        free_at, wanted_at = self._reader.positions_may_be_asked_at(), self._look_wanted_at()
        return None if free_at is None or wanted_at is None else max(free_at, wanted_at)

    def _look_wanted_at(self) -> float | None:
        asked_at = self._reader.positions_asked_at()
        in_flight = bool(self._reader.in_flight)
        changed_at = max(self._sender.answered_at, self._look_since)
        if changed_at > asked_at:  # something has happened that the last list may not show
            if self._sender.is_queueing:
                return None
            busy = bool(self._sender.busy)
            median_s = self._order_manager.round_trips.median_s or 0.0
            return changed_at + (max(QUIET_S, median_s / 2) if busy else 0.0)
        if self._reader.positions is None or self._reader.orders is None:
            return None if in_flight else max(asked_at + POLL_S, now())
        waits = self._sender.busy or self._unsettled_in_scope() or not self._rules.close
        if self._reader.is_behind(asked_at) and not waits:
            return now()  # an entry may have filled between the two lists
        if in_flight:
            return None
        if not self._reader.is_complete and not waits:
            return now()
        if self._reader.unread:  # it may have shown what the next step waits for
            return asked_at + POLL_S
        return asked_at + POLL_S if self._may_learn() else None

    def _orders_are_old(self) -> bool:
        orders_asked_at = self._reader.orders_asked_at()
        doubt = max(self._sender.cancels_in_doubt_at, self._look_since)
        return (
            self._reader.orders_are_too_old
            or self._reader.orders_are_unread
            or doubt >= orders_asked_at
            or self._cancels_may_end()
            or any(flight.overdue for flight in self._sender.flights)
        )

    # -- how it stands ----------------------------------------------------------------------

    def _verdict(self, pair: str) -> Verdict:
        if self._verdicts is not None and pair in self._verdicts:
            return self._verdicts[pair]
        verdict = self._history[pair].verdict(reduce_only_rests=pair in self._reader.reducing)
        if self._verdicts is not None:
            self._verdicts[pair] = verdict
        return verdict

    def _may_learn(self) -> bool:
        """The exchange may still show something that it has not shown."""
        if self._unsettled_in_scope() or self._is_uncertain(for_now=True):
            return True
        if self._cancels_may_end():
            return True
        if not self._rules.close:
            return False
        pairs = self._in_scope(self._history)
        if self._deadline.left_s < BOOKING_NEEDS_S and (book := self._scoped()) is not None:
            pairs -= {order.pair for order in book.entries}  # not flat, whatever is learnt of them
        return any(self._may_learn_of(pair) for pair in pairs)

    def _may_learn_of(self, pair: str) -> bool:
        """Its attempts may be spent: what became of the last one is worth another look."""
        verdict = self._verdict(pair)
        if verdict is not Verdict.OPEN:
            return verdict.may_change
        history = self._history[pair]
        is_in_doubt = history.left is not None and history.left.uncertain
        return is_in_doubt or history.may_be_late(now()) or self._stops.is_doubtful(pair)

    def _is_settled(self) -> bool:
        """Flat, whatever still hangs unanswered; or nothing more that we may try or wait for."""
        if self._reader.book is None or self._is_older_than(self._look_since):
            return False
        if self._is_explained_soon():
            return False
        if self._is_flat():
            return self._recalled is None  # what the answers to orders say is looked at once more
        if self._reader.orders is None or self._may_learn():
            return False
        if self._rules.close and not self._reader.is_complete:
            return False
        if self._positions_at < self._sender.answered_at or self._cancels_are_left():
            return False
        return not self._sender.flights and not self._attempts.waiting(self._decided_at)

    def _is_explained_soon(self) -> bool:
        """An answer about a pair alone may show what every list leaves out."""
        asked_at = max(self._explained_at.values(), default=float("-inf"))
        return self._explaining is not None and now() - asked_at < EXPLAIN_EVERY_S

    def _cancels_are_left(self) -> bool:
        """An order is in the way that may be cancelled once more, when a later list shows it."""
        book = self._scoped()
        orders = () if book is None else book.orders or ()
        waits = self._deadline.left_s >= BOOKING_NEEDS_S  # what comes after keeps its time
        return any(
            self._attempts.may_still_cancel(order)
            and (waits or not self._attempts.may_go_yet(order))
            for order in orders
            if self._must_go(order)
        )

    def _cancels_may_end(self) -> bool:
        """An order is in the way that is listed still, and whose cancel may be carried out yet.
        What comes after the last look keeps its time."""
        if self._deadline.left_s < BOOKING_NEEDS_S:
            return False
        book = self._scoped()
        orders = () if book is None else book.orders or ()
        return any(self._attempts.may_go_yet(o) for o in orders if self._must_go(o))

    def _must_go(self, order: OpenOrder) -> bool:
        if order.role is OrderRole.ENTRY:
            return self._rules.cancel_entries
        is_open = self._verdict(order.pair) is Verdict.OPEN
        return order.blocks_close and is_open and not self._attempts.why_given_up(order.pair)

    def _is_older_than(self, moment: float) -> bool:
        positions, orders = self._reader.positions, self._reader.orders
        oldest = min((one.asked_at for one in (positions, orders) if one), default=0.0)
        return oldest < moment

    def _is_flat(self) -> bool:
        """The exchange shows that nothing in scope is open or could open."""
        book = self._scoped()
        if self._stumbled or book is None or not self._reader.is_complete:
            return False
        if self._unsettled_in_scope() or self._is_uncertain() or book.orders is None:
            return False
        if not self._rules.close:
            return is_flat(book, self._rules)
        seen = self._in_scope(self._history)
        return not book.entries and all(self._verdict(pair) is Verdict.FLAT for pair in seen)

    def _is_uncertain(self, *, for_now: bool = False) -> bool:
        """:param for_now: only what another look may settle: not a trade that cannot be read."""
        book = self._scoped()
        return book is not None and any(
            position.uncertain and not (for_now and position.is_unreadable)
            for position in book.positions
        )

    # -- what is in scope -------------------------------------------------------------------

    def _scoped(self) -> Book | None:
        book = self._reader.book
        if book is not None and self._recalled is not None:
            book = replace(book, positions=self._recalled.positions)
        return None if book is None else in_scope(book, self.pairs)

    def _book_to_close(self) -> Book | None:
        """The book as it stands by all that is known: no list is believed against our fills."""
        book = self._scoped()
        if book is None:
            return None
        positions = [position for position in book.positions if self._is_for_people(position)]
        for pair in self._in_scope(self._history):
            if self._verdict(pair) in (Verdict.LATE, Verdict.FLAT, Verdict.FILLED):
                continue
            left = self._history[pair].left
            if left is not None and not self._is_for_people(left):
                positions.append(left)
        return Book(positions=tuple(positions), orders=book.orders)

    @staticmethod
    def _is_for_people(position: Position) -> bool:
        return position.obstacle is not None

    def _in_scope(self, pairs: Iterable[str]) -> set[str]:
        return {pair for pair in pairs if self.pairs is None or pair in {*self.pairs, UNLISTED}}

    def _unsettled_in_scope(self) -> set[str]:
        return self._in_scope(self._unsettled)

    def _position_of(self, pair: str) -> Position | None:
        """What is open of *pair*, as far as it is known."""
        history = self._history[pair]
        if self._verdict(pair).is_closed:
            return None
        left = history.left
        return left if left is not None or self._reader.positions is not None else history.first

    def _position_now(self, pair: str) -> Position | None:
        """The same, with what was answered since the last look."""
        self._recall()
        position = self._position_of(pair)
        return None if position is None else self._order_manager.as_known_now(position)

    def _may_be_open(self, pair: str) -> bool:
        book = self._scoped()
        if book is not None and any(p.uncertain for p in book.positions if p.pair == pair):
            return True
        return not (self._verdict(pair).is_closed or self._final_verdict(pair).is_closed)

    async def _look_once_more(self) -> None:
        """What is left of pairs whose stops are off, asked until one usual round trip is left."""
        seconds = self._deadline.left_s - (self._order_manager.round_trips.median_s or 0.0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                while True:
                    with contextlib.suppress(LiquidationError):
                        asked_at, seconds = now(), self._deadline.left_s
                        rows = await self._order_manager.get_all_positions(timeout_s=seconds)
                        self._reader.positions_told(rows, asked_at=asked_at)
                        self._heard_positions(first=False)
                    await asyncio.sleep(POLL_S)

    @property
    def _list_is_old(self) -> bool:
        """The positions were asked for later than the orders: a stop may have sold in between."""
        positions, orders = self._reader.positions, self._reader.orders
        if positions is None or orders is None:
            return False
        return positions.asked_at - orders.asked_at > QUIET_S

    # -- the end ----------------------------------------------------------------------------

    def _note_time(self) -> None:
        if self._deadline.passed:
            self._report.timed_out = True
            in_the_air = sorted({flight.pair for flight in self._sender.flights})
            self._trail.note(Event.TIMEOUT, "run", in_the_air=in_the_air)

    async def _clear_leftovers(self) -> None:
        """Stops and exits of positions that are gone. What failed is looked for, and tried again
        while the booking keeps its time."""
        book = self._scoped()
        if book is None or not self._rules.close or self._deadline.passed:
            return
        gone = {p for p in self._in_scope(self._history) if self._verdict(p) is Verdict.FLAT}
        orders = [
            order
            for pair, of_pair in leftovers(book).items()
            for order in of_pair
            if pair in gone and self._may_clear(order)
        ]
        if orders:  # one that hangs must leave time to book in
            self._kept_s = min(BOOKING_NEEDS_S, self._deadline.left_s / 2)
        self._cleared = {order.order_id for order in orders}
        left = {a.order.order_id: a for a in await self._sender.clear(orders)}
        for order in orders:  # the books have to learn of their end
            self._booking.reopen(order.pair)
        self._kept_s = BOOKING_NEEDS_S
        while left and (listed := await self._listed_later()) is not None:
            left = {order_id: answer for order_id, answer in left.items() if order_id in listed}
            again = [a.order for a in left.values() if a.may_help and self._may_clear(a.order)]
            if not again:
                break
            for order in again:
                del left[order.order_id]
            left |= {a.order.order_id: a for a in await self._sender.clear(again)}
        self._kept_s = 0.0
        self._report.errors += [
            f"{a.order.pair}: leftover {a.order.role} order {a.order.order_id} not cancelled: "
            f"{a.error or self._attempts.why_resting(a.order)}"
            for a in left.values()
        ]

    async def _listed_later(self) -> set[str] | None:
        """The orders that the exchange lists after a pause; ``None`` = not known, or too late."""
        moment = now()
        pause_s = (self._attempts.next_due(moment) or moment) - moment
        if pause_s >= self._runner.left_s:
            return None
        await asyncio.sleep(pause_s)
        asked_at = now()
        listed = await self._reader.resting_now()
        if listed is not None:
            self._sender.orders_listed(listed, asked_at=asked_at)
        return listed

    def _may_clear(self, order: OpenOrder) -> bool:
        return self._is_wanted_gone(order) and self._attempts.may_still_cancel(order)

    def _is_wanted_gone(self, order: OpenOrder) -> bool:
        """With ``cancel_orders: false`` only a closed position's own stop goes with it."""
        return self._rules.cancel_entries or order.role is OrderRole.PROTECTIVE

    def _begin_booking(self) -> None:
        if not (self._order_manager.may_book and self._rules.close):
            return
        book = self._reader.book
        not_yet = self._sender.busy | self._unsettled
        not_yet |= {order.pair for order in book.entries} if book is not None else set()
        listed_by = now() - FILLS_LISTED_AFTER_S
        self._booking.begin(
            pair
            for pair in self._in_scope(self._sender.touched) - not_yet
            if self._history[pair].is_done(self._verdict(pair), before=listed_by)
        )

    async def _book_the_rest(self) -> None:
        # A trade whose position is gone has an exit that its database does not know, perhaps.
        expected = self._in_scope(p.pair for p in self._order_manager.expected_positions())
        expected |= self._in_scope(self._order_manager.empty_trades())
        seen = {p for p in self._in_scope(self._history) if self._history[p].first is not None}
        sent = self._in_scope(self._sender.touched) - {UNLISTED}
        await self._booking.finish((sent | seen | expected) - {UNLISTED}, sent=sent)
        for pair in sorted(self._booking.results):
            entry = self._booking.results[pair]
            if words := entry.error or entry.missing:
                self._report.errors.append(f"{pair}: {words}")

    def _conclude(self) -> None:
        book = self._scoped()
        self._report.outcomes = self._judge.outcomes(
            {pair: self._history[pair] for pair in self._history if pair in self._outcome_pairs()},
            self._final_verdict,
            book,
            self._booking.results,
            timed_out=self._report.timed_out,
        )
        self._report.orders_cancelled = self._sender.orders_cancelled
        self._report.flat = self._is_flat()
        if not self._report.flat:
            self._report.errors[:0] = self._why_not_proven(book)
            self._report.errors += self._judge.why_not_flat(book, self._outcome_pairs())
        self._report.errors += self._judge.leftovers(self._left_resting())
        self._report.errors += self._remarks()

    def _why_not_proven(self, scoped: Book | None) -> list[str]:
        """Where nothing is told to be left: why the book is not called flat all the same."""
        told = self._stumbled or self._report.account_refused is not None or not self._rules.close
        rests = scoped is not None and bool(scoped.entries)
        if told or rests or any(outcome.is_left for outcome in self._report.outcomes):
            return []
        unsettled = sorted(self._unsettled_in_scope())
        if unsettled:
            why = f"an order of the bot is in the air ({', '.join(unsettled)})"
        elif self._reader.positions is None or self._reader.orders is None:
            what = "positions" if self._reader.positions is None else "open orders"
            why = f"the list of {what} could not be read"
        elif self._positions_at < self._sender.answered_at:
            why = "the exchange answered no list that was asked for after the last order"
        else:
            why = "an order may have filled between the last lists of positions and of open orders"
        return [f"FLAT IS NOT PROVEN: {why}. Look at the exchange."]

    def _left_resting(self) -> list[OpenOrder]:
        """Stops and exits of closed pairs that no cancel was sent for, as far as is known."""
        if not self._rules.close:
            return []
        book = self._scoped()
        orders = None if book is None else book.orders
        if orders is None:
            known = Book(positions=(), orders=tuple(self._order_manager.known_orders()))
            orders = in_scope(known, self.pairs).orders or ()
        closed = {outcome.pair for outcome in self._report.outcomes if not outcome.is_left}
        return [
            order
            for order in orders
            if order.pair in closed
            and order.role is not OrderRole.ENTRY
            and order.order_id not in self._cleared
            and not self._reader.is_gone(order.order_id)
            and self._is_wanted_gone(order)
        ]

    def _final_verdict(self, pair: str) -> Verdict:
        """An order in the air may open what was closed."""
        if pair in self._unsettled:
            return Verdict.UNREAD
        verdict, book = self._verdict(pair), self._reader.book
        if verdict is Verdict.OPEN and self._is_accounted_for(pair):
            return Verdict.LATE
        may_grow = book is not None and any(order.pair == pair for order in book.entries)
        if verdict is not Verdict.LATE or may_grow:
            return verdict
        by_fills = self._history[pair].verdict(list_asked_at=self._positions_at)
        return by_fills if by_fills is Verdict.FILLED else verdict

    def _is_accounted_for(self, pair: str) -> bool:
        """Answers to the bot's orders that came after the last whole look say that it is closed."""
        left = self._history[pair].left
        known = None if left is None else self._order_manager.as_known_now(left)
        return known is not None and not known.uncertain and (known.amount <= 0 or known.is_dust)

    def _unread_lists(self) -> list[str]:
        if self._report.account_refused is not None:
            return []
        return [
            f"the list of {what} could not be read: {words}" for what, words in self._reader.unread
        ]

    def _outcome_pairs(self) -> set[str]:
        """Those that were open, or may be, and trades that their stop or somebody closed beside the
        run, and that it has booked; not a trade whose position was gone before."""
        booked = {
            pair
            for pair, result in self._booking.results.items()
            if result.closed_meanwhile and result.realized_pnl is not None
        }
        return {
            pair
            for pair in self._in_scope(self._history)
            if self._history[pair].was_open
            or (
                self._history[pair].first is not None
                and (pair in booked or self._verdict(pair) is not Verdict.FLAT)
            )
        }

    def _remarks(self) -> list[str]:
        if self._reader.positions is None or not self._rules.close:
            return []
        remarks = {**self._order_manager.remarks()}
        told = self._outcome_pairs()
        for pair in self._asked_for if self.pairs is not None else ():
            if not told & self._order_manager.names_today({pair}):
                remarks.setdefault(pair, "nothing was open there that this run may close")
        for pair in self._in_scope(self._history):
            history = self._history[pair]
            booked = self._booking.results.get(pair)
            gone = history.first is not None and not history.was_open
            if booked is not None and booked.realized_pnl is not None:
                continue  # an order that only the exchange knew has closed it
            if gone and self._verdict(pair) is Verdict.FLAT:
                remarks.setdefault(
                    pair,
                    "the bot's trade is open, and the exchange has no position for it: look what "
                    "became of it, and correct the trade",
                )
        return [f"{pair}: {remarks[pair]}" for pair in sorted(self._in_scope(remarks))]

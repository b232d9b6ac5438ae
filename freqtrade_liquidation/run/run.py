"""One run, from the first look to the report.

Every further attempt follows a look: what is sent is always what the exchange still shows, so a
request whose outcome is unknown is never sent again blindly.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import AccountRefused, LiquidationError, unexpected
from freqtrade_liquidation.model import (
    BookedPair,
    OpenOrder,
    OrderRole,
    PairState,
    Position,
    Request,
)
from freqtrade_liquidation.plan import (
    Book,
    Limits,
    Rules,
    exposure,
    in_scope,
    is_flat,
    leftovers,
    next_work,
)
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.run.acting import Actor
from freqtrade_liquidation.run.asking import Asker, now
from freqtrade_liquidation.run.attempts import Attempts
from freqtrade_liquidation.run.fills import Fills
from freqtrade_liquidation.run.judging import Judge
from freqtrade_liquidation.run.looking import Looker
from freqtrade_liquidation.run.report import RunReport
from freqtrade_liquidation.run.stops import PUT_BACK_NEEDS_S, UNPROTECT_NEEDS_S, Stops
from freqtrade_liquidation.trail import Trail

logger = logging.getLogger(__name__)

SHORTEST_GRACE_S: Final = 0.05
"""Stragglers get at least this long after the first answer of a round."""
BOOKING_NEEDS_S: Final = 1.0
"""So much of the deadline is not spent on waiting for freqtrade's loop."""
POLL_S: Final = 0.4
"""Pause between two looks when nothing is in the air but an entry or an answer may still show.
Listing all orders is dear (binance: weight 40 of 2,400 a minute): looking faster ends in a 429."""


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
        self.pairs = request.pairs
        self._venue = order_manager
        self._trail = trail
        self._rules = rules
        self._deadline = deadline
        self._ending = False
        self._stumbled = False
        self._kept_s = 0.0  # of the end, for what comes after it
        self._scope_is_fixed = False
        self._seen: dict[str, Position] = {}
        self._report = RunReport()
        self._stops = Stops(order_manager, trail)
        self._asker = Asker(deadline, backoff, trail, reserved_s=self._reserved_s)
        self._attempts = Attempts(self._asker)
        self._fills = Fills()
        self._looker = Looker(
            order_manager,
            trail,
            self._asker,
            rules,
            seems_flat=self._would_end_flat,
            shown=self._fills.shown,
        )
        self._actor = Actor(
            order_manager,
            trail,
            self._asker,
            self._attempts,
            self._stops,
            self._fills,
            cancelled=self._looker.cancelled,
        )
        self._judge = Judge(trail, rules, self._looker, self._attempts, self._stops)

    def widen(self, *, needs_s: float) -> bool:
        """From the next look on, the whole book is in scope.

        :returns: ``False`` if this run no longer looks for work, or has less than *needs_s* left.
        """
        if self._scope_is_fixed or self._asker.left_s < needs_s:
            return False
        self.pairs = None
        return True

    async def execute(self) -> RunReport:
        """Runs to the end. Raises nothing: what the exchange does is reported, and a defect too."""
        try:
            with self._unexpected():
                await self._until_flat()
        except AccountRefused as error:
            self._report.account_refused = str(error)
            self._report.errors.append(f"the exchange refused this account: {error}")
        except LiquidationError as error:
            often = f" in {error.attempts} attempts, the last" if error.attempts > 1 else ""
            self._report.errors.append(f"could not look at the exchange{often}: {error}")
        finally:
            self._scope_is_fixed = True
            await self._actor.abandon()
        self._note_time()
        self._ending = True
        with self._unexpected():
            if self._looker.book is not None:  # of a look that was not completed, too
                self._stops.looked(self._scoped(), listed_at=self._looker.listed_at)
            self._report.errors[:0] = await self._stops.put_back(
                self._asker, self._position_of, list_is_old=self._looker.list_is_old
            )
        with self._unexpected():
            await self._clear_leftovers()
        booked = await self._book_pairs()
        self._conclude(booked)
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
        self._saw(await self._looker.look(), first=True)
        await self._act_until_settled()
        if not self._rules.close:
            return
        if await self._host_lets_go():
            self._saw(await self._looker.look(), first=False)
            await self._act_until_settled()
        else:  # an entry that the loop is at still will not be looked at
            self._looker.unsettled |= self._venue.unsettled_pairs()

    async def _host_lets_go(self) -> bool:
        """Before leftovers are cleared and booked; what this takes, the booking has not."""
        seconds = self._asker.left_s - BOOKING_NEEDS_S
        return await self._venue.host_lets_go(timeout_s=max(0.0, seconds))

    async def _act_until_settled(self) -> None:
        while not (self._deadline.passed or self._must_put_back()):
            work = next_work(self._scoped(), self._rules, self._limits())
            if work:
                self._actor.launch(work)
            elif self._is_settled():
                return
            await self._wait()
            self._saw(await self._looker.look(), first=False)

    def _saw(self, book: Book, *, first: bool) -> None:
        scoped = in_scope(book, self.pairs)
        self._stops.looked(scoped, listed_at=self._looker.listed_at)
        shown = exposure(scoped.positions)
        appeared = [position for pair, position in shown.items() if pair not in self._seen]
        self._seen |= {position.pair: position for position in appeared}
        if first:
            self._looker.note_first(scoped)
        else:
            self._looker.note_again(scoped, appeared)

    def _must_put_back(self) -> bool:
        """Stops are off and the time that is left belongs to putting them back."""
        return self._stops.any_removed and self._asker.left_s <= 0.0

    def _reserved_s(self) -> float:
        if self._ending:
            return self._kept_s
        return PUT_BACK_NEEDS_S if self._stops.any_removed else 0.0

    def _is_settled(self) -> bool:
        """Flat, whatever still hangs unanswered; or nothing more that we may try or wait for."""
        book = self._scoped()
        if self._unsettled() or any(p.uncertain for p in book.positions):
            return False
        proven = self._looker.proven or not self._rules.close
        if is_flat(book, self._rules):
            return proven
        if book.orders is None and self._looker.orders_error is None:
            self._looker.patient = True  # the list is only slow: wait for it at the next look
            return False
        if book.orders is not None and not proven:
            return False  # an entry may have filled unseen: the next look shows what it opened
        return not self._actor.in_air and not self._attempts.waiting()

    def _would_end_flat(self, book: Book) -> bool:
        return self._rules.close and is_flat(in_scope(book, self.pairs), self._rules)

    def _limits(self) -> Limits:
        return Limits(
            busy=self._actor.in_air.keys() | self._attempts.waiting(),
            may_cancel=self._attempts.may_cancel,
            may_close=self._attempts.may_close,
            may_unprotect=self._deadline.left_s >= UNPROTECT_NEEDS_S,
        )

    async def _wait(self) -> None:
        """Until the requests in the air are answered (stragglers get as long again, no more)."""
        if not self._actor.in_air:
            pause = self._attempts.next_due() - now() if self._attempts.waiting() else POLL_S
            await asyncio.sleep(min(pause, self._asker.left_s))
            return
        began = now()
        tasks = list(self._actor.in_air.values())
        await asyncio.wait(tasks, timeout=self._asker.left_s, return_when=asyncio.FIRST_COMPLETED)
        grace = min(max(now() - began, SHORTEST_GRACE_S), self._asker.left_s)
        await asyncio.wait(tasks, timeout=grace)
        while (
            self._asker.queueing and self._asker.left_s > 0
        ):  # who waits for a turn is no straggler; it is bounded
            await asyncio.wait(tasks, timeout=grace)
        self._actor.collect()

    # -- what is in scope -------------------------------------------------------------------

    def _scoped(self) -> Book:
        assert self._looker.book is not None, "looked before"
        return in_scope(self._looker.book, self.pairs)

    def _in_scope(self, pairs: Iterable[str]) -> set[str]:
        return {pair for pair in pairs if self.pairs is None or pair in self.pairs}

    def _unsettled(self) -> set[str]:
        return self._in_scope(self._looker.unsettled)

    def _position_of(self, pair: str) -> Position | None:
        """What is open of *pair*, as far as it is known: an order of ours may have been answered
        after the last look."""
        positions = self._looker.positions
        if positions is None:
            shown = self._seen.get(pair)
        else:  # newer than the book, where the list of orders was not read with it
            shown = in_scope(Book(positions=positions, orders=None), self.pairs).position(pair)
        return None if shown is None else self._fills.left_of(shown)

    # -- the end ----------------------------------------------------------------------------

    def _note_time(self) -> None:
        if self._deadline.passed:
            self._report.timed_out = True
            self._trail.note(Event.TIMEOUT, "run", in_the_air=sorted(self._actor.in_air))

    async def _clear_leftovers(self) -> None:
        """Stops and exits of positions that are gone. What failed is looked for, and tried again
        while the booking keeps its time."""
        if self._looker.book is None or not self._rules.close or self._deadline.passed:
            return
        found = leftovers(self._scoped()).values()
        orders = [order for of_pair in found for order in of_pair if self._may_clear(order)]
        left = {a.order.order_id: a for a in await self._actor.clear(orders)}
        self._kept_s = BOOKING_NEEDS_S
        while left and (listed := await self._listed_later()) is not None:
            left = {order_id: answer for order_id, answer in left.items() if order_id in listed}
            again = [a.order for a in left.values() if a.may_help and self._may_clear(a.order)]
            if not again:
                break
            for order in again:
                del left[order.order_id]
            left |= {a.order.order_id: a for a in await self._actor.clear(again)}
        self._kept_s = 0.0
        self._report.errors += [
            f"{a.order.pair}: leftover {a.order.role} order {a.order.order_id} not cancelled: "
            f"{a.error}"
            for a in left.values()
        ]

    async def _listed_later(self) -> set[str] | None:
        """The orders that the exchange lists after a pause; ``None`` = not known, or too late."""
        pause_s = self._attempts.next_due() - now()
        if pause_s >= self._asker.left_s:
            return None
        await asyncio.sleep(pause_s)
        return await self._looker.resting_now()

    def _may_clear(self, order: OpenOrder) -> bool:
        """With ``cancel_orders: false`` only a closed position's own stop goes with it."""
        ours = self._rules.cancel_entries or order.role is OrderRole.PROTECTIVE
        return ours and self._attempts.may_cancel(order)

    async def _book_pairs(self) -> dict[str, BookedPair]:
        # A trade whose position is gone has an exit that its database does not know, perhaps.
        expected = self._in_scope(p.pair for p in self._venue.expected_positions())
        expected |= self._in_scope(self._venue.empty_trades())
        pairs = sorted(self._actor.touched | self._seen.keys() | expected)
        booked = await self._book(pairs) if pairs else []
        for entry in booked:
            kind = Event.BOOKING_FAILED if entry.error else Event.BOOKED
            self._trail.note(
                kind,
                "book",
                pair=entry.pair,
                error=entry.error,
                realized_pnl=entry.realized_pnl,
                missing=entry.missing,
                filled=entry.filled,
                average=entry.average,
            )
            if words := entry.error or entry.missing:
                self._report.errors.append(f"{entry.pair}: {words}")
        return {entry.pair: entry for entry in booked}

    async def _book(self, pairs: list[str]) -> list[BookedPair]:
        seconds = self._deadline.left_s
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    return list(await self._venue.book(pairs, timeout_s=seconds))
            except TimeoutError:
                pass  # said for each pair below
            except Exception as error:
                logger.exception("Could not book.")
                words = f"not booked ({unexpected(error)}); the next start books it"
                return [BookedPair(pair=pair, error=words) for pair in pairs]
        return [
            BookedPair(pair=pair, error="not booked in time; the next start books it")
            for pair in pairs
        ]

    def _conclude(self, booked: dict[str, BookedPair]) -> None:
        if self._looker.book is None:
            expected = {p.pair: p for p in self._venue.expected_positions()}
            self._seen |= {pair: expected[pair] for pair in self._in_scope(expected)}
        else:  # a look may have shown more than was in scope before the run was widened
            shown = exposure(self._scoped().positions)
            self._seen |= {pair: p for pair, p in shown.items() if pair not in self._seen}
        self._report.outcomes = self._judge.outcomes(
            self._seen, booked, timed_out=self._report.timed_out
        )
        self._report.orders_cancelled = self._actor.orders_cancelled
        self._report.flat = self._is_proven_flat()
        if not self._report.flat:
            scoped = self._scoped() if self._looker.book else None
            self._report.errors += self._judge.why_not_flat(scoped, self._seen)
        self._report.errors += self._remarks()
        if self._looker.orders_error is not None:
            self._report.errors.append(
                f"the list of open orders could not be read: {self._looker.orders_error}"
            )

    def _remarks(self) -> list[str]:
        if self._looker.book is None or not self._rules.close:
            return []
        remarks = self._venue.remarks()
        return [f"{pair}: {remarks[pair]}" for pair in sorted(self._in_scope(remarks))]

    def _is_proven_flat(self) -> bool:
        if self._stumbled or self._looker.book is None or not self._looker.proven:
            return False
        if self._unsettled():
            return False
        gone = all(o.state in (PairState.CLOSED, PairState.DUST) for o in self._report.outcomes)
        uncertain = any(position.uncertain for position in self._scoped().positions)
        return gone and not uncertain and is_flat(self._scoped(), self._rules)

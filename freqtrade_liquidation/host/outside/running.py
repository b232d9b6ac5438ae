"""The run itself, in a process that is not the bot: turn, latch, close, and then the books."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from freqtrade.constants import Config
from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange
from freqtrade.freqtradebot import FreqtradeBot

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.booker import Booker
from freqtrade_liquidation.host.control import Control, patiently
from freqtrade_liquidation.host.earlier import earlier_closes, read_again, unfinished_run
from freqtrade_liquidation.host.lease import (
    BookDatabase,
    BookUnavailable,
    Claim,
    Lease,
    NotedOrders,
    RunClaims,
)
from freqtrade_liquidation.host.lease.claims import LONGEST_S, MARGIN_S
from freqtrade_liquidation.host.outside.booking import BookLater, book
from freqtrade_liquidation.host.outside.parts import PartMissing, build_bot, read_trades
from freqtrade_liquidation.host.signals import Signals
from freqtrade_liquidation.host.turns import OVERRUN_S, ends_in_time
from freqtrade_liquidation.manager import (
    LiquidationManager,
    LiquidationResult,
    new_correlation_id,
)
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.orders.choosing import OrderManager, order_manager_for
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.trades import KnownTrade, ours
from freqtrade_liquidation.state import LiquidationState
from freqtrade_liquidation.threads import start_thread
from freqtrade_liquidation.trail import Listener

logger = logging.getLogger(__name__)

TURN_WITHIN_S: Final = 65.0
"""Longer than any claim of another process lasts."""
HEARD_OF_TURN_S: Final = 0.5
ASK_AGAIN_S: Final = 0.1
READING_S: Final = 1.0
"""What is ours is read within the turn, before the run's own time begins. Where that takes longer,
the turn is taken anew."""


class OutsideRun:
    """One run, on freqtrade's exchange and database, without its bot.

    :param exchange: live, its own; closed by the caller.
    :param say: for a person, while it goes on.
    """

    def __init__(
        self,
        config: Config,
        settings: LiquidationConfig,
        exchange: Exchange,
        *,
        audit: AuditLog,
        book: BookDatabase,
        say: Callable[[str], None],
    ) -> None:
        self._config = config
        self._settings = settings
        self._exchange = exchange
        self._audit = audit
        self._claims, self._lease = RunClaims(book), Lease(book)
        self._noted_orders, self._gate = NotedOrders(book), EntryGate()
        self._venue: OrderManager | None = None
        self._say = say
        self._id = new_correlation_id(datetime.now(UTC))
        self._signals = Signals(
            on_held=self._on_signal,
            on_third=self._on_third_signal,
            has_begun=lambda: self._ends_at > 0,
        )
        self._claimed_at: float | None = None
        self._ends_at = 0.0
        self._trades: tuple[KnownTrade, ...] = ()
        self._bot: FreqtradeBot | None = None
        self._closing = True
        self._manager: LiquidationManager | None = None

    @property
    def _dry_run(self) -> bool:
        return bool(self._config["dry_run"])

    def execute(self, request: Request, *, books: bool, listener: Listener) -> LiquidationResult:
        """Runs *request* to its end; from its first request on, a signal does not abort it.

        :param books: into freqtrade's database; else the bot, or its next start, does.
        :raises LiquidationError: if it cannot be begun.
        """
        self._signals.install()
        with self._signals.held():
            self._take_turn(request)
            try:
                self._read_what_is_ours()
            except LiquidationError:
                self._release(flat=None, booked=None)
                raise
            self._latch(request)
            self._begin(request)
            result = self._run(request, listener, books=books)
            if self._dry_run:  # its positions live in the database alone: the run booked there
                self._give_back(result, booked=True)
                return result
            books = books and not self._a_bot_has_come()
            self._give_back(result, booked=None if books else False)
            if books:
                self._closing = False
                result, booked = book(self._config, self._audit, result, say=self._say)
                self._give_back(result, booked=booked)
            self._end_notes(request, result)
        return result

    def _read_what_is_ours(self) -> None:
        """Only once it is our turn: before it, another run may close, and book what it closed.

        :raises LiquidationError: if it cannot be read where it must be known.
        """
        self._trades = self._read_trades()
        self._take_in_notes()
        if self._dry_run:
            self._bot = build_bot(self._config, self._whitelist())

    def _read_trades(self) -> tuple[KnownTrade, ...]:
        """freqtrade's open trades. On a futures account the exchange knows what is open, too.

        :raises PartMissing: if they cannot be read where nothing else says what is the bot's.
        """
        try:
            return read_trades(self._config)
        except PartMissing as error:
            futures = self._exchange.trading_mode == TradingMode.FUTURES and not self._dry_run
            if not futures or self._settings.scope != "account":
                raise
            self._say(f"{error}. Closing what the exchange shows.")
            return ()

    def _take_in_notes(self) -> None:
        """Orders of the bot's whose answer was lost: what it knew of them ended with it.

        :raises BookUnavailable: if they cannot be read where coins of the user's may be sold for
            them.
        """
        if self._dry_run:
            return
        try:
            self._gate.take_in(
                patiently(lambda: self._noted_orders.read(self._exchange.markets.keys()))
            )
        except BookUnavailable as error:
            if self._exchange.trading_mode == TradingMode.SPOT or self._settings.scope == "trades":
                raise
            self._say(f"Which orders of the bot are in the air cannot be read: {error}.")
        self._gate.keeper = self._noted_orders

    def _end_notes(self, request: Request, result: LiquidationResult) -> None:
        """Those that the next run, or the bot's next start, need not look for."""
        venue = self._venue
        if venue is not None:
            asyncio.run(
                venue.end_notes(lambda pair: request.includes(pair) and result.shows_closed(pair))
            )

    def _take_turn(self, request: Request) -> None:
        """Waits for another process's run.

        While the database cannot be written, a run has no claim: where two would sell the user's
        own, one that began before this one is waited for as long as a run may last.
        """
        run_s = self._settings.timeout_seconds + OVERRUN_S + MARGIN_S
        self._wait_for_turn(request, unclaimed_s=run_s if self._shares_the_account else 0.0)
        until, told = time.monotonic() + run_s, False
        while (under_way := self._unclaimed_run(run_s)) and time.monotonic() < until:
            if not told:
                self._say(f"Liquidation {under_way} is under way without a turn: waiting.")
            told = True
            time.sleep(ASK_AGAIN_S)

    def _wait_for_turn(self, request: Request, *, unclaimed_s: float) -> None:
        """Takes the turn, or goes on without it when its time is over.

        :param unclaimed_s: how long to insist where the database does not say whose turn it is.
        """
        began = time.monotonic()
        told = False
        while True:
            now = time.monotonic()
            words = "The database is busy, and another run may be under way: waiting."
            try:
                if self._acquire(request, wait_s=HEARD_OF_TURN_S):
                    return
                claim = self._claims.under_way()
            except BookUnavailable as error:
                claim = self._anothers_turn()
                if claim is None and now >= began + unclaimed_s:
                    self._say(
                        f"The database does not say whose turn it is ({error}): going on without."
                    )
                    return
            if claim is not None:
                words = f"Liquidation {claim.correlation_id} runs on {claim.host}: waiting."
            if not told:
                told = True
                self._say(words)
            if now > began + TURN_WITHIN_S:
                self._say("No turn in time: going on without.")
                return
            time.sleep(ASK_AGAIN_S)

    def _acquire(self, request: Request, *, wait_s: float = 0.0) -> bool:
        """For a whole run from now on, and for the reading before it."""
        for_s = self._settings.timeout_seconds + OVERRUN_S + READING_S
        taken = self._claims.acquire(self._id, for_s=for_s, pairs=request.pairs, wait_s=wait_s)
        if taken:
            self._claimed_at = time.monotonic()
        return taken

    def _begin(self, request: Request) -> None:
        """The run's time begins. The turn, if it is ours, lasts as long."""
        if self._claimed_at is not None and time.monotonic() - self._claimed_at > READING_S:
            with contextlib.suppress(BookUnavailable):  # it stands for most of the run
                self._acquire(request)
        now = time.monotonic()
        longest_s = LONGEST_S - OVERRUN_S - (now - (self._claimed_at or now))
        self._ends_at = now + min(self._settings.timeout_seconds, longest_s)

    def _anothers_turn(self) -> Claim | None:
        """Where the database cannot be written, it may still be read."""
        try:
            return self._claims.under_way() if self._shares_the_account else None
        except BookUnavailable:
            return None

    @property
    def _shares_the_account(self) -> bool:
        """Live, on spot or in scope "trades": two runs may sell what is the user's own."""
        is_spot = self._exchange.trading_mode == TradingMode.SPOT
        return not self._dry_run and (is_spot or self._settings.scope == "trades")

    def _unclaimed_run(self, lasts_s: float) -> str | None:
        """A run that could not take its turn, and so is in the audit trail alone."""
        if not self._shares_the_account:
            return None
        try:
            return unfinished_run(self._audit, lasts=timedelta(seconds=lasts_s))
        except AuditUnreadable:
            return None  # then the exchange is asked what is sold

    def _latch(self, request: Request) -> None:
        """Before the first look: a bot that wakes up meanwhile must find it."""
        if request.pairs is not None:
            return
        try:
            Control(self._audit).latch(
                by=f"cli {request.actor or ''}".strip() + f" ({self._id})", correlation_id=self._id
            )
        except LiquidationError as error:
            self._say(f"NOT LATCHED, a bot that starts will trade again: {error}")

    def _give_back(self, result: LiquidationResult, *, booked: bool | None) -> None:
        self._release(flat=result.success, booked=booked)

    def _release(self, *, flat: bool | None, booked: bool | None) -> None:
        try:
            self._claims.release(self._id, flat=flat, booked=booked)
        except BookUnavailable as error:  # it expires by itself
            logger.warning("The turn was not given back: %s", error)

    def _a_bot_has_come(self) -> bool:
        """Started while we closed, as by a supervisor: two that book are one too many."""
        try:
            sight = self._lease.look()
        except BookUnavailable:
            return True
        if sight is None or not sight.is_fresh:
            return False
        self._say(f"The bot on {sight.host} has started meanwhile: it books.")
        return True

    # -- the run ------------------------------------------------------------------------------

    def _run(self, request: Request, listener: Listener, *, books: bool) -> LiquidationResult:
        """In a thread of its own, so that nothing it does can hold up the end."""
        box: list[LiquidationResult] = []

        def work() -> None:
            try:
                box.append(asyncio.run(self._carry_out(request, listener, books=books)))
            except Exception:
                logger.exception("Liquidation broke off.")

        thread = start_thread(work, name="run")
        if thread is None:
            work()
            return box[0] if box else self._broken(alive=False)

        def is_over(timeout_s: float) -> bool:
            thread.join(timeout_s)
            return not thread.is_alive()

        alive = not ends_in_time(is_over, self._ends_at + OVERRUN_S)
        reached = None if self._manager is None else self._manager.reached
        return box[0] if box else reached or self._broken(alive=alive)

    def _whitelist(self) -> Sequence[str]:
        return [trade.pair for trade in ours(self._trades)] or list(self._exchange.markets)[:1]

    async def _carry_out(
        self, request: Request, listener: Listener, *, books: bool
    ) -> LiquidationResult:
        exchange = self._exchange if self._bot is None else self._bot.exchange
        wire = ExchangeClient(exchange, orders=len(self._trades))
        venue = self._venue = order_manager_for(
            exchange,
            wire,
            self._trades,
            gate=self._gate,
            account_scope=self._settings.scope == "account",
        )
        if self._bot is None:
            venue.booker = BookLater(by_us=books)
        else:
            venue.booker = Booker(self._bot, wire, venue)
        manager = self._manager = LiquidationManager(self._settings, venue, self._audit, logger)
        try:
            if self._bot is None:
                shared = venue.shares_the_account
                earlier = await earlier_closes(
                    self._audit,
                    wire,
                    venue.trades,
                    noted=self._gate.noted_since(),
                    shared=shared,
                    read_again=partial(read_again, self._config, venue.know),
                )
                venue.take_over(earlier)
            return await manager.execute_liquidation(
                request=request,
                correlation_id=self._id,
                listener=listener,
                timeout_s=self._ends_at - time.monotonic(),
            )
        finally:
            wire.close()

    def _broken(self, *, alive: bool) -> LiquidationResult:
        words = "the run did not end in time" if alive else "the run broke off"
        return LiquidationResult(
            state=LiquidationState.FAILED,
            correlation_id=self._id,
            positions_failed=len(ours(self._trades)),
            errors=(f"{words}; treat every position as open",),
        )

    # -- signals ------------------------------------------------------------------------------

    def _on_signal(self) -> None:
        if not self._closing:
            self._say("Closing is over; a third signal ends the booking, then the bot does it.")
            return
        pairs = sorted({trade.pair for trade in ours(self._trades)})
        self._say(messages.second_signal(pairs, max(0.0, self._ends_at - time.monotonic())))

    def _on_third_signal(self) -> None:
        if not self._closing:
            return
        self._audit.record(
            [
                AuditEvent(
                    event_type=AuditEventType.ABANDONED,
                    operation="run",
                    correlation_id=self._id,
                    trigger="cli",
                    additional_data={"signals": self._signals.received},
                )
            ]
        )

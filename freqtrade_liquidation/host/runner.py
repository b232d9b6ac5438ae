"""One turn carried out on the bot of now: its exchange, its trades, its database."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.host.booker import Booker
from freqtrade_liquidation.host.earlier import (
    FOUND_WITHIN_S,
    earlier_closes,
    read_again,
    without_booked,
)
from freqtrade_liquidation.host.notifier import Message, Notifier
from freqtrade_liquidation.host.turns import Turn
from freqtrade_liquidation.manager import LiquidationManager, LiquidationResult
from freqtrade_liquidation.orders.choosing import OrderManager, order_manager_for
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.executions import Close, Earlier, still_unbooked
from freqtrade_liquidation.orders.trades import KnownTrade, open_trades_in_time, ours
from freqtrade_liquidation.threads import in_thread

if TYPE_CHECKING:
    from freqtrade_liquidation.host.bot import LiquidatingBot

logger = logging.getLogger(__name__)


class LoopOf:
    """freqtrade's loop, waited for without holding up the run's own."""

    def __init__(
        self,
        turn: Turn,
        exit_lock: threading.Lock,
        read_trades: Callable[[], tuple[KnownTrade, ...]],
    ) -> None:
        self._turn = turn
        self._exit_lock = exit_lock
        self._read_trades = read_trades

    @property
    def is_quiet(self) -> bool:
        """See :class:`~freqtrade_liquidation.orders.base.BotLoop`."""
        return self._turn.has_lock

    async def lets_go(self, *, timeout_s: float) -> Sequence[KnownTrade] | None:
        """See :class:`~freqtrade_liquidation.orders.base.BotLoop`."""
        if self._turn.has_lock or timeout_s <= 0:
            return None
        took = await in_thread(
            lambda: self._turn.take(self._exit_lock, within_s=timeout_s), name="lock"
        )
        if not took:
            logger.warning("freqtrade's loop is busy: what it does now is not part of this run.")
            return None
        return self._read_trades()


class Runner:
    """Builds what one run needs, and keeps what the next one must know."""

    def __init__(self, door: EntryGate, notifier: Notifier) -> None:
        self._door = door
        self._notifier = notifier
        self._earlier_closes: list[Close] = []
        self._read: tuple[KnownTrade, ...] = ()

    @property
    def trades(self) -> tuple[KnownTrade, ...]:
        """The bot's own open trades, as last read."""
        return ours(self._read)

    def read_trades(self, bot: "LiquidatingBot") -> tuple[KnownTrade, ...]:
        """The open trades in freqtrade's database, those that are left alone, too; where it is
        slow, those of the last time."""
        self._read, unread = open_trades_in_time(bot.config, self._read)
        if unread is not None:
            logger.warning("Trades not readable, using the last known: %s", unread)
        return self._read

    async def run(
        self, turn: Turn, bot: "LiquidatingBot", audit: AuditLog, config: LiquidationConfig
    ) -> LiquidationResult:
        """Runs *turn*; its deadline stands."""
        assert turn.ends_at is not None, "begun"
        trades = self.read_trades(bot)
        wire = ExchangeClient(bot.exchange, orders=len(self.trades))
        venue = order_manager_for(
            bot.exchange,
            wire,
            trades,
            gate=self._door,
            account_scope=config.scope == "account",
            seen=bot.round_trips,
        )
        booker = Booker(bot, wire, venue)
        venue.booker = booker
        venue.loop = LoopOf(turn, bot._exit_lock, partial(self.read_trades, bot))
        manager = LiquidationManager(config, venue, audit, logger)
        turn.manager, turn.loop = manager, asyncio.get_running_loop()
        try:
            left_s = turn.ends_at - time.monotonic()
            venue.take_over(await self._sold_before(bot, venue, wire, audit, left_s))
            # From here on, for the next run must know of them even if this one hangs.
            self._earlier_closes = venue.executions.closes
            result = await manager.execute_liquidation(
                request=turn.request,
                correlation_id=turn.correlation_id,
                listener=turn.hear,
                timeout_s=turn.ends_at - time.monotonic(),
            )
            await venue.end_notes(
                lambda pair: turn.request.includes(pair) and result.shows_closed(pair)
            )
            return result
        finally:
            turn.loop = None
            self._read = (*venue.trades, *venue.ownership.left_alone)
            wire.close()
            for message in booker.messages:
                self._notifier.send(Message(raw=message))

    async def _sold_before(
        self,
        bot: "LiquidatingBot",
        venue: OrderManager,
        wire: ExchangeClient,
        audit: AuditLog,
        left_s: float,
    ) -> Earlier:
        """Closing orders that freqtrade's trades do not know of.

        On spot, and in scope "trades", those of other processes, too (the one before, killed before
        it had booked; a command): nothing on the exchange shows that what is there is not the bot's
        any more. The trades that the run knows may be older than what is booked: they are read
        again.
        """

        def know(trades: tuple[KnownTrade, ...]) -> None:
            self._read = trades
            venue.know(trades)

        noted, again = self._door.noted_since(), partial(read_again, bot.config, know)
        if venue.shares_the_account:
            return await earlier_closes(
                audit,
                wire,
                venue.trades,
                noted=noted,
                known=self._earlier_closes,
                within_s=min(FOUND_WITHIN_S, left_s / 3),
                read_again=again,
            )
        unbooked = still_unbooked(self._earlier_closes, venue.trades, noted)
        return Earlier(closes=await without_booked(unbooked, read_again=again))

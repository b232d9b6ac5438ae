"""Booking as the run calls it: ask for the facts side by side, then let freqtrade write."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from freqtrade.freqtradebot import FreqtradeBot

from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.host.bookkeeping import Bookkeeper
from freqtrade_liquidation.host.facts import FactFinder
from freqtrade_liquidation.model import BookedPair
from freqtrade_liquidation.orders.choosing import OrderManager
from freqtrade_liquidation.threads import in_thread

WRITING_NEEDS_S: Final = 0.5
"""freqtrade's own code writes the trades within this."""


class Booker:
    """Books a run of *venue*'s deeds for *bot*.

    :ivar messages: what freqtrade would have sent for the exits, for the notifier to deliver.
    """

    def __init__(self, bot: FreqtradeBot, wire: ExchangeClient, venue: OrderManager) -> None:
        self._bot = bot
        self._venue = venue
        self._finder = FactFinder(bot.exchange, wire, venue)
        self._turn = asyncio.Lock()
        self.messages: list[dict[str, Any]] = []

    async def book(
        self, pairs: Sequence[str], *, timeout_s: float, while_closing: bool = False
    ) -> list[BookedPair]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`.

        Facts may take all the time but what writing needs: what is not there then is booked
        without, and said.
        """
        facts = await self._finder.gather(
            pairs,
            self._venue.trades,
            timeout_s=max(timeout_s / 2, timeout_s - WRITING_NEEDS_S),
            while_closing=while_closing,
        )
        bookkeeper = Bookkeeper(self._bot, self._venue, facts)
        async with self._turn:  # pairs that are done are booked while others close
            try:
                return await in_thread(lambda: bookkeeper.book(pairs), name="booking")
            finally:
                self.messages += bookkeeper.outbox.messages

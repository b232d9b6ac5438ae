"""Booking what a run closed and could not book: at the next start, or later in the bot's loop.

The audit trail says what was sent; the exchange, asked order by order, what became of it; and
:mod:`.bookkeeping` books as a run does. Each order once, whoever tries how often: freqtrade's own
table of orders is the memory.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from freqtrade.exceptions import FreqtradeException
from freqtrade.persistence import Order, Trade
from sqlalchemy import select

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.errors import LiquidationError, unexpected
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.host.bookkeeping import EXIT_REASON, Bookkeeper
from freqtrade_liquidation.host.facts import FactFinder, Facts
from freqtrade_liquidation.host.sent import (
    INTENTS,
    Sent,
    TrailMakesNoSense,
    find,
    find_put_back,
    find_stop,
    known_closes,
    sent_by,
)
from freqtrade_liquidation.model import BookedPair, OpenOrder, OrderRole
from freqtrade_liquidation.orders.choosing import OrderManager, order_manager_for
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.executions import filled_by
from freqtrade_liquidation.orders.trades import KnownTrade, open_trades, ours
from freqtrade_liquidation.threads import bounded

if TYPE_CHECKING:
    from freqtrade.freqtradebot import FreqtradeBot

RETRY_AFTER_S: Final = 30.0
"""A pair that could not be booked is left alone this long, however often we are called."""
ASK_WITHIN_S: Final = 20.0
TURN_WITHIN_S: Final = 5.0
"""freqtrade's own exits hold the lock; whoever waits longer comes again."""
GONE_BELOW: Final = 0.98
"""Of a trade's amount: with less than that, freqtrade takes a position for gone, too.
Source: freqtrade ``handle_onexchange_order``."""

Key = tuple[str, str]
logger = logging.getLogger(__name__)


Send = Callable[[Any], object]


def repair(bot: "FreqtradeBot", audit: AuditLog, *, send: Send | None = None) -> list[str]:
    """Books what runs that are over have closed and not booked. Call it as often as you like.

    Not while a run of this process is under way, and not with freqtrade's exit lock held. With
    nothing to do it costs one read of one row. A dry-run's orders died with their process.

    :param send: takes freqtrade's own messages; ``None`` = they are sent before we return.
    :returns: the pairs for which something was booked now.
    :raises AuditUnreadable: if the audit trail cannot be read.
    """
    if bot.config["dry_run"]:
        return []
    global _repairer  # noqa: PLW0603 - one an audit log, so that nothing is said twice
    if _repairer is None or _repairer.audit is not audit:
        _repairer = Repairer(audit)
    return _repairer.repair(bot, send)


class Repairer:
    """Remembers what is settled, and what was already said."""

    def __init__(self, audit: AuditLog) -> None:
        self.audit = audit
        self._settled_up_to = -1
        self._not_before: dict[Key, float] = {}
        self._told: set[tuple[Key, str]] = set()
        self._senseless: set[str] = set()

    def repair(self, bot: "FreqtradeBot", send: Send | None = None) -> list[str]:
        """See :func:`repair`."""
        self.audit.import_fallback()
        keys = self._due()
        if not keys:
            return []
        runs = {run: self._sent_by(run) for run in {run for run, _ in keys}}
        sent = [runs[run][pair] for run, pair in keys if pair in runs[run]]
        if not sent:
            return []
        return _Repair(bot, self, sent, send or bot.rpc.send_msg).execute()

    def _sent_by(self, correlation_id: str) -> dict[str, Sent]:
        """What one run sent; nothing if its trail makes no sense, which is told once."""
        try:
            return sent_by(self.audit, correlation_id)
        except TrailMakesNoSense as error:
            if correlation_id not in self._senseless:
                self._senseless.add(correlation_id)
                logger.warning("Not booked after liquidation %s: %s", correlation_id, error)
            return {}

    def _due(self) -> list[Key]:
        head = self.audit.last_sequence()
        if head is not None and head == self._settled_up_to:
            return []
        keys = self.audit.unsettled(INTENTS, AuditEventType.BOOKED)
        if not keys:
            self._settled_up_to = -1 if head is None else head
            return []
        under_way = {run["correlation_id"] for run in self.audit.unfinished_runs()}
        now = time.monotonic()
        return [k for k in keys if k[0] not in under_way and self._not_before.get(k, 0.0) <= now]

    def settled(self, sent: Sent, booked: BookedPair, order_ids: Sequence[str]) -> None:
        """It is in freqtrade's database, whether we or somebody before us booked it."""
        filled, average = filled_by(sent.closes)
        self._record(
            sent,
            AuditEventType.BOOKED,
            realized_pnl=booked.realized_pnl,
            missing=booked.missing,
            filled=filled,
            average=average,
            repaired=list(order_ids),
        )

    def put_off(self, sent: Sent, kind: str, words: str) -> None:
        """Not booked. Said and recorded once for each *kind* of reason, and tried again."""
        key = (sent.correlation_id, sent.pair)
        self._not_before[key] = time.monotonic() + RETRY_AFTER_S
        if (key, kind) in self._told:
            return
        self._told.add((key, kind))
        logger.warning(
            "%s is NOT booked after liquidation %s: %s", sent.pair, sent.correlation_id, words
        )
        self._record(sent, AuditEventType.BOOKING_FAILED, error=words, realized_pnl=None)

    def intend_cancel(self, sent: Sent, order_id: str) -> None:
        """Before a stop that is left over is cancelled."""
        order = {"pair": sent.pair, "order_id": order_id, "role": str(OrderRole.PROTECTIVE)}
        self._record(sent, AuditEventType.CANCEL_INTENDED, operation="cancel", orders=[order])

    def _record(
        self,
        sent: Sent,
        kind: AuditEventType,
        *,
        operation: str = "book",
        error: str | None = None,
        **data: Any,
    ) -> None:
        self.audit.record(
            [
                AuditEvent(
                    event_type=kind,
                    operation=operation,
                    correlation_id=sent.correlation_id,
                    trigger=sent.trigger,
                    pair=sent.pair,
                    error=error,
                    additional_data=data,
                )
            ]
        )


_repairer: Repairer | None = None


class _Repair:
    """One attempt at everything that is due."""

    def __init__(
        self, bot: "FreqtradeBot", repairer: Repairer, sent: Sequence[Sent], send: Send
    ) -> None:
        self._bot = bot
        self._send = send
        self._repairer = repairer
        self._sent = list(sent)
        self._trades: tuple[KnownTrade, ...] = ()

    def execute(self) -> list[str]:
        """:returns: the pairs for which something was booked now."""
        Trade.commit()  # no transaction of ours hides what other threads have written
        self._trades = ours(open_trades(self._bot.config))
        try:
            venue, facts = bounded(
                lambda: asyncio.run(self._ask()), timeout_s=ASK_WITHIN_S, name="repair"
            )
        except TimeoutError:
            self._put_off_all("the exchange does not answer; it is asked again")
            return []
        if not self._bot._exit_lock.acquire(timeout=TURN_WITHIN_S):
            self._put_off_all("freqtrade is busy with an exit; it is tried again")
            return []
        bookkeeper = Bookkeeper(self._bot, venue, facts)
        pairs = sorted({sent.pair for sent in self._sent})
        try:
            booked = {entry.pair: entry for entry in bookkeeper.book(pairs)}
        finally:
            self._bot._exit_lock.release()
        # What asks the exchange comes without the lock: freqtrade's loop would wait for it.
        self._clear_stops(pairs)
        self._bot.wallets.update()
        self._settle(bookkeeper, booked)
        return [pair for pair in pairs if bookkeeper.booked.get(pair)]

    def _put_off_all(self, words: str) -> None:
        for sent in self._sent:
            self._repairer.put_off(sent, "unanswered", words)

    # -- asking -------------------------------------------------------------------------------

    async def _ask(self) -> tuple[OrderManager, Facts]:
        wire = ExchangeClient(self._bot.exchange)
        try:
            venue = order_manager_for(self._bot.exchange, wire, self._trades, gate=EntryGate())
            await asyncio.gather(*(self._find(wire, venue, sent) for sent in self._sent))
            venue.executions.closes = known_closes(self._sent)
            trades = [trade for trade in self._trades if self._is_meant(trade)]
            finder = FactFinder(self._bot.exchange, wire, venue)
            pairs = {sent.pair for sent in self._sent}
            return venue, await finder.gather(pairs, trades, timeout_s=ASK_WITHIN_S / 4)
        finally:
            wire.close()

    async def _find(self, wire: ExchangeClient, venue: OrderManager, sent: Sent) -> None:
        """What became of all that was sent. What is in doubt is left for the next time."""
        answers = await asyncio.gather(
            *(find(wire, sent, close) for close in sent.closes if not close.refused)
        )
        doubts = [words for words in answers if words is not None]
        for trade in self._trades:
            if trade.pair == sent.pair and (words := await find_put_back(wire, sent, trade)):
                doubts.append(words)
        try:
            for order_id, stop in sent.stops.items():
                raw = await find_stop(wire, sent.pair, order_id)
                if raw is not None:
                    self._note_stop(venue, sent, stop, raw)
        except LiquidationError as error:
            doubts.append(f"the exchange does not show the stop that was put back ({error})")
        if doubts:
            sent.doubt = f"{doubts[0]}. It is asked again; until then the trade may look open"

    def _note_stop(
        self, venue: OrderManager, sent: Sent, stop: dict[str, Any], raw: dict[str, Any]
    ) -> None:
        trade = next((trade for trade in self._trades if trade.pair == sent.pair), None)
        if trade is None:
            return
        order = OpenOrder(
            pair=sent.pair,
            order_id=str(raw["id"]),
            role=OrderRole.PROTECTIVE,
            side=raw["side"],
            amount=stop["amount"],
            stop_price=stop["stop_price"],
            trade_id=trade.trade_id,
        )
        venue.executions.stops_put_back.append((order, raw, stop["amount"]))

    def _is_meant(self, trade: KnownTrade) -> bool:
        """Not a trade that was opened after it all."""
        slack = timedelta(minutes=1)
        return any(
            close.order.pair == trade.pair and trade.opened_at - slack <= close.sent_at
            for sent in self._sent
            for close in sent.closes
        ) or any(sent.pair == trade.pair and not sent.closes for sent in self._sent)

    # -- booking ------------------------------------------------------------------------------

    def _settle(self, bookkeeper: Bookkeeper, booked: Mapping[str, BookedPair]) -> None:
        for sent in self._sent:
            try:
                self._settle_one(sent, booked[sent.pair], bookkeeper.booked.get(sent.pair, []))
            except Exception as error:
                logger.exception("Could not settle %s.", sent.pair)
                Trade.rollback()
                words = f"its rows cannot be read ({unexpected(error)}): look the trade up"
                self._repairer.put_off(sent, "failed", words)
        for message in bookkeeper.outbox.messages:
            self._send(message)

    def _settle_one(self, sent: Sent, entry: BookedPair, new: Collection[str]) -> None:
        if entry.error is not None:
            self._repairer.put_off(sent, "failed", entry.error)
        elif sent.doubt is not None:
            self._repairer.put_off(sent, "unanswered", sent.doubt)
        elif (words := self._unexplained(sent)) is not None:
            self._repairer.put_off(sent, "gone", words)
        else:
            own = _order_ids(sent)
            entry = replace(entry, realized_pnl=self._profit_of(sent, entry))
            self._repairer.settled(sent, entry, [key for key in new if key in own])

    def _profit_of(self, sent: Sent, entry: BookedPair) -> float | None:
        """Stake currency. The profit of a trade that several runs have closed is the last one's, so
        that it stands in the audit trail once."""
        known = [Order.order_id.in_(_order_ids(sent)), Order.ft_pair == sent.pair]
        rows = Trade.session.scalars(select(Order).where(*known)).all()
        trades: dict[int, Any] = {row.trade.id: row.trade for row in rows if row.trade}
        if not trades:
            alone = sum(one.pair == sent.pair for one in self._sent) == 1
            return entry.realized_pnl if alone else None
        ended = [trade for trade in trades.values() if _is_ended_by(trade, sent)]
        if not ended or any(trade.is_open for trade in ended):
            return None
        return sum(trade.close_profit_abs or 0.0 for trade in ended)

    def _clear_stops(self, pairs: Sequence[str]) -> None:
        """Stops of trades that are closed now: a run clears them last, and may not have come to it.

        By freqtrade's own way, which notes the cancel. One that fails is for a person: reduce-only
        or not, it must not meet a later position.
        """
        for pair in pairs:
            try:
                self._clear_stops_of(pair)
            except Exception:
                logger.exception(
                    "The rows of %s cannot be read: look whether a stop of it is left over.", pair
                )
                Trade.rollback()

    def _clear_stops_of(self, pair: str) -> None:
        open_stop = [Order.ft_order_side == "stoploss", Order.ft_is_open.is_(True)]
        stops = Trade.session.scalars(select(Order).where(Order.ft_pair == pair, *open_stop))
        for stop in stops.all():
            if stop.trade is None or stop.trade.is_open:
                continue
            sent = next(sent for sent in self._sent if sent.pair == stop.ft_pair)
            self._repairer.intend_cancel(sent, stop.order_id)
            try:
                self._bot.cancel_stoploss_on_exchange(stop.trade)  # type: ignore[arg-type]
            except FreqtradeException as error:
                logger.warning(
                    "Stop %s of %s is left over and was not cancelled, cancel it by hand: %s",
                    stop.order_id, stop.ft_pair, error,
                )  # fmt: skip
        Trade.commit()

    def _unexplained(self, sent: Sent) -> str | None:
        """A position that is gone, by none of the orders that the exchange knows."""
        if not sent.unknown:
            return None
        for trade in ours(open_trades(self._bot.config)):
            mine = trade.pair == sent.pair and self._is_meant(trade)
            owned = self._bot.wallets.get_owned(trade.pair, trade.base_currency)
            if mine and trade.amount > 0 and owned < trade.amount * GONE_BELOW:
                return (
                    f"its position is gone, but the exchange does not know order "
                    f"{', '.join(sent.unknown)}. Look the pair up in the exchange's order "
                    f"history; /reload_trade {trade.trade_id} takes in what is found there"
                )
        return None


def _order_ids(sent: Sent) -> set[str]:
    return {str(close.answer["id"]) for close in sent.closes if close.answer is not None}


def _is_ended_by(trade: Any, sent: Sent) -> bool:
    """Whether the last closing order of ours in *trade* is of *sent*."""
    ours = [order for order in trade.orders if order.ft_order_tag == EXIT_REASON]
    return not ours or max(ours, key=lambda order: order.id).order_id in _order_ids(sent)

"""Booking: freqtrade's own code writes its trades, with an exchange that answers from memory.

``update_trade_state`` asks the exchange for fills, balances and stops, one after the other: with
forty trades that takes far longer than the deadline. So we ask all of it side by side and once
(:mod:`.facts`), and then let freqtrade book on a copy of the bot whose exchange knows the answers
and whose ``fetch`` cannot reach the network. What it still lacks stays for the next start.
"""

import contextlib
import copy
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

import ccxt
from freqtrade.constants import CANCEL_REASON
from freqtrade.enums import ExitType
from freqtrade.exchange import Exchange
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Order, Trade
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from freqtrade_liquidation.exchange.line import bare_copy
from freqtrade_liquidation.exchange.shape import is_number
from freqtrade_liquidation.host.close_parts import ClosePart, new_parts
from freqtrade_liquidation.host.facts import Facts
from freqtrade_liquidation.model import BookedPair, Side
from freqtrade_liquidation.orders.choosing import OrderManager
from freqtrade_liquidation.orders.executions import FINAL_STATUSES, Close, filled_by

EXIT_REASON: Final = "emergency_liquidation"
"""freqtrade's ``liquidation`` means a margin call: never mix the two."""

CLOCKS_DIFFER: Final = timedelta(seconds=1)
"""An entry order's time is the exchange's, a closing order's is ours."""

logger = logging.getLogger(__name__)


class Outbox:
    """Keeps freqtrade's messages for later: channels are slow, and the run does not wait."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send_msg(self, message: dict[str, Any]) -> None:
        """As ``RPCManager.send_msg``."""
        self.messages.append(message)


def _offline(exchange: Exchange, facts: Facts) -> Exchange:
    """A copy of *exchange* that answers from *facts* and never from the wire."""
    offline: Any = bare_copy(exchange)
    api: Any = copy.copy(exchange._api)
    api.session = None  # the copy's destructor would close freqtrade's own
    api.enableRateLimit = False

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise ccxt.ExchangeNotAvailable("not asked while booking; the next start will")

    api.fetch = refuse
    offline._api = api

    def fills_of(
        order_id: str, pair: str, since: Any, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        return facts.fills.get(order_id, [])

    offline.get_trades_for_order = fills_of
    return offline  # type: ignore[no-any-return]


def _reconnect() -> None:
    """A server that was restarted in the run has left freqtrade's pool with dead connections. The
    first to meet one replaces them all, and fails for it: let that be nobody's booking."""
    try:
        Trade.session.execute(text("SELECT 1"))
    except OperationalError as error:
        logger.warning("The database's connection was lost: %s", _first_line(error))
        Trade.rollback()


@contextlib.contextmanager
def _one_transaction() -> Iterator[None]:
    """freqtrade commits in the middle of what it books. Were it to stumble after that, the order's
    row would stand there half written, and the next start would take it for booked."""
    session: Any = Trade.session()  # of this thread alone
    session.commit = session.flush
    try:
        yield
    finally:
        del session.commit
    Trade.commit()


class Bookkeeper:
    """Books closing orders into freqtrade's database, each once, whoever tries how often.

    Use it in one thread, with its own session.

    :ivar booked: the closing orders that it has booked, by pair.
    """

    def __init__(self, bot: FreqtradeBot, venue: OrderManager, facts: Facts) -> None:
        self._facts = facts
        self._venue = venue
        self.outbox = Outbox()
        self.booked: dict[str, list[str]] = {}
        scribe: Any = copy.copy(bot)
        scribe.exchange = _offline(bot.exchange, facts)
        scribe.rpc = self.outbox
        scribe.wallets = copy.copy(bot.wallets)
        scribe.wallets.update = lambda require_update=True: None
        scribe.cancel_stoploss_on_exchange = lambda trade, allow_nonblocking=False: trade
        self._scribe = scribe

    def book(self, pairs: Collection[str]) -> list[BookedPair]:
        """Books *pairs*; one that fails leaves the others untouched."""
        try:
            _reconnect()
            return [self._book_pair(pair) for pair in pairs]
        finally:
            Trade.session.remove()

    def _book_pair(self, pair: str) -> BookedPair:
        closes = [
            c for c in self._venue.executions.closes if c.order.pair == pair and not c.refused
        ]
        own = [close for close in closes if not close.is_earlier]
        filled, average = filled_by(own)
        try:
            closed = list(self._in_closed_trades(closes))
            profits = [_profit(trade) for trade in closed]
            trades = self._trades_of(pair)
            if not trades and not profits:
                return BookedPair(
                    pair=pair,
                    realized_pnl=self._untracked_pnl(own),
                    error=self._why_unbooked(closes),
                    filled=filled,
                    average=average,
                )
            if trades:
                rate = self._rate(closes, trades[0])
                self._scribe.exchange.get_rate = lambda *args, **kwargs: rate
            parts = new_parts(closes, {row.order_id for row in _rows_of(closes)})
            profits += [self._book_trade(trade, closes, parts) for trade in trades]
            if any(part.is_over for part in parts):
                profits = [self._untracked_pnl(closes)]
        except Exception as error:
            logger.exception("Could not book %s.", pair)
            Trade.rollback()
            return BookedPair(
                pair=pair,
                error=f"not booked ({_first_line(error)}); the next start books it",
            )
        known = [profit for profit in profits if profit is not None]
        is_anothers = bool(closes) and not own
        if is_closed := len(known) == len(profits):  # then one without an answer has filled nothing
            closes = [close for close in closes if close.answer is not None]
            filled, average = filled_by([close for close in own if close.answer is not None])
        return BookedPair(
            pair=pair,
            realized_pnl=sum(known) if is_closed and not is_anothers else None,
            error=self._why_unbooked(closes),
            missing=self._what_is_missing(pair, closes),
            filled=filled,
            average=average,
            closed_meanwhile=any(
                trade.close_date_utc is not None and trade.close_date_utc >= self._venue.began_at
                for trade in [*closed, *trades]
            ),
        )

    def _trades_of(self, pair: str) -> list[Trade]:
        """The bot's own open ones: another exchange may have a trade of the same name."""
        left_alone = [trade.trade_id for trade in self._venue.ownership.left_alone]
        conditions = [Trade.is_open.is_(True), Trade.pair == pair, Trade.id.not_in(left_alone)]
        return list(Trade.get_trades(conditions).all())

    @staticmethod
    def _why_unbooked(closes: Sequence[Close]) -> str | None:
        if any(close.answer is None or not close.is_final for close in closes):
            return "a closing order's fill is not known yet; the next start books it"
        return None

    def _what_is_missing(self, pair: str, closes: Sequence[Close]) -> str | None:
        """Never a reason to book again: freqtrade asks for the fee of a closed trade itself."""
        if words := self._facts.unread.get(pair) or self._facts.missing.get(pair):
            return f"booked without {words}"
        booked = self._venue.executions.booked
        words_of = (booked.get(str((close.answer or {}).get("id"))) for close in closes)
        return next((words for words in words_of if words), None)

    def _booked_without(self, close: Close, order_id: str) -> str | None:
        """What *close* lacks for good: the next pass over its pair asks for none of it."""
        if words := self._facts.missing.get(close.order.pair):
            return f"booked without {words}"
        live = not self._scribe.config["dry_run"]
        if live and close.filled and not self._facts.fills.get(order_id):
            return f"booked without the fee of order {order_id}: its fills are not listed yet"
        return None

    def _in_closed_trades(self, closes: Sequence[Close]) -> list[Trade]:
        """Trades that *closes* are booked in and that are closed, with what became of their stops.

        Where freqtrade came first (it takes in what it does not know when a balance is gone), it
        has not said whose orders they were.
        """
        rows = _rows_of(closes)
        closed: dict[int, Any] = {
            row.trade.id: row.trade
            for row in rows
            if row.trade and not row.trade.is_open and not row.ft_is_open
        }
        for trade in closed.values():
            if trade.exit_reason == ExitType.SOLD_ON_EXCHANGE.value:
                trade.exit_reason = EXIT_REASON
            for order in list(trade.orders):
                if order.ft_is_open and (state := self._facts.states.get(order.order_id)):
                    order.update_from_ccxt_object(state)
        Trade.commit()
        return list(closed.values())

    @staticmethod
    def _rate(closes: Sequence[Close], trade: Trade) -> float:
        averages = [
            close.answer["average"]
            for close in closes
            if close.answer and close.answer.get("average")
        ]
        return float(averages[-1]) if averages else float(trade.open_rate)

    # -- freqtrade's trade --------------------------------------------------------------------

    def _book_trade(
        self, trade: Trade, closes: Sequence[Close], parts: Sequence[ClosePart]
    ) -> float | None:
        trade_id = trade.id
        for order in list(trade.orders):
            if order.ft_is_open and (state := self._facts.states.get(order.order_id)):
                self._book_known_order(trade, order, state)
        gone = Trade.session.get(Trade, trade_id) is None
        if not gone and _never_was(trade) and not self._is_being_replaced(trade):
            order = trade.orders[-1]
            self._book_known_order(trade, order, order.to_ccxt_object())
            gone = True
        if gone:  # freqtrade deletes a trade whose only entry never filled, as far as it knows
            return self._untracked_pnl(closes) if closes else 0.0
        self._book_stops(trade)
        for stray in self._facts.strays.pop(trade.pair, []):
            self._adopt(trade, stray)
        self._book_entry_fee(trade)
        for part in parts:
            if not part.is_taken and trade.is_open and _is_of(trade, part.close):
                self._book_close(trade, part)
        Trade.commit()
        return _profit(trade)

    def _is_being_replaced(self, trade: Trade) -> bool:
        """An entry in the air may be its successor: freqtrade's loop is still at it, and a trade
        that is deleted under it leaves an order that no trade knows."""
        return self._venue.has_entry_in_air(trade.pair)

    def _book_entry_fee(self, trade: Trade) -> None:
        """A signal may come between an entry's fill and its fee; freqtrade catches up in its loop,
        and only while the trade is open. Source: ``update_trades_without_assigned_fees``.
        """
        order = trade.select_order(trade.entry_side, False, only_filled=True)
        if order is None or trade.fee_updated(trade.entry_side):
            return
        if self._facts.fills.get(order.order_id):
            state = order.to_ccxt_object()
            self._scribe.update_trade_state(trade, order.order_id, state, send_msg=False)

    def _adopt(self, trade: Trade, stray: dict[str, Any]) -> None:
        """An order whose answer was lost, taken in as freqtrade's ``handle_onexchange_order``."""
        known = select(Order.id).where(Order.order_id == stray["id"], Order.ft_pair == trade.pair)
        if Order.session.scalar(known) is not None:
            return
        trade.orders.append(Order.parse_from_ccxt_object(stray, trade.pair, stray["side"]))
        if stray["side"] == trade.exit_side:
            trade.exit_reason = trade.exit_reason or ExitType.SOLD_ON_EXCHANGE.value
        else:
            trade.fee_open_currency = None  # else freqtrade asks for no entry's fee but the first
        # Where the account holds other coins, freqtrade would count the fee as paid with those; the
        # run has sold what was bought less its fee.
        self._scribe.wallets.get_free = lambda currency: 0.0
        try:
            self._scribe.update_trade_state(trade, stray["id"], stray, send_msg=False)
        finally:
            del self._scribe.wallets.get_free
        Trade.commit()

    def _book_stops(self, trade: Trade) -> None:
        """Stops that were put back: freqtrade would place a second one beside them."""
        known = {order.order_id for order in trade.orders}
        stops = [
            (raw, amount, stop.stop_price)
            for stop, raw, amount in self._venue.executions.stops_put_back
            if stop.trade_id == trade.id
        ]
        stops += [
            (state, stop.order.amount, stop.order.stop_price)
            for stop in self._venue.ownership.put_back
            if stop.pair == trade.pair and (state := self._facts.states.get(stop.order.order_id))
        ]
        for raw, amount, stop_price in stops:
            if str(raw["id"]) in known:
                continue
            order = Order.parse_from_ccxt_object(raw, trade.pair, "stoploss", amount, stop_price)
            trade.orders.append(order)
            Trade.commit()
            if raw.get("status") in FINAL_STATUSES:
                self._book_known_order(trade, order, raw)

    def _book_known_order(self, trade: Trade, order: Order, state: dict[str, Any]) -> None:
        """An order that the database calls open, with what the exchange says of it now."""
        if order.ft_order_side == "stoploss":
            exit_reason = trade.exit_reason
            self._scribe.update_trade_state(trade, order.order_id, state, stoploss_order=True)
            if trade.is_open:
                trade.exit_reason = exit_reason  # its cancel is no stop loss
        elif state.get("status") in ("canceled", "cancelled", "expired", "rejected"):
            reason = order.ft_cancel_reason = CANCEL_REASON["ALL_CANCELLED"]
            if order.ft_order_side == trade.entry_side:
                replacing = self._is_being_replaced(trade)
                self._scribe.handle_cancel_enter(trade, state, order, reason, replacing=replacing)
            else:
                self._scribe.handle_cancel_exit(trade, state, order, reason)
        else:
            self._scribe.update_trade_state(trade, order.order_id, state)

    def _book_close(self, trade: Trade, part: ClosePart) -> None:
        close, order_id = part.close, str((part.close.answer or {})["id"])
        answer = part.take(trade, self._facts.fills.get(order_id, []))
        fills = answer["trades"]
        if fills and not answer.get("lastTradeTimestamp"):  # else freqtrade takes the time of now
            answer["lastTradeTimestamp"] = max(fill["timestamp"] for fill in fills)
        rate = answer.get("average") or answer.get("price")
        amount = answer.get("amount") or close.order.amount
        order = Order.parse_from_ccxt_object(
            answer, trade.pair, trade.exit_side, amount, rate or trade.open_rate
        )
        order.ft_order_tag = EXIT_REASON
        if trade.id in self._facts.funding:
            trade.set_funding_fees(self._facts.funding.pop(trade.id))
        with _one_transaction():
            trade.orders.append(order)
            trade.exit_order_status = ""
            trade.close_rate_requested = rate
            trade.exit_reason = EXIT_REASON
            if close.is_final:
                self._scribe.update_trade_state(trade, answer["id"], answer)
            trade.exit_reason = EXIT_REASON
        self.booked.setdefault(trade.pair, []).append(order_id)
        self._venue.executions.booked[order_id] = self._booked_without(close, order_id)

    # -- what the database does not know ------------------------------------------------------

    def _untracked_pnl(self, closes: Sequence[Close]) -> float | None:
        """Profit of an untracked position, from its fills; fees in the quote currency included.

        ``None`` where the exchange gave no fills, or fees in another currency.
        Source: binance ``realizedPnl`` of a fill; elsewhere the position's entry price.
        """
        total = 0.0
        for close in closes:
            if close.is_final and not close.filled:
                continue
            order_id = str((close.answer or {}).get("id"))
            fills = self._facts.fills.get(order_id)
            if not fills:
                return None
            for fill in fills:
                profit = self._fill_profit(close, fill)
                if profit is None:
                    return None
                total += profit
        return total if closes else None

    def _fill_profit(self, close: Close, fill: dict[str, Any]) -> float | None:
        exchange = self._scribe.exchange
        fee = fill.get("fee") or {}
        quote = exchange.get_pair_quote_currency(close.order.pair)
        if fee.get("cost") and fee.get("currency") != quote:
            return None
        cost = float(fee.get("cost") or 0.0)
        told: Any = (fill.get("info") or {}).get("realizedPnl")
        if is_number(told):
            return float(told) - cost
        entry = self._venue.entry_price(close.order.pair)
        if entry is None:
            return None
        sign = 1 if close.order.side is Side.LONG else -1
        return sign * (float(fill["price"]) - entry) * float(fill["amount"]) - cost


def _rows_of(closes: Iterable[Close]) -> list[Order]:
    """The rows of *closes* in freqtrade's table, whatever trade they are in."""
    ids = {(str(c.answer["id"]), c.order.pair) for c in closes if c.answer is not None}
    if not ids:
        return []
    query = select(Order).where(Order.order_id.in_({order_id for order_id, _ in ids}))
    rows = Trade.session.scalars(query)
    return [row for row in rows if (row.order_id, row.ft_pair) in ids]


def _is_of(trade: Trade, close: Close) -> bool:
    """Whether *close* closed *trade*, and not one before it in the same pair.

    freqtrade dates a trade when its entry is answered; the entry order has the exchange's time.
    """
    if trade.exit_side != close.order.side.exit_side or not trade.nr_of_successful_entries:
        return False
    began = [o.order_date_utc for o in trade.orders if o.ft_order_side == trade.entry_side]
    return bool(min([trade.open_date_utc, *began]) - CLOCKS_DIFFER <= close.sent_at)


def _never_was(trade: Trade) -> bool:
    """Every order of it is an entry that was cancelled unfilled: nothing else would end it."""
    return bool(trade.orders) and trade.fully_canceled_entry_order_count == len(trade.orders)


def _profit(trade: Trade) -> float | None:
    """Stake currency; ``None`` while a part is open."""
    return None if trade.is_open else trade.close_profit_abs


def _first_line(error: Exception) -> str:
    """SQLAlchemy adds the whole statement; the log has it."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"

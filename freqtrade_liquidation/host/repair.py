"""Booking at the next start what did not fit into a run."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from freqtrade.persistence import Trade

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.host.bookkeeping import EXIT_REASON

if TYPE_CHECKING:
    from freqtrade.freqtradebot import FreqtradeBot

logger = logging.getLogger(__name__)


def repair(bot: "FreqtradeBot", audit: AuditLog) -> list[str]:
    """Lets freqtrade look up the orders of trades that a run closed and did not book.

    :returns: the pairs whose trades are closed now.
    """
    if bot.config["dry_run"]:
        return []
    return [pair for pair in sorted(_unbooked(audit)) if _repair_pair(bot, audit, pair)]


def _unbooked(audit: AuditLog) -> set[str]:
    """Pairs whose last word in the audit trail is a close without its booking."""
    unbooked: set[str] = set()
    kinds = [AuditEventType.CLOSE_INTENDED, AuditEventType.BOOKED, AuditEventType.BOOKING_FAILED]
    for event in audit.events(types=kinds):
        pair = str(event["pair"])
        if event["event_type"] == AuditEventType.BOOKED:
            unbooked.discard(pair)
        else:
            unbooked.add(pair)
    return unbooked


def _repair_pair(bot: "FreqtradeBot", audit: AuditLog, pair: str) -> bool:
    trades = list(_open_trades(pair))
    for trade in trades:
        owned = bot.wallets.get_owned(trade.pair, trade.safe_base_currency)
        if owned >= trade.amount * 0.98:
            continue  # it is there: nothing was closed, or the coins cannot be told apart
        # freqtrade's own way of finding orders that its database does not know
        bot.handle_onexchange_order(trade)
        if not trade.is_open:
            trade.exit_reason = EXIT_REASON
            Trade.commit()
    closed = all(not trade.is_open for trade in trades)
    if closed:
        profits = [trade.close_profit_abs or 0.0 for trade in trades]
        audit.record(
            [
                AuditEvent(
                    event_type=AuditEventType.BOOKED,
                    operation="book",
                    pair=pair,
                    additional_data={"realized_pnl": sum(profits), "at_start": True},
                )
            ]
        )
    else:
        logger.warning("%s is not booked: its trade is still open after looking it up.", pair)
    return closed and bool(trades)


def _open_trades(pair: str) -> Iterator[Trade]:
    yield from Trade.get_trades([Trade.is_open.is_(True), Trade.pair == pair]).all()

"""What earlier runs sold and nobody has booked: the database still calls it unsold."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from freqtrade_liquidation.audit.events import AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.host.deeds import Close, still_unbooked
from freqtrade_liquidation.host.sent import INTENTS, Sent, find, sent_by
from freqtrade_liquidation.host.snapshot import KnownTrade
from freqtrade_liquidation.host.threads import in_thread
from freqtrade_liquidation.host.wire import Wire

logger = logging.getLogger(__name__)

FOUND_WITHIN_S: Final = 1.5


async def earlier_closes(
    audit: AuditLog,
    wire: Wire,
    trades: Sequence[KnownTrade],
    *,
    known: Sequence[Close] = (),
    within_s: float = FOUND_WITHIN_S,
) -> list[Close]:
    """Closing orders of earlier runs that *trades* do not know of, looked up on the exchange.

    One that is not found in time stays without an end: on spot its pair is not sold again blindly.

    :param known: those of this process's own runs, with what it heard of them.
    :raises AuditUnreadable: if the audit trail cannot be read.
    """
    ours = {close.order.client_order_id for close in known}
    sent = await in_thread(lambda: _unsettled(audit), name="earlier")
    recorded = [c for one in sent for c in one.closes if c.order.client_order_id not in ours]
    closes = still_unbooked([*known, *recorded], trades)
    asks = [find(wire, _of(close), close) for close in closes if not close.is_final]
    try:
        async with asyncio.timeout(within_s):
            await asyncio.gather(*asks)
    except TimeoutError:
        logger.warning("Not every order of an earlier run was found again in time.")
    return [close for close in closes if not close.refused]


def sells_unbooked(audit: AuditLog, trade: KnownTrade) -> list[str]:
    """Our names of closing orders of *trade* that may have executed and that it does not know of.

    :raises AuditUnreadable: if the audit trail cannot be read.
    """
    audit.import_fallback()
    closes = [c for one in _unsettled(audit) for c in one.closes if one.pair == trade.pair]
    return [close.order.client_order_id for close in still_unbooked(closes, [trade])]


def _of(close: Close) -> Sent:
    return Sent(correlation_id="", trigger=None, pair=close.order.pair, closes=[close])


def _unsettled(audit: AuditLog) -> list[Sent]:
    keys = audit.unsettled(INTENTS, AuditEventType.BOOKED)
    runs = {correlation_id: sent_by(audit, correlation_id) for correlation_id, _ in keys}
    return [runs[run][pair] for run, pair in keys if pair in runs[run]]

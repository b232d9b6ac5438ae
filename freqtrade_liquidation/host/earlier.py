"""What earlier runs sold and nobody has booked: the database still calls it unsold."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from freqtrade_liquidation.audit.events import AuditEventType
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rules.names import is_ours
from freqtrade_liquidation.host.sent import INTENTS, Sent, find, sent_by
from freqtrade_liquidation.model import ClosingOrder
from freqtrade_liquidation.orders.executions import Close, still_unbooked
from freqtrade_liquidation.orders.trades import KnownTrade, booked_amounts
from freqtrade_liquidation.threads import in_thread

logger = logging.getLogger(__name__)

FOUND_WITHIN_S: Final = 1.5
BOOKED_WITHIN_S: Final = 0.5
"""The database may be locked; what is not known to be booked counts as sold and unbooked."""
RUNS_LOOKED_AT: Final = 20
"""A run and its ten repeats, and those of a restart."""
LISTED_SINCE: Final = timedelta(hours=24)
"""An older sale has been booked since, by one of the bot's starts: each reads the audit trail."""


async def earlier_closes(
    audit: AuditLog,
    wire: ExchangeClient,
    trades: Sequence[KnownTrade],
    *,
    known: Sequence[Close] = (),
    noted: Mapping[str, datetime] | None = None,
    within_s: float = FOUND_WITHIN_S,
    shared: bool = True,
) -> list[Close]:
    """Closing orders of earlier runs that *trades* do not know of, looked up on the exchange.

    One that is not found in time stays without an end: where the account is shared, its pair is not
    sold again blindly. There, if the audit trail cannot be read, the lists of orders say what bears
    a name of ours; elsewhere the positions say what is left.

    :param shared: the account may hold the user's own (spot; scope "trades").
    :param known: those of this process's own runs, with what it heard of them.
    :param noted: by pair, since when an order is noted that no trade knows: see
        :func:`.executions.still_unbooked`.
    """
    until = asyncio.get_running_loop().time() + within_s
    ours = {close.order.client_order_id for close in known}
    recorded = [
        close
        for close in await _recorded_or_listed(
            audit, wire, trades, noted or {}, within_s / 2, shared=shared
        )
        if close.order.client_order_id not in ours
    ]
    closes = still_unbooked([*known, *recorded], trades, noted)
    asks = [find(wire, _of(close), close) for close in closes if not close.is_final]
    try:
        async with asyncio.timeout_at(until):
            await asyncio.gather(*asks)
    except TimeoutError:
        logger.warning("Not every order of an earlier run was found again in time.")
    return await without_booked([close for close in closes if not close.refused])


async def without_booked(closes: list[Close]) -> list[Close]:
    """Those that trades, closed ones included, have not taken whole; with what they have taken."""
    answered = {close.order_id for close in closes if close.order_id is not None}
    if not answered:
        return closes
    try:
        async with asyncio.timeout(BOOKED_WITHIN_S):
            booked = await in_thread(lambda: booked_amounts(answered), name="earlier")
    except (SQLAlchemyError, TimeoutError) as error:
        logger.warning("What of earlier closes is booked is not known: %s", error)
        return closes
    for close in closes:
        close.booked = booked.get(close.order_id or "", 0.0)
    return [close for close in closes if not close.is_booked]


async def _recorded_or_listed(
    audit: AuditLog,
    wire: ExchangeClient,
    trades: Sequence[KnownTrade],
    noted: Mapping[str, datetime],
    within_s: float,
    *,
    shared: bool,
) -> list[Close]:
    pairs = {trade.pair for trade in trades}
    try:
        async with asyncio.timeout(within_s):
            sent = await in_thread(
                lambda: [*_unsettled(audit, pairs - noted.keys()), *_sent_since(audit, noted)],
                name="earlier",
            )
        return [close for one in sent for close in one.closes]
    except (AuditUnreadable, TimeoutError) as error:
        logger.warning("What earlier runs sold is not on record for now: %s", error)
    asks = [_listed(wire, trade, within_s) for trade in trades if shared and trade.amount > 0]
    return [close for closes in await asyncio.gather(*asks) for close in closes]


async def _listed(wire: ExchangeClient, trade: KnownTrade, timeout_s: float) -> list[Close]:
    """Exits of *trade*'s pair that bear a name of ours.

    Where the list is not answered, or has exits without a name that *trade* does not know (bitvavo,
    as ccxt reads it), one that nobody will find: in doubt nothing is sold.
    """
    since = max(trade.opened_at, datetime.now(UTC) - LISTED_SINCE)
    try:
        async with asyncio.timeout(timeout_s):
            orders = await wire.read(
                lambda exchange: exchange.fetch_orders(trade.pair, since), timeout_s=timeout_s
            )
    except (LiquidationError, TimeoutError) as error:
        logger.warning("%s is not sold, it may be sold already: %s", trade.pair, error)
        return [Close(order=_order(trade, "not-listed", trade.amount))]
    exits = [order for order in orders if order["side"] == trade.side.exit_side]
    if any(_may_be_ours(order, trade) for order in exits):
        logger.warning("%s is not sold: an exit without a name may be ours.", trade.pair)
        return [Close(order=_order(trade, "not-named", trade.amount))]
    return [
        Close(
            order=_order(trade, order["clientOrderId"], float(order["amount"] or trade.amount)),
            sent_at=datetime.fromtimestamp(order["timestamp"] / 1000, UTC),
            answer=dict(order),
        )
        for order in exits
        if is_ours(order.get("clientOrderId"))
    ]


def _may_be_ours(order: Mapping[str, Any], trade: KnownTrade) -> bool:
    return not order.get("clientOrderId") and str(order["id"]) not in trade.order_ids


def _order(trade: KnownTrade, name: str, amount: float) -> ClosingOrder:
    return ClosingOrder(pair=trade.pair, side=trade.side, amount=amount, client_order_id=name)


def sells_unbooked(audit: AuditLog, trade: KnownTrade) -> list[str]:
    """Our names of closing orders of *trade* that may have executed and that it does not know of.

    :raises AuditUnreadable: if the audit trail cannot be read.
    """
    closes = [close for one in _unsettled(audit, {trade.pair}) for close in one.closes]
    return [close.order.client_order_id for close in still_unbooked(closes, [trade])]


def _of(close: Close) -> Sent:
    return Sent(correlation_id="", trigger=None, pair=close.order.pair, closes=[close])


def _sent_since(audit: AuditLog, noted: Mapping[str, datetime]) -> list[Sent]:
    """What runs have sent for each pair since an order of it is *noted*, booked or not: where no
    trade knows the order, a close of it counts as booked.

    :raises AuditUnreadable: as :func:`_unsettled`.
    """
    sent = {(one.correlation_id, one.pair): one for one in _unsettled(audit, noted.keys())}
    for run in audit.runs(limit=RUNS_LOOKED_AT) if noted else ():
        if datetime.fromisoformat(run["started_at"]) < min(noted.values()) - LISTED_SINCE:
            break
        by_pair = sent_by(audit, run["correlation_id"])
        sent |= {(run["correlation_id"], p): by_pair[p] for p in noted.keys() & by_pair.keys()}
    return list(sent.values())


def _unsettled(audit: AuditLog, pairs: Collection[str]) -> list[Sent]:
    """What was sent for *pairs*: an event of another pair that makes no sense is not in the way.

    :raises AuditUnreadable: too, if some of it waits in the file and the database is locked.
    """
    audit.import_fallback()
    if audit.waits(INTENTS):
        raise AuditUnreadable("a part of it waits in the file, and the database does not take it")
    unsettled = audit.unsettled(INTENTS, AuditEventType.BOOKED)
    keys = [(run, pair) for run, pair in unsettled if pair in pairs]
    runs = {correlation_id: sent_by(audit, correlation_id) for correlation_id, _ in keys}
    return [runs[run][pair] for run, pair in keys if pair in runs[run]]

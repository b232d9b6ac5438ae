"""What earlier runs sold, and the stops that they put back, and nobody has booked: the database
still calls it unsold, and knows of no stop.

Another process may book while this one reads: the trail then calls a close settled, the table of
orders has it, and trades that were read a moment earlier still count its coins as unsold. To read
all of it in one transaction was weighed: the trail has an engine of its own, the exchange is asked
in between, and SQLite's driver begins no transaction for a read. So the order of the reads holds
it: first the trail, then what is booked, last the trades. What an earlier answer calls booked, a
later one has taken off. Where the trades cannot be read again, nothing counts as booked but what
the trades at hand know themselves.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from freqtrade_liquidation.audit.events import AuditEventType
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rules.names import is_ours, is_same
from freqtrade_liquidation.host.lease.claims import LONGEST_S, MARGIN_S
from freqtrade_liquidation.host.sent import (
    INTENTS,
    Sent,
    find,
    find_put_back,
    names_on_record,
    sent_by,
)
from freqtrade_liquidation.model import ClosingOrder
from freqtrade_liquidation.orders.executions import Close, Earlier, PutBack, still_unbooked
from freqtrade_liquidation.orders.trades import (
    KnownOrder,
    KnownTrade,
    booked_amounts,
    open_trades,
    ours,
)
from freqtrade_liquidation.state import LiquidationState
from freqtrade_liquidation.threads import in_thread

logger = logging.getLogger(__name__)

FOUND_WITHIN_S: Final = 1.5
BOOKED_WITHIN_S: Final = 0.5
"""The database may be locked; what is not known to be booked counts as sold and unbooked."""
RUNS_LOOKED_AT: Final = 20
"""A run and its ten repeats, and those of a restart."""
LISTED_SINCE: Final = timedelta(hours=24)
"""An older sale has been booked since, by one of the bot's starts: each reads the audit trail."""
RUN_LASTS: Final = timedelta(seconds=LONGEST_S + MARGIN_S)
"""A run that began longer ago and has no end was cut off: it sends nothing any more."""

ReadAgain = Callable[[], Awaitable[Sequence[KnownTrade] | None]]
"""Brings the run's trades up to now, and returns them; ``None`` = they cannot be read."""


async def earlier_closes(
    audit: AuditLog,
    wire: ExchangeClient,
    trades: Sequence[KnownTrade],
    *,
    known: Sequence[Close] = (),
    noted: Mapping[str, datetime] | None = None,
    within_s: float = FOUND_WITHIN_S,
    shared: bool = True,
    read_again: ReadAgain | None = None,
) -> Earlier:
    """Closing orders of earlier runs that *trades* do not know of, looked up on the exchange.

    One that is not found in time stays without an end: where the account is shared, its pair is not
    sold again blindly. There, if the audit trail may lack something, the lists of orders say what
    became of those that it names, and every other order that may be ours is a doubt about its pair:
    another bot on the account gives its orders names like ours. Elsewhere the positions say what is
    left.

    :param shared: the account may hold the user's own (spot; scope "trades").
    :param known: those of this process's own runs, with what it heard of them.
    :param noted: by pair, since when an order is noted that no trade knows: see
        :func:`.executions.still_unbooked`.
    :param read_again: called last; ``None`` = *trades* are of now, nobody else books.
    """
    until = asyncio.get_running_loop().time() + within_s
    lists = partial(_all_listed, audit, wire, trades, known, within_s / 2, shared=shared)
    found = await _recorded_or_listed(audit, wire, trades, noted or {}, within_s / 2, lists)
    closes = still_unbooked(_each_once([*known, *found.closes]), trades, noted)
    asks = [find(wire, _of(close), close) for close in closes if not close.is_final]
    try:
        async with asyncio.timeout_at(until):
            await asyncio.gather(*asks)
    except TimeoutError:
        logger.warning("Not every order of an earlier run was found again in time.")
    closes = [close for close in closes if not close.refused]
    if read_again is None:
        return replace(found, closes=await without_booked(closes))
    booked = await _booked(closes)
    if (fresh := await read_again()) is None:  # what the trail calls settled, they may not have
        listed = await lists()
        closes = still_unbooked(_each_once([*closes, *listed.closes]), trades, noted)
        return replace(found, closes=closes, doubts=found.doubts | listed.doubts)
    closes = still_unbooked(_less_booked(closes, booked), fresh, noted)
    return replace(found, closes=closes)


async def read_again(
    config: Mapping[str, Any], know: Callable[[tuple[KnownTrade, ...]], None]
) -> Sequence[KnownTrade] | None:
    """The open trades of now that are the bot's; hands all of them to *know*. See
    :data:`ReadAgain`."""
    try:
        async with asyncio.timeout(BOOKED_WITHIN_S):
            trades = await in_thread(lambda: open_trades(config), name="earlier")
    except Exception as error:  # noqa: BLE001 - whatever it is, the last list must do
        logger.warning("Trades not readable, what is booked of them is not known: %s", error)
        return None
    know(trades)
    return ours(trades)


async def without_booked(
    closes: list[Close], *, read_again: ReadAgain | None = None
) -> list[Close]:
    """Those that trades, closed ones included, have not taken whole; with what they have taken.

    :param read_again: called last, if anything is booked at all; where it fails, nothing counts as
        booked. ``None`` = the run's trades are of now.
    """
    booked = await _booked(closes)
    if booked and read_again is not None and await read_again() is None:
        return closes
    return _less_booked(closes, booked)


async def _booked(closes: Iterable[Close]) -> Mapping[str, float] | None:
    """Base currency that trades have of *closes*, by order id; ``None`` = not known."""
    answered = {close.order_id for close in closes if close.order_id is not None}
    if not answered:
        return {}
    try:
        async with asyncio.timeout(BOOKED_WITHIN_S):
            return await in_thread(lambda: booked_amounts(answered), name="earlier")
    except (SQLAlchemyError, TimeoutError) as error:
        logger.warning("What of earlier closes is booked is not known: %s", error)
        return None


def _less_booked(closes: list[Close], booked: Mapping[str, float] | None) -> list[Close]:
    if booked is None:
        return closes
    for close in closes:
        close.booked = booked.get(close.order_id or "", 0.0)
    return [close for close in closes if not close.is_booked]


def _each_once(closes: Iterable[Close]) -> list[Close]:
    """The first of each name: what this process has heard, then the trail, then the exchange."""
    by_name: dict[tuple[str, str], Close] = {}
    for close in closes:
        by_name.setdefault((close.order.pair, close.order.client_order_id), close)
    return list(by_name.values())


async def _recorded_or_listed(
    audit: AuditLog,
    wire: ExchangeClient,
    trades: Sequence[KnownTrade],
    noted: Mapping[str, datetime],
    within_s: float,
    lists: Callable[[], Awaitable[Earlier]],
) -> Earlier:
    """What the trail has; with it, or in its place, what *lists* show, where the trail does not
    have all of it for certain."""
    pairs = {trade.pair for trade in trades}
    recorded = Earlier()
    try:
        async with asyncio.timeout(within_s):
            sent, why = await in_thread(lambda: _on_record(audit, pairs, noted), name="earlier")
        recorded.closes = [close for one in sent for close in one.closes]
        recorded.doubts = await _find_put_back(wire, sent, trades, within_s)
        by_id = {stop.order.order_id: stop for one in sent for stop in _put_back(one)}
        recorded.stops = list(by_id.values())  # one may be found for two runs that sought theirs
    except (AuditUnreadable, TimeoutError) as error:
        why = str(error) or type(error).__name__
    if why is None:
        return recorded
    logger.warning("What earlier runs sold may not be on record: %s", why)
    listed = await lists()
    return Earlier(
        closes=[*recorded.closes, *listed.closes],
        doubts=recorded.doubts | listed.doubts,
        stops=recorded.stops,
    )


async def _find_put_back(
    wire: ExchangeClient, sent: Sequence[Sent], trades: Sequence[KnownTrade], within_s: float
) -> dict[str, tuple[str, str]]:
    """Looks for what *sent* does not know the end of; doubts as in :class:`.executions.Earlier`."""
    doubts = {}

    async def find_one(one: Sent, trade: KnownTrade) -> None:
        key, late = f"stop of {one.correlation_id} {one.pair}", "the exchange is slow to say it"
        doubts[key] = (one.pair, f"whether the stop that was put back stands is not known: {late}")
        if (words := await find_put_back(wire, one, trade)) is None:
            del doubts[key]
        else:
            doubts[key] = (one.pair, words)

    pairs = [(one, t) for one in sent if one.sought for t in trades if t.pair == one.pair]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await asyncio.gather(*(find_one(one, trade) for one, trade in pairs))
    return doubts


def _put_back(sent: Sent) -> Iterator[PutBack]:
    for order_id, stop in sent.stops.items():
        amount, price = stop["amount"], stop["stop_price"]
        order = KnownOrder(
            order_id=order_id, role_side="stoploss", is_stop=True, amount=amount, stop_price=price
        )
        yield PutBack(pair=sent.pair, order=order, placed_at=stop["placed_at"])


def _on_record(
    audit: AuditLog, pairs: Collection[str], noted: Mapping[str, datetime]
) -> tuple[list[Sent], str | None]:
    """What runs have sent for *pairs*, and why there may be more of it, in words.

    :raises AuditUnreadable: as :func:`_unsettled`.
    """
    under_way = unfinished_run(audit)  # first: its last events come before its end
    why = None if under_way is None else f"liquidation {under_way} has not recorded its end"
    return [*_unsettled(audit, pairs - noted.keys()), *_sent_since(audit, noted)], why


def unfinished_run(audit: AuditLog, *, lasts: timedelta = RUN_LASTS) -> str | None:
    """A run that may be at work still, and may have events that are not in the trail yet; ``None``
    = there is none. Whoever asks has not recorded one of its own.

    :param lasts: how long a run takes at most.
    :raises AuditUnreadable: if the trail cannot be read.
    """
    earliest = datetime.now(UTC) - lasts
    waiting = audit.waiting_runs()  # first: an import takes them from here to there
    for run in [*waiting, *audit.unfinished_runs()]:
        began = datetime.fromisoformat(run["started_at"])
        if run["state"] == LiquidationState.IN_PROGRESS and began > earliest:
            return str(run["correlation_id"])
    return None


async def _all_listed(
    audit: AuditLog,
    wire: ExchangeClient,
    trades: Sequence[KnownTrade],
    known: Iterable[Close],
    within_s: float,
    *,
    shared: bool,
) -> Earlier:
    if not shared:
        return Earlier()
    asks = (_exits_of(wire, trade, within_s) for trade in trades if trade.amount > 0)
    on_record, *lists = await asyncio.gather(_names_on_record(audit, within_s), *asks)
    names = on_record | {close.order.client_order_id for close in known}
    found = Earlier()
    for trade, exits in lists:
        if exits is None:
            words = "what earlier runs have sold of it is not known, the exchange does not list it"
            found.doubts[f"{trade.pair} not listed"] = (trade.pair, words)
        for order in exits or ():
            _sort_in(order, trade, names, found)
    return found


async def _names_on_record(audit: AuditLog, within_s: float) -> set[str]:
    """Of this database's closes; where it cannot be read, none is known to be."""
    since = datetime.now(UTC) - LISTED_SINCE - RUN_LASTS
    try:
        async with asyncio.timeout(within_s):
            return await in_thread(lambda: names_on_record(audit, since=since), name="earlier")
    except (AuditUnreadable, TimeoutError) as error:
        logger.warning("Which closes are on record is not known: %s", error)
        return set()


async def _exits_of(
    wire: ExchangeClient, trade: KnownTrade, timeout_s: float
) -> tuple[KnownTrade, list[Mapping[str, Any]] | None]:
    """Exits of *trade*'s pair since it was opened; ``None`` = the list is not answered."""
    since = max(trade.opened_at, datetime.now(UTC) - LISTED_SINCE)
    try:
        async with asyncio.timeout(timeout_s):
            orders = await wire.read(
                lambda exchange: exchange.fetch_orders(trade.pair, since), timeout_s=timeout_s
            )
    except (LiquidationError, TimeoutError) as error:
        logger.warning("%s is not sold, it may be sold already: %s", trade.pair, error)
        return trade, None
    return trade, [order for order in orders if order["side"] == trade.side.exit_side]


def _sort_in(
    order: Mapping[str, Any], trade: KnownTrade, names: Iterable[str], found: Earlier
) -> None:
    """An exit of *trade*'s pair: one of this database's closes, or one that may be.

    A name that *names* lack is another bot's, or a run's that is not on record; and an exit without
    a name may be anybody's (bitvavo, as ccxt reads it).
    """
    name, order_id = order.get("clientOrderId"), str(order["id"])
    if order_id in trade.order_ids or (name and not is_ours(name)):
        return
    if any(is_same(name, sent) for sent in names):
        amount = float(order["amount"] or trade.amount)
        close = ClosingOrder(
            pair=trade.pair, side=trade.side, amount=amount, client_order_id=name or ""
        )
        sent_at = datetime.fromtimestamp(order["timestamp"] / 1000, UTC)
        found.closes.append(Close(order=close, sent_at=sent_at, answer=dict(order)))
        return
    words = (
        f"order {order_id} may be another bot's, or a run's that is not on record: look it up"
        if name
        else f"order {order_id} bears no name and may be a run's: look it up"
    )
    found.doubts[order_id] = (trade.pair, words)


def sells_unbooked(audit: AuditLog, trade: KnownTrade) -> list[str]:
    """Our names of closing orders of *trade* that may have executed and that it does not know of.

    :raises AuditUnreadable: if the audit trail cannot be read, or may lack some of them.
    """
    if (under_way := unfinished_run(audit)) is not None:
        raise AuditUnreadable(f"liquidation {under_way} has not recorded its end")
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

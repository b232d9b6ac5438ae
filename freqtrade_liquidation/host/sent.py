"""What a run sent, read from the audit trail and found again on the exchange.

By order, never by pair alone: what else the account did in the pair is not ours to book.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import ccxt

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.errors import ExchangeRefused, LiquidationError
from freqtrade_liquidation.exchange.classify import causes
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.model import ClosingOrder, OpenOrder, OrderRole, Side
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.executions import Close, answer_to
from freqtrade_liquidation.orders.ownership import is_final
from freqtrade_liquidation.orders.put_back import sent_as
from freqtrade_liquidation.orders.trades import KnownTrade

INTENTS: Final = (Event.CLOSE_INTENDED, Event.CANCEL_INTENDED, Event.STOP_INTENDED)
"""After each of these the database may have something to learn about the pair."""
MAY_STILL_ARRIVE: Final = timedelta(seconds=60)
"""An order younger than this that the exchange does not know (yet) may still be executed."""
ANSWER_WITHIN_S: Final = 5.0


@dataclass(slots=True, kw_only=True)
class Sent:
    """What one run sent for one pair.

    :param stops: the stops that were put back: order id, the row that announced it, and when.
    :param sought: stops whose put-back has no known end: the id that each had, and what announced
        it.
    :param unknown: orders that the exchange does not know, by the name we gave them.
    :param doubt: why the end of one of them is not known, in words; ``None`` = all are known.
    """

    correlation_id: str
    trigger: str | None
    pair: str
    closes: list[Close] = field(default_factory=list)
    stops: dict[str, dict[str, Any]] = field(default_factory=dict)
    sought: dict[str, dict[str, Any]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    doubt: str | None = None


class TrailMakesNoSense(AuditUnreadable):
    """An event of one run lacks what it must have; the other runs' events are readable."""


def sent_by(audit: AuditLog, correlation_id: str) -> dict[str, Sent]:
    """By pair.

    :raises AuditUnreadable: also if a row makes no sense: what was sold is not known then.
    """
    try:
        return _sent_by(audit, correlation_id)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise TrailMakesNoSense(
            f"an event of run {correlation_id} makes no sense ({type(error).__name__}: {error})"
        ) from error


def _sent_by(audit: AuditLog, correlation_id: str) -> dict[str, Sent]:
    answers = (Event.CLOSE_ANSWERED, Event.ATTEMPT_FAILED, Event.STOP_PUT_BACK, Event.STOP_LOST)
    kinds = [*INTENTS, *answers]
    sent: dict[str, Sent] = {}
    closes: dict[str, Close] = {}
    rows = list(audit.events(correlation_id, kinds))
    intents = sum(row["event_type"] in INTENTS for row in rows)
    if intents != audit.count(correlation_id, INTENTS):
        raise ValueError("it announces something, and is not as it was written")
    for row in rows:
        pair, data = str(row["pair"]), row["additional_data"]
        if row["event_type"] in INTENTS:
            of_pair = sent.setdefault(
                pair, Sent(correlation_id=correlation_id, trigger=row["trigger"], pair=pair)
            )
        match row["event_type"]:
            case Event.CLOSE_INTENDED:
                close = closes[data["client_order_id"]] = _close(pair, row)
                of_pair.closes.append(close)
            case Event.STOP_INTENDED:
                of_pair.sought[str(data.get("order_id"))] = {
                    "stop_price": data.get("stop_price"),
                    "amount": float(data["amount"]),
                    "placed_at": datetime.fromisoformat(row["timestamp"]),
                }
            case Event.STOP_PUT_BACK:
                stop = sent[pair].sought.pop(str(data.get("replaces")), {"stop_price": None})
                sent[pair].stops[str(data["order_id"])] = stop | {"amount": float(data["amount"])}
            case Event.STOP_LOST if data.get("outcome") == "refused" and pair in sent:
                sent[pair].sought.pop(str(data["replaces"]), None)
            case _:
                _heard(closes.get(data.get("client_order_id")), data)
    return sent


def _close(pair: str, row: Mapping[str, Any]) -> Close:
    data = row["additional_data"]
    return Close(
        order=ClosingOrder(
            pair=pair,
            side=Side.LONG if data["side"] == Side.LONG.exit_side else Side.SHORT,
            amount=float(data["amount"]),
            client_order_id=data["client_order_id"],
        ),
        sent_at=datetime.fromisoformat(row["timestamp"]),
    )


def _heard(close: Close | None, data: Mapping[str, Any]) -> None:
    """An answer names the order; a refusal is the end of it; anything else leaves it open."""
    if close is None:
        return
    if data.get("order_id") is not None:
        close.answer = {"id": str(data["order_id"])}
    elif data.get("outcome") in ("refused", "account_refused", "unavailable"):
        close.refused = True


async def find(wire: ExchangeClient, sent: Sent, close: Close) -> str | None:
    """Asks what became of *close*, and keeps the answer in it.

    An order that was not answered and that the exchange does not know was never executed: it is
    marked as refused, and its name goes to ``unknown``. One that it had accepted stays in doubt.

    :returns: why its end is not known, in words; ``None`` = it is.
    """
    ask = requests.checked(
        requests.read_back(close), lambda raw: answer_to(close.order, raw, order_id=close.order_id)
    )
    try:
        close.answer = await wire.read(ask, timeout_s=ANSWER_WITHIN_S)
    except LiquidationError as error:
        if not _is_unknown_there(error):
            return f"the exchange does not say what became of order {_name(close)} ({error})"
        if datetime.now(UTC) - close.sent_at < MAY_STILL_ARRIVE:
            return f"order {_name(close)} may still reach the exchange"
        if close.answer is not None:
            return f"the exchange accepted order {_name(close)} and does not know it any more"
        close.refused = True
        sent.unknown.append(_name(close))
        return None
    return None if close.is_final else f"order {_name(close)} is not at its end yet"


def _name(close: Close) -> str:
    return str(close.answer["id"]) if close.answer else close.order.client_order_id


def _is_unknown_there(error: LiquidationError) -> bool:
    return isinstance(error, ExchangeRefused) and any(
        isinstance(cause, ccxt.OrderNotFound) for cause in causes(error)
    )


async def find_stop(wire: ExchangeClient, pair: str, order_id: str) -> dict[str, Any] | None:
    """A stop that was put back, as the exchange shows it; ``None`` = it does not know it.

    :raises LiquidationError: if it does not answer.
    """
    try:
        return dict(await wire.read(requests.stop_state(order_id, pair), timeout_s=ANSWER_WITHIN_S))
    except LiquidationError as error:
        if _is_unknown_there(error):
            return None
        raise


async def find_put_back(wire: ExchangeClient, sent: Sent, trade: KnownTrade) -> str | None:
    """Looks for the stops of *trade* whose put-back has no known end; what is found stands among
    ``stops``.

    :returns: why it is not known whether they stand, in words; ``None`` = it is.
    """
    for order_id, stop in list(sent.sought.items()):
        order = OpenOrder(
            pair=sent.pair,
            order_id=order_id,
            role=OrderRole.PROTECTIVE,
            side=trade.side.exit_side,
            amount=stop["amount"],
            stop_price=stop["stop_price"],
        )
        ask = sent_as(order, at=stop["placed_at"], arrives_within=MAY_STILL_ARRIVE)
        try:
            rows = await wire.read(ask, timeout_s=ANSWER_WITHIN_S)
        except LiquidationError as error:
            return f"the exchange does not say whether the stop that was put back stands ({error})"
        matter = {str(r["id"]) for r in rows if r.get("filled") or not is_final(r)}
        found = sorted(matter - trade.order_ids - sent.stops.keys())
        if len(found) > 1:
            return f"one of orders {', '.join(found)} may be the stop that was put back: look it up"
        sent.stops |= dict.fromkeys(found, stop)
        sent.sought.pop(order_id)
    return None


def names_on_record(audit: AuditLog, *, since: datetime) -> set[str]:
    """Of the closes that runs begun *since* then have announced, booked or not.

    :raises AuditUnreadable: if there may be more.
    """
    rows = audit.waiting_events([Event.CLOSE_INTENDED])  # first: an import takes them from here
    for run in audit.runs():
        if datetime.fromisoformat(run["started_at"]) < since:
            break
        rows += audit.events(run["correlation_id"], [Event.CLOSE_INTENDED])
    return {str(row["additional_data"].get("client_order_id")) for row in rows}


def known_closes(sent: Iterable[Sent]) -> list[Close]:
    """The closing orders whose end is known, oldest first."""
    known = (c for one in sent for c in one.closes if c.is_final)
    return sorted(known, key=lambda close: close.sent_at)

"""What rows of the audit trail say, for people."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.digits import digits

Row: TypeAlias = Mapping[str, Any]
"""With the keys of ``--export``, or the columns of ``liquidation_runs``."""
LASTS_AT_MOST_S: Final = 65.0
"""The longest ``timeout_seconds``, and what a run may take on top of it."""
CUT_OFF: Final = (
    "Its process ended in the middle of it: what is left open is not known. The bot's next start "
    "closes it in the record, and so does the next liquidate without a bot."
)


def is_cut_off(run: Row, now: datetime | None = None) -> bool:
    """Whether a run that the record calls under way cannot be: nobody carries it out any more.

    :param now: aware UTC; ``None`` = now.
    """
    age = (now or datetime.now(UTC)) - datetime.fromisoformat(run["started_at"])
    return run["state"] == "in_progress" and age.total_seconds() > LASTS_AT_MOST_S


def sentence(row: Row) -> str:
    """What an event says, for people; one short sentence."""
    data = row["additional_data"] if isinstance(row["additional_data"], Mapping) else {}
    make = SENTENCES.get(row["event_type"])
    try:
        words = make(data) if make else str(data.get("reason") or "")
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        words = "its data make no sense"  # an event that somebody changed or added
    return ": ".join(part for part in (words, str(row["error"] or "")) if part)


def _count(data: Row, key: str, word: str) -> str:
    many = len(data.get(key) or ())
    return f"{many} {word}{'' if many == 1 else 's'}"


def _order(data: Row) -> str:
    return f"{data.get('side', '?')} {number(data.get('amount'))}"


SENTENCES: Final[dict[str, Callable[[Row], str]]] = {
    Event.STARTED: lambda d: f"{d.get('positions_count_expected', '?')} positions expected",
    Event.SKIPPED: lambda d: f"nothing closed, {d.get('reason', 'reason unknown')}",
    Event.POSITIONS_QUERIED: lambda d: f"the exchange shows {_count(d, 'positions', 'position')}",
    Event.ORDERS_QUERIED: lambda d: f"the exchange shows {_count(d, 'orders', 'order')}",
    Event.CANCEL_INTENDED: lambda d: f"about to cancel {_count(d, 'orders', 'order')}",
    Event.ORDERS_CANCELLED: lambda d: f"{d.get('cancelled_count', '?')} cancelled",
    Event.CANCEL_ACKNOWLEDGED: lambda d: f"cancel of order {d.get('order_id', '?')} taken on",
    Event.CANCEL_FAILED: lambda d: f"order {d.get('order_id', '?')} {d.get('outcome', 'failed')}",
    Event.CLOSE_INTENDED: lambda d: f"about to {_order(d)} at market",
    Event.CLOSE_ANSWERED: lambda d: f"accepted, filled {number(d.get('filled'))}",
    Event.ATTEMPT_FAILED: lambda d: f"attempt {d.get('attempt', '?')} {d.get('outcome', 'failed')}",
    Event.VERIFIED: lambda d: f"{_count(d, 'open_positions', 'position')} open on the exchange",
    Event.POSITION_CLOSED: lambda d: (
        f"closed {number(d.get('quantity'))}, profit {profit(d.get('realized_pnl'))}"
    ),
    Event.POSITION_CLOSE_FAILED: lambda d: f"{number(d.get('residual_amount'))} left",
    Event.STOP_INTENDED: lambda d: f"about to put the stop back at {number(d.get('stop_price'))}",
    Event.STOP_PUT_BACK: lambda d: f"stop back for {number(d.get('amount'))}",
    Event.STOP_LOST: lambda _: "the stop could not be put back",
    Event.BOOKED: lambda d: f"booked, profit {profit(d.get('realized_pnl'))}",
    Event.BOOKING_FAILED: lambda _: "not booked in full",
    Event.TIMEOUT: lambda d: f"out of time, {_count(d, 'in_the_air', 'pair')} under way",
    Event.COMPLETED: lambda _: "flat, as the exchange shows it",
    Event.PARTIAL: lambda d: f"{_count(d, 'remainder', 'position')} left",
    Event.ROWS_SET_ASIDE: lambda d: f"{_count(d, 'rows', 'row')} not believed",
    Event.FAILED: lambda d: f"none closed, {_count(d, 'remainder', 'position')} left",
}


def who(row: Row) -> str:
    """What or who started a run, and why."""
    by = f" by {row['actor']}" if row["actor"] else ""
    return f"{row['trigger']}{by}{': ' + row['reason'] if row['reason'] else ''}"


def profit(value: Any) -> str:
    """Stake currency; ``None`` = not known."""
    return f"{value:+.2f}" if isinstance(value, (int, float)) else "unknown"


def profit_of(run: Row) -> str:
    """Of a run that closed nothing there is none, neither known nor unknown."""
    return profit(run["total_realized_pnl"]) if run["positions_closed"] else "-"


def number(value: Any) -> str:
    """An amount or a price, without noise; ``None`` = not known."""
    return digits(value) if isinstance(value, (int, float)) else "unknown"


def seconds(value: Any) -> str:
    """A duration."""
    return f"{value:.2f} s" if isinstance(value, (int, float)) else "unknown"


def note(pair: Row) -> str:
    """What else is to be known of a pair's outcome."""
    notes = [str(pair["error"])] if pair.get("error") else []
    if pair.get("tracked") is False:
        notes.append("not in the database")
    if pair.get("protected") is not None:
        notes.append("a stop stands" if pair["protected"] else "NO STOP")
    return ", ".join(notes)

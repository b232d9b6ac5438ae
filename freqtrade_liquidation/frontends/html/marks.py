"""What the exchange showed, and what went wrong, moment by moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.frontends.html.rows import seconds_since, shown_by
from freqtrade_liquidation.frontends.html.values import Mark, MarkKind
from freqtrade_liquidation.frontends.words import Row, number, sentence

SHOWN: Final = (MarkKind.OPEN, MarkKind.GONE)


def marks_of(rows: Sequence[Row], began: datetime) -> list[Mark]:
    marks: list[Mark] = []
    open_before: set[str] = set()
    for row in rows:
        at_s = seconds_since(began, row)
        shown = shown_by(row)
        if shown is not None:
            amounts = {str(p.get("pair")): p.get("amount") for p in shown}
            marks.append(Mark(pair=None, kind=MarkKind.LOOK, at_s=at_s, words=sentence(row)))
            marks += _shown_marks(amounts, open_before, at_s)
            open_before = set(amounts)
        elif (kind := _mark_kind(row)) is not None:
            marks.append(Mark(pair=row["pair"], kind=kind, at_s=at_s, words=sentence(row)))
    return marks


def _shown_marks(amounts: Mapping[str, Any], open_before: set[str], at_s: float) -> list[Mark]:
    still = [
        Mark(pair=pair, kind=MarkKind.OPEN, at_s=at_s, words=f"{number(amount)} open")
        for pair, amount in amounts.items()
    ]
    gone = [
        Mark(pair=pair, kind=MarkKind.GONE, at_s=at_s, words="not open any more")
        for pair in sorted(open_before - amounts.keys())
    ]
    return still + gone


def _mark_kind(row: Row) -> MarkKind | None:
    match row["event_type"]:
        case Event.BOOKED:
            return MarkKind.BOOKED
        case Event.BOOKING_FAILED | Event.STOP_LOST | Event.TIMEOUT | Event.ABANDONED:
            return MarkKind.TROUBLE
        case Event.ATTEMPT_FAILED if row["operation"] == "look":
            return MarkKind.TROUBLE
        case Event.ORDERS_QUERIED if row["error"]:
            return MarkKind.TROUBLE
        case _:
            return None


def flat_s(marks: Sequence[Mark]) -> float | None:
    """When the last position was gone; ``None`` = something was open to the end, or nothing was."""
    shown = [mark for mark in marks if mark.kind in (MarkKind.OPEN, MarkKind.GONE)]
    last = {mark.pair: mark for mark in shown}
    if not last or any(mark.kind is MarkKind.OPEN for mark in last.values()):
        return None
    return max(mark.at_s for mark in last.values())

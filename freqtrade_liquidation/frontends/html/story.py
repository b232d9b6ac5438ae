"""A run, told from its rows in the audit trail. Pure: rows in, values out.

Nothing is filled in. What the trail does not say is ``None`` here and "not known" on the page; a
request without an answer on record stays one, however the run ended.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.frontends.html.marks import flat_s, marks_of
from freqtrade_liquidation.frontends.html.pairs import pairs_of
from freqtrade_liquidation.frontends.html.rows import data_of, seconds_since
from freqtrade_liquidation.frontends.html.sent import requests_of
from freqtrade_liquidation.frontends.html.values import Moment, Story
from freqtrade_liquidation.frontends.words import Row, sentence

FINAL: Final = (Event.COMPLETED, Event.PARTIAL, Event.FAILED, Event.SKIPPED)
AFTERWARDS: Final = (Event.INTERRUPTED, Event.BOOKED, Event.BOOKING_FAILED, Event.CANCEL_INTENDED)
"""What may be added to a run that has been cut off, minutes or days later."""


def tell(run: Row, events: Sequence[Row]) -> Story:
    """The story of *run*.

    :param events: the run's own, in the order of their sequence, keys as ``--export`` writes them.
    """
    began = datetime.fromisoformat(run["started_at"])
    rows = sorted(events, key=lambda row: str(row["timestamp"]))  # imported lines come late
    end = _end_of(rows)
    within, after = rows[:end], rows[end:]
    moments = tuple(_moment(row, began) for row in within)
    ended_s = max((moment.at_s for moment in moments), default=0.0)
    marks = tuple(marks_of(within, began))
    requests = requests_of(within, began)
    return Story(
        run=run,
        began=began,
        config=_config_of(run, rows),
        expected=_expected(rows),
        pairs=tuple(pairs_of(run, rows, within, marks)),
        requests=requests,
        marks=marks,
        moments=moments,
        later=tuple(_moment(row, began) for row in after),
        ended_s=ended_s,
        flat_s=flat_s(marks),
        cut_off=any(row["event_type"] == Event.INTERRUPTED for row in after),
    )


def _end_of(rows: Sequence[Row]) -> int:
    """How many rows are the run's own; those behind were added later."""
    for number, row in enumerate(rows):
        if row["event_type"] in FINAL:
            return number + 1
    if any(row["event_type"] == Event.INTERRUPTED for row in rows):
        own = [n for n, row in enumerate(rows) if row["event_type"] not in AFTERWARDS]
        return max(own, default=-1) + 1
    return len(rows)


def _moment(row: Row, began: datetime) -> Moment:
    return Moment(
        sequence=row["sequence"],
        at=datetime.fromisoformat(row["timestamp"]),
        at_s=seconds_since(began, row),
        kind=str(row["event_type"]).removeprefix("liquidation_").replace("_", " "),
        pair=row["pair"],
        words=sentence(row),
        is_error=bool(row["error"]),
    )


def _config_of(run: Row, rows: Sequence[Row]) -> Mapping[str, Any] | None:
    started = (row["config"] for row in rows if row["event_type"] == Event.STARTED)
    found = next(started, None) or run["config"]
    return found if isinstance(found, Mapping) else None


def _expected(rows: Sequence[Row]) -> int | None:
    started = (data_of(row) for row in rows if row["event_type"] == Event.STARTED)
    count = next(started, {}).get("positions_count_expected")
    return count if isinstance(count, int) else None

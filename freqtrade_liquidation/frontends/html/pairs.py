"""What became of each pair."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.frontends.html.marks import SHOWN
from freqtrade_liquidation.frontends.html.rows import data_of, shown_by
from freqtrade_liquidation.frontends.html.values import Mark, MarkKind, PairStory
from freqtrade_liquidation.frontends.words import Row

NOT_ACTED: Final = ("refused", "account_refused", "unavailable")


def pairs_of(
    run: Row, rows: Sequence[Row], within: Sequence[Row], marks: Sequence[Mark]
) -> list[PairStory]:
    outcomes = {str(o.get("pair")): o for o in run["outcome"] or () if isinstance(o, Mapping)}
    first = _first_shown(within)
    pairs = sorted(outcomes.keys() | first.keys())
    gone = {m.pair: m for m in marks if m.kind in SHOWN}
    stories = [
        _pair(pair, outcomes.get(pair, {}), first.get(pair, {}), rows, gone.get(pair))
        for pair in pairs
    ]
    return sorted(stories, key=lambda story: (not story.is_left, story.pair))


def _first_shown(rows: Sequence[Row]) -> dict[str, Mapping[str, Any]]:
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        for position in shown_by(row) or ():
            first.setdefault(str(position.get("pair")), position)
    return first


def _pair(
    pair: str,
    outcome: Mapping[str, Any],
    first: Mapping[str, Any],
    rows: Sequence[Row],
    last_shown: Mark | None,
) -> PairStory:
    profit, later = outcome.get("realized_pnl"), False
    booked = [row for row in rows if row["pair"] == pair and row["event_type"] == Event.BOOKED]
    told = [p for row in booked if (p := data_of(row).get("realized_pnl")) is not None]
    if profit is None and told:
        profit, later = told[-1], True
    filled, average = _fills(pair, rows, booked)
    price, name = _decision_price(first)
    gone = last_shown is not None and last_shown.kind is MarkKind.GONE
    return PairStory(
        pair=pair,
        side=outcome.get("side") or first.get("side"),
        state=outcome.get("state"),
        amount=outcome.get("amount", first.get("amount")),
        residual_amount=outcome.get("residual_amount"),
        realized_pnl=profit,
        booked_later=later,
        entry_price=first.get("entry_price"),
        decision_price=price,
        decision_price_is=name,
        average=average,
        filled=filled,
        gone_at_s=last_shown.at_s if gone and last_shown is not None else None,
        tracked=outcome.get("tracked"),
        protected=outcome.get("protected"),
        error=outcome.get("error") or first.get("obstacle"),
    )


def _decision_price(first: Mapping[str, Any]) -> tuple[float | None, str | None]:
    for key, name in (("mark_price", "mark price"), ("last_price", "last price")):
        if first.get(key) is not None:
            return float(first[key]), name
    return None, None


def _fills(
    pair: str, rows: Sequence[Row], booked: Sequence[Row]
) -> tuple[float | None, float | None]:
    """Amount and average price of our closing orders: as answered, else as booked; 0.0 and ``None``
    where none was sent, or none that can have acted."""
    of_pair = [row for row in rows if row["pair"] == pair]
    sent = [data_of(row) for row in of_pair if row["event_type"] == Event.CLOSE_INTENDED]
    answers = {
        data_of(row).get("client_order_id"): data_of(row)
        for row in of_pair
        if row["event_type"] in (Event.CLOSE_ANSWERED, Event.ATTEMPT_FAILED)
    }
    known = [answers.get(order.get("client_order_id"), {}) for order in sent]
    done = [answer for answer in known if not _never_acted(answer)]
    if not done:
        return 0.0, None
    if all(a.get("filled") and a.get("average") is not None for a in done):
        filled = sum(float(answer["filled"]) for answer in done)
        return filled, sum(float(a["filled"]) * float(a["average"]) for a in done) / filled
    for row in reversed(booked):
        data = data_of(row)
        if data.get("average") is not None:
            return data.get("filled"), float(data["average"])
    return None, None


def _never_acted(answer: Mapping[str, Any]) -> bool:
    return answer.get("outcome") in NOT_ACTED

"""Requests that could change the book, each with its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.frontends.html.rows import data_of, seconds_since
from freqtrade_liquidation.frontends.html.values import Outcome, Sent, SentKind
from freqtrade_liquidation.frontends.words import Row, number

OUTCOMES: Final = {
    "refused": Outcome.REFUSED,
    "account_refused": Outcome.REFUSED,
    "unavailable": Outcome.UNAVAILABLE,
}


def requests_of(rows: Sequence[Row], began: datetime) -> tuple[Sent, ...]:
    """In the order in which they were announced."""
    ledger = _Ledger(began)
    for row in rows:
        ledger.read(row)
    return tuple(ledger.sent)


class _Ledger:
    """Finds the request of each answer: closes by our order id, cancels by the exchange's, stops
    by their pair (the one put back has an id of its own)."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._waiting: dict[tuple[SentKind, str], list[int]] = {}
        self.sent: list[Sent] = []

    def read(self, row: Row) -> None:
        data, pair = data_of(row), str(row["pair"])
        match row["event_type"]:
            case Event.CLOSE_INTENDED:
                words = f"{data.get('side', '?')} {number(data.get('amount'))} at market"
                self._announce(row, SentKind.CLOSE, data.get("client_order_id"), words)
            case Event.CANCEL_INTENDED:
                for order in data.get("orders") or ():
                    self._announce(row, SentKind.CANCEL, order.get("order_id"), _cancel(order))
            case Event.STOP_INTENDED:
                at = f"{number(data.get('amount'))} at {number(data.get('stop_price'))}"
                self._announce(row, SentKind.STOP, pair, f"put the stop back: {at}")
            case _:
                self._hear(row, data, pair)

    def _hear(self, row: Row, data: Mapping[str, Any], pair: str) -> None:
        match row["event_type"]:
            case Event.CLOSE_ANSWERED:
                words = _filled(data)
                self._answer(row, SentKind.CLOSE, data.get("client_order_id"), Outcome.DONE, words)
            case Event.ATTEMPT_FAILED if data.get("client_order_id"):
                outcome = _outcome(data)
                self._answer(row, SentKind.CLOSE, data.get("client_order_id"), outcome)
            case Event.ORDERS_CANCELLED:
                for order_id in data.get("order_ids") or ():
                    self._answer(row, SentKind.CANCEL, order_id, Outcome.DONE, "cancelled")
            case Event.CANCEL_FAILED:
                self._answer(row, SentKind.CANCEL, data.get("order_id"), _outcome(data))
            case Event.STOP_PUT_BACK:
                self._answer(row, SentKind.STOP, pair, Outcome.DONE, "it stands again")
            case Event.STOP_LOST:
                self._answer(row, SentKind.STOP, pair, Outcome.FAILED)

    def _announce(self, row: Row, kind: SentKind, handle: Any, words: str) -> None:
        at_s = seconds_since(self._began, row)
        self._waiting.setdefault((kind, str(handle)), []).append(len(self.sent))
        self.sent.append(Sent(pair=str(row["pair"]), kind=kind, at_s=at_s, words=words))

    def _answer(
        self, row: Row, kind: SentKind, handle: Any, outcome: Outcome, words: str = ""
    ) -> None:
        waiting = self._waiting.get((kind, str(handle)))
        if not waiting:
            return  # its announcement is not in the trail
        # A stop is announced again for each attempt: the answer is the last one's.
        index = waiting.pop(-1 if kind is SentKind.STOP else 0)
        self.sent[index] = replace(
            self.sent[index],
            answered_s=seconds_since(self._began, row),
            outcome=outcome,
            answer=str(row["error"] or words),
        )


def _outcome(data: Mapping[str, Any]) -> Outcome:
    return OUTCOMES.get(str(data.get("outcome")), Outcome.UNKNOWN)


def _cancel(order: Mapping[str, Any]) -> str:
    role = {"protective": "stop", "entry": "entry", "exit": "exit"}.get(
        str(order.get("role")), "order"
    )
    amount = f" of {number(order['amount'])}" if order.get("amount") is not None else ""
    return f"cancel the {role} {order.get('order_id', '?')}{amount}"


def _filled(data: Mapping[str, Any]) -> str:
    if data.get("filled") is None:
        return "accepted; fill not told"
    at = f" at {number(data['average'])}" if data.get("average") is not None else ""
    return f"filled {number(data['filled'])}{at}"

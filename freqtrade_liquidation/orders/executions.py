"""What a run did on the exchange, kept for the booking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.model import ClosingOrder, OpenOrder
from freqtrade_liquidation.orders.trades import KnownTrade

FINAL_STATUSES: Final = ("closed", "canceled", "cancelled", "expired", "rejected")
"""Source: ccxt unified order statuses; freqtrade's NON_OPEN_EXCHANGE_STATES."""


@dataclass(slots=True, kw_only=True)
class Close:
    """A closing order of ours and what is known of it.

    :param answer: ccxt's unified order, amounts in base currency; ``None`` = never answered.
    """

    order: ClosingOrder
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    answer: dict[str, Any] | None = None
    refused: bool = False

    @property
    def is_final(self) -> bool:
        """Its fill will not change any more, and is known: "closed" without a fill is not."""
        if self.refused:
            return True
        answer = self.answer or {}
        if answer.get("status") not in FINAL_STATUSES or answer.get("filled") is None:
            return False
        if answer["filled"]:
            return answer.get("average") is not None
        return bool(answer["status"] != "closed")

    @property
    def filled(self) -> float:
        """Base currency, as far as known; 0.0 before anything is."""
        return float((self.answer or {}).get("filled") or 0.0)


@dataclass(slots=True, kw_only=True)
class Executions:
    """What a run did on the exchange, kept for the booking.

    :ivar booked: closing orders that freqtrade's trades have, by id, each with what it is booked
        without, in words; ``None`` = nothing is missing.
    """

    closes: list[Close] = field(default_factory=list)
    stops_put_back: list[tuple[OpenOrder, dict[str, Any], float]] = field(default_factory=list)
    cancelled: list[OpenOrder] = field(default_factory=list)
    booked: dict[str, str | None] = field(default_factory=dict)


def an_order(raw: Mapping[str, Any]) -> dict[str, Any]:
    """*raw*, ccxt's unified order, if it is one.

    :raises ExchangeUnavailable: ccxt makes an order without an id of an answer about nothing; taken
        for the order's state, it would say that nothing is filled.
    """
    if raw.get("id") is None:
        raise ExchangeUnavailable("the answer names no order")
    return dict(raw)


def filled_by(closes: Sequence[Close]) -> tuple[float | None, float | None]:
    """Base currency that *closes* filled, and its average price in quote currency.

    Both ``None`` while one of them is not final; the average also where nothing was filled.
    """
    sent = [close for close in closes if not close.refused]
    if not sent or not all(close.is_final for close in sent):
        return None, None
    filled = sum(close.filled for close in sent)
    cost = sum(c.filled * float(c.answer["average"]) for c in sent if c.answer and c.filled)
    return filled, cost / filled if filled else None


def still_unbooked(closes: Sequence[Close], trades: Sequence[KnownTrade]) -> list[Close]:
    """Those of an earlier run's *closes* that freqtrade's *trades* do not know of.

    Without them the next run would take the trade's amount for unsold and, on spot, sell it again.
    """
    known = {order_id for trade in trades for order_id in trade.order_ids}
    return [
        close
        for close in closes
        if not close.refused
        and str((close.answer or {}).get("id")) not in known
        and any(t.pair == close.order.pair and t.opened_at < close.sent_at for t in trades)
    ]

"""What a run did on the exchange, kept for the booking."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.exchange.rules.names import is_another
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, ClosingOrder, OpenOrder
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade

LOOSELY: Final = 1e-6
"""A fill may be so much larger than its order, by the rounding of floats."""
FINAL_STATUSES: Final = ("closed", "canceled", "cancelled", "expired", "rejected")
"""Source: ccxt unified order statuses; freqtrade's NON_OPEN_EXCHANGE_STATES."""


@dataclass(slots=True, kw_only=True)
class Close:
    """A closing order of ours and what is known of it.

    :param answer: ccxt's unified order, amounts in base currency; ``None`` = never answered.
    :param is_earlier: an earlier run's, which has it on its own record.
    :param booked: base currency of it that freqtrade's trades have, closed ones included.
    """

    order: ClosingOrder
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    answer: dict[str, Any] | None = None
    refused: bool = False
    is_earlier: bool = False
    booked: float = 0.0

    @property
    def is_final(self) -> bool:
        """Its fill will not change any more, and is known: "closed" without a fill is not."""
        if self.refused:
            return True
        answer = self.answer or {}
        filled = answer.get("filled")
        if answer.get("status") not in FINAL_STATUSES or not is_amount(filled):
            return False
        if filled:
            return is_amount(average := answer.get("average")) and average > 0
        return bool(answer["status"] != "closed")

    @property
    def order_id(self) -> str | None:
        """The exchange's; ``None`` = never answered."""
        return None if self.answer is None else str(self.answer["id"])

    @property
    def filled(self) -> float:
        """Base currency, as far as known; 0.0 before anything is."""
        filled = (self.answer or {}).get("filled")
        return float(filled) if is_amount(filled) else 0.0

    @property
    def unbooked(self) -> float:
        """Base currency that it has filled, and that no trade has."""
        return max(0.0, sum_of(self.filled, -self.booked))

    @property
    def is_booked(self) -> bool:
        """Trades have all of it."""
        return self.is_final and self.booked > self.filled * (1 - AMOUNT_TOLERANCE)


@dataclass(slots=True, kw_only=True)
class Executions:
    """What a run did on the exchange, kept for the booking.

    :ivar cancelled: orders whose end the answer to their cancel told.
    :ivar acknowledged: orders whose cancel was taken on, by id, and when that was answered, on the
        monotonic clock. Whether they still rest, a question that is asked later tells.
    :ivar booked: closing orders that freqtrade's trades have, by id, each with what it is booked
        without, in words; ``None`` = nothing is missing.
    """

    closes: list[Close] = field(default_factory=list)
    stops_put_back: list[tuple[OpenOrder, dict[str, Any], float]] = field(default_factory=list)
    cancelled: list[OpenOrder] = field(default_factory=list)
    acknowledged: dict[str, tuple[OpenOrder, float]] = field(default_factory=dict)
    booked: dict[str, str | None] = field(default_factory=dict)

    @property
    def called_off(self) -> list[OpenOrder]:
        """Orders whose cancel the exchange confirmed or acknowledged."""
        return [*self.cancelled, *(order for order, _ in self.acknowledged.values())]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """A stop that a run has put back."""

    pair: str
    order: KnownOrder
    placed_at: datetime


@dataclass(slots=True, kw_only=True)
class Earlier:
    """What earlier runs have left on the exchange that nobody has booked.

    :ivar doubts: by order id, the pair and why an order may be one of theirs, in words.
    """

    closes: list[Close] = field(default_factory=list)
    stops: list[PutBack] = field(default_factory=list)
    doubts: dict[str, tuple[str, str]] = field(default_factory=dict)


def is_amount(value: Any) -> TypeGuard[float]:
    """Whether *value*, as an exchange told it, is a finite number that is not negative."""
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def an_order(
    raw: Mapping[str, Any],
    *,
    pair: str,
    side: str | None = None,
    order_id: str | None = None,
    name: str | None = None,
    most: float | None = None,
) -> dict[str, Any]:
    """*raw*, ccxt's unified order with amounts in base currency, if it is the order asked about.

    :param order_id: ``None`` = not known yet.
    :param name: our client order id; many exchanges do not repeat it.
    :param most: what it can have filled at most; ``None`` = the amount that *raw* itself tells.
    :raises ExchangeUnavailable: if it is not. ccxt makes an order without an id of an answer about
        nothing; and another order's fill, taken for this one's, closes what is open.
    """
    if raw.get("id") is None:
        raise ExchangeUnavailable("the answer names no order")
    filled = raw.get("filled")
    most = raw.get("amount") if most is None else most
    has_filled_more = is_amount(filled) and is_amount(most) and filled > most * (1 + LOOSELY)
    differs = {
        "id": order_id is not None and str(raw["id"]) != order_id,
        "pair": "/" in str(raw.get("symbol")) and raw["symbol"] != pair,
        "side": None not in (side, raw.get("side")) and raw["side"] != side,
        "name": bool(name) and is_another(raw.get("clientOrderId"), str(name)),
        "fill": has_filled_more or (filled is not None and not is_amount(filled)),
    }
    if words := [what for what, is_other in differs.items() if is_other]:
        raise ExchangeUnavailable(f"the answer is about another order: {', '.join(words)}")
    return dict(raw)


def the_order(raw: Mapping[str, Any], trade: KnownTrade, order: KnownOrder) -> dict[str, Any]:
    """*raw* if it is *order* of *trade*. For a stop, freqtrade gives what it became under the id of
    the stop. Source: ``Exchange.fetch_stoploss_order``, and that of OKX and Bitget.

    :raises ExchangeUnavailable: if it is another one.
    """
    side = trade.side.exit_side if order.is_stop else order.role_side
    return an_order(raw, pair=trade.pair, side=side, order_id=order.order_id)


def answer_to(
    order: ClosingOrder, raw: Mapping[str, Any], *, step: float = 0.0, order_id: str | None = None
) -> dict[str, Any]:
    """*raw* if it is about *order*, of which no more can be filled than was asked for.

    :param step: of the market's amounts, base currency.
    :raises ExchangeUnavailable: if it is about another one.
    """
    return an_order(
        raw,
        pair=order.pair,
        side=order.side.exit_side,
        order_id=order_id,
        name=order.client_order_id,
        most=order.amount + step / 2,
    )


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


def as_earlier(closes: Iterable[Close]) -> list[Close]:
    """*closes*, for a run that did not send them."""
    for close in closes:
        close.is_earlier = True
    return list(closes)


def still_unbooked(
    closes: Sequence[Close],
    trades: Sequence[KnownTrade],
    noted: Mapping[str, datetime] | None = None,
) -> list[Close]:
    """Those of an earlier run's *closes* that freqtrade's *trades* do not know of.

    Without them the next run would take the trade's amount for unsold and, on spot, sell it again.

    :param noted: by pair, when an order was noted (aware UTC) that no trade knows, and that a close
        may have closed in part.
    """
    known = {order_id for trade in trades for order_id in trade.order_ids}
    began = [*(noted or {}).items(), *((trade.pair, trade.opened_at) for trade in trades)]
    return [
        close
        for close in closes
        if not close.refused
        and str((close.answer or {}).get("id")) not in known
        and any(pair == close.order.pair and at < close.sent_at for pair, at in began)
    ]

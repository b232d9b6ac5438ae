"""What an answer to a cancel is worth.

An answer with a good HTTP status may say anything. Three kinds are told apart: the order is at its
end, the exchange says so and names it; the request was taken on, which the order's next fill may
still overtake; and everything else, after which nobody knows. To believe the second kind like the
first was weighed: it is what most exchanges send, and it saves a look. But then an entry that the
exchange did not get to cancel rests in a book that is called flat.
"""

from collections.abc import Mapping
from typing import Any

from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.exchange.rules.cancel_answers import (
    acknowledges,
    confirms_algo,
    writes_its_status,
)
from freqtrade_liquidation.model import CancelStatus, OpenOrder, OrderRole
from freqtrade_liquidation.orders.executions import FINAL_STATUSES


def status_told(api: Any, order: OpenOrder, answer: Any) -> CancelStatus:
    """What *answer*, made by ccxt's exchange *api*, says of *order*, whose cancel was sent."""
    told = answer if isinstance(answer, Mapping) else {}
    is_named = str(told.get("id")) == order.order_id
    if is_named and told.get("status") in FINAL_STATUSES and writes_its_status(api):
        return CancelStatus.CANCELLED
    if order.conditional and confirms_algo(api, told, order.order_id):
        return CancelStatus.CANCELLED
    if acknowledges(api, told, order.order_id):
        return CancelStatus.ACKNOWLEDGED
    return CancelStatus.UNKNOWN


def left_of_cancelled(order: OpenOrder, answer: Mapping[str, Any]) -> float | None:
    """Base currency that *order* had still to fill when it was cancelled; ``None`` where the answer
    tells of no fill.

    Not ccxt's ``remaining``: some exchanges call it 0 for whatever is cancelled. A stop that is in
    a list of its own is no order before it triggers, and cannot be cancelled after: it has filled
    nothing.
    """
    if order.conditional and order.role is OrderRole.PROTECTIVE:
        return order.amount
    amount, filled = answer.get("amount"), answer.get("filled")
    if not amount or filled is None:
        return None
    return max(0.0, sum_of(float(amount), -float(filled)))

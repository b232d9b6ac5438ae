"""Orders at their end, where ccxt passes the exchange's own word for it through.

Such a word is none of the statuses that freqtrade takes for the end of an order: to it, the order
would stay open for ever.
"""

from collections.abc import Mapping
from typing import Any, Final

from freqtrade_liquidation.exchange.rules.kin import rule_for

ENDED_AS: Final[Mapping[str, frozenset[str]]] = {
    # Gate API v4, FuturesOrder.finish_as; ccxt gate.parse_order_status knows the others
    "gate": frozenset({"reduce_only", "position_closed", "reduce_out", "stp", "auto_deleveraged"}),
}
"""By ccxt's exchange id. The fill is told with it; what is left of the order is cancelled."""


def ended(api: Any, order: Mapping[str, Any]) -> dict[str, Any]:
    """ccxt's unified *order* from exchange *api*, with a status that freqtrade knows."""
    over = order.get("status") in rule_for(ENDED_AS, api, frozenset())
    return {**order, "status": "canceled"} if over else dict(order)

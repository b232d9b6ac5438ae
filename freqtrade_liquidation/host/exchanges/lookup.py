"""An order of ours, found again by the name that we gave it."""

from datetime import datetime
from typing import Any, Final

import ccxt
from freqtrade.exchange import Exchange

from freqtrade_liquidation.host.exchanges.kin import lineage
from freqtrade_liquidation.host.exchanges.names import is_same

ASKS_BY_NAME: Final = frozenset(
    {"binance", "okx", "gate", "hyperliquid", "bitget", "bitmart", "htx"}
)
"""Where one order can be asked for by our name, by ccxt's exchange id.

Source: ccxt's ``fetch_order``, which sends ``clientOrderId`` *instead of* the exchange's own id.
The others send it beside an empty id, or not at all, and a question without an id may be answered
with the newest order of the market (bybit), whoever placed it. There the order is looked for in the
list of orders.
"""


def asks_by_name(api: Any) -> bool:
    """Whether ccxt's exchange *api* can be asked for one order by our name."""
    return not ASKS_BY_NAME.isdisjoint(lineage(api))


def can_find(exchange: Exchange) -> bool:
    """Whether an order of ours can be found again at all where its answer was lost.

    Source: freqtrade ``Exchange._fetch_orders``, which needs one of these lists.
    """
    listed = exchange.exchange_has("fetchOrders") or (
        exchange.exchange_has("fetchClosedOrders") and exchange.exchange_has("fetchOpenOrders")
    )
    return asks_by_name(exchange._api) or bool(listed)


def find_order(exchange: Exchange, pair: str, name: str, since: datetime) -> Any:
    """The order that we named *name*, amounts in base currency.

    :param since: when it was sent (aware UTC).
    :raises ccxt.OrderNotFound: if the exchange does not know it.
    :raises ccxt.BadResponse: if it answers with another order.
    """
    if asks_by_name(exchange._api):
        order: Any = exchange.fetch_order("", pair, {"clientOrderId": name})
        answered = order.get("clientOrderId")
        if answered is not None and not is_same(answered, name):
            raise ccxt.BadResponse(f"asked for order {name}, was answered {answered}")
        return order
    if not can_find(exchange):
        raise ccxt.NotSupported(f"{exchange._api.id} finds no order by our name for it")
    orders: list[Any] = exchange.fetch_orders(pair, since)
    for order in orders:
        if is_same(order.get("clientOrderId"), name):
            return order
    raise ccxt.OrderNotFound(f"{exchange._api.id} lists no order {name} since {since:%H:%M:%S}")

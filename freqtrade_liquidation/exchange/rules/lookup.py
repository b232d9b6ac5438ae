"""An order of ours, found again by the name that we gave it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import ccxt
from freqtrade.exceptions import FreqtradeException
from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.classify import causes
from freqtrade_liquidation.exchange.rules.kin import lineage
from freqtrade_liquidation.exchange.rules.names import is_same

ASKS_BY_NAME: Final = frozenset(
    {"binance", "okx", "gate", "hyperliquid", "bitget", "bitmart", "htx"}
)
"""Where one order can be asked for by our name, by ccxt's exchange id.

Source: ccxt's ``fetch_order``, which sends ``clientOrderId`` *instead of* the exchange's own id.
The others send it beside an empty id, or not at all, and a question without an id may be answered
with the newest order of the market (bybit), whoever placed it. There the order is looked for in the
list of orders.
"""

NAMES_LAST: Final = timedelta(seconds=50)
"""Later, that an exchange does not know our name proves nothing: its lists decide.

Source: Gate API v4, Get a single order: a custom id is known for 60 s (futures) or an hour (spot)
after the order's end, then only the exchange's own id.
"""
ARRIVES_WITHIN: Final = timedelta(seconds=60)
"""An order listed without a name (bitvavo's all are, in ccxt) and within this of ours may be it."""


def asks_by_name(api: Any) -> bool:
    """Whether ccxt's exchange *api* can be asked for one order by our name."""
    return not ASKS_BY_NAME.isdisjoint(lineage(api))


def can_find(exchange: Exchange) -> bool:
    """Whether an order of ours can be found again at all where its answer was lost.

    Source: freqtrade ``Exchange._fetch_orders``, which needs one of these lists.
    """
    return asks_by_name(exchange._api) or _has_lists(exchange)


def _has_lists(exchange: Exchange) -> bool:
    return bool(
        exchange.exchange_has("fetchOrders")
        or (exchange.exchange_has("fetchClosedOrders") and exchange.exchange_has("fetchOpenOrders"))
    )


def find_order(exchange: Exchange, pair: str, name: str, since: datetime) -> Any:
    """The order that we named *name*, amounts in base currency.

    :param since: when it was sent (aware UTC).
    :raises ccxt.OrderNotFound: if the exchange does not know it.
    :raises ccxt.BadResponse: if it answers with another order, or with one that may be ours.
    """
    if asks_by_name(exchange._api):
        try:
            return _asked_by_name(exchange, pair, name)
        except (ccxt.OrderNotFound, FreqtradeException) as error:
            is_proof = datetime.now(UTC) - since < NAMES_LAST or not _has_lists(exchange)
            if is_proof or not _is_not_found(error):
                raise
    if not can_find(exchange):
        raise ccxt.NotSupported(f"{exchange._api.id} finds no order by our name for it")
    return _listed(exchange, pair, name, since)


def _asked_by_name(exchange: Exchange, pair: str, name: str) -> Any:
    order: Any = exchange.fetch_order("", pair, {"clientOrderId": name})
    answered = order.get("clientOrderId")
    if answered is not None and not is_same(answered, name):
        raise ccxt.BadResponse(f"asked for order {name}, was answered {answered}")
    return order


def _listed(exchange: Exchange, pair: str, name: str, since: datetime) -> Any:
    orders: list[Any] = exchange.fetch_orders(pair, since)
    for order in orders:
        if is_same(order.get("clientOrderId"), name):
            return order
    earliest, latest = since - ARRIVES_WITHIN, since + ARRIVES_WITHIN
    for order in orders:
        at_s = (order.get("timestamp") or 0) / 1000
        if not order.get("clientOrderId") and earliest.timestamp() <= at_s <= latest.timestamp():
            raise ccxt.BadResponse(f"order {order['id']} bears no name and may be {name}")
    raise ccxt.OrderNotFound(f"{exchange._api.id} lists no order {name} since {since:%H:%M:%S}")


def _is_not_found(error: Exception) -> bool:
    return any(isinstance(cause, ccxt.OrderNotFound) for cause in causes(error))

"""Orders: size in contracts, signed; a price of 0 is a market order."""

from typing import Any, Final

from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.gate.refusals import deny
from freqtrade_liquidation.drill.exchange.gate.wire import order_json
from freqtrade_liquidation.drill.exchange.gate.words import (
    is_settled_here,
    is_within,
    market_of,
    order_params,
    page,
)
from freqtrade_liquidation.drill.exchange.records import Order
from freqtrade_liquidation.drill.exchange.refusals import Refusal
from freqtrade_liquidation.drill.exchange.routing import Routes

ROUTES = Routes()
NAMED_FOR_MS: Final = 60_000
"""How long after its end an order is found by its ``text``. Source: Gate API v4, Get a single
order: in the book, and 60 s after."""

_UNFILLED: Final = ("finish_time", "finish_as")


def _json(call: Call, order: Order) -> dict[str, Any]:
    return order_json(call.core.futures.markets[order.symbol], order)


@ROUTES.add("POST", "/futures/{settle}/orders", signed=True, orders=1)
def place_order(call: Call) -> Answer:
    """Place one order."""
    params = order_params(call)
    try:
        order = call.core.futures.place(params, call.share())
    except Refusal as refusal:
        raise _explained(call, params, refusal) from refusal
    row = _json(call, order)
    if any(rule.kind == "no_fill_answer" for rule in call.struck):
        row = {name: value for name, value in row.items() if name not in _UNFILLED}
        row |= {"status": "open", "left": row["size"], "fill_price": "0"}
    return row


def _explained(call: Call, params: dict[str, str], refusal: Refusal) -> Refusal:
    """Gate tells apart why nothing can be reduced."""
    if refusal.code == -4118:
        return deny("REDUCE_EXCEEDED", "reduce orders exceed the position")
    if refusal.code != -2022:
        return refusal
    if call.core.futures.position(params["symbol"]).amount:
        return deny("INCREASE_POSITION", "reduce-only order would increase the position")
    return deny("REDUCE_EXCEEDED", "empty position")


def _find(call: Call) -> Order:
    """:return: the order of the path, by id or by ``text``."""
    venue, name = call.core.futures, call.params.get("order_id", "")
    order = venue.orders.get(int(name)) if name.isdigit() else venue.named(name)
    if order is not None and not name.isdigit() and not order.is_open:
        order = order if call.core.now_ms() - order.updated_ms <= NAMED_FOR_MS else None
    if order is None or not is_settled_here(call):
        raise deny("ORDER_NOT_FOUND", status=404)
    return order


@ROUTES.add("GET", "/futures/{settle}/orders/{order_id}", signed=True)
def get_order(call: Call) -> Answer:
    """Read one order."""
    return _json(call, _find(call))


@ROUTES.add("DELETE", "/futures/{settle}/orders/{order_id}", signed=True)
def cancel_order(call: Call) -> Answer:
    """Cancel one order; ORDER_FINISHED if it is no longer open."""
    return _json(call, call.core.futures.cancel(_find(call)))


@ROUTES.add("GET", "/futures/{settle}/orders", signed=True)
def list_orders(call: Call) -> Answer:
    """Open or finished orders, newest first, a page at a time; stops are another list."""
    if call.params.get("status") not in ("open", "finished"):
        raise deny("INVALID_PARAM_VALUE", "invalid argument: status")
    if not is_settled_here(call):
        return []
    wanted = call.params["status"] == "open"
    orders = [
        order
        for order in reversed(call.core.futures.orders.values())
        if order.is_open == wanted and call.symbol in (None, order.symbol)
    ]
    return [_json(call, order) for order in page(call, orders)]


@ROUTES.add("GET", "/futures/{settle}/orders_timerange", signed=True)
def list_ended_orders(call: Call) -> Answer:
    """Orders that have ended, by the time of their creation, newest first."""
    if not is_settled_here(call):
        return []
    orders = [
        order
        for order in reversed(call.core.futures.orders.values())
        if not order.is_open
        and call.symbol in (None, order.symbol)
        and is_within(call, order.created_ms)
    ]
    return [_json(call, order) for order in page(call, orders)]


@ROUTES.add("DELETE", "/futures/{settle}/orders", signed=True)
def cancel_all(call: Call) -> Answer:
    """Cancel a contract's orders; stops stay."""
    venue = call.core.futures
    orders = venue.open_orders(market_of(call).symbol)
    return [_json(call, venue.cancel(order)) for order in orders]

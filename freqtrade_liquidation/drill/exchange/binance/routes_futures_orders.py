"""Futures orders, ``/fapi``: one, many, and the conditional ones that live apart."""

import json
from typing import Any

from freqtrade_liquidation.drill.exchange.binance.wire import algo_order, futures_order
from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.faults import FaultRule
from freqtrade_liquidation.drill.exchange.refusals import Refusal, refuse
from freqtrade_liquidation.drill.exchange.routing import Routes, per_symbol

ROUTES = Routes()
_BATCH_MAX = 5
_CONDITIONAL = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET",
                          "TRAILING_STOP_MARKET"})  # fmt: skip
_UNFILLED = {"status": "NEW", "executedQty": "0", "cumQty": "0", "cumQuote": "0", "avgPrice": "0"}
_ALL_CANCELLED = {"code": 200, "msg": "The operation of cancel all open order is done."}


def batch_items(params: dict[str, str]) -> list[dict[str, str]]:
    """:return: the orders of a ``batchOrders`` request, every value as text."""
    try:
        rows = json.loads(params.get("batchOrders") or "[]")
    except ValueError:
        raise refuse(-1102, "Mandatory parameter 'batchOrders' was malformed.") from None
    return [{name: _as_text(value) for name, value in row.items()} for row in rows]


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(call: Call, params: dict[str, str], struck: list[FaultRule]) -> dict[str, Any]:
    if params.get("type") in _CONDITIONAL:
        raise refuse(-4120)
    row = futures_order(call.core.futures.place(params, call.share(struck)))
    shown = params.get("newOrderRespType") == "RESULT"
    hidden = any(rule.kind == "no_fill_answer" for rule in struck)
    return row if shown and not hidden else row | _UNFILLED


@ROUTES.add("POST", "/fapi/v1/order", weight=0, signed=True, orders=1)
def place_order(call: Call) -> Answer:
    """Place one order."""
    return _place(call, call.params, call.struck)


@ROUTES.add("POST", "/fapi/v1/batchOrders", weight=5, signed=True, orders=_BATCH_MAX)
def place_batch(call: Call) -> Answer:
    """Place up to five orders; each is taken or refused for itself."""
    items = batch_items(call.params)
    if not 1 <= len(items) <= _BATCH_MAX:
        raise refuse(-4082)
    return [_place_item(call, item) for item in items]


def _place_item(call: Call, item: dict[str, str]) -> dict[str, Any]:
    struck = call.struck + call.core.faults.take_item(call.method, call.path, item)
    try:
        for rule in struck:
            if rule.kind == "error":
                raise Refusal(rule.code, rule.msg, rule.status)
        return _place(call, item, struck)
    except Refusal as refusal:
        return refusal.to_json()


@ROUTES.add("GET", "/fapi/v1/order", weight=1, signed=True)
def get_order(call: Call) -> Answer:
    """Read one order."""
    return futures_order(call.core.futures.find(call.params, -2013))


@ROUTES.add("GET", "/fapi/v1/openOrder", weight=1, signed=True)
def get_open_order(call: Call) -> Answer:
    """Read one order that is still open."""
    order = call.core.futures.find(call.params, -2013)
    if not order.is_open:
        raise refuse(-2013)
    return futures_order(order)


@ROUTES.add("DELETE", "/fapi/v1/order", weight=1, signed=True)
def cancel_order(call: Call) -> Answer:
    """Cancel one order."""
    venue = call.core.futures
    return futures_order(venue.cancel(venue.find(call.params, -2011)))


@ROUTES.add("DELETE", "/fapi/v1/batchOrders", weight=1, signed=True)
def cancel_batch(call: Call) -> Answer:
    """Cancel up to ten orders of a symbol; each for itself."""
    lists = {name.lower(): value for name, value in call.params.items()}
    by_id = json.loads(lists.get("orderidlist") or "[]")
    by_name = json.loads(lists.get("origclientorderidlist") or "[]")
    if not 1 <= len(by_id) + len(by_name) <= 2 * _BATCH_MAX:
        raise refuse(-4082)
    keys = [{"orderId": str(v)} for v in by_id] + [{"origClientOrderId": v} for v in by_name]
    return [_cancel_item(call, key) for key in keys]


def _cancel_item(call: Call, key: dict[str, str]) -> dict[str, Any]:
    venue = call.core.futures
    try:
        return futures_order(venue.cancel(venue.find({"symbol": call.symbol or ""} | key, -2011)))
    except Refusal as refusal:
        return refusal.to_json()


@ROUTES.add("DELETE", "/fapi/v1/allOpenOrders", weight=1, signed=True)
def cancel_all(call: Call) -> Answer:
    """Cancel a symbol's orders; conditional ones stay."""
    venue = call.core.futures
    for order in venue.open_orders(venue.market(call.symbol).symbol):
        venue.cancel(order)
    return _ALL_CANCELLED


@ROUTES.add("GET", "/fapi/v1/openOrders", weight=per_symbol(1, 40), signed=True)
def open_orders(call: Call) -> Answer:
    """Open orders, without the conditional ones."""
    return [futures_order(order) for order in call.core.futures.open_orders(call.symbol)]


@ROUTES.add("GET", "/fapi/v1/allOrders", weight=5, signed=True)
def all_orders(call: Call) -> Answer:
    """Orders in every status."""
    orders = [
        order
        for order in call.core.futures.orders.values()
        if call.symbol in (None, order.symbol) and call.is_within(order.created_ms)
    ]
    return [futures_order(order) for order in orders[-call.limit :]]


@ROUTES.add("POST", "/fapi/v1/algoOrder", weight=0, signed=True, orders=1)
def place_algo(call: Call) -> Answer:
    """Place a conditional order."""
    return algo_order(call.core.futures.algo.place(call.params))


@ROUTES.add("GET", "/fapi/v1/algoOrder", weight=1, signed=True)
def get_algo(call: Call) -> Answer:
    """Read a conditional order."""
    return algo_order(call.core.futures.algo.find(call.params, -2013))


@ROUTES.add("DELETE", "/fapi/v1/algoOrder", weight=1, signed=True)
def cancel_algo(call: Call) -> Answer:
    """Cancel a conditional order."""
    algo = call.core.futures.algo
    order = algo.cancel(algo.find(call.params, -2011))
    return {
        "algoId": order.algo_id, "clientAlgoId": order.client_algo_id,
        "code": "200", "msg": "success",
    }  # fmt: skip


@ROUTES.add("GET", "/fapi/v1/openAlgoOrders", weight=per_symbol(1, 40), signed=True)
def open_algo(call: Call) -> Answer:
    """Conditional orders that wait."""
    return [algo_order(order) for order in call.core.futures.algo.open_orders(call.symbol)]


@ROUTES.add("GET", "/fapi/v1/allAlgoOrders", weight=5, signed=True)
def all_algo(call: Call) -> Answer:
    """Conditional orders in every status."""
    orders = [o for o in call.core.futures.algo.orders.values() if o.symbol == call.symbol]
    return [algo_order(order) for order in orders[-call.limit :]]


@ROUTES.add("DELETE", "/fapi/v1/algoOpenOrders", weight=1, signed=True)
def cancel_all_algo(call: Call) -> Answer:
    """Cancel a symbol's conditional orders."""
    algo = call.core.futures.algo
    for order in algo.open_orders(call.core.futures.market(call.symbol).symbol):
        algo.cancel(order)
    return {"code": 200, "msg": "The operation of cancel all open algo order is done."}

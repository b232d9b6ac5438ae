"""Price-triggered orders, which Gate keeps apart from the others."""

from typing import Any

from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.gate.refusals import deny
from freqtrade_liquidation.drill.exchange.gate.wire import stop_json
from freqtrade_liquidation.drill.exchange.gate.words import (
    is_settled_here,
    is_true,
    market_of,
    order_params,
    page,
    whole,
)
from freqtrade_liquidation.drill.exchange.records import AlgoOrder
from freqtrade_liquidation.drill.exchange.refusals import Refusal
from freqtrade_liquidation.drill.exchange.routing import Routes

ROUTES = Routes()
_RULES = {"1": "rise", "2": "fall"}


def _json(call: Call, order: AlgoOrder) -> dict[str, Any]:
    return stop_json(call.core.futures.markets[order.symbol], order)


@ROUTES.add("POST", "/futures/{settle}/price_orders", signed=True, orders=1)
def place_stop(call: Call) -> Answer:
    """Take a price-triggered order; the answer is its id and nothing else."""
    rule = call.params.get("trigger.rule", "")
    if rule not in _RULES:
        raise deny("INVALID_PARAM_VALUE", "invalid argument: Trigger.rule")
    params = order_params(call, "initial.")
    # A buy is a stop where it waits for the price to rise, a sell where it waits for it to fall.
    kind = "STOP" if (params["side"] == "BUY") == (rule == "1") else "TAKE_PROFIT"
    params |= {
        "algoType": "CONDITIONAL", "triggerPrice": call.params.get("trigger.price", ""),
        "type": kind if params["type"] == "LIMIT" else f"{kind}_MARKET",
        "closePosition": str(_closes_position(call)).lower(),
    }  # fmt: skip
    if "newClientOrderId" in params:
        params["clientAlgoId"] = params.pop("newClientOrderId")
    try:
        order = call.core.futures.algo.place(params)
    except Refusal as refusal:
        raise _explained(refusal, rule) from refusal
    return {"id": order.algo_id}


def _closes_position(call: Call) -> bool:
    none = whole(call.params.get("initial.size"), "size") == 0
    return none and is_true(call.params, "initial.close")


def _explained(refusal: Refusal, rule: str) -> Refusal:
    if refusal.code != -2021:
        return refusal
    word = {"1": ("GREATE", ">"), "2": ("LESS", "<")}[rule]
    return deny(
        f"AUTO_TRIGGER_PRICE_{word[0]}_LAST", f"invalid argument: Trigger.Price must {word[1]} last"
    )


def _find(call: Call) -> AlgoOrder:
    number = call.params.get("order_id", "")
    order = call.core.futures.algo.orders.get(int(number)) if number.isdigit() else None
    if order is None or not is_settled_here(call):
        raise deny("ORDER_NOT_FOUND", status=404)
    return order


@ROUTES.add("GET", "/futures/{settle}/price_orders/{order_id}", signed=True)
def get_stop(call: Call) -> Answer:
    """Read one; ``trade_id`` is the order that its trigger placed."""
    return _json(call, _find(call))


@ROUTES.add("DELETE", "/futures/{settle}/price_orders/{order_id}", signed=True)
def cancel_stop(call: Call) -> Answer:
    """Cancel one."""
    return _json(call, call.core.futures.algo.cancel(_find(call)))


@ROUTES.add("GET", "/futures/{settle}/price_orders", signed=True)
def list_stops(call: Call) -> Answer:
    """Those that wait, or those that have ended, newest first, a page at a time."""
    if call.params.get("status") not in ("open", "finished"):
        raise deny("INVALID_PARAM_VALUE", "invalid argument: status")
    if not is_settled_here(call):
        return []
    wanted = call.params["status"] == "open"
    orders = [
        order
        for order in reversed(call.core.futures.algo.orders.values())
        if order.is_open == wanted and call.symbol in (None, order.symbol)
    ]
    return [_json(call, order) for order in page(call, orders)]


@ROUTES.add("DELETE", "/futures/{settle}/price_orders", signed=True)
def cancel_all_stops(call: Call) -> Answer:
    """Cancel a contract's."""
    algo = call.core.futures.algo
    return [_json(call, algo.cancel(order)) for order in algo.open_orders(market_of(call).symbol)]

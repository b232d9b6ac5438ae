"""Spot, ``/api`` and what ccxt asks of ``/sapi``."""

from typing import Any

from freqtrade_liquidation.drill.exchange.binance.wire import spot_account, spot_fill, spot_order
from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.refusals import refuse
from freqtrade_liquidation.drill.exchange.routing import Routes, per_symbol

ROUTES = Routes()
_UNFILLED: dict[str, Any] = {
    "status": "NEW", "executedQty": "0", "cummulativeQuoteQty": "0", "fills": [],
}  # fmt: skip


@ROUTES.add("GET", "/api/v3/account", weight=20, signed=True)
def account(call: Call) -> Answer:
    """Balances, free and locked."""
    return spot_account(call.core.spot, call.core.now_ms())


@ROUTES.add("POST", "/api/v3/order", weight=1, signed=True, orders=1)
def place_order(call: Call) -> Answer:
    """Place one order."""
    row = spot_order(call.core.spot.place(call.params, call.share()), with_fills=True)
    hidden = any(rule.kind == "no_fill_answer" for rule in call.struck)
    return row | _UNFILLED if hidden else row


@ROUTES.add("POST", "/api/v3/order/test", weight=1, signed=True)
def test_order(call: Call) -> Answer:
    """Hold an order against the filters, take none."""
    call.core.spot.new_order(call.params)
    return {}


@ROUTES.add("GET", "/api/v3/order", weight=4, signed=True)
def get_order(call: Call) -> Answer:
    """Read one order."""
    return spot_order(call.core.spot.find(call.params, -2013))


@ROUTES.add("DELETE", "/api/v3/order", weight=1, signed=True)
def cancel_order(call: Call) -> Answer:
    """Cancel one order."""
    venue = call.core.spot
    return spot_order(venue.cancel(venue.find(call.params, -2011)))


@ROUTES.add("DELETE", "/api/v3/openOrders", weight=1, signed=True)
def cancel_all(call: Call) -> Answer:
    """Cancel a symbol's orders, stops too; −2011 if there is none."""
    venue = call.core.spot
    orders = venue.open_orders(venue.market(call.symbol).symbol)
    if not orders:
        raise refuse(-2011)
    return [spot_order(venue.cancel(order)) for order in orders]


@ROUTES.add("GET", "/api/v3/openOrders", weight=per_symbol(6, 80), signed=True)
def open_orders(call: Call) -> Answer:
    """Open orders, stops too."""
    return [spot_order(order) for order in call.core.spot.open_orders(call.symbol)]


@ROUTES.add("GET", "/api/v3/allOrders", weight=20, signed=True)
def all_orders(call: Call) -> Answer:
    """A symbol's orders in every status."""
    symbol = call.core.spot.market(call.symbol).symbol
    orders = [o for o in call.core.spot.orders.values() if o.symbol == symbol]
    return [spot_order(o) for o in orders if call.is_within(o.created_ms)][-call.limit :]


@ROUTES.add("GET", "/api/v3/myTrades", weight=20, signed=True)
def my_trades(call: Call) -> Answer:
    """A symbol's fills."""
    symbol = call.core.spot.market(call.symbol).symbol
    order_id = call.params.get("orderId")
    fills = [
        fill
        for fill in call.core.spot.fills
        if fill.symbol == symbol
        and order_id in (None, str(fill.order_id))
        and call.is_within(fill.time_ms)
    ]
    return [spot_fill(fill) for fill in fills[-call.limit :]]


@ROUTES.add("GET", "/sapi/v1/capital/config/getall", weight=10, signed=True)
def currencies(call: Call) -> Answer:
    """Every asset of both sides, without networks."""
    markets = [*call.core.spot.markets.values(), *call.core.futures.markets.values()]
    assets = dict.fromkeys(asset for market in markets for asset in (market.base, market.quote))
    return [
        {
            "coin": asset,
            "name": asset,
            "trading": True,
            "depositAllEnable": True,
            "withdrawAllEnable": True,
            "isLegalMoney": False,
            "free": "0",
            "locked": "0",
            "freeze": "0",
            "withdrawing": "0",
            "ipoable": "0",
            "ipoing": "0",
            "storage": "0",
            "networkList": [],
        }
        for asset in assets
    ]


@ROUTES.add("GET", "/sapi/v1/spot/delist-schedule", weight=100, signed=True)
@ROUTES.add("GET", "/sapi/v1/margin/allPairs", "/sapi/v1/margin/isolated/allPairs")
def nothing(call: Call) -> Answer:
    """Nothing of this kind here."""
    return []


@ROUTES.add("GET", "/sapi/v1/system/status")
def system_status(call: Call) -> Answer:
    """The exchange is open."""
    return {"status": 0, "msg": "normal"}

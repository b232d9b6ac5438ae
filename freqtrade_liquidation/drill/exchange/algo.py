"""Conditional futures orders, which Binance keeps apart from the others ("algo orders")."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from freqtrade_liquidation.drill.exchange.checks import check_amount, check_price, flag, required
from freqtrade_liquidation.drill.exchange.records import ZERO, AlgoOrder
from freqtrade_liquidation.drill.exchange.refusals import Refusal, refuse

if TYPE_CHECKING:
    from freqtrade_liquidation.drill.exchange.futures import FuturesVenue

_TYPES = {"STOP": "LIMIT", "TAKE_PROFIT": "LIMIT", "STOP_MARKET": "MARKET",
          "TAKE_PROFIT_MARKET": "MARKET"}  # fmt: skip


class AlgoBook:
    """The conditional orders of a futures account."""

    def __init__(self, venue: FuturesVenue) -> None:
        self._venue = venue
        self.orders: dict[int, AlgoOrder] = {}
        self._ids = itertools.count(5_000_001)

    def open_orders(self, symbol: str | None = None) -> list[AlgoOrder]:
        """:return: the orders that still wait for their trigger, oldest first."""
        orders = self.orders.values()
        return [o for o in orders if o.is_open and symbol in (None, o.symbol)]

    def find(self, params: Mapping[str, str], missing_code: int) -> AlgoOrder:
        """:return: the order that *params* name, by ``algoId`` or ``clientAlgoId``."""
        algo_id = params.get("algoId")
        if algo_id:
            order = self.orders.get(int(algo_id)) if algo_id.isdigit() else None
        else:
            name = params.get("clientAlgoId")
            named = [o for o in self.orders.values() if o.client_algo_id == name]
            order = named[-1] if named else None
        if order is None:
            raise refuse(missing_code)
        return order

    def place(self, params: dict[str, str]) -> AlgoOrder:
        """Take a conditional order.

        :raises Refusal: −2021 if it would trigger at once, and what the filters say.
        """
        order = self._new(params)
        market = self._venue.markets[order.symbol]
        check_price(market, order.trigger_price)
        if not order.close_position:
            check_amount(market, order.amount, at_market=_TYPES[order.order_type] == "MARKET")
        if any(o.client_algo_id == order.client_algo_id for o in self.open_orders()):
            raise refuse(-4116)
        if self._crossed(order):
            raise refuse(-2021)
        self.orders[order.algo_id] = order
        return order

    def _new(self, params: dict[str, str]) -> AlgoOrder:
        market = self._venue.market(params.get("symbol"))
        kind = params.get("type", "")
        if params.get("side") not in ("BUY", "SELL"):
            raise refuse(-1117)
        if kind not in _TYPES or params.get("algoType") != "CONDITIONAL":
            raise refuse(-1116)
        close_position = flag(params, "closePosition")
        algo_id = next(self._ids)
        now = self._venue.now_ms()
        return AlgoOrder(
            algo_id=algo_id, client_algo_id=params.get("clientAlgoId") or f"practice-{algo_id}",
            symbol=market.symbol, side=params["side"], order_type=kind,
            amount=ZERO if close_position else required(params, "quantity"),
            trigger_price=required(params, "triggerPrice"),
            price=required(params, "price") if _TYPES[kind] == "LIMIT" else ZERO,
            reduce_only=flag(params, "reduceOnly"), close_position=close_position,
            working_type=params.get("workingType") or "CONTRACT_PRICE",
            time_in_force=params.get("timeInForce") or "GTC", created_ms=now, updated_ms=now,
        )  # fmt: skip

    def cancel(self, order: AlgoOrder) -> AlgoOrder:
        """:raises Refusal: −2011, if it no longer waits."""
        if not order.is_open:
            raise refuse(-2011)
        order.status = "CANCELED"
        order.updated_ms = self._venue.now_ms()
        return order

    def tick(self) -> None:
        """Trigger what the price has crossed, and follow the orders that came of it."""
        for order in self.orders.values():
            if order.is_open and self._crossed(order):
                self._trigger(order)
            elif order.status == "TRIGGERED":
                self._follow(order)

    def _crossed(self, order: AlgoOrder) -> bool:
        price = self._venue.price(order.symbol)
        falling = (order.side == "SELL") == order.order_type.startswith("STOP")
        return price <= order.trigger_price if falling else price >= order.trigger_price

    def _trigger(self, order: AlgoOrder) -> None:
        order.status = "TRIGGERED"
        order.triggered_ms = order.updated_ms = self._venue.now_ms()
        amount = order.amount
        if order.close_position:
            amount = abs(self._venue.position(order.symbol).amount)
        params = {
            "symbol": order.symbol, "side": order.side, "type": _TYPES[order.order_type],
            "quantity": f"{amount:f}", "timeInForce": order.time_in_force,
            "newClientOrderId": order.client_algo_id,
            "reduceOnly": str(order.reduce_only or order.close_position).lower(),
        }  # fmt: skip
        if order.price:
            params["price"] = f"{order.price:f}"
        try:
            order.actual_order_id = self._venue.place(params).order_id
        except Refusal:
            order.status = "REJECTED"
        else:
            self._follow(order)

    def _follow(self, order: AlgoOrder) -> None:
        actual = self._venue.orders[order.actual_order_id]
        if not actual.is_open:
            order.status = "FINISHED"
            order.updated_ms = actual.updated_ms

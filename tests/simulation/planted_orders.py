"""Bugs in ownership and in the order managers: what is ours, what is read, what is placed."""

from contextlib import AbstractContextManager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.orders import bot_orders, entry_gate, put_back, requests
from freqtrade_liquidation.orders import futures as futures_orders
from freqtrade_liquidation.orders import spot as spot_orders
from freqtrade_liquidation.orders.ownership import Ownership
from freqtrade_liquidation.run import run as running
from tests.simulation.planted import both, bug, swap

Planted = AbstractContextManager[Any]


@bug("sends closes without reduce-only", breaks="closes_are_reduce_only")
def not_reduce_only() -> Planted:
    return swap(requests, "TradingMode", SimpleNamespace(FUTURES="no market"))


@bug("puts a stop back at another trigger", breaks="a_stop_comes_back_as_it_was")
def put_back_at_another_trigger() -> Planted:
    stop = requests.stop

    def elsewhere(order: Any, amount: float, price: float, **more: Any) -> Any:
        return stop(order, amount, price * 0.98, **more)

    return swap(requests, "stop", elsewhere)


@bug(
    "puts a stop back with the limit that freqtrade would choose",
    breaks="a_stop_comes_back_as_it_was",
)
def put_back_at_another_limit() -> Planted:
    return swap(requests, "_as_it_was", lambda exchange, order, price: None)


@bug(
    "takes a stop at the same price for the one that it put back, whatever its side",
    breaks="no_position_is_left_without_the_stop_it_had",
)
def any_stop_counts_as_put_back() -> Planted:
    def any_of_the_pair(order: Any, amount: float, *, since_ms: float) -> Any:
        return lambda exchange: exchange._api.fetch_open_orders(order.pair)

    return swap(put_back, "_like", any_of_the_pair)


@bug("takes an empty balance for the truth", breaks="completed_is_flat")
def empty_balance_is_accepted() -> Planted:
    balances = spot_orders.SpotOrders._balances

    async def or_empty(self: Any, timeout_s: float) -> Any:
        try:
            return await balances(self, timeout_s)
        except LiquidationError:
            return {}

    return swap(spot_orders.SpotOrders, "_balances", or_empty)


@bug("takes an unreadable list of orders for an empty one", breaks="completed_is_flat")
def unreadable_is_empty() -> Planted:
    read = futures_orders.FuturesOrders._read_orders

    async def read_or_empty(self: Any, timeout_s: float) -> None:
        try:
            await read(self, min(timeout_s, 0.3))
        except LiquidationError:
            self._read = []

    return swap(futures_orders.FuturesOrders, "_read_orders", read_or_empty)


@bug("leaves out what the bot's open orders have filled", breaks="completed_is_flat")
def fills_of_open_orders_ignored() -> Planted:
    return swap(Ownership, "filled_of", lambda self, order: 0.0)


@bug("takes every order of the account for the bot's", breaks="the_users_orders_stay")
def the_users_orders_are_ours() -> Planted:
    return swap(Ownership, "owns", lambda self, order_id: True)


@bug("closes all that the account holds of a pair of the bot's", breaks="the_users_own_stays")
def all_of_it_is_ours() -> Planted:
    return swap(futures_orders.FuturesOrders, "_limited", lambda self, position: position)


@bug("leaves what is in the air out of a run's extent", breaks="completed_is_flat")
def extent_without_what_is_in_the_air() -> Planted:
    begin = Ownership.__init__

    def of_trades(self: Ownership, trades: Any, executions: Any, in_air: Any, **more: Any) -> None:
        begin(self, trades, executions, (), **more)

    return swap(Ownership, "__init__", of_trades)


@bug("takes what a person buys later for an entry in the air", breaks="the_users_own_stays")
def no_upper_window() -> Planted:
    def any_time(self: Any, moment: Any, *, offset: Any) -> bool:
        return True

    return both(
        swap(entry_gate.OrderNote, "may_be_at", any_time),
        swap(bot_orders, "_has_terms", lambda exchange, order, asked: True),
        swap(bot_orders, "name_of", lambda order: None),
    )


@bug("sells what a dry-run bought", breaks="the_users_own_stays")
def dry_run_is_ours() -> Planted:
    know = Ownership.know

    def know_all(self: Ownership, trades: Any) -> None:
        know(self, [replace(trade, left_alone=None) for trade in trades])

    return swap(Ownership, "know", know_all)


@bug("is silent about a trade that has no position", breaks="a_trade_without_a_position_is_named")
def missing_position_not_told() -> Planted:
    return swap(running.Run, "_remarks", lambda self: [])

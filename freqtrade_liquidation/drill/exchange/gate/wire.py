"""Records as Gate writes them."""

from decimal import Decimal
from typing import Any

from freqtrade_liquidation.drill.exchange.decimals import text
from freqtrade_liquidation.drill.exchange.futures import MAINTENANCE, FuturesVenue
from freqtrade_liquidation.drill.exchange.gate.markets import gate_id
from freqtrade_liquidation.drill.exchange.gate.words import UNNAMED, seconds, size
from freqtrade_liquidation.drill.exchange.markets import Market
from freqtrade_liquidation.drill.exchange.records import ZERO, AlgoOrder, Fill, Order, Position

Json = dict[str, Any]

USER = 10406147
_FORCE = {"GTC": "gtc", "IOC": "ioc", "FOK": "fok", "GTX": "poc"}


def _signed(side: str, amount: Decimal) -> Decimal:
    return amount if side == "BUY" else -amount


def _name(client_order_id: str) -> str:
    return "api" if client_order_id.startswith(UNNAMED) else client_order_id


def order_json(market: Market, order: Order) -> Json:
    """:return: an order of ``/futures/usdt/orders``."""
    force = "ioc" if order.type == "MARKET" else _FORCE[order.time_in_force]
    row: Json = {
        "id": order.order_id, "user": USER, "contract": gate_id(market),
        "create_time": seconds(order.created_ms), "status": "open",
        "size": size(market, _signed(order.side, order.amount)),
        "left": size(market, _signed(order.side, order.remaining)), "price": text(order.price),
        "fill_price": text(order.average), "tif": force, "iceberg": "0",
        "text": _name(order.client_order_id), "is_reduce_only": order.reduce_only,
        "is_close": order.close_position, "is_liq": False, "mkfr": "0.0002", "tkfr": "0.0005",
        "refu": 0, "refr": "0", "stp_id": 0, "stp_act": "-", "amend_text": "-", "biz_info": "-",
    }  # fmt: skip
    if order.is_open:
        return row
    ended = {"finish_time": seconds(order.updated_ms), "finish_as": _finished_as(order)}
    return row | {"status": "finished"} | ended


def _finished_as(order: Order) -> str:
    if order.status == "FILLED":
        return "filled"
    if order.status == "CANCELED":
        return "cancelled"
    rested = order.type == "LIMIT" and order.time_in_force == "GTC"
    return "reduce_only" if rested else "ioc"


def stop_json(market: Market, order: AlgoOrder) -> Json:
    """:return: an order of ``/futures/usdt/price_orders``."""
    amount = ZERO if order.close_position else _signed(order.side, order.amount)
    ended = not order.is_open
    return {
        "id": order.algo_id, "user": USER, "status": "finished" if ended else "open",
        "trigger": {
            "strategy_type": 0, "price_type": 0, "price": text(order.trigger_price),
            "rule": rule_of(order), "expiration": 0,
        },
        "initial": {
            "contract": gate_id(market), "size": size(market, amount), "price": text(order.price),
            "tif": _FORCE[order.time_in_force], "text": _name(order.client_algo_id), "iceberg": 0,
            "is_close": order.close_position, "is_reduce_only": order.reduce_only, "auto_size": "",
        },
        "create_time": seconds(order.created_ms),
        "finish_time": seconds(order.updated_ms) if ended else 0,
        "trade_id": order.actual_order_id, "me_order_id": 0, "is_stop_order": False,
        "stop_trigger": {"rule": 0, "trigger_price": "", "order_price": ""},
        "reason": "", "order_type": "",
    } | ({"finish_as": _stop_finished_as(order)} if ended else {})  # fmt: skip


def rule_of(order: AlgoOrder) -> int:
    """:return: 1, if it waits for the price to rise to its trigger; 2, if to fall."""
    return 1 if (order.side == "BUY") == order.order_type.startswith("STOP") else 2


def _stop_finished_as(order: AlgoOrder) -> str:
    names = {"CANCELED": "cancelled", "REJECTED": "failed"}
    return names.get(order.status, "succeeded")


def fill_json(market: Market, fill: Fill, client_order_id: str) -> Json:
    """:return: a row of ``/futures/usdt/my_trades_timerange``."""
    return {
        "trade_id": str(fill.fill_id), "create_time": seconds(fill.time_ms),
        "contract": gate_id(market), "order_id": str(fill.order_id),
        "size": size(market, _signed(fill.side, fill.amount)), "price": text(fill.price),
        "text": _name(client_order_id), "fee": text(fill.commission), "point_fee": "0",
        "role": "maker" if fill.maker else "taker",
    }  # fmt: skip


def position_json(venue: FuturesVenue, position: Position) -> Json:
    """:return: a row of ``/futures/usdt/positions``."""
    market = venue.markets[position.symbol]
    mark = venue.price(position.symbol)
    value = abs(position.amount) * mark
    margin = venue.position_margin(position) if position.amount else ZERO
    leverage = str(position.leverage)
    return {
        "user": USER, "contract": gate_id(market), "mode": "single",
        "size": size(market, position.amount), "value": text(value),
        "leverage": leverage if position.isolated else "0",
        "cross_leverage_limit": "0" if position.isolated else leverage,
        "leverage_max": str(market.max_leverage), "risk_limit": "1000000",
        "maintenance_rate": text(MAINTENANCE), "margin": text(margin),
        "entry_price": text(position.entry_price), "mark_price": text(mark),
        "liq_price": text(venue.liquidation_price(position)),
        "unrealised_pnl": text(venue.unrealized(position)), "realised_pnl": "0",
        "initial_margin": text(margin), "maintenance_margin": text(value * MAINTENANCE),
        "pending_orders": len(venue.open_orders(position.symbol)), "close_order": None,
        "adl_ranking": 5, "history_pnl": "0", "last_close_pnl": "0", "realised_point": "0",
        "history_point": "0", "open_time": position.updated_ms // 1000,
        "update_time": position.updated_ms // 1000,
    }  # fmt: skip


def account_json(venue: FuturesVenue) -> Json:
    """:return: ``/futures/usdt/accounts``."""
    held = [p for p in venue.positions.values() if p.amount]
    wallet, free = venue.wallets["USDT"], venue.available("USDT")
    return {
        "user": USER, "currency": "USDT", "total": text(wallet), "available": text(free),
        "unrealised_pnl": text(sum((venue.unrealized(p) for p in held), ZERO)),
        "position_margin": text(sum((venue.position_margin(p) for p in held), ZERO)),
        "order_margin": text(sum((venue.order_margin(p.symbol) for p in held), ZERO)),
        "point": "0", "bonus": "0", "in_dual_mode": False, "enable_credit": False,
        "margin_mode": 0, "enable_evolved_classic": True,
    }  # fmt: skip

"""Records as Binance writes them: JSON with numbers as strings."""

from decimal import Decimal
from typing import Any

from freqtrade_liquidation.drill.exchange.decimals import text
from freqtrade_liquidation.drill.exchange.futures import MAINTENANCE, FuturesVenue
from freqtrade_liquidation.drill.exchange.records import AlgoOrder, Fill, Order, Position
from freqtrade_liquidation.drill.exchange.spot import SpotVenue

Json = dict[str, Any]


def futures_order(order: Order) -> Json:
    """:return: an order of ``/fapi/v1/order``."""
    return {
        "orderId": order.order_id, "symbol": order.symbol, "status": order.status,
        "clientOrderId": order.client_order_id, "price": text(order.price),
        "avgPrice": text(order.average), "origQty": text(order.amount),
        "executedQty": text(order.filled), "cumQty": text(order.filled),
        "cumQuote": text(order.cost), "timeInForce": order.time_in_force, "type": order.type,
        "origType": order.type, "reduceOnly": order.reduce_only, "closePosition": False,
        "side": order.side, "positionSide": "BOTH", "stopPrice": "0", "priceProtect": False,
        "workingType": "CONTRACT_PRICE", "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER", "goodTillDate": 0,
        "time": order.created_ms, "updateTime": order.updated_ms,
    }  # fmt: skip


def algo_order(order: AlgoOrder) -> Json:
    """:return: a conditional order of ``/fapi/v1/algoOrder``."""
    return {
        "algoId": order.algo_id, "clientAlgoId": order.client_algo_id, "algoType": "CONDITIONAL",
        "orderType": order.order_type, "symbol": order.symbol, "side": order.side,
        "positionSide": "BOTH", "timeInForce": order.time_in_force, "quantity": text(order.amount),
        "algoStatus": order.status, "triggerPrice": text(order.trigger_price),
        "price": text(order.price), "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER", "workingType": order.working_type,
        "priceMatch": "NONE", "closePosition": order.close_position, "priceProtect": False,
        "reduceOnly": order.reduce_only, "createTime": order.created_ms,
        "updateTime": order.updated_ms, "triggerTime": order.triggered_ms, "goodTillDate": 0,
        "actualOrderId": str(order.actual_order_id) if order.actual_order_id else "",
    }  # fmt: skip


def futures_fill(fill: Fill) -> Json:
    """:return: a row of ``/fapi/v1/userTrades``."""
    return {
        "symbol": fill.symbol, "id": fill.fill_id, "orderId": fill.order_id, "side": fill.side,
        "price": text(fill.price), "qty": text(fill.amount),
        "quoteQty": text(fill.price * fill.amount), "realizedPnl": text(fill.realized_pnl),
        "commission": text(fill.commission), "commissionAsset": fill.commission_asset,
        "time": fill.time_ms, "positionSide": "BOTH", "maker": fill.maker,
        "buyer": fill.side == "BUY",
    }  # fmt: skip


def position_risk(venue: FuturesVenue, position: Position) -> Json:
    """:return: a row of ``/fapi/v3/positionRisk``."""
    market = venue.markets[position.symbol]
    mark = venue.price(position.symbol)
    margin = venue.position_margin(position)
    unrealized = venue.unrealized(position)
    isolated = margin + unrealized if position.isolated else Decimal(0)
    orders = venue.order_margin(position.symbol)
    return {
        "symbol": position.symbol, "positionSide": "BOTH", "positionAmt": text(position.amount),
        "entryPrice": text(position.entry_price), "breakEvenPrice": text(position.entry_price),
        "markPrice": text(mark), "unRealizedProfit": text(unrealized),
        "liquidationPrice": text(venue.liquidation_price(position)),
        "isolatedMargin": text(isolated), "notional": text(position.amount * mark),
        "marginAsset": market.quote, "isolatedWallet": text(margin if position.isolated else
                                                            Decimal(0)),
        "initialMargin": text(margin + orders), "positionInitialMargin": text(margin),
        "maintMargin": text(abs(position.amount) * mark * MAINTENANCE),
        "openOrderInitialMargin": text(orders), "adl": 1, "bidNotional": "0",
        "askNotional": "0", "updateTime": position.updated_ms,
    }  # fmt: skip


def futures_asset(venue: FuturesVenue, asset: str, now_ms: int) -> Json:
    """:return: one asset of ``/fapi/v3/account``."""
    held = [p for p in venue.positions.values() if venue.markets[p.symbol].quote == asset]
    zero = Decimal(0)
    unrealized = sum((venue.unrealized(p) for p in held), zero)
    positions = sum((venue.position_margin(p) for p in held), zero)
    orders = sum((venue.order_margin(p.symbol) for p in held), zero)
    wallet = venue.wallets[asset]
    maintenance = sum((abs(p.amount) * venue.price(p.symbol) for p in held), zero) * MAINTENANCE
    return {
        "asset": asset, "walletBalance": text(wallet), "unrealizedProfit": text(unrealized),
        "marginBalance": text(wallet + unrealized), "maintMargin": text(maintenance),
        "initialMargin": text(positions + orders), "positionInitialMargin": text(positions),
        "openOrderInitialMargin": text(orders), "crossWalletBalance": text(wallet),
        "crossUnPnl": text(unrealized), "availableBalance": text(venue.available(asset)),
        "maxWithdrawAmount": text(venue.available(asset)), "marginAvailable": True,
        "updateTime": now_ms,
    }  # fmt: skip


def spot_order(order: Order, *, with_fills: bool = False) -> Json:
    """:return: an order of ``/api/v3/order``; *with_fills* for a placement's FULL answer."""
    body: Json = {
        "symbol": order.symbol, "orderId": order.order_id, "orderListId": -1,
        "clientOrderId": order.client_order_id, "price": text(order.price),
        "origQty": text(order.amount), "executedQty": text(order.filled),
        "cummulativeQuoteQty": text(order.cost), "status": order.status,
        "timeInForce": order.time_in_force, "type": order.type, "side": order.side,
        "stopPrice": text(order.stop_price), "icebergQty": "0", "isWorking": order.working,
        "workingTime": order.created_ms if order.working else -1,
        "origQuoteOrderQty": "0", "selfTradePreventionMode": "EXPIRE_MAKER",
    }  # fmt: skip
    if with_fills:
        return body | {
            "transactTime": order.updated_ms, "fills": [_fill_row(f) for f in order.fills],
        }  # fmt: skip
    return body | {"time": order.created_ms, "updateTime": order.updated_ms}


def _fill_row(fill: Fill) -> Json:
    return {
        "price": text(fill.price), "qty": text(fill.amount), "commission": text(fill.commission),
        "commissionAsset": fill.commission_asset, "tradeId": fill.fill_id,
    }  # fmt: skip


def spot_fill(fill: Fill) -> Json:
    """:return: a row of ``/api/v3/myTrades``."""
    return {
        "symbol": fill.symbol, "id": fill.fill_id, "orderId": fill.order_id, "orderListId": -1,
        "price": text(fill.price), "qty": text(fill.amount),
        "quoteQty": text(fill.price * fill.amount), "commission": text(fill.commission),
        "commissionAsset": fill.commission_asset, "time": fill.time_ms,
        "isBuyer": fill.side == "BUY", "isMaker": fill.maker, "isBestMatch": True,
    }  # fmt: skip


def spot_account(venue: SpotVenue, now_ms: int) -> Json:
    """:return: the body of ``/api/v3/account``."""
    balances = [
        {"asset": asset, "free": text(venue.free(asset)), "locked": text(venue.locked(asset))}
        for asset in venue.balances
    ]
    return {
        "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "canTrade": True,
        "sellerCommission": 0, "canWithdraw": True, "canDeposit": True, "accountType": "SPOT",
        "updateTime": now_ms, "permissions": ["SPOT"], "balances": balances, "uid": 1,
    }  # fmt: skip

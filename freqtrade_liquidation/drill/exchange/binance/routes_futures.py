"""The futures account, ``/fapi``: balance, positions, settings, history."""

from decimal import Decimal
from typing import Any

from freqtrade_liquidation.drill.exchange.binance.wire import (
    futures_asset,
    futures_fill,
    position_risk,
)
from freqtrade_liquidation.drill.exchange.checks import flag
from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.refusals import refuse
from freqtrade_liquidation.drill.exchange.routing import Routes

ROUTES = Routes()
_CAPS = [(0, 50_000, 125), (50_000, 1_000_000, 50), (1_000_000, 10_000_000, 20),
         (10_000_000, 500_000_000, 5)]  # fmt: skip


def _sum(rows: list[dict[str, Any]], name: str) -> str:
    return str(sum((Decimal(row[name]) for row in rows), Decimal(0)))


@ROUTES.add("GET", "/fapi/v2/account", "/fapi/v3/account", weight=5, signed=True)
def account(call: Call) -> Answer:
    """Assets and positions."""
    venue = call.core.futures
    assets = [futures_asset(venue, asset, call.core.now_ms()) for asset in venue.wallets]
    totals = {
        f"total{name[0].upper()}{name[1:]}": _sum(assets, name)
        for name in ("initialMargin", "maintMargin", "walletBalance", "unrealizedProfit",
                     "marginBalance", "positionInitialMargin", "openOrderInitialMargin",
                     "crossWalletBalance", "crossUnPnl")
    }  # fmt: skip
    return {
        **totals, "availableBalance": _sum(assets, "availableBalance"),
        "maxWithdrawAmount": _sum(assets, "availableBalance"), "canTrade": True,
        "assets": assets, "positions": _held(call),
    }  # fmt: skip


@ROUTES.add("GET", "/fapi/v2/balance", "/fapi/v3/balance", weight=5, signed=True)
def balance(call: Call) -> Answer:
    """Assets."""
    venue = call.core.futures
    rows = [futures_asset(venue, asset, call.core.now_ms()) for asset in venue.wallets]
    return [row | {"balance": row["walletBalance"], "accountAlias": "practice"} for row in rows]


def _held(call: Call) -> list[dict[str, Any]]:
    venue = call.core.futures
    return [
        position_risk(venue, position)
        for position in venue.positions.values()
        if call.symbol in (None, position.symbol)
        and (position.amount or venue.open_orders(position.symbol))
    ]


@ROUTES.add("GET", "/fapi/v3/positionRisk", weight=5, signed=True)
def position_risk_v3(call: Call) -> Answer:
    """Symbols with a position or an open order."""
    return _held(call)


@ROUTES.add("GET", "/fapi/v2/positionRisk", weight=5, signed=True)
def position_risk_v2(call: Call) -> Answer:
    """Every symbol, also without a position."""
    venue = call.core.futures
    symbols = [venue.market(call.symbol).symbol] if call.symbol else list(venue.markets)
    rows = []
    for symbol in symbols:
        position = venue.position(symbol)
        rows.append(
            position_risk(venue, position)
            | {
                "leverage": str(position.leverage),
                "maxNotionalValue": "500000000",
                "marginType": "isolated" if position.isolated else "cross",
                "isAutoAddMargin": "false",
            }
        )
    return rows


@ROUTES.add("GET", "/fapi/v1/symbolConfig", weight=5, signed=True)
def symbol_config(call: Call) -> Answer:
    """Leverage and margin type by symbol."""
    venue = call.core.futures
    symbols = [venue.market(call.symbol).symbol] if call.symbol else list(venue.markets)
    return [
        {
            "symbol": symbol,
            "leverage": venue.position(symbol).leverage,
            "marginType": "ISOLATED" if venue.position(symbol).isolated else "CROSSED",
            "isAutoAddMargin": False,
            "maxNotionalValue": "500000000",
        }
        for symbol in symbols
    ]


@ROUTES.add("GET", "/fapi/v1/positionSide/dual", weight=30, signed=True)
def position_mode(call: Call) -> Answer:
    """One-way mode, always."""
    return {"dualSidePosition": False}


@ROUTES.add("POST", "/fapi/v1/positionSide/dual", weight=1, signed=True)
def set_position_mode(call: Call) -> Answer:
    """One-way mode cannot be left here."""
    if flag(call.params, "dualSidePosition"):
        raise refuse(-4068, "Position side cannot be changed: the practice exchange is one-way.")
    raise refuse(-4059)


@ROUTES.add("GET", "/fapi/v1/multiAssetsMargin", weight=30, signed=True)
def multi_assets(call: Call) -> Answer:
    """Whether all assets back all positions."""
    return {"multiAssetsMargin": call.core.futures.multi_assets}


@ROUTES.add("POST", "/fapi/v1/multiAssetsMargin", weight=1, signed=True)
def set_multi_assets(call: Call) -> Answer:
    """Keep the flag; it changes no margin rule here."""
    wanted = flag(call.params, "multiAssetsMargin")
    if wanted == call.core.futures.multi_assets:
        raise refuse(-4171)
    call.core.futures.multi_assets = wanted
    return {"code": 200, "msg": "success"}


@ROUTES.add("POST", "/fapi/v1/leverage", weight=1, signed=True)
def set_leverage(call: Call) -> Answer:
    """Change a symbol's leverage."""
    market = call.core.futures.market(call.symbol)
    wanted = call.params.get("leverage", "")
    if not wanted.isdigit() or not 1 <= int(wanted) <= market.max_leverage:
        raise refuse(-4028)
    call.core.futures.position(market.symbol).leverage = int(wanted)
    return {"symbol": market.symbol, "leverage": int(wanted), "maxNotionalValue": "500000000"}


@ROUTES.add("POST", "/fapi/v1/marginType", weight=1, signed=True)
def set_margin_type(call: Call) -> Answer:
    """Change a symbol's margin type; refused while it has a position or orders."""
    venue = call.core.futures
    position = venue.position(venue.market(call.symbol).symbol)
    isolated = call.params.get("marginType") == "ISOLATED"
    if isolated == position.isolated:
        raise refuse(-4046)
    if venue.open_orders(position.symbol):
        raise refuse(-4047)
    if position.amount:
        raise refuse(-4048)
    position.isolated = isolated
    return {"code": 200, "msg": "success"}


@ROUTES.add("GET", "/fapi/v1/leverageBracket", weight=1, signed=True)
def leverage_brackets(call: Call) -> Answer:
    """The same brackets for every symbol."""
    venue = call.core.futures
    brackets = [
        {
            "bracket": number,
            "initialLeverage": leverage,
            "notionalFloor": floor,
            "notionalCap": cap,
            "maintMarginRatio": 0.01 * number,
            "cum": 0.0,
        }
        for number, (floor, cap, leverage) in enumerate(_CAPS, start=1)
    ]
    symbols = [venue.market(call.symbol).symbol] if call.symbol else list(venue.markets)
    return [{"symbol": symbol, "notionalCoef": 1.0, "brackets": brackets} for symbol in symbols]


@ROUTES.add("GET", "/fapi/v1/commissionRate", weight=20, signed=True)
def commission_rate(call: Call) -> Answer:
    """Fees."""
    venue = call.core.futures
    return {
        "symbol": venue.market(call.symbol).symbol,
        "makerCommissionRate": str(venue.maker_ratio),
        "takerCommissionRate": str(venue.taker_ratio),
    }  # fmt: skip


@ROUTES.add("GET", "/fapi/v1/income", weight=30, signed=True)
def income(call: Call) -> Answer:
    """Funding, commissions, realized profit."""
    kind = call.params.get("incomeType")
    rows = [
        row
        for row in call.core.futures.income
        if kind in (None, row["incomeType"])
        and call.symbol in (None, row["symbol"])
        and call.is_within(row["time"])
    ]
    return rows[: int(call.params.get("limit") or 100)]


@ROUTES.add("GET", "/fapi/v1/userTrades", weight=5, signed=True)
def user_trades(call: Call) -> Answer:
    """Fills of the account."""
    order_id = call.params.get("orderId")
    rows = [
        futures_fill(fill)
        for fill in call.core.futures.fills
        if call.symbol in (None, fill.symbol)
        and order_id in (None, str(fill.order_id))
        and call.is_within(fill.time_ms)
        and fill.fill_id >= int(call.params.get("fromId") or 0)
    ]
    return rows[-min(call.limit, 1000) :]

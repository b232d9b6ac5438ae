"""The account: balance, positions, leverage, fees, history."""

from typing import Any, Final

from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.gate.markets import gate_id
from freqtrade_liquidation.drill.exchange.gate.refusals import deny
from freqtrade_liquidation.drill.exchange.gate.wire import (
    USER,
    account_json,
    fill_json,
    position_json,
)
from freqtrade_liquidation.drill.exchange.gate.words import (
    is_settled_here,
    is_true,
    is_within,
    market_of,
    page,
)
from freqtrade_liquidation.drill.exchange.routing import Routes

ROUTES = Routes()
_CHANGES: Final = {"FUNDING_FEE": "fund", "COMMISSION": "fee", "REALIZED_PNL": "pnl"}


@ROUTES.add("GET", "/account/detail", signed=True)
def detail(call: Call) -> Answer:
    """A classic account, no unified one."""
    return {
        "user_id": USER, "ip_whitelist": [], "currency_pairs": [], "key": {"mode": 1}, "tier": 0,
        "tier_expire_time": "0001-01-01T00:00:00Z", "copy_trading_role": 0,
    }  # fmt: skip


@ROUTES.add("GET", "/wallet/fee", signed=True)
def fees(call: Call) -> Answer:
    """Fees of spot and futures."""
    venue = call.core.futures
    return {
        "user_id": USER, "taker_fee": "0.002", "maker_fee": "0.002", "gt_discount": False,
        "gt_taker_fee": "0", "gt_maker_fee": "0", "loan_fee": "0.18", "point_type": "0",
        "futures_taker_fee": str(venue.taker_ratio), "futures_maker_fee": str(venue.maker_ratio),
    }  # fmt: skip


@ROUTES.add("GET", "/futures/{settle}/accounts", signed=True)
def account(call: Call) -> Answer:
    """The wallet; there is one for USDT."""
    if not is_settled_here(call):
        raise deny("USER_NOT_FOUND", "please transfer funds first to create futures account")
    return account_json(call.core.futures)


@ROUTES.add("GET", "/futures/{settle}/positions", signed=True)
def positions(call: Call) -> Answer:
    """Every contract ever traded, also without a position; with ``holding`` those with one."""
    venue = call.core.futures
    held = [p for p in venue.positions.values() if p.amount or not is_true(call.params, "holding")]
    if not is_settled_here(call):
        return []
    return [position_json(venue, position) for position in page(call, held)]


@ROUTES.add("GET", "/futures/{settle}/positions/{contract}", signed=True)
def position(call: Call) -> Answer:
    """One contract's."""
    symbol = market_of(call).symbol
    if symbol not in call.core.futures.positions:
        raise deny("POSITION_NOT_FOUND")
    return position_json(call.core.futures, call.core.futures.position(symbol))


@ROUTES.add("POST", "/futures/{settle}/positions/{contract}/leverage", signed=True)
def set_leverage(call: Call) -> Answer:
    """Above 0 the position is isolated; 0 means cross, up to ``cross_leverage_limit``."""
    market = market_of(call)
    wanted = call.params.get("leverage", "")
    isolated = wanted != "0"
    number = wanted if isolated else call.params.get("cross_leverage_limit") or "10"
    if not number.isdigit():
        raise deny("INVALID_PARAM_VALUE", "invalid argument: leverage")
    if not 1 <= int(number) <= market.max_leverage:
        raise deny("LEVERAGE_TOO_HIGH" if int(number) else "LEVERAGE_TOO_LOW")
    held = call.core.futures.position(market.symbol)
    held.leverage, held.isolated = int(number), isolated
    return position_json(call.core.futures, held)


@ROUTES.add("POST", "/futures/{settle}/dual_mode", signed=True)
def set_position_mode(call: Call) -> Answer:
    """One-way mode, always."""
    if is_true(call.params, "dual_mode"):
        raise deny("POSITION_HOLDING", "the practice exchange is one-way")
    raise deny("NO_CHANGE", "No change is made")


@ROUTES.add("GET", "/futures/{settle}/account_book", signed=True)
def account_book(call: Call) -> Answer:
    """Funding, fees, realized profit; newest first."""
    if not is_settled_here(call):
        return []
    kind, symbol = call.params.get("type"), call.symbol
    rows = [
        _change(call, row)
        for row in reversed(call.core.futures.income)
        if kind in (None, _CHANGES[row["incomeType"]])
        and symbol in (None, row["symbol"])
        and is_within(call, row["time"])
    ]
    return page(call, rows)


def _change(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    name = gate_id(call.core.futures.markets[row["symbol"]])
    return {
        "time": row["time"] / 1000, "change": row["income"], "type": _CHANGES[row["incomeType"]],
        "balance": f"{call.core.futures.wallets['USDT']:f}", "text": name, "contract": name,
        "trade_id": "",
    }  # fmt: skip


@ROUTES.add("GET", "/futures/{settle}/my_trades_timerange", signed=True)
@ROUTES.add("GET", "/futures/{settle}/my_trades", signed=True)
def my_trades(call: Call) -> Answer:
    """Fills of the account, newest first."""
    if not is_settled_here(call):
        return []
    venue, wanted = call.core.futures, call.params.get("order")
    rows = [
        fill_json(venue.markets[fill.symbol], fill, venue.orders[fill.order_id].client_order_id)
        for fill in reversed(venue.fills)
        if call.symbol in (None, fill.symbol)
        and wanted in (None, str(fill.order_id))
        and is_within(call, fill.time_ms)
    ]
    return page(call, rows)

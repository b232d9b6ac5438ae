"""Lists of resting orders, and cancels, that ccxt's unified calls do not reach.

Each asks ccxt's implicit method, holds the answer to the form that the exchange documents, and puts
the rows into the form of ccxt's orders. An answer in any other form is no answer.
"""

from collections.abc import Mapping
from typing import Any, Final

import ccxt
from freqtrade.exchange import Exchange

Params = dict[str, Any]
Row = dict[str, Any]


# -- OKX ----------------------------------------------------------------------------------------


def if_okx_has_it(api: Any, params: Params) -> list[Row]:
    """OKX has added kinds and dropped them. One that it does not know holds no order.

    Source: OKX, error 51000 "Parameter {name} error".
    """
    try:
        return list(api.fetch_open_orders(None, params=params))
    except ccxt.BadRequest as error:
        if '"51000"' in str(error) and "ordType" in str(error):
            return []
        raise


# -- Gate ---------------------------------------------------------------------------------------

GATE_PAGE: Final = 100
GATE_LIST: Final[Params] = {
    "is_finished": "false", "page_num": 1, "page_size": GATE_PAGE, "sort_by": 1,
}  # fmt: skip


def _gate_rows(api: Any, answer: Any) -> list[Row]:
    """Source: Gate API v4, Get trail order list and Get chase order list: ``code`` 0 and
    ``data.orders``; TrailOrder and ChaseOrder: ``amount`` in contracts, negative for a sale."""
    orders = (answer.get("data") or {}).get("orders") if isinstance(answer, dict) else None
    if not isinstance(orders, list) or str(answer.get("code", 0)) != "0":
        raise ccxt.BadResponse(f"gate answered with no list of orders: {str(answer)[:200]}")
    rows = []
    for raw in orders:
        contracts = _number(raw, "amount")
        rows.append(
            _row(
                raw,
                order_id=raw.get("id"),
                symbol=api.safe_symbol(raw.get("contract"), None, "_", "contract"),
                side="buy" if contracts > 0 else "sell",
                contracts=abs(contracts),
                trigger=float(raw.get("activation_price") or 0.0) or None,
            )
        )
    return rows


def gate_trails(api: Any, params: Params) -> list[Row]:
    return _gate_rows(api, api.privateFuturesGetSettleAutoorderV1TrailList(params))


def gate_chases(api: Any, params: Params) -> list[Row]:
    return _gate_rows(api, api.privateFuturesGetSettleAutoorderV1ChaseList(params))


def cancel_gate(exchange: Exchange, kind: str, order_id: str, pair: str) -> Any:
    """Source: Gate API v4, Terminate trail order and Stop chase order: ``id``."""
    api: Any = exchange._api
    stop = {
        "trail": api.privateFuturesPostSettleAutoorderV1TrailStop,
        "chase": api.privateFuturesPostSettleAutoorderV1ChaseStop,
    }[kind]
    answer = stop({"settle": exchange.markets[pair]["settleId"], "id": order_id})
    if not isinstance(answer, dict) or str(answer.get("code", 0)) != "0":
        raise ccxt.ExchangeError(f"gate {str(answer)[:200]}")
    return answer


# -- Binance ------------------------------------------------------------------------------------


def binance_algos(api: Any, params: Params) -> list[Row]:
    """Source: Binance, Algo Trading, Query Current Algo Open Orders (VP and TWAP)."""
    answer = api.sapiGetAlgoFuturesOpenOrders(params)
    orders = answer.get("orders") if isinstance(answer, dict) else None
    if not isinstance(orders, list) or int(answer.get("total", -1)) != len(orders):
        raise ccxt.BadResponse(f"binance answered with no list of orders: {str(answer)[:200]}")
    return [
        _row(
            raw,
            order_id=raw.get("algoId"),
            symbol=api.safe_symbol(raw.get("symbol"), None, None, "contract"),
            side=str(raw.get("side") or "").lower(),
            contracts=_number(raw, "totalQty") - float(raw.get("executedQty") or 0.0),
        )
        for raw in orders
    ]


def cancel_binance(exchange: Exchange, kind: str, order_id: str, pair: str) -> Any:
    """Source: Binance, Algo Trading, Cancel Algo Order: ``success``."""
    api: Any = exchange._api
    answer = api.sapiDeleteAlgoFuturesOrder({"algoId": order_id})
    if str(answer.get("success")).lower() != "true":
        raise ccxt.ExchangeError(f"binance {str(answer)[:200]}")
    return answer


# -- Hyperliquid --------------------------------------------------------------------------------


def hyperliquid_twaps(api: Any, params: Params) -> list[Row]:
    """Those that run: a TWAP has a record for each change of its state, at most a day apart.

    Source: Hyperliquid, info endpoint, ``twapHistory``: ``state``, ``status.status`` (activated,
    finished, terminated, error) and ``twapId``.
    """
    address, _ = api.handle_public_address("fetchOpenOrders", {})
    history = api.publicPostInfo({"type": "twapHistory", "user": address, **params})
    if not isinstance(history, list):
        raise ccxt.BadResponse(f"hyperliquid answered with no list: {str(history)[:200]}")
    running: dict[str, Row] = {}
    ended = set()
    for record in history:
        key = _twap_key(record)
        if record["status"].get("status") == "activated":
            running[key] = record
        else:
            ended.add(key)
    return [_twap(api, record) for key, record in running.items() if key not in ended]


def _twap_key(record: Any) -> str:
    try:
        state = record["state"]
        return str(record.get("twapId") or (state["coin"], state["side"], state["timestamp"]))
    except (TypeError, KeyError, AttributeError):
        raise ccxt.BadResponse(f"hyperliquid: no TWAP: {str(record)[:200]}") from None


def _twap(api: Any, record: Row) -> Row:
    state = record["state"]
    return _row(
        state,
        order_id=record.get("twapId"),
        symbol=api.safe_market(api.coin_to_market_id(state["coin"]))["symbol"],
        side={"A": "sell", "B": "buy"}.get(state["side"], ""),
        contracts=_number(state, "sz") - float(state.get("executedSz") or 0.0),
    )


def cancel_hyperliquid_twap(exchange: Exchange, kind: str, order_id: str, pair: str) -> Any:
    """Source: ccxt ``hyperliquid.cancel_order``, parameter ``twap``."""
    return exchange.cancel_order(order_id, pair, {"twap": True})


# -- Bitget -------------------------------------------------------------------------------------


def cancel_bitget(exchange: Exchange, kind: str, order_id: str, pair: str) -> Any:
    """Bitget looks for an order among those of the kind that is named, and answers with an empty
    list of successes where it is not there.

    Source: ccxt ``bitget.cancel_order``, parameter ``planType``, ``successList``.
    """
    answer = exchange.cancel_order(order_id, pair, {"stop": True, "planType": kind})
    if answer.get("id") is None:
        raise ccxt.OrderNotFound(f"bitget cancelled no {kind} {order_id}")
    return answer


# -- rows ---------------------------------------------------------------------------------------


def _row(
    raw: Mapping[str, Any],
    *,
    order_id: Any,
    symbol: str | None,
    side: str,
    contracts: float,
    trigger: float | None = None,
) -> Row:
    """*raw* in the form of ccxt's orders. One that lacks what a cancel needs makes the list
    unanswered."""
    if not order_id or not symbol or side not in ("buy", "sell"):
        raise ccxt.BadResponse(f"an order without id, market or side: {str(raw)[:200]}")
    return {
        "id": str(order_id), "symbol": symbol, "side": side, "type": None, "price": None,
        "amount": contracts, "remaining": contracts, "triggerPrice": trigger, "info": dict(raw),
    }  # fmt: skip


def _number(raw: Any, key: str) -> float:
    try:
        return float(raw[key])
    except (TypeError, KeyError, ValueError):
        raise ccxt.BadResponse(f"an order without {key}: {str(raw)[:200]}") from None

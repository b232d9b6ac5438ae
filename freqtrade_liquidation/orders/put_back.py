"""A stop that is put back; where its answer is lost, the exchange is asked whether it stands."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.errors import ExchangeRefused, LiquidationError, OutcomeUnknown
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.exchange.rules.lists import STOP_KINDS
from freqtrade_liquidation.exchange.rules.stops import stop_price
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, OpenOrder
from freqtrade_liquidation.orders import requests

Row = Mapping[str, Any]

SENDING: Final = 0.6
"""The part of its time that the request itself may take; the rest is for the look after it."""


async def put_back(
    wire: ExchangeClient, order: OpenOrder, amount: float, *, leverage: float, timeout_s: float
) -> Row:
    """Places *order* again for *amount* (base currency).

    :returns: ccxt's unified order, as answered or as found.
    :raises OutcomeUnknown: if it was not answered, and the exchange does not list it (yet).
    """
    if order.stop_price is None:
        raise ExchangeRefused(f"the price of stop {order.order_id} is not known")
    send = requests.stop(order, amount, order.stop_price, leverage=leverage)
    began = time.monotonic()
    before = time.time() - 1.0  # clocks differ
    try:
        raw: Row = await wire.write(send, timeout_s=timeout_s * SENDING)
        if raw.get("id") is None:
            raise OutcomeUnknown("the answer names no order")
    except OutcomeUnknown as unknown:
        left_s = timeout_s - (time.monotonic() - began)
        try:
            found = await wire.read(_like(order, amount, since_ms=before * 1000), timeout_s=left_s)
        except LiquidationError:
            raise unknown from None
        if not found:
            raise
        return found[-1]
    return raw


def _like(order: OpenOrder, amount: float, *, since_ms: float) -> Callable[[Exchange], list[Row]]:
    """The open orders of the pair that could be *order* again, stops included where they are lists
    of their own: placed since then, on the same side and price, and for no more than *amount*."""

    def is_it(exchange: Exchange, row: Row) -> bool:
        price = stop_price(exchange, row)
        return (
            row.get("id") is not None
            and row.get("side") == order.side
            and price is not None
            and order.stop_price is not None
            and abs(price - order.stop_price) <= AMOUNT_TOLERANCE * order.stop_price
            and 0 < float(row.get("amount") or 0.0) <= amount * (1 + AMOUNT_TOLERANCE)
            and (row.get("timestamp") or 0) >= since_ms
        )

    def ask(exchange: Exchange) -> list[Row]:
        api: Any = exchange._api
        lists: list[dict[str, Any]] = [{}]
        if exchange.get_option("stoploss_query_requires_stop_flag"):
            lists += [{"stop": True, **kind} for kind in rule_for(STOP_KINDS, api, ({},))]
        rows = [row for params in lists for row in api.fetch_open_orders(order.pair, params=params)]
        return [row for row in rows if is_it(exchange, row)]

    return ask

"""A stop that is put back; where its answer is lost, the exchange is asked whether it stands."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.errors import (
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    OutcomeUnknown,
)
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rules.kinds import own_stop_lists
from freqtrade_liquidation.exchange.rules.stops import limit_price, stop_price, stop_terms
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, OpenOrder
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.executions import an_order

Row = Mapping[str, Any]

SENDING: Final = 0.6
"""The part of its time that the request itself may take; the rest is for the look after it."""
CLOCKS_DIFFER: Final = timedelta(seconds=1)


async def put_back(
    wire: ExchangeClient,
    order: OpenOrder,
    amount: float,
    *,
    leverage: float,
    timeout_s: float,
    is_another: Callable[[str], bool] = lambda order_id: False,
) -> Row:
    """Places *order* again for *amount* (base currency).

    :returns: ccxt's unified order, as answered or as found.
    :raises OutcomeUnknown: if it was not answered, and the exchange does not list it (yet).
    """
    if order.stop_price is None:
        raise ExchangeRefused(f"the price of stop {order.order_id} is not known")
    send = requests.stop(order, amount, order.stop_price, leverage=leverage)
    began = time.monotonic()
    before = time.time() - CLOCKS_DIFFER.total_seconds()
    try:
        raw: Row = await wire.write(send, timeout_s=timeout_s * SENDING)
        try:
            an_order(raw, pair=order.pair)
        except ExchangeUnavailable as error:
            raise OutcomeUnknown(str(error)) from error
    except OutcomeUnknown as unknown:
        left_s = timeout_s - (time.monotonic() - began)
        try:
            found = await wire.read(_like(order, amount, since_ms=before * 1000), timeout_s=left_s)
        except LiquidationError:
            raise unknown from None
        mine = [row for row in found if not is_another(str(row["id"]))]
        if not mine:
            raise
        return mine[-1]
    return raw


def _like(order: OpenOrder, amount: float, *, since_ms: float) -> Callable[[Exchange], list[Row]]:
    """The open orders of the pair that are *order* again, stops included where they are lists of
    their own: placed since then, on the same side, at the same trigger and the same limit, for
    *amount*. One on the other side, or at another price, is another order."""

    def ask(exchange: Exchange) -> list[Row]:
        return [
            row
            for row in _listed(exchange, order.pair, own_stop_lists(exchange))
            if row.get("id") is not None
            and (row.get("timestamp") or 0) >= since_ms
            and not _differences(exchange, row, order, amount)
        ]

    return ask


def _listed(exchange: Exchange, pair: str, lists: Iterable[Mapping[str, Any]]) -> list[Row]:
    api: Any = exchange._api
    return [
        exchange._order_contracts_to_amount(row)
        for params in lists
        for row in api.fetch_open_orders(pair, params=params)
    ]


def sent_as(
    order: OpenOrder, *, at: datetime, arrives_within: timedelta
) -> Callable[[Exchange], list[Row]]:
    """The orders of the pair that may be *order*, sent again then and never answered: resting, or
    at their end where the exchange lists those. Its limit is not on record."""
    first, last = at - CLOCKS_DIFFER, at + arrives_within

    def ask(exchange: Exchange) -> list[Row]:
        apart = [params for params in own_stop_lists(exchange) if params]
        rows = [*exchange.fetch_orders(order.pair, first), *_listed(exchange, order.pair, apart)]
        return [
            row
            for row in rows
            if row.get("id") is not None
            and first.timestamp() <= (row.get("timestamp") or 0) / 1000 <= last.timestamp()
            and {what for what, *_ in _differences(exchange, row, order, order.amount)} <= {"limit"}
        ]

    return ask


def remark(exchange: Exchange, answer: Row, order: OpenOrder, amount: float) -> str | None:
    """In words: what the exchange answered with is another stop than *order* for *amount* (base
    currency); ``None`` = as far as the answer goes, it is the same."""
    told = {
        "side": answer.get("side"),
        "trigger": stop_price(exchange, answer),
        "limit": limit_price(exchange, answer) or answer.get("type"),
        "amount": answer.get("amount"),
    }
    found = _differences(exchange, answer, order, amount)
    words = [f"its {name} is {seen}, not {asked}" for name, seen, asked in found if told[name]]
    return f"{order.pair}: the stop put back differs: {'; '.join(words)}" if words else None


def _differences(
    exchange: Exchange, row: Row, order: OpenOrder, amount: float
) -> list[tuple[str, Any, Any]]:
    """What *row* (amounts in base currency) has other than *order* for *amount*: name, what it has,
    what was asked for."""
    terms, pair = stop_terms(exchange, row), order.pair
    contracts = exchange.amount_to_precision(pair, exchange._amount_to_contracts(pair, amount))
    compared = (
        ("side", row.get("side"), order.side),
        ("trigger", terms["stop_price"], order.stop_price),
        ("limit", terms["limit_price"], order.limit_price),
        ("amount", row.get("amount"), exchange._contracts_to_amount(pair, contracts)),
    )
    return [(name, seen, asked) for name, seen, asked in compared if not _is_same(seen, asked)]


def _is_same(seen: Any, asked: Any) -> bool:
    if isinstance(seen, int | float) and isinstance(asked, int | float):
        return abs(seen - asked) <= AMOUNT_TOLERANCE * abs(asked)
    return bool(seen == asked)

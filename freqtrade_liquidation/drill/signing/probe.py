"""Each request of a run, as it would be signed for one exchange."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.drill.signing.lab import Lab
from freqtrade_liquidation.drill.signing.recorder import Signed
from freqtrade_liquidation.exchange.pagination import ask_of, ask_positions, first_page
from freqtrade_liquidation.exchange.rules.kinds import cancellable_kinds
from freqtrade_liquidation.exchange.rules.lists import order_questions, position_questions
from freqtrade_liquidation.exchange.rules.names import client_order_id
from freqtrade_liquidation.model import ClosingOrder, OpenOrder, OrderRole, Side
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.executions import Close

ORDER_ID: Final = "123456789"
AMOUNT: Final = 2.0
"""Coins, not contracts."""
PRICE: Final = 60000.0
STOP_PRICE: Final = 50000.0
LIMIT_PRICE: Final = 47500.0
"""Of a stop, where freqtrade's are stop-limit orders."""
DIGITS: Final = "0123456789abcdef" * 2
"""Of the client order id."""

Requests = Mapping[str, list[Signed]]


def probe(lab: Lab) -> Requests:
    """By what a run does: the requests that *lab*'s exchange would get for it."""
    exchange, pair = lab.exchange, lab.pair
    futures = lab.setup.mode == TradingMode.FUTURES
    name = client_order_id(exchange._api, DIGITS)
    order = ClosingOrder(pair=pair, side=Side.LONG, amount=AMOUNT, client_order_id=name)
    found: dict[str, list[Signed]] = {}
    if futures:
        found["positions"] = [
            signed
            for question in position_questions(exchange)
            for signed in lab.signed(partial(ask_positions, params=first_page(question)))
        ]
        found["orders"] = [
            signed
            for question in order_questions(exchange)
            for signed in lab.signed(partial(ask_of(question, None), params=first_page(question)))
        ]
        for kind in sorted(cancellable_kinds(exchange)):
            resting = replace(_resting(pair, stop=True), kind=kind)
            found[f"cancel {kind}"] = lab.signed(requests.cancel(resting))
        short = ClosingOrder(pair=pair, side=Side.SHORT, amount=AMOUNT, client_order_id=name)
        found["close_short"] = lab.signed(_close(exchange, short))
    found["close"] = lab.signed(_close(exchange, order))
    found["find"] = lab.signed(requests.read_back(Close(order=order)))
    answered = Close(order=order, answer={"id": ORDER_ID})
    found["read_back"] = lab.signed(requests.read_back(answered))
    found["cancel"] = lab.signed(requests.cancel(_resting(pair, stop=False)))
    if exchange.get_option("stoploss_on_exchange"):
        stop = _resting(pair, stop=bool(exchange.get_option("stoploss_query_requires_stop_flag")))
        if "market" not in exchange.get_option("stoploss_order_types"):
            stop = replace(stop, limit_price=LIMIT_PRICE)
        found["cancel_stop"] = lab.signed(requests.cancel(stop))
        found["stop"] = lab.signed(requests.stop(stop, AMOUNT, STOP_PRICE, leverage=1.0))
        found["stop_state"] = lab.signed(requests.stop_state(ORDER_ID, pair))
    return found


def _close(exchange: Exchange, order: ClosingOrder) -> requests.Request:
    rate = PRICE if requests.needs_price(exchange, order) else 0.0
    return requests.close(order, leverage=1.0, rate=rate)


def _resting(pair: str, *, stop: bool) -> OpenOrder:
    return OpenOrder(
        pair=pair,
        order_id=ORDER_ID,
        role=OrderRole.PROTECTIVE,
        side="sell",
        amount=AMOUNT,
        conditional=stop,
        stop_price=STOP_PRICE,
    )

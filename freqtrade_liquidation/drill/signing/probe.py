"""Each request of a run, as it would be signed for one exchange."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.drill.signing.lab import Lab
from freqtrade_liquidation.drill.signing.recorder import Signed
from freqtrade_liquidation.exchange.pagination import ask_orders, ask_positions, first_page
from freqtrade_liquidation.exchange.rules.lists import (
    Question,
    order_questions,
    position_questions,
)
from freqtrade_liquidation.exchange.rules.names import client_order_id
from freqtrade_liquidation.model import ClosingOrder, OpenOrder, OrderRole, Side
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.executions import Close

ORDER_ID: Final = "123456789"
AMOUNT: Final = 2.0
"""Coins, not contracts."""
PRICE: Final = 60000.0
STOP_PRICE: Final = 50000.0
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
        found["positions"] = _asked(lab, position_questions(exchange), ask_positions)
        found["orders"] = _asked(lab, order_questions(exchange), partial(ask_orders, None))
        short = ClosingOrder(pair=pair, side=Side.SHORT, amount=AMOUNT, client_order_id=name)
        found["close_short"] = lab.signed(_close(exchange, short))
    found["close"] = lab.signed(_close(exchange, order))
    found["find"] = lab.signed(requests.read_back(Close(order=order)))
    answered = Close(order=order, answer={"id": ORDER_ID})
    found["read_back"] = lab.signed(requests.read_back(answered))
    found["cancel"] = lab.signed(requests.cancel(_resting(pair, stop=False)))
    if exchange.get_option("stoploss_on_exchange"):
        stop = _resting(pair, stop=bool(exchange.get_option("stoploss_query_requires_stop_flag")))
        found["cancel_stop"] = lab.signed(requests.cancel(stop))
        found["stop"] = lab.signed(requests.stop(stop, AMOUNT, STOP_PRICE, leverage=1.0))
        found["stop_state"] = lab.signed(requests.stop_state(ORDER_ID, pair))
    return found


def _asked(lab: Lab, questions: list[Question], ask: Any) -> list[Signed]:
    return [
        signed
        for question in questions
        for signed in lab.signed(partial(ask, params=first_page(question)))
    ]


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

"""How each supported exchange is asked and told, and how far that is tested. All of it computed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.drill.exchange import FACADES
from freqtrade_liquidation.drill.signing.judging import (
    POSITION_SIDE,
    faults,
    order_in,
    reduce_only_in,
)
from freqtrade_liquidation.drill.signing.lab import Lab, Setup, setups
from freqtrade_liquidation.drill.signing.probe import Requests, probe
from freqtrade_liquidation.exchange.nonces import are_in_order
from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.exchange.rules.kinds import kinds_of, unseen
from freqtrade_liquidation.exchange.rules.lists import (
    SPLIT_BY_SETTLE,
    Question,
    position_questions,
    requests_of_a_look,
)
from freqtrade_liquidation.exchange.rules.lookup import asks_by_name, can_find
from freqtrade_liquidation.exchange.rules.maximum import maximum_source
from freqtrade_liquidation.exchange.rules.shapes import SHAPES, has_shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """One exchange in one market mode."""

    exchange: str
    mode: TradingMode
    margin_modes: str
    tested: str
    positions: str
    cancel_all: str
    stops: str
    unseen: str
    look: str
    reduce_only: str
    market_order: str
    batch: str
    requests: str
    position_mode: str
    largest_order: str
    lost_order: str
    emptiness: str


def supported() -> Iterator[Support]:
    """Of every exchange and market mode that freqtrade officially supports."""
    for (_, mode), found in groupby(setups(), key=lambda s: (s.exchange, s.mode)):
        same = list(found)
        margins = ", ".join(setup.margin for setup in same if setup.margin)
        yield _support(same[0], mode, margins)


def _support(setup: Setup, mode: TradingMode, margins: str) -> Support:
    lab = Lab(setup)
    exchange, found = lab.exchange, probe(lab)
    api: Any = exchange._api
    futures = mode == TradingMode.FUTURES
    order = order_in(found["close"])
    priced = exchange._order_needs_price("sell", "market")
    maximum = maximum_source(api, exchange.markets[lab.pair])
    return Support(
        exchange=setup.exchange,
        mode=mode,
        margin_modes=margins,
        tested=_tested(lab, found),
        positions=_lists(api, position_questions(exchange)) if futures else "balance, own orders",
        cancel_all="one by one" + _and_ccxt(api, "cancelAllOrders"),
        stops=_stops(exchange, futures=futures),
        unseen=(unseen(exchange) if futures else None) or "none known",
        look=_look(exchange, futures=futures),
        reduce_only=(order and reduce_only_in(order)) or "no" if futures else "not on spot",
        market_order=f"{'with' if priced else 'without'} a price",
        batch="not used" + _and_ccxt(api, "createOrders"),
        requests="one at a time" if are_in_order(api) else "side by side",
        position_mode=_position_mode(lab, found) if futures else "not on spot",
        largest_order=maximum or "none published",
        lost_order=_lost_order(exchange),
        emptiness=emptiness(api),
    )


def _tested(lab: Lab, found: Requests) -> str:
    if lab.setup.mode in FACADES.get(lab.setup.exchange, ()):
        return "practice exchange"
    wrong = faults(lab, found)
    return f"untested ({'; '.join(wrong)})" if wrong else "by contract"


def _and_ccxt(api: Any, method: str) -> str:
    return f" (ccxt has {method})" if api.has.get(method) else f" (ccxt has no {method})"


def _lists(api: Any, questions: list[Question]) -> str:
    pages = {question.paging.size for question in questions if question.paging}
    each = "one list a settle currency" if rule_for(SPLIT_BY_SETTLE, api, None) else "one list"
    return each + "".join(f", pages of {size}" for size in sorted(pages))


def _stops(exchange: Exchange, *, futures: bool) -> str:
    if not exchange.get_option("stoploss_on_exchange"):
        return "no stops"
    if not futures:
        return "each by its id"
    kinds = [kind.name for kind in kinds_of(exchange) if kind.protects]
    others = [kind.name for kind in kinds_of(exchange) if not kind.protects]
    stops = f"lists of their own: {', '.join(kinds)}" if kinds else "among the orders"
    return stops + (f"; also asked for: {', '.join(others)}" if others else "")


def _look(exchange: Exchange, *, futures: bool) -> str:
    return str(requests_of_a_look(exchange)) if futures else "1, and 1 an open order"


def _position_mode(lab: Lab, found: Requests) -> str:
    """From what freqtrade asks at the start, and what it sends with an order."""
    order = order_in(found["close"])
    side = order and next((k for k in order.values if POSITION_SIDE.search(k)), None)
    at_start = "not asked"
    for signed in lab.at_start:
        if signed.method == "POST" and re.search(r"(position|switch)-mode", signed.path):
            at_start = "set to one-way"
        elif re.search(r"positionSide|account/config", signed.path):
            at_start = "asked"
    return at_start + (f", sent as {side.split('.')[-1]}" if side else "")


def emptiness(api: Any) -> str:
    """What an empty list of ccxt's exchange *api* is believed for."""
    if not has_shapes(api):
        return "not known"
    weak = [shape for shape in rule_for(SHAPES, api, ()) if shape.null_with == ""]
    return "by its shape" + "".join(f"; {shape.lists} of {shape.path}: null" for shape in weak)


def _lost_order(exchange: Exchange) -> str:
    if asks_by_name(exchange._api):
        return "by our name"
    return "in its lists" if can_find(exchange) else "not found"

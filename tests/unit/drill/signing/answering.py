"""An exchange whose lists are all empty, but for the one under test."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any, Final
from urllib.parse import urlsplit

import ccxt
from freqtrade.enums import MarginMode, TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.drill.signing.lab import Lab, Setup, setups
from freqtrade_liquidation.exchange.answers import listen
from freqtrade_liquidation.exchange.pagination import ask_orders, ask_positions, first_page
from freqtrade_liquidation.exchange.rows import coins
from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.exchange.rules.lists import order_questions, position_questions
from freqtrade_liquidation.exchange.rules.shapes import SHAPES
from freqtrade_liquidation.exchange.shape import EACH, Holder, Shape
from tests.unit.drill.signing.good_answers import AN_HOUR_AGO, AN_HOUR_AGO_TEXT, GOOD, SPOT

Ask = Callable[[Exchange], Any]
NOW: Final = datetime.now(UTC)


def _names() -> dict[str, Setup]:
    found: dict[str, Setup] = {}
    for setup in setups():  # the margin mode changes no list
        found.setdefault(f"{setup.exchange} {setup.mode}", setup)
    for mode in (TradingMode.SPOT, TradingMode.FUTURES):
        found[f"bitget {mode}{UNIFIED}"] = found[f"bitget {mode}"]
    if hasattr(ccxt, "bitmart"):
        bitmart = Setup(exchange="bitmart", mode=TradingMode.SPOT, margin=MarginMode.NONE)
        found["bitmart spot"] = bitmart
    return found


UNIFIED: Final = ", unified"
"""Bitget's newer kind of account has other endpoints for everything."""
NAMES: Final = _names()
"""Every exchange and market mode that freqtrade supports or supported in 2026.4."""


class Answering:
    """A lab that answers every list as empty, in the words of its exchange.

    :ivar odd: what to answer instead, by endpoint.
    :ivar asked: endpoints of the last question, those that list something with their shape.
    """

    def __init__(self, name: str) -> None:
        self.mode = NAMES[name].mode
        self.lab = Lab(NAMES[name])
        if name.endswith(UNIFIED):
            self.lab.exchange._api.options["uta"] = True
        self._shapes = rule_for(SHAPES, self.lab.exchange._api, ())
        self._good = rule_for(GOOD, self.lab.exchange._api, {})
        self._from_samples = self.lab._recorder._answer
        self.lab._recorder._answer = self._answer  # type: ignore[method-assign]
        self.odd: dict[str, Any] = {}
        self.asked: dict[str, Shape | None] = {}
        self._requests: dict[str, str] = {}

    def _answer(self, asked: str) -> Any:
        path = urlsplit(asked.partition(" ")[0]).path
        shape = next(
            (s for s in self._shapes if re.fullmatch(s.path, path) and s.sent in asked), None
        )
        endpoint = path + (shape.sent if shape else "")
        self.asked[endpoint], self._requests[endpoint] = shape, asked
        if endpoint in self.odd:
            return self.odd[endpoint]
        return self._from_samples(asked) if shape is None else empty(shape)

    def request(self, endpoint: str) -> str:
        """The address and the body of the question to *endpoint*, which was asked before."""
        return self._requests[endpoint]

    def good(self, endpoint: str) -> Any:
        """The full answer of *endpoint*, which was asked before."""
        asked = self.request(endpoint)
        good = {**self._good, **(SPOT if self.mode == TradingMode.SPOT else {})}
        found = next((answer for part, answer in good.items() if part in asked), None)
        assert found is not None, f"{self.lab.setup}: no full answer is written for {asked}"
        at = NOW - timedelta(hours=1)
        text = json.dumps(found).replace(AN_HOUR_AGO, str(int(at.timestamp())))
        return json.loads(text.replace(AN_HOUR_AGO_TEXT, f"{at:%Y-%m-%dT%H:%M:%SZ}"))

    def questions(self) -> dict[str, Ask]:
        """Every list that a run asks for."""
        exchange = self.lab.exchange
        asks: dict[str, Ask] = {}
        if self.lab.setup.mode == TradingMode.FUTURES:
            for number, question in enumerate(position_questions(exchange)):
                asks[f"positions {number}"] = partial(ask_positions, params=first_page(question))
            for number, question in enumerate(order_questions(exchange)):
                asks[f"orders {number}"] = partial(ask_orders, None, params=first_page(question))
        else:  # on futures a run asks for no balance
            asks["balance"] = lambda ex: coins(ex.get_balances())
        return {**asks, "orders of a pair": self.of_a_pair}

    def of_a_pair(self, exchange: Exchange) -> Any:
        """The orders of one pair, as a run looks for one whose answer was lost."""
        return exchange.fetch_orders(self.lab.pair, NOW - timedelta(hours=2))

    def ask(self, question: Ask, **odd: Any) -> Any:
        """As a run asks, without its threads and limits: there are thousands of questions.

        :raises LiquidationError: if that is no answer.
        """
        self.asked, self.odd = {}, odd
        line: Any = self.lab.wire._line
        exchange = line._copy(5.0)
        heard = listen(exchange._api)
        try:
            return heard.believed(question(exchange))
        except Exception as error:
            raise line._translated(error, heard, write=False) from error

    def lists_of(self, question: Ask) -> dict[str, Shape]:
        """The endpoints from which *question* takes lists."""
        assert not self.ask(question)
        return {endpoint: shape for endpoint, shape in self.asked.items() if shape is not None}


def empty(shape: Shape) -> Any:
    """The answer by which the exchange says "none", as the table has it."""
    held: Any = {Holder.LIST: [], Holder.OBJECT: {}}[shape.holder]
    for step in reversed(shape.at):
        if step == EACH:
            held = []
        elif isinstance(step, int):
            held = [held]
        else:
            held = {step: held}
    for name, word in shape.says.items():
        held[name] = [] if word == "[]" else word
    for name in shape.beside:
        *way, last = name.split(".")
        node = held
        for step in way:
            node = node[int(step) if isinstance(node, list) else step]
        node[last] = ""
    return held


@cache
def answering(name: str) -> Answering:
    """One for all tests: to make one takes long."""
    return Answering(name)

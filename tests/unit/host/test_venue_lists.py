"""Which lists of orders an exchange is asked for; ccxt's own code makes the requests."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import ccxt

from freqtrade_liquidation.host.door import Door
from freqtrade_liquidation.host.venue import FuturesVenue


class Wire:
    """Calls at once."""

    def __init__(self, exchange: Any) -> None:
        self.exchange = exchange

    async def read(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
        return call(self.exchange)


def test_okx_is_asked_for_the_kind_of_stop_that_freqtrade_places() -> None:
    """Unseen, a stop is called missing while its position is open, and left over after it."""
    api: Any = ccxt.okx()
    asked: list[dict[str, Any]] = []

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return {"code": "0", "data": []}

    api.load_markets = lambda: {}
    api.privateGetTradeOrdersPending = api.privateGetTradeOrdersAlgoPending = answer
    exchange: Any = SimpleNamespace(_api=api, get_option=lambda name: True, markets={})
    wire: Any = Wire(exchange)
    venue = FuturesVenue(exchange, wire, (), door=Door())
    assert asyncio.run(venue.get_open_orders(timeout_s=1.0)) == []
    assert [request.get("ordType") for request in asked] == [None, "conditional", "trigger"]

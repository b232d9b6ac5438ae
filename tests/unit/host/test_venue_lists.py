"""Which lists of orders an exchange is asked for; ccxt's own code makes the requests."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.host.door import Door
from freqtrade_liquidation.host.snapshot import KnownOrder, KnownTrade
from freqtrade_liquidation.host.venue import FuturesVenue
from freqtrade_liquidation.model import Side


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


BTC = "BTC/USDT:USDT"


class Lists:
    """Answers every question with the same orders."""

    def __init__(self, *orders: dict[str, Any]) -> None:
        self.orders = orders

    async def read(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
        return list(self.orders)


def trade_with_entry(order_id: str) -> KnownTrade:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return KnownTrade(
        trade_id=1, pair=BTC, base_currency="BTC", side=Side.LONG, amount=1.0, leverage=1.0,
        open_rate=1.0, fee_open=0.0, opened_at=moment, last_fill_at=moment,
        open_orders=(KnownOrder(order_id=order_id, role_side="buy", is_stop=False),),
    )  # fmt: skip


@pytest.mark.parametrize(("resting", "settled"), [("known", False), ("news", True)])
def test_entry_in_the_air_is_settled_by_an_order_that_the_database_does_not_know(
    resting: str, settled: bool
) -> None:
    """An older entry that rests in the same pair proves nothing: the other may still execute."""
    door = Door()
    assert door.note(BTC, "buy") is not None
    exchange: Any = SimpleNamespace(
        _api=SimpleNamespace(id="binance"), get_option=lambda name: False, markets={},
        _contracts_to_amount=lambda pair, contracts: contracts,
    )  # fmt: skip
    raw = {"symbol": BTC, "id": resting, "side": "buy", "amount": 1.0, "remaining": 1.0}
    lists: Any = Lists(raw)
    venue = FuturesVenue(exchange, lists, [trade_with_entry("known")], door=door)
    asyncio.run(venue.get_open_orders(timeout_s=1.0))
    assert (door.in_air() == ()) is settled

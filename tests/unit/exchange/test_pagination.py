"""No position and no order is missed because a list came in parts, or it is said."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.exchange.pagination import Lists

SWAP = {"swap": True, "linear": True}
MARKETS = {
    "BTC/USDT:USDT": {**SWAP, "settle": "USDT"},
    "ETH/USDC:USDC": {**SWAP, "settle": "USDC"},
}


class Client:
    """Calls at once."""

    def __init__(self, exchange: Any) -> None:
        self.exchange = exchange
        self.reads = 0

    async def read(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
        self.reads += 1
        return call(self.exchange)


def lists(name: str, answer: Callable[..., list[dict[str, Any]]]) -> tuple[Lists, Any]:
    """*name*'s rules; *answer* is ccxt's ``fetch_positions`` and ``fetch_open_orders``."""
    api: Any = getattr(ccxt, name)()
    api.fetch_positions = api.fetch_open_orders = answer
    api.sapiGetAlgoFuturesOpenOrders = lambda params: {"total": 0, "orders": []}
    exchange: Any = SimpleNamespace(
        _api=api, get_option=lambda option: False, markets=MARKETS,
        _config={"stake_currency": "USDT"},
    )  # fmt: skip
    wire: Any = Client(exchange)
    return Lists(exchange, wire), wire


def rows(first: int, count: int, **info: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": str(first + i),
            "symbol": "BTC/USDT:USDT",
            "side": "buy",
            "amount": 1.0,
            "info": info,
        }
        for i in range(count)
    ]


def positions(first: int, count: int) -> list[dict[str, Any]]:
    return [{**row, "side": "long", "contracts": 1.0} for row in rows(first, count)]


def test_position_in_another_settle_currency_is_seen() -> None:
    """Bybit lists one settle currency an answer; ccxt asks for one."""

    def answer(symbol: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
        return positions(1, 1) if params["settleCoin"] == "USDC" else []

    bybit, _ = lists("bybit", answer)
    listed = asyncio.run(bybit.positions(timeout_s=1.0))
    assert len(listed.rows) == 1
    assert not listed.cut_off


def test_every_page_of_bybits_orders_is_read() -> None:
    def answer(symbol: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
        if params["settleCoin"] == "USDC":
            return []
        assert params["limit"] == 50
        pages = {None: (1, 50, "b"), "b": (51, 50, "c"), "c": (101, 7, "")}
        first, count, cursor = pages[params.get("cursor")]
        return rows(first, count - 1, nextPageCursor=None) + rows(
            first + count - 1, 1, nextPageCursor=cursor
        )

    bybit, _ = lists("bybit", answer)
    [(_, usdc), (_, usdt)] = asyncio.run(bybit.orders((), timeout_s=1.0))
    assert (len(usdc.rows), len(usdt.rows)) == (0, 107)
    assert not usdt.cut_off


@pytest.mark.parametrize(("name", "param"), [("okx", "after"), ("bitget", "idLessThan")])
def test_older_orders_than_the_first_page_are_read(name: str, param: str) -> None:
    """Newest page first; within a page ccxt puts the oldest in front."""

    def answer(symbol: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
        if params.get("productType") == "USDC-FUTURES":
            return []
        newest = int(params.get(param, 1236)) - 1
        oldest = max(1001, newest - 99)
        return rows(oldest, newest - oldest + 1)

    venue, _ = lists(name, answer)
    found = asyncio.run(venue.orders((), timeout_s=1.0))
    ids = {row["id"] for _, listed in found for row in listed.rows}
    assert ids == {str(i) for i in range(1001, 1236)}
    assert not any(listed.cut_off for _, listed in found)


def test_full_page_whose_ids_are_no_numbers_is_not_taken_for_the_end() -> None:
    """What comes after it cannot be asked for; nothing is dropped, and nothing ends the run."""

    def answer(symbol: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
        return [{**row, "id": f"algo-{row['id']}"} for row in rows(1, 100)]

    okx, _ = lists("okx", answer)
    for _, listed in asyncio.run(okx.orders((), timeout_s=1.0)):
        assert len(listed.rows) == 100
        assert listed.cut_off


def test_gates_pages_are_counted_on() -> None:
    def answer(symbol: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
        first = int(params.get("offset", 0))
        return positions(first, min(100, 130 - first)) if params["settle"] == "usdt" else []

    gate, _ = lists("gate", answer)
    assert len(asyncio.run(gate.positions(timeout_s=1.0)).rows) == 130


def test_list_that_repeats_its_page_is_not_taken_for_whole() -> None:
    gate, wire = lists("gate", lambda symbol, params: positions(0, 100))
    listed = asyncio.run(gate.positions(timeout_s=1.0))
    assert listed.cut_off
    assert wire.reads == 4, "two settle currencies, two pages each"


@pytest.mark.parametrize("count", [500, 501])
def test_full_list_that_cannot_be_continued_is_not_taken_for_whole(count: int) -> None:
    """ccxt's features say how long one answer can be; a longer one proves no more."""
    binance, _ = lists("binance", lambda symbol, params: rows(0, count))
    [(_, listed), (_, stops), _] = asyncio.run(binance.orders((), timeout_s=1.0))
    assert listed.cut_off
    assert stops.cut_off
    binance, _ = lists("binance", lambda symbol, params: rows(0, 499))
    found = asyncio.run(binance.orders((), timeout_s=1.0))
    assert not any(listed.cut_off for _, listed in found)


def test_pairs_are_asked_for_one_by_one_where_they_must_be_named() -> None:
    def answer(symbol: str | None, params: dict[str, Any]) -> list[dict[str, Any]]:
        if symbol is None:
            raise ccxt.ArgumentsRequired("symbol")
        return [{**rows(1, 1)[0], "id": symbol, "symbol": symbol}]

    kraken, _ = lists("krakenfutures", answer)
    [(_, listed)] = asyncio.run(kraken.orders({"A", "B"}, timeout_s=1.0))
    assert [row["id"] for row in listed.rows] == ["A", "B"]

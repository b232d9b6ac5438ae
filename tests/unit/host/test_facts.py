"""Odd rows among fills and funding fees cost themselves, and are told."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from freqtrade.enums import TradingMode

from freqtrade_liquidation.host.facts import FactFinder, Facts
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.executions import Close
from freqtrade_liquidation.orders.futures import FuturesOrders
from freqtrade_liquidation.orders.trades import KnownTrade

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
NOW = datetime.now(UTC)
AT_MS = int(NOW.timestamp() * 1000)


def fill(pair: str, **odd: Any) -> dict[str, Any]:
    return {
        "order": f"of {pair}", "symbol": pair, "amount": 1.0, "price": 2.0, "timestamp": AT_MS,
        "fee": {"cost": 0.1, "currency": "USDT"}, **odd,
    }  # fmt: skip


def fee(pair: str | None, **odd: Any) -> dict[str, Any]:
    return {"symbol": pair, "amount": -0.5, "timestamp": AT_MS, **odd}


def facts_of(fills: list[dict[str, Any]], fees: list[dict[str, Any]]) -> Facts:
    """What is gathered for a trade in BTC and one in ETH that a run has closed."""
    trades = [
        KnownTrade(
            trade_id=number, pair=pair, base_currency=pair[:3], side=Side.LONG, amount=1.0,
            leverage=1.0, open_rate=1.0, fee_open=0.0, opened_at=NOW - timedelta(hours=1),
            last_fill_at=NOW - timedelta(hours=1), open_orders=(),
        )
        for number, pair in enumerate((BTC, ETH))
    ]  # fmt: skip
    api = SimpleNamespace(
        fetch_my_trades=lambda pair, since: [f for f in fills if f["symbol"] == pair],
        fetch_funding_history=lambda *args: fees,
    )

    def converted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "amount": row["amount"] * 1.0} for row in rows]

    asked: Any = SimpleNamespace(_api=api, _trades_contracts_to_amount=converted)

    class Wire:
        async def read(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
            return call(asked)

    exchange: Any = SimpleNamespace(
        trading_mode=TradingMode.FUTURES, _api=ccxt.binance(), markets={},
        _config={"stake_currency": "USDT", "dry_run": False, "db_url": "sqlite://"},
    )  # fmt: skip
    wire: Any = Wire()
    venue = FuturesOrders(exchange, wire, trades, gate=EntryGate())
    for trade in trades:
        order = ClosingOrder(pair=trade.pair, side=Side.LONG, amount=1.0, client_order_id="x")
        answer = {"id": f"of {trade.pair}", "status": "closed", "filled": 1.0, "average": 2.0}
        venue.executions.closes.append(Close(order=order, answer=answer))
    finder = FactFinder(exchange, wire, venue)
    return asyncio.run(finder.gather([BTC, ETH], trades, timeout_s=1.0))


@pytest.mark.parametrize(
    "odd",
    [
        {"amount": None},
        {"price": None},
        {"price": float("nan")},
        {"amount": float("inf")},
        {"order": None},
        {"timestamp": None},
    ],
)
def test_fill_that_cannot_be_read_costs_the_fee_of_its_order_and_is_told(
    odd: dict[str, Any],
) -> None:
    found = facts_of([fill(BTC, **odd), fill(ETH)], [])
    assert set(found.fills) == {f"of {ETH}"}
    assert set(found.missing) == {BTC}
    assert "fills" in found.missing[BTC]
    if odd.get("order", "") is not None:
        half = facts_of([fill(BTC), fill(BTC, **odd)], [])
        assert half.fills == {}, "half of an order's fills are a wrong fee"


@pytest.mark.parametrize(
    "odd", [{"amount": None}, {"amount": "abc"}, {"amount": float("nan")}, {"timestamp": None}]
)
def test_funding_fee_that_cannot_be_read_costs_its_own_pair_the_fees(odd: dict[str, Any]) -> None:
    found = facts_of([], [fee(BTC, **odd), fee(ETH), fee(ETH)])
    assert found.funding == {1: -1.0}
    assert set(found.missing) == {BTC}


def test_funding_fee_without_a_pair_may_be_any_pairs() -> None:
    found = facts_of([], [fee(None), fee(ETH)])
    assert found.funding == {}
    assert set(found.missing) == {BTC, ETH}

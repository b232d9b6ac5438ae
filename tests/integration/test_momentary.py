"""Refusals that pass: whole runs over HTTP to the practice exchange."""

import time
from itertools import pairwise
from typing import Any

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation import LiquidationConfig, LiquidationManager, LiquidationState
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.orders.choosing import OrderManager
from freqtrade_liquidation.orders.trades import KnownTrade
from tests.integration.exchanges import BTC, ETH, SPOT, known_order, on, trade


def liquidate(exchange: Exchange, *trades: KnownTrade, **settings: Any) -> LiquidationResult:
    """One run, as an automatic trigger's."""

    async def run(venue: OrderManager) -> LiquidationResult:
        manager = LiquidationManager(LiquidationConfig(**settings), venue, MemoryAuditLog())
        return await manager.execute_liquidation("shutdown")

    return on(exchange, run, *trades)  # type: ignore[no-any-return]


def orders_sent(practice: PracticeExchange, symbol: str) -> int:
    return sum(
        entry["path"].endswith("/order") and entry["params"].get("symbol") == symbol
        for entry in practice.requests(method="POST")
    )


@pytest.mark.parametrize("code", [-4131, -4016, -2020])
def test_price_band_is_tried_again_and_costs_its_neighbour_nothing(
    practice: PracticeExchange, futures: Exchange, code: int
) -> None:
    """Before, the pair was given up after the first refusal, with four seconds left."""
    practice.seed_position(BTC, 0.1)
    practice.seed_position(ETH, 2)
    practice.clear_log()
    practice.add_fault("error", method="POST", path="/order$", symbol="BTCUSDT", code=code, times=1)
    result = liquidate(futures)
    assert result.state is LiquidationState.COMPLETED
    assert practice.positions() == {}
    assert orders_sent(practice, "BTCUSDT") == 2
    assert orders_sent(practice, "ETHUSDT") == 1


def test_spot_price_filter_is_tried_again(practice: PracticeExchange, spot: Exchange) -> None:
    order_id = practice.seed_order(SPOT, "buy", 0.1, 70_000)
    practice.core.tick()
    practice.clear_log()
    practice.add_fault(
        "error", method="POST", path="/api/v3/order$", side="SELL", times=1,
        code=-1013, msg="Filter failure: PERCENT_PRICE_BY_SIDE",
    )  # fmt: skip
    result = liquidate(spot, trade(SPOT, 0.1, known_order(order_id, "buy")))
    assert result.state is LiquidationState.COMPLETED
    assert orders_sent(practice, "BTCUSDT") == 2


def test_lot_size_is_refused_for_good(practice: PracticeExchange, futures: Exchange) -> None:
    """Waiting does not make an amount fit."""
    practice.seed_position(BTC, 0.1)
    practice.clear_log()
    practice.add_fault("error", method="POST", path="/order$", code=-4005)
    assert liquidate(futures).state is LiquidationState.FAILED
    assert orders_sent(practice, "BTCUSDT") <= 2


def test_close_that_a_resting_order_blocks_is_not_given_up(
    practice: PracticeExchange, futures: Exchange
) -> None:
    """A take-profit of the full size rests; it goes, and the close is sent again."""
    practice.seed_position(BTC, 0.1)
    practice.seed_order(BTC, "sell", 0.1, 90_000, reduce_only=True)
    practice.set_strict_reduce_only(True)
    result = liquidate(futures)
    assert result.state is LiquidationState.COMPLETED
    assert practice.positions() == {}


def test_order_that_ended_without_a_fill_is_sent_again_after_a_pause(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All attempts went within a tenth of a second, and the market had no time to come back."""
    practice.seed_position(BTC, 0.1)
    api, answers = type(futures._api), 3
    send = api.fapiPrivatePostOrder

    def expires(self: Any, params: dict[str, Any], *args: Any) -> Any:
        nonlocal answers
        answers -= 1
        if answers < 0:
            return send(self, params, *args)
        asked_at.append(time.monotonic())
        return {
            "symbol": params["symbol"], "orderId": 9_000_000 + answers, "status": "EXPIRED",
            "clientOrderId": params["newClientOrderId"], "side": params["side"], "price": "0",
            "type": "MARKET", "origQty": params["quantity"], "executedQty": "0", "cumQuote": "0",
            "avgPrice": "0.00", "reduceOnly": True, "updateTime": 1_700_000_000_000,
        }  # fmt: skip

    asked_at: list[float] = []
    monkeypatch.setattr(api, "fapiPrivatePostOrder", expires)
    result = liquidate(futures, retry_delay_seconds=0.3)
    assert result.state is LiquidationState.COMPLETED, result.errors
    assert practice.positions() == {}
    pauses = [later - earlier for earlier, later in pairwise(asked_at)]
    assert [pause > base for pause, base in zip(pauses, (0.15, 0.3), strict=True)] == [True, True]


def test_cancel_that_is_refused_for_a_moment_does_not_give_the_pair_up(
    practice: PracticeExchange, spot: Exchange
) -> None:
    """The stop locks the coins; four cancels were spent within a tenth of a second."""
    practice.seed_balance("BTC", 0.2)
    stop = practice.seed_order(SPOT, "sell", 0.2, 59_000, stop_price=60_000)
    practice.clear_log()
    practice.add_fault("error", method="DELETE", path="/order$", code=-2011, times=3)
    known = trade(SPOT, 0.2, known_order(stop, "stoploss"))
    result = liquidate(spot, known, retry_delay_seconds=0.2)
    assert result.state is LiquidationState.COMPLETED, result.errors


def test_run_after_a_ban_asks_nothing(practice: PracticeExchange, futures: Exchange) -> None:
    """Each request that a banned address sends makes the ban longer."""
    practice.seed_position(BTC, 0.1)
    practice.add_fault(
        "error", status=418, code=-1003, headers={"Retry-After": "300"},
        msg="Way too many requests; banned.",
    )  # fmt: skip
    assert liquidate(futures, timeout_seconds=1.0).state is LiquidationState.FAILED
    practice.clear_faults()
    practice.clear_log()
    assert liquidate(futures, timeout_seconds=1.0).state is LiquidationState.FAILED
    assert practice.requests() == []

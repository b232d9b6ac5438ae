"""An order whose answer was lost is found by the name that we gave it, or not at all."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from freqtrade.exceptions import RetryableOrderError

from freqtrade_liquidation.exchange.rules.lookup import can_find, find_order

PAIR = "BTC/USDT:USDT"
NAME = "ftl0123456789abcde"
SENT = datetime(2026, 1, 1, tzinfo=UTC)


def exchange(name: str, *orders: dict[str, Any]) -> Any:
    return SimpleNamespace(
        _api=getattr(ccxt, name)(),
        exchange_has=lambda endpoint: True,
        fetch_orders=lambda pair, since: list(orders),
        fetch_order=lambda order_id, pair, params: orders[0],
    )


def test_bybit_is_asked_for_its_lists_and_ours_is_picked_out() -> None:
    """Asked for an order without an id, it answers with the newest of the market."""
    others = {"id": "1", "clientOrderId": "somebody"}, {"id": "2", "clientOrderId": None}
    ours = {"id": "3", "clientOrderId": NAME}
    assert find_order(exchange("bybit", *others, ours), PAIR, NAME, SENT) is ours
    with pytest.raises(ccxt.OrderNotFound):
        find_order(exchange("bybit", *others), PAIR, NAME, SENT)


def test_answer_about_another_order_is_no_answer() -> None:
    with pytest.raises(ccxt.BadResponse):
        find_order(exchange("binance", {"id": "1", "clientOrderId": "other"}), PAIR, NAME, SENT)
    gate = {"id": "1", "clientOrderId": f"t-{NAME}"}
    assert find_order(exchange("gate", gate), PAIR, NAME, SENT) is gate


def test_exchange_with_neither_is_told() -> None:
    lacking: Any = exchange("kraken")
    lacking.exchange_has = lambda endpoint: False
    assert not can_find(lacking)
    with pytest.raises(ccxt.NotSupported):
        find_order(lacking, PAIR, NAME, SENT)


@pytest.mark.parametrize("age_s", [5, 3_700])
def test_name_that_gate_has_forgotten_is_looked_for_in_its_lists(age_s: int) -> None:
    """It knows names for a while only: what it does not know later may have sold all the same."""
    ours = {"id": "3", "clientOrderId": f"t-{NAME}"}
    gate = exchange("gate", ours)

    def forgotten(order_id: str, pair: str, params: Any) -> Any:
        raise RetryableOrderError("Order not found") from ccxt.OrderNotFound("ORDER_NOT_FOUND")

    gate.fetch_order = forgotten
    sent = datetime.now(UTC) - timedelta(seconds=age_s)
    if age_s < 60:
        with pytest.raises(RetryableOrderError):
            find_order(gate, PAIR, NAME, sent)
    else:
        assert find_order(gate, PAIR, NAME, sent) is ours


def test_order_without_a_name_may_be_ours() -> None:
    """Not found would mean: it was never executed. ccxt reads no names from bitvavo."""
    at_ms = int(SENT.timestamp() * 1000)
    nameless = {"id": "2", "clientOrderId": None, "timestamp": at_ms + 500}
    with pytest.raises(ccxt.BadResponse):
        find_order(exchange("bitvavo", nameless), PAIR, NAME, SENT)
    nameless["timestamp"] = at_ms + 3_600_000
    with pytest.raises(ccxt.OrderNotFound):
        find_order(exchange("bitvavo", nameless), PAIR, NAME, SENT)

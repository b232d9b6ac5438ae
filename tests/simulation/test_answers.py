"""An exchange whose answers say less, or something else, than they seem to."""

import asyncio
import random

import pytest

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.errors import ExchangeRefused, OutcomeUnknown
from freqtrade_liquidation.model import OpenOrder
from tests.simulation.exchange import entry, position, stop
from tests.simulation.test_run import BTC, ETH, book, liquidate


@pytest.mark.parametrize("spot", [False, True])
def test_entry_whose_cancel_is_only_acknowledged_is_no_flat_book_while_it_is_listed(
    spot: bool,
) -> None:
    exchange = book(position(BTC), orders=[entry(ETH)], closes_need_orders=spot)
    exchange.acknowledged = lambda order: False
    result = liquidate(exchange)
    assert not result.success
    assert result.orders_cancelled == 0
    assert any("lists the order still" in error for error in result.errors)
    cancels = [at for at, verb, _ in exchange.requests if verb == "cancel"]
    assert 1 < len(cancels) <= 4, "it is cancelled again, and no more often than is allowed"


@pytest.mark.parametrize("spot", [False, True])
def test_entry_whose_cancel_is_acknowledged_counts_once_a_later_list_lacks_it(spot: bool) -> None:
    exchange = book(position(BTC), orders=[entry(ETH)], closes_need_orders=spot)
    exchange.acknowledged = lambda order: True
    audit = MemoryAuditLog()
    result = liquidate(exchange, audit=audit)
    assert (result.success, result.orders_cancelled) == (True, 1)
    [cancelled] = audit.of_type(Event.ORDERS_CANCELLED)
    assert cancelled.additional_data["order_ids"] == list(book(orders=[entry(ETH)]).orders)
    assert len(audit.of_type(Event.CANCEL_ACKNOWLEDGED)) == 1
    asked = [at for at, verb, _ in exchange.requests if verb == "orders"]
    [cancel] = [at for at, verb, _ in exchange.requests if verb == "cancel"]
    assert max(asked) > cancel


def test_entry_that_goes_long_after_its_cancel_was_acknowledged_ends_in_a_flat_book() -> None:
    """However many cancels were spent: its end may be seen until the deadline."""
    exchange = book(position(BTC), orders=[entry(ETH)])
    exchange.acknowledged = lambda order: False
    seen: list[str] = []

    def goes_late(verb: str) -> None:
        seen.extend([verb] if verb == "orders" else [])
        if len(seen) == 6:
            exchange.orders.clear()

    exchange.before = goes_late
    assert liquidate(exchange, max_retries=0).success


def test_entry_that_fills_after_its_cancel_was_acknowledged_is_closed() -> None:
    exchange = book(orders=[entry(BTC)])
    [order_id] = exchange.orders
    exchange.acknowledged = lambda order: False
    fills = iter([False, False, True])

    def fill(verb: str) -> None:
        if verb == "positions" and next(fills, False):
            exchange.fill(order_id)

    exchange.before = fill
    assert liquidate(exchange).success
    assert [order.pair for order in exchange.sent] == [BTC]


@pytest.mark.parametrize("is_done", [True, False])
def test_stop_whose_cancel_is_acknowledged_comes_back_unless_it_stands(is_done: bool) -> None:
    """A second one beside it could sell the user's coins."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)

    def acknowledges(order: OpenOrder) -> bool:
        return is_done

    exchange.acknowledged = acknowledges
    exchange.fault = lambda verb, pair: ExchangeRefused("no") if verb == "close" else None
    result = liquidate(exchange)
    assert not result.success
    assert len(exchange.orders) == 1
    assert ("back1" in exchange.orders) is is_done
    assert [o.pair for o in exchange.sent] == ([BTC] if is_done else [])


def test_leftover_stop_whose_cancel_is_acknowledged_is_told_while_it_stands() -> None:
    exchange = book(position(BTC), orders=[stop(BTC)])
    exchange.acknowledged = lambda order: False
    result = liquidate(exchange)
    assert result.orders_cancelled == 0
    assert any("leftover" in error and "lists the order" in error for error in result.errors)
    exchange = book(position(BTC), orders=[stop(BTC)])
    exchange.acknowledged = lambda order: True
    result = liquidate(exchange)
    assert (result.orders_cancelled, list(result.errors)) == (1, [])


def test_stop_that_goes_long_after_its_cancels_had_no_known_outcome_makes_way_for_the_sell() -> (
    None
):
    """Its cancels were spent within a second, and the run ended with four seconds left."""
    exchange = book(position(BTC), orders=[stop(BTC, blocks=True)], closes_need_orders=True)
    exchange.fault = lambda verb, pair: OutcomeUnknown("lost") if verb == "cancel" else None

    def goes_late(verb: str) -> None:
        first_at, _, _ = exchange.requests[0]
        if asyncio.get_running_loop().time() - first_at > 2.0:
            exchange.orders.clear()

    exchange.before = goes_late
    assert liquidate(exchange).success
    assert [order.pair for order in exchange.sent] == [BTC]


@pytest.mark.parametrize("jitter", [step / 20 for step in range(21)])
@pytest.mark.parametrize("retries", [0, 10])
def test_leftovers_keep_their_time_while_an_entrys_cancel_is_waited_for(
    retries: int, monkeypatch: pytest.MonkeyPatch, jitter: float
) -> None:
    """Else the stops of closed pairs stood to the end of the run. Whatever the pauses are."""
    monkeypatch.setattr(
        random.Random, "uniform", lambda self, low, high: low + jitter * (high - low)
    )
    exchange = book(position(BTC), orders=[entry(ETH), stop(BTC)])
    [resting, leftover] = exchange.orders
    exchange.acknowledged = lambda order: False if order.order_id == resting else None
    assert not liquidate(exchange, max_retries=retries, retry_delay_seconds=2.0).success
    assert leftover not in exchange.orders

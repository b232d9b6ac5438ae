"""Gate: contracts of other sizes than 1, pages, its own list of stops, its errors; over HTTP.

freqtrade's wrapper and ccxt as they are. One exchange and one wrapper serve all tests.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import ccxt
import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation import LiquidationState
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from freqtrade_liquidation.errors import (
    AccountRefused,
    CloseBlocked,
    ExchangeUnavailable,
    NothingToReduce,
)
from freqtrade_liquidation.exchange.line import bare_copy
from freqtrade_liquidation.exchange.rules.lookup import find_order
from freqtrade_liquidation.exchange.rules.names import client_order_id
from freqtrade_liquidation.exchange.single_attempt import asking_once
from freqtrade_liquidation.model import ClosingOrder, OrderRole, Side
from freqtrade_liquidation.orders.choosing import OrderManager
from tests.integration.exchanges import BTC, ETH, on, wrapper_on
from tests.integration.hostile import Played, futures_book, play
from tests.integration.hostile_truth import assert_nothing_was_made_worse

XRP: Final = "XRP/USDT:USDT"
ORDERS: Final = "/futures/usdt/orders$"


@pytest.fixture(scope="module")
def running() -> Iterator[PracticeExchange]:
    with PracticeExchange(Settings(exchange="gate", moving_ratio=0)) as practice:
        yield practice


@pytest.fixture(scope="module")
def wrapper(
    running: PracticeExchange, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exchange]:
    with wrapper_on(running, tmp_path_factory.mktemp("wrapper"), futures=True) as exchange:
        yield exchange


@pytest.fixture
def gate(running: PracticeExchange, wrapper: Exchange) -> PracticeExchange:
    """With nothing on it, and the right clock."""
    running.open_account_anew()
    running.set_limits(weight_per_minute=None)
    running.set_clock_offset(0)
    wrapper._api.options["timeDifference"] = 0
    return running


def closing(pair: str, side: Side, amount: float, exchange: Exchange) -> ClosingOrder:
    name = client_order_id(exchange._api, datetime.now(UTC).strftime("%f") * 6)
    return ClosingOrder(pair=pair, side=side, amount=amount, client_order_id=name)


def close(exchange: Exchange, pair: str, side: Side, amount: float) -> Any:
    async def work(venue: OrderManager) -> Any:
        order = closing(pair, side, amount, exchange)
        return await venue.execute_market_close(order, timeout_s=5)

    return on(exchange, work)


def test_book_is_read_in_base_currency(gate: PracticeExchange, wrapper: Exchange) -> None:
    """A contract is 0.0001 BTC, 0.01 ETH, 10 XRP."""
    gate.seed_position(BTC, 0.0123)
    gate.seed_position(ETH, -1.5)
    gate.seed_position(XRP, 50)
    stop = gate.seed_stop(ETH, "buy", 1.5, 5_000)
    entry = gate.seed_order(XRP, "buy", 70, 0.5)

    async def look(venue: OrderManager) -> tuple[Any, Any]:
        return (
            await venue.get_all_positions(timeout_s=5),
            await venue.get_open_orders(timeout_s=5),
        )

    positions, orders = on(wrapper, look)
    assert {(p.pair, p.side, p.amount) for p in positions} == {
        (BTC, Side.LONG, 0.0123), (ETH, Side.SHORT, 1.5), (XRP, Side.LONG, 50.0),
    }  # fmt: skip
    assert {p.pair: p.maximum_amount for p in positions} == {
        BTC: 80.0, ETH: 2000.0, XRP: 2_000_000.0,  # market_order_size_max, not order_size_max
    }  # fmt: skip
    assert {(o.order_id, o.role, o.amount, o.conditional) for o in orders} == {
        (stop, OrderRole.PROTECTIVE, 1.5, True), (entry, OrderRole.ENTRY, 70.0, False),
    }  # fmt: skip


def test_close_is_sent_in_contracts_and_reduce_only(
    gate: PracticeExchange, wrapper: Exchange
) -> None:
    gate.seed_position(XRP, -50)
    answer = close(wrapper, XRP, Side.SHORT, 50)
    assert answer.filled == 50.0
    assert gate.positions() == {}
    (sent,) = [r["params"] for r in gate.requests("/futures/usdt/orders", method="POST")]
    wanted = {"size": "5", "price": "0", "tif": "ioc", "reduce_only": "true"}
    assert {key: sent[key] for key in wanted} == wanted
    assert sent["text"].startswith("t-ftl")


def test_close_that_gate_cut_short_is_at_its_end_with_what_it_filled(
    gate: PracticeExchange, wrapper: Exchange
) -> None:
    """ccxt passes ``reduce_only`` through as a status, which freqtrade takes for open."""
    gate.seed_position(BTC, 0.01)
    body = {
        "id": 7, "contract": "BTC_USDT", "size": "-100", "left": "-40", "price": "0", "tif": "ioc",
        "fill_price": "65000", "status": "finished", "finish_as": "reduce_only", "text": "api",
    }  # fmt: skip
    gate.add_fault("answer", method="POST", path=ORDERS, status=200, body=json.dumps(body))
    answer = close(wrapper, BTC, Side.LONG, 0.01)
    assert (answer.order_id, answer.filled, answer.average) == ("7", 0.006, 65000.0)


@pytest.mark.parametrize(
    ("held", "label", "kind"),
    [(0, "REDUCE_EXCEEDED", NothingToReduce), (-0.01, "INCREASE_POSITION", CloseBlocked)],
)
def test_nothing_left_to_reduce_is_told_apart_from_a_refusal(
    gate: PracticeExchange, wrapper: Exchange, held: float, label: str, kind: type[Exception]
) -> None:
    """Only the first one says that the position is zero."""
    gate.seed_position(BTC, held)
    with pytest.raises(kind, match=label):
        close(wrapper, BTC, Side.LONG, 0.01)


def test_book_larger_than_a_page_is_read_whole(gate: PracticeExchange, wrapper: Exchange) -> None:
    for number in range(130):
        gate.seed_order(XRP, "buy", 10, round(0.5 - number / 1000, 4))
        gate.seed_stop(XRP, "sell", 10, round(0.5 - number / 1000, 4))
    orders = on(wrapper, lambda venue: venue.get_open_orders(timeout_s=10))
    assert sum(o.role is OrderRole.ENTRY for o in orders) == 130
    assert sum(o.conditional for o in orders) == 130


def test_too_many_requests_have_not_acted(gate: PracticeExchange, wrapper: Exchange) -> None:
    """Gate says so with a label and no Retry-After."""
    gate.seed_position(BTC, 0.01)
    gate.set_limits(weight_per_minute=None, orders_per_second=1)
    gate.seed_position(ETH, 1)
    close(wrapper, BTC, Side.LONG, 0.01)
    with pytest.raises(ExchangeUnavailable, match="TOO_MANY_REQUESTS"):
        close(wrapper, ETH, Side.LONG, 1)
    assert gate.positions().keys() == {ETH}
    headers = wrapper._api.last_response_headers
    assert {"X-Gate-Ratelimit-Limit", "X-Gate-Ratelimit-Requests-Remain"} <= {
        name.title() for name in headers
    }


def test_wrong_clock_is_set_and_the_close_goes_through(
    gate: PracticeExchange, wrapper: Exchange
) -> None:
    """ccxt takes REQUEST_EXPIRED for a wrong key."""
    gate.seed_position(BTC, 0.01)
    gate.set_clock_offset(120_000)

    async def twice(venue: OrderManager) -> Any:
        assert len(await venue.get_all_positions(timeout_s=5)) == 1, "asked again, by the new clock"
        order = closing(BTC, Side.LONG, 0.01, wrapper)
        return await venue.execute_market_close(order, timeout_s=5)

    assert on(wrapper, twice).filled == 0.01
    assert gate.positions() == {}


def test_wrong_secret_is_the_accounts_refusal(
    gate: PracticeExchange, wrapper: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrapper._api, "secret", "another")
    with pytest.raises(AccountRefused, match="INVALID_SIGNATURE"):
        close(wrapper, BTC, Side.LONG, 0.01)


def test_order_is_found_by_its_name_also_when_gate_has_forgotten_it(
    gate: PracticeExchange, wrapper: Exchange
) -> None:
    """After 60 s "no such order" proves nothing: the list of ended orders is asked."""
    gate.seed_position(BTC, 0.01)
    gate.add_fault("drop_after", method="POST", path=ORDERS, times=1)
    name = client_order_id(wrapper._api, "ab" * 16)
    with pytest.raises(ccxt.NetworkError):
        wrapper._api.create_order(
            BTC, "market", "sell", 100, None, {"reduceOnly": True, "clientOrderId": name}
        )
    sent_at = datetime.now(UTC)
    once = asking_once(bare_copy(wrapper))  # as a run asks: freqtrade's own retries take 35 s
    assert find_order(once, BTC, name, sent_at)["filled"] == 0.01
    (order,) = gate.core.futures.orders.values()
    order.created_ms -= 90_000
    order.updated_ms -= 90_000
    found = find_order(once, BTC, name, sent_at - timedelta(seconds=95))
    assert (found["status"], found["filled"]) == ("closed", 0.01)


def test_stop_on_the_exchange_closes_and_freqtrade_finds_the_order_that_came_of_it(
    gate: PracticeExchange, wrapper: Exchange
) -> None:
    gate.seed_position(ETH, 0.5)
    stop = wrapper.create_stoploss(
        ETH, 0.5, 3_000.0, {"stoploss": "market"}, side="sell", leverage=3.0
    )
    assert wrapper.fetch_stoploss_order(stop["id"], ETH)["status"] == "open"
    gate.set_price(ETH, 2_990)
    done = wrapper.fetch_stoploss_order(stop["id"], ETH)
    gate.set_price(ETH, 3_200)
    assert (done["status"], done["filled"]) == ("closed", 0.5)
    assert done["id_stop"] == str(done["info"]["id"]) != stop["id"] == done["id"]
    assert gate.positions() == {}


# A whole run, as test_unknown_outcomes has it on Binance.

FAULTS: Final[dict[str, dict[str, Any]]] = {
    "answer_lost": {"kind": "drop_after"},
    "dropped_before": {"kind": "drop_before"},
    "html_page": {"kind": "answer", "status": 200, "body": "<html><body>One moment</body></html>"},
    "about_nothing": {"kind": "answer", "status": 200, "body": "{}"},
    "empty": {"kind": "answer", "status": 200, "body": ""},
    "busy": {"kind": "error", "status": 500, "label": "TOO_BUSY", "msg": "Server is busy"},
    "truncated": {"kind": "truncated"},
}
LATE: Final[dict[str, dict[str, Any]]] = {"late": {"kind": "late", "delay_ms": 1650}}
KINDS: Final[dict[str, dict[str, Any]]] = {
    "cancel_entry": {"method": "DELETE", "path": "/futures/usdt/orders/"},
    "cancel_stop": {"method": "DELETE", "path": "/futures/usdt/price_orders/"},
    "close": {"method": "POST", "path": ORDERS, "symbol": "BTCUSDT"},
    "positions": {"method": "GET", "path": "/futures/usdt/positions$"},
    "orders": {"method": "GET", "path": ORDERS},
    "stops": {"method": "GET", "path": "/futures/usdt/price_orders$"},
    "read_back": {"method": "GET", "path": "/futures/usdt/orders/"},
}
CELLS: Final = [(kind, fault) for kind in KINDS for fault in FAULTS]
LISTS: Final = ("positions", "orders", "stops")
SAID_ELSEWHERE: Final = ("html_page", "empty", "about_nothing")
"""``test_no_answer`` has a whole run for each of these bodies, and each list that is never read."""
FOR_GOOD: Final = [
    (kind, fault)
    for kind, fault in CELLS
    if not (kind in LISTS and fault in SAID_ELSEWHERE)
    # A question that is dropped is the same as one whose answer is lost.
    and not (KINDS[kind]["method"] == "GET" and fault == "dropped_before")
]


def cell(
    gate: PracticeExchange, wrapper: Exchange, kind: str, fault: str, times: int | None
) -> Played:
    book = futures_book(gate)
    if kind == "read_back":
        gate.add_fault("drop_after", **KINDS["close"], times=1)
    rule = (FAULTS | LATE)[fault]
    gate.add_fault(**rule, **KINDS[kind], times=times)
    unread = times is None and kind in LISTS
    played = play(gate, wrapper, book, timeout_seconds=1.2 if unread else 3.2)
    assert any(rule["kind"] in request["faults"] for request in played.requests)
    assert_nothing_was_made_worse(played)
    return played


@pytest.mark.parametrize(
    ("kind", "fault"), [*CELLS, ("close", "late"), ("cancel_entry", "late")]
)  # fmt: skip
def test_run_ends_flat_whatever_happens_once(
    gate: PracticeExchange, wrapper: Exchange, kind: str, fault: str
) -> None:
    played = cell(gate, wrapper, kind, fault, times=1)
    assert played.is_flat
    assert played.result.state is LiquidationState.COMPLETED
    told = " ".join(played.result.errors)
    assert all(str(stop["algoId"]) in told for stop in gate.open_algo_orders()), "left over, untold"


@pytest.mark.parametrize(("kind", "fault"), FOR_GOOD)
def test_run_makes_nothing_worse_whatever_happens_for_good(
    gate: PracticeExchange, wrapper: Exchange, kind: str, fault: str
) -> None:
    cell(gate, wrapper, kind, fault, times=None)

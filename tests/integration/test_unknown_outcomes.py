"""Every request of a run, answered in every way that leaves open whether it has acted.

Each cell is a whole run of the real manager through freqtrade's wrapper and ccxt over HTTP, judged
by the exchange's own log and ledger (``hostile_truth``). One exchange, and one wrapper a market,
serve all cells; the account is opened anew for each.
"""

import json
from typing import Any, Final

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation import AuditEventType, LiquidationState
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.model import PairState
from tests.integration.exchanges import BTC
from tests.integration.exchanges import SPOT as SPOT_BTC
from tests.integration.hostile import Book, Played, futures_book, play, spot_book
from tests.integration.hostile_truth import assert_nothing_was_made_worse

TIMEOUT_S: Final = 3.2
LATE_MS: Final = 1_650
"""Longer than an attempt of the first look waits (half of the timeout), well before its end."""
UNREAD_S: Final = 1.2
"""Enough where the book is never read: the run asks again until its time is over, and acts on
nothing that its first second does not bring."""
LONGER_S: Final = 4.4
LATER_MS: Final = 2_050
"""The same where a stop has to go once more after that: it is not touched in the last 1.5 s."""

PAGE: Final = "<html><body><h1>Just a moment...</h1></body></html>"
ANOTHER: Final = json.dumps(
    {
        "orderId": 1, "clientOrderId": "another", "symbol": "XRPUSDT", "side": "BUY", "price": "0",
        "type": "MARKET", "status": "FILLED", "origQty": "1", "executedQty": "1", "avgPrice": "1",
        "cummulativeQuoteQty": "1", "updateTime": 1,
    }
)  # fmt: skip
"""An order that nobody asked about."""
FAULTS: Final[dict[str, dict[str, Any]]] = {
    "answer_lost": {"kind": "drop_after"},
    "dropped_before": {"kind": "drop_before"},
    "bad_gateway_after": {"kind": "answer", "status": 502, "body": "<html>Bad Gateway</html>"},
    "late": {"kind": "late", "delay_ms": LATE_MS},
    "unparsable": {"kind": "answer", "status": 200, "body": "OK"},
    "html_page": {"kind": "answer", "status": 200, "body": PAGE},
    "empty": {"kind": "answer", "status": 200, "body": ""},
    "truncated": {"kind": "truncated"},
    "about_nothing": {"kind": "answer", "status": 200, "body": "{}"},
    "about_another": {"kind": "answer", "status": 200, "body": ANOTHER},
    "busy": {"kind": "error", "status": 200, "body": '{"code":0,"msg":"Service is busy"}'},
}
NOT_DONE: Final = ("dropped_before", "busy")
FUTURES: Final[dict[str, dict[str, Any]]] = {
    "cancel_entry": {"method": "DELETE", "path": "/fapi/v1/order$", "symbol": "SOLUSDT"},
    "cancel_stop": {"method": "DELETE", "path": "/fapi/v1/algoOrder$"},
    "close": {"method": "POST", "path": "/fapi/v1/order$", "symbol": "BTCUSDT"},
    "positions": {"method": "GET", "path": "/positionRisk$"},
    "orders": {"method": "GET", "path": "/fapi/v1/openOrders$"},
    "stops": {"method": "GET", "path": "/fapi/v1/openAlgoOrders$"},
    "read_back": {"method": "GET", "path": "/fapi/v1/order$", "symbol": "BTCUSDT"},
}
SPOT: Final[dict[str, dict[str, Any]]] = {
    "cancel_entry": {"method": "DELETE", "path": "/api/v3/order$", "symbol": "SOLUSDT"},
    "cancel_stop": {"method": "DELETE", "path": "/api/v3/order$", "symbol": "BTCUSDT"},
    "close": {
        "method": "POST", "path": "/api/v3/order$", "symbol": "BTCUSDT",
        "params": {"type": "MARKET"},
    },
    "put_back": {
        "method": "POST", "path": "/api/v3/order$", "symbol": "BTCUSDT",
        "params": {"type": "STOP_LOSS_LIMIT"},
    },
    "positions": {"method": "GET", "path": "/api/v3/account$"},
    "orders": {"method": "GET", "path": "/api/v3/order$", "symbol": "SOLUSDT"},
    "stops": {"method": "GET", "path": "/api/v3/order$", "symbol": "BTCUSDT"},
    "read_back": {"method": "GET", "path": "/api/v3/order$", "symbol": "BTCUSDT"},
}  # fmt: skip


def cell(
    practice: PracticeExchange, wrappers: dict[bool, Exchange], kind: str, fault: str, *,
    futures: bool, times: int | None,
) -> Played:  # fmt: skip
    """A run in which *kind* of request meets *fault*, *times* times (None = always)."""
    practice.open_account_anew()
    book = futures_book(practice) if futures else spot_book(practice, stop=kind != "read_back")
    if kind == "read_back":
        rule = (FUTURES if futures else SPOT)["close"]
        practice.add_fault("drop_after", **rule, times=1)
    if kind == "put_back":
        practice.add_fault("error", **SPOT["close"], code=-1013, msg="Market is closed.")
    rule, timeout_s = FAULTS[fault], TIMEOUT_S
    if (futures, kind, fault) == (False, "cancel_stop", "late"):
        rule, timeout_s = rule | {"delay_ms": LATER_MS}, LONGER_S
    if times is None and kind in LISTS and fault != "late":
        timeout_s = UNREAD_S
    practice.add_fault(**rule, **(FUTURES if futures else SPOT)[kind], times=times)
    played = play(practice, wrappers[futures], book, timeout_seconds=timeout_s)
    assert any(FAULTS[fault]["kind"] in request["faults"] for request in played.requests)
    return played


CELLS: Final = [
    *((True, kind, fault) for kind in FUTURES for fault in FAULTS),
    *((False, kind, fault) for kind in SPOT for fault in FAULTS),
]
NAMES: Final = [f"{'futures' if f else 'spot'}-{kind}-{fault}" for f, kind, fault in CELLS]


@pytest.mark.parametrize(("futures", "kind", "fault"), CELLS, ids=NAMES)
def test_once_ends_flat_and_is_said_so(
    running: PracticeExchange, wrappers: dict[bool, Exchange], futures: bool, kind: str, fault: str
) -> None:
    """But for the put-back, which is about a position that cannot be closed, and for a sell of
    which the exchange knows nothing: it may still arrive, so it is not sent again."""
    played = cell(running, wrappers, kind, fault, futures=futures, times=1)
    assert_nothing_was_made_worse(played)
    lost = (futures, kind) == (False, "close") and fault in NOT_DONE
    stays = kind == "put_back" or lost
    assert played.is_flat is not stays
    flat = played.result.state is LiquidationState.COMPLETED
    assert flat is not stays
    closed = {o.pair for o in played.result.outcomes if o.state is PairState.CLOSED}
    assert closed == played.book.held.keys() - ({SPOT_BTC} if stays else set())


LISTS: Final = ("positions", "orders", "stops")
"""What a look asks for."""
SAID_ELSEWHERE: Final = ("html_page", "empty", "about_nothing", "busy")
"""``test_no_answer`` has a whole run for each of these bodies, for each list of futures and for the
balance of spot."""


def _proves_something_new(futures: bool, kind: str, fault: str) -> bool:
    question = (FUTURES if futures else SPOT)[kind]["method"] == "GET"
    if question and fault == "dropped_before":
        return False  # nothing is carried out: it is the same as an answer that is lost
    is_list = kind in LISTS if futures else kind == "positions"
    return not (is_list and fault in SAID_ELSEWHERE)


FOR_GOOD: Final = [
    pytest.param(*cell, id=name)
    for cell, name in zip(CELLS, NAMES, strict=True)
    if _proves_something_new(*cell)
]


@pytest.mark.parametrize(("futures", "kind", "fault"), FOR_GOOD)
def test_for_good_makes_nothing_worse(
    running: PracticeExchange, wrappers: dict[bool, Exchange], futures: bool, kind: str, fault: str
) -> None:
    """Flat is said where it can be known: the questions that tell of it were answered, and nothing
    was carried out after the last of them."""
    played = cell(running, wrappers, kind, fault, futures=futures, times=None)
    assert_nothing_was_made_worse(played)
    if kind not in UNANSWERABLE[futures] and fault != "late":
        assert played.is_flat is (played.result.state is LiquidationState.COMPLETED)


def test_futures_stop_of_a_close_that_is_refused_for_good_is_never_touched(
    running: PracticeExchange, wrappers: dict[bool, Exchange]
) -> None:
    """It locks nothing, so there is nothing to put back: it stands, and the report says so."""
    running.open_account_anew()
    book = futures_book(running)
    running.add_fault(
        "error", **FUTURES["close"], code=-4108, msg="This contract is being settled."
    )
    played = play(running, wrappers[True], book)
    assert_nothing_was_made_worse(played)
    assert {r["path"] for r in played.writes if r["method"] == "POST"} == {"/fapi/v1/order"}
    [left] = [o for o in played.result.outcomes if o.state is not PairState.CLOSED]
    assert (left.pair, left.state, left.protected) == (BTC, PairState.OPEN, True)
    assert [o["pair"] for o in running.open_algo_orders()] == [BTC]


@pytest.mark.parametrize("fault", FAULTS)
def test_put_back_of_unknown_outcome_is_looked_for_before_it_is_told_as_lost(
    running: PracticeExchange, wrappers: dict[bool, Exchange], fault: str
) -> None:
    played = cell(running, wrappers, "put_back", fault, futures=False, times=1)
    [left] = [o for o in played.result.outcomes if o.state is not PairState.CLOSED]
    lost = any("HAS LOST ITS STOP" in error for error in played.result.errors[:1])
    stood = fault not in NOT_DONE
    assert (left.protected, lost) == (stood, not stood)
    if stood:
        [stop] = [o for o in running.open_orders(False) if o["side"] == "SELL"]
        [event] = played.audit.of_type(AuditEventType.STOP_PUT_BACK)
        assert event.additional_data["order_id"] == str(stop["orderId"])


def refuse_all_sells(practice: PracticeExchange) -> Book:
    practice.open_account_anew()
    book = spot_book(practice)
    practice.add_fault("error", **SPOT["close"], code=-1013, msg="Market is closed.")
    return book


@pytest.mark.parametrize("kind", ["refused", "never answered", "unavailable"])
def test_put_back_that_fails_is_the_first_line_and_names_pair_and_price(
    running: PracticeExchange, wrappers: dict[bool, Exchange], kind: str
) -> None:
    book = refuse_all_sells(running)
    if kind == "never answered":
        running.add_fault("hang", **SPOT["put_back"])
    else:
        status = 400 if kind == "refused" else 429
        running.add_fault("error", **SPOT["put_back"], status=status, code=-2010, msg="No.")
    played = play(running, wrappers[False], book, timeout_seconds=2.5)
    assert_nothing_was_made_worse(played)
    assert played.result.errors[0].startswith(f"{SPOT_BTC} HAS LOST ITS STOP at 60000")
    [left] = [o for o in played.result.outcomes if o.state is not PairState.CLOSED]
    assert left.protected is False


def test_put_back_that_the_exchange_was_unavailable_for_is_tried_again_and_stands(
    running: PracticeExchange, wrappers: dict[bool, Exchange]
) -> None:
    book = refuse_all_sells(running)
    running.add_fault("error", **SPOT["put_back"], status=429, code=-1003, msg="Later.", times=2)
    played = play(running, wrappers[False], book)
    assert_nothing_was_made_worse(played)
    [stop] = [o for o in running.open_orders(False) if o["side"] == "SELL"]
    assert (stop["stopPrice"], stop["origQty"]) == ("60000", "0.2")
    [left] = [o for o in played.result.outcomes if o.state is not PairState.CLOSED]
    assert left.protected is True


@pytest.mark.parametrize("futures", [True, False], ids=["futures", "spot"])
def test_close_positions_false_cancels_entries_and_no_stop(
    running: PracticeExchange, wrappers: dict[bool, Exchange], futures: bool
) -> None:
    running.open_account_anew()
    book = futures_book(running) if futures else spot_book(running)
    played = play(running, wrappers[futures], book, trigger="shutdown", close_positions=False)
    assert_nothing_was_made_worse(played)
    assert played.result.state is LiquidationState.SKIPPED
    assert played.entries == []
    assert [request["method"] for request in played.writes] == ["DELETE"]
    assert len(running.open_algo_orders() if futures else running.open_orders(False)) == (
        2 if futures else 1
    )


UNANSWERABLE: Final = {
    True: {"positions", "orders", "stops"},
    False: {"positions", "orders", "stops", "read_back"},
}
"""Kinds of questions, by whether on futures, without whose answers no book is called flat."""

"""Runs on an exchange that wants to be left alone: limits, bans, maintenance, wrong clocks."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation import LiquidationState
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.hostile import (
    Book,
    Played,
    big_futures_book,
    futures_book,
    play,
    spot_book,
)
from tests.integration.hostile_truth import assert_nothing_was_made_worse

PAGE = (Path(__file__).parents[2] / "docs" / "design.md").read_text(encoding="utf-8")
CLOSE = {"method": "POST", "path": "/order$", "symbol": "BTCUSDT"}
TOO_MANY = {"status": 429, "code": -1003, "msg": "Too many requests."}
SKEWED = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}


@pytest.fixture(params=[True, False], ids=["futures", "spot"])
def market(request: pytest.FixtureRequest) -> bool:
    """Whether it is futures."""
    return bool(request.param)


@pytest.fixture
def exchange(market: bool, wrappers: dict[bool, Exchange]) -> Iterator[Exchange]:
    wrapper = wrappers[market]
    yield wrapper
    wrapper._api.options["timeDifference"] = 0


@pytest.fixture
def book(market: bool, running: PracticeExchange) -> Iterator[Book]:
    running.open_account_anew()
    yield futures_book(running) if market else spot_book(running)
    running.set_clock_offset(0)


def struck(played: Played) -> list[dict[str, Any]]:
    """The requests that met a fault."""
    return [request for request in played.requests if "error" in request["faults"]]


def in_two_seconds() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_nothing_is_sent_until_the_exchange_wants_it(
    running: PracticeExchange, exchange: Exchange, book: Book, form: str
) -> None:
    """Not for another pair, either."""
    header = "1" if form == "seconds" else in_two_seconds()
    headers = {"Retry-After": header}
    running.add_fault("error", **CLOSE, **TOO_MANY, headers=headers, times=1)
    played = play(running, exchange, book)
    assert_nothing_was_made_worse(played)
    assert played.result.state is LiquidationState.COMPLETED
    [refused] = struck(played)
    later = [r["arrived"] for r in played.requests if r["arrived"] > refused["answered"] + 0.1]
    assert min(later) >= refused["answered"] + 0.8


@pytest.mark.parametrize("header", ["-30", "0", "nan", "soon", ""])
def test_retry_after_that_says_nothing_is_a_429_without_one(
    running: PracticeExchange, exchange: Exchange, book: Book, header: str
) -> None:
    running.add_fault("error", **CLOSE, **TOO_MANY, headers={"Retry-After": header}, times=2)
    played = play(running, exchange, book)
    assert_nothing_was_made_worse(played)
    assert played.result.state is LiquidationState.COMPLETED
    assert len(struck(played)) == 2


@pytest.mark.parametrize(
    ("status", "headers"),
    [(418, {}), (418, {"Retry-After": "120"}), (429, {"Retry-After": "1e300"})],
    ids=["418", "418 for 120 s", "429 for ever"],
)
def test_banned_for_longer_than_the_run_nothing_more_is_asked(
    running: PracticeExchange, exchange: Exchange, book: Book, status: int, headers: dict[str, str]
) -> None:
    """Each further request makes the ban longer. On futures the closes had left beside the look:
    they are told closed by their fills, and the book as not proven."""
    rule = TOO_MANY | {"status": status}
    running.add_fault("error", path="positionRisk|/account$", **rule, headers=headers)
    played = play(running, exchange, book, timeout_seconds=0.6)
    assert_nothing_was_made_worse(played)
    banned = struck(played)
    first = min(request["answered"] for request in banned)
    assert [r for r in played.requests if r["arrived"] > first + 0.1] == []
    assert played.result.state is not LiquidationState.COMPLETED


def test_maintenance_is_asked_to_the_end_with_pauses_and_each_close_sent_once(
    running: PracticeExchange, exchange: Exchange, book: Book
) -> None:
    """No count of attempts ends a run that may still learn something; nothing is sent again without
    a look."""
    running.add_fault("error", status=503, body="<html>Maintenance</html>")
    played = play(running, exchange, book, max_retries=2)
    assert_nothing_was_made_worse(played)
    assert played.result.state is LiquidationState.FAILED
    sent = Counter((r["method"], r["params"].get("symbol")) for r in played.writes)
    assert set(sent.values()) <= {1}
    asked = Counter(
        (r["path"], r["params"].get("orderId")) for r in played.requests if r["method"] == "GET"
    )
    assert max(asked.values()) <= 3 * most_attempts(5.0), "three lists side by side"


@pytest.mark.parametrize("offset_ms", [-30_000, 30_000])
def test_wrong_clock_is_corrected_once_and_the_book_is_flat(
    running: PracticeExchange, exchange: Exchange, book: Book, offset_ms: int
) -> None:
    running.set_clock_offset(offset_ms)
    played = play(running, exchange, book)
    assert_nothing_was_made_worse(played)
    assert played.result.state is LiquidationState.COMPLETED
    assert len([r for r in played.requests if r["path"].endswith("/time")]) == 1


def test_clock_that_stays_wrong_is_no_loop(
    running: PracticeExchange, exchange: Exchange, book: Book
) -> None:
    running.add_fault("error", path="positionRisk|/account$", **SKEWED)
    played = play(running, exchange, book, max_retries=2)
    assert_nothing_was_made_worse(played)
    assert played.result.state is not LiquidationState.COMPLETED
    assert len(struck(played)) <= 3 * most_attempts(5.0)
    assert len([r for r in played.requests if r["path"].endswith("/time")]) == 1


def test_close_refused_by_the_clock_is_sent_again_and_is_no_unknown_one(
    running: PracticeExchange, exchange: Exchange, book: Book
) -> None:
    """Synchronising is slow; the refused order was not carried out all the same."""
    running.add_fault("error", **CLOSE, **SKEWED, times=1)
    running.add_fault("latency", path="/time$", latency_ms=300)
    played = play(running, exchange, book)
    assert_nothing_was_made_worse(played)
    assert played.result.state is LiquidationState.COMPLETED
    failed = [e.additional_data.get("outcome") for e in played.audit.events if e.error]
    assert "unknown" not in failed


# The most that a run can ask. docs/design.md, "Time", has the formula.


def most_requests(
    *, pairs: int, cancels: int, orders: int, max_retries: int, timeout_s: float, lists: int
) -> int:
    """``W + A · (R + B)`` of the page."""
    writes = (max_retries + 1) * (pairs + cancels)
    looks = 2 + writes + int(timeout_s / 0.4)
    reads = looks * (1 + lists)
    booking = 2 * pairs + orders + 1
    return writes + most_attempts(timeout_s) * (reads + booking)


def most_attempts(timeout_s: float) -> int:
    """``A`` of the page: of one question."""
    return 3 + int(2 * timeout_s)


def test_example_of_the_page_is_what_the_formula_says() -> None:
    most = most_requests(pairs=40, cancels=40, orders=40, max_retries=3, timeout_s=5.0, lists=2)
    assert f"{most:,} requests" in PAGE


@pytest.mark.parametrize("broken", ["closes", "everything"])
def test_run_asks_no_more_than_the_formula_says(
    running: PracticeExchange, wrappers: dict[bool, Exchange], broken: str
) -> None:
    """40 positions with a stop each, and nothing but errors."""
    running.open_account_anew()
    book = big_futures_book(running, 40)
    method = {"method": "POST"} if broken == "closes" else {}
    running.add_fault("error", **method, status=503, code=-1001, msg="Internal error")
    played = play(running, wrappers[True], book, max_retries=3, timeout_seconds=5.0)
    assert played.result.state is LiquidationState.FAILED
    assert len(played.practice.positions()) == 40
    most = most_requests(pairs=40, cancels=40, orders=40, max_retries=3, timeout_s=5.0, lists=2)
    assert len(played.requests) <= most
    closes = Counter(r["params"]["symbol"] for r in played.writes)
    assert set(closes.values()) <= ({4} if broken == "closes" else {1})

"""What an answer says of how long to wait, and answers that say nothing."""

from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.exchange.answers import (
    LONGEST_WAIT_S,
    SHORTEST_BAN_S,
    Answer,
    listen,
    retry_after_s,
)

THE_DATE = "Wed, 25 Nov 2026 04:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("259201", LONGEST_WAIT_S),
        ("1e300", LONGEST_WAIT_S),
        ("inf", LONGEST_WAIT_S),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Wed, 25 Nov 2026 04:00:09 GMT", 9.0),
        ("Wed, 25 Nov 2026 03:00:00 GMT", 0.0),
        ("Sun, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT_S),
        ("Wed, 99 Nov 2026 04:00:00 GMT", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    """A date counts from the answer's own: our clock may be wrong."""
    assert retry_after_s(value, date=THE_DATE) == seconds


def test_retry_after_as_a_date_in_an_answer_without_one_counts_from_our_clock() -> None:
    assert retry_after_s(THE_DATE, date=None) == pytest.approx(
        retry_after_s(THE_DATE, date="nonsense"), abs=5
    )


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (429, {"Retry-After": "2"}, 2.0),
        (503, {"Retry-After": "30"}, 30.0),
        (429, {}, None),
        (418, {"Retry-After": "900"}, 900.0),
        (418, {}, SHORTEST_BAN_S),
        (418, {"Retry-After": "soon"}, SHORTEST_BAN_S),
        (200, {"Retry-After": "2"}, None),
        (None, {}, None),
    ],
)
def test_ban_without_a_time_is_the_shortest_one(
    status: int | None, headers: dict[str, str], wait_s: float | None
) -> None:
    assert Answer(status=status, headers=headers).wait_s == wait_s


def heard(status: int, body: str) -> Any:
    """What ccxt makes of *body*, were it answered."""
    api = ccxt.binance()
    answer = listen(api)
    text = api.on_rest_response(status, "", "url", "GET", {"X": "1"}, body, {}, None)
    assert (answer.status, answer.headers) == (status, {"X": "1"})
    return api.parse_json(text)


@pytest.mark.parametrize("body", ["", "  ", "{}", "OK", "<html></html>", '[{"symbol', "null"])
def test_good_status_with_a_body_that_says_nothing_raises(body: str) -> None:
    with pytest.raises(ccxt.BadResponse):
        heard(200, body)


@pytest.mark.parametrize(
    ("status", "body"), [(200, "[]"), (200, '{"code": 200}'), (204, ""), (502, "<html></html>")]
)
def test_answer_that_says_something_or_need_not_is_passed_on(status: int, body: str) -> None:
    heard(status, body)

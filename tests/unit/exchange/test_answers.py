"""What an answer says of how long to wait, and answers that are none to the question."""

from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.exchange.answers import (
    LONGEST_PAUSE_S,
    LONGEST_UNSAID_S,
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


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait_s"),
    [
        # Bybit: in a 200, by its own clock in the same answer.
        (
            200,
            {"X-Bapi-Limit-Reset-Timestamp": "1795579200500"},
            '{"retCode":10006,"retMsg":"Too many visits!","time":1795579200100}',
            0.4,
        ),
        # Each answer of Bybit's has the header: it counts only where the limit is said to be hit.
        (
            200,
            {"X-Bapi-Limit-Reset-Timestamp": "1795579200500"},
            '{"retCode":110007,"retMsg":"ab not enough","time":1795579200100}',
            None,
        ),
        (403, {}, "403, access too frequent", 600.0),
        # Gate: seconds, by the answer's date.
        (
            429,
            {"Date": THE_DATE, "X-Gate-RateLimit-Reset-Timestamp": "1795579203"},
            '{"label":"TOO_MANY_REQUESTS"}',
            3.0,
        ),
        # BingX and Kraken say it in words, HTX in headers.
        (
            200,
            {"Date": THE_DATE},
            '{"code":100410,"msg":"The endpoint trigger frequency limit rule is currently in the '
            'disabled period and will be unblocked after 1795579205000"}',
            5.0,
        ),
        (200, {"Date": THE_DATE}, '{"error":["EService:Throttled: 1795579204"]}', 4.0),
        (
            200,
            {"ratelimit-reset": "1795579203000"},
            '{"status":"error","err_code":1032,"ts":1795579201000}',
            2.0,
        ),
        # A limit that tells no moment: the run's own pauses.
        (200, {}, '{"code":"50011","msg":"Rate limit reached."}', None),
        # The past, and more than an answer that is no ban may ask for.
        (429, {"Date": THE_DATE, "X-Gate-RateLimit-Reset-Timestamp": "1795579100"}, "", 0.0),
        (429, {"Retry-After": "86400"}, "", LONGEST_UNSAID_S),
        (429, {"Date": THE_DATE, "ratelimit-reset": "9" * 13}, "", LONGEST_UNSAID_S),
        (429, {"ratelimit-reset": "soon"}, "", None),
        (429, {"ratelimit-reset": "-5"}, "", None),
        (418, {"Retry-After": "86400"}, "", 86_400.0),
    ],
)
def test_each_exchanges_own_form_of_a_wait(
    status: int, headers: dict[str, str], body: str, wait_s: float | None
) -> None:
    found = Answer(status=status, headers=headers, body=body).wait_s
    assert found == (wait_s if wait_s is None else pytest.approx(wait_s))


@pytest.mark.parametrize("status", [400, 403, 500, 502, 503])
def test_retry_after_without_a_word_of_too_many_costs_its_question_a_moment(status: int) -> None:
    """It silenced every pair for the whole run."""
    answer = Answer(status=status, headers={"Retry-After": "10"}, body="<html>busy</html>")
    assert (answer.wait_s, answer.retry_after_s) == (None, LONGEST_PAUSE_S)
    assert Answer(status=status, headers={"Retry-After": "0.5"}).retry_after_s == 0.5
    assert Answer(status=status).retry_after_s is None
    too_many = Answer(status=429, headers={"Retry-After": "10"})
    assert (too_many.wait_s, too_many.retry_after_s) == (10.0, 10.0)


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


def asked(api: Any, answer: Any, path: str, *, method: str = "GET", status: int = 200) -> Answer:
    """What was heard of *answer*, given to a request for *path*."""
    api.fetch = lambda *args: answer
    kept = listen(api)
    kept.status = status
    api.fetch(f"https://somewhere{path}", method)
    return kept


def test_list_endpoint_without_its_shape_raises_and_with_it_tells_its_rows() -> None:
    good = {"code": "0", "data": [
        {"instId": "BTC-USDT-SWAP", "posSide": "net", "pos": size} for size in ("3", "0")
    ]}  # fmt: skip
    heard = asked(ccxt.myokx(), good, "/api/v5/account/positions")
    assert [row["pos"] for row in heard.rows] == ["3"], "a row of size zero is no position"
    for odd in ({"code": "0", "msg": ""}, {"code": "0", "data": None}, {"code": "1", "data": []}):
        with pytest.raises(ccxt.BadResponse):
            asked(ccxt.okx(), odd, "/api/v5/account/positions")


def test_null_means_none_only_where_the_exchange_says_so() -> None:
    path = "/api/v2/mix/order/orders-pending"
    none = {"code": "00000", "data": {"entrustedList": None, "endId": None}}
    assert asked(ccxt.bitget(), none, path).rows == []
    for data in ({"entrustedList": None}, {"entrustedList": None, "endId": "7"}, {"endId": None}):
        with pytest.raises(ccxt.BadResponse):
            asked(ccxt.bitget(), {"code": "00000", "data": data}, path)


def test_write_needs_no_shape() -> None:
    """Its answer has three outcomes, not two: ``an_order`` and ``translate`` judge it."""
    asked(ccxt.binance(), {"orderId": 7}, "/fapi/v1/order", method="POST")
    asked(ccxt.binance(), {"code": 200}, "/fapi/v1/allOpenOrders", method="DELETE")


@pytest.mark.parametrize(
    ("answer", "believed"),
    [
        ([], True),
        ({"result": {"rows": []}}, True),
        ({"result": None}, False),
        ({"result": {}}, False),
        ({"code": 0, "msg": "busy"}, False),
        ("OK", False),
    ],
)
def test_empty_list_of_an_exchange_without_shapes_is_believed_if_there_was_a_list(
    answer: Any, believed: bool
) -> None:
    heard = asked(ccxt.bitvavo(), answer, "/orders")
    assert heard.believed([{"id": "7"}]) == [{"id": "7"}]
    if believed:
        assert heard.believed([]) == []
        return
    with pytest.raises(ccxt.BadResponse):
        heard.believed([])


def test_error_that_ccxt_has_no_class_for_is_no_word_about_a_list() -> None:
    """Asked again; where the exchange's code says more, ``codes`` finds it in the same words."""

    def refuse(*args: Any) -> Any:
        raise ccxt.ExchangeError('bitget {"code": 0, "msg": "Service is busy"}')

    for path, kind in (
        ("/api/v2/mix/position/all-position", ccxt.BadResponse),
        ("/api/v2/mix/order/detail", ccxt.ExchangeError),
    ):
        api: Any = ccxt.bitget()
        api.fetch = refuse
        listen(api).status = 200
        with pytest.raises(kind) as told:
            api.fetch(f"https://api.bitget.com{path}", "GET")
        assert type(told.value) is kind
        assert "Service is busy" in str(told.value)

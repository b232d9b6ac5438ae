"""What the bot's own requests tell of its key, on every exchange: requests and answers are those of
the real freqtrade and ccxt; only the network is replaced."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import ccxt
import pytest
import requests

from freqtrade_liquidation.audit.masking import MASK, Masker
from freqtrade_liquidation.audit.shared_rows import ANSWER_LENGTH
from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.exchange import watching
from freqtrade_liquidation.exchange.last_answers import READ, WRITE, SignedAnswers
from freqtrade_liquidation.exchange.line import bare_copy
from freqtrade_liquidation.exchange.secrets import secrets_of_exchange
from freqtrade_liquidation.exchange.watching import (
    fingerprint,
    is_signed,
    kind_of,
    watch_answers,
)
from freqtrade_liquidation.host.protection import Protection
from freqtrade_liquidation.round_trips import RoundTrips

ALL = {str(setup): setup for setup in setups()}
KEY = "nobodys-k3y-1234567890"
Call = Callable[[Any, str], Any]


ORDER: Call = lambda api, pair: api.create_order(pair, "limit", "sell", 1, 60_000, {})  # noqa: E731
CANCEL: Call = lambda api, pair: api.cancel_order("123", pair)  # noqa: E731
BALANCE: Call = lambda api, pair: api.fetch_balance()  # noqa: E731
OPEN: Call = lambda api, pair: api.fetch_open_orders(pair)  # noqa: E731
STATE: Call = lambda api, pair: api.fetch_order("123", pair, {"acknowledged": True})  # noqa: E731


class Watched:
    """freqtrade's exchange in the lab, as the bot watches it.

    :param answer: JSON, or bytes, to whatever is asked.
    """

    def __init__(self, name: str, answer: Any = None, status: int = 200) -> None:
        lab = Lab(ALL[name])
        self.pair, self.exchange = lab.pair, lab.exchange
        self.api: Any = lab.exchange._api
        self.api.apiKey = KEY
        self.asked: list[requests.PreparedRequest] = []
        self.seen, self.answers = RoundTrips(), SignedAnswers()
        hooks = self.api.session.hooks["response"]
        hooks.append(lambda response, **_: self.asked.append(response.request))
        hooks.append(lambda response, **_: self._answered(response, answer, status))
        watch_answers(self.exchange, self.seen, self.answers)

    def _answered(self, response: requests.Response, answer: Any, status: int) -> None:
        if answer is not None:
            response._content = answer if isinstance(answer, bytes) else answer.encode()
            response.status_code, response.reason = status, "Replaced"

    def call(self, call: Call) -> list[requests.PreparedRequest]:
        """:returns: what it sent; the samples need not be an answer to it."""
        self.asked.clear()
        with suppress(ccxt.BaseError, KeyError, TypeError):
            call(self.api, self.pair)
        assert self.asked
        return list(self.asked)


@pytest.mark.parametrize("name", ALL)
def test_signed_requests_and_their_kind_are_known_on_every_exchange(name: str) -> None:
    """Of a call that asks for something else first (HTX: the account's number), the last counts."""
    watched = Watched(name)
    signs_questions = watched.api.requiredCredentials["apiKey"]
    for call in (ORDER, CANCEL):
        last = watched.call(call)[-1]
        assert is_signed(watched.api, last), last.url
        assert kind_of(watched.api, last) == WRITE, last.url
    for call in (BALANCE, OPEN, STATE):
        last = watched.call(call)[-1]
        assert is_signed(watched.api, last) is signs_questions, last.url
        if signs_questions:
            assert kind_of(watched.api, last) == READ, last.url
    public = watched.call(lambda api, pair: api.fetch_time() if api.has["fetchTime"]
                          else api.fetch_ticker(pair))[-1]  # fmt: skip
    assert not is_signed(watched.api, public), public.url


BINANCE = "binance futures cross"
REFUSED = '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'
IN_WORDS = "binance -2015 Invalid API-key, IP, or permissions for action."


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(("call", "kind"), [(STATE, READ), (ORDER, WRITE)])
def test_refusal_of_the_key_is_remembered_in_words(call: Call, kind: str, before: bool) -> None:
    """Once a call has succeeded, ccxt calls this one too many requests."""
    watched = Watched(BINANCE, REFUSED, 401)
    watched.api.options["hasAlreadyAuthenticatedSuccessfully"] = before
    watched.call(call)
    (refusal,) = watched.answers.last().refused
    assert (refusal.request, refusal.error) == (kind, IN_WORDS)
    assert watched.answers.last().answered_s_ago is None


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("bybit futures isolated", '{"retCode":10003,"retMsg":"API key is invalid.","result":{}}',
         "bybit 10003 API key is invalid."),
        ("okx futures isolated", '{"msg":"Invalid OK-ACCESS-KEY","code":"50111"}',
         "okx 50111 Invalid OK-ACCESS-KEY"),
        ("gate futures isolated", '{"label":"INVALID_KEY","message":"Invalid key provided"}',
         "gate INVALID_KEY Invalid key provided"),
        ("kraken spot", '{"error":["EAPI:Invalid key"]}', "kraken EAPI:Invalid key"),
        ("htx spot", '{"status":"error","err-code":"api-signature-not-valid","err-msg":"Signature '
         'not valid"}', "htx api-signature-not-valid Signature not valid"),
        (BINANCE, '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}',
         "binance -1021 Timestamp for this request is outside of the recvWindow."),
    ],
)  # fmt: skip
def test_refusal_in_a_good_status_is_one_in_each_exchanges_words(
    name: str, answer: str, words: str
) -> None:
    watched = Watched(name, answer)
    watched.call(STATE)
    (refusal,) = watched.answers.last().refused
    assert refusal.error == words


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("[]", 200),
        ('{"orderId": 1}', 200),
        ("", 204),
        ('[{"a": 1}' + ', {"a": 2}' * 400 + "]", 200),
        ('{"code":-2019,"msg":"Margin is insufficient."}', 400),
        ('{"code":-2013,"msg":"Order does not exist."}', 400),
    ],
)
def test_answer_and_a_refusal_of_one_order_show_that_the_key_is_good(
    answer: str, status: int
) -> None:
    watched = Watched(BINANCE, answer, status)
    watched.answers.refuse(WRITE, "earlier")
    watched.call(ORDER)
    assert watched.answers.last().answered_s_ago == 0
    assert watched.answers.last().refused == ()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", 200),
        (b"<html>hello</html>", 200),
        (b"<html>" + b"x" * 9000, 200),
        (b"null", 200),
        (b"{}", 200),
        (b"<html>Bad Gateway</html>", 502),
        (b"<html>Unauthorized</html>", 401),
        (b"", 403),
        (b"\xff\xfe\x00" * 4000, 500),
        (b"[" * 100_000, 400),
        (b'{"code":-1003,"msg":"Too many requests."}', 429),
        (b'{"code":-1001,"msg":"Internal error"}', 500),
        (b'{"code":-99999,"msg":"A word that nobody knows"}', 400),
        (b'{"code":{"a":[1]},"msg":7}', 400),
        (b"", 302),
    ],
)
def test_what_is_no_word_of_the_exchange_about_the_key_changes_nothing(
    answer: bytes, status: int
) -> None:
    watched = Watched(BINANCE, answer, status)
    watched.answers.refuse(WRITE, "earlier")
    watched.call(ORDER)
    last = watched.answers.last()
    assert last.answered_s_ago is None
    assert [refusal.error for refusal in last.refused] == ["earlier"]


NO_GOOD_ANSWERS = [
    (BINANCE, '{"msg":"system busy"}'),
    (BINANCE, '{"code":0,"msg":"Service is busy"}'),
    (BINANCE, '["x"]'),
    (BINANCE, '{"login":"https://portal.hotel/"}'),
    (BINANCE, "[" + ",".join(['{"orderId":1,"symbol":"BTCUSDT"}'] * 5000) + "]"),
    ("binance spot", "<html>a portal</html>"),
    ("bybit futures isolated", '{"retCode":0,"retMsg":"OK","result":null}'),
    ("bybit futures isolated", '{"retCode":10003,"x":"' + "y" * 3000 + '"}'),
    ("bybit spot", '{"retCode":10003,"retMsg":"API key is invalid."}'),
    ("okx futures isolated", '{"code":"0","msg":"","data":null}'),
    ("okx spot", '{"code":"50001","msg":"Service temporarily unavailable","data":[]}'),
    ("gate futures isolated", '{"message":"busy"}'),
    ("kraken spot", '{"message":"busy"}'),
    ("kraken spot", '{"error":["EService:Unavailable"]}'),
    ("krakenfutures futures isolated", '{"result":"success"}'),
    ("bitget futures isolated", '{"data":1}'),
    ("htx spot", '{"status":"error","err-code":"base-system-maintenance","err-msg":"x"}'),
    ("hyperliquid futures isolated", '{"status":"busy"}'),
    ("bingx spot", '{"msg":"busy","data":{}}'),
]


@pytest.mark.parametrize("call", [STATE, BALANCE, ORDER])
@pytest.mark.parametrize(("name", "answer"), NO_GOOD_ANSWERS)
def test_what_is_no_answer_in_a_good_status_is_neither_a_round_trip_nor_good(
    name: str, answer: str, call: Call
) -> None:
    """A run on spot cancels stops before its first look only if signed requests were answered."""
    watched = Watched(name, answer)
    watched.call(call)
    assert watched.seen.longest_s is None
    assert watched.answers.last().answered_s_ago is None


@pytest.mark.parametrize("status", [302, 429, 503])
def test_answer_in_another_status_is_no_round_trip(status: int) -> None:
    watched = Watched("binance spot", '{"orderId":1}', status)
    watched.call(STATE)
    assert watched.seen.longest_s is None


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        (BINANCE, '{"orderId":1,"symbol":"BTCUSDT","status":"NEW"}'),
        ("binance spot", '{"orderId":1,"symbol":"BTCUSDT","status":"NEW"}'),
        ("bybit futures isolated", '{"retCode":0,"retMsg":"OK","result":{"orderId":"1"}}'),
        ("okx futures isolated", '{"code":"0","msg":"","data":[{"ordId":"1","sCode":"0"}]}'),
        ("gate futures isolated", '{"id":1,"contract":"BTC_USDT","size":1}'),
        ("gate spot", '{"id":"1","currency_pair":"BTC_USDT"}'),
        ("kraken spot", '{"error":[],"result":{"txid":["A"]}}'),
        ("krakenfutures futures isolated",
         '{"result":"success","serverTime":"2026-01-01T00:00:00.000Z","sendStatus":{}}'),
        ("bitget futures isolated", '{"code":"00000","msg":"success","data":{"orderId":"1"}}'),
        ("htx spot", '{"status":"ok","data":"59378"}'),
        ("hyperliquid futures isolated", '{"status":"ok","response":{"type":"order"}}'),
        ("bingx spot", '{"code":0,"msg":"","data":{"orderId":1}}'),
    ],
)  # fmt: skip
def test_good_answer_is_a_round_trip_and_shows_that_the_key_is_good(name: str, answer: str) -> None:
    """An order's, of each exchange: an endpoint that lists nothing."""
    watched = Watched(name, answer)
    watched.call(ORDER)
    assert watched.seen.longest_s is not None
    assert watched.answers.last().answered_s_ago == 0


def test_list_counts_only_in_its_endpoints_shape() -> None:
    coins = [{"asset": f"C{i}", "free": "0", "locked": "0"} for i in range(600)]
    watched = Watched("binance spot", json.dumps({"balances": coins}))
    watched.call(BALANCE)
    assert watched.seen.longest_s is not None
    for answer in ({"balances": None}, {"balances": [{"asset": "C"}]}, {"uid": 1}, coins):
        watched = Watched("binance spot", json.dumps(answer))
        watched.call(BALANCE)
        assert watched.seen.longest_s is None


@pytest.mark.parametrize("long", ["y" * 3000, "y" * 1_000_000])
def test_refusal_that_begins_a_long_answer_is_heard(long: str) -> None:
    answer = '{"retCode":10003,"retMsg":"API key is invalid.","x":"' + long + '"}'
    watched = Watched("bybit futures isolated", answer)
    watched.call(STATE)
    (refusal,) = watched.answers.last().refused
    assert refusal.error.startswith("bybit ")
    assert "10003" in refusal.error


BITGET, KRAKENFUTURES = "bitget futures isolated", "krakenfutures futures isolated"


@pytest.mark.parametrize(("call", "kind"), [(STATE, READ), (ORDER, WRITE)])
@pytest.mark.parametrize(
    ("name", "answer", "status"),
    [
        (BITGET, '{"code":"40014","msg":"Incorrect permissions","data":null}', 400),
        (BITGET, '{"code":"40301","msg":"Permission has not been obtained yet","data":null}', 400),
        (BITGET, '{"code":"40036","msg":"passphrase is error","data":null}', 400),
        (BITGET, '{"code":"40038","msg":"The current ip is not in the whitelist"}', 400),
        ("kraken spot", '{"error":["EGeneral:Permission denied"]}', 200),
        ("kraken spot", '{"error":["EAPI:Invalid signature"]}', 200),
        ("bingx spot", '{"code":100004,"msg":"Permission denied as the API key was created"}', 200),
        ("htx spot", '{"status":"error","err-code":"api-signature-not-valid","err-msg":'
         '"Signature not valid: API key has no permission"}', 200),
        ("okx spot", '{"msg":"This API key does not have permission","code":"50120"}', 401),
        ("okx spot", '{"code":"1","data":[{"sCode":"50120","sMsg":"x"}],"msg":"failed"}', 200),
        ("myokx spot", '{"msg":"This API key does not have permission","code":"50120"}', 401),
        ("binance spot", '{"code":-2008,"msg":"Invalid Api-Key ID."}', 401),
        (KRAKENFUTURES, '{"result":"error","error":"apiKeyInvalid"}', 200),
        (KRAKENFUTURES, '{"result":"error","error":"insufficientPermission"}', 403),
    ],
)  # fmt: skip
def test_key_and_its_permissions_are_refused_whatever_a_run_makes_of_the_code(
    name: str, answer: str, status: int, call: Call, kind: str
) -> None:
    """HTX is asked for the account's number before an order."""
    watched = Watched(name, answer, status)
    watched.answers.refuse(kind, "earlier")
    asked = {kind_of(watched.api, request) for request in watched.call(call)}
    last = watched.answers.last()
    assert last.answered_s_ago is None
    assert {r.request for r in last.refused if r.error != "earlier"} == asked


@pytest.mark.parametrize("code", [-4087, -4400])
def test_account_that_may_only_reduce_has_a_good_key(code: int) -> None:
    watched = Watched(BINANCE, f'{{"code":{code},"msg":"only reduceOnly order is allowed"}}', 400)
    watched.call(ORDER)
    assert watched.answers.last().refused == ()
    assert watched.answers.last().answered_s_ago == 0


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/spot/v4/query/open-orders", READ),
        ("/spot/v4/query/order", READ),
        ("/spot/v4/query/algo/open-orders", READ),
        ("/spot/v4/query/trades", READ),
        ("/spot/v2/submit_order", WRITE),
        ("/spot/v3/cancel_order", WRITE),
        ("/spot/v4/cancel_all", WRITE),
        ("/spot/v4/batch_orders", WRITE),
        ("/spot/v4/algo/submit_order", WRITE),
    ],
)
def test_reads_of_bitmart_are_told_from_its_writes(path: str, kind: str) -> None:
    """All of them are sent by POST. freqtrade 2026.4 supports it, later ones do not."""
    request = requests.Request("POST", "https://api-cloud.bitmart.com" + path).prepare()
    assert kind_of(SimpleNamespace(id="bitmart"), request) == kind


def test_words_are_masked_bounded_and_on_one_line() -> None:
    answer = (
        '{"code":-2015,"msg":"'
        + KEY
        + " \\u001b[2J\\r\\n \\u202e a\\tb\\u3000c "
        + "x" * 1500
        + '"}'
    )
    watched = Watched(BINANCE, answer, 401)
    watched.call(STATE)
    (refusal,) = watched.answers.last().refused
    assert KEY not in refusal.error
    assert refusal.error.startswith("binance -2015 *** \\x1b[2J")
    assert refusal.error.isprintable()
    assert len(refusal.error) == ANSWER_LENGTH


SIGNED = {
    "binance futures cross": (401, '{"code":-1022,"msg":"%s"}'),
    "bybit futures isolated": (200, '{"retCode":10004,"retMsg":"error sign! origin_string[%s]"}'),
    "okx futures isolated": (401, '{"code":"50113","msg":"%s"}'),
    "gate futures isolated": (401, '{"label":"INVALID_SIGNATURE","message":"%s"}'),
    "kraken spot": (200, '{"error":["EAPI:Invalid signature","%s"]}'),
    "bitget futures isolated": (400, '{"code":"40009","msg":"%s"}'),
    "bingx spot": (200, '{"code":100001,"msg":"%s"}'),
    "htx spot": (200, '{"status":"error","err-code":"api-signature-not-valid","err-msg":"%s"}'),
}


@pytest.mark.parametrize("name", SIGNED)
def test_signature_that_the_exchange_says_again_is_masked(name: str) -> None:
    """Bare, as it stands in the request, and without its percent signs."""
    status, refused = SIGNED[name]
    watched = Watched(name)
    hooks = watched.api.session.hooks["response"]
    echoed: list[str] = []

    def echo(response: requests.Response, **_: object) -> None:
        request = response.request
        query = urlsplit(request.url or "").query
        signs = re.findall(r"(?:^|&)sign(?:ature)?=([^&]+)", query, re.IGNORECASE)
        signs += [str(v) for n, v in request.headers.items() if n.lower().endswith("sign")]
        echoed[:] = sorted({*signs, *map(unquote, signs)})
        response._content = (refused % " ".join(echoed)).encode()
        response.status_code = status

    hooks.insert(0, echo)
    watched.call(BALANCE if name == "htx spot" else STATE)
    refusal = watched.answers.last().refused[0]
    assert max(map(len, echoed)) >= 32
    assert not any(sign in refusal.error for sign in echoed if len(sign) > 8)
    assert MASK in refusal.error


@pytest.mark.parametrize("name", ALL)
def test_words_of_a_network_error_hold_no_signature(name: str) -> None:
    """ccxt puts the whole address into them."""
    watched = Watched(name, "<html>busy</html>", 503)
    mask = Masker(secrets_of_exchange(watched.exchange)).text
    for call in (BALANCE, STATE, ORDER, CANCEL, OPEN):
        try:
            call(watched.api, watched.pair)
        except ccxt.BaseError as error:
            shown = mask(str(error))
        found = re.findall(r"[?&]sign(?:ature)?=([^&\s]+)", shown, re.IGNORECASE)
        assert {*found} <= {MASK}, shown


def test_same_key_has_the_same_fingerprint_and_another_one_begins_anew() -> None:
    keeper, one, other = Protection(), Watched(BINANCE), Watched(BINANCE)
    answers = keeper.answers_to(fingerprint(one.exchange))
    assert keeper.answers_to(fingerprint(other.exchange)) is answers
    assert KEY not in fingerprint(one.exchange)
    for name in ("apiKey", "secret"):
        setattr(other.api, name, "another")
        anew = keeper.answers_to(fingerprint(other.exchange))
        assert anew is not answers
        answers = anew


def test_whatever_goes_wrong_here_freqtrade_gets_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(watching, "_error_in", broken)
    watched = Watched(BINANCE, '[{"asset": "USDT"}]')
    assert watched.api.fapiPrivateV3GetBalance() == [{"asset": "USDT"}]
    assert watched.answers.last().answered_s_ago is None


def test_order_that_is_sent_through_a_copy_is_seen() -> None:
    """freqtrade's own orders go through a copy of its exchange that notes them."""
    watched = Watched(BINANCE, REFUSED, 401)
    sending: Any = bare_copy(watched.exchange)
    with suppress(ccxt.BaseError):
        ORDER(sending._api, watched.pair)
    assert [refusal.request for refusal in watched.answers.last().refused] == [WRITE]

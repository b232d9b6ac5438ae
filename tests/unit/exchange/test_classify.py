"""Which of our errors each error of ccxt, of freqtrade and of the connection becomes."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import ccxt
import pytest
import requests
from ccxt.base.errors import error_hierarchy
from freqtrade.exceptions import (
    DDosProtection,
    ExchangeError,
    InsufficientFundsError,
    InvalidOrderException,
    OperationalException,
    TemporaryError,
)
from freqtrade.exchange.common import SUPPORTED_EXCHANGES

from freqtrade_liquidation.errors import (
    AccountRefused,
    ClockSkewed,
    CloseBlocked,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    NothingToReduce,
    OutcomeUnknown,
    RefusedForNow,
)
from freqtrade_liquidation.exchange.classify import translate
from freqtrade_liquidation.exchange.codes import CODES, PHRASES, Verdict
from freqtrade_liquidation.exchange.line import HttpLine
from tests.unit.host.bare_exchange import bare_exchange

Kind = type[LiquidationError]

EXPECTED: Final[Mapping[str, tuple[Kind, Kind]]] = {
    "BaseError": (ExchangeUnavailable, OutcomeUnknown),
    "ExchangeError": (ExchangeRefused, ExchangeRefused),
    "AuthenticationError": (AccountRefused, AccountRefused),
    "PermissionDenied": (AccountRefused, AccountRefused),
    "AccountNotEnabled": (AccountRefused, AccountRefused),
    "AccountSuspended": (AccountRefused, AccountRefused),
    "ArgumentsRequired": (ExchangeRefused, ExchangeRefused),
    "BadRequest": (ExchangeRefused, ExchangeRefused),
    "BadSymbol": (ExchangeRefused, ExchangeRefused),
    "OperationRejected": (ExchangeRefused, ExchangeRefused),
    "NoChange": (ExchangeRefused, ExchangeRefused),
    "MarginModeAlreadySet": (ExchangeRefused, ExchangeRefused),
    "MarketClosed": (ExchangeRefused, ExchangeRefused),
    "ManualInteractionNeeded": (ExchangeRefused, ExchangeRefused),
    "RestrictedLocation": (ExchangeRefused, ExchangeRefused),
    "InsufficientFunds": (ExchangeRefused, ExchangeRefused),
    "InvalidAddress": (ExchangeRefused, ExchangeRefused),
    "AddressPending": (ExchangeRefused, ExchangeRefused),
    "InvalidOrder": (ExchangeRefused, ExchangeRefused),
    "OrderNotFound": (ExchangeRefused, ExchangeRefused),
    "OrderNotCached": (ExchangeRefused, ExchangeRefused),
    "OrderImmediatelyFillable": (ExchangeRefused, ExchangeRefused),
    "OrderNotFillable": (ExchangeRefused, ExchangeRefused),
    "DuplicateOrderId": (ExchangeRefused, ExchangeRefused),
    "ContractUnavailable": (ExchangeRefused, ExchangeRefused),
    "NotSupported": (ExchangeRefused, ExchangeRefused),
    "InvalidProxySettings": (ExchangeRefused, ExchangeRefused),
    "ExchangeClosedByUser": (ExchangeRefused, ExchangeRefused),
    "OperationFailed": (ExchangeUnavailable, OutcomeUnknown),
    "NetworkError": (ExchangeUnavailable, OutcomeUnknown),
    "DDoSProtection": (ExchangeUnavailable, ExchangeUnavailable),
    "RateLimitExceeded": (ExchangeUnavailable, ExchangeUnavailable),
    "ExchangeNotAvailable": (ExchangeUnavailable, OutcomeUnknown),
    "OnMaintenance": (ExchangeUnavailable, ExchangeUnavailable),
    "InvalidNonce": (ClockSkewed, ClockSkewed),
    "ChecksumError": (ClockSkewed, ClockSkewed),
    "RequestTimeout": (ExchangeUnavailable, OutcomeUnknown),
    "BadResponse": (ExchangeUnavailable, OutcomeUnknown),
    "NullResponse": (ExchangeUnavailable, OutcomeUnknown),
    "CancelPending": (ExchangeUnavailable, OutcomeUnknown),
    "UnsubscribeError": (ExchangeUnavailable, OutcomeUnknown),
}
"""ccxt's class: what a read becomes, what a write becomes."""


def _names(tree: Mapping[str, Any]) -> Iterator[str]:
    for name, below in tree.items():
        yield name
        yield from _names(below)


ALL_NAMES: Final = list(_names(error_hierarchy))
WRAPPERS: Final = (
    TemporaryError,
    DDosProtection,
    ExchangeError,
    InvalidOrderException,
    InsufficientFundsError,
    OperationalException,
)


def kinds(error: BaseException, exchange_id: str = "binance") -> tuple[Kind, Kind]:
    """What *error* becomes, of a read and of a write."""
    read = translate(error, exchange_id=exchange_id, write=False)
    return type(read), type(translate(error, exchange_id=exchange_id, write=True))


def wrapped(kind: type[Exception], cause: BaseException) -> BaseException:
    """*cause* as freqtrade's exchange wrapper raises it."""
    try:
        raise kind(f"Could not place order due to {type(cause).__name__}.") from cause
    except kind as error:
        return error


def test_every_class_of_ccxt_is_a_decision() -> None:
    """A class that ccxt adds (or drops) must be written into the table above."""
    assert set(ALL_NAMES) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_ccxts_class_becomes(name: str) -> None:
    assert kinds(getattr(ccxt, name)("words")) == EXPECTED[name]


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("name", EXPECTED)
def test_freqtrades_wrapper_changes_nothing(name: str, wrapper: type[Exception]) -> None:
    assert kinds(wrapped(wrapper, getattr(ccxt, name)("words"))) == EXPECTED[name]


def test_cause_handed_over_as_an_argument_is_found() -> None:
    """freqtrade's ``raise OperationalException(e)``, also where ``from e`` is missing."""
    assert kinds(OperationalException(ccxt.AuthenticationError("no"))) == (AccountRefused,) * 2
    assert kinds(OperationalException(ccxt.RequestTimeout("t"))) == (
        ExchangeUnavailable,
        OutcomeUnknown,
    )


def test_error_that_is_its_own_cause_ends() -> None:
    error = ccxt.NetworkError("round and round")
    error.__cause__ = error
    assert kinds(error) == (ExchangeUnavailable, OutcomeUnknown)


@pytest.mark.parametrize("error", [ValueError("?"), KeyError("?"), TemporaryError("no cause")])
def test_what_nobody_knows_may_have_acted(error: Exception) -> None:
    assert kinds(error) == (ExchangeUnavailable, OutcomeUnknown)


@pytest.mark.parametrize(
    ("exchange_id", "error", "expected"),
    [
        # A revoked key, once a call has succeeded: ccxt says DDoSProtection.
        (
            "binance",
            ccxt.DDoSProtection('binance temporary banned: {"code":-2015,"msg":"Invalid"}'),
            AccountRefused,
        ),
        (
            "binance",
            ccxt.InvalidOrder('binance {"code":-2022,"msg":"ReduceOnly Order is rejected."}'),
            CloseBlocked,
        ),
        ("binance", ccxt.ExchangeError('binance {"code":-2022}'), CloseBlocked),
        ("binance", ccxt.InvalidNonce('binance {"code":-1021,"msg":"Timestamp"}'), ClockSkewed),
        ("binance", ccxt.ExchangeError('binance {"code": "-1021"}'), ClockSkewed),
        ("binance", ccxt.ExchangeError('binance {"code":-1007,"msg":"Timeout"}'), OutcomeUnknown),
        ("binance", ccxt.ExchangeError('binance {"code":-1006}'), OutcomeUnknown),
        ("binance", ccxt.OperationRejected('binance {"code":-1001}'), OutcomeUnknown),
        # One code with two meanings: the words tell them apart.
        (
            "bybit",
            ccxt.InvalidOrder(
                'bybit {"retCode":110017,"retMsg":"current position is zero, cannot fix '
                'reduce-only order qty"}'
            ),
            NothingToReduce,
        ),
        (
            "bybit",
            ccxt.InvalidOrder('bybit {"retCode":110017,"retMsg":"Reduce-only rule not satisfied"}'),
            CloseBlocked,
        ),
        ("bybit", ccxt.PermissionDenied('bybit {"retCode":30012}'), RefusedForNow),
        (
            "gate",
            ccxt.ExchangeError('gate {"label":"REDUCE_EXCEEDED","message":"empty position"}'),
            NothingToReduce,
        ),
        ("gate", ccxt.ExchangeError('gate {"label":"REDUCE_EXCEEDED"}'), CloseBlocked),
        # Binance's spot filters are one code; ccxt drops it where it knows the words.
        (
            "binance",
            ccxt.InvalidOrder("binance Filter failure: PERCENT_PRICE_BY_SIDE"),
            RefusedForNow,
        ),
        (
            "binance",
            ccxt.InvalidOrder('binance {"code":-1013,"msg":"Filter failure: PERCENT_PRICE"}'),
            RefusedForNow,
        ),
        (
            "binance",
            ccxt.InvalidOrder('binance lot size {"code":-1013,"msg":"Filter failure: LOT_SIZE"}'),
            ExchangeRefused,
        ),
        (
            "binance",
            ccxt.InvalidOrder('binance {"code":-1013,"msg":"Filter failure: NOTIONAL"}'),
            ExchangeRefused,
        ),
        # The innermost row decides, wherever it stands in the text.
        (
            "okx",
            ccxt.ExchangeError('okx {"data":[{"sCode":"51112","sMsg":"?"}],"code":"50061"}'),
            CloseBlocked,
        ),
        (
            "okx",
            ccxt.ExchangeError('okx {"code":"50061","data":[{"sCode":"51112","sMsg":"?"}]}'),
            CloseBlocked,
        ),
        (
            "bitget",
            ccxt.ExchangeError(
                'bitget {"code":"40725","data":{"failureList":[{"errorCode":"22002"}]}}'
            ),
            NothingToReduce,
        ),
        # An answer that was cut short still tells its codes.
        (
            "okx",
            ccxt.ExchangeError('okx {"code":"1","data":[{"sCode":"51169","sMs'),
            NothingToReduce,
        ),
        ("bybit", ccxt.PermissionDenied('bybit {"retCode":10005}'), AccountRefused),
        (
            "okx",
            ccxt.ExchangeError('okx {"code":"1","data":[{"sCode":"51169","sMsg":"none"}]}'),
            NothingToReduce,
        ),
        ("okx", ccxt.PermissionDenied('okx {"data":[{"sCode":"51773"}]}'), ExchangeRefused),
        # One exchange's code says nothing on another.
        ("kraken", ccxt.InvalidOrder('kraken {"code":-2022}'), ExchangeRefused),
        ("okx", ccxt.PermissionDenied('okx {"code":"-2022"}'), AccountRefused),
    ],
)
def test_code_decides_before_the_class(exchange_id: str, error: Exception, expected: Kind) -> None:
    assert kinds(error, exchange_id)[1] is expected
    assert kinds(wrapped(TemporaryError, error), exchange_id)[1] is expected


OUTCOMES: Final[Mapping[Verdict, Kind]] = {
    Verdict.REFUSED: ExchangeRefused,
    Verdict.ACCOUNT_REFUSED: AccountRefused,
    Verdict.NOTHING_TO_REDUCE: NothingToReduce,
    Verdict.CLOSE_BLOCKED: CloseBlocked,
    Verdict.REFUSED_FOR_NOW: RefusedForNow,
    Verdict.NOT_ACTED: ExchangeUnavailable,
    Verdict.CLOCK_SKEWED: ClockSkewed,
    Verdict.UNANSWERED: OutcomeUnknown,
}
"""What a write becomes."""
BODIES: Final[Mapping[str, str]] = {
    "binance": '{"code": %s, "msg": "words"}',
    "bybit": '{"retCode": %s, "retMsg": "words", "result": {}}',
    "okx": '{"code": "1", "msg": "", "data": [{"sCode": "%s", "sMsg": "words"}]}',
    "gate": '{"label": "%s", "message": "words"}',
    "bitget": '{"code": "%s", "msg": "words"}',
    "bingx": '{"code": %s, "msg": "words"}',
    "bitmart": '{"message": "words", "code": %s, "trace": "", "data": {}}',
    "htx": '{"status": "error", "err_code": "%s", "err_msg": "words"}',
    "hyperliquid": '{"status": "ok", "response": {"data": {"statuses": [{"error": "%s."}]}}}',
    "kraken": '{"error": ["%s"]}',
    "krakenfutures": '{"result": "error", "error": "%s"}',
}
"""A refusal as each exchange writes it, by its code or by its words."""
WORDED: Final[Mapping[str, str]] = {
    "binance": '{"code": -1013, "msg": "%s"}',
    "bybit": '{"retCode": 110017, "retMsg": "%s, words", "result": {}}',
    "gate": '{"label": "REDUCE_EXCEEDED", "message": "%s"}',
    "bitget": '{"code": "40808", "msg": "words %s words"}',
    "bingx": '{"code": 100410, "msg": "words %s words"}',
    "htx": '{"status": "error", "err_code": 1003, "err_msg": "%s"}',
}
"""The same, where words decide beside codes."""
LISTED: Final = [
    (exchange_id, code, verdict)
    for table in (CODES, PHRASES)
    for exchange_id, of_exchange in table.items()
    for code, verdict in of_exchange.items()
    if exchange_id in ccxt.exchanges  # 4.5.90 has no bitmart any more
]


def raised_by(exchange_id: str, code: str) -> Exception:
    """What the real ccxt makes of a refusal with *code*."""
    api = getattr(ccxt, exchange_id)()
    worded = code in PHRASES.get(exchange_id, {}) and exchange_id in WORDED
    body = (WORDED if worded else BODIES)[exchange_id] % code
    told = json.loads(body)
    try:
        api.handle_errors(400, "", "https://x/fapi/v1/order", "POST", {}, body, told, {}, "")
        if exchange_id == "krakenfutures":  # it looks into the order's own status, too
            api.verify_order_action_success(code, "createOrder", [])
    except ccxt.BaseError as error:
        raised: Exception = error
        return raised
    raise AssertionError(f"ccxt takes {body} for no error")


@pytest.mark.parametrize(("exchange_id", "code", "verdict"), LISTED)
def test_listed_code_decides_whatever_ccxt_makes_of_it(
    exchange_id: str, code: str, verdict: Verdict
) -> None:
    error = raised_by(exchange_id, code)
    assert kinds(error, exchange_id)[1] is OUTCOMES[verdict]
    assert kinds(wrapped(ExchangeError, error), exchange_id)[1] is OUTCOMES[verdict]


@pytest.mark.parametrize(
    ("exchange_id", "code", "expected"),
    [
        # What ccxt's classes tell rightly, and what must stay so: not there any more; coins that a
        # stop or another order locks; limits; maintenance; the clock; the key.
        ("binance", "-2011", ExchangeRefused),
        ("binance", "-2019", ExchangeRefused),
        ("binance", "-1003", ExchangeUnavailable),
        ("binance", "-1015", ExchangeUnavailable),
        ("binance", "-2014", AccountRefused),
        ("bybit", "110001", ExchangeRefused),
        ("bybit", "170131", ExchangeRefused),
        ("bybit", "10006", ExchangeUnavailable),
        ("bybit", "10002", ClockSkewed),
        ("bybit", "10003", AccountRefused),
        ("okx", "51400", ExchangeRefused),
        ("okx", "51008", ExchangeRefused),
        ("okx", "50011", ExchangeUnavailable),
        ("okx", "50001", ExchangeUnavailable),
        ("okx", "50102", ClockSkewed),
        ("okx", "50004", OutcomeUnknown),
        ("okx", "50111", AccountRefused),
        ("gate", "ORDER_NOT_FOUND", ExchangeRefused),
        ("gate", "BALANCE_NOT_ENOUGH", ExchangeRefused),
        ("gate", "SERVER_ERROR", OutcomeUnknown),
        ("gate", "INVALID_KEY", AccountRefused),
        ("bitget", "43001", ExchangeRefused),
        ("bitget", "40008", ClockSkewed),
        ("bitget", "40006", AccountRefused),
        ("bingx", "109421", ExchangeRefused),
        ("bingx", "100500", OutcomeUnknown),
        ("bingx", "100001", AccountRefused),
        ("htx", "1061", ExchangeRefused),
        ("htx", "1047", ExchangeRefused),
        ("hyperliquid", "Order was never placed, already canceled, or filled", ExchangeRefused),
        ("hyperliquid", "Insufficient spot balance asset", ExchangeRefused),
        ("kraken", "EOrder:Unknown order", ExchangeRefused),
        ("kraken", "EOrder:Insufficient funds", ExchangeRefused),
        ("kraken", "EAPI:Rate limit exceeded", ExchangeUnavailable),
        ("kraken", "EService:Market in cancel_only mode", RefusedForNow),
        ("kraken", "EService:Unavailable", OutcomeUnknown),
        ("kraken", "EAPI:Invalid nonce", ClockSkewed),
        ("kraken", "EAPI:Invalid key", AccountRefused),
        ("krakenfutures", "apiLimitExceeded", ExchangeUnavailable),
        ("krakenfutures", "insufficientFunds", ExchangeRefused),
        ("krakenfutures", "nonceBelowThreshold", ClockSkewed),
        ("krakenfutures", "authenticationError", AccountRefused),
    ],
)  # fmt: skip
def test_code_that_is_not_listed_is_told_rightly_by_ccxts_class(
    exchange_id: str, code: str, expected: Kind
) -> None:
    assert kinds(raised_by(exchange_id, code), exchange_id)[1] is expected


@pytest.mark.parametrize("name", SUPPORTED_EXCHANGES)
def test_each_officially_supported_exchange_has_its_table(name: str) -> None:
    """Those that ccxt derives from another one have that one's."""
    line = HttpLine(bare_exchange(name))
    line.close()
    assert line._codes_of in {*CODES, *PHRASES}


def test_retry_after_is_kept_and_ccxts_class_is_named() -> None:
    error = wrapped(DDosProtection, ccxt.RateLimitExceeded("slow down"))
    ours = translate(error, exchange_id="binance", write=True, retry_after_s=3.0)
    assert isinstance(ours, ExchangeUnavailable)
    assert ours.retry_after_s == 3.0
    assert str(ours) == "RateLimitExceeded: slow down"


# Real connections. ccxt wraps what requests raises; the cause must still be found.


def client(port: int) -> Any:
    address = f"http://127.0.0.1:{port}"
    api = {name: address for name in ("public", "private", "fapiPublic", "fapiPrivate")}
    made = ccxt.binance(
        {"apiKey": "k", "secret": "s", "urls": {"api": api}, "enableRateLimit": False}
    )
    made.session.trust_env = False
    made.timeout = 300
    return made


def error_of(port: int, **options: Any) -> Exception:
    """What a real ccxt raises for a new order sent to *port*."""
    exchange = client(port)
    exchange.options |= options
    try:
        exchange.fapiPrivatePostOrder({"symbol": "BTCUSDT"})
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we ask for
        return error
    finally:
        exchange.session.close()
    raise AssertionError("the order was answered")


def test_refused_connection_has_not_acted() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and never listening: nobody else gets the port
        error = error_of(closed.getsockname()[1])
    assert kinds(error) == (ExchangeUnavailable, ExchangeUnavailable)
    assert kinds(wrapped(TemporaryError, error)) == (ExchangeUnavailable, ExchangeUnavailable)


def test_read_timeout_may_have_acted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = error_of(silent.getsockname()[1])
    assert isinstance(error, ccxt.RequestTimeout)
    assert kinds(error) == (ExchangeUnavailable, OutcomeUnknown)


def test_connection_cut_without_an_answer_may_have_acted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=cut)
        thread.start()
        error = error_of(server.getsockname()[1])
        thread.join()
    assert kinds(error) == (ExchangeUnavailable, OutcomeUnknown)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """A server that answers every request with *status*; yields its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (502, b"<html>Bad Gateway</html>", (ExchangeUnavailable, OutcomeUnknown)),
        (503, b"<html>Unavailable</html>", (ExchangeUnavailable, OutcomeUnknown)),
        (504, b"", (ExchangeUnavailable, OutcomeUnknown)),
        # Cloudflare: the exchange took too long to answer, and goes on. ccxt: plain ExchangeError.
        (524, b"<html>A timeout occurred</html>", (ExchangeUnavailable, OutcomeUnknown)),
        (500, b'{"code":-4999,"msg":"?"}', (ExchangeUnavailable, OutcomeUnknown)),
        # but a code that ccxt knows is the exchange's own word, whatever the status
        (
            500,
            b'{"code":-2010,"msg":"Account has insufficient balance for requested action."}',
            (ExchangeRefused,) * 2,
        ),
        (
            408,
            b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}',
            (ExchangeUnavailable, OutcomeUnknown),
        ),
        (
            429,
            b'{"code":-1003,"msg":"Too many requests."}',
            (ExchangeUnavailable, ExchangeUnavailable),
        ),
        (400, b'{"code":-2022,"msg":"ReduceOnly Order is rejected."}', (CloseBlocked,) * 2),
        (
            400,
            b'{"code":-4131,"msg":"The counterparty\'s best price does not meet the filter."}',
            (RefusedForNow,) * 2,
        ),
        (
            400,
            b'{"code":-1013,"msg":"Filter failure: PERCENT_PRICE_BY_SIDE"}',
            (RefusedForNow,) * 2,
        ),
        (400, b'{"code":-1013,"msg":"Filter failure: MARKET_LOT_SIZE"}', (ExchangeRefused,) * 2),
        (400, b'{"code":-1021,"msg":"Timestamp for this request"}', (ClockSkewed,) * 2),
        (401, b'{"code":-2014,"msg":"API-key format invalid."}', (AccountRefused,) * 2),
        (
            400,
            b'{"code":-1016,"msg":"This service is no longer available."}',
            (ExchangeUnavailable,) * 2,
        ),
        # a proxy, a portal or a gateway on the way: no word of the exchange about the account
        (401, b"<html>Authorization Required</html>", (ExchangeUnavailable, OutcomeUnknown)),
        (401, b'{"message":"Unauthorized"}', (ExchangeUnavailable, OutcomeUnknown)),
        (401, b'{"code":401,"message":"Unauthorized"}', (ExchangeRefused,) * 2),
        (401, b"", (ExchangeUnavailable, OutcomeUnknown)),
        (407, b"<html>Proxy Authentication</html>", (ExchangeUnavailable, OutcomeUnknown)),
        (407, b'{"code":-9,"msg":"no"}', (ExchangeUnavailable, OutcomeUnknown)),
        (511, b"<html>Log in</html>", (ExchangeUnavailable, OutcomeUnknown)),
    ],
)
def test_real_answer_of_ccxts_binance(
    status: int, body: bytes, expected: tuple[Kind, Kind]
) -> None:
    with answering(status, body) as port:
        assert kinds(error_of(port)) == expected


@pytest.mark.parametrize(
    "cause",
    [
        requests.exceptions.SSLError("EOF occurred in violation of protocol"),
        requests.exceptions.ContentDecodingError("gzip"),
        requests.exceptions.TooManyRedirects("30"),
    ],
)
def test_broken_way_is_no_refusal(cause: Exception) -> None:
    """ccxt makes a plain ExchangeError of it, which freqtrade raises like a refusal."""
    error = ccxt.ExchangeError("binance POST https://fapi.binance.com/fapi/v1/order")
    error.__cause__ = cause
    assert kinds(error) == (ExchangeUnavailable, OutcomeUnknown)
    assert kinds(wrapped(ExchangeError, error)) == (ExchangeUnavailable, OutcomeUnknown)


def test_key_revoked_after_a_success_is_no_rate_limit() -> None:
    body = b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'
    with answering(401, body) as port:
        error = error_of(port, hasAlreadyAuthenticatedSuccessfully=True)
    assert isinstance(error, ccxt.DDoSProtection), "ccxt still misleads; else drop our code"
    assert kinds(error) == (AccountRefused, AccountRefused)

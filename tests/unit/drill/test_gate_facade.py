"""Gate's wire format, without HTTP."""

import hashlib
import hmac
import json
from decimal import Decimal as D
from typing import Any

import pytest

from freqtrade_liquidation.drill.exchange import Refusal, Settings
from freqtrade_liquidation.drill.exchange.core import Call, Core
from freqtrade_liquidation.drill.exchange.facade import Arrived
from freqtrade_liquidation.drill.exchange.gate.facade import PATHS, GateFacade
from freqtrade_liquidation.drill.exchange.gate.limits import GateLimits

GATE = GateFacade()
ORDERS = "/api/v4/futures/usdt/orders"
STOPS = "/api/v4/futures/usdt/price_orders"
BUY = {"contract": "ETH_USDT", "size": 100, "price": "0", "tif": "ioc"}


@pytest.fixture
def core() -> Core:
    return Core(Settings(exchange="gate", moving_ratio=0))


def ask(core: Core, method: str, path: str, body: Any = None, query: str = "") -> Any:
    """What the route answers, past HTTP and signature."""
    text = json.dumps(body) if body is not None else ""
    arrived = Arrived(method=method, path=path, query=query, body=text, headers={})
    route = GATE.route(method, path)
    assert route is not None, path
    return route.handler(Call(core=core, method=method, path=path, params=GATE.parse(arrived)))


def label(core: Core, *request: Any) -> str:
    with pytest.raises(Refusal) as refused:
        ask(core, *request)
    return str(GATE.refused(refused.value)["label"])


def test_sizes_are_contracts_and_amounts_are_not(core: Core) -> None:
    """A contract is 0.01 ETH."""
    row = ask(core, "POST", ORDERS, BUY)
    assert (row["size"], row["left"], row["finish_as"]) == ("100", "0", "filled")
    assert core.futures.position("ETHUSDT").amount == D(1)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (BUY | {"size": 0}, "INVALID_PARAM_VALUE"),
        (BUY | {"size": 0, "close": True}, "POSITION_EMPTY"),
        (BUY | {"size": "1.5"}, "INVALID_PARAM_VALUE"),
        (BUY | {"size": 200_001}, "SIZE_TOO_LARGE"),
        (BUY | {"tif": "gtc"}, "INVALID_PARAM_VALUE"),
        (BUY | {"price": "3000.001", "tif": "gtc"}, "INVALID_PARAM_VALUE"),
        (BUY | {"price": "3300", "tif": "poc"}, "ORDER_POC_IMMEDIATE"),
        (BUY | {"text": "unprefixed"}, "INVALID_PARAM_VALUE"),
        (BUY | {"text": f"t-{'x' * 29}"}, "INVALID_PARAM_VALUE"),
        (BUY | {"reduce_only": True}, "REDUCE_EXCEEDED"),
        (BUY | {"contract": "NOPE_USDT"}, "CONTRACT_NOT_FOUND"),
        (BUY | {"size": 199_000, "price": "3000", "tif": "gtc"}, "INSUFFICIENT_AVAILABLE"),
    ],
)
def test_order_that_gate_does_not_take(core: Core, order: dict[str, Any], expected: str) -> None:
    assert label(core, "POST", ORDERS, order) == expected
    assert core.futures.orders == {}


def test_size_0_with_close_closes_the_position(core: Core) -> None:
    ask(core, "POST", ORDERS, BUY)
    row = ask(core, "POST", ORDERS, BUY | {"size": 0, "close": True})
    assert (row["size"], row["is_reduce_only"]) == ("-100", True)
    assert core.futures.position("ETHUSDT").amount == 0


@pytest.mark.parametrize(
    ("size", "rule", "trigger", "refused"),
    [(-1, 2, "3300", "AUTO_TRIGGER_PRICE_LESS_LAST"),
     (1, 1, "3100", "AUTO_TRIGGER_PRICE_GREATE_LAST"),
     (-1, 1, "3100", "AUTO_TRIGGER_PRICE_GREATE_LAST"), (-1, 3, "3300", "INVALID_PARAM_VALUE")],
)  # fmt: skip
def test_trigger_waits_on_the_side_that_its_rule_says(
    core: Core, size: int, rule: int, trigger: str, refused: str
) -> None:
    initial = {"contract": "ETH_USDT", "size": size, "price": "0", "tif": "ioc"}
    stop = {"initial": initial, "trigger": {"rule": rule, "price": trigger, "price_type": 0}}
    assert label(core, "POST", STOPS, stop) == refused
    if rule in (1, 2):
        stop["trigger"] = {"rule": rule, "price": "3100" if rule == 2 else "3300"}
        number = ask(core, "POST", STOPS, stop)["id"]
        shown = ask(core, "GET", f"{STOPS}/{number}")
        assert (shown["trigger"]["rule"], shown["initial"]["size"]) == (rule, str(size))
        assert shown["status"] == "open"


def test_lists_end_at_a_page(core: Core) -> None:
    for _ in range(105):
        ask(core, "POST", ORDERS, BUY | {"size": 1, "price": "3000", "tif": "gtc"})
    first = ask(core, "GET", ORDERS, None, "status=open&limit=1000")
    rest = ask(core, "GET", ORDERS, None, "status=open&offset=100")
    assert (len(first), len(rest)) == (100, 5)
    assert len({row["id"] for row in first + rest}) == 105


def test_name_is_forgotten_a_minute_after_the_orders_end(core: Core) -> None:
    ask(core, "POST", ORDERS, BUY | {"text": "t-mine"})
    assert ask(core, "GET", f"{ORDERS}/t-mine")["text"] == "t-mine"
    core.clock_offset_ms = 61_000
    assert label(core, "GET", f"{ORDERS}/t-mine") == "ORDER_NOT_FOUND"
    assert ask(core, "GET", f"{ORDERS}/1000001")["text"] == "t-mine"


@pytest.mark.parametrize(
    ("change", "expected"),
    [({}, None), ({"KEY": "other"}, "INVALID_KEY"), ({"SIGN": "0"}, "INVALID_SIGNATURE"),
     ({"SIGN": ""}, "MISSING_REQUIRED_HEADER"), ({"late_s": 61}, "REQUEST_EXPIRED")],
)  # fmt: skip
def test_signature_covers_method_path_query_body_and_time(
    core: Core, change: dict[str, Any], expected: str | None
) -> None:
    stamp, body = "1700000000", '{"size": 1}'
    digest = hashlib.sha512(body.encode()).hexdigest()
    signed = "\n".join(["POST", ORDERS, "a=b c", digest, stamp])
    secret = core.settings.secret.encode()
    sign = hmac.new(secret, signed.encode(), hashlib.sha512).hexdigest()
    headers = {"KEY": core.settings.key, "Timestamp": stamp, "SIGN": sign}
    late_s = change.pop("late_s", 0)
    arrived = Arrived(
        method="POST", path=ORDERS, query="a=b%20c", body=body, headers=headers | change
    )
    call = Call(core=core, method="POST", path=ORDERS, params={})
    now_ms = (int(stamp) + late_s) * 1000
    if expected is None:
        GATE.check_signed(arrived, call, now_ms)
        return
    with pytest.raises(Refusal) as refused:
        GATE.check_signed(arrived, call, now_ms)
    assert refused.value.label == expected


def test_every_account_endpoint_is_signed_and_no_public_one() -> None:
    for path in ("orders", "price_orders", "positions", "accounts", "my_trades_timerange"):
        route, _ = PATHS.find("GET", f"/api/v4/futures/usdt/{path}")
        assert route is not None
        assert route.signed
    for path in ("contracts", "tickers", "order_book", "candlesticks"):
        route, _ = PATHS.find("GET", f"/api/v4/futures/usdt/{path}")
        assert route is not None
        assert not route.signed


def test_each_endpoint_counts_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    limits, reading, cancelling = GateLimits(), "GET /positions", "DELETE /orders"
    assert all(limits.spend(1, 0, reading) is None for _ in range(200))
    excess = limits.spend(1, 0, reading)
    assert excess is not None
    assert (excess.status, excess.headers) == (429, {})
    assert limits.headers(reading)["X-Gate-RateLimit-Requests-Remain"] == "0"
    assert limits.headers(reading)["X-Gate-RateLimit-Reset-Timestamp"] == "1000010"
    assert limits.spend(1, 0, cancelling) is None
    now += 10.1
    assert limits.spend(1, 0, reading) is None


def test_unknown_exchange_is_refused() -> None:
    with pytest.raises(ValueError, match="kraken"):
        Core(Settings(exchange="kraken"))

"""What an answer to a cancel is worth: ccxt makes an order of whatever the exchange says."""

from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.model import CancelStatus, OpenOrder, OrderRole
from freqtrade_liquidation.orders.cancels import status_told

CANCELLED, ACKNOWLEDGED, UNKNOWN = (
    CancelStatus.CANCELLED,
    CancelStatus.ACKNOWLEDGED,
    CancelStatus.UNKNOWN,
)
GONE = {"orderId": 7, "symbol": "BTCUSDT", "status": "CANCELED", "origQty": "1"}
TWAP = {"status": "ok", "response": {"type": "twapCancel", "data": {"status": "success"}}}


def told(name: str, raw: Any, *, conditional: bool = False) -> CancelStatus:
    """*raw* as ccxt's exchange *name* would hand it on."""
    role = OrderRole.PROTECTIVE if conditional else OrderRole.ENTRY
    order = OpenOrder(
        pair="BTC/USDT:USDT", order_id="7", role=role, side="buy", amount=1.0,
        conditional=conditional,
    )  # fmt: skip
    return status_told(getattr(ccxt, name)(), order, raw)


def parsed(name: str, raw: dict[str, Any], **more: Any) -> CancelStatus:
    return told(name, getattr(ccxt, name)().parse_order(raw), **more)


@pytest.mark.parametrize(
    "raw",
    [
        {"code": 0, "msg": "Service is busy"},
        {"orderId": 1},
        {**GONE, "orderId": 1},
        {**GONE, "status": "NEW"},
        {**GONE, "status": "PENDING_CANCEL"},
        {**GONE, "status": "PARTIALLY_FILLED"},
        {"algoId": 8, "code": "200", "msg": "success"},
    ],
)
def test_answer_that_does_not_say_that_this_order_is_at_its_end_is_no_cancel(raw: Any) -> None:
    for conditional in (False, True):
        assert parsed("binance", raw, conditional=conditional) is UNKNOWN


@pytest.mark.parametrize("nothing", [None, {}, [], "ok", 7])
def test_answer_that_is_no_order_says_nothing(nothing: Any) -> None:
    assert told("binance", nothing) is UNKNOWN


@pytest.mark.parametrize("status", ["CANCELED", "FILLED", "EXPIRED", "REJECTED"])
def test_final_status_of_this_very_order_is_its_end(status: str) -> None:
    assert parsed("binance", {**GONE, "status": status}) is CANCELLED


def test_conditional_order_of_binance_is_gone_by_the_code_that_is_documented() -> None:
    done = {"algoId": 7, "clientAlgoId": "x", "code": "200", "msg": "success"}
    assert parsed("binance", done, conditional=True) is CANCELLED
    assert parsed("binance", {**done, "code": "0"}, conditional=True) is ACKNOWLEDGED


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("okx", {"ordId": "7", "clOrdId": "", "sCode": "0", "sMsg": ""}),
        ("okx", {"algoId": "7", "sCode": "0", "sMsg": ""}),
        ("bybit", {"orderId": "7", "orderLinkId": "x"}),
        ("bitget", {"orderId": "7", "clientOid": "x"}),
        ("bitvavo", {"orderId": "7"}),
        ("hyperliquid", {"status": "success", "oid": "7"}),
    ],
)
def test_answer_that_only_names_the_order_is_an_acknowledgement(
    name: str, raw: dict[str, Any]
) -> None:
    assert parsed(name, raw) is ACKNOWLEDGED
    other = {key: "8" if value == "7" else value for key, value in raw.items()}
    assert parsed(name, other) is UNKNOWN


@pytest.mark.parametrize(
    ("name", "answer", "other"),
    [
        ("kraken", {"info": {"error": [], "result": {"count": "1"}}}, {"info": {"result": {}}}),
        ("hyperliquid", {"info": "success", "status": "success"}, {"status": "waiting"}),
        ("kucoin", {"info": {"data": {"cancelledOrderIds": ["7"]}}}, {"info": {"data": {}}}),
        ("gate", {"code": 0, "data": {}}, {"code": 3}),
        ("binance", {"algoId": 7, "success": True}, {"algoId": 8, "success": True}),
        ("htx", {"id": "7", "status": "canceled"}, {"id": "8", "status": "canceled"}),
    ],
)
def test_exchange_that_acknowledges_in_a_form_of_its_own_is_understood(
    name: str, answer: dict[str, Any], other: dict[str, Any]
) -> None:
    assert told(name, answer) is ACKNOWLEDGED
    assert told(name, other) is UNKNOWN

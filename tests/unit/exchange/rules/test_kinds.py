"""Kinds of resting orders that are lists of their own: read, held to their form, cancelled."""

import asyncio
import json
from functools import partial
from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.drill.signing.samples import Answers
from freqtrade_liquidation.errors import (
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
)
from freqtrade_liquidation.exchange.rules.kinds import KINDS, kinds_of
from freqtrade_liquidation.exchange.rules.lists import order_questions
from freqtrade_liquidation.model import CancelStatus, OpenOrder, OrderRole
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.futures import FuturesOrders

SETUPS = {str(setup): setup for setup in setups()}
TRAIL: dict[str, Any] = {
    "id": 7, "contract": "BTC_USDT", "settle": "usdt", "amount": "-20000", "is_gte": True,
    "activation_price": "70000", "price_type": 1, "price_offset": "1%", "reduce_only": False,
    "position_related": False, "status": "open", "text": "",
}  # fmt: skip
VP: dict[str, Any] = {
    "algoId": 7, "symbol": "BTCUSDT", "side": "SELL", "positionSide": "BOTH", "totalQty": "3",
    "executedQty": "1", "algoStatus": "WORKING", "algoType": "VP",
}  # fmt: skip
TWAP: dict[str, Any] = {
    "time": 1700000000, "twapId": 7, "status": {"status": "activated"},
    "state": {"coin": "BTC", "user": "0x1", "side": "A", "sz": "3", "executedSz": "1",
              "executedNtl": "1", "minutes": 30, "reduceOnly": False, "randomize": False,
              "timestamp": 1700000000000},
}  # fmt: skip
ALGO: dict[str, Any] = {
    "algoId": "7", "instId": "BTC-USDT-SWAP", "instType": "SWAP", "side": "sell",
    "posSide": "net", "sz": "200", "state": "live", "reduceOnly": "false", "tdMode": "isolated",
    "cTime": "1649119897778",
}  # fmt: skip
PLAN: dict[str, Any] = {
    "orderId": "7", "symbol": "BTCUSDT", "size": "2", "side": "sell", "posSide": "net",
    "orderType": "market", "planStatus": "live", "triggerPrice": "50000", "reduceOnly": "NO",
    "tradeSide": "open", "posMode": "one_way_mode", "marginCoin": "USDT", "cTime": "1700729691866",
}  # fmt: skip


def of_gate(*rows: Any) -> Any:
    return {"code": 0, "message": "", "data": {"orders": list(rows)}, "timestamp": 1}


def of_binance(*rows: Any) -> Any:
    return {"total": len(rows), "orders": list(rows)}


EMPTY: Answers = (
    ("algo/futures/openOrders", of_binance()),
    ("autoorder/v1/", of_gate()),
    ("frontendOpenOrders", []),
    ("twapHistory", []),
    ("openAlgoOrders", []),
    ("openOrders", []),
    ("price_orders", []),
    ("orders-plan-pending", {"code": "00000", "data": {"entrustedList": []}}),
    ("mix/order/orders-pending", {"code": "00000", "data": {"entrustedList": None, "endId": None}}),
    ("orders-pending", {"code": "0", "data": []}),
    ("orders-algo-pending", {"code": "0", "data": []}),
)


def venue(name: str, answers: Answers) -> FuturesOrders:
    """Its questions are asked once: the same answer comes again until the time is over."""
    lab = Lab(SETUPS[name], (*answers, *EMPTY))
    lab.wire.read = partial(lab.wire.attempt, write=False)  # type: ignore[method-assign]
    return FuturesOrders(lab.exchange, lab.wire, (), gate=EntryGate())


def orders(name: str, answers: Answers) -> list[OpenOrder]:
    return list(asyncio.run(venue(name, answers).get_open_orders(timeout_s=5.0)))


def okx(kind: str, **change: Any) -> tuple[str, Answers]:
    row = {**ALGO, "ordType": kind, **change}
    return "okx futures isolated", ((f"ordType={kind}&", {"code": "0", "data": [row]}),)


def bitget(listed: str, plan: str, **change: Any) -> tuple[str, Answers]:
    rows = [{**PLAN, "planType": plan, **change}]
    answer = {"code": "00000", "data": {"entrustedList": rows}}
    return "bitget futures isolated", ((f"planType={listed}&productType=USDT-", answer),)


SHOWN: dict[str, tuple[str, Answers]] = {
    **{
        kind: okx(kind)
        for kind in ("conditional", "trigger", "oco", "move_order_stop", "iceberg", "twap", "chase")
    },
    "normal_plan": bitget("normal_plan", "normal_plan"),
    "track_plan": bitget("track_plan", "track_plan"),
    "trail": ("gate futures isolated", (("usdt/autoorder/v1/trail/list", of_gate(TRAIL)),)),
    "chase of gate": ("gate futures isolated", (("autoorder/v1/chase/list", of_gate(TRAIL)),)),
    "VP, TWAP": (
        "binance futures isolated", (("algo/futures/openOrders", of_binance(VP)),),
    ),
    "twap of hyperliquid": ("hyperliquid futures cross", (("twapHistory", [TWAP]),)),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHOWN)
def test_order_that_could_open_is_found_in_the_list_of_its_kind(kind: str) -> None:
    [order] = orders(*SHOWN[kind])
    assert (order.pair.partition(":")[0][:4], order.order_id) == ("BTC/", "7")
    assert (order.role, order.side, order.amount) == (OrderRole.ENTRY, "sell", 2.0)
    assert (order.conditional, order.kind) == (True, kind.partition(" of ")[0])


@pytest.mark.parametrize(
    ("answers", "role", "kind"),
    [
        (okx("move_order_stop", reduceOnly="true"), OrderRole.PROTECTIVE, "move_order_stop"),
        (okx("twap", reduceOnly="true"), OrderRole.EXIT, "twap"),
        (bitget("profit_loss", "pos_loss"), OrderRole.PROTECTIVE, "pos_loss"),
        (bitget("profit_loss", "moving_plan"), OrderRole.PROTECTIVE, "moving_plan"),
        (bitget("track_plan", "track_plan", reduceOnly="YES"), OrderRole.PROTECTIVE, "track_plan"),
        (
            (
                "gate futures isolated",
                (("usdt/autoorder/v1/trail/list", of_gate({**TRAIL, "reduce_only": True})),),
            ),
            OrderRole.PROTECTIVE,
            "trail",
        ),
        (
            (
                "gate futures isolated",
                (("usdt/autoorder/v1/chase/list", of_gate({**TRAIL, "reduce_only": True})),),
            ),
            OrderRole.PROTECTIVE,
            "chase",
        ),
        (
            (
                "hyperliquid futures cross",
                (("twapHistory", [{**TWAP, "state": {**TWAP["state"], "reduceOnly": True}}]),),
            ),
            OrderRole.EXIT,
            "twap",
        ),
    ],
)
def test_one_that_can_only_reduce_is_a_stop_where_it_waits_for_a_price(
    answers: tuple[str, Answers], role: OrderRole, kind: str
) -> None:
    [order] = orders(*answers)
    assert (order.role, order.kind) == (role, kind)


ODD: tuple[Any, ...] = (
    None, {}, [], "x", ["x"], [None], {"code": 0, "data": None}, {"code": 0, "data": {}},
    {"code": 0, "data": {"orders": None}}, {"code": 1, "data": {"orders": []}},
    {"total": 1, "orders": []}, {"total": 0, "orders": None}, {"orders": {}},
    {"status": "err", "response": "busy"},
)  # fmt: skip


@pytest.mark.parametrize("answer", ODD, ids=json.dumps)
@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("gate futures isolated", "autoorder/v1/trail/list"),
        ("gate futures isolated", "autoorder/v1/chase/list"),
        ("binance futures isolated", "algo/futures/openOrders"),
        ("hyperliquid futures cross", "twapHistory"),
    ],
)
def test_answer_in_another_form_is_no_empty_list(name: str, part: str, answer: Any) -> None:
    if part == "twapHistory" and answer == []:
        return  # that is its empty list
    with pytest.raises(LiquidationError):
        orders(name, ((part, answer),))


@pytest.mark.parametrize("dropped", ["id", "contract", "amount"])
def test_row_without_what_a_cancel_needs_leaves_the_list_unanswered(dropped: str) -> None:
    row = {name: value for name, value in TRAIL.items() if name != dropped}
    with pytest.raises(ExchangeUnavailable):
        orders("gate futures isolated", (("usdt/autoorder/v1/trail/list", of_gate(row)),))


def test_twap_that_has_ended_does_not_rest() -> None:
    """Its history keeps the record of its beginning."""
    other = {**TWAP, "twapId": 8}
    for status in ("finished", "terminated", "error"):
        ended = {**TWAP, "status": {"status": status}, "time": 1700000600}
        history = [ended, TWAP, other] if status == "error" else [TWAP, other, ended]
        found = orders("hyperliquid futures cross", (("twapHistory", history),))
        assert [order.order_id for order in found] == ["8"]


def test_kind_that_okx_does_not_know_holds_no_order() -> None:
    """It may have dropped one, or not have it yet; any other refusal leaves the orders unread."""
    unknown = {"code": "51000", "data": [], "msg": "Parameter ordType error"}
    assert orders("okx futures isolated", (("ordType=chase&", unknown),)) == []
    for part, answer in (
        ("ordType=conditional&", unknown),
        ("ordType=chase&", {"code": "51000", "data": [], "msg": "Parameter instType error"}),
        ("ordType=chase&", {"code": "50001", "data": [], "msg": "busy"}),
    ):
        with pytest.raises(LiquidationError):
            orders("okx futures isolated", ((part, answer),))


def test_key_that_may_not_list_vp_and_twap_orders_is_not_refused_as_a_whole() -> None:
    """-2015 at the other address would end the run with all positions open."""
    refused = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    with pytest.raises(ExchangeUnavailable, match="VP, TWAP"):
        orders("binance futures isolated", (("algo/futures/openOrders", refused),))
    with pytest.raises(ExchangeRefused):
        orders("binance futures isolated", (("openAlgoOrders", refused),))


def _cancelled(name: str, kind: str, answers: Answers) -> CancelStatus:
    at = venue(name, answers)
    order = OpenOrder(
        pair=at._exchange._api.symbols[0] if name.startswith("hyper") else "BTC/USDT:USDT",
        order_id="7", role=OrderRole.ENTRY, side="sell", amount=2.0, conditional=True, kind=kind,
    )  # fmt: skip
    [answer] = asyncio.run(at.cancel_all_orders(order.pair, [order], timeout_s=5.0))
    return answer.status


@pytest.mark.parametrize(
    ("name", "kind", "part", "done", "not_done"),
    [
        (
            "bitget futures isolated", "pos_loss", "cancel-plan-order",
            {"code": "00000", "data": {"successList": [{"orderId": "7"}], "failureList": []}},
            {"code": "00000", "data": {"successList": [], "failureList": [{"orderId": "7"}]}},
        ),
        (
            "gate futures isolated", "trail", "trail/stop", {"code": 0, "data": {"order": TRAIL}},
            {"code": 3, "message": "order not found", "data": None},
        ),
        (
            "binance futures isolated", "VP, TWAP", "algo/futures/order",
            {"algoId": 7, "success": True, "code": 0, "msg": "OK"},
            {"algoId": 7, "success": False, "code": 1, "msg": "no"},
        ),
        (
            "okx futures isolated", "twap", "cancel-algos",
            {"code": "0", "data": [{"algoId": "7", "sCode": "0", "sMsg": ""}], "msg": ""},
            {"code": "1", "data": [{"algoId": "7", "sCode": "51400", "sMsg": "gone"}], "msg": ""},
        ),
        (
            "hyperliquid futures cross", "twap", "/exchange",
            {"status": "ok",
             "response": {"type": "twapCancel", "data": {"status": "success"}}},
            {"status": "ok", "response": {"type": "twapCancel", "data": {"status": {
                "error": "TWAP was never placed, already canceled, or filled."}}}},
        ),
    ],
)  # fmt: skip
def test_cancel_counts_as_taken_on_only_if_the_answer_says_so(
    name: str, kind: str, part: str, done: Any, not_done: Any
) -> None:
    assert _cancelled(name, kind, ((part, done),)) is CancelStatus.ACKNOWLEDGED
    assert _cancelled(name, kind, ((part, not_done),)) is CancelStatus.REFUSED


def test_every_kind_has_a_question_and_every_exchange_its_kinds() -> None:
    for setup in setups():
        if "futures" in str(setup):
            lab = Lab(setup)
            asked = {q.kind.name for q in order_questions(lab.exchange) if q.kind is not None}
            assert asked == {kind.name for kind in kinds_of(lab.exchange)}
    assert set(KINDS) <= set(ccxt.exchanges)

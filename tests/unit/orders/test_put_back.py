"""A stop that is put back is the stop that was there: read, signed, recognised.

The rows are the exchanges' own and go through ccxt's parsers; the requests are signed by ccxt and
caught below HTTP.
"""

import asyncio
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.drill.signing.recorder import Signed
from freqtrade_liquidation.errors import ExchangeRefused, OutcomeUnknown
from freqtrade_liquidation.exchange.rules.stops import StopTerms, stop_terms
from freqtrade_liquidation.model import OpenOrder, OrderRole
from freqtrade_liquidation.orders import requests
from freqtrade_liquidation.orders.put_back import _like, put_back, remark

Raw = dict[str, Any]
SETUPS = {str(setup): setup for setup in setups()}
FUTURES = [name for name in SETUPS if "futures" in name]
SPOT = "binance spot"
NOW_MS = 1795939200000


@cache
def lab_of(name: str) -> Lab:
    return Lab(SETUPS[name])


def terms(
    stop: float | None, limit: float | None, source: str | None = None, *, profit: bool = False
) -> StopTerms:
    return StopTerms(stop_price=stop, limit_price=limit, trigger_source=source, takes_profit=profit)


def algo(**change: Any) -> Raw:
    return {
        "algoId": 7, "symbol": "BTCUSDT", "side": "SELL", "orderType": "STOP_MARKET",
        "positionSide": "BOTH", "quantity": "2", "triggerPrice": "50000", "price": "0",
        "reduceOnly": True, "workingType": "MARK_PRICE", "algoStatus": "NEW", "createTime": NOW_MS,
        **change,
    }  # fmt: skip


def bybit(**change: Any) -> Raw:
    return {
        "orderId": "7", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Market", "qty": "2",
        "leavesQty": "2", "price": "45000", "reduceOnly": True, "triggerPrice": "50000",
        "triggerDirection": 2, "triggerBy": "IndexPrice", "stopOrderType": "Stop", "tpslMode": "",
        "orderStatus": "Untriggered", "createdTime": str(NOW_MS), **change,
    }  # fmt: skip


def okx(**change: Any) -> Raw:
    return {
        "algoId": "7", "instId": "BTC-USDT-SWAP", "instType": "SWAP", "ordType": "conditional",
        "side": "sell", "posSide": "net", "sz": "200", "slTriggerPx": "50000", "slOrdPx": "-1",
        "slTriggerPxType": "mark", "tpTriggerPx": "", "tpOrdPx": "", "state": "live",
        "reduceOnly": "true", "cTime": str(NOW_MS), **change,
    }  # fmt: skip


def gate(rule: int = 2, **change: Any) -> Raw:
    initial = {
        "contract": "BTC_USDT", "size": -20000, "price": "0", "tif": "ioc", "text": "",
        "is_reduce_only": True, "is_close": False, "auto_size": "", **change,
    }  # fmt: skip
    trigger = {"price": "50000", "rule": rule, "price_type": 1}
    return {"id": 7, "status": "open", "trigger": trigger, "initial": initial,
            "create_time": NOW_MS // 1000}  # fmt: skip


def bitget(**change: Any) -> Raw:
    return {
        "planType": "pos_loss", "symbol": "BTCUSDT", "size": "2", "orderId": "7", "clientOid": "7",
        "triggerPrice": "50000", "triggerType": "mark_price", "executePrice": "0",
        "planStatus": "live", "side": "sell", "posSide": "net", "marginCoin": "USDT",
        "tradeSide": "close", "posMode": "one_way_mode", "orderType": "market",
        "cTime": str(NOW_MS), **change,
    }  # fmt: skip


def hyper(**change: Any) -> Raw:
    return {
        "coin": "BTC", "side": "A", "limitPx": "45000", "sz": "2", "oid": 7, "origSz": "2",
        "timestamp": NOW_MS, "isTrigger": True, "triggerPx": "50000", "reduceOnly": True,
        "orderType": "Stop Market", "children": [], **change,
    }  # fmt: skip


def kraken(**change: Any) -> Raw:
    return {
        "order_id": "7", "symbol": "PF_XBTUSD", "side": "sell", "orderType": "stop",
        "stopPrice": 50000, "unfilledSize": 2, "filledSize": 0, "status": "untouched",
        "receivedTime": "2026-11-29T08:00:00.000Z", "reduceOnly": True, "triggerSignal": "mark",
        **change,
    }  # fmt: skip


def spot(**change: Any) -> Raw:
    return {
        "symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "x", "price": "57000.00",
        "origQty": "2", "executedQty": "0", "cummulativeQuoteQty": "0", "status": "NEW",
        "timeInForce": "GTC", "type": "STOP_LOSS_LIMIT", "side": "SELL", "stopPrice": "60000.00",
        "time": NOW_MS, **change,
    }  # fmt: skip


READ: dict[str, tuple[str, Raw, StopTerms]] = {
    "binance market": ("binance futures isolated", algo(), terms(50000, None, "mark")),
    "binance limit": (
        "binance futures isolated",
        algo(orderType="STOP", price="49000", workingType="CONTRACT_PRICE"),
        terms(50000, 49000, "last"),
    ),
    "binance profit": (
        "binance futures isolated", algo(orderType="TAKE_PROFIT_MARKET", triggerPrice="70000"),
        terms(70000, None, "mark", profit=True),
    ),
    "binance limit profit": (
        "binance futures isolated",
        algo(orderType="TAKE_PROFIT", triggerPrice="70000", price="69000"),
        terms(70000, 69000, "mark", profit=True),
    ),
    "bybit market, with a bound": ("bybit futures isolated", bybit(), terms(50000, None, "index")),
    "bybit limit": (
        "bybit futures isolated", bybit(orderType="Limit", triggerBy="LastPrice"),
        terms(50000, 45000, "last"),
    ),
    "bybit profit": (
        "bybit futures isolated", bybit(triggerPrice="70000", triggerDirection=1),
        terms(70000, None, "index", profit=True),
    ),
    "okx market": ("okx futures isolated", okx(), terms(50000, None, "mark")),
    "okx limit": ("okx futures isolated", okx(slOrdPx="49000"), terms(50000, 49000, "mark")),
    "okx profit": (
        "okx futures isolated",
        okx(slTriggerPx="", slOrdPx="", slTriggerPxType="", tpTriggerPx="70000", tpOrdPx="69000"),
        terms(70000, 69000, None, profit=True),
    ),
    "gate market": ("gate futures isolated", gate(), terms(50000, None, "mark")),
    "gate limit": (
        "gate futures isolated", gate(price="49000", tif="gtc"), terms(50000, 49000, "mark"),
    ),
    "gate profit": ("gate futures isolated", gate(rule=1), terms(50000, None, "mark", profit=True)),
    "bitget market": ("bitget futures isolated", bitget(), terms(50000, None, "mark")),
    "bitget limit": (
        "bitget futures isolated", bitget(executePrice="49000", orderType="limit"),
        terms(50000, 49000, "mark"),
    ),
    "bitget profit": (
        "bitget futures isolated", bitget(planType="pos_profit", triggerType="fill_price"),
        terms(50000, None, "last", profit=True),
    ),
    "hyperliquid market": ("hyperliquid futures cross", hyper(), terms(50000, None)),
    "hyperliquid limit": (
        "hyperliquid futures cross", hyper(orderType="Stop Limit"), terms(50000, 45000),
    ),
    "hyperliquid profit": (
        "hyperliquid futures cross", hyper(orderType="Take Profit Market"),
        terms(50000, None, profit=True),
    ),
    "krakenfutures market": (
        "krakenfutures futures isolated", kraken(), terms(50000, None, "mark"),
    ),
    "krakenfutures limit": (
        "krakenfutures futures isolated", kraken(limitPrice=49000), terms(50000, 49000, "mark"),
    ),
    "binance spot": (SPOT, spot(), terms(60000, 57000)),
    "an entry": (
        "binance futures isolated", {"orderId": 1, "symbol": "BTCUSDT", "type": "LIMIT",
         "side": "BUY", "price": "50000", "origQty": "2", "executedQty": "0", "status": "NEW"},
        terms(None, None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_a_stop_is_can_be_read_from_the_exchanges_row(name: str) -> None:
    setup, raw, expected = READ[name]
    lab = lab_of(setup)
    row = lab.exchange._api.parse_order(raw, lab.exchange._api.market(lab.pair))
    assert stop_terms(lab.exchange, row) == expected


def stop_of(pair: str, wanted: StopTerms, side: str = "sell") -> OpenOrder:
    return OpenOrder(
        pair=pair, order_id="7", role=OrderRole.PROTECTIVE, side=side, amount=2.0,
        blocks_close=True, **wanted,
    )  # fmt: skip


def signed(lab: Lab, stop: OpenOrder) -> Signed:
    """What puts *stop* back: one request, so that neither leverage nor margin mode is touched."""
    assert stop.stop_price is not None
    sent = lab.signed(requests.stop(stop, 2.0, stop.stop_price, leverage=7.0))
    [written] = [s for s in sent if s.method == "POST" and not s.path.endswith("/info")]
    return written


BACK: dict[str, tuple[str, StopTerms, dict[str, str]]] = {
    "binance spot": (
        SPOT, terms(60000, 57000),
        {"type": "STOP_LOSS_LIMIT", "stopPrice": "60000", "price": "57000", "quantity": "2"},
    ),
    "gate spot": (
        "gate spot", terms(60000, 57000),
        {"put.price": "57000", "trigger.price": "60000", "trigger.rule": "<="},
    ),
    "okx spot": (
        "okx spot", terms(60000, 57000), {"slTriggerPx": "60000", "slOrdPx": "57000"},
    ),
    "kraken spot": ("kraken spot", terms(60000, None), {"ordertype": "stop-loss"}),
    "htx spot": (
        "htx spot", terms(60000, 57000), {"stop-price": "60000", "price": "57000"},
    ),
    "binance market": (
        "binance futures isolated", terms(50000, None, "mark"),
        {"type": "STOP_MARKET", "triggerPrice": "50000", "workingType": "MARK_PRICE",
         "reduceOnly": "true"},
    ),
    "binance limit": (
        "binance futures isolated", terms(50000, 49000, "last"),
        {"type": "STOP", "price": "49000", "workingType": "CONTRACT_PRICE"},
    ),
    "binance profit": (
        "binance futures cross", terms(70000, None, "mark", profit=True),
        {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "70000", "reduceOnly": "true"},
    ),
    "binance limit profit": (
        "binance futures cross", terms(70000, 69000, profit=True),
        {"type": "TAKE_PROFIT", "triggerPrice": "70000", "price": "69000"},
    ),
    "bybit market": (
        "bybit futures isolated", terms(50000, None, "index"),
        {"orderType": "Market", "triggerPrice": "50000", "triggerBy": "IndexPrice",
         "triggerDirection": "2", "reduceOnly": "true"},
    ),
    "bybit limit": (
        "bybit futures isolated", terms(50000, 49000),
        {"orderType": "Limit", "price": "49000", "triggerPrice": "50000"},
    ),
    "bybit profit": (
        "bybit futures isolated", terms(70000, None, profit=True),
        {"triggerPrice": "70000", "triggerDirection": "1", "reduceOnly": "true"},
    ),
    "okx market": (
        "okx futures isolated", terms(50000, None, "mark"),
        {"slTriggerPx": "50000", "slOrdPx": "-1", "slTriggerPxType": "mark"},
    ),
    "okx limit": (
        "okx futures isolated", terms(50000, 49000), {"slTriggerPx": "50000", "slOrdPx": "49000"},
    ),
    "okx profit": (
        "okx futures isolated", terms(70000, None, profit=True),
        {"tpTriggerPx": "70000", "tpOrdPx": "-1", "reduceOnly": "true"},
    ),
    "gate limit": (
        "gate futures isolated", terms(50000, 49000, "mark"),
        {"initial.price": "49000", "trigger.price": "50000", "trigger.price_type": "1",
         "trigger.rule": "2"},
    ),
    "gate market": (
        "gate futures isolated", terms(50000, None),
        {"initial.price": "0", "initial.tif": "ioc", "trigger.price": "50000",
         "initial.reduce_only": "true"},
    ),
    "gate profit": (
        "gate futures isolated", terms(70000, 69000, profit=True),
        {"initial.price": "69000", "trigger.price": "70000", "trigger.rule": "1"},
    ),
    "bitget market": (
        "bitget futures isolated", terms(50000, None, "mark"),
        {"planType": "pos_loss", "triggerPrice": "50000", "triggerType": "mark_price"},
    ),
    "bitget profit": (
        "bitget futures isolated", terms(70000, None, "last", profit=True),
        {"planType": "pos_profit", "triggerPrice": "70000", "triggerType": "fill_price"},
    ),
    "hyperliquid limit": (
        "hyperliquid futures cross", terms(50000, 45000),
        {"action.orders.0.p": "45000", "action.orders.0.t.trigger.triggerPx": "50000",
         "action.orders.0.t.trigger.isMarket": "false", "action.orders.0.r": "true"},
    ),
    "hyperliquid market": (
        "hyperliquid futures cross", terms(50000, None),
        {"action.orders.0.t.trigger.triggerPx": "50000", "action.orders.0.r": "true",
         "action.orders.0.t.trigger.isMarket": "true",
         "action.orders.0.t.trigger.tpsl": "sl"},
    ),
    "hyperliquid profit": (
        "hyperliquid futures cross", terms(70000, 69000, profit=True),
        {"action.orders.0.p": "69000", "action.orders.0.t.trigger.tpsl": "tp"},
    ),
    "krakenfutures market": (
        "krakenfutures futures isolated", terms(50000, None, "index"),
        {"orderType": "stp", "stopPrice": "50000", "triggerSignal": "index",
         "reduceOnly": "true"},
    ),
    "krakenfutures limit": (
        "krakenfutures futures isolated", terms(50000, 49000),
        {"limitPrice": "49000", "stopPrice": "50000"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BACK)
def test_stop_is_put_back_at_its_own_trigger_and_limit(name: str) -> None:
    setup, wanted, expected = BACK[name]
    lab = lab_of(setup)
    sent = signed(lab, stop_of(lab.pair, wanted))
    assert expected.items() <= sent.values.items(), sent
    if expected.get("type") == "STOP_MARKET":
        assert "price" not in sent.values


@pytest.mark.parametrize("name", FUTURES)
def test_putting_back_touches_neither_leverage_nor_margin_mode(name: str) -> None:
    """With the leverage of a trade that freqtrade does not know, 1, it would bind five times the
    margin, or be refused."""
    lab = lab_of(name)
    types = lab.exchange.get_option("stoploss_order_types")
    limit = None if "market" in types else 49000.0
    signed(lab, stop_of(lab.pair, terms(50000, limit)))


def test_limit_does_not_depend_on_the_configured_ratio() -> None:
    lab = lab_of(SPOT)
    for limit in (57000.0, 59999.99, 30000.0):
        sent = signed(lab, stop_of(lab.pair, terms(60000, limit)))
        assert float(sent.values["price"]) == limit


LIKE = terms(60000, 57000)
OTHERS: dict[str, Raw] = {
    "other side": spot(side="BUY"),
    "other trigger": spot(stopPrice="59000.00"),
    "other limit": spot(price="59400.00"),
    "at market": spot(type="STOP_LOSS", price="0"),
    "less": spot(origQty="1"),
    "more": spot(origQty="3"),
    "older": spot(time=NOW_MS - 60_000),
    "no stop": spot(type="LIMIT", stopPrice="0"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_stop_is_not_the_one_that_was_sent(name: str) -> None:
    lab = Lab(SETUPS[SPOT], (("/api/v3/openOrders", [OTHERS[name]]),))
    ask = _like(stop_of(lab.pair, LIKE), 2.0, since_ms=NOW_MS - 1000)
    assert ask(lab.exchange) == []


def test_stop_whose_answer_was_lost_is_found_by_what_it_is() -> None:
    lab = Lab(SETUPS[SPOT], (("/api/v3/openOrders", [*OTHERS.values(), spot()]),))
    ask = _like(stop_of(lab.pair, LIKE), 2.0, since_ms=NOW_MS - 1000)
    [found] = ask(lab.exchange)
    assert found["id"] == "7"


@pytest.mark.parametrize(
    ("name", "part", "answer", "wanted"),
    [
        (
            "okx futures isolated", "ordType=conditional",
            {"code": "0", "data": [okx(slOrdPx="49000")]}, terms(50000, 49000, "mark"),
        ),
        (
            "gate futures isolated", "price_orders", [gate(price="49000", tif="gtc")],
            terms(50000, 49000, "mark"),
        ),
    ],
)  # fmt: skip
def test_stop_that_is_listed_in_contracts_is_found(
    name: str, part: str, answer: Any, wanted: StopTerms
) -> None:
    """200 contracts of 0.01, 20000 of 0.0001: both are the two coins that were sent."""
    empty: Any = [] if name.startswith("gate") else {"code": "0", "data": []}
    lab = Lab(SETUPS[name], ((part, answer), ("/orders", empty)))
    stop = stop_of(lab.pair, wanted)
    ask = _like(stop, 2.0, since_ms=NOW_MS - 1000)
    assert [row["id"] for row in ask(lab.exchange)] == ["7"]
    other = _like(replace(stop, side="buy"), 2.0, since_ms=NOW_MS - 1000)
    assert other(lab.exchange) == []


def test_difference_between_what_was_asked_and_answered_is_told() -> None:
    lab = lab_of(SPOT)
    stop = stop_of(lab.pair, LIKE)

    def told(raw: Raw) -> str | None:
        return remark(lab.exchange, lab.exchange._api.parse_order(raw), stop, 2.0)

    assert told(spot()) is None
    assert told({"symbol": "BTCUSDT", "orderId": 7}) is None, "an answer that tells nothing"
    assert "its limit is 59400.0, not 57000" in str(told(spot(price="59400.00")))
    assert "its trigger is 59000.0, not 60000" in str(told(spot(stopPrice="59000.00")))
    assert "its limit is None, not 57000" in str(told(spot(type="STOP_LOSS", price="0")))
    assert "its amount is 1.0, not 2.0" in str(told(spot(origQty="1")))
    assert "its side is buy, not sell" in str(told(spot(side="BUY")))


def test_stop_without_a_price_is_not_put_back_at_another_one() -> None:
    lab = lab_of(SPOT)
    stop = stop_of(lab.pair, terms(None, None))
    with pytest.raises(ExchangeRefused):
        asyncio.run(put_back(lab.wire, stop, 2.0, leverage=1.0, timeout_s=1.0))


def test_lost_answer_and_only_another_stop_listed_is_unknown() -> None:
    """A stop at another limit is not it; telling it as put back would hide the loss."""

    class Wire:
        async def write(self, call: Any, *, timeout_s: float) -> Any:
            raise OutcomeUnknown("timeout")

        async def read(self, call: Any, *, timeout_s: float) -> Any:
            return call(lab.exchange)

    for listed, found in ((OTHERS["other limit"], False), (spot(time=NOW_MS + 10**12), True)):
        lab = Lab(SETUPS[SPOT], (("/api/v3/openOrders", [listed]),))
        wire: Any = Wire()
        work = put_back(wire, stop_of(lab.pair, LIKE), 2.0, leverage=1.0, timeout_s=1.0)
        if found:
            assert asyncio.run(work)["id"] == "7"
        else:
            with pytest.raises(OutcomeUnknown):
                asyncio.run(work)

"""The requests that the installed ccxt signs for us, held against what each exchange asks for.

Nothing is replaced but the network: freqtrade's class, ccxt's parsers and signatures and our own
requests are the real ones. Expectations are written by hand, from the exchanges' API pages.
"""

from functools import cache
from typing import Any

import pytest
from freqtrade.exceptions import OperationalException

from freqtrade_liquidation.config.modes import FUTURE_IS_SWAP
from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.drill.signing.probe import ORDER_ID, Requests, probe
from freqtrade_liquidation.drill.signing.recorder import Signed

ALL = {str(setup): setup for setup in setups()}
FUTURES = [name for name in ALL if " futures " in name]
SPOT = [name for name in ALL if name.endswith(" spot")]
NAME = "ftl0123456789abcde"
CLOID = "0x66746c0123456789abcdef0123456789"

Values = dict[str, str]


@cache
def requests_of(name: str) -> Requests:
    return probe(Lab(ALL[name]))


def one(name: str, what: str, path: str) -> Values:
    """The one request to *path* among those for *what*."""
    sent = [signed for signed in requests_of(name)[what] if signed.path == path]
    assert len(sent) == 1, f"{name}: {what} sent {requests_of(name)[what]}"
    return sent[0].values


def has(values: Values, wanted: Values) -> bool:
    return wanted.items() <= values.items()


def test_every_exchange_of_freqtrade_is_probed() -> None:
    assert len(FUTURES) >= 8
    assert len(SPOT) >= 12
    for name in ALL:
        for what, sent in requests_of(name).items():
            assert sent, f"{name}: {what} sends nothing"


OF_THE_MOMENT = {
    "signature", "timestamp", "nonce", "startTime", "since", "clientAlgoId", "clOrdId",
}  # fmt: skip
"""What no two requests share: times, signatures and the ids that ccxt draws."""


def sent_with(name: str, kind: str) -> list[Any]:
    lab = Lab(ALL[name])
    lab.exchange._api.options["defaultType"] = kind
    return [
        (what, signed.host, signed.path, _lasting(signed.values))
        for what, requests in probe(lab).items()
        for signed in requests
    ]


def _lasting(values: Values) -> Values:
    return {k: value for k, value in values.items() if k.split(".")[0] not in OF_THE_MOMENT}


@pytest.mark.parametrize("name", FUTURES)
def test_default_type_future_is_taken_exactly_where_it_changes_no_request(name: str) -> None:
    """Else a run would look at another market, and find it flat."""
    swap, future = sent_with(name, "swap"), sent_with(name, "future")
    assert (swap == future) is (ALL[name].exchange in FUTURE_IS_SWAP)


def test_default_type_future_is_taken_nowhere_unproven() -> None:
    assert {ALL[name].exchange for name in FUTURES} >= FUTURE_IS_SWAP


_BINANCE = (
    "/fapi/v1/order",
    {"type": "MARKET", "quantity": "2", "reduceOnly": "true"},
    "newClientOrderId",
)
_HYPERLIQUID = (
    "/exchange",
    {"action.orders.0.s": "2", "action.orders.0.r": "true", "action.orders.0.t.limit.tif": "Ioc"},
    "action.orders.0.c",
)
CLOSES: dict[str, tuple[str, Values, str]] = {
    "binance futures cross": _BINANCE,
    "binance futures isolated": _BINANCE,
    "binanceusdm futures cross": _BINANCE,
    "binanceusdm futures isolated": _BINANCE,
    "bitget futures isolated": (
        "/api/v2/mix/order/place-order",
        {
            "orderType": "market", "size": "2", "reduceOnly": "YES", "marginMode": "isolated",
            "marginCoin": "USDT", "productType": "USDT-FUTURES",
        },
        "clientOid",
    ),
    "bybit futures isolated": (
        "/v5/order/create",
        {"category": "linear", "orderType": "Market", "qty": "2", "reduceOnly": "true"},
        "orderLinkId",
    ),
    "gate futures isolated": (  # 2 coins are 20000 contracts of 0.0001; the sign is the side
        "/api/v4/futures/usdt/orders",
        {"contract": "BTC_USDT", "price": "0", "tif": "ioc", "reduce_only": "true"},
        "text",
    ),
    "hyperliquid futures cross": _HYPERLIQUID,
    "hyperliquid futures isolated": _HYPERLIQUID,
    "krakenfutures futures isolated": (
        "/derivatives/api/v3/sendorder",
        {"orderType": "mkt", "size": "2", "reduceOnly": "true"},
        "cliOrdId",
    ),
    "okx futures isolated": (  # 2 coins are 200 contracts of 0.01
        "/api/v5/trade/batch-orders",
        {
            "0.ordType": "market", "0.sz": "200", "0.reduceOnly": "true", "0.tdMode": "isolated",
            "0.posSide": "net",
        },
        "0.clOrdId",
    ),
}  # fmt: skip
"""Path, what must be in it, and where our client order id is."""

SIDES: dict[str, tuple[Values, Values]] = {
    "binance": ({"side": "SELL"}, {"side": "BUY"}),
    "binanceusdm": ({"side": "SELL"}, {"side": "BUY"}),
    "bitget": ({"side": "sell"}, {"side": "buy"}),
    "bybit": ({"side": "Sell"}, {"side": "Buy"}),
    "gate": ({"size": "-20000"}, {"size": "20000"}),
    "hyperliquid": ({"action.orders.0.b": "false"}, {"action.orders.0.b": "true"}),
    "krakenfutures": ({"side": "sell"}, {"side": "buy"}),
    "okx": ({"0.side": "sell"}, {"0.side": "buy"}),
}
"""What closes a long, and what closes a short."""


@pytest.mark.parametrize("name", FUTURES)
def test_futures_close_is_a_reduce_only_market_order_in_contracts_with_our_name(name: str) -> None:
    path, wanted, our_name = CLOSES[name]
    for what, side in zip(("close", "close_short"), SIDES[ALL[name].exchange], strict=True):
        values = one(name, what, path)
        assert has(values, wanted | side), values
        expected = {"gate": f"t-{NAME}", "hyperliquid": CLOID}.get(ALL[name].exchange, NAME)
        assert values[our_name] == expected


SALES: dict[str, tuple[str, Values]] = {
    "binance": ("/api/v3/order", {"type": "MARKET", "quantity": "2", "newClientOrderId": NAME}),
    "binanceus": ("/api/v3/order", {"type": "MARKET", "quantity": "2", "newClientOrderId": NAME}),
    "bingx": (
        "/openApi/spot/v1/trade/order",
        {"type": "MARKET", "quantity": "2", "newClientOrderId": NAME},
    ),
    "bitget": (
        "/api/v2/spot/trade/place-order",
        {"orderType": "market", "size": "2", "clientOid": NAME},
    ),
    "bitmart": ("/spot/v2/submit_order", {"type": "market", "size": "2", "client_order_id": NAME}),
    "bybit": ("/v5/order/create", {"orderType": "Market", "qty": "2", "orderLinkId": NAME}),
    "bybiteu": ("/v5/order/create", {"orderType": "Market", "qty": "2", "orderLinkId": NAME}),
    "gate": ("/api/v4/spot/orders", {"type": "market", "amount": "2", "text": f"t-{NAME}"}),
    "gateeu": ("/api/v4/spot/orders", {"type": "market", "amount": "2", "text": f"t-{NAME}"}),
    "htx": (
        "/v1/order/orders/place",
        {"type": "sell-market", "amount": "2", "client-order-id": NAME},
    ),
    "hyperliquid": ("/exchange", {"action.orders.0.s": "2", "action.orders.0.c": CLOID}),
    "kraken": ("/0/private/AddOrder", {"ordertype": "market", "volume": "2", "cl_ord_id": NAME}),
    "okx": (
        "/api/v5/trade/batch-orders",
        {"0.ordType": "market", "0.sz": "2", "0.tdMode": "cash", "0.clOrdId": NAME},
    ),
    "myokx": (
        "/api/v5/trade/batch-orders",
        {"0.ordType": "market", "0.sz": "2", "0.tdMode": "cash", "0.clOrdId": NAME},
    ),
}


@pytest.mark.parametrize("name", SPOT)
def test_spot_sale_is_a_market_order_in_coins_with_our_name(name: str) -> None:
    path, wanted = SALES[ALL[name].exchange]
    values = one(name, "close", path)
    assert has(values, wanted), values
    words = {value.lower() for value in values.values()}
    assert "sell" in words or "sell-market" in words or values["action.orders.0.b"] == "false"


@pytest.mark.parametrize("name", ALL)
def test_order_is_found_by_our_name_and_never_by_an_empty_id(name: str) -> None:
    """An empty id may be answered with the newest order of the market, whoever placed it."""
    sent = requests_of(name)["find"]
    for signed in sent:
        assert "" not in signed.values.values(), signed
        assert "None" not in signed.values.values(), signed
    named = {NAME, f"t-{NAME}", CLOID}
    by_name = [s for s in sent if named & {*s.values.values(), *s.path.split("/")}]
    searched = [s for s in sent if not by_name and _is_list(s)]
    assert by_name or len(searched) >= 2, f"{name}: neither by name nor in its lists: {sent}"


def _is_list(signed: Signed) -> bool:
    words = ("history", "open", "closed", "realtime")
    return any(word in signed.path.lower() for word in words)


@pytest.mark.parametrize("name", ALL)
def test_cancel_and_read_back_name_the_order(name: str) -> None:
    requests = requests_of(name)
    for what in requests.keys() & {"cancel", "read_back", "cancel_stop"}:
        named = [ORDER_ID in {*s.values.values(), *s.path.split("/")} for s in requests[what]]
        assert any(named), f"{what}: {requests[what]}"


def test_stop_is_cancelled_as_freqtrade_cancels_its_own() -> None:
    """Bitget looks for the order among those of another kind, if its kind is not named."""
    lab = Lab(ALL["bitget futures isolated"])
    own = lab.signed(lambda exchange: exchange.cancel_stoploss_order(ORDER_ID, lab.pair))
    ours = requests_of("bitget futures isolated")["cancel_stop"]
    assert [s.values for s in ours] == [s.values for s in own]
    plain = lab.signed(lambda e: e.cancel_order(ORDER_ID, lab.pair, {"stop": True}))
    assert [s.path for s in plain] == ["/api/v2/mix/order/cancel-plan-order"]


CANCELS: dict[str, dict[str, tuple[str, Values]]] = {
    "binance": {
        "openAlgoOrders": ("/fapi/v1/algoOrder", {"algoId": ORDER_ID}),
        "VP, TWAP": ("/sapi/v1/algo/futures/order", {"algoId": ORDER_ID}),
    },
    "bitget": {
        kind: (
            "/api/v2/mix/order/cancel-plan-order",
            {"planType": kind, "orderIdList.0.orderId": ORDER_ID, "symbol": "BTCUSDT"},
        )
        for kind in (
            "normal_plan", "track_plan", "pos_loss", "pos_profit", "loss_plan", "profit_plan",
            "moving_plan",
        )
    },
    "bybit": {},
    "gate": {
        "price_orders": (f"/api/v4/futures/usdt/price_orders/{ORDER_ID}", {}),
        "trail": ("/api/v4/futures/usdt/autoorder/v1/trail/stop", {"id": ORDER_ID}),
        "chase": ("/api/v4/futures/usdt/autoorder/v1/chase/stop", {"id": ORDER_ID}),
    },
    "hyperliquid": {"twap": ("/exchange", {"action.type": "twapCancel", "action.t": ORDER_ID})},
    "krakenfutures": {},
    "okx": {
        kind: ("/api/v5/trade/cancel-algos", {"0.algoId": ORDER_ID, "0.instId": "BTC-USDT-SWAP"})
        for kind in (
            "conditional", "trigger", "oco", "move_order_stop", "iceberg", "twap", "chase",
        )
    },
}  # fmt: skip
CANCELS["binanceusdm"] = CANCELS["binance"]
"""Of each kind that is a list of its own: path, and what must be in it."""


@pytest.mark.parametrize("name", FUTURES)
def test_each_kind_that_is_listed_apart_is_cancelled_in_its_own_way(name: str) -> None:
    sent = requests_of(name)
    wanted = CANCELS[ALL[name].exchange]
    assert {what.removeprefix("cancel ") for what in sent if what.startswith("cancel ")} == set(
        wanted
    )
    for kind, (path, values) in wanted.items():
        assert has(one(name, f"cancel {kind}", path), values)


STOPS: dict[str, tuple[str, Values]] = {
    "binance": (
        "/fapi/v1/algoOrder",
        {"type": "STOP_MARKET", "quantity": "2", "triggerPrice": "50000", "reduceOnly": "true"},
    ),
    "bitget": (  # pos_loss belongs to the position: it can only reduce it
        "/api/v2/mix/order/place-tpsl-order",
        {"planType": "pos_loss", "size": "2", "triggerPrice": "50000"},
    ),
    "bybit": (
        "/v5/order/create",
        {"qty": "2", "triggerPrice": "50000", "triggerDirection": "2", "reduceOnly": "true"},
    ),
    "gate": (
        "/api/v4/futures/usdt/price_orders",
        {"initial.size": "-20000", "initial.reduce_only": "true", "trigger.price": "50000"},
    ),
    "hyperliquid": (
        "/exchange",
        {
            "action.orders.0.s": "2", "action.orders.0.r": "true",
            "action.orders.0.t.trigger.tpsl": "sl",
        },
    ),
    "krakenfutures": (
        "/derivatives/api/v3/sendorder",
        {"orderType": "stp", "size": "2", "stopPrice": "50000", "reduceOnly": "true"},
    ),
    "okx": (
        "/api/v5/trade/order-algo",
        {"sz": "200", "slTriggerPx": "50000", "reduceOnly": "true", "tdMode": "isolated"},
    ),
}  # fmt: skip
STOPS["binanceusdm"] = STOPS["binance"]


@pytest.mark.parametrize("name", FUTURES)
def test_stop_that_is_put_back_can_only_reduce(name: str) -> None:
    path, wanted = STOPS[ALL[name].exchange]
    sent = [s.values for s in requests_of(name)["stop"] if s.path == path]
    assert has(sent[-1], wanted), sent


_GATE_LIST = {"is_finished": "false", "page_num": "1", "page_size": "100", "sort_by": "1"}
STOP_LISTS: dict[str, list[tuple[str, Values]]] = {
    "binance": [("/fapi/v1/openAlgoOrders", {}), ("/sapi/v1/algo/futures/openOrders", {})],
    "bitget": [
        ("/api/v2/mix/order/orders-plan-pending", {"planType": plan, "productType": product})
        for plan in ("profit_loss", "normal_plan", "track_plan")
        for product in ("USDT-FUTURES", "USDC-FUTURES")
    ],
    "gate": [
        ("/api/v4/futures/usdt/price_orders", {"status": "open"}),
        ("/api/v4/futures/usdt/autoorder/v1/trail/list", _GATE_LIST),
        ("/api/v4/futures/usdt/autoorder/v1/chase/list", _GATE_LIST),
    ],
    "okx": [
        ("/api/v5/trade/orders-algo-pending", {"instType": "SWAP", "ordType": kind})
        for kind in (
            "conditional", "trigger", "oco", "move_order_stop", "iceberg", "twap", "chase",
        )
    ],
    # in the list of orders
    "bybit": [("/v5/order/realtime", {"settleCoin": s}) for s in ("USDT", "USDC")],
    "hyperliquid": [
        ("/info", {"type": "frontendOpenOrders"}), ("/info", {"type": "twapHistory"}),
    ],
    "krakenfutures": [("/derivatives/api/v3/openorders", {})],
}  # fmt: skip
STOP_LISTS["binanceusdm"] = STOP_LISTS["binance"]
ORDER_LISTS: dict[str, list[tuple[str, Values]]] = {
    **STOP_LISTS,
    "binance": [("/fapi/v1/openOrders", {})],
    "binanceusdm": [("/fapi/v1/openOrders", {})],
    "bitget": [
        ("/api/v2/mix/order/orders-pending", {"productType": product, "limit": "100"})
        for product in ("USDT-FUTURES", "USDC-FUTURES")
    ],
    "bybit": [
        ("/v5/order/realtime", {"category": "linear", "settleCoin": s, "limit": "50"})
        for s in ("USDT", "USDC")
    ],
    "gate": [("/api/v4/futures/usdt/orders", {"status": "open", "limit": "100"})],
    "okx": [("/api/v5/trade/orders-pending", {"instType": "SWAP", "limit": "100"})],
}
POSITION_LISTS: dict[str, list[tuple[str, Values]]] = {
    "binance": [("/fapi/v3/positionRisk", {})],
    "binanceusdm": [("/fapi/v3/positionRisk", {})],
    "bitget": [
        ("/api/v2/mix/position/all-position", {"marginCoin": s, "productType": f"{s}-FUTURES"})
        for s in ("USDT", "USDC")
    ],
    "bybit": [
        ("/v5/position/list", {"category": "linear", "settleCoin": s, "limit": "200"})
        for s in ("USDT", "USDC")
    ],
    "gate": [("/api/v4/futures/usdt/positions", {"holding": "true", "limit": "100"})],
    "hyperliquid": [("/info", {"type": "clearinghouseState"})],
    "krakenfutures": [("/derivatives/api/v3/openpositions", {})],
    "okx": [("/api/v5/account/positions", {})],
}


@pytest.mark.parametrize("name", FUTURES)
@pytest.mark.parametrize(
    ("what", "table"),
    [("positions", POSITION_LISTS), ("orders", ORDER_LISTS), ("orders", STOP_LISTS)],
)
def test_whole_account_is_asked_for(name: str, what: str, table: dict[str, Any]) -> None:
    """Every settle currency that has markets, and every list that stops stand in."""
    sent = requests_of(name)[what]
    for path, wanted in table[ALL[name].exchange]:
        assert any(s.path == path and has(s.values, wanted) for s in sent), (
            f"{path} {wanted}: {sent}"
        )


def test_hip3_exchanges_of_hyperliquid_are_asked_each_by_itself() -> None:
    lab = Lab(ALL["hyperliquid futures isolated"])
    lab.exchange._config["exchange"]["hip3_dexes"] = ["xyz"]
    found = probe(lab)
    for what, asked in (("positions", [None, "xyz"]), ("orders", [None, "xyz", None])):
        assert [signed.values.get("dex") for signed in found[what]] == asked
    assert found["orders"][-1].values["type"] == "twapHistory", "one list of the account"


def test_okx_in_hedge_mode_gets_the_side_of_the_position_that_is_closed() -> None:
    """Without it OKX would take the order for the other side."""
    hedged = {"code": "0", "data": [{"uid": "1", "posMode": "long_short_mode", "acctLv": "2"}]}
    lab = Lab(ALL["okx futures isolated"], answers=(("account/config", hedged),))
    found = probe(lab)
    assert [s.values["0.posSide"] for s in found["close"]] == ["long"]
    assert [s.values["0.posSide"] for s in found["close_short"]] == ["short"]


@pytest.mark.parametrize(
    ("name", "path", "sent"),
    [
        ("bybit futures isolated", "/v5/position/switch-mode", {"mode": "0"}),
        (
            "bitget futures isolated",
            "/api/v2/mix/account/set-position-mode",
            {"posMode": "one_way_mode"},
        ),
    ],
)
def test_one_way_mode_is_set_where_freqtrade_sets_it(name: str, path: str, sent: Values) -> None:
    asked = [signed.values for signed in Lab(ALL[name]).at_start if signed.path == path]
    assert [has(values, sent) for values in asked] == [True]


def test_hedge_mode_and_multi_asset_margin_are_refused_by_freqtrade_on_binance() -> None:
    for part, answer in (
        ("positionSide/dual", {"dualSidePosition": True}),
        ("multiAssetsMargin", {"multiAssetsMargin": True}),
    ):
        with pytest.raises(OperationalException, match="not supported by freqtrade"):
            Lab(ALL["binance futures isolated"], answers=((part, answer),))

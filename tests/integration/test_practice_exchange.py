"""The practice exchange against the real ccxt and the real freqtrade, over real HTTP."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import ccxt.async_support
import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode, State
from freqtrade.exceptions import InvalidOrderException
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade
from freqtrade.resolvers import ExchangeResolver

from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings, call

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
SPOT = "BTC/USDT"
STRATEGIES = Path(__file__).parents[1] / "strategies"
Client = Any


@pytest.fixture
def exchange() -> Iterator[PracticeExchange]:
    """Stands still, so that numbers are exact."""
    with PracticeExchange(Settings(moving_ratio=0)) as running:
        yield running


def _client(exchange: PracticeExchange, kind: str, **overrides: Any) -> Client:
    config = {"options": {"defaultType": kind}, "enableRateLimit": False} | overrides
    client = ccxt.binance(exchange.ccxt_config(**config))
    client.load_markets()
    return client


@pytest.fixture
def swap(exchange: PracticeExchange) -> Iterator[Client]:
    """ccxt's futures client."""
    client = _client(exchange, "swap")
    yield client
    client.session.close()


@pytest.fixture
def spot(exchange: PracticeExchange) -> Iterator[Client]:
    """ccxt's spot client."""
    client = _client(exchange, "spot")
    yield client
    client.session.close()


def _bot_config(
    exchange: PracticeExchange, folder: Path, *, futures: bool, pairs: list[str]
) -> dict[str, Any]:
    file = folder / "config.json"
    raw = exchange.freqtrade_config(
        futures=futures, pairs=pairs, strategy="PracticeAlwaysIn",
        db_url=f"sqlite:///{folder}/trades.sqlite",
    )  # fmt: skip
    file.write_text(json.dumps(raw))
    args = {"config": [str(file)], "user_data_dir": str(folder), "strategy_path": str(STRATEGIES)}
    return dict(Configuration(args, RunMode.LIVE).get_config())


# Futures through ccxt


def test_market_order_opens_a_position_at_the_books_price(
    exchange: PracticeExchange, swap: Client
) -> None:
    order = swap.create_order(BTC, "market", "buy", 0.01)
    assert (order["status"], order["filled"], order["average"]) == ("closed", 0.01, 65000.1)
    [position] = swap.fetch_positions()
    assert (position["symbol"], position["side"], position["contracts"]) == (BTC, "long", 0.01)
    [trade] = swap.fetch_my_trades(BTC)
    assert trade["fee"] == {"cost": pytest.approx(0.32500050), "currency": "USDT"}
    total = swap.fetch_balance()["USDT"]["total"]
    assert total == pytest.approx(100_000 - 0.3250005 - 0.1 * 0.01)


def test_reducing_realizes_profit_in_the_fill(exchange: PracticeExchange, swap: Client) -> None:
    exchange.seed_position(BTC, -0.5, entry_price=66_000)
    swap.create_order(BTC, "market", "buy", 0.2, None, {"reduceOnly": True})
    assert exchange.positions()[BTC]["amount"] == "-0.3"
    assert exchange.fills()[-1]["realizedPnl"] == "199.98"


def test_market_order_deeper_than_the_book_expires_half_filled(
    exchange: PracticeExchange, swap: Client
) -> None:
    exchange.seed_position(BTC, 1)
    exchange.set_depth(BTC, 2, 20_000)
    order = swap.create_order(BTC, "market", "sell", 1, None, {"reduceOnly": True})
    assert (order["status"], order["filled"]) == ("expired", 0.614)
    assert exchange.positions()[BTC]["amount"] == "0.386"


def test_limit_order_rests_and_fills_when_the_price_crosses(
    exchange: PracticeExchange, swap: Client
) -> None:
    order = swap.create_order(BTC, "limit", "buy", 0.01, 60_000)
    assert order["status"] == "open"
    assert [o["id"] for o in swap.fetch_open_orders(BTC)] == [order["id"]]
    exchange.set_price(BTC, 59_999)
    filled = swap.fetch_order(order["id"], BTC)
    assert (filled["status"], filled["average"]) == ("closed", 60_000)
    assert exchange.fills()[-1]["commission"] == "0.12"  # maker: 0.02 %


def test_cancel_all_leaves_conditional_orders_alone(
    exchange: PracticeExchange, swap: Client
) -> None:
    exchange.seed_position(BTC, 0.01)
    swap.create_order(BTC, "limit", "buy", 0.01, 60_000)
    params = {"stopPrice": 50_000, "reduceOnly": True}
    stop = swap.create_order(BTC, "stop_market", "sell", 0.01, None, params)
    swap.cancel_all_orders(BTC)
    assert exchange.open_orders() == []
    assert [o["id"] for o in swap.fetch_open_orders(BTC, params={"stop": True})] == [stop["id"]]
    swap.cancel_all_orders(BTC, {"stop": True})
    assert exchange.open_algo_orders() == []


def test_order_is_found_by_client_order_id_and_a_duplicate_is_refused(swap: Client) -> None:
    params = {"newClientOrderId": "mine-1"}
    order = swap.create_order(BTC, "limit", "buy", 0.01, 60_000, params)
    assert swap.fetch_order(None, BTC, {"origClientOrderId": "mine-1"})["id"] == order["id"]
    with pytest.raises(ccxt.ExchangeError, match="-4116"):
        swap.create_order(BTC, "limit", "buy", 0.01, 60_000, params)
    swap.cancel_order(order["id"], BTC)
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        swap.cancel_order(order["id"], BTC)


def test_batch_takes_each_order_for_itself(exchange: PracticeExchange, swap: Client) -> None:
    exchange.seed_position(BTC, 0.01)
    close = {"type": "market", "amount": 0.01, "side": "sell", "params": {"reduceOnly": True}}
    answers = swap.create_orders([close | {"symbol": BTC}, close | {"symbol": ETH}])
    assert sorted(str(a["status"]) for a in answers) == ["closed", "rejected"]
    assert exchange.positions() == {}
    with pytest.raises(ccxt.ExchangeError, match="-4082"):
        swap.create_orders([close | {"symbol": BTC}] * 6)


def test_batch_cancel(exchange: PracticeExchange, swap: Client) -> None:
    ids = [swap.create_order(BTC, "limit", "buy", 0.01, 60_000)["id"] for _ in range(2)]
    swap.cancel_orders(ids, BTC)
    assert exchange.open_orders() == []


Place = tuple[str, str, float, float | None, dict[str, Any]]


@pytest.mark.parametrize(
    ("order", "error", "code"),
    [
        (("market", "sell", 0.01, None, {"reduceOnly": True}), ccxt.InvalidOrder, "-2022"),
        (("market", "buy", 121, None, {}), ccxt.BadRequest, "-4005"),
        (("market", "buy", 119, None, {}), ccxt.InsufficientFunds, "-2019"),
        (("limit", "buy", 0.001, 60_000, {}), ccxt.InvalidOrder, "-4164"),
        (("limit", "buy", 0.01, 70_000, {"postOnly": True}), ccxt.OrderNotFillable, "-5022"),
        (
            ("stop_market", "sell", 0.01, None, {"stopPrice": 66_000}),
            ccxt.OrderImmediatelyFillable,
            "-2021",
        ),
    ],
)
def test_refusals_arrive_as_the_class_that_binance_would_cause(
    swap: Client, order: Place, error: type[Exception], code: str
) -> None:
    """ccxt must pick the table of linear markets, or most of these become ExchangeError."""
    with pytest.raises(error, match=code) as caught:
        swap.create_order(BTC, *order)
    assert type(caught.value) is error


def test_async_ccxt_gets_the_same_classes_without_a_warning(exchange: PracticeExchange) -> None:
    async def close() -> None:
        client = ccxt.async_support.binance(exchange.ccxt_config(options={"defaultType": "swap"}))
        try:
            await client.load_markets()
            await client.create_order(BTC, "market", "sell", 0.01, None, {"reduceOnly": True})
        finally:
            await client.close()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ccxt.InvalidOrder, match="-2022"):
            asyncio.run(close())


def test_step_violation_is_1111(exchange: PracticeExchange, swap: Client) -> None:
    swap.markets[BTC]["precision"]["amount"] = 0.0001
    with pytest.raises(ccxt.BadRequest, match="-1111"):
        swap.create_order(BTC, "market", "buy", 0.0101)


def test_reduce_only_never_flips(exchange: PracticeExchange, swap: Client) -> None:
    exchange.seed_position(BTC, 0.01)
    order = swap.create_order(BTC, "market", "sell", 0.05, None, {"reduceOnly": True})
    assert order["filled"] == 0.01
    assert exchange.positions() == {}


def test_resting_reduce_only_expires_when_nothing_is_left(
    exchange: PracticeExchange, swap: Client
) -> None:
    exchange.seed_position(BTC, 0.01)
    order = swap.create_order(BTC, "limit", "sell", 0.01, 70_000, {"reduceOnly": True})
    exchange.seed_position(BTC, 0)
    exchange.set_price(BTC, 70_001)
    assert swap.fetch_order(order["id"], BTC)["status"] == "expired"
    assert exchange.positions() == {}


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_stop_triggers_and_leads_to_the_real_order(
    exchange: PracticeExchange, swap: Client, side: str
) -> None:
    long = side == "sell"
    exchange.seed_position(BTC, 0.01 if long else -0.01)
    params = {"stopPrice": 60_000 if long else 70_000, "reduceOnly": True}
    stop = swap.create_order(BTC, "stop_market", side, 0.01, None, params)
    exchange.set_price(BTC, params["stopPrice"])
    triggered = swap.fetch_order(stop["id"], BTC, {"stop": True})
    assert triggered["info"]["algoStatus"] == "FINISHED"
    actual = swap.fetch_order(triggered["info"]["actualOrderId"], BTC)
    assert (actual["status"], actual["filled"]) == ("closed", 0.01)
    assert exchange.positions() == {}


def test_funding_is_booked_as_income(exchange: PracticeExchange, swap: Client) -> None:
    exchange.seed_funding(BTC, -1.5)
    [row] = swap.fetch_funding_history(BTC)
    assert row["amount"] == -1.5


def test_leverage_and_margin_mode(exchange: PracticeExchange, swap: Client) -> None:
    swap.set_leverage(7, BTC)
    swap.set_margin_mode("isolated", BTC)
    swap.options["throwMarginModeAlreadySet"] = True  # older ccxt: off
    swap.options.setdefault("setMarginMode", {})["throwMarginModeAlreadySet"] = True
    with pytest.raises(ccxt.MarginModeAlreadySet, match="-4046"):
        swap.set_margin_mode("isolated", BTC)
    swap.create_order(BTC, "market", "buy", 0.01)
    assert exchange.positions()[BTC]["leverage"] == 7
    with pytest.raises(ccxt.ExchangeError, match="-4048"):
        swap.set_margin_mode("cross", BTC)


# Who asks


@pytest.mark.parametrize(
    ("wrong", "error", "code"),
    [
        ({"apiKey": "other"}, ccxt.AuthenticationError, "-2015"),
        ({"secret": "other"}, ccxt.AuthenticationError, "-1022"),
    ],
)
def test_wrong_credentials(
    exchange: PracticeExchange, swap: Client, wrong: dict[str, str], error: type[Exception],
    code: str,
) -> None:  # fmt: skip
    for name, value in wrong.items():
        setattr(swap, name, value)
    with pytest.raises(error, match=code):
        swap.fetch_balance()


def test_clock_out_of_the_window_is_1021(exchange: PracticeExchange, swap: Client) -> None:
    exchange.set_clock_offset(60_000)
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        swap.fetch_balance()
    swap.load_time_difference()
    swap.options["adjustForTimeDifference"] = True
    assert swap.fetch_balance()["USDT"]["total"] == 100_000


def test_log_keeps_times_and_no_secret(exchange: PracticeExchange, swap: Client) -> None:
    exchange.clear_log()
    exchange.set_latency(40)
    swap.create_order(BTC, "market", "buy", 0.01)
    [entry] = exchange.requests("/fapi/v1/order", "POST")
    assert entry["params"]["symbol"] == "BTCUSDT"
    assert 0.019 < entry["executed"] - entry["arrived"] < entry["answered"] - entry["arrived"]
    assert entry["answered"] - entry["arrived"] > 0.039
    everything = json.dumps(exchange.requests())
    assert "signature" not in everything
    assert exchange.settings.secret not in everything
    assert exchange.settings.key not in everything


# Faults


def _buy(client: Client) -> Any:
    return client.create_order(BTC, "market", "buy", 0.01)


ORDER = {"path": "/order$", "method": "POST"}


def test_fault_error_with_headers_and_echoed_key(exchange: PracticeExchange, swap: Client) -> None:
    exchange.add_fault(
        "error", **ORDER, status=503, code=-1000, msg="key {api_key}", headers={"Retry-After": "3"},
        times=1, after=1,
    )  # fmt: skip
    _buy(swap)
    with pytest.raises(ccxt.OperationFailed, match=f"key {exchange.settings.key}"):
        _buy(swap)
    assert swap.last_response_headers["Retry-After"] == "3"
    _buy(swap)
    assert exchange.positions()[BTC]["amount"] == "0.02"


@pytest.mark.parametrize(("kind", "executed"), [("drop_before", False), ("drop_after", True)])
def test_fault_drop(exchange: PracticeExchange, swap: Client, kind: str, executed: bool) -> None:
    exchange.add_fault(kind, **ORDER)
    with pytest.raises(ccxt.NetworkError):
        _buy(swap)
    assert bool(exchange.positions()) is executed


def test_fault_hang_is_not_executed(exchange: PracticeExchange, swap: Client) -> None:
    exchange.add_fault("hang", **ORDER)
    swap.timeout = 100
    with pytest.raises(ccxt.RequestTimeout):
        _buy(swap)
    assert exchange.positions() == {}


def test_fault_late_executes_after_the_client_has_let_go(
    exchange: PracticeExchange, swap: Client
) -> None:
    exchange.add_fault("late", **ORDER, delay_ms=150)
    swap.timeout = 50
    with pytest.raises(ccxt.RequestTimeout):
        _buy(swap)
    assert exchange.core.log.wait_for(lambda rows: rows[-1].executed is not None)
    assert exchange.positions()[BTC]["amount"] == "0.01"


def test_fault_latency(exchange: PracticeExchange, swap: Client) -> None:
    exchange.add_fault("latency", **ORDER, latency_ms=80, symbol="BTCUSDT", side="BUY")
    started = time.monotonic()
    _buy(swap)
    assert time.monotonic() - started > 0.08


def test_fault_partial_market_and_limit(exchange: PracticeExchange, swap: Client) -> None:
    exchange.add_fault("partial", **ORDER, share=0.5)
    assert _buy(swap)["status"] == "expired"
    order = swap.create_order(BTC, "limit", "buy", 0.01, 66_000)
    assert (order["status"], order["filled"]) == ("open", 0.005)
    exchange.core.tick()
    assert swap.fetch_order(order["id"], BTC)["filled"] == 0.005


def test_fault_bad_json_executes(exchange: PracticeExchange, swap: Client) -> None:
    exchange.add_fault("bad_json", **ORDER)
    answer = _buy(swap)
    assert answer["id"] is None  # ccxt makes an empty order of it
    assert exchange.positions()[BTC]["amount"] == "0.01"


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "answer", "status": 502, "body": "<html>Bad Gateway</html>"},
        {"kind": "answer", "status": 200, "body": ""},
        {"kind": "truncated"},
    ],
)
def test_fault_spoilt_answer_executes(
    exchange: PracticeExchange, swap: Client, rule: dict[str, Any]
) -> None:
    exchange.add_fault(**rule, **ORDER)
    with contextlib.suppress(ccxt.NetworkError, AttributeError):
        _buy(swap)
    assert exchange.positions()[BTC]["amount"] == "0.01"


def test_fault_error_with_a_page_executes_nothing(exchange: PracticeExchange, swap: Client) -> None:
    exchange.add_fault("error", **ORDER, status=503, body="<html>Maintenance</html>")
    with pytest.raises(ccxt.ExchangeNotAvailable, match="Maintenance"):
        _buy(swap)
    assert exchange.positions() == {}


def test_account_opened_anew_has_nothing_of_the_old_one(
    exchange: PracticeExchange, swap: Client
) -> None:
    exchange.add_fault("latency")
    _buy(swap)
    exchange.open_account_anew()
    assert (exchange.positions(), exchange.orders(), exchange.fills()) == ({}, [], [])
    assert (exchange.faults(), exchange.requests()) == ({}, [])
    assert _buy(swap)["status"] == "closed"


def test_fault_no_fill_answer(exchange: PracticeExchange, swap: Client) -> None:
    exchange.add_fault("no_fill_answer", **ORDER)
    order = _buy(swap)
    assert (order["status"], order["filled"]) == ("open", 0)
    assert swap.fetch_order(order["id"], BTC)["filled"] == 0.01


def test_fault_strikes_one_order_of_a_batch(exchange: PracticeExchange, swap: Client) -> None:
    exchange.add_fault("error", path="batchOrders", symbol="ETHUSDT", code=-1001)
    buy = {"type": "market", "amount": 0.1, "side": "buy"}
    swap.create_orders([buy | {"symbol": BTC}, buy | {"symbol": ETH}])
    assert list(exchange.positions()) == [BTC]


def test_faults_stop_after_their_times_and_can_be_removed(exchange: PracticeExchange) -> None:
    number = exchange.add_fault("hang")
    exchange.remove_fault(number)
    exchange.add_fault("hang")
    exchange.clear_faults()
    assert exchange.faults() == {}
    with pytest.raises(ValueError, match="unknown"):
        exchange.add_fault("explode")


# Limits


def test_weight_limit_answers_429_then_418(exchange: PracticeExchange, swap: Client) -> None:
    exchange.set_limits(weight_per_minute=12, ban_after=1)
    swap.fetch_balance()
    assert swap.last_response_headers["X-MBX-USED-WEIGHT-1M"] == "5"
    swap.fetch_balance()
    with pytest.raises(ccxt.DDoSProtection, match="429"):
        swap.fetch_balance()
    assert 1 <= int(swap.last_response_headers["Retry-After"]) <= 60
    with pytest.raises(ccxt.DDoSProtection, match="418"):
        swap.fetch_balance()
    exchange.set_limits()
    assert swap.fetch_balance()


def test_orders_per_second(exchange: PracticeExchange, swap: Client) -> None:
    exchange.set_limits(orders_per_second=2)
    _buy(swap)
    _buy(swap)
    with pytest.raises(ccxt.DDoSProtection, match="-1015"):
        _buy(swap)
    assert swap.last_response_headers["Retry-After"] == "1"


# Spot


def test_spot_buy_pays_its_fee_in_the_base_asset(exchange: PracticeExchange, spot: Client) -> None:
    order = spot.create_order(SPOT, "market", "buy", 0.1)
    assert (order["status"], order["fee"]["currency"]) == ("closed", "BTC")
    assert spot.fetch_balance()["BTC"]["free"] == pytest.approx(0.0999)
    sold = spot.create_order(SPOT, "market", "sell", 0.0999)
    assert sold["fee"]["currency"] == "USDT"
    assert exchange.balances()["BTC"]["total"] == "0"
    assert len(spot.fetch_my_trades(SPOT)) == 2


def test_spot_stop_locks_the_coins_until_cancelled(
    exchange: PracticeExchange, spot: Client
) -> None:
    exchange.seed_balance("BTC", 0.1)
    params = {"stopPrice": 60_000}
    stop = spot.create_order(SPOT, "stop_loss_limit", "sell", 0.1, 59_000, params)
    assert exchange.balances()["BTC"] == {"total": "0.1", "free": "0", "locked": "0.1"}
    with pytest.raises(ccxt.InsufficientFunds, match="insufficient balance"):
        spot.create_order(SPOT, "market", "sell", 0.1)
    spot.cancel_order(stop["id"], SPOT)
    assert spot.create_order(SPOT, "market", "sell", 0.1)["status"] == "closed"


def test_spot_stop_triggers(exchange: PracticeExchange, spot: Client) -> None:
    exchange.seed_balance("BTC", 0.1)
    stop = exchange.seed_order(SPOT, "sell", 0.1, 59_000, stop_price=60_000)
    exchange.set_price(SPOT, 59_900)
    assert spot.fetch_order(stop, SPOT)["status"] == "closed"
    assert exchange.balances()["BTC"] == {"total": "0", "free": "0", "locked": "0"}


def test_spot_refusals(exchange: PracticeExchange, spot: Client) -> None:
    with pytest.raises(ccxt.BadRequest, match="NOTIONAL"):
        spot.create_order(SPOT, "limit", "buy", 0.00005, 60_000)
    with pytest.raises(ccxt.InvalidOrder, match="MARKET_LOT_SIZE"):
        spot.create_order(SPOT, "market", "sell", 121)
    exchange.seed_balance("USDT", 10)
    with pytest.raises(ccxt.InsufficientFunds):
        spot.create_order(SPOT, "limit", "buy", 0.01, 60_000)
    with pytest.raises(ccxt.OrderNotFound):
        spot.fetch_order("1", SPOT)


def test_spot_limit_buy_locks_and_cancel_all_gives_back(
    exchange: PracticeExchange, spot: Client
) -> None:
    spot.create_order(SPOT, "limit", "buy", 0.1, 60_000)
    assert exchange.balances()["USDT"]["locked"] == "6000"
    spot.cancel_all_orders(SPOT)
    assert exchange.balances()["USDT"] == {"total": "100000", "free": "100000", "locked": "0"}


# Load, processes, freqtrade


def test_300_connections_at_once(exchange: PracticeExchange) -> None:
    async def ask() -> list[int]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one() -> int:
                async with session.get(
                    f"https://127.0.0.1:{exchange.port}/fapi/v1/time", ssl=False
                ) as response:
                    return response.status

            return await asyncio.gather(*[one() for _ in range(300)])

    exchange.set_latency(300)
    assert set(asyncio.run(ask())) == {200}


def test_wait_for_requests_waits_for_the_thing(exchange: PracticeExchange, swap: Client) -> None:
    exchange.clear_log()
    assert not exchange.wait_for_requests("/fapi/v3/account", timeout_s=0.01)
    swap.fetch_balance()
    assert exchange.wait_for_requests("/fapi/v3/account")


def test_positions_of_another_settle_currency(exchange: PracticeExchange, swap: Client) -> None:
    pair = "BTC/USDC:USDC"
    swap.create_order(pair, "market", "sell", 0.01)
    assert [(p["symbol"], p["side"]) for p in swap.fetch_positions()] == [(pair, "short")]
    assert exchange.fills()[-1]["commissionAsset"] == "USDC"


def test_synthetic_markets(tmp_path: Path) -> None:
    with PracticeExchange(Settings(synthetic_markets=250)) as exchange:
        client = _client(exchange, "swap")
        assert "P250/USDT:USDT" in client.markets
        assert len(client.fetch_tickers()) == len(exchange.pairs()) + 1  # BTCUSDC
        client.session.close()


def test_candles_are_aligned_and_repeatable(swap: Client) -> None:
    candles = swap.fetch_ohlcv(BTC, "5m", limit=499)
    times = [candle[0] for candle in candles]
    assert len(times) == 499
    assert all(b - a == 300_000 for a, b in pairwise(times))
    assert times[-1] // 300_000 == swap.fetch_time() // 300_000
    again = swap.fetch_ohlcv(BTC, "5m", since=times[10], limit=5)
    assert again == candles[10:15]


def test_own_process_and_control_url(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "freqtrade_liquidation.drill.exchange", "--exit-with-stdin"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        url = ready["control_url"]
        call(url, "seed_position", pair=BTC, amount=0.5, entry_price=64_000)
        call(url, "add_fault", kind="latency", path="positionRisk", latency_ms=1)
        client = ccxt.binance(ready["ccxt_config"] | {"options": {"defaultType": "swap"}})
        assert [p["contracts"] for p in client.fetch_positions()] == [0.5]
        client.session.close()
        assert call(url, "requests", path="positionRisk")[0]["faults"] == ["latency"]
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_freqtrades_stoploss_wrapper(exchange: PracticeExchange, tmp_path: Path) -> None:
    """create_stoploss, fetch_stoploss_order, cancel_stoploss_order, and a stop that triggered."""
    config = _bot_config(exchange, tmp_path, futures=True, pairs=[BTC])
    wrapper = ExchangeResolver.load_exchange(config, validate=True, load_leverage_tiers=True)
    exchange.seed_position(BTC, 0.01)

    def stop() -> Any:
        return wrapper.create_stoploss(BTC, 0.01, 60_000, {"stoploss": "market"}, "sell", 5)

    first = stop()
    assert wrapper.fetch_stoploss_order(first["id"], BTC)["status"] == "open"
    wrapper.cancel_stoploss_order(first["id"], BTC)
    assert wrapper.fetch_stoploss_order(first["id"], BTC)["status"] == "canceled"
    second = stop()
    exchange.set_price(BTC, 59_000)
    hit = wrapper.fetch_stoploss_order(second["id"], BTC)
    assert (hit["status"], hit["status_stop"], hit["filled"]) == ("closed", "triggered", 0.01)
    with pytest.raises(InvalidOrderException, match="-2022"):
        wrapper.create_order(
            pair=BTC, ordertype="market", side="sell", amount=0.01, rate=59_000, leverage=5,
            reduceOnly=True,
        )  # fmt: skip
    wrapper.close()


@pytest.fixture
def run_bot(exchange: PracticeExchange, tmp_path: Path) -> Iterator[Callable[..., FreqtradeBot]]:
    """Build and start freqtrade's real bot in live mode."""
    bots: list[FreqtradeBot] = []

    def build(*, futures: bool, pairs: list[str]) -> FreqtradeBot:
        bot = FreqtradeBot(_bot_config(exchange, tmp_path, futures=futures, pairs=pairs))
        bots.append(bot)
        bot.state = State.RUNNING
        bot.startup()
        return bot

    yield build
    for bot in bots:
        bot.cleanup()
        Trade.session.remove()


def test_freqtrade_bot_trades_futures(
    exchange: PracticeExchange, run_bot: Callable[..., FreqtradeBot]
) -> None:
    bot = run_bot(futures=True, pairs=[BTC, ETH, "XRP/USDT:USDT"])
    for _ in range(3):
        bot.process()
    trades = Trade.get_open_trades()
    assert {t.pair: t.is_short for t in trades} == {BTC: False, ETH: True, "XRP/USDT:USDT": False}
    assert all(t.has_open_sl_orders and t.fee_open_currency == "USDT" for t in trades)
    held = {pair: abs(float(p["amount"])) for pair, p in exchange.positions().items()}
    assert held == {t.pair: t.amount for t in trades}
    stops = exchange.open_algo_orders()
    assert {s["pair"] for s in stops} == set(held)
    assert all(s["reduceOnly"] for s in stops)
    unexpected = [r for r in exchange.requests() if r["status"] != 200 and r["code"] != -4046]
    assert unexpected == []


def test_freqtrade_bot_books_a_stop_that_the_exchange_executed(
    exchange: PracticeExchange, run_bot: Callable[..., FreqtradeBot]
) -> None:
    bot = run_bot(futures=True, pairs=[BTC])
    bot.process()
    bot.process()
    exchange.set_price(BTC, 60_000)
    bot.process()
    [closed] = Trade.get_trades([Trade.is_open.is_(False)]).all()
    assert closed.exit_reason == "stoploss_on_exchange"
    assert closed.close_profit is not None
    assert closed.close_profit < 0


def test_freqtrade_bot_trades_spot(
    exchange: PracticeExchange, run_bot: Callable[..., FreqtradeBot]
) -> None:
    bot = run_bot(futures=False, pairs=[SPOT, "ETH/USDT"])
    for _ in range(3):
        bot.process()
    trades = Trade.get_open_trades()
    assert {t.pair for t in trades} == {SPOT, "ETH/USDT"}
    stops = exchange.open_orders(futures=False)
    assert {s["type"] for s in stops} == {"STOP_LOSS_LIMIT"}
    assert len(stops) == 2
    assert float(exchange.balances()["BTC"]["locked"]) > 0
    assert [r for r in exchange.requests() if r["status"] != 200] == []

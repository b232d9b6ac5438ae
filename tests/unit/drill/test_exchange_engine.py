"""The practice exchange's rules, without HTTP: exact numbers, and what must never happen."""

import random
from decimal import Decimal
from typing import Any

import pytest

from freqtrade_liquidation.drill.exchange import FaultRule, PracticeExchange, Refusal, Settings
from freqtrade_liquidation.drill.exchange.binance.facade import TABLE
from freqtrade_liquidation.drill.exchange.book import Depth, levels, walk
from freqtrade_liquidation.drill.exchange.control import METHODS
from freqtrade_liquidation.drill.exchange.core import Core
from freqtrade_liquidation.drill.exchange.faults import FaultBoard
from freqtrade_liquidation.drill.exchange.limits import Limits
from freqtrade_liquidation.drill.exchange.markets import default_markets

D = Decimal
BTC = "BTCUSDT"


@pytest.fixture
def core() -> Core:
    """Fixed prices."""
    return Core(Settings(moving_ratio=0))


def _order(side: str, amount: str, **more: str) -> dict[str, str]:
    return {"symbol": BTC, "side": side, "type": "MARKET", "quantity": amount} | more


def test_walk_stops_at_the_limit_and_at_the_end_of_the_book() -> None:
    market = default_markets(futures=True)[BTC]
    depth = Depth(3, D(6_500))
    fills = walk(levels(market, D(65_000), "BUY", depth), "BUY", D(1), D("65006.6"))
    assert fills == [(D("65000.1"), D("0.099")), (D("65006.6"), D("0.099"))]
    assert sum(a for _, a in walk(levels(market, D(65_000), "SELL", depth), "SELL", D(9), None)) < 1


def test_adding_averages_the_entry_and_flipping_starts_anew(core: Core) -> None:
    futures = core.futures
    futures.place(_order("BUY", "0.1"))
    core.prices.set_price(BTC, D(66_000), core.now_ms())
    futures.place(_order("BUY", "0.1"))
    assert futures.position(BTC).entry_price == (D("65000.1") + D("66000.1")) / 2
    futures.place(_order("SELL", "0.3"))
    assert futures.position(BTC).amount == D("-0.1")
    assert futures.position(BTC).entry_price == D("65999.9")


def test_wallet_moves_by_realized_profit_less_commission(core: Core) -> None:
    futures = core.futures
    before = futures.wallets["USDT"]
    for side in ("BUY", "SELL"):
        futures.place(_order(side, "0.1"))
    earned = sum((f.realized_pnl - f.commission for f in futures.fills), D(0))
    assert futures.wallets["USDT"] == before + earned
    assert futures.fills[-1].realized_pnl == D("-0.02")


def test_strict_reduce_only_refuses_what_resting_orders_already_cover(core: Core) -> None:
    futures = core.futures
    futures.place(_order("BUY", "0.1"))
    resting = {"type": "LIMIT", "price": "70000", "reduceOnly": "true"}
    futures.place(_order("SELL", "0.1", **resting))
    futures.strict_reduce_only = True
    with pytest.raises(Refusal, match="ReduceOnly") as claimed:
        futures.place(_order("SELL", "0.1", reduceOnly="true"))
    assert claimed.value.code == -4118
    futures.strict_reduce_only = False
    futures.place(_order("SELL", "0.1", reduceOnly="true"))
    assert futures.position(BTC).amount == 0
    futures.strict_reduce_only = True
    with pytest.raises(Refusal) as nothing_left:
        futures.place(_order("SELL", "0.1", reduceOnly="true"))
    assert nothing_left.value.code == -2022


def test_fill_or_kill_fills_all_or_nothing(core: Core) -> None:
    core.futures.depths[BTC] = Depth(1, D(6_500))
    fok = {"type": "LIMIT", "price": "66000", "timeInForce": "FOK"}
    assert core.futures.place(_order("BUY", "0.2", **fok)).status == "EXPIRED"
    assert core.futures.place(_order("BUY", "0.05", **fok)).status == "FILLED"


def test_stop_without_a_position_is_rejected_when_it_triggers(core: Core) -> None:
    stop = core.futures.algo.place(
        _order("SELL", "0.1", type="STOP_MARKET", triggerPrice="60000", reduceOnly="true",
               algoType="CONDITIONAL")
    )  # fmt: skip
    core.prices.set_price(BTC, D(59_000), core.now_ms())
    core.tick()
    assert (stop.status, stop.actual_order_id) == ("REJECTED", 0)
    assert core.futures.position(BTC).amount == 0


def test_close_position_stop_closes_whatever_is_there(core: Core) -> None:
    core.futures.place(_order("SELL", "0.3"))
    params = {"symbol": BTC, "side": "BUY", "type": "STOP_MARKET", "triggerPrice": "70000",
              "closePosition": "true", "algoType": "CONDITIONAL"}  # fmt: skip
    stop = core.futures.algo.place(params)
    core.prices.set_price(BTC, D(70_000), core.now_ms())
    core.tick()
    assert (stop.status, core.futures.position(BTC).amount) == ("FINISHED", D(0))


def test_reduce_only_never_grows_or_flips_whatever_happens(core: Core) -> None:
    """Many random schedules: a reduce-only order only ever brings a position nearer to zero."""
    rng, codes = random.Random(7), set[int]()
    futures = core.futures
    for _ in range(400):
        if rng.random() < 0.4:
            futures.place(_order(rng.choice(["BUY", "SELL"]), str(rng.randint(2, 9) / 1000)))
        if rng.random() < 0.2:
            price = D(rng.randint(60_000, 70_000))
            core.prices.set_price(BTC, price, core.now_ms())
        before = futures.position(BTC).amount
        closing = _order(rng.choice(["BUY", "SELL"]), str(rng.randint(1, 20) / 1000))
        try:
            futures.place(closing | {"reduceOnly": "true"})
        except Refusal as refusal:
            codes.add(refusal.code)
        after = futures.position(BTC).amount
        assert abs(after) <= abs(before)
        assert after * before >= 0
    assert codes == {-2022}


def test_spot_conserves_what_it_does_not_charge(core: Core) -> None:
    """Over random orders: balances never go below zero, locks never exceed them."""
    rng, codes = random.Random(3), set[int]()
    spot = core.spot
    spot.balances["BTC"] = D("0.5")
    for _ in range(300):
        kind: dict[str, str] = {}
        if rng.random() < 0.6:
            kind = {"type": "LIMIT", "price": str(rng.randint(60_000, 70_000))}
        try:
            spot.place(_order(rng.choice(["BUY", "SELL"]), str(rng.randint(1, 300) / 1000), **kind))
        except Refusal as refusal:
            codes.add(refusal.code)
        if rng.random() < 0.3 and spot.open_orders():
            spot.cancel(rng.choice(spot.open_orders()))
        core.prices.set_price(BTC, D(rng.randint(58_000, 72_000)), core.now_ms())
        core.tick()
        for asset in ("BTC", "USDT"):
            assert 0 <= spot.locked(asset) <= spot.balances[asset]
    for order in spot.open_orders():
        spot.cancel(order)
    assert spot.locked("BTC") == spot.locked("USDT") == 0
    assert codes == {-2010}


def test_prices_repeat_for_the_same_seed_and_move() -> None:
    one, two, other = Core(Settings(seed=4)), Core(Settings(seed=4)), Core(Settings(seed=5))
    times = range(0, 86_400_000, 3_600_000)
    path = [one.prices.at(BTC, t) for t in times]
    assert path == [two.prices.at(BTC, t) for t in times]
    assert path != [other.prices.at(BTC, t) for t in times]
    assert len(set(path)) > 10
    assert all(p % D("0.1") == 0 for p in path)


def test_rule_counts_only_what_it_matches() -> None:
    board = FaultBoard()
    board.add(FaultRule(kind="error", method="POST", path="order$", symbol=BTC, times=2, after=1))
    hits = [
        bool(board.take("POST", "/fapi/v1/order", {"symbol": symbol}))
        for symbol in (BTC, "ETHUSDT", BTC, BTC, BTC)
    ]
    assert hits == [False, False, True, True, False]
    assert board.rules()[1]["matched"] == 4


@pytest.mark.parametrize("wrong", [{"kind": "x"}, {"path": "("}, {"share": 2}])
def test_wrong_rule_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        FaultRule(**({"kind": "partial"} | wrong))


def test_order_windows_slide(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    limits = Limits(orders_per_window={10: 2})
    assert [limits.spend(0, 1) is None for _ in range(3)] == [True, True, False]
    now += 10.1
    assert limits.spend(0, 2) is None
    assert limits.headers()["X-MBX-ORDER-COUNT-10S"] == "2"


def test_control_offers_every_operator_method_and_nothing_private() -> None:
    assert {"seed_position", "requests", "add_fault", "set_price"} <= METHODS
    assert not any(name.startswith("_") for name in METHODS)


def test_every_account_endpoint_is_signed() -> None:
    private = {path for (_, path), route in TABLE.items() if route.signed}
    assert {"/fapi/v1/order", "/fapi/v1/algoOrder", "/api/v3/order", "/fapi/v3/account"} <= private
    assert not private & {"/fapi/v1/time", "/fapi/v1/depth", "/api/v3/klines"}


def test_synthetic_markets_have_a_limit() -> None:
    assert len(default_markets(futures=False, synthetic=250)) == 262
    with pytest.raises(ValueError, match="251"):
        default_markets(futures=True, synthetic=251)


def test_unknown_pair_is_named() -> None:
    with PracticeExchange() as exchange, pytest.raises(ValueError, match="NOPE/USDT"):
        exchange.seed_position("NOPE/USDT:USDT", 1)

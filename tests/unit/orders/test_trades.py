"""What freqtrade's database says of a trade: whose it is, and how much of it was ever bought."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from freqtrade.enums import TradingMode
from freqtrade.persistence import Order, Trade, init_db

from freqtrade_liquidation.orders.trades import open_trades, ours

PAIR = "BTC/USDT"
SPOT, FUTURES = TradingMode.SPOT, TradingMode.FUTURES


@pytest.fixture(autouse=True)
def database() -> Iterator[None]:
    init_db("sqlite://")
    yield
    Trade.session.remove()


def config(
    name: str = "binance",
    mode: TradingMode | None = SPOT,
    *,
    dry_run: bool = False,
    demo: bool = False,
) -> dict[str, Any]:
    exchange = {"name": name, "demo_trading": demo}
    return {"dry_run": dry_run, "trading_mode": mode, "exchange": exchange}


def order(order_id: str, side: str, filled: float | None, **values: Any) -> Order:
    """At its end, unless it says otherwise."""
    usual: dict[str, Any] = {
        "ft_pair": PAIR, "ft_order_side": side, "ft_is_open": False, "ft_amount": 1.0,
        "ft_price": 100.0, "amount": 1.0, "filled": filled, "status": "closed",
    }  # fmt: skip
    return Order(order_id=order_id, **(usual | values))


def put(*orders: Order, amount: float = 0.5, **values: Any) -> None:
    usual: dict[str, Any] = {
        "pair": PAIR, "exchange": "binance", "trading_mode": SPOT, "stake_amount": 10.0,
        "open_rate": 100.0, "fee_open": 0.001, "fee_close": 0.001, "is_open": True,
        "open_date": datetime.now(UTC), "leverage": 1.0, "is_short": False,
    }  # fmt: skip
    trade = Trade(amount=amount, **(usual | values))
    trade.orders.extend(orders)
    Trade.session.add(trade)
    Trade.commit()


# -- whose ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "running", "demo", "is_ours"),
    [
        ("binance", "binance", False, True),
        ("BINANCE", "binance", False, True),
        ("binance", "Binance", False, True),
        ("binance", "binanceusdm", False, True),
        ("gateio", "gate", False, True),
        ("gate", "gateio", False, True),
        ("okx", "myokx", False, True),
        ("kraken", "binance", False, False),
        ("binanceus", "binance", False, False),
        ("kraken", "krakenfutures", False, False),
        ("", "binance", False, False),
        ("binance_demo", "binance", True, True),
        ("gateio_demo", "gate", True, True),
        ("binance", "binance", True, False),
        ("binance_demo", "binance", False, False),
    ],
)
def test_trade_of_another_exchange_is_left_alone(
    written: str, running: str, demo: bool, is_ours: bool
) -> None:
    put(order("1", "buy", 0.5), exchange=written)
    [trade] = found = open_trades(config(running, demo=demo))
    assert bool(ours(found)) is is_ours
    if not is_ours:
        assert f"its trade is of {written}, and this bot trades on {running}" in str(
            trade.left_alone
        )


@pytest.mark.parametrize(
    ("written", "running", "is_ours"),
    [
        (SPOT, SPOT, True),
        (FUTURES, FUTURES, True),
        (None, SPOT, True),
        (SPOT, None, True),
        (SPOT, FUTURES, False),
        (None, FUTURES, False),
        (FUTURES, SPOT, False),
        (TradingMode.MARGIN, SPOT, False),
    ],
)
def test_trade_of_the_other_market_is_left_alone(
    written: TradingMode | None, running: TradingMode | None, is_ours: bool
) -> None:
    """Trades of old releases have no mode: those were spot."""
    put(order("1", "buy", 0.5), trading_mode=written)
    assert bool(ours(open_trades(config(mode=running)))) is is_ours


def test_dry_runs_trade_is_left_alone_by_a_live_bot_and_a_dry_runs_own() -> None:
    put(order("dry_run_buy_BTC/USDT_1", "buy", 0.5))
    [live], [dry] = open_trades(config()), open_trades(config(dry_run=True))
    assert "nothing of it was ever bought: left alone" in str(live.left_alone)
    assert (dry.left_alone, dry.owned) == (None, 0.5)


# -- how much -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("orders", "amount", "owned"),
    [
        ([("buy", 0.5, {})], 0.5, 0.5),
        ([("buy", 0.5, {})], 7.0, 0.5),
        ([("buy", 0.5, {})], 0.2, 0.2),
        ([("buy", 0.5, {"ft_fee_base": 0.1})], 0.5, 0.4),
        ([("buy", 0.5, {}), ("sell", 0.3, {})], 0.5, 0.2),
        ([("buy", 0.5, {}), ("stoploss", 0.3, {})], 0.5, 0.2),
        ([("buy", 0.5, {}), ("stoploss", 0.3, {"status": "canceled"})], 0.5, 0.2),
        ([("buy", 0.5, {"status": "canceled"}), ("buy", 0.2, {})], 0.7, 0.7),
        ([("buy", 0.5, {}), ("buy", 0.2, {"ft_is_open": True})], 0.7, 0.5),
        ([("buy", None, {}), ("sell", None, {"status": "canceled"})], 1.0, 1.0),
        ([("buy", 0.2, {}), ("sell", 0.5, {})], 0.5, 0.0),
        ([("buy", 0.1, {}), ("buy", 0.2, {})], 0.3, 0.3),
        ([], 0.5, 0.5),
    ],
    ids=[
        "as it says", "says more", "says less", "fee in coins", "exit", "stop",
        "stop cancelled in part", "entry cancelled in part", "entry open", "fill not recorded",
        "oversold", "float noise", "no order on record",
    ],
)  # fmt: skip
def test_trade_owns_no_more_than_its_orders_have_bought(
    orders: list[tuple[str, float | None, dict[str, Any]]], amount: float, owned: float
) -> None:
    put(
        *(order(str(n), side, filled, **values) for n, (side, filled, values) in enumerate(orders)),
        amount=amount,
    )
    [trade] = open_trades(config())
    assert trade.owned == owned
    assert trade.is_overstated is (amount > owned)


def test_short_is_opened_by_its_sells() -> None:
    sold, bought = order("1", "sell", 0.5), order("2", "buy", 0.2)
    put(sold, bought, is_short=True, trading_mode=FUTURES)
    [trade] = open_trades(config(mode=FUTURES))
    assert trade.owned == 0.3


def test_of_a_mixed_trade_the_orders_that_were_sent_count() -> None:
    """A bot that traded dry first: its database goes on with a live order and its stop."""
    dry = order("dry_run_buy_BTC/USDT_1", "buy", 0.5)
    resting = order("dry_run_stoploss_BTC/USDT_1", "stoploss", 0.0, ft_is_open=True)
    stop = order("8", "stoploss", 0.0, ft_is_open=True)
    put(dry, resting, order("7", "buy", 0.2), stop, amount=0.7)
    [trade] = open_trades(config())
    assert (trade.left_alone, trade.owned) == (None, 0.2)
    assert [known.order_id for known in trade.open_orders] == ["8"]

"""What a run closed and could not book is booked later: by order, once, and only ours."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import (
    STRATEGIES,
    MakeBot,
    event_types,
    events,
    runs,
    said,
    wait_until_invested,
)
from tests.integration.test_main_job import fills_pnl

CLOSED = "SELECT * FROM trades WHERE is_open = 0"
NO_ENTRIES = {"max_open_trades": 0}


def of_type(bot: BotProcess, kind: str) -> list[dict[str, Any]]:
    return [event for event in events(bot) if event["event_type"] == kind]


def heartbeats(bot: BotProcess) -> int:
    return said(bot).count("state='RUNNING'")


def assert_booked(bot: BotProcess, exchange: PracticeExchange, count: int) -> None:
    """Every trade closed by us, with the profit of the exchange's fills, each order once."""
    trades = bot.query(CLOSED)
    assert len(trades) == count, bot.log_tail()
    for trade in trades:
        assert trade["exit_reason"] == "emergency_liquidation"
        expected = fills_pnl(exchange, trade["pair"])
        assert trade["close_profit_abs"] == pytest.approx(expected, abs=0.005)
        assert trade["fee_close_currency"] == "USDT"
    exits = bot.query("SELECT order_id FROM orders WHERE ft_order_side IN ('sell', 'buy')")
    assert len(exits) == len({row["order_id"] for row in exits}) == 2 * count
    assert bot.query("SELECT * FROM orders WHERE ft_is_open = 1") == []


def kill_before_the_booking(bot: BotProcess, exchange: PracticeExchange) -> None:
    """The book is flat on the exchange; the questions that booking asks are never answered."""
    exchange.add_fault("hang", path="userTrades")
    bot.send(signal.SIGTERM)
    bot.wait_for(lambda: not (exchange.positions() or exchange.open_orders()), "a flat book")
    bot.send(signal.SIGKILL)
    bot.wait(20)
    exchange.clear_faults()


@contextmanager
def write_locked(bot: BotProcess) -> Iterator[None]:
    """Somebody else holds the database's write lock."""
    connection = sqlite3.connect(bot.database, isolation_level=None, timeout=10)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


def test_run_with_a_locked_database_is_booked_at_the_next_start_and_only_once(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """The audit trail went to the file, the trades nowhere. A third start books nothing more."""
    bot = make_bot(pairs=2)
    with bot:
        wait_until_invested(bot, 2)
        for pair, factor in zip(exchange.pairs()[:2], (1.02, 0.99), strict=True):
            exchange.set_price(pair, exchange.price(pair) * factor)
        with write_locked(bot):
            bot.send(signal.SIGTERM)
            bot.wait(40)
    assert exchange.positions() == {}
    assert len(bot.open_trades()) == 2
    with make_bot(pairs=2, **NO_ENTRIES) as bot:
        bot.wait_for(lambda: len(of_type(bot, "liquidation_booked")) == 2, "booked pairs")
        assert_booked(bot, exchange, 2)
        bot.kill()
    beats = heartbeats(bot)
    exchange.clear_log()
    with make_bot(pairs=2, **NO_ENTRIES) as bot:
        bot.wait_for(lambda: heartbeats(bot) > beats, "a heartbeat")
        assert_booked(bot, exchange, 2)
        assert len(of_type(bot, "liquidation_booked")) == 2
        assert exchange.requests("userTrades") == [], "nothing is asked for again"


def test_killed_run_is_told_pair_by_pair_and_its_part_is_booked_as_a_partial_exit(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Half of the first pair is closed and its rest refused; the second pair is closed."""
    bot = make_bot(pairs=2, liquidation={"timeout_seconds": 10})
    first, second = exchange.pairs()[:2]
    symbol = first.split(":")[0].replace("/", "")
    with bot:
        wait_until_invested(bot, 2)
        rule: dict[str, Any] = {"method": "POST", "path": "/fapi/v1/order$", "symbol": symbol}
        exchange.add_fault("partial", times=1, **rule)
        exchange.add_fault("error", after=1, code=-4108, msg="Symbol is on delivering.", **rule)
        whole = abs(float(exchange.positions()[first]["amount"]))
        bot.send(signal.SIGTERM)
        bot.wait_for(lambda: set(exchange.positions()) == {first}, "one close")
        bot.wait_for(
            lambda: abs(float(exchange.positions()[first]["amount"])) < whole, "half a close"
        )
        bot.kill()
    exchange.clear_faults()
    left = abs(float(exchange.positions()[first]["amount"]))
    with make_bot(pairs=2, **NO_ENTRIES) as bot:
        bot.wait_for(lambda: "liquidation_interrupted" in event_types(bot), "the record")
        bot.wait_for(
            lambda: (
                bool(bot.query(CLOSED)) and any(t["realized_profit"] for t in bot.open_trades())
            ),
            "the booking",
        )
        (run,) = runs(bot)
        (told,) = of_type(bot, "liquidation_interrupted")
        (closed,) = bot.query(CLOSED)
        (open_trade,) = bot.open_trades()
    assert (run["state"], run["positions_closed"], run["positions_failed"]) == ("partial", 1, 1)
    states = {o["pair"]: o["state"] for o in told["additional_data"]["positions"]}
    assert states == {first: "open", second: "closed"}
    (remains,) = told["additional_data"]["remainder"]
    assert remains["residual_amount"] == pytest.approx(left)
    assert remains["amount"] == pytest.approx(whole)
    assert told["additional_data"]["to_finish"] is False, "nobody asked for it"
    assert closed["pair"] == second
    assert closed["close_profit_abs"] == pytest.approx(fills_pnl(exchange, second), abs=0.005)
    assert open_trade["pair"] == first
    assert open_trade["amount"] == pytest.approx(left)
    half = [f for f in exchange.fills() if f["pair"] == first][1]
    paid = float(half["commission"]) * 2  # of the exit, and the entry's share at the same price
    assert open_trade["realized_profit"] == pytest.approx(
        float(half["realizedPnl"]) - paid, abs=0.01
    )


def test_spot_order_of_the_user_in_between_is_not_adopted(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """The user sells own coins of the pair after the kill; only our sell is booked."""
    pair = exchange.pairs(futures=False)[0]
    base = pair.split("/")[0]
    exchange.seed_balance(base, 5)
    bot = make_bot(futures=False, pairs=1)
    with bot:
        wait_until_invested(bot, 1)
        exchange.add_fault("hang", path="myTrades")
        bot.send(signal.SIGTERM)
        bot.wait_for(lambda: len(exchange.fills(False)) == 2, "a sell")
        bot.kill()
    exchange.clear_faults()
    (trade,) = bot.open_trades()
    bought, sold = exchange.fills(False)
    exchange.set_price(pair, exchange.price(pair) * 1.1)
    strange = exchange.seed_order(pair, "sell", exchange.amount_for(pair, 200))
    with make_bot(futures=False, pairs=1, **NO_ENTRIES) as bot:
        bot.wait_for(lambda: len(bot.query(CLOSED)) == 1, "a booked trade")
        bot.wait_for(lambda: "liquidation_booked" in event_types(bot), "the record")
        (closed,) = bot.query(CLOSED)
        known = {row["order_id"] for row in bot.query("SELECT order_id FROM orders")}
        (told,) = of_type(bot, "liquidation_interrupted")
    assert strange not in known
    assert str(sold["orderId"]) in known
    assert closed["id"] == trade["id"]
    assert closed["exit_reason"] == "emergency_liquidation"
    assert closed["close_rate"] == pytest.approx(float(sold["price"]))
    proceeds = float(sold["qty"]) * float(sold["price"]) - float(sold["commission"])
    ratio = float(sold["qty"]) / float(trade["amount"])
    spent = float(bought["qty"]) * float(bought["price"])
    assert closed["close_profit_abs"] == pytest.approx(proceeds - spent * ratio, abs=0.5)
    (outcome,) = told["additional_data"]["positions"]
    assert outcome["state"] in ("closed", "dust")


def test_order_that_never_arrived_books_nothing(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Seconds after it was sent it might still arrive: said once, and nothing is called booked."""
    bot = make_bot(pairs=1, liquidation={"timeout_seconds": 10})
    with bot:
        wait_until_invested(bot, 1)
        exchange.add_fault("hang", method="POST", path="/fapi/v1/order$")
        bot.send(signal.SIGTERM)
        bot.wait_for(
            lambda: any(
                r["params"].get("newClientOrderId", "").startswith("ftl")
                for r in exchange.requests("/order", method="POST")
            ),
            "a close",
        )
        bot.kill()
    exchange.clear_faults()
    with make_bot(pairs=1, **NO_ENTRIES) as bot:
        bot.wait_for(lambda: "liquidation_booking_failed" in event_types(bot), "a word about it")
        assert len(bot.open_trades()) == 1
        (failed,) = of_type(bot, "liquidation_booking_failed")
        assert "may still reach the exchange" in failed["error"]
        assert "liquidation_booked" not in event_types(bot)
        bot.wait_for(lambda: "is NOT booked" in said(bot), "the word in the log")
    assert len(exchange.positions()) == 1


def test_what_the_exchange_does_not_answer_for_waits_and_is_ours_whoever_books_it(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """freqtrade may take the order in by itself meanwhile; the next start books or names it."""
    bot = make_bot(pairs=1)
    with bot:
        wait_until_invested(bot, 1)
        kill_before_the_booking(bot, exchange)
    exchange.add_fault("error", method="GET", path="/fapi/v1/order$", status=503, code=-1008)
    with make_bot(pairs=1, **NO_ENTRIES) as bot:
        bot.wait_for(lambda: "liquidation_booking_failed" in event_types(bot), "a word about it")
        assert "liquidation_booked" not in event_types(bot)
        bot.kill()
    exchange.clear_faults()
    with make_bot(pairs=1, **NO_ENTRIES) as bot:
        bot.wait_for(lambda: "liquidation_booked" in event_types(bot), "the booking")
        assert_booked(bot, exchange, 1)


def test_booked_without_funding_is_booked(exchange: PracticeExchange, make_bot: MakeBot) -> None:
    bot = make_bot(pairs=1)
    with bot:
        wait_until_invested(bot, 1)
        exchange.add_fault("error", path="/fapi/v1/income", status=503, code=-1008)
        bot.send(signal.SIGTERM)
        bot.wait(20)
    (booked,) = of_type(bot, "liquidation_booked")
    assert "funding fees" in booked["additional_data"]["missing"]
    assert "liquidation_booking_failed" not in event_types(bot)
    assert_booked(bot, exchange, 1)
    beats = heartbeats(bot)
    exchange.clear_faults()
    exchange.clear_log()
    with make_bot(pairs=1, **NO_ENTRIES) as bot:
        bot.wait_for(lambda: heartbeats(bot) > beats, "a heartbeat")
        assert len(of_type(bot, "liquidation_booked")) == 1
        assert exchange.requests("/fapi/v1/income") == []


def test_entries_that_a_killed_run_cancelled_leave_no_trade_behind(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """freqtrade's own start closes the order's row, and keeps an empty trade in a slot for good."""
    bot = make_bot(
        pairs=12,
        strategy=(STRATEGIES / "some_rest.py", "SomeRest"),
        custom_price_max_distance_ratio=0.9,
        order_types={
            "entry": "limit",
            "exit": "market",
            "stoploss": "market",
            "stoploss_on_exchange": True,
        },
    )
    with bot:
        wait_until_invested(bot, 10)
        bot.wait_for(lambda: len(exchange.open_orders()) == 2, "resting entries")
        kill_before_the_booking(bot, exchange)
    assert exchange.open_orders() == []
    assert len(bot.query("SELECT * FROM trades WHERE is_open = 1")) == 12
    with make_bot(pairs=12, **NO_ENTRIES) as bot:
        bot.wait_for(lambda: len(of_type(bot, "liquidation_booked")) == 12, "the booking")
        assert bot.query("SELECT * FROM trades WHERE is_open = 1") == []
        assert len(bot.query(CLOSED)) == 10
        assert bot.query("SELECT * FROM orders WHERE ft_is_open = 1") == []
    assert exchange.open_algo_orders() == [], "nor a stop that the run had not come to"

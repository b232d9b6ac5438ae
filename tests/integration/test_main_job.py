"""The main job: SIGTERM brings a real bot's book to flat, proves it, books it, records it."""

import contextlib
import json
import signal
import sqlite3
from typing import Any

import pytest

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
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


def closing_requests(exchange: PracticeExchange) -> list[dict[str, Any]]:
    """Orders that ours placed: those under our names."""
    return [
        request
        for request in exchange.requests("/order", method="POST")
        if request["params"].get("newClientOrderId", "").startswith("ftl")
    ]


def assert_chain(bot: BotProcess) -> None:
    log = AuditLog(
        f"sqlite:///{bot.database}", fallback=bot.folder / "none.sqlite", masker=Masker([])
    )
    try:
        assert log.verify().ok
    finally:
        log.close()


def fills_pnl(exchange: PracticeExchange, pair: str, *, futures: bool = True) -> float:
    """What the exchange's fills of *pair* come to, commissions included (USDT)."""
    return sum(
        float(fill["realizedPnl"]) - float(fill["commission"])
        for fill in exchange.fills(futures)
        if fill["pair"] == pair
    )


def test_full_book_is_flat_booked_and_recorded_within_five_seconds(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """10 positions long and short with stops, 3 resting entries, and one position and one order
    that the bot does not know."""
    pairs = exchange.pairs(futures=True)
    bot = make_bot(
        pairs=13,
        throttled=True,  # as freqtrade is by default
        stake_amount=300,
        strategy=(STRATEGIES / "some_rest.py", "SomeRest"),
        custom_price_max_distance_ratio=0.9,
        order_types={
            "entry": "limit",
            "exit": "market",
            "stoploss": "market",
            "stoploss_on_exchange": True,
        },
    )
    strangers = [f"P00{n}/USDT:USDT" for n in (2, 3)]
    with bot:
        wait_until_invested(bot, 10)
        bot.wait_for(lambda: len(exchange.open_orders()) == 3, "three resting entries")
        exchange.seed_position(strangers[0], exchange.amount_for(strangers[0], 300))
        rest_at = exchange.price(strangers[1]) * 0.7
        exchange.seed_order(
            strangers[1], "buy", exchange.amount_for(strangers[1], 500), round(rest_at, 2)
        )
        for pair in (*pairs[:10], strangers[0]):
            exchange.set_price(pair, exchange.price(pair) * 1.01)
        exchange.set_latency(100)
        exchange.clear_log()
        bot.send(signal.SIGTERM)
        code = bot.wait(20)
    assert exchange.positions() == {}, bot.log_tail()
    assert exchange.open_orders() == []
    assert exchange.open_algo_orders() == []
    assert code == 130, bot.log_tail()
    trades = bot.query("SELECT * FROM trades")
    assert len(trades) == 10, "freqtrade deletes a trade whose only entry was cancelled"
    for trade in trades:
        assert not trade["is_open"], trade
        assert trade["exit_reason"] == "emergency_liquidation"
        assert trade["fee_close_currency"] == "USDT"
        assert trade["close_profit_abs"] == pytest.approx(
            fills_pnl(exchange, trade["pair"]), abs=0.01
        ), trade["pair"]
    assert bot.query("SELECT * FROM orders WHERE ft_is_open = 1") == []
    stops = bot.query("SELECT status FROM orders WHERE ft_order_side = 'stoploss'")
    assert {stop["status"] for stop in stops} == {"canceled"}
    asked = exchange.requests("/fapi/v1/algoOrder", method="GET")
    assert asked == [], "a cancel that was confirmed needs no question"
    (run,) = runs(bot)
    assert run["state"] == "completed"
    assert run["positions_closed"] == 11
    assert run["duration_seconds"] < 5.0
    sides = {(t["pair"], bool(t["is_short"])) for t in trades}
    assert {short for _, short in sides} == {True, False}
    for request in closing_requests(exchange):
        assert request["params"]["reduceOnly"] == "true", request
    assert {
        "liquidation_started", "liquidation_positions_queried", "liquidation_orders_cancelled",
        "liquidation_position_closed", "liquidation_completed",
    } <= set(event_types(bot))  # fmt: skip
    assert_chain(bot)


def test_no_secret_is_written_anywhere_even_if_the_exchange_echoes_the_key(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=1)
    with bot:
        wait_until_invested(bot, 1)
        exchange.add_fault(
            "error", method="POST", path="/fapi/v1/order$", code=-4108,
            msg="Rejected for key {api_key}",
        )  # fmt: skip
        bot.send(signal.SIGTERM)
        code = bot.wait(20)
    assert code == 3
    key, secret = exchange.settings.key, exchange.settings.secret
    database = b"".join(f.read_bytes() for f in bot.folder.glob(f"{bot.database.name}*"))
    for text in (bot.log(), (bot.folder / "freqtrade.log").read_text()):
        assert "Rejected for key" in text
        assert key not in text
        assert secret not in text
    assert b"Rejected for key" in database
    assert key.encode() not in database


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_closes_the_book(
    exchange: PracticeExchange, make_bot: MakeBot, number: signal.Signals
) -> None:
    bot = make_bot(pairs=2)
    with bot:
        wait_until_invested(bot, 2)
        bot.send(number)
        assert bot.wait(20) == 130
    assert exchange.positions() == {}
    started = next(e for e in events(bot) if e["event_type"] == "liquidation_started")
    assert started["trigger"] == "shutdown"
    assert started["additional_data"]["signal"] == number.name


def test_disabled_leaves_positions_open_and_says_so(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2, liquidation={"emergency_liquidation": False})
    with bot:
        wait_until_invested(bot, 2)
        exchange.clear_log()
        bot.send(signal.SIGTERM)
        assert bot.wait(40) == 130
    assert len(exchange.positions()) == 2
    assert closing_requests(exchange) == []
    assert said(bot).count("SECURITY WARNING") == 1
    assert "liquidation_skipped" in event_types(bot)


def test_exchange_that_never_answers_ends_in_time_and_tells_the_truth(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2)
    with bot:
        wait_until_invested(bot, 2)
        exchange.add_fault("hang", path="/fapi/v")
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 3
    (run,) = runs(bot)
    assert run["state"] == "failed"
    assert run["duration_seconds"] <= 5.3
    final = events(bot)[-1]
    assert final["event_type"] == "liquidation_failed"
    assert len(final["additional_data"]["remainder"]) == 2
    (words, *_) = json.loads(run["errors"])
    assert words.startswith("the list of positions could not be read: no answer")
    assert "WHAT REMAINS" in bot.log()


def test_entry_under_way_at_the_signal_is_closed_too(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """The exchange executes the entry after the process has let go of it."""
    bot = make_bot(pairs=1)
    exchange.add_fault("late", method="POST", path="/fapi/v1/order$", times=1, delay_ms=700)
    with bot:
        bot.wait_for(
            lambda: bool(exchange.requests("/fapi/v1/order", method="POST")), "an entry request"
        )
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130, bot.log_tail()
    assert exchange.fills(), "the entry was executed"
    assert exchange.positions() == {}
    assert exchange.open_orders() == []


def test_spot_sells_what_the_bot_bought_and_nothing_else(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Stops lock the coins; coins that the user owned before stay."""
    for pair in exchange.pairs(futures=False)[:3]:
        exchange.seed_balance(pair.split("/")[0], 5)
    bot = make_bot(futures=False, pairs=3)
    with bot:
        wait_until_invested(bot, 3)
        exchange.set_latency(100)
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130, bot.log_tail()
    for pair in exchange.pairs(futures=False)[:3]:
        balance = exchange.balances(futures=False)[pair.split("/")[0]]
        held = float(balance["free"]) + float(balance["locked"])
        step_and_fee = exchange.amount_for(pair, 1)
        assert held == pytest.approx(5, abs=step_and_fee), pair
        assert held >= 5 - 1e-9 or held == pytest.approx(5, rel=1e-3)
    assert exchange.open_orders(False) == []
    trades = bot.query("SELECT * FROM trades")
    assert [t["is_open"] for t in trades] == [0, 0, 0]
    assert {t["exit_reason"] for t in trades} == {"emergency_liquidation"}
    assert [run["scope"] for run in runs(bot)] == ["trades"], "its coins may be anybody's"


def test_spot_entry_under_way_at_the_signal_is_sold(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    exchange.add_fault("late", method="POST", path="/api/v3/order$", times=1, delay_ms=700)
    bot = make_bot(futures=False, pairs=1)
    base = exchange.pairs(False)[0].split("/")[0]
    with bot:
        bot.wait_for(
            lambda: bool(exchange.requests("/api/v3/order", method="POST")), "an entry request"
        )
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130, bot.log_tail()
    assert len(exchange.fills(False)) >= 2, "bought, then sold"
    balance = exchange.balances(futures=False)[base]
    assert float(balance["free"]) < exchange.amount_for(exchange.pairs(False)[0], 2)


def test_dry_run_closes_its_trades(exchange: PracticeExchange, make_bot: MakeBot) -> None:
    bot = make_bot(pairs=3, dry_run=True, dry_run_wallet=10_000)
    with bot:
        wait_until_invested(bot, 3)
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130, bot.log_tail()
    trades = bot.query("SELECT * FROM trades")
    assert [t["is_open"] for t in trades] == [0, 0, 0]
    assert {t["exit_reason"] for t in trades} == {"emergency_liquidation"}
    assert runs(bot)[0]["state"] == "completed"
    assert closing_requests(exchange) == []


def test_bot_that_starts_stopped_closes_nothing_at_the_start(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    pair = exchange.pairs()[0]
    exchange.seed_position(pair, exchange.amount_for(pair, 300))
    bot = make_bot(pairs=1, initial_state="stopped")
    with bot:
        bot.wait_for(lambda: "state='STOPPED'" in bot.log(), "a heartbeat")
        assert exchange.positions() != {}
        assert runs(bot) == []


def test_funding_fees_are_booked(exchange: PracticeExchange, make_bot: MakeBot) -> None:
    """One paid, one received; freqtrade's profit is fills plus funding."""
    bot = make_bot(pairs=2)
    pairs = exchange.pairs()[:2]
    with bot:
        wait_until_invested(bot, 2)
        exchange.seed_funding(pairs[0], -0.25)
        exchange.seed_funding(pairs[1], 0.75)
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130
    profits = {t["pair"]: t["close_profit_abs"] for t in bot.query("SELECT * FROM trades")}
    assert profits[pairs[0]] == pytest.approx(fills_pnl(exchange, pairs[0]) - 0.25, abs=0.01)
    assert profits[pairs[1]] == pytest.approx(fills_pnl(exchange, pairs[1]) + 0.75, abs=0.01)
    assert len(exchange.requests("/fapi/v1/income")) >= 1


def test_unparsable_list_of_positions_is_never_taken_for_a_flat_book(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """ccxt finds no position in a body that is no JSON."""
    bot = make_bot(pairs=2)
    with bot:
        wait_until_invested(bot, 2)
        exchange.add_fault("bad_json", path="positionRisk")
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 3, bot.log_tail()
    assert runs(bot)[-1]["state"] == "partial", "closed by the fills, the book is not proven flat"
    assert exchange.positions() == {}


ENTRIES_REST: dict[str, Any] = {
    "order_types": {
        "entry": "limit",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    },
    "entry_pricing": {"price_side": "same", "use_order_book": True, "order_book_top": 1},
}


def test_profit_of_an_entry_that_freqtrade_knows_only_as_another_is_told_as_the_fills_have_it(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """An entry rests, another of the pair (its answer lost) has filled: freqtrade deletes the trade
    when the first is cancelled, and what the second cost is no zero."""
    pair = exchange.pairs(futures=True)[0]
    bot = make_bot(pairs=1, **ENTRIES_REST)
    with bot:
        bot.wait_for(lambda: len(bot.query("SELECT * FROM trades")) == 1, "a trade")
        assert len(exchange.open_orders()) == 1
        exchange.seed_position(pair, 0.1)
        exchange.set_price(pair, exchange.price(pair) * 1.001)
        bot.send(signal.SIGTERM)
        code = bot.wait(20)
    assert code == 130, bot.log_tail()
    assert exchange.positions() == {}
    assert bot.query("SELECT * FROM trades") == []
    (closed,) = [e for e in events(bot) if e["event_type"] == "liquidation_position_closed"]
    told = closed["additional_data"]["realized_pnl"]
    assert abs(told) > 0.01
    assert told == pytest.approx(fills_pnl(exchange, pair), abs=0.005)


def test_position_larger_than_its_trade_is_told_whole_and_booked_as_far_as_the_trade_goes(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Opened by hand in part: the profit that is told is that of all that was closed."""
    pair = exchange.pairs(futures=True)[0]
    exchange.seed_position(pair, 0.3, entry_price=60_000)
    bot = make_bot(pairs=1)
    with bot:
        wait_until_invested(bot, 1)
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130, bot.log_tail()
    (closed,) = [e for e in events(bot) if e["event_type"] == "liquidation_position_closed"]
    sold = [fill for fill in exchange.fills(True) if fill["side"] == "SELL"]
    (trade,) = bot.query("SELECT amount, is_open, exit_reason FROM trades")
    assert closed["additional_data"]["quantity"] == pytest.approx(0.3 + trade["amount"])
    assert closed["additional_data"]["realized_pnl"] == pytest.approx(
        sum(float(fill["realizedPnl"]) - float(fill["commission"]) for fill in sold)
    )
    assert (trade["is_open"], trade["exit_reason"]) == (0, "emergency_liquidation")
    (order,) = bot.query("SELECT filled FROM orders WHERE ft_order_side = 'sell'")
    assert order["filled"] == trade["amount"]


def test_pair_that_somebody_closed_as_the_run_began_is_in_its_outcome_and_total(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Its position is gone before the first list is read, and the run books the trade."""
    with make_bot(pairs=2) as bot:
        wait_until_invested(bot, 2)
        pair, amount = next((t["pair"], t["amount"]) for t in bot.open_trades())
        is_long = float(exchange.positions()[pair]["amount"]) > 0
        exchange.set_latency(500)
        bot.send(signal.SIGTERM)
        bot.wait_for(lambda: "liquidation_started" in event_types(bot), "a run")
        exchange.seed_order(pair, "sell" if is_long else "buy", amount)
        bot.wait(40)
    (run,) = runs(bot)
    profits = {t["pair"]: t["close_profit_abs"] for t in bot.query("SELECT * FROM trades")}
    assert (run["state"], run["positions_closed"]) == ("completed", 2)
    assert {o["pair"]: o["realized_pnl"] for o in json.loads(run["outcome"])} == pytest.approx(
        profits
    )
    assert run["total_realized_pnl"] == pytest.approx(sum(profits.values()))


@pytest.mark.parametrize("known", [True, False])
def test_trade_whose_entry_was_cancelled_and_never_replaced_is_ended_and_keeps_no_slot(
    exchange: PracticeExchange, make_bot: MakeBot, known: bool
) -> None:
    """freqtrade cancels an entry to replace it, and the run comes before the new one is sent.

    The signal may come before the database knows of the cancel.
    """
    bot = make_bot(pairs=1, internals={"process_throttle_secs": 60}, **ENTRIES_REST)
    with bot:
        bot.wait_for(lambda: len(bot.query("SELECT * FROM trades")) == 1, "a trade")
        lease = "SELECT * FROM liquidation_lease WHERE counter > 1"
        bot.wait_for(lambda: bool(bot.query(lease)), "its rest: no commit is under way")
        venue = exchange.core.futures
        with exchange.core.lock:
            (order,) = venue.open_orders()
            venue.cancel(order)
        with contextlib.closing(sqlite3.connect(bot.database, timeout=5)) as database:
            if known:
                database.execute("UPDATE orders SET status = 'canceled', ft_is_open = 0")
            database.commit()
        bot.send(signal.SIGTERM)
        code = bot.wait(20)
    assert code == 130, bot.log_tail()
    assert bot.query("SELECT * FROM trades") == []


@pytest.mark.parametrize("kind", ["bad_json", "drop_after", "drop_before", "no_fill_answer"])
@pytest.mark.parametrize("futures", [True, False], ids=["futures", "spot"])
def test_close_whose_answer_is_lost_ends_flat_and_sells_once(
    exchange: PracticeExchange, make_bot: MakeBot, kind: str, futures: bool
) -> None:
    """On spot the user's own coins stay; what was not executed is sent again only on futures."""
    pair = exchange.pairs(futures)[0]
    base = pair.split("/")[0]
    if not futures:
        exchange.seed_balance(base, 5)
    bot = make_bot(futures=futures, pairs=1)
    with bot:
        wait_until_invested(bot, 1)
        path = "/fapi/v1/order$" if futures else "/api/v3/order$"
        exchange.add_fault(kind, method="POST", path=path, times=1)
        bot.send(signal.SIGTERM)
        code = bot.wait(20)
    executed_closes = len(exchange.fills(futures)) - 1
    if futures:
        assert code == 130, bot.log_tail()
        assert exchange.positions() == {}
        assert executed_closes == 1
    else:
        held = sum(
            float(v)
            for v in exchange.balances(futures=False)[base].values()
            if str(v).replace(".", "", 1).isdigit()
        )
        assert held >= 5 * 0.999, "the user's own coins stay"
        assert executed_closes == (0 if kind == "drop_before" else 1)
        assert code == (3 if kind == "drop_before" else 130), bot.log_tail()


def test_spot_stop_is_back_if_the_sell_is_refused(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Its stop locked the coins and had to go; the position is no less protected than before."""
    bot = make_bot(futures=False, pairs=1)
    with bot:
        wait_until_invested(bot, 1)
        (before,) = exchange.open_orders(False)
        exchange.add_fault(
            "error",
            method="POST",
            path="/api/v3/order$",
            params={"type": "MARKET"},
            code=-1013,
            msg="Market is closed.",
        )
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 3, bot.log_tail()
    (after,) = exchange.open_orders(False)
    assert after["orderId"] != before["orderId"]
    assert after["stopPrice"] == before["stopPrice"]
    assert after["origQty"] == before["origQty"]
    (known,) = bot.query("SELECT * FROM orders WHERE ft_is_open = 1")
    assert known["order_id"] == str(after["orderId"])
    assert known["ft_order_side"] == "stoploss"
    assert "liquidation_stop_put_back" in event_types(bot)


def test_bot_killed_before_the_booking_books_at_its_next_start(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """SIGKILL when the exchange is flat and the database does not know it yet."""
    bot = make_bot(pairs=2)
    with bot:
        wait_until_invested(bot, 2)
        exchange.add_fault("hang", path="userTrades")
        bot.send(signal.SIGTERM)
        bot.wait_for(lambda: not exchange.positions(), "a flat book")
        bot.send(signal.SIGKILL)
        bot.wait(20)
    assert len(bot.open_trades()) == 2
    exchange.clear_faults()
    with make_bot(pairs=2, max_open_trades=0) as bot:
        booked = "SELECT * FROM trades WHERE is_open = 0 AND exit_reason = 'emergency_liquidation'"
        bot.wait_for(lambda: len(bot.query(booked)) == 2, "booked trades")
        trades = bot.query(booked)
        for trade in trades:
            expected = fills_pnl(exchange, trade["pair"])
            assert trade["close_profit_abs"] == pytest.approx(expected, abs=0.01)
        assert "liquidation_interrupted" in event_types(bot)


def test_dry_runs_trades_in_a_live_bots_database_are_warned_of_and_left_alone(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """As after a change of ``dry_run`` that kept ``db_url``: the coins are the user's own."""
    spot = {"futures": False, "pairs": 1, "folder": "both"}
    with make_bot(**spot, dry_run=True, dry_run_wallet=10_000) as dry:
        wait_until_invested(dry, 1)
        assert "NOT THIS BOT'S" not in said(dry)
        dry.kill()
    (pair,) = exchange.pairs(False)[:1]
    base = pair.split("/")[0]
    exchange.seed_balance(base, 1.0)
    with make_bot(**spot, initial_state="stopped") as bot:
        bot.wait_for(lambda: "TRADES THAT ARE NOT THIS BOT'S" in said(bot), "a warning")
        assert f"{pair}: its trade is of a dry-run" in said(bot)
        bot.send(signal.SIGTERM)
        bot.wait(20)
    assert exchange.fills(False) == []
    assert float(exchange.balances(futures=False)[base]["free"]) == 1.0

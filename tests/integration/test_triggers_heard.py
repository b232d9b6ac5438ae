"""No trigger is lost: a main thread that is kept, a bot that is being built, no thread at all."""

import signal
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import (
    STRATEGIES,
    MakeBot,
    event_types,
    events,
    runs,
    said,
    wait_until_invested,
)
from tests.integration.operator import Operator, QuickRepeats
from tests.integration.test_triggers import refuse_closes, wait_for_state

STUBBORN = (STRATEGIES / "stubborn.py", "Stubborn")


@pytest.fixture
def operator() -> Operator:
    return Operator()


def user_data(bot: BotProcess) -> Path:
    return bot.folder / "user_data"


def hold_main_thread(bot: BotProcess, how: str) -> None:
    wait_until_invested(bot, 2, stops=False)
    (user_data(bot) / "hold").write_text(how)
    bot.wait_for((user_data(bot) / "held").exists, "a strategy that holds the main thread")


def heard_after_s(bot: BotProcess, sent_at: datetime) -> float:
    """From the signal to the first line of the run's record."""
    started = next(e for e in events(bot) if e["event_type"] == "liquidation_started")
    moment = datetime.fromisoformat(started["timestamp"])
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - sent_at).total_seconds()


# -- signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["swallow", "calculate"])
def test_signal_is_heard_at_once_though_a_strategy_keeps_the_main_thread(
    exchange: PracticeExchange, make_bot: MakeBot, how: str
) -> None:
    bot = make_bot(pairs=2, strategy=STUBBORN)
    with bot:
        hold_main_thread(bot, how)
        sent_at = datetime.now(UTC)
        bot.send(signal.SIGTERM)
        assert bot.wait(15) == 130, bot.log_tail()
        took = (datetime.now(UTC) - sent_at).total_seconds()
    assert exchange.positions() == {}
    assert [(run["trigger"], run["state"]) for run in runs(bot)] == [("shutdown", "completed")]
    heard = heard_after_s(bot, sent_at)
    print(f"{how}: heard after {heard:.2f} s, ended after {took:.2f} s")
    assert heard < 1.5, "0.7 s for the main thread, then the run is made"
    assert "Cleaning up modules" in said(bot), "freqtrade's own cleanup has run, too"
    assert bot.open_trades() == []


def test_main_thread_that_comes_back_in_the_run_ends_the_process_in_good_order(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """The interrupt is swallowed once; the strategy returns while the run is under way."""
    bot = make_bot(pairs=2, strategy=STUBBORN, liquidation={"timeout_seconds": 20})
    with bot:
        hold_main_thread(bot, "once")
        exchange.set_latency(600)
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130, bot.log_tail()
    assert exchange.positions() == {}
    assert [(run["trigger"], run["state"]) for run in runs(bot)] == [("shutdown", "completed")]
    assert said(bot).count("Cleaning up modules") == 1
    assert "SIGINT received, aborting" in said(bot), "by freqtrade's own way out"


@pytest.mark.parametrize(
    "following", [[signal.SIGINT, signal.SIGINT], [signal.SIGHUP, signal.SIGHUP]]
)
def test_no_signal_forces_the_exit_before_a_run_was_tried(
    exchange: PracticeExchange, make_bot: MakeBot, following: list[signal.Signals]
) -> None:
    """Three times Ctrl-C, or Ctrl-C and a terminal that is closed, while a strategy is slow."""
    bot = make_bot(pairs=2, strategy=STUBBORN)
    with bot:
        hold_main_thread(bot, "swallow")
        for number in [signal.SIGINT, *following]:
            bot.send(number)
            time.sleep(0.3)  # not a wait: the pace is the point
        assert bot.wait(15) == 130, bot.log_tail()
    assert exchange.positions() == {}
    assert [run["state"] for run in runs(bot)] == ["completed"]
    assert "liquidation_abandoned" not in event_types(bot)


def test_signal_in_a_reload_that_fails_closes_the_book(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=2, api_server=operator.config)
    with bot:
        wait_until_invested(bot, 2)
        (user_data(bot) / "strategies" / "strategy_of_bot.py").write_text(
            "import pathlib, time\n"
            "class DrillStrategy(object): ...\n"
            f"pathlib.Path({str(user_data(bot) / 'loading')!r}).touch()\n"
            "time.sleep(3)\n"
            "raise RuntimeError('broken')\n"
        )
        operator.ask("reload_config")
        bot.wait_for((user_data(bot) / "loading").exists, "a reload")
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130, bot.log_tail()
    assert exchange.positions() == {}
    assert [(run["trigger"], run["state"]) for run in runs(bot)] == [("shutdown", "completed")]


def test_no_thread_to_be_had_the_run_goes_on_in_the_thread_that_it_is_in(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2, strategy=STUBBORN)
    with bot:
        hold_main_thread(bot, "threads")
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130, bot.log_tail()
    assert "can't start new thread" in said(bot)
    assert exchange.positions() == {}
    assert [(run["trigger"], run["state"]) for run in runs(bot)] == [("shutdown", "completed")]
    assert bot.open_trades() == []


# -- /stop ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reload", [True, False])
def test_stop_while_a_bot_is_being_built_is_a_trigger(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator, *, reload: bool
) -> None:
    bot = make_bot(pairs=2, strategy=STUBBORN, api_server=operator.config)
    build = user_data(bot) / "build"
    if not reload:
        for pair in exchange.pairs()[:2]:
            exchange.seed_position(pair, exchange.amount_for(pair, 100))
        build.touch()
    with bot:
        if reload:
            wait_until_invested(bot, 2, stops=False)
            bot.wait_for(lambda: operator.state() == "running", "REST")
            build.touch()
            operator.ask("reload_config")
        bot.wait_for((user_data(bot) / "building").exists, "a bot_start")
        answers: list[object] = []

        def stopped() -> bool:
            answers.append(operator.ask("stop"))
            return answers[-1] is not None

        bot.wait_for(stopped, "an answer")
        assert "Its positions are closed at market" in str(answers[-1])
        assert runs(bot) == []
        build.unlink()
        bot.wait_for(lambda: "liquidation_completed" in event_types(bot), "a run")
        wait_for_state(bot, operator, "stopped")
        assert exchange.positions() == {}
        assert [run["trigger"] for run in runs(bot)] == ["stop"]


def test_window_covers_a_stop_and_the_restart_after_it(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=2, api_server=operator.config)
    with bot:
        wait_until_invested(bot, 2)
        bot.wait_for(lambda: operator.state() == "running", "REST")
        assert operator.ask("liquidation/disarm", {"for": "15m"})["disarmed_until"]
        operator.ask("stop")
        bot.wait_for(lambda: "liquidation_skipped" in event_types(bot), "a skip")
        assert operator.ask("liquidation", method="GET")["armed"] is False
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    assert len(exchange.positions()) == 2
    assert event_types(bot).count("liquidation_skipped") == 2
    assert "liquidation_armed" not in event_types(bot)


# -- repeats --------------------------------------------------------------------------------------


def test_repeats_come_in_time_though_the_loop_sleeps_for_long(
    exchange: PracticeExchange, operator: Operator, tmp_path: Path
) -> None:
    config = exchange.freqtrade_config(
        pairs=exchange.pairs()[:2],
        api_server=operator.config,
        internals={"process_throttle_secs": 100},
        ccxt={"enableRateLimit": False},
    )
    with QuickRepeats(tmp_path / "bot", config, strategy=STUBBORN) as bot:
        wait_until_invested(bot, 2, stops=False)
        bot.wait_for(lambda: operator.state() == "running", "REST")
        refuse_closes(exchange, exchange.pairs()[0])
        operator.ask("stop")
        bot.wait_for(lambda: len(runs(bot)) >= 3, "two repeats", 20)


def latched_and_open(bot: BotProcess, exchange: PracticeExchange, operator: Operator) -> str:
    """An operator's run that left a pair open; then the process is killed."""
    pair = exchange.pairs()[0]
    wait_until_invested(bot, 2, stops=False)
    bot.wait_for(lambda: operator.state() == "running", "REST")
    refuse_closes(exchange, pair)
    operator.ask("liquidate", {})
    bot.wait_for(lambda: "liquidation_partial" in event_types(bot), "a run")
    wait_for_state(bot, operator, "paused")
    bot.kill()
    return pair


def test_repeats_of_an_operators_run_go_on_after_a_kill_and_a_restart(
    exchange: PracticeExchange, operator: Operator, tmp_path: Path
) -> None:
    config = exchange.freqtrade_config(
        pairs=exchange.pairs()[:2], api_server=operator.config, ccxt={"enableRateLimit": False}
    )
    bot = QuickRepeats(tmp_path / "bot", config, strategy=STUBBORN)
    with bot:
        pair = latched_and_open(bot, exchange, operator)
    count = len(runs(bot))
    with bot:
        bot.wait_for(lambda: f"OPEN, left by liquidation {runs(bot)[0]['correlation_id'][:4]}"
                     in said(bot), "a word")  # fmt: skip
        assert f": {pair}. It is repeated every 30 s" in said(bot)
        bot.wait_for(lambda: len(runs(bot)) > count, "a repeat")
        assert runs(bot)[-1]["trigger"] == "rest"
        exchange.clear_faults()
        wait_for_state(bot, operator, "stopped")
        assert exchange.positions() == {}
        assert runs(bot)[-1]["state"] == "completed"


def test_start_long_after_a_run_that_failed_says_what_is_open_and_how_to_close_it(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=2, strategy=STUBBORN, api_server=operator.config)
    with bot:
        pair = latched_and_open(bot, exchange, operator)
    with sqlite3.connect(bot.database) as database:
        database.execute(
            "UPDATE liquidation_runs SET finished_at = datetime(finished_at, '-20 minutes')"
        )
    database.close()
    count = len(runs(bot))
    with bot:
        words = f": {pair}. To close now: freqtrade-liquidation liquidate"
        bot.wait_for(lambda: words in said(bot), "a word")
        wait_for_state(bot, operator, "stopped")
        assert "It is repeated" not in said(bot)
        assert len(runs(bot)) == count
    exchange.clear_faults()
    assert command.run(bot, "liquidate", "--yes").returncode == 0, "as it says"
    assert exchange.positions() == {}

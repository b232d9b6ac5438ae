"""What sets a run off, what does not, and what comes after it: real bots, real commands."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.drill.bot import STRATEGY, BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.frontends.commands import about
from freqtrade_liquidation.host.control import Control
from tests.integration.conftest import (
    FUTURES_STRATEGY,
    STRATEGIES,
    MakeBot,
    event_types,
    events,
    runs,
    said,
    wait_until_invested,
)
from tests.integration.operator import NoSleepSeam, Operator, QuickRepeats
from tests.integration.test_main_job import closing_requests
from tests.stopwatch import Stopwatch

PIPE = "the pipe"
BREAKABLE = (STRATEGIES / "breakable.py", "Breakable")


def has_reloaded(bot: BotProcess, count: int) -> bool:
    """Whether the log tells of *count* reloads."""
    return said(bot).count("from RELOAD_CONFIG to: RUNNING") == count


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def quick_bot(
    exchange: PracticeExchange, operator: Operator, tmp_path: Path
) -> Iterator[QuickRepeats]:
    config = exchange.freqtrade_config(pairs=exchange.pairs()[:2], api_server=operator.config)
    bot = QuickRepeats(tmp_path / "quick", config, strategy=FUTURES_STRATEGY)
    yield bot
    bot.kill()


def wait_for_state(bot: BotProcess, operator: Operator, state: str) -> None:
    bot.wait_for(lambda: operator.state() == state, f"state {state}")


def break_it(bot: BotProcess, how: str) -> None:
    (bot.folder / "user_data" / "break_it").write_text(how)


def mend_it(bot: BotProcess) -> None:
    (bot.folder / "user_data" / "break_it").unlink()


def refuse_closes(exchange: PracticeExchange, pair: str, code: int = -4108) -> int:
    """Nothing of *pair* is taken until the fault is removed."""
    return exchange.add_fault(
        "error", method="POST", path="/fapi/v1/(order|batchOrders)$", code=code,
        symbol=pair.split(":")[0].replace("/", ""), msg="Symbol is on delivering.",
    )  # fmt: skip


def ended_within(bot: BotProcess, watch: Stopwatch) -> tuple[int, float]:
    code = bot.wait(40)
    return code, watch.stop()


# -- /stop --------------------------------------------------------------------------------------


def test_stop_command_closes_the_book_at_once_and_the_process_lives_on(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """The loop sleeps for a minute: the command does not wait for it."""
    bot = make_bot(pairs=2, api_server=operator.config, internals={"process_throttle_secs": 60})
    with bot:
        wait_until_invested(bot, 2, stops=False)
        bot.wait_for(lambda: operator.state() == "running", "REST")
        watch = Stopwatch(bot.process.pid)
        answer = operator.ask("stop")
        assert answer == {"status": "stopping trader ... Its positions are closed at market."}
        bot.wait_for(lambda: bool(runs(bot)) and runs(bot)[0]["state"] == "completed", "a run", 15)
        assert watch.stop() < 10
        assert exchange.positions() == {}
        wait_for_state(bot, operator, "stopped")
        (run,) = runs(bot)
        assert run["trigger"] == "stop"
        exchange.clear_log()
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    assert [r["trigger"] for r in runs(bot)] == ["stop", "shutdown"]
    assert exchange.requests("positionRisk"), "it looks again"
    assert closing_requests(exchange) == [], "and sends nothing"


def test_stop_command_not_among_the_triggers_is_skipped_on_record(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=2, api_server=operator.config, liquidation={"triggers": ["shutdown"]})
    with bot:
        wait_until_invested(bot, 2)
        operator.ask("stop")
        bot.wait_for(lambda: "liquidation_skipped" in event_types(bot), "a skip")
        skipped = events(bot)[-1]
        assert "'stop'" in skipped["additional_data"]["reason"]
        assert len(exchange.positions()) == 2
        assert operator.state() == "stopped"


def test_default_type_future_trades_and_is_closed(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """As freqtrade takes it; it was refused at the start."""
    bot = make_bot(pairs=1, ccxt={"options": {"defaultType": "future"}})
    with bot:
        wait_until_invested(bot, 1)
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    assert exchange.positions() == {}
    assert [run["state"] for run in runs(bot)] == ["completed"]


# -- /reload_config -----------------------------------------------------------------------------


def test_reload_again_and_again_sends_no_order_and_starts_no_run(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=2, api_server=operator.config)
    with bot:
        wait_until_invested(bot, 2)
        exchange.clear_log()
        for count in range(1, 6):
            operator.ask("reload_config")
            bot.wait_for(
                partial(has_reloaded, bot, count),
                f"reload {count}",
            )
            wait_for_state(bot, operator, "running")
        assert len(exchange.positions()) == 2
        assert runs(bot) == []
        assert exchange.requests("/order", method="POST") == []


@pytest.mark.parametrize("fault", ["json", "block"])
def test_reload_of_a_broken_configuration_leaves_the_old_bot_running(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator, fault: str
) -> None:
    bot = make_bot(pairs=2, api_server=operator.config)
    with bot:
        wait_until_invested(bot, 2)
        config = json.loads(bot.config_file.read_text())
        broken = config | {"liquidation": {"timeout_seconds": "5"}}
        bot.config_file.write_text("{ broken" if fault == "json" else json.dumps(broken))
        starts = said(bot).count("to: RUNNING")
        operator.ask("reload_config")
        bot.wait_for(lambda: "Configuration not reloaded" in said(bot), "a word about it")
        wait_for_state(bot, operator, "running")
        unbroken = "".join(bot.log().split())  # a long path may have been cut by a line's end
        assert str(bot.config_file) in unbroken.split("Configurationnotreloaded")[1]
        if fault == "block":
            twice = json.dumps(config)[:-1] + ', "liquidation": {}, "liquidation": {}}'
            bot.config_file.write_text(twice)
            operator.ask("reload_config")
            bot.wait_for(lambda: '"liquidation" stands' in said(bot), "a word about it")
            wait_for_state(bot, operator, "running")
        exchange.clear_log()
        assert exchange.wait_for_requests("/fapi/", 1, 30), "it trades on"
        assert said(bot).count("to: RUNNING") == starts
        assert runs(bot) == []
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    assert exchange.positions() == {}


class PipedBot(BotProcess):
    """Its configuration comes out of a pipe, as with ``-c <(sops -d config.json)``."""

    def spawn(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        out, into = os.pipe()
        os.write(into, self.config_file.read_bytes())
        os.close(into)
        words = [f"/dev/fd/{out}" if word == PIPE else word for word in self.arguments()]
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            start_new_session=True,
            env=self.environment(),
            pass_fds=[out],
        )
        os.close(out)
        return process

    def trade_arguments(self) -> list[str]:
        file = str(self.config_file)
        return [PIPE if word == file else word for word in super().trade_arguments()]


def test_configuration_out_of_a_pipe_starts_the_bot_and_cannot_be_reloaded(
    exchange: PracticeExchange, operator: Operator, tmp_path: Path
) -> None:
    """freqtrade takes one; a reload finds it empty, and the old bot goes on."""
    config = exchange.freqtrade_config(pairs=exchange.pairs()[:1], api_server=operator.config)
    with PipedBot(tmp_path / "piped", config, strategy=FUTURES_STRATEGY) as bot:
        wait_until_invested(bot, 1)
        operator.ask("reload_config")
        bot.wait_for(lambda: "is a pipe that gives nothing" in said(bot), "a word about it")
        wait_for_state(bot, operator, "running")
        assert runs(bot) == []
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    assert exchange.positions() == {}


def test_reload_that_cannot_rebuild_the_bot_closes_nothing(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=2, api_server=operator.config)
    with bot:
        wait_until_invested(bot, 2)
        (bot.folder / "user_data" / "strategies" / "strategy_of_bot.py").unlink()
        operator.ask("reload_config")
        assert bot.wait(60) not in (0, 3), bot.log_tail()
    assert len(exchange.positions()) == 2
    (skipped,) = [e for e in events(bot) if e["event_type"] == "liquidation_skipped"]
    assert skipped["additional_data"]["reason"] == "reload_failed"


# -- fatal errors -------------------------------------------------------------------------------


def test_fatal_error_closes_latches_and_start_lifts_it(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=2, strategy=BREAKABLE, api_server=operator.config)
    with bot:
        wait_until_invested(bot, 2)
        break_it(bot, "die")
        assert bot.wait(40) not in (0, 3), bot.log_tail()
    assert exchange.positions() == {}
    assert runs(bot)[-1]["trigger"] == "fatal_error"
    assert "liquidation_latched" in event_types(bot)
    mend_it(bot)
    exchange.clear_log()
    with bot:
        bot.wait_for(lambda: operator.state() == "stopped", "a stopped bot")
        bot.wait_for(lambda: "state='STOPPED'" in said(bot), "a heartbeat")
        assert "error" in str(operator.ask("forceenter", {"pair": exchange.pairs()[0]}))
        assert exchange.requests("/order", method="POST") == []
        operator.ask("start")
        # freqtrade locks a pair until the next candle after an exit: it wants in, or is in again
        bot.wait_for(
            lambda: bool(exchange.positions()) or "is locked until" in said(bot), "trading again"
        )
        assert "liquidation_released" in event_types(bot)


def test_operational_exception_stops_closes_and_latches(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=2, strategy=BREAKABLE, api_server=operator.config)
    with bot:
        wait_until_invested(bot, 2)
        break_it(bot, "stop")
        bot.wait_for(lambda: "liquidation_completed" in event_types(bot), "a run")
        assert "liquidation_latched" in event_types(bot)
        wait_for_state(bot, operator, "stopped")
        assert exchange.positions() == {}
        (run,) = runs(bot)
        assert run["trigger"] == "fatal_error"
        assert "broken" in run["reason"]
        mend_it(bot)
        operator.ask("reload_config")
        bot.wait_for(lambda: said(bot).count("Starting worker") == 1, "reload")
        wait_for_state(bot, operator, "stopped")
        assert exchange.positions() == {}


# -- not flat -----------------------------------------------------------------------------------


def test_not_flat_pauses_bars_the_door_and_repeats_until_flat(
    exchange: PracticeExchange, quick_bot: QuickRepeats, operator: Operator
) -> None:
    bot, pair = quick_bot, exchange.pairs()[0]
    with bot:
        wait_until_invested(bot, 2)
        fault = refuse_closes(exchange, pair)
        operator.ask("stop")
        bot.wait_for(lambda: len(runs(bot)) >= 2, "a repeat")
        assert operator.state() == "paused"
        assert set(exchange.positions()) == {pair}
        exchange.remove_fault(fault)
        wait_for_state(bot, operator, "stopped")
        assert exchange.positions() == {}
        assert runs(bot)[-1]["trigger"] == "stop", "a repeat asks for what the first one did"
        last = [e for e in events(bot) if e["event_type"] == "liquidation_started"][-1]
        assert last["additional_data"]["repeat"] == len(runs(bot)) - 1
        assert runs(bot)[-1]["state"] == "completed"
        assert "liquidation_latched" not in event_types(bot), "a /stop does not latch"


def test_start_ends_the_repeats(
    exchange: PracticeExchange, quick_bot: QuickRepeats, operator: Operator
) -> None:
    bot = quick_bot
    with bot:
        wait_until_invested(bot, 2)
        refuse_closes(exchange, exchange.pairs()[0])
        operator.ask("stop")
        bot.wait_for(lambda: len(runs(bot)) >= 2, "a repeat")

        def started() -> bool:
            operator.ask("start")
            return operator.state() == "running"

        bot.wait_for(started, "a start between two runs")
        count = len(runs(bot))
        exchange.clear_log()
        bot.wait_for(
            lambda: len(exchange.requests("/fapi/v1/algoOrder", method="GET")) >= 6,
            "six loops that look after the open position's stop",
        )
        assert len(runs(bot)) == count


# -- signals ------------------------------------------------------------------------------------


def is_told(bot: BotProcess, number: signal.Signals) -> bool:
    bot.send(number)
    return "Liquidation is under way" in said(bot)


def test_second_signal_tells_and_third_forces_the_exit(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2, liquidation={"timeout_seconds": 30})
    with bot:
        wait_until_invested(bot, 2)
        exchange.add_fault("hang", path="/fapi/v")
        bot.send(signal.SIGTERM)
        bot.wait_for(lambda: "liquidation_started" in event_types(bot), "a run")
        for number in (signal.SIGTERM, signal.SIGHUP):  # until it counts as the second one
            bot.wait_for(partial(is_told, bot, number), "a word")
        assert bot.process.poll() is None
        began, watch = time.monotonic(), Stopwatch(bot.process.pid)
        while bot.process.poll() is None:  # until it counts as the third one
            bot.send(signal.SIGINT)
            time.sleep(0.05)
        code, took = ended_within(bot, watch)
        whole_s = time.monotonic() - began
    assert code == 3
    assert whole_s > 0.8, "a second after the second one"
    assert took < 3
    (abandoned,) = [e for e in events(bot) if e["event_type"] == "liquidation_abandoned"]
    assert abandoned["correlation_id"] == runs(bot)[0]["correlation_id"]


def test_signal_during_the_run_of_a_stop_does_not_cut_it_off(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """One run after the other, never two at once."""
    bot = make_bot(pairs=2, api_server=operator.config)
    with bot:
        wait_until_invested(bot, 2)
        exchange.set_latency(400)
        operator.ask("stop")
        bot.wait_for(lambda: "liquidation_close_intended" in event_types(bot), "a close")
        bot.send(signal.SIGTERM)
        assert bot.wait(40) == 130, bot.log_tail()
    assert exchange.positions() == {}
    assert [r["state"] for r in runs(bot)] == ["completed", "completed"]
    types = event_types(bot)
    assert types.index("liquidation_completed") < len(types) - 1 - types[::-1].index(
        "liquidation_started"
    )


@pytest.mark.parametrize("seed", range(4))  # test_storm.py has more of them
def test_signal_at_a_random_moment_always_ends_flat(
    exchange: PracticeExchange, make_bot: MakeBot, seed: int
) -> None:
    bot = make_bot(
        pairs=3, strategy=(STRATEGIES / "busy.py", "Busy"),
        internals={"process_throttle_secs": 0}, position_adjustment_enable=True, stake_amount=50,
    )  # fmt: skip
    with bot:
        bot.wait_for(lambda: len(exchange.positions()) >= 1, "a position")
        wanted = len(exchange.requests()) + random.Random(seed).randrange(5, 90)
        bot.wait_for(lambda: len(exchange.requests()) >= wanted, "the moment")
        time.sleep(random.Random(seed).random() / 20)  # not a wait: the moment is the point
        bot.send(signal.SIGTERM)
        code = bot.wait(40)
    assert exchange.positions() == {}, bot.log_tail()
    assert exchange.open_orders() == []
    assert exchange.open_algo_orders() == []
    assert code == 130, bot.log_tail()
    assert "PendingRollbackError" not in said(bot)
    assert "database is locked" not in said(bot)
    assert bot.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert bot.query("SELECT id FROM trades WHERE is_open = 1 AND amount > 0") == []


# -- hard cases ---------------------------------------------------------------------------------


def test_exchange_that_hangs_does_not_hold_up_the_end_with_rest_on(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    bot = make_bot(pairs=2, api_server=operator.config, cancel_open_orders_on_exit=True)
    with bot:
        wait_until_invested(bot, 2)
        exchange.add_fault("hang", path="/fapi/v")
        watch = Stopwatch(bot.process.pid)
        bot.send(signal.SIGTERM)
        code, took = ended_within(bot, watch)
    assert code == 3
    assert runs(bot)[0]["duration_seconds"] <= 5.3
    assert took <= 5.3 + 2.0 + 0.5, "half a second until the signal is seen and a run is made"


def test_killed_in_a_run_is_found_and_told_at_the_next_start(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2, liquidation={"timeout_seconds": 10})
    with bot:
        wait_until_invested(bot, 2)
        refuse_closes(exchange, exchange.pairs()[0], code=-1001)
        exchange.set_latency(300)
        bot.send(signal.SIGTERM)
        bot.wait_for(lambda: len(exchange.positions()) < 2, "one close")
        bot.kill()
    exchange.clear_faults()
    exchange.set_latency(0)
    bot.write_config(json.loads(bot.config_file.read_text()) | {"max_open_trades": 0})
    with bot:
        bot.wait_for(lambda: "liquidation_interrupted" in event_types(bot), "the record")
        bot.wait_for(lambda: "was cut off" in said(bot), "the word about it")
        assert runs(bot)[0]["state"] == "partial"


def test_disarmed_leaves_positions_until_the_window_is_over(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2)
    with bot:
        wait_until_invested(bot, 2)
        log = AuditLog(
            f"sqlite:///{bot.database}", fallback=bot.folder / "none.sqlite", masker=Masker([])
        )
        Control(log).disarm(timedelta(minutes=15), by="test")
        bot.send(signal.SIGTERM)
        assert bot.wait(40) == 130
    assert len(exchange.positions()) == 2
    (skipped,) = [e for e in events(bot) if e["event_type"] == "liquidation_skipped"]
    assert "disarmed by test" in skipped["additional_data"]["reason"]
    assert "liquidation_armed" not in event_types(bot)
    Control(log).arm(by="test")
    log.close()
    with bot:
        bot.wait_for(lambda: said(bot).count("state='RUNNING'") == 2, "a second life")
        bot.send(signal.SIGTERM)
        assert bot.wait(40) == 130
    assert exchange.positions() == {}


def test_scope_trades_leaves_a_stranger_alone(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=1, liquidation={"scope": "trades"})
    stranger = "P002/USDT:USDT"
    with bot:
        wait_until_invested(bot, 1)
        exchange.seed_position(stranger, exchange.amount_for(stranger, 300))
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    assert set(exchange.positions()) == {stranger}


def test_invalid_key_is_asked_once_and_fails_loudly(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2)
    with bot:
        wait_until_invested(bot, 2)
        exchange.add_fault(
            "error", path="/fapi/v[0-9]/(positionRisk|order|openOrders|balance|account|algo|open)",
            code=-2015, status=401, msg="Invalid API-key, IP, or permissions for action.",
        )  # fmt: skip
        exchange.clear_log()
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 3
    assert runs(bot)[0]["state"] == "failed"
    assert runs(bot)[0]["duration_seconds"] < 3
    closed = [request["params"]["symbol"] for request in closing_requests(exchange)]
    assert len(closed) == len(set(closed)), "each leaves once at most, beside the first look"
    assert "CRITICAL" in said(bot)


def test_rate_limited_close_is_sent_again_and_ends_flat(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2)
    with bot:
        wait_until_invested(bot, 2)
        exchange.add_fault(
            "error", method="POST", path="/fapi/v1/(order|batchOrders)$", times=1, status=429,
            code=-1003, msg="Too many requests.", headers={"Retry-After": "1"},
        )  # fmt: skip
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130, bot.log_tail()
    assert exchange.positions() == {}
    assert "liquidation_attempt_failed" in event_types(bot)


# -- the command --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"liquidation": {"emergency_liquidation": "false"}}, "emergency_liquidation"),
        ({"liquidation": {"timeout_seconds": 61}}, "timeout_seconds"),
        ({"liquidation": {"timeout": 5}}, "timeout"),
        ({"liquidation": {"triggers": ["sigterm"]}}, "triggers"),
        ({"liquidatoin": {}}, "liquidatoin"),
    ],
)
def test_invalid_configuration_ends_with_two_and_one_message(
    make_bot: MakeBot, extra: dict[str, Any], words: str
) -> None:
    bot = make_bot(pairs=1, **extra)
    with bot:
        assert bot.wait(60) == 2, bot.log_tail()
    assert "Traceback" not in said(bot)
    (line,) = [line for line in bot.log().splitlines() if line.startswith("Error: ")]
    assert words in line


def test_freqtrade_whose_seams_do_not_fit_is_not_started(
    exchange: PracticeExchange, tmp_path: Path
) -> None:
    config = exchange.freqtrade_config(pairs=exchange.pairs()[:1])
    bot = NoSleepSeam(tmp_path / "bot", config, strategy=(STRATEGY, "DrillStrategy"))
    with bot:
        assert bot.wait(60) == 2, bot.log_tail()
    assert "Worker._sleep is missing" in said(bot)
    assert "Traceback" not in said(bot)


@pytest.mark.parametrize(
    ("arguments", "ours_first"),
    [(["--version"], True), ([], True), (["list-exchanges", "-1"], False)],
)
def test_other_commands_pass_through_unchanged(
    arguments: list[str], ours_first: bool, tmp_path: Path
) -> None:
    """Without a command, our version and our own commands come first."""

    def run(module: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    assert shutil.which(sys.executable)
    code, text = run("freqtrade")
    assert run("freqtrade_liquidation") == (code, about() + text if ours_first else text)

"""What a run costs its host: systemd's watchdog, exit codes at the start, the pace of the loop."""

import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import (
    MakeBot,
    runs,
    said,
    wait_until_invested,
)
from tests.integration.operator import Operator, free_port
from tests.integration.test_repair import kill_before_the_booking

WATCHDOG_S = 20.0
"""``WatchdogSec`` of freqtrade's own unit file."""


@pytest.fixture
def operator() -> Operator:
    return Operator()


# -- systemd's watchdog ---------------------------------------------------------------------------


class Systemd:
    """The socket of a service manager; notes when it was told that the service lives."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.pings: list[float] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                told = self._socket.recv(4096)
            except OSError:
                return
            if b"WATCHDOG=1" in told:
                self.pings.append(time.monotonic())

    def longest_silence_s(self, since: float, until: float) -> float:
        moments = [since, *(at for at in self.pings if since < at < until), until]
        return max(b - a for a, b in pairwise(moments))

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("how", ["stop", "signal"])
def test_systemd_hears_of_a_bot_that_is_in_a_long_run(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator, tmp_path: Path, how: str
) -> None:
    systemd = Systemd(tmp_path)
    bot = make_bot(
        pairs=2,
        api_server=operator.config,
        liquidation={"timeout_seconds": 12},
        internals={"sd_notify": True},
        environment={"NOTIFY_SOCKET": str(systemd.path)},
    )
    try:
        with bot:
            wait_until_invested(bot, 2)
            bot.wait_for(lambda: operator.state() == "running", "REST")
            exchange.add_fault("hang", path="/fapi/v1/(order|batchOrders)$", method="POST")
            began = time.monotonic()
            if how == "stop":
                operator.ask("stop")
                bot.wait_for(lambda: runs(bot)[0]["state"] != "in_progress" if runs(bot) else False,
                             "the end of a run")  # fmt: skip
            else:
                bot.send(signal.SIGTERM)
                bot.wait(40)
            took = time.monotonic() - began
            assert took > 8, "a long run"
            silence = systemd.longest_silence_s(began, time.monotonic())
            print(f"{how}: {took:.1f} s, longest silence {silence:.1f} s")
            assert silence < WATCHDOG_S / 4
    finally:
        systemd.close()


# -- exit codes at the start ----------------------------------------------------------------------


def test_exchange_that_is_down_at_the_start_is_no_configuration_error(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """systemd starts the bot again, and it finds its exchange."""
    exchange.add_fault("error", path="/", status=503, code=0, msg="Service unavailable")
    with make_bot(pairs=1) as bot:
        assert bot.wait(90) == 1, bot.log_tail()


@contextmanager
def locked(database: Path) -> Iterator[None]:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


def test_database_that_is_locked_at_the_start_is_no_configuration_error(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=1)
    with locked(bot.database), bot:
        assert bot.wait(90) == 1, bot.log_tail()


def test_strategy_that_is_missing_is_a_configuration_error(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=1)
    (bot.folder / "user_data" / "strategies" / "strategy_of_bot.py").unlink()
    with bot:
        assert bot.wait(60) == 2, bot.log_tail()


# -- signals to the very end ----------------------------------------------------------------------


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGQUIT])
def test_hangups_to_the_very_end_of_the_process_leave_its_exit_code(
    exchange: PracticeExchange, make_bot: MakeBot, first: signal.Signals
) -> None:
    """Ctrl-\\ is a stop, too; a closing terminal sends SIGHUP until Python itself has ended."""
    with make_bot(pairs=1) as bot:
        wait_until_invested(bot, 1)
        bot.send(first)
        until = time.monotonic() + 15
        while bot.process.poll() is None and time.monotonic() < until:
            bot.send(signal.SIGHUP)
            time.sleep(0.002)
        assert bot.wait(1) == 130, bot.log_tail()
    assert exchange.positions() == {}
    assert [run["state"] for run in runs(bot)] == ["completed"]


# -- a process that stands still ------------------------------------------------------------------


def test_process_that_stood_still_in_a_run_tells_what_its_record_says(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """SIGSTOP, ``docker pause``, a virtual machine that is moved: the deadline passes meanwhile."""
    with make_bot(pairs=2, liquidation={"timeout_seconds": 2}) as bot:
        wait_until_invested(bot, 2)
        exchange.clear_log()
        exchange.set_latency(500)
        bot.send(signal.SIGTERM)
        bot.wait_for(lambda: bool(exchange.requests("order", method="POST")), "a close", 10)
        bot.send(signal.SIGSTOP)
        time.sleep(4)  # the deadline and everything that waits for it
        bot.send(signal.SIGCONT)
        code = bot.wait(15)
    (run,) = runs(bot)
    assert run["state"] != "in_progress"
    assert code == (130 if run["state"] == "completed" else 3)
    assert run["duration_seconds"] > 4
    assert f"{run['duration_seconds']:.1f} s." in said(bot)
    assert "did not end in time" not in said(bot)


# -- the bot's loop -------------------------------------------------------------------------------


class SilentWebhook:
    """Takes what is sent, and answers only when it is closed."""

    def __init__(self) -> None:
        port, self.heard = free_port(), threading.Event()
        self.url = f"http://127.0.0.1:{port}/"
        over = self._over = threading.Event()
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard.set()
                over.wait(60)

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize("silent", ["exchange", "webhook"])
def test_repair_costs_the_loop_nothing_whoever_is_silent(
    exchange: PracticeExchange, make_bot: MakeBot, silent: str
) -> None:
    """The run before was killed when everything was closed and nothing booked."""
    with make_bot(pairs=2) as bot:
        wait_until_invested(bot, 2)
        kill_before_the_booking(bot, exchange)
    webhook = SilentWebhook()
    bot = make_bot(
        pairs=2,
        initial_state="stopped",
        internals={"heartbeat_interval": 1, "process_throttle_secs": 1},
        webhook={"enabled": True, "url": webhook.url, "exit_fill": {"text": "{pair}"}},
    )
    if silent == "exchange":
        exchange.add_fault("hang", path="/fapi/v1/order$", method="GET")
    exchange.clear_log()
    try:
        with bot:
            asks = webhook.heard.is_set if silent == "webhook" else partial(is_asked, exchange)
            bot.wait_for(asks, f"a {silent} that is silent")
            beats, began = heartbeats(bot), time.monotonic()
            bot.wait_for(lambda: heartbeats(bot) >= beats + 4, "four loops", 12)
            print(f"{silent}: four loops in {time.monotonic() - began:.1f} s")
    finally:
        webhook.close()


def is_asked(exchange: PracticeExchange) -> bool:
    return bool(exchange.requests("/fapi/v1/order", method="GET"))


def heartbeats(bot: BotProcess) -> int:
    return said(bot).count("state='STOPPED'")

"""A real bot, and what strangers and exchanges make it write down."""

import base64
import json
import signal
import socket
from functools import partial
from typing import Any

import pytest

from freqtrade_liquidation.audit.free_text import STEERING
from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import MakeBot, events, runs, said, wait_until_invested
from tests.integration.operator import Operator, free_port
from tests.stopwatch import Stopwatch

TOKEN = "xoxb-2026-Token_of.the-hook"
BODIES = ("a-" * 10_000, "a" * 20_000, base64.b64encode(bytes(range(256)) * 60).decode())


@pytest.fixture
def operator() -> Operator:
    return Operator()


def written(bot: BotProcess) -> str:
    """Everything that the bot has written, without the line breaks of a terminal."""
    files = [bot.log(), (bot.folder / "freqtrade.log").read_text()]
    files += [f.read_bytes().decode("latin-1") for f in bot.folder.glob(f"{bot.database.name}*")]
    return "".join("".join(files).split())


def secrets_of(bot: BotProcess, exchange: PracticeExchange) -> list[str]:
    config = json.loads(bot.config_file.read_text())
    api = config["api_server"]
    basic = base64.b64encode(f"{api['username']}:{api['password']}".encode()).decode()
    return [
        exchange.settings.key, exchange.settings.key[:16], exchange.settings.secret, TOKEN, basic,
        api["jwt_secret_key"], api["ws_token"],
    ]  # fmt: skip


def with_hook(**more: Any) -> dict[str, Any]:
    """Every message of the bot's goes to a webhook that cannot be reached."""
    url = f"http://127.0.0.1:{free_port()}/services/{TOKEN}"
    return {
        "webhook": {"enabled": True, "url": url, "webhookstatus": {"value": "{status}"}},
        "ft_tests_force_logging": True, **more,
    }  # fmt: skip


def test_refused_reload_leaves_the_log_masked(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """freqtrade sets up its log, with handlers of its own, before it refuses a configuration."""
    bot = make_bot(pairs=1, api_server=operator.config, **with_hook())
    with bot:
        wait_until_invested(bot, 1)
        bot.wait_for(lambda: operator.state() == "running", "REST")
        config = json.loads(bot.config_file.read_text())
        bot.config_file.write_text(json.dumps(config | {"ticker_interval": "5m"}))
        before = said(bot).count("Verbosity set to")
        operator.ask("reload_config")
        bot.wait_for(lambda: "Configuration not reloaded" in said(bot), "the refusal")
        assert said(bot).count("Verbosity set to") > before, "its handlers are new ones"
        bot.config_file.write_text(json.dumps(config))
        exchange.add_fault("error", path="/fapi/", status=503, msg="no service for {api_key}")
        after = len(bot.log())
        bot.wait_for(lambda: "noservicefor***" in "".join(bot.log()[after:].split()), "an echo")
        bot.wait_for(lambda: "Could not call webhook url" in said(bot), "the webhook")
        exchange.clear_faults()
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130, bot.log_tail()
    text = written(bot)
    assert {secret: text.count(secret) for secret in secrets_of(bot, exchange)} == {
        secret: 0 for secret in secrets_of(bot, exchange)
    }
    assert exchange.positions() == {}


def test_request_of_a_stranger_freezes_no_bot(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    api = operator.config | {"verbosity": "info"}  # each request is logged
    bot = make_bot(pairs=2, api_server=api)
    with bot:
        wait_until_invested(bot, 2)
        bot.wait_for(lambda: operator.state() == "running", "REST")
        for body in BODIES * 2:
            with socket.create_connection(("127.0.0.1", operator.port), timeout=5) as stranger:
                stranger.sendall(f"GET /api/v1/{body} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert stranger.recv(12) == b"HTTP/1.1 404"
        bot.send(signal.SIGTERM)
        assert bot.wait(15) == 130, bot.log_tail()
    assert exchange.positions() == {}
    assert not any(body in written(bot) for body in BODIES)
    assert "(cutoff:" in written(bot)


def test_error_page_of_any_length_freezes_no_run(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2)
    with bot:
        wait_until_invested(bot, 2)
        for body in BODIES:
            page = f"<html>\x1b[2J{body}</html>"
            exchange.add_fault("error", path="/fapi/v", status=503, body=page, times=2)
        watch = Stopwatch(bot.process.pid)
        bot.send(signal.SIGTERM)
        assert bot.wait(15) == 130, bot.log_tail()
        assert watch.stop() < 12
    assert exchange.positions() == {}
    (run,) = runs(bot)
    assert (run["state"], run["duration_seconds"] < 5.0) == ("completed", True)
    failed = [event["error"] for event in events(bot) if event["error"]]
    assert any("503" in error or "<html>" in error for error in failed)
    assert "\x1b" not in bot.log() + "".join(failed)


@pytest.mark.parametrize("password", ["2026", "0000", "1000"])
def test_short_password_costs_neither_window_nor_booking(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator, password: str
) -> None:
    api = operator.config | {"password": password}
    ask = partial(operator.reply, password=password)
    bot = make_bot(pairs=2, api_server=api)
    with bot:
        wait_until_invested(bot, 2)
        bot.wait_for(lambda: ask("show_config", None, method="GET")[0] == 200, "REST")
        status, window = ask("liquidation/disarm", {"for": "15m", "reason": f"{password} it is"})
        assert status == 200
        status, shown = ask("liquidation", None, method="GET")
        assert (status, shown["disarmed_until"]) == (200, window["disarmed_until"])
        assert ask("liquidation/arm", {})[0] == 200
        bot.send(signal.SIGTERM)
        assert bot.wait(20) == 130, bot.log_tail()
    assert exchange.positions() == {}
    (run,) = runs(bot)
    assert run["state"] == "completed"
    assert [trade["exit_reason"] for trade in bot.query("SELECT * FROM trades")] == [
        "emergency_liquidation"
    ] * 2
    ids = {e["additional_data"]["order_id"] for e in events(bot)
           if e["event_type"] == "liquidation_close_answered"}  # fmt: skip
    booked = {row["order_id"] for row in bot.query("SELECT order_id FROM orders")}
    assert len(ids) == 2
    assert ids <= booked
    assert [
        e["additional_data"]["reason"] for e in events(bot) if "disarmed" in e["event_type"]
    ] == ["*** it is"]


def test_words_of_the_exchange_steer_neither_log_nor_terminal_nor_json(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """In the error of each close, where they are told most: log, outcome, trail, every command."""
    words = "no\x9b2J\x9d0;x\x9c\x7f\u202e\u2066\u200b way"  # what JSON may hold as it is
    page = f"<html>\x1b[2J\x1b]0;x\x07\r\x08{words}</html>"
    bot = make_bot(pairs=1, liquidation={"max_retries": 0})
    with bot:
        wait_until_invested(bot, 1)
        refusal = f'{{"code":-1013,"msg":"{words}"}}'
        exchange.add_fault("error", path="/fapi/v", status=503, body=page, times=2)
        exchange.add_fault("error", method="POST", path="[oO]rder", body=refusal)
        bot.send(signal.SIGTERM)
        assert bot.wait(15) == 3, bot.log_tail()
    (run,) = runs(bot)
    shown = [
        command.run(bot, *line)
        for line in (
            ["show-liquidations"],
            ["show-liquidations", run["correlation_id"]],
            ["show-liquidations", run["correlation_id"], "--print-json"],
            ["status"],
            ["status", "--print-json"],
        )
    ]
    texts = [bot.log(), *(done.stdout for done in shown), *(done.stderr for done in shown)]
    assert [STEERING.findall(text) for text in texts if STEERING.search(text)] == []
    assert r"no\x9b2J" in said(bot), "told, as words"
    assert r"\u202e" in shown[2].stdout

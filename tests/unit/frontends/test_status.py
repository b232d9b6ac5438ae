"""``status``: the exit code for monitors, and who runs."""

import io
import json
import os
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.config import pipes
from freqtrade_liquidation.exchange.last_answers import SignedAnswers
from freqtrade_liquidation.frontends import commands
from freqtrade_liquidation.host.control import Control
from freqtrade_liquidation.host.lease import BookDatabase, Lease, RunClaims


class Bot:
    """A configuration and a database."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "bot.sqlite"
        self.config = folder / "config.json"
        self.url = f"sqlite:///{self.file}"
        self.book = BookDatabase(self.url)
        self.write()
        log = AuditLog(self.url, fallback=folder / "x.sqlite", masker=Masker())
        Control(log).arm(by="test")
        log.close()

    def write(self, *, live: Mapping[str, Any] | None = None, **liquidation: Any) -> None:
        """:param live: freqtrade's settings of a live bot; without them it is a dry-run."""
        content = {"dry_run": live is None, "db_url": self.url, "liquidation": liquidation}
        self.config.write_text(json.dumps(content | dict(live or {})))

    def status(self) -> int:
        return commands.run(["status", "-c", str(self.config)])


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bot:
    monkeypatch.chdir(tmp_path)
    return Bot(tmp_path)


def test_armed_names_the_triggers(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    assert bot.status() == 0
    assert "Armed: positions are closed on shutdown, stop, fatal_error." in capsys.readouterr().out


def test_not_armed_says_that_positions_are_kept(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.write(close_positions=False)
    assert bot.status() == 4
    assert "orders are cancelled and positions kept on shutdown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Stopping this bot, also by /stop or a restart, closes its positions at market."),
        ({"triggers": ["shutdown"]}, "/stop does not."),
        ({"triggers": []}, "leaves its positions open (see triggers)"),
        ({"emergency_liquidation": False}, "leaves its positions open (emergency_liquidation"),
        ({"close_positions": False}, "positions stay open (close_positions is false)"),
        ({"timeout_seconds": "5"}, "What stopping the bot does is not known: liquidation.timeout"),
    ],
)
def test_arm_says_what_a_stop_does_by_the_configuration(
    bot: Bot, capsys: pytest.CaptureFixture[str], settings: dict[str, Any], words: str
) -> None:
    """It said that positions are closed, whatever stood there."""
    bot.write(**settings)
    assert commands.run(["arm", "-c", str(bot.config)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("No maintenance window is open. ")
    assert words in text


@pytest.mark.parametrize("settings", [{"emergency_liquidation": False}, {"triggers": []}])
def test_disabled_by_the_configuration_is_4(bot: Bot, settings: dict[str, Any]) -> None:
    """A monitor must not take it for armed because the database says nothing."""
    bot.write(**settings)
    assert bot.status() == 4


def test_disabled_by_the_environment_is_4(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREQTRADE__LIQUIDATION__EMERGENCY_LIQUIDATION", "false")
    assert bot.status() == 4


def test_wrong_configuration_is_2(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    bot.write(timeout_seconds="5")
    assert bot.status() == 2
    assert "timeout_seconds" in capsys.readouterr().err


def test_latched_wins_and_names_the_way_out(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    bot.write(emergency_liquidation=False)
    log = AuditLog(bot.url, fallback=bot.file.with_name("x.sqlite"), masker=Masker())
    Control(log).latch(by="cli eve", correlation_id=None)
    log.close()
    assert bot.status() == 5
    assert f"freqtrade-liquidation release -c {bot.config}" in capsys.readouterr().out


def test_names_the_bot_that_runs_and_the_run_under_way(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.status()
    assert "No bot has said" in capsys.readouterr().out
    Lease(bot.book).renew()
    RunClaims(bot.book).acquire("liq_1", for_s=60)
    bot.status()
    text = capsys.readouterr().out
    assert f"The bot runs on {bot.book.host}, renewed 0 s ago." in text
    assert "liquidation liq_1 of the whole book" in text


def test_says_when_the_exchange_last_answered_the_key_and_with_what(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code stays: a refused key is a warning."""

    def told() -> str:
        assert lease.renew()
        assert bot.status() == 0
        return capsys.readouterr().out

    lease, now = Lease(bot.book), [0.0]
    lease.answers = SignedAnswers(lambda: now[0])
    assert "The bot has not told of an answer to a signed request yet" in told()
    lease.answers.answered("read")
    now[0] = 12.0
    assert "The exchange answered a signed request 12 s ago." in told()
    now[0] = 11_000.0
    lease.answers.refuse("write", "binance -2015 Invalid API-key, IP, or permissions for action.")
    now[0] = 11_040.0
    text = told()
    assert "Armed" in text
    assert (
        "WARNING: the exchange refused a signed order or change 40 s ago, and has answered none "
        "well since: binance -2015 Invalid API-key, IP, or permissions for action.\n"
        "The last good answer to any signed request came 3 h ago. Until it takes the key,"
    ) in text


def test_junk_in_what_a_bot_tells_steers_nothing_and_hides_no_bot(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    Lease(bot.book).renew()
    with sqlite3.connect(bot.file) as database:
        database.execute("UPDATE liquidation_lease SET answers = ?", ("\x1b[2J" + "x" * 10**6,))
    assert bot.status() == 0
    text = capsys.readouterr().out
    assert "The bot runs on" in text
    assert "1 row(s) are not believed" in text
    assert "\x1b" not in text
    assert len(text) < 1000


def test_database_that_does_not_answer_is_1(bot: Bot) -> None:
    """Never "armed" for want of an answer."""
    with sqlite3.connect(bot.file, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert bot.status() == 1


def test_db_url_alone_says_that_the_configuration_is_not_read(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.config.unlink()
    assert commands.run(["status", "--db-url", bot.url]) == 0
    assert "as far as the database says" in capsys.readouterr().out


def test_options_of_the_bots_own_command_line_are_taken(bot: Bot) -> None:
    options = ["-c", str(bot.config), "-s", "Any", "--strategy-path", "x", "-vv", "--dry-run"]
    assert commands.run(["status", *options]) == 0


SLOW = {"name": "binance", "ccxt_config": {"enableRateLimit": True, "rateLimit": 1000}}
"""One request a second."""


def test_book_that_cannot_be_closed_in_time_is_told_with_the_value_that_would_do(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.write(live={"exchange": SLOW, "trading_mode": "futures", "max_open_trades": 10})
    assert bot.status() == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Closing 10 position(s) within the rateLimit in ccxt_config takes 18 s" in told
    assert "Set timeout_seconds to 18 or lower rateLimit." in told
    bot.write(
        live={"exchange": SLOW, "trading_mode": "futures", "max_open_trades": 10},
        timeout_seconds=18,
    )
    assert bot.status() == 0
    assert "rateLimit" not in capsys.readouterr().out


def test_open_trades_count_where_their_number_is_not_bounded(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(bot.file) as database:
        database.execute("CREATE TABLE trades (is_open BOOLEAN)")
        database.executemany("INSERT INTO trades VALUES (?)", [(True,)] * 12 + [(False,)] * 99)
    bot.write(live={"exchange": SLOW, "trading_mode": "futures", "max_open_trades": -1})
    bot.book.write(lambda connection, now: None)  # the tables that two processes share
    assert bot.status() == 0
    assert "Closing 12 position(s)" in capsys.readouterr().out


@pytest.mark.parametrize("exchange", [{}, {"name": "nowhere"}, {"name": "binance"}])
def test_nothing_is_told_of_limits_that_are_not_known(
    bot: Bot, capsys: pytest.CaptureFixture[str], exchange: dict[str, Any]
) -> None:
    bot.write(live={"exchange": exchange, "trading_mode": "futures", "max_open_trades": 3})
    assert bot.status() == 0
    assert "Closing" not in capsys.readouterr().out


def test_configuration_out_of_a_pipe_counts_and_is_not_advised(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    """``-c <(sops -d config.json)``: its /dev/fd/63 is gone when the next command is typed."""
    for words in (["disarm", "--for", "15m"], ["status"]):
        out, into = os.pipe()
        os.write(into, bot.config.read_bytes())
        os.close(into)
        code = commands.run([*words, "-c", f"/dev/fd/{out}"])
        os.close(out)
        pipes.forget()
        assert code == (4 if words == ["status"] else 0)
        assert "To end it: freqtrade-liquidation arm -c <(…)" in capsys.readouterr().out


def test_configuration_from_standard_input_counts(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command reads it twice."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(bot.config.read_text()))
    assert commands.run(["status", "-c", "-"]) == 0, capsys.readouterr().err

"""``disarm``, ``arm``, ``release``, ``status``: on the bot's database and on no other."""

import argparse
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.frontends import commands
from freqtrade_liquidation.frontends.control import duration
from freqtrade_liquidation.host.control import Control


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A bot's database, with an audit trail."""
    address = f"sqlite:///{tmp_path / 'bot.sqlite'}"
    log = AuditLog(address, fallback=tmp_path / "x.sqlite", masker=Masker([]))
    Control(log).arm(by="test")
    log.close()
    return address


def test_disarm_status_arm(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["status", "--db-url", url]) == 0
    assert commands.run(["disarm", "--for", "15m", "--db-url", url, "--reason", "restart"]) == 0
    assert commands.run(["status", "--db-url", url]) == 4
    assert "Disarmed by cli" in capsys.readouterr().out
    assert commands.run(["arm", "--db-url", url]) == 0
    assert commands.run(["status", "--db-url", url]) == 0


def test_latched_until_released(url: str, tmp_path: Path) -> None:
    log = AuditLog(url, fallback=tmp_path / "x.sqlite", masker=Masker([]))
    Control(log).latch(by="fatal_error", correlation_id=None)
    log.close()
    assert commands.run(["status", "--db-url", url]) == 5
    assert commands.run(["release", "--db-url", url]) == 0
    assert commands.run(["status", "--db-url", url]) == 0


def test_database_that_is_not_there_is_named_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disarmed database that no bot reads would be a promise that nobody keeps."""
    missing = tmp_path / "typo.sqlite"
    assert commands.run(["disarm", "--for", "1h", "--db-url", f"sqlite:///{missing}"]) == 2
    assert "typo.sqlite" in capsys.readouterr().err.replace("\n", "")
    assert not missing.exists()


def test_configuration_that_is_not_there_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert commands.run(["status"]) == 2
    assert "not found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", timedelta(seconds=90)), ("15m", timedelta(minutes=15)), ("24h", timedelta(days=1))],
)
def test_duration(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "15", "m", "-5m", "0m", "25h", "1d", "1.5h"])
def test_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        duration(text)


def test_disarm_that_reaches_no_place_is_an_error(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A locked database and no user_data folder: nothing is disarmed, and it says so."""
    monkeypatch.chdir(tmp_path)
    holder = sqlite3.connect(make_url(url).database or "", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        assert commands.run(["disarm", "--for", "15m", "--db-url", url]) == 1
    finally:
        holder.close()
    streams = capsys.readouterr()
    assert "Disarmed" not in streams.out
    assert "Nothing has changed" in streams.err
    assert commands.run(["status", "--db-url", url]) == 0

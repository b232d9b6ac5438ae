"""The commands on a database that is missing or broken: one message, the exit code, no new file."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqtrade_liquidation.audit.engine import sqlite_file
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.identity import fallback_path
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.frontends import commands, liquidate
from freqtrade_liquidation.host.control import Control

COMMANDS = [["show-liquidations"], ["status"], ["disarm", "--for", "15m"], ["release"]]
NOWHERE = "postgresql+psycopg://bot:hunter22@127.0.0.1:1/nothing"


def corrupt(folder: Path) -> str:
    (folder / "bot.sqlite").write_bytes(b"no database at all" * 100)
    return f"sqlite:///{folder}/bot.sqlite"


def a_folder(folder: Path) -> str:
    (folder / "bot.sqlite").mkdir()
    return f"sqlite:///{folder}/bot.sqlite"


CASES: dict[str, tuple[Callable[[Path], str], int, str]] = {
    "missing": (lambda folder: f"sqlite:///{folder}/typo.sqlite", 2, "There is no database"),
    "folder missing": (lambda folder: f"sqlite:///{folder}/no/b.sqlite", 2, "There is no database"),
    "a folder": (a_folder, 2, "There is no database"),
    "no driver": (lambda _: "postgresql+nodriver://bot:hunter22@h/x", 2, "no database address"),
    "corrupt": (corrupt, 1, "cannot be read"),
    "nobody listens": (lambda _: NOWHERE, 1, "cannot be read"),
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("case", CASES)
def test_broken_database_is_one_message_and_no_file(
    case: str,
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make, code, words = CASES[case]
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"dry_run": True, "db_url": make(tmp_path)}))
    before = set(tmp_path.rglob("*"))
    (tmp_path / "user_data").mkdir()
    assert commands.run([*command, "-c", str(config)]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    (error,) = (line for line in shown.err.splitlines() if line.startswith("Error: "))
    assert words in error
    assert "hunter22" not in shown.err
    file = fallback_path(tmp_path / "user_data", json.loads(config.read_text())["db_url"])
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "user_data", file}


class Bot:
    """A configuration and a database that is locked by another process."""

    def __init__(self, folder: Path) -> None:
        self.file, self.config = folder / "bot.sqlite", folder / "config.json"
        (folder / "user_data").mkdir()
        content = {"dry_run": True, "db_url": f"sqlite:///{self.file}"}
        self.config.write_text(json.dumps(content))
        self.log = AuditLog(
            content["db_url"],  # type: ignore[arg-type]
            fallback=fallback_path(folder / "user_data", str(content["db_url"])),
            masker=Masker(),
        )
        Control(self.log).arm(by="test")

    @contextlib.contextmanager
    def locked(self, how: str) -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute(f"BEGIN {how}")
            yield

    def run(self, *command: str) -> int:
        return commands.run([*command, "-c", str(self.config)])


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bot:
    monkeypatch.chdir(tmp_path)
    return Bot(tmp_path)


def test_disarm_beside_a_writer_is_in_force(bot: Bot) -> None:
    """It waits in the file, where the bot looks, too."""
    with bot.locked("IMMEDIATE"):
        assert bot.run("disarm", "--for", "15m") == 0
        assert Control(bot.log).state().disarmed_until is not None


def test_disarm_that_nobody_can_read_is_1(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    """A bot that cannot read its database takes itself for armed."""
    with bot.locked("EXCLUSIVE"):
        assert bot.run("disarm", "--for", "15m") == 1
    assert "not known to be in force" in capsys.readouterr().err


def test_latch_is_told_as_far_as_it_can_be_read(bot: Bot) -> None:
    assert liquidate._about_the_latch(bot.log).startswith("NOT LATCHED")
    with bot.locked("EXCLUSIVE"):
        Control(bot.log).latch(by="cli", correlation_id=None)
        assert "alone" in liquidate._about_the_latch(bot.log)
    assert liquidate._about_the_latch(bot.log).startswith("Latched")


def test_run_that_waits_in_the_file_is_shown(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    """The database was locked in the run: it is no less a run for that."""
    now = datetime.now(UTC)
    event = AuditEvent(event_type=AuditEventType.COMPLETED, operation="run", correlation_id="liq_1")
    row = RunRecord(
        correlation_id="liq_1", trigger="shutdown", state="completed", started_at=now,
        finished_at=now,
    )  # fmt: skip
    with bot.locked("IMMEDIATE"):
        assert bot.log.record([event], row) is Durability.FILE
    assert bot.run("status") == 0
    assert "Last run: liq_1 (shutdown): completed" in capsys.readouterr().out
    assert bot.run("show-liquidations", "--verify") == 0


def test_run_that_was_cut_off_is_called_so(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    """Its process was killed: "in_progress" would be waited for."""
    for name, age_s in (("liq_old", 66), ("liq_young", 10)):
        began = datetime.now(UTC) - timedelta(seconds=age_s)
        row = RunRecord(correlation_id=name, trigger="cli", state="in_progress", started_at=began)
        bot.log.record([], row)
    assert bot.run("show-liquidations") == 0
    shown = capsys.readouterr().out
    assert shown.count("cut off") == 1
    assert "in_progress" in shown
    assert bot.run("show-liquidations", "liq_old") == 0
    assert "next start" in capsys.readouterr().out
    bot.log.record([], RunRecord(
        correlation_id="liq_young", trigger="cli", state="in_progress",
        started_at=datetime.now(UTC) - timedelta(seconds=70),
    ))  # fmt: skip
    bot.run("status")
    assert "Its process ended in the middle of it" in capsys.readouterr().out


def test_sqlite_uri_names_its_file() -> None:
    assert sqlite_file("sqlite:///file:/data/bot.sqlite?mode=ro&uri=true") == Path(
        "/data/bot.sqlite"
    )

"""What strangers wrote does not steer the terminal."""

import io
import json
import os
import pwd
import socket
from pathlib import Path
from typing import NoReturn

import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.free_text import STEERING
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.frontends import commands
from freqtrade_liquidation.frontends.terminal import Terminal, who_asks
from freqtrade_liquidation.host.control import Control

HOSTILE = "a\x1b[2Jb\x9b31mc\x7fd\u202ee\u2066f"
SHOWN = "a[2Jb31mcdef"


def terminal(*, is_one: bool) -> tuple[Terminal, io.StringIO]:
    file = io.StringIO()
    return Terminal(file=file, force_terminal=is_one, width=100, _environ={}), file


def table(words: str) -> Table:
    made = Table(title=words)
    made.add_column(words)
    made.add_row(Text(words))
    return made


@pytest.mark.parametrize("what", [HOSTILE, Text(HOSTILE), table(HOSTILE)], ids=type)
def test_control_characters_are_not_printed(what: object) -> None:
    console, file = terminal(is_one=False)
    console.print(what, markup=False)
    assert SHOWN in file.getvalue()
    assert not set(file.getvalue()) & set("\x1b\x9b\x7f\u202e\u2066")


def test_no_letter_of_a_table_is_lost() -> None:
    """Its columns are measured before."""
    console, file = terminal(is_one=False)
    grid = Table.grid()
    grid.add_row(Text(f"{HOSTILE} the end"))
    console.print(grid)
    assert f"{SHOWN} the end" in file.getvalue()


def test_tabs_and_lines_stay() -> None:
    console, file = terminal(is_one=False)
    console.print("one\ntwo")
    assert file.getvalue() == "one\ntwo\n"


def test_own_styles_and_the_live_part_stay_and_its_words_are_harmless() -> None:
    console, file = terminal(is_one=True)
    console.print(Text(HOSTILE, style="red"))
    with Live(table(HOSTILE), console=console, auto_refresh=False) as live:
        live.refresh()
    shown = file.getvalue()
    assert "\x1b[31m" in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown


def test_commands_show_a_hostile_name_and_reason_as_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, folder = f"sqlite:///{tmp_path / 'trades.sqlite'}", str(tmp_path)
    audit = AuditLog(url, fallback=tmp_path / "f.sqlite", masker=Masker([]))
    Control(audit).latch(by=f"rest {HOSTILE}", correlation_id=None)
    audit.close()
    assert commands.run(["status", "--db-url", url, "--userdir", folder]) == 5
    assert commands.run(["show-liquidations", "no\x1b[2J", "--db-url", url]) == 2
    shown = "".join(capsys.readouterr())
    assert r"Latched by rest a\x1b[2Jb\x9b31mc\x7fd\u202ee\u2066f" in shown
    assert "\x1b" not in shown


def test_print_json_of_a_hostile_trail_steers_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pair's name and an order's id are kept as the exchange gave them."""
    url = f"sqlite:///{tmp_path / 'trades.sqlite'}"
    audit = AuditLog(url, fallback=tmp_path / "f.jsonl", masker=Masker([]))
    hostile = AuditEvent(
        event_type=AuditEventType.CLOSE_ANSWERED, operation="close", pair=f"{HOSTILE}/USDT",
        error=HOSTILE, additional_data={"order_id": HOSTILE},
    )  # fmt: skip
    audit.record([hostile])
    audit.close()
    assert commands.run(["show-liquidations", "--print-json", "--db-url", url]) == 0
    shown = capsys.readouterr().out
    assert STEERING.search(shown) is None
    row = json.loads(shown)
    assert row["pair"] == f"{HOSTILE}/USDT"
    assert row["additional_data"] == {"order_id": HOSTILE}


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("No username set")])
def test_user_without_a_passwd_entry_is_named_by_number(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(uid: int) -> NoReturn:
        raise error

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert who_asks() == f"uid {os.getuid()}@{socket.gethostname()}"

"""The command line in a process of its own, for the bot in a folder."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from freqtrade_liquidation.drill import seal, sealed
from freqtrade_liquidation.drill.bot import BotProcess
from tests.integration.forking import Captured


def arguments(bot: BotProcess, command: str, *options: str, keep: Iterable[str] = ()) -> list[str]:
    """*command* for *bot*, with the options that its own start has; what follows ``python``.

    :param keep: names of the variables that the test sets.
    """
    config, user_data = bot.config_file, bot.folder / "user_data"
    words = ["-m", "freqtrade_liquidation", command, *options]
    return sealed.command(*words, "-c", str(config), "--userdir", str(user_data), keep=keep)


def start(
    bot: BotProcess, command: str, *options: str, environment: Mapping[str, str] | None = None
) -> Captured:
    """Starts it, its output not on a terminal."""
    words = arguments(bot, command, *options, keep=environment or ())
    return Captured(words, bot.folder, _environment() | dict(environment or {}))


def run(
    bot: BotProcess, command: str, *options: str, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Runs it to its end."""
    process = start(bot, command, *options, environment=environment)
    out, errors = process.communicate(timeout=90)
    return subprocess.CompletedProcess(process.process.args, process.returncode or 0, out, errors)


def run_as_stranger(
    bot: BotProcess, command: str, *options: str
) -> "subprocess.CompletedProcess[str]":
    """Runs it to its end, as a user that no passwd entry names. Only root can become one."""
    stranger = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    stranger += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return subprocess.run(
        [*stranger, sys.executable, *arguments(bot, command, *options)],
        cwd=bot.folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def on_terminal(
    bot: BotProcess,
    command: str,
    *options: str,
    types: str = "",
    early: str = "",
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """The exit code and what a person sees, on a terminal, who types *types* when asked.

    :param early: typed before that, while the command starts.
    """
    ours, theirs = pty.openpty()
    os.write(ours, early.encode())
    process = subprocess.Popen(
        [sys.executable, *arguments(bot, command, *options, keep=environment or ())],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=bot.folder,
        env=_environment() | {"TERM": "xterm-256color", "COLUMNS": "120"} | dict(environment or {}),
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not chunk:
            break
        shown += chunk
        if types and b"[y/n]" in shown:
            os.write(ours, types.encode())
            types = ""
    os.close(ours)
    return process.wait(30), shown.decode(errors="replace")


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return seal.environment(os.environ) | {"PYTHONPATH": root, "COLUMNS": "200"}

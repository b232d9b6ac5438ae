"""The command line in a process of its own, for the bot in a folder."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from freqtrade_liquidation.drill.bot import BotProcess


def arguments(bot: BotProcess, command: str, *options: str) -> list[str]:
    """*command* for *bot*, with the options that its own start has."""
    config, user_data = bot.config_file, bot.folder / "user_data"
    words = ["-m", "freqtrade_liquidation", command]
    return [sys.executable, *words, *options, "-c", str(config), "--userdir", str(user_data)]


def start(
    bot: BotProcess, command: str, *options: str, environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Starts it, with pipes."""
    return subprocess.Popen(
        arguments(bot, command, *options),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=bot.folder,
        env=_environment() | dict(environment or {}),
    )


def run(
    bot: BotProcess, command: str, *options: str, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Runs it to its end."""
    process = start(bot, command, *options, environment=environment)
    out, errors = process.communicate(timeout=90)
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def on_terminal(
    bot: BotProcess,
    command: str,
    *options: str,
    types: str = "",
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """The exit code and what a person sees, on a terminal, who types *types* when asked."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        arguments(bot, command, *options),
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
    rest = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return rest | {"PYTHONPATH": root, "COLUMNS": "200"}

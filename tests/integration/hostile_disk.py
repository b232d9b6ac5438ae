"""Bots on a disk that turns against them, and what makes it turn."""

import json
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from freqtrade_liquidation.drill.bot import BotProcess, Process
from tests.integration.forking import spawn
from tests.integration.operator import LaunchedBot

RECORD: Final = "Audit record: "


class PipedBot(LaunchedBot):
    """A bot that prints to a pipe, as under systemd, and whom a folder's mode binds, even as root.

    Without the capabilities that let root write where nobody may.
    """

    launcher = """
import ctypes
class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
libc = ctypes.CDLL(None, use_errno=True)
header, sets = Header(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert libc.capget(ctypes.byref(header), sets) == 0
for number in (0, 1):  # effective and permitted: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    sets[number] &= ~0b110
assert libc.capset(ctypes.byref(header), sets) == 0
from freqtrade.loggers import error_console
error_console.width = 100_000  # no line is broken
from freqtrade_liquidation.__main__ import main
main()
"""

    def trade_arguments(self) -> list[str]:
        """Without a log file: it would stand on the full disk, too."""
        return super().trade_arguments()[:-2]

    def spawn(self, log: IO[bytes]) -> Process:
        """See the base class; the log is written by this process, whose disk is not full."""
        ours, theirs = os.pipe()
        copy = os.fdopen(os.dup(log.fileno()), "wb", buffering=0)
        threading.Thread(target=_drain, args=(ours, copy), daemon=True).start()
        with open(os.devnull) as nothing, os.fdopen(theirs, "wb") as end:
            return spawn(self.arguments(), (nothing, end, end), self.folder, self.environment())


def _drain(descriptor: int, copy: IO[bytes]) -> None:
    with copy:
        while chunk := os.read(descriptor, 65536):
            copy.write(chunk)
    os.close(descriptor)


def fill_the_disk(bot: BotProcess) -> None:
    """From now on none of the bot's writes to a file succeeds."""
    hard = resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (0, hard))


def hang(database: Path) -> None:
    """Who opens *database* from now on never comes back, as on a disk that is frozen.

    SQLite looks for a journal that a crash has left, and opens it: a pipe that nobody writes to.
    """
    os.mkfifo(f"{database}-journal")


@contextmanager
def read_only(database: Path) -> Iterator[None]:
    """Who opens *database* from now on can read it, no more."""
    files = list(database.parent.glob(f"{database.name}*"))
    for file in files:
        file.chmod(0o444)
    try:
        yield
    finally:
        for file in files:
            if file.exists():
                file.chmod(0o644)


@contextmanager
def moved_away(database: Path) -> Iterator[None]:
    """*database* with all that belongs to it, put back at the end over whatever stands there."""
    folder = database.parent / "away"
    folder.mkdir()
    for file in database.parent.glob(f"{database.name}*"):
        file.rename(folder / file.name)
    try:
        yield
    finally:
        for file in database.parent.glob(f"{database.name}*"):
            file.unlink()
        for file in folder.iterdir():
            file.rename(database.parent / file.name)


def records_in_log(bot: BotProcess) -> list[dict[str, Any]]:
    """The audit records that only the log has."""
    lines = (line.partition(RECORD) for line in bot.log().splitlines())
    return [json.loads(found) for _, mark, found in lines if mark]


def drop_log(bot: BotProcess) -> None:
    """What the next start prints stands alone."""
    bot.log_file.unlink()

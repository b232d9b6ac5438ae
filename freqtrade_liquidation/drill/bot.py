"""A real bot in a process of its own, in a folder of its own, sealed off from the user's."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from freqtrade_liquidation.drill import seal, sealed

STRATEGY = Path(__file__).with_name("strategy.py")


class Process(Protocol):
    """What is used of a :class:`subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...


class BotProcess:
    """``freqtrade-liquidation trade`` on *config*, in *folder*.

    :param config: freqtrade's configuration; ``db_url`` and the directories are set here.
    :param strategy: a file with one strategy class, and its name.
    :param environment: variables that the bot has beside what a sealed process may have.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        *,
        strategy: tuple[Path, str] = (STRATEGY, "DrillStrategy"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.database = folder / "tradesv3.sqlite"
        self.log_file = folder / "bot.log"
        self.config_file = folder / "config.json"
        self._environment = dict(environment or {})
        self._strategy = strategy[1]
        strategies = folder / "user_data" / "strategies"
        strategies.mkdir(parents=True, exist_ok=True)
        shutil.copy(strategy[0], strategies / "strategy_of_bot.py")
        self.write_config(config)
        self._process: Process | None = None

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Writes the configuration file."""
        complete = {**config, "db_url": f"sqlite:///{self.database}"}
        self.config_file.write_text(json.dumps(complete, indent=2))

    def start(self) -> Self:
        """Starts the process; see :meth:`wait_for`."""
        with self.log_file.open("ab") as log:
            self._process = self.spawn(log)
        return self

    def spawn(self, log: IO[bytes]) -> Process:
        """A process of its own session, that writes to *log*."""
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, *self.arguments()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            start_new_session=True,
            env=self.environment(),
        )

    def arguments(self) -> list[str]:
        """What follows ``python``."""
        words = ("-m", "freqtrade_liquidation", *self.trade_arguments())
        return sealed.command(*words, only=self.config_file, keep=self._environment)

    def trade_arguments(self) -> list[str]:
        """freqtrade's command and its options."""
        config, user_data = self.config_file, self.folder / "user_data"
        options = ["-c", str(config), "--userdir", str(user_data), "-s", self._strategy]
        return ["trade", *options, "--logfile", str(self.folder / "freqtrade.log")]

    def environment(self) -> dict[str, str]:
        """What a sealed process may have, with this bot's folder for its home."""
        return seal.environment(os.environ, home=self.folder) | self._environment

    @property
    def process(self) -> Process:
        """The running (or ended) process."""
        assert self._process is not None, "started"
        return self._process

    def send(self, number: signal.Signals) -> None:
        """Sends a real signal to the bot."""
        self.process.send_signal(number)

    def wait_for(
        self,
        condition: Callable[[], bool],
        what: str,
        timeout_s: float = 60.0,
        *,
        progress: Callable[[], object] | None = None,
    ) -> None:
        """Polls *condition* until it holds.

        :param timeout_s: how long to wait; with *progress*, since its value last changed.
        :raises RuntimeError: with the end of the log, if the bot ends or time runs out first.
        """
        reached: object = None
        until = time.monotonic() + timeout_s
        while not condition():
            if progress and (now := progress()) != reached:
                reached, until = now, time.monotonic() + timeout_s
            ended = self.process.poll()
            if ended is not None:
                self.check_seal()
                raise RuntimeError(f"the bot ended ({ended}) before {what}:\n{self.log_tail()}")
            if time.monotonic() > until:
                raise RuntimeError(f"no {what} within {timeout_s:.0f} s:\n{self.log_tail()}")
            time.sleep(0.05)

    def check_seal(self) -> None:
        """:raises RuntimeError: if the bot was ended because it tried to leave its seal."""
        for line in self.log().splitlines():
            if line.startswith(seal.MARK):
                raise RuntimeError(line.removeprefix(seal.MARK))

    def wait(self, timeout_s: float = 60.0) -> int:
        """The exit code.

        :raises subprocess.TimeoutExpired: if it does not end in time.
        """
        return self.process.wait(timeout_s)

    def log(self) -> str:
        """Everything that the bot printed."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_tail(self, lines: int = 30) -> str:
        """The last *lines* of it."""
        return "\n".join(self.log().splitlines()[-lines:])

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of the bot's database; empty while it does not exist."""
        if not self.database.exists():
            return []
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(sql, parameters)]
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            connection.close()

    def open_trades(self) -> list[dict[str, Any]]:
        """freqtrade's open trades that hold a position."""
        return self.query("SELECT * FROM trades WHERE is_open = 1 AND amount > 0")

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

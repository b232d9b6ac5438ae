"""Processes of the tests: forked, or started anew where ``TESTS_FORK=0`` asks for it.

Most of what a bot costs a test are freqtrade's imports. A process forked after them is a process
like any other: its own pid, its own signals, its own end. How the command itself starts is tested
by the drill and on a terminal, which start it anew.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from freqtrade_liquidation.drill import seal
from freqtrade_liquidation.drill.bot import BotProcess, Process

FORKS = os.environ.get("TESTS_FORK", "1") != "0"
SERVER = Path(__file__).with_name("forkserver.py")


class ForkedProcess:
    """Behaves like the :class:`subprocess.Popen` that it stands for, as far as tests use it."""

    def __init__(self, arguments: Sequence[str], connection: socket.socket) -> None:
        self.args = list(arguments)
        self.pid = int(connection.recv(64) or b"0")
        assert self.pid, "the fork server has ended"
        self.returncode: int | None = None
        self._connection = connection

    def poll(self) -> int | None:
        """The exit code, once there is one; negative = the signal that ended it."""
        return self._wait(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """:raises subprocess.TimeoutExpired: after *timeout* seconds."""
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing happens if it has ended, which the fork server may not have told yet."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _wait(self, timeout_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], timeout_s)[0]:
            self.returncode = int(self._connection.recv(64))
            self._connection.close()
        return self.returncode


class _Server:
    """The process that forks; one a test process, started when it is first needed."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(SERVER), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env=seal.environment(os.environ),
            )
        atexit.register(self.close)

    def fork(
        self,
        arguments: Sequence[str],
        streams: tuple[IO[Any], IO[Any], IO[Any]],
        folder: Path,
        environment: Mapping[str, str],
    ) -> ForkedProcess:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
        }
        with theirs:
            descriptors = [*(stream.fileno() for stream in streams), theirs.fileno()]
            socket.send_fds(self._requests, [json.dumps(request).encode()], descriptors)
        return ForkedProcess(arguments, ours)

    def close(self) -> None:
        self._requests.close()
        self._process.wait(10)


_servers: list[_Server] = []


def spawn(
    arguments: Sequence[str],
    streams: tuple[IO[Any], IO[Any], IO[Any]],
    folder: Path,
    environment: Mapping[str, str],
) -> "subprocess.Popen[bytes] | ForkedProcess":
    """A process in a session of its own that does what ``python ARGUMENTS`` does.

    :param arguments: ``-m MODULE …`` or ``-c CODE …``.
    """
    if FORKS:
        if not _servers:
            _servers.append(_Server())
        return _servers[0].fork(arguments, streams, folder, environment)
    standard_input, output, errors = streams
    return subprocess.Popen(
        [sys.executable, *arguments], stdin=standard_input, stdout=output, stderr=errors,
        cwd=folder, env=dict(environment), start_new_session=True,
    )  # fmt: skip


class Captured:
    """A process whose output is kept in files, and read at its end."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._out = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when it is read
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when it is read
        with open(os.devnull) as nothing:
            streams = (nothing, self._out, self._errors)
            self.process = spawn(arguments, streams, folder, environment)

    @property
    def returncode(self) -> int | None:
        """Once it has been waited for."""
        return self.process.returncode

    def send_signal(self, number: int) -> None:
        """A real one."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Waits for its end: output and errors.

        :raises subprocess.TimeoutExpired: after *timeout* seconds; it is killed then.
        """
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self._text(self._out), self._text(self._errors)

    @staticmethod
    def _text(file: IO[str]) -> str:
        with file:
            file.seek(0)
            return file.read()


class ForkedBot(BotProcess):
    """``freqtrade-liquidation trade``, forked."""

    def spawn(self, log: IO[bytes]) -> Process:
        with open(os.devnull) as nothing:
            return spawn(self.arguments(), (nothing, log, log), self.folder, self.environment())

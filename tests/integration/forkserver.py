"""Forks the tests' processes from one that has freqtrade's imports behind it.

    python -P forkserver.py FD

Reads requests from the socket FD until its other end is closed; each comes with four descriptors:
input, output, errors, and a socket for pid and exit code. No object of freqtrade's is made here and
no thread runs: what is forked is an interpreter after a row of ``import`` lines. It then runs what
it is told to from its beginning to Python's own end. It is sealed off, and so is every fork of it.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
from typing import Any

from freqtrade_liquidation.drill import seal, sealed

IMPORTS = (
    "ccxt.async_support",
    "ccxt.pro",
    "freqtrade.commands",
    "freqtrade.main",
    "freqtrade.persistence",
    "freqtrade.plugins.pairlist.StaticPairList",
    "freqtrade.resolvers",
    "freqtrade.rpc.api_server.webserver",
    "freqtrade.rpc.telegram",
    "freqtrade.strategy",
    "freqtrade.worker",
    "sqlalchemy.dialects.sqlite",
)
LONGEST_REQUEST = 1 << 20
PR_SET_PDEATHSIG = 1
"""Source: prctl(2)."""


def serve(requests: socket.socket) -> None:
    """One request after the other; returns at the end, and in each process that has run its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    server = os.getpid()
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 4)
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            _die_with(server)
            _carry_out(json.loads(message), descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _carry_out(request: dict[str, Any], descriptors: list[int]) -> None:
    """Forks once more: who waits for a process must be its parent."""
    *standard, told = descriptors
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    waiting = os.getpid()
    pid = os.fork()
    if pid:
        with socket.socket(fileno=told) as telling:
            telling.send(str(pid).encode())
            _, status = os.waitpid(pid, 0)
            telling.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    os.close(told)
    _die_with(waiting)
    _become(request, standard)
    sealed.run(*request["arguments"])


def _die_with(parent: int) -> None:
    """No bot outlives a test run that was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)


def _become(request: dict[str, Any], standard: list[int]) -> None:
    """Session, folder, environment and standard streams, as a new process would have them."""
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)


if __name__ == "__main__":
    seal.seal_this_process()
    for name in IMPORTS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or each child's first collection copies every page
    serve(socket.socket(fileno=int(sys.argv[1])))

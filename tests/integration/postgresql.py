"""What becomes of a PostgreSQL server in its life: stopped, started again, frozen."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def pg_ctl(url: str, *words: str) -> None:
    """*words* for the server of fixture ``postgresql``, such as ``-m fast restart``; waits."""
    home = _home(url)
    program = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))[-1]
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    options = f"-c listen_addresses='' -k {home} -c fsync=off"
    at = ["-D", str(home / "d"), "-l", str(home / "log"), "-o", options, "-w"]
    subprocess.run(
        [*as_user, str(program), *at, *words],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """The server and all that serve its connections are stopped, and still take what is sent."""
    server = int((_home(url) / "d" / "postmaster.pid").read_text().splitlines()[0])
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    processes = [server, *map(int, children)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def _home(url: str) -> Path:
    return Path(url.rsplit("host=", 1)[1])

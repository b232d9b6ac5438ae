"""A MariaDB server of one test's own, with the server's own defaults."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

STARTS_WITHIN_S: Final = 60


def programs() -> tuple[str, str] | None:
    """The server and what makes its folder; ``None`` = not installed."""
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    return None if server is None or install is None else (server, install)


@contextmanager
def server_at(home: Path, server: str, install: str) -> Iterator[str]:
    """The URL of an empty database; its letters are Latin ones, as old servers' are."""
    home.mkdir()
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(home, "mysql")
        as_user = ["--user=mysql"]
    at = ["--no-defaults", *as_user, f"--datadir={home / 'd'}"]
    make = [install, *at, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(make, check=True, capture_output=True, cwd="/")
    socket = home / "s"
    options = [f"--socket={socket}", f"--pid-file={home / 'pid'}", "--skip-networking"]
    process = subprocess.Popen(
        [server, *at, *options, "--innodb-flush-log-at-trx-commit=0"],
        cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield _empty_database(socket, process)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home)


def _empty_database(socket: Path, process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + STARTS_WITHIN_S
    while True:
        assert process.poll() is None, "MariaDB did not start"
        assert time.monotonic() < until, "MariaDB does not answer"
        engine = create_engine(f"mysql+pymysql://root@localhost/mysql?unix_socket={socket}")
        try:
            with engine.connect() as connection:
                connection.execute(text("CREATE DATABASE bot CHARACTER SET latin1"))
            return f"mysql+pymysql://root@localhost/bot?unix_socket={socket}"
        except DBAPIError:
            time.sleep(0.05)  # its socket is not there yet
        finally:
            engine.dispose()

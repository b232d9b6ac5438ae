"""Our own way into freqtrade's database: short waits, and commits that never touch freqtrade's."""

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

BUSY_TIMEOUT_S: Final = 0.1
STATEMENT_TIMEOUT_MS: Final = 1000
CONNECT_TIMEOUT_S: Final = 2
"""libpq rounds 1 up to 2."""
SERVERS_LIKE_MYSQL: Final = ("mysql", "mariadb")
WRITING: Final = {"audit_write": True}
"""Execution option of connections that write: they take the write lock at BEGIN."""


def is_in_memory(db_url: str) -> bool:
    """Nothing of it survives the process (or is seen by another connection)."""
    url = make_url(db_url)
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def sqlite_file(db_url: str) -> Path:
    """The file of an SQLite database, given as a path or as an SQLite URI."""
    return Path((make_url(db_url).database or "").removeprefix("file:"))


class _Existing:
    """A database file that was there once is not made anew by a write of ours.

    Whoever has moved it away to put another in its place would overwrite what we had written. The
    fallback file keeps it until the database is there again.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = False

    def check(self, *_connect: Any) -> None:
        """:raises sqlite3.OperationalError: if it is gone."""
        if self._seen and not self._file.exists():
            raise sqlite3.OperationalError(f"the database file {self._file} is gone")

    def note(self, *_connected: Any) -> None:
        """Whoever has connected has it, or makes it now."""
        self._seen = True


def make_engine(db_url: str) -> Engine:
    """An engine for the audit log alone.

    :raises sqlalchemy.exc.ArgumentError: if *db_url* is none.
    :raises sqlalchemy.exc.NoSuchModuleError: if its driver is not installed.
    """
    url = make_url(db_url)
    if url.get_backend_name() == "sqlite":
        # A connection for each transaction: a pooled one would go on writing into a file that has
        # been deleted or replaced meanwhile, and call it durable.
        engine = create_engine(
            url,
            poolclass=NullPool,
            connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        )
        if not is_in_memory(db_url):
            existing = _Existing(sqlite_file(db_url))
            event.listen(engine, "do_connect", existing.check)
            event.listen(engine, "connect", existing.note)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        url, pool_size=2, pool_pre_ping=True, connect_args=_arguments(url.drivername)
    )
    bound_statements(engine, STATEMENT_TIMEOUT_MS)
    return engine


def bound_statements(engine: Engine, timeout_ms: int) -> None:
    """No statement of *engine*'s takes longer, nor waits for a lock longer than the server can be
    told to: 100 ms, on MariaDB within *timeout_ms*."""

    def on_postgresql(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
            cursor.execute(f"SET statement_timeout = {timeout_ms}")
        connection.commit()

    def on_mysql(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            if "mariadb" in str(cursor.fetchone()[0]).lower():
                cursor.execute(f"SET SESSION max_statement_time = {timeout_ms / 1000}")
            else:  # for reads alone; a write waits for its lock
                cursor.execute(f"SET SESSION max_execution_time = {timeout_ms}")
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")  # whole seconds
        connection.commit()

    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", on_postgresql)
    elif engine.dialect.name in SERVERS_LIKE_MYSQL:
        event.listen(engine, "connect", on_mysql)


def lacks_a_table(error: DBAPIError) -> bool:
    """PostgreSQL's 42P01, MariaDB's 1146, or SQLite's words, for it has no code for it."""
    codes = getattr(error.orig, "sqlstate", None), (getattr(error.orig, "args", None) or (0,))[0]
    return codes[0] == "42P01" or codes[1] == 1146 or "no such table" in str(error.orig)


def _arguments(drivername: str) -> dict[str, Any]:
    """Short waits for a server that does not answer."""
    if "psycopg" in drivername or drivername == "postgresql":
        return {"connect_timeout": CONNECT_TIMEOUT_S, "tcp_user_timeout": CONNECT_TIMEOUT_S * 1000}
    if "pymysql" in drivername:
        return {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": CONNECT_TIMEOUT_S,
            "write_timeout": CONNECT_TIMEOUT_S,
        }
    return {}


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    # Bytes that are no text cost their own row, and not every read of its table.
    connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    # The default in WAL mode may be NORMAL, which may lose the last commits with the power.
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: two processes that both read the head before writing would fork the chain.
    writing = connection.get_execution_options().get("audit_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

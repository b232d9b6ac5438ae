"""The second SQLite file: it takes the trail while the database does not.

It belongs to one database; its name is a digest of that database's address, and the address stands
in it. Several bots share a user_data folder, and the one file that they once shared gave one bot
the latch and the sells of another.

Why SQLite and not lines of text: a torn write, two processes and a full disk are then SQLite's
business, and what is taken in leaves in one transaction with nothing moved aside. Why a rollback
journal and not WAL: the file is seldom written, one file is easier to look at and to move away, and
WAL needs shared memory, which network file systems and some bind mounts do not have.

Who can write the folder can put anything in the file's place, or beside it, where SQLite looks for
a journal: no journal mode keeps it from reading one that stands there. So the file and its
neighbours are looked at before they are opened: a link, a pipe, a folder, a file of another user,
or a database that is not ours is renamed and told, and a new one is made. Locks are waited for
100 ms, queries end after 500 ms. What changes between the look and the opening, or hangs in the
operating system, meets the second bound: each call runs in a thread that is waited for one second.
"""

import json
import logging
import os
import sqlite3
import stat
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

from freqtrade_liquidation.audit.chain import canonical
from freqtrade_liquidation.audit.checks import JSON_LENGTH, Misfit
from freqtrade_liquidation.audit.rows import Border, Line, SetAside, line
from freqtrade_liquidation.bounded import bounded

BUSY_TIMEOUT_S: Final = 0.1
ANSWERS_WITHIN_S: Final = 0.5
CALL_WITHIN_S: Final = 1.0
"""Everything that one call does. A slow disk takes three or four flushes for a write."""
OPENED_BESIDE: Final = ("-journal", "-wal", "-shm")
"""SQLite looks for these beside any database, in every journal mode, and reads what it finds."""
APPLICATION_ID: Final = 0x6C69_7166  # "liqf"
VERSION: Final = 1
BATCH: Final = 200
BROKEN: Final = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
TABLES: Final = (
    "CREATE TABLE identity (database TEXT NOT NULL)",
    "CREATE TABLE waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, line_id TEXT NOT NULL, "
    "record_id TEXT NOT NULL, kind TEXT NOT NULL, event_type TEXT, correlation_id TEXT, "
    "data TEXT NOT NULL)",
    "CREATE TABLE set_aside (number INTEGER PRIMARY KEY AUTOINCREMENT, row TEXT NOT NULL, "
    "why TEXT NOT NULL)",
    "CREATE TABLE brought_in (file TEXT PRIMARY KEY)",
)
READ: Final = (
    "SELECT number, line_id, record_id, kind, CASE WHEN length(data) <= ? THEN data END "
    "FROM waiting "
)
KEEP_ASIDE: Final = (
    "INSERT INTO set_aside (row, why) SELECT quote(line_id) || ',' || quote(record_id) || ',' || "
    "quote(kind) || ',' || quote(substr(data, 1, ?)), ? FROM waiting WHERE number = ?"
)
Numbered = tuple[int, Line | None]
T = TypeVar("T")


class NotOurs(OSError):
    """Something else stands in the file's place, and cannot be moved away."""


class FileHangs(OSError):
    """A call on the file has not come back in time. What it was to write may still be written."""


class FallbackFile:
    """Takes lines durably, all of a call or none, and hands them over in their order.

    Every method but :meth:`waits` raises ``OSError`` or ``sqlite3.Error`` if the file does not play
    along.

    :param database: what :func:`.identity.identity` says of the database that it belongs to.
    """

    def __init__(self, path: Path, *, database: str, border: Border) -> None:
        self.path = path
        self._database = database
        self._border = border
        self._logger = logging.getLogger(__name__)
        self._told: set[str] = set()
        self._late: threading.Event | None = None

    # -- writing ------------------------------------------------------------------------------

    def append(self, lines: Sequence[Line]) -> None:
        """Makes *lines* durable."""
        rows = [
            (
                one.line_id,
                one.record_id,
                one.kind,
                one.data.get("event_type"),
                one.data.get("correlation_id"),
                canonical(one.data),
            )
            for one in lines
        ]
        statement = (
            "INSERT INTO waiting (line_id, record_id, kind, event_type, correlation_id, data) "
            "VALUES (?, ?, ?, ?, ?, ?)"
        )
        self._in_file(lambda file: file.executemany(statement, rows), create=True)

    def remove(self, numbers: Sequence[int]) -> None:
        """Forgets lines that are in the database now."""
        keys = [(number,) for number in numbers]
        statement = "DELETE FROM waiting WHERE number = ?"
        self._in_file(lambda file: file.executemany(statement, keys), write=True)

    def set_aside(self, numbers: Sequence[int], why: str) -> None:
        """Keeps lines that fit no database where a person can look at them."""

        def work(file: sqlite3.Connection) -> None:
            for number in numbers:
                file.execute(KEEP_ASIDE, (JSON_LENGTH, why, number))
                file.execute("DELETE FROM waiting WHERE number = ?", (number,))

        self._in_file(work, write=True)

    def note_brought_in(self, name: str) -> None:
        """Remembers that another file, named with its state, need not be looked at again."""
        statement = "INSERT OR IGNORE INTO brought_in VALUES (?)"
        self._in_file(lambda file: file.execute(statement, (name,)), create=True)

    # -- reading ------------------------------------------------------------------------------

    def waits(self) -> bool:
        """Whether any line waits here. ``False``, too, while the file does not say."""
        try:
            return self._any("SELECT 1 FROM waiting LIMIT 1")
        except (OSError, sqlite3.Error) as error:
            self._tell(f"it cannot be read for now: {error}")
            return False

    def was_brought_in(self, name: str) -> bool:
        """See :meth:`note_brought_in`."""
        return self._any("SELECT 1 FROM brought_in WHERE file = ?", name)

    def first(self, count: int = BATCH) -> list[Numbered]:
        """The oldest lines with their numbers; ``None`` for one that does not fit."""
        return self._lines("ORDER BY number LIMIT ?", count)

    def lines(self, kind: str) -> list[Line]:
        """All lines of *kind* that fit, oldest first."""
        found = self._lines("WHERE kind = ? ORDER BY number", kind)
        return [one for _, one in found if one is not None]

    def newest(self, event_types: Sequence[str], count: int) -> list[Line | None]:
        """The newest events of *event_types*, newest first; ``None`` for one that does not fit."""
        marks = ", ".join("?" * len(event_types))
        where = f"WHERE event_type IN ({marks}) ORDER BY number DESC LIMIT ?"
        return [one for _, one in self._lines(where, *event_types, count)]

    def _any(self, query: str, *values: Any) -> bool:
        return bool(self._in_file(lambda file: file.execute(query, values).fetchall()))

    def _lines(self, where: str, *values: Any) -> list[Numbered]:
        query, bound = READ + where, (JSON_LENGTH, *values)
        rows = self._in_file(lambda file: file.execute(query, bound).fetchall()) or []
        return [(row[0], self._line(row)) for row in rows]

    def _line(self, row: tuple[Any, ...]) -> Line | None:
        number, line_id, record_id, kind, data = row

        def check() -> Line:
            try:
                parsed = json.loads(data)
            except (ValueError, TypeError, RecursionError) as error:
                raise Misfit("its data are no JSON, or too long") from error
            return line({"line_id": line_id, "record_id": record_id, "kind": kind, "data": parsed})

        return self._border.passed(self.path.name, number, check)

    # -- the file -----------------------------------------------------------------------------

    def _in_file(
        self, work: Callable[[sqlite3.Connection], T], *, write: bool = False, create: bool = False
    ) -> T | None:
        """What *work* returns, in one transaction on the file; ``None`` = there is no file.

        All of it runs in a thread that is waited for a bounded time: a call of the operating
        system on a pipe or a dead network drive does not end by itself. While such a thread has not
        come back, no second one is sent after it.

        :raises FileHangs: if the time was over, or the thread of an earlier call has not come back.
        """
        if self._late is not None and not self._late.is_set():
            raise FileHangs(f"{self.path} does not answer: an earlier call has not come back")
        ended = threading.Event()

        def whole() -> T | None:
            try:
                return self._transaction(work, write=write, create=create)
            finally:
                ended.set()

        try:
            return bounded(whole, timeout_s=CALL_WITHIN_S, name="fallback file")
        except TimeoutError as error:
            self._late = ended
            raise FileHangs(f"{self.path} does not answer: {error}") from error

    def _transaction(
        self, work: Callable[[sqlite3.Connection], T], *, write: bool, create: bool
    ) -> T | None:
        connection = self._begun(write=write or create, create=create)
        if connection is None and create:  # what stood in its place is out of the way now
            connection = self._begun(write=True, create=True)
        if connection is None:
            if create:
                raise NotOurs(f"{self.path}: something else stands in its place")
            return None
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if _code(error) in (*BROKEN, sqlite3.SQLITE_ERROR):  # the last: its tables are not ours
                self._move_away(f"it does not hold what it should ({error})")
            raise
        finally:
            connection.close()  # rolls back what is not committed
        return result

    def _begun(self, *, write: bool, create: bool) -> sqlite3.Connection | None:
        """A connection in a transaction; ``None`` = there is no file of ours."""
        if not self._stands():
            if not create:
                return None
            self._make()
        connection = _connect(self.path)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            if self._is_ours(connection, create=create):
                return connection
        except sqlite3.DatabaseError as error:
            connection.close()
            if _code(error) not in BROKEN:
                raise
            self._move_away(f"it is no database ({error})")
            return None
        except Misfit as error:
            connection.close()
            self._move_away(str(error))
            return None
        except BaseException:
            connection.close()
            raise
        connection.close()
        return None

    def _stands(self) -> bool:
        """Whether a file stands there that may be ours. What cannot be ours is moved away.

        :raises NotOurs: if it stays beside the file, where SQLite would open it.
        """
        for ending in OPENED_BESIDE:
            beside = self.path.with_name(self.path.name + ending)
            if not self._may_be_ours(beside) and os.path.lexists(beside):
                raise NotOurs(f"{beside}: something else stands in its place")
        return self._may_be_ours(self.path)

    def _may_be_ours(self, file: Path) -> bool:
        try:
            found = file.lstat()
        except FileNotFoundError:
            return False
        if (why := _foreign(found, file)) is not None:
            self._move_away(why, file)
            return False
        return True

    def _make(self) -> None:
        """An empty file of our own, for its owner alone."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(self.path, flags, 0o600)
        except FileExistsError:
            return
        try:
            if hasattr(os, "geteuid") and os.geteuid() == 0:
                # A command of root's must not leave a file that the bot, another user, cannot read.
                owner = self.path.parent.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
        finally:
            os.close(descriptor)

    def _is_ours(self, connection: sqlite3.Connection, *, create: bool) -> bool:
        """Whether it holds our tables; makes them in a new file, where that is wanted.

        :raises Misfit: if it is another program's, or another database's.
        """
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application == 0 and tables == 0:
            if create:
                self._make_tables(connection)
            return create
        if application != APPLICATION_ID:
            raise Misfit("it is another program's database")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise NotOurs(f"{self.path} has version {version}; this program knows {VERSION}")
        if connection.execute("SELECT database FROM identity").fetchall() != [(self._database,)]:
            raise Misfit("it belongs to another database")
        return True

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        for statement in TABLES:
            connection.execute(statement)
        connection.execute("INSERT INTO identity VALUES (?)", (self._database,))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")

    def _move_away(self, why: str, file: Path | None = None) -> None:
        """Out of our way, kept for a person. Where the folder does not allow it, it stays.

        :param file: ``None`` = the fallback file itself.
        """
        file = file or self.path
        aside = file.with_name(f"{file.name}.set-aside-{uuid.uuid4().hex[:8]}")
        try:
            file.rename(aside)
        except FileNotFoundError:
            return  # another process has just done so
        except OSError as error:
            self._tell(f"something else stands in its place and stays there: {why} ({error})")
            return
        self._border.tell(SetAside(file.name, aside.name, why))

    def _tell(self, words: str) -> None:
        if words not in self._told:
            self._told.add(words)
            self._logger.warning("The fallback file %s: %s", self.path, words)


def _foreign(found: os.stat_result, path: Path) -> str | None:
    """Why what *found* describes cannot be a file of ours, in words; ``None`` = it can."""
    if not stat.S_ISREG(found.st_mode):
        return "it is no regular file"
    if found.st_nlink > 1:
        return "it has a second name elsewhere"
    owners = {path.parent.stat().st_uid, *([os.geteuid()] if hasattr(os, "geteuid") else [])}
    if found.st_uid not in owners:
        return f"it belongs to user {found.st_uid}"
    if not os.access(path, os.R_OK):
        return "this user may not read it"
    return None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )
    connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    until = time.monotonic() + ANSWERS_WITHIN_S
    connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    return connection


def _code(error: sqlite3.Error) -> int:
    """SQLite's own, without its detail; 0 = the error is Python's."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF

"""The tables through which two processes agree, on an engine of their own; every call is short."""

import logging
import socket
import time
import uuid
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, ProgrammingError

from freqtrade_liquidation.audit import schema
from freqtrade_liquidation.audit.engine import WRITING, bound_statements, is_in_memory, make_engine
from freqtrade_liquidation.audit.rows import Border
from freqtrade_liquidation.audit.tables import CLAIMS
from freqtrade_liquidation.bounded import bounded
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.host.lease.clock import Moment, read_clock

T = TypeVar("T")
logger = logging.getLogger(__name__)

ANSWERS_WITHIN_S: Final = 0.3
FILE_ANSWERS_WITHIN_S: Final = 1.0
"""An SQLite file that is slow says nothing of a process that hangs. A run waits less."""
STATEMENT_TIMEOUT_MS: Final = 250
TRIES: Final = 2
"""freqtrade may hold SQLite's lock a moment longer than one busy timeout (100 ms)."""
SLOW_S: Final = 0.5
"""A lock costs less, a dead server more: that one is not tried twice."""

Work = Callable[[Connection, Moment], T]


class BookUnavailable(LiquidationError):
    """The database did not answer: nothing is known of the other process, least that it is gone."""


class BookDatabase:
    """freqtrade's database, as far as processes that share a book need it.

    :param db_url: freqtrade's. In memory: nobody shares it, see :attr:`is_shared`.
    :param within_s: how long an SQLite file may take to answer.
    :ivar holder: names this process, at random: process ids mean nothing between containers.
    :ivar border: what reads let through.
    """

    def __init__(self, db_url: str, *, within_s: float = FILE_ANSWERS_WITHIN_S) -> None:
        self.holder = uuid.uuid4().hex
        self.host = socket.gethostname() or "?"
        self.border = Border(logger)
        self.is_shared = not is_in_memory(db_url)
        self._engine = make_engine(db_url)
        is_file = self._engine.dialect.name == "sqlite"
        self._within_s = within_s if is_file else ANSWERS_WITHIN_S
        self._has_tables = self._is_prepared = False
        bound_statements(self._engine, STATEMENT_TIMEOUT_MS)

    def read(self, work: Work[T], *, empty: T, inline: bool = False) -> T:
        """What *work* returns; *empty* while the tables do not exist.

        :param inline: in the calling thread, even where a dead server or a disk may hold it.
        :raises BookUnavailable: if the database does not answer in time.
        """
        return self._call(lambda: self._read(work, empty), inline=inline)

    def write(self, work: Work[T], *, inline: bool = False) -> T:
        """What *work* returns, committed; no other process writes these tables meanwhile.

        :raises BookUnavailable: as :meth:`read`. It may have been written all the same.
        """
        return self._call(lambda: self._write(work), inline=inline)

    def close(self) -> None:
        """Gives the connections back."""
        self._engine.dispose()

    def _call(self, work: Callable[[], T], *, inline: bool) -> T:
        if not self.is_shared:
            raise BookUnavailable("the database is in memory: no other process sees it")
        try:
            if inline:
                return work()
            return bounded(work, timeout_s=self._within_s, name="lease")
        except TimeoutError as error:
            raise BookUnavailable(f"the database did not answer: {error}") from error
        except Exception as error:  # whatever a broken table makes of it: it must stop no run
            cause = getattr(error, "orig", None) or error
            words = " ".join(f"{type(cause).__name__}: {cause}".split())
            raise BookUnavailable(words) from error

    def _read(self, work: Work[T], empty: T) -> T:
        with self._engine.connect() as connection:
            if not self._has_tables:
                self._has_tables = connection.dialect.has_table(connection, CLAIMS.name)
            return work(connection, read_clock(connection)) if self._has_tables else empty

    def _write(self, work: Work[T]) -> T:
        for left in range(TRIES - 1, -1, -1):
            began = time.monotonic()
            try:
                return self._write_once(work, anew=left < TRIES - 1)
            except (OperationalError, ProgrammingError):
                self._is_prepared = False  # perhaps the file was replaced: make the tables again
                if not left or time.monotonic() - began > SLOW_S:
                    raise
        raise AssertionError("unreachable")

    def _write_once(self, work: Work[T], *, anew: bool) -> T:
        with self._engine.connect().execution_options(**WRITING) as connection:
            if not self._is_prepared:
                with connection.begin():
                    schema.prepare(connection, schema.LEASE, anew=anew)
                self._is_prepared = self._has_tables = True
            with connection.begin():
                schema.lock(connection, schema.LEASE)
                return work(connection, read_clock(connection))

"""The form of our tables: made, brought forward from an older one, and locked for one writer.

freqtrade's ``init_db()`` makes missing tables and never changes one. So the version stands in a row
of its own, and each writer looks at it once, before its first write. MariaDB commits with each
change of a table: every step here may be done again.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

from freqtrade.persistence.base import ModelBase
from sqlalchemy import Column, Connection, Table, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from freqtrade_liquidation.audit.tables import (
    AUDIT_TABLES,
    EVENTS,
    HEAD,
    LEASE_TABLES,
    RECORD_IDS,
    SCHEMA,
)
from freqtrade_liquidation.audit.tables import LEASE as LEASE_ROW

logger = logging.getLogger(__name__)

AUDIT: Final = "audit"
LEASE: Final = "lease"
VERSION: Final = 4
"""1 had no row of its version, no sequence of a record id, and an index of events by time; 2 had no
noted orders; 3 did not tell what the exchange answers to the bot's key."""
TABLES: Final[dict[str, Sequence[Table]]] = {AUDIT: AUDIT_TABLES, LEASE: LEASE_TABLES}
LOCKS: Final = {AUDIT: 0x6C69_7175_6964, LEASE: 0x6C69_7165_6173}
"""For PostgreSQL: "liquid" and "liqeas"."""
OLD_INDEX: Final = "ix_liquidation_events_event_type"


def lock(connection: Connection, part: str) -> None:
    """Until the transaction ends, no other process writes the tables of *part*.

    SQLite's ``BEGIN IMMEDIATE`` has done so already. On MariaDB this must be the first statement of
    the transaction: what it reads afterwards is from after the lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCKS[part]})"))
    elif connection.dialect.name != "sqlite":
        row = select(SCHEMA.c.version).where(SCHEMA.c.part == part)
        connection.execute(row.with_for_update())


def prepare(connection: Connection, part: str, *, anew: bool = False) -> None:
    """Makes the tables of *part* where they are missing, and brings old ones forward.

    The caller has a transaction in which it may write, and commits.

    :param anew: one of them was missing just now, whatever the version says.
    """
    if not anew and _is_up_to_date(connection, part):
        return
    if connection.dialect.name == "postgresql":
        lock(connection, part)
    tables = list(TABLES[part])
    ModelBase.metadata.create_all(connection, tables=tables)
    of_part = SCHEMA.c.part == part
    version = connection.scalar(select(SCHEMA.c.version).where(of_part))
    if version == VERSION:
        return
    if isinstance(version, int) and version > VERSION:
        logger.warning(
            "The tables of the %s have version %d, of a newer freqtrade-liquidation; this one "
            "knows %d and goes on with them.", part, version, VERSION,
        )  # fmt: skip
        return
    if part == AUDIT:
        _bring_forward(connection)
    elif not has_column(connection, LEASE_ROW.c.answers):
        _add(connection, LEASE_ROW.c.answers)
    try:
        with connection.begin_nested():
            connection.execute(SCHEMA.delete().where(of_part))
            connection.execute(insert(SCHEMA).values(part=part, version=VERSION))
    except IntegrityError:  # on MariaDB another process has just done so
        logger.info("Another process has made the tables of the %s.", part)


def _is_up_to_date(connection: Connection, part: str) -> bool:
    """Two questions, where a look at each table and its indexes takes twenty."""
    if not connection.dialect.has_table(connection, SCHEMA.name):
        return False
    version = connection.scalar(select(SCHEMA.c.version).where(SCHEMA.c.part == part))
    return bool(version == VERSION)


def has_column(connection: Connection, column: Column[Any]) -> bool:
    """Whether *column* is there: an older table lacks it until somebody writes."""
    there = inspect(connection).get_columns(column.table.name)
    return column.name in {found["name"] for found in there}


def _add(connection: Connection, column: Column[Any]) -> None:
    kind = column.type.compile(connection.dialect)
    quoted = connection.dialect.identifier_preparer.quote(column.name)
    connection.execute(text(f"ALTER TABLE {column.table.name} ADD COLUMN {quoted} {kind}"))


def _bring_forward(connection: Connection) -> None:
    """From version 1."""
    if not has_column(connection, RECORD_IDS.c.sequence):
        _add(connection, RECORD_IDS.c.sequence)
        newest = select(HEAD.c.sequence).where(HEAD.c.id == 1).scalar_subquery()
        connection.execute(RECORD_IDS.update().values(sequence=newest))
    for table in (RECORD_IDS, EVENTS):
        there = {index["name"] for index in inspect(connection).get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in there:
                index.create(connection)
    there = {index["name"] for index in inspect(connection).get_indexes(EVENTS.name)}
    if OLD_INDEX in there:
        on = f" ON {EVENTS.name}" if connection.dialect.name in ("mysql", "mariadb") else ""
        connection.execute(text(f"DROP INDEX {OLD_INDEX}{on}"))

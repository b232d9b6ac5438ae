"""Column types that read the same from SQLite, PostgreSQL and MariaDB, and never raise on a value.

SQLite keeps whatever a program puts into a column, so SQLAlchemy's own types raise in the middle of
a result for one odd row, and the good rows are lost with it. These types hand such a value on as it
is; :mod:`.rows` sets the row aside.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, Text
from sqlalchemy.dialects.mysql import DATETIME as MYSQL_DATETIME
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.dialects.sqlite import DATETIME as SQLITE_DATETIME
from sqlalchemy.types import TypeDecorator, TypeEngine

from freqtrade_liquidation.audit.chain import canonical

BigInt: Final = BigInteger().with_variant(Integer, "sqlite")
"""SQLite's integers have 64 bits anyway, and only ``INTEGER`` may be its row id."""
LongText: Final = Text().with_variant(LONGTEXT(), "mysql", "mariadb")
"""MySQL's ``TEXT`` ends at 64 kB."""
ID_LENGTH: Final = 64
WORD_LENGTH: Final = 64
PAIR_LENGTH: Final = 128
ACTOR_LENGTH: Final = 255
Id: Final = String(ID_LENGTH)
Word: Final = String(WORD_LENGTH)
Pair: Final = String(PAIR_LENGTH)
Actor: Final = String(ACTOR_LENGTH)


class _SqliteDateTime(SQLITE_DATETIME):
    """SQLAlchemy's own, but for text that is no time: it comes back as the text that it is."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        def process(value: Any) -> Any:
            try:
                return value if value is None else datetime.fromisoformat(value)
            except (ValueError, TypeError):
                return value

        return process


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python, naive UTC in the database as freqtrade's own columns; microseconds."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_SqliteDateTime())  # type: ignore[no-untyped-call]
        if dialect.name in ("mysql", "mariadb"):  # the plain type there drops the microseconds
            return dialect.type_descriptor(MYSQL_DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


class JsonText(TypeDecorator[Any]):
    """Canonical JSON as text: the same on every database, so hashes can be computed again."""

    impl = LongText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        try:
            return None if value is None else json.loads(value)
        except (ValueError, TypeError, RecursionError):
            return value  # somebody changed it: it stays as it is, and fits no row

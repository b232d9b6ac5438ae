"""A clock that two processes share, so that neither a wrong clock nor a jump misleads them.

On PostgreSQL and MariaDB it is the server's. On SQLite both processes run on one machine (SQLite's
locks need that), and its time since boot never jumps; containers on it share boot id and boot time.
Where neither is to be had, the wall clock must do.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, text

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
SECONDS: Final = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
    "mysql": "SELECT UNIX_TIMESTAMP(SYSDATE(6))",
    "mariadb": "SELECT UNIX_TIMESTAMP(SYSDATE(6))",
}
"""What a server is asked for its time; its kind names the clock."""
WALL: Final = "wall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now.

    :param clock_id: which clock says so; only times of one clock can be compared.
    :param clock_s: seconds, from that clock's own zero.
    :param wall: this machine's wall clock, aware UTC.
    """

    clock_id: str
    clock_s: float
    wall: datetime

    def columns(self, wall_column: str) -> dict[str, Any]:
        """As a row stores it."""
        return {wall_column: self.wall, "clock_id": self.clock_id, "clock_s": self.clock_s}

    def age_s(self, row: Mapping[str, Any], wall_column: str) -> float:
        """Seconds since *row* was written; by the wall clocks where the clocks differ.

        Negative: the writer's wall clock was ahead of ours.
        """
        if row["clock_id"] == self.clock_id:
            return float(self.clock_s - row["clock_s"])
        return float((self.wall - row[wall_column]).total_seconds())


def read_clock(connection: Connection) -> Moment:
    """The moment, by the clock that the users of this database share."""
    wall = datetime.now(UTC)
    if (ask := SECONDS.get(connection.dialect.name)) is not None:
        seconds = connection.scalar(text(ask))
        return Moment(clock_id=connection.dialect.name, clock_s=float(seconds or 0.0), wall=wall)
    if (boot_id := _boot_id()) is not None:
        return Moment(clock_id=boot_id, clock_s=time.clock_gettime(time.CLOCK_BOOTTIME), wall=wall)
    return Moment(clock_id=WALL, clock_s=wall.timestamp(), wall=wall)


@cache
def _boot_id() -> str | None:
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    try:
        return BOOT_ID.read_text().strip()[:64] or None
    except OSError:  # not Linux, or /proc is hidden
        return None

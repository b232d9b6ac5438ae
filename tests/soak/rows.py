"""Junk for the bot's tables and for its fallback file, of which nothing is to be obeyed.

Left out is what the bot rightly heeds, because it cannot know better: the chain's head, the hash of
its last event, and events about latch and window within it. Whoever spoils these latches the bot
(docs/threats.md), and a bot that is latched is no longer what a soak wants to look at.
"""

import contextlib
import json
import os
import random
import sqlite3
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from freqtrade_liquidation.audit.chain import plain
from freqtrade_liquidation.audit.events import LATCHES, WINDOWS, AuditEvent, AuditEventType
from freqtrade_liquidation.audit.fallback import FallbackFile
from freqtrade_liquidation.audit.identity import fallback_path, identity
from freqtrade_liquidation.audit.rows import Border, Line
from freqtrade_liquidation.drill.bot import BotProcess

GOOD: Final = "GOOD/PAIR"
HEEDED: Final = tuple(str(kind) for kind in (*LATCHES, *WINDOWS))
_OTHERS: Final = tuple(str(kind) for kind in AuditEventType if kind not in HEEDED)
_OLD: Final = {"clock_id": "x", "clock_s": 1.0}
_WHEN: Final = "2026-01-01 00:00:00.000000"
ROWS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "liquidation_runs": (
        {"trigger": "cli", "state": "in_progress", "started_at": _WHEN, "positions_closed": 0,
         "positions_failed": 0, "orders_cancelled": 0, "errors": "[]", "outcome": "[]",
         "last_sequence": 0, "last_hash": "x"},
        {"errors": "{", "started_at": "soon", "positions_closed": "many", "state": "open"},
    ),
    "liquidation_requests": (
        {"created_at": _WHEN, "state": "waiting", "pairs": None, "actor": "eve", **_OLD},
        {"pairs": "{", "created_at": "soon", "clock_s": "now", "state": b"waiting"},
    ),
    "liquidation_claims": (
        {"correlation_id": "liq_x", "holder": "eve", "host": "there", "pairs": None, "for_s": 5.0,
         "claimed_at": _WHEN, "released": 0, **_OLD},
        {"pairs": "[1]", "claimed_at": "soon", "for_s": "for ever", "released": 7},
    ),
    "liquidation_noted_orders": (
        {"pair": "BTC/USDT:USDT", "side": "buy", "kind": "entry", "amount": 0.5, "price": None,
         "noted_at": _WHEN},
        {"side": "hold", "kind": "all", "amount": "all", "noted_at": "soon"},
    ),
}  # fmt: skip
"""By table: a row that fits but for its key, and values of which each makes it a misfit."""
_KEYS: Final = {
    "liquidation_runs": "correlation_id", "liquidation_requests": "id",
    "liquidation_claims": "number", "liquidation_noted_orders": "name",
}  # fmt: skip
_OF_AN_EVENT: Final = ("error", "config", "additional_data", "operation", "pair", "trigger")
_OF_THE_LEASE: Final = ("holder", "host", "counter", "renewed_at", "clock_id", "clock_s",
                        "released", "answers")  # fmt: skip


class SpoiltRows:
    """Puts rows into the database of a running bot, and changes what stands there."""

    def __init__(self, bot: BotProcess, junk: Sequence[Any], dice: random.Random) -> None:
        self._bot = bot
        self._junk = junk
        self._dice = dice

    def once(self) -> None:
        """One row."""
        how: Sequence[Callable[[sqlite3.Connection], None]] = (
            self._insert, self._insert, self._insert_event, self._change_event, self._change_lease
        )  # fmt: skip
        database = sqlite3.connect(self._bot.database, timeout=10)
        with contextlib.closing(database), database, contextlib.suppress(sqlite3.IntegrityError):
            self._dice.choice(how)(database)

    def _insert(self, other: sqlite3.Connection) -> None:
        table = self._dice.choice(list(ROWS))
        row, misfits = ROWS[table]
        key = self._dice.randint(-(2**63), 2**63 - 1) if table.endswith("claims") else _name()
        values = {**row, _KEYS[table]: key, **self._some(list(row))}
        wrong = self._dice.choice(list(misfits))
        _insert(other, table, {**values, wrong: misfits[wrong]})

    def _insert_event(self, other: sqlite3.Connection) -> None:
        (head,) = other.execute(
            "SELECT sequence FROM liquidation_chain_head WHERE id = 1"
        ).fetchone()
        beside = self._dice.random() < 0.3
        sequence = head + self._dice.randint(1, 50) if beside else self._far_away()
        values = {
            "timestamp": _WHEN, "operation": "control", "additional_data": '{"by":"eve"}',
            "previous_hash": _name(), "hash": _name(), **self._some(["error", "pair", "config"]),
            "event_type": self._dice.choice(_OTHERS if beside else (*HEEDED, *_OTHERS)),
        }  # fmt: skip
        _insert(other, "liquidation_events", {**values, "sequence": sequence})

    def _far_away(self) -> int:
        low = self._dice.random() < 0.5
        return self._dice.randint(*((-(2**63), 0) if low else (2**62, 2**63 - 1)))

    def _change_event(self, other: sqlite3.Connection) -> None:
        column, marks = self._dice.choice(_OF_AN_EVENT), ", ".join("?" * len(HEEDED))
        other.execute(
            f"UPDATE liquidation_events SET {column} = ? WHERE sequence = (SELECT sequence FROM "
            f"liquidation_events WHERE event_type NOT IN ({marks}) AND pair IS NOT ? "
            "ORDER BY random() LIMIT 1)",
            (self._dice.choice(self._junk), *HEEDED, GOOD),
        )

    def _change_lease(self, other: sqlite3.Connection) -> None:
        column = self._dice.choice(_OF_THE_LEASE)
        other.execute(
            f"UPDATE liquidation_lease SET {column} = ?", (self._dice.choice(self._junk),)
        )

    def _some(self, columns: Sequence[str]) -> dict[str, Any]:
        chosen = self._dice.sample(columns, self._dice.randint(0, min(2, len(columns))))
        return {column: self._dice.choice(self._junk) for column in chosen}


class SpoiltFile:
    """Puts good and bad lines into the fallback file, and other things into its place.

    :ivar good: lines that fit: the bot has to take each of them in.
    :ivar doubtful: those that may stand in the file, or not.
    """

    def __init__(self, bot: BotProcess, lines: Sequence[dict[str, Any]], dice: random.Random):
        folder, url = bot.folder / "user_data", f"sqlite:///{bot.database}"
        self._lines = lines
        self._dice = dice
        self._path = fallback_path(folder, url)
        self._file = FallbackFile(self._path, database=identity(url, folder), border=Border())
        self._old = folder / "liquidation_audit.jsonl"
        self._lock = threading.Lock()
        self.good = 0
        self.doubtful = 0

    def line(self) -> None:
        """A good one, and a bad one after it."""
        with self._lock:
            self._put_lines()

    def _put_lines(self) -> None:
        try:
            self._file.append([self._good_line()])
        except (OSError, sqlite3.Error):  # the bot has it, or the machine is slow
            self.doubtful += 1
            raise
        self.good += 1
        with contextlib.closing(sqlite3.connect(self._path, timeout=10)) as file, file:
            bad = {"line_id": _name(), "record_id": _name(), "kind": "event", "data": "{",
                   "event_type": "x", **self._dice.choice(self._lines)}  # fmt: skip
            if bad["event_type"] in HEEDED:  # what waits and is doubtful latches
                bad["event_type"] = "x"
            with contextlib.suppress(sqlite3.IntegrityError):
                _insert(file, "waiting", bad)

    def thing(self) -> None:
        """Something else in the file's place, unless lines wait in it, or beside it."""
        absent = (FileExistsError, FileNotFoundError, IsADirectoryError, sqlite3.Error)
        with self._lock, contextlib.suppress(*absent):
            self._dice.choice((self._beside, self._beside, self._former, self._replaced))()

    def _beside(self) -> None:
        ending = self._dice.choice(("-journal", "-wal", "-shm"))
        _thing_at(self._path.with_name(self._path.name + ending), self._dice)

    def _former(self) -> None:
        _thing_at(self._old, self._dice)

    def _replaced(self) -> None:
        if not self._file.first(1):  # unlike waits(), it says so if it cannot be read
            self._path.unlink()
            _thing_at(self._path, self._dice)

    def waiting(self) -> int:
        """Good lines that the bot has not taken in."""
        return sum(line.data["pair"] == GOOD for line in self._file.lines("event"))

    @staticmethod
    def _good_line() -> Line:
        event = AuditEvent(event_type=AuditEventType.VERIFIED, operation="look", pair=GOOD)
        row = {field.name: plain(getattr(event, field.name)) for field in fields(event)}
        return Line.of(uuid.uuid4().hex, "event", row)


def _thing_at(path: Path, dice: random.Random) -> None:
    match dice.randint(0, 4):
        case 0:
            os.mkfifo(path)
        case 1:
            path.symlink_to("/dev/zero")
        case 2:
            path.mkdir()
        case 3:
            path.write_bytes(dice.randbytes(dice.randint(0, 3000)))
        case _:
            odd = {"line_id": _name(), "record_id": "2", "kind": "event", "data": {}}
            path.write_text(f"{json.dumps(odd)}\n" * dice.randint(1, 20))


def _insert(other: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    other.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


def _name() -> str:
    return uuid.uuid4().hex

"""The JSON Lines file of earlier versions: brought in once by each database that it concerns.

All bots of a user_data folder wrote ``liquidation_audit.jsonl``, and no line says whose it is. So a
line comes in only if its run is known to the database, or if the database is the only one around.
The file itself is left where it is, for another bot's lines may stand in it; see
docs/decisions/0008-fallback-of-one-database.md.
"""

import json
import logging
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from freqtrade_liquidation.audit.checks import Misfit
from freqtrade_liquidation.audit.engine import sqlite_file
from freqtrade_liquidation.audit.fallback import ANSWERS_WITHIN_S, FallbackFile
from freqtrade_liquidation.audit.rows import Line, line
from freqtrade_liquidation.audit.store import AuditStore
from freqtrade_liquidation.audit.tables import RUNS
from freqtrade_liquidation.bounded import bounded

NAME: Final = "liquidation_audit.jsonl"
LARGEST_FILE: Final = 64 * 2**20
LOOKED_AT: Final = 50
"""Databases beside ours that are opened to see whether a bot of ours wrote them."""


class FormerFile:
    """Looks at the file once in each of its states."""

    def __init__(self, folder: Path, ours: FallbackFile, logger: logging.Logger) -> None:
        self._folder = folder
        self._ours = ours
        self._logger = logger
        self._seen = False

    def bring_in(self, store: AuditStore) -> None:
        """Puts the lines that are *store*'s among those that wait.

        :raises OSError: or ``sqlite3.Error``, if the fallback file does not take them.
        """
        if self._seen:
            return
        for file in [self._folder / NAME, *sorted(self._folder.glob(f"{NAME}.*.importing"))]:
            self._bring_in(file, store)
        self._seen = True

    def _bring_in(self, file: Path, store: AuditStore) -> None:
        try:
            state, raw = _read(file)
        except FileNotFoundError:
            return
        except OSError as error:
            self._logger.warning("%s of an earlier version is not read: %s", file, error)
            return
        name = f"{file.name} {state}"
        if self._ours.was_brought_in(name):
            return
        lines = [one for one in map(_parsed, raw) if one is not None]
        alone = self._is_alone(store)
        fits = [one for one in lines if alone or _is_of(one, store)]
        if fits:
            self._ours.append(fits)
        self._ours.note_brought_in(name)
        if left := len(raw) - len(fits):
            self._logger.warning(
                "%d of %d lines in %s, of an earlier version, were not taken in: whose they are is "
                "not known, or they are torn. Look at them, then delete the file.",
                left, len(raw), file,
            )  # fmt: skip

    def _is_alone(self, store: AuditStore) -> bool:
        """Whether no other database of ours lies about, for whose bot a line may stand here."""
        url = str(store.engine.url)
        if not url.startswith("sqlite"):
            return False
        own = sqlite_file(url).resolve()
        places = {self._folder.resolve(), self._folder.resolve().parent, own.parent, Path.cwd()}
        files = {file.resolve() for place in places for file in place.glob("*.sqlite")}
        others = sorted(files - {own})
        return len(others) <= LOOKED_AT and not any(map(_has_runs, others))


def _is_of(one: Line, store: AuditStore) -> bool:
    run = one.data["correlation_id"]
    return run is not None and store.knows_run(run)


def _has_runs(file: Path) -> bool:
    """In doubt yes: then nothing is taken for ours."""

    def look() -> bool:
        address = f"file:{quote(str(file))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=0.1)) as at:
            query = "SELECT 1 FROM sqlite_master WHERE name = ?"
            return at.execute(query, (RUNS.name,)).fetchone() is not None

    try:  # a pipe in the place of its journal is read for ever
        return file.is_file() and bounded(look, timeout_s=ANSWERS_WITHIN_S, name="former file")
    except (sqlite3.Error, TimeoutError):
        return True


def _read(file: Path) -> tuple[str, list[bytes]]:
    """The file's state and its lines. Follows no link, waits for no writer and no pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(file, flags)
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is no regular file")
        if found.st_size > LARGEST_FILE:
            raise OSError(f"{found.st_size} bytes are more than we ever wrote")
        raw = opened.read(LARGEST_FILE).split(b"\n")
    return f"{found.st_size} {found.st_mtime_ns}", [one for one in raw if one.strip()]


def _parsed(raw: bytes) -> Line | None:
    try:
        return line(json.loads(raw))
    except (ValueError, RecursionError, Misfit):
        return None

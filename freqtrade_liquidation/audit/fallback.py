"""The JSON Lines file for when the database cannot be written."""

import contextlib
import json
import os
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from freqtrade_liquidation.audit.chain import canonical

if sys.platform != "win32":
    import fcntl

KEYS: Final = {"line_id", "record_id", "kind", "data"}

FALLBACK_NAME: Final = "liquidation_audit.jsonl"
"""In freqtrade's user_data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: an event or a run's row.

    :param line_id: unique; by it a line is imported once.
    :param record_id: of the ``record`` call; if that did reach the database after all (the answer
        to its commit was lost), its lines are not imported.
    :param kind: ``event`` or ``run``.
    :param data: the row, without its place in the chain.
    """

    record_id: str
    kind: str
    data: dict[str, Any]
    line_id: str

    @classmethod
    def of(cls, record_id: str, kind: str, data: dict[str, Any]) -> "Line":
        """A new line with an id of its own."""
        return cls(record_id=record_id, kind=kind, data=data, line_id=uuid.uuid4().hex)

    def encode(self) -> bytes:
        """As it stands in the file, newline included."""
        row = {key: getattr(self, key) for key in KEYS}
        return (canonical(row) + "\n").encode("ascii")


def parse(raw: bytes) -> Line | None:
    """The line in *raw*; ``None`` if it is torn (a crash in mid-write) or not ours."""
    try:
        row = json.loads(raw)
        if not isinstance(row, dict) or set(row) != KEYS or not isinstance(row["data"], dict):
            return None
        return Line(**row)
    except ValueError:
        return None


class FallbackFile:
    """Appends lines durably; hands them over for import.

    Import moves the file aside first (``<name>.<hex>.importing``), so that nobody appends to what
    is about to be deleted, and no writer waits for the import's transaction.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, lines: Sequence[Line]) -> None:
        """Writes and fsyncs *lines*: all, or none.

        :raises OSError: if the file cannot be written.
        """
        with self._opened_and_locked() as descriptor:
            size = os.fstat(descriptor).st_size
            try:
                if not _ends_with_newline(descriptor):
                    _write(descriptor, b"\n")  # a torn line stays alone
                _write(descriptor, b"".join(line.encode() for line in lines))
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)  # works on a full disk, too
                raise

    def move_aside(self) -> None:
        """Makes what has been written so far a file of its own, for import.

        :raises OSError: if the folder cannot be written.
        """
        with contextlib.suppress(FileNotFoundError):
            self.path.rename(self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}.importing"))

    def moved_aside(self) -> list[Path]:
        """Files that wait for their import, oldest first."""
        found = self.path.parent.glob(f"{self.path.name}.*.importing")
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def pending(self) -> Iterator[Line]:
        """Every readable line that has not been brought into the database for certain."""
        for path in [*self.moved_aside(), self.path]:
            with contextlib.suppress(FileNotFoundError):
                yield from (line for line in map(parse, read_raw(path)) if line)

    def keep_unreadable(self, raw_lines: Sequence[bytes]) -> Path:
        """Puts torn lines where a person can look at them, and says where.

        :raises OSError: if that cannot be written.
        """
        path = self.path.with_name(f"{self.path.name}.unreadable")
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _write(descriptor, b"".join(raw.rstrip(b"\n") + b"\n" for raw in raw_lines))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return path

    def remove(self, path: Path) -> None:
        """Deletes an imported file for good."""
        path.unlink(missing_ok=True)
        _sync_folder(path.parent)

    @contextlib.contextmanager
    def _opened_and_locked(self) -> Iterator[int]:
        while True:
            new = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                lock(descriptor)
                if not self._is_current(descriptor):
                    continue  # moved aside between open and lock: take the new one
                if new:
                    _sync_folder(self.path.parent)
                yield descriptor
                return
            finally:
                os.close(descriptor)

    def _is_current(self, descriptor: int) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        return False


def lock(descriptor: int) -> None:
    """Waits for other writers (they hold it for one append). No-op on Windows."""
    if sys.platform != "win32":
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def read_raw(path: Path) -> list[bytes]:
    """The lines of *path*, after writers that had it open before it was moved aside are done.

    :raises OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        lock(file.fileno())
        return [raw for raw in file.read().split(b"\n") if raw.strip()]


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(f"wrote {written} of {len(data)} bytes: the disk may be full")


def _ends_with_newline(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return  # folders cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

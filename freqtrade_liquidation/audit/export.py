"""The audit trail as JSON Lines: keys are the column names, times ISO 8601 in UTC."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from freqtrade_liquidation.audit.free_text import to_json
from freqtrade_liquidation.files import write_whole


def export_events(rows: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Writes *rows* to *path*, one JSON object a line, and returns how many.

    The file appears whole or not at all, readable by its owner only.

    :param rows: as :meth:`AuditLog.events` gives them.
    :raises OSError: if *path* cannot be written.
    """
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        for row in rows:
            yield to_line(row)
            count += 1

    write_whole(path, lines(), replaces=(".jsonl",))
    return count


def to_line(row: Mapping[str, Any]) -> str:
    """One line, newline included; key order is the columns'."""
    return to_json(row) + "\n"

"""The audit trail as JSON Lines: keys are the column names, times ISO 8601 in UTC."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def export_events(rows: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Writes *rows* to *path*, one JSON object a line, and returns how many.

    The file appears whole or not at all, readable by its owner only.

    :param rows: as :meth:`AuditLog.events` gives them.
    :raises OSError: if *path* cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    count = 0
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for row in rows:
                file.write(to_line(row))
                count += 1
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def to_line(row: Mapping[str, Any]) -> str:
    """One line, newline included; key order is the columns'."""
    return json.dumps(row, ensure_ascii=False) + "\n"

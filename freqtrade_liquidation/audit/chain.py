"""The hash chain: pure functions over event rows.

A row is a mapping with the keys of ``--export``: JSON types, ``timestamp`` as ISO 8601 text. So
anyone can check an exported file with a few lines of code; docs/audit.md shows them.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum
from itertools import chain
from typing import Any, Final, TypeAlias

Row: TypeAlias = Mapping[str, Any]

HASHED_KEYS: Final = (
    "sequence",
    "timestamp",
    "event_type",
    "operation",
    "correlation_id",
    "trigger",
    "pair",
    "config",
    "error",
    "additional_data",
)
GENESIS_HASH: Final = hashlib.sha256(b"freqtrade-liquidation audit chain 1").hexdigest()
"""``previous_hash`` of row 1."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last row, kept apart from the rows so that removing the last ones shows."""

    sequence: int = 0
    hash: str = GENESIS_HASH


class FaultKind(StrEnum):
    """What was done to a row."""

    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    ADDED = "added"
    HEAD = "head"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """The verdict.

    :param checked: rows that were in order before the first fault (all, if there is none).
    :param sequence: the first row at fault; ``None`` if the chain holds.
    :param message: one line for people.
    """

    checked: int
    message: str
    kind: FaultKind | None = None
    sequence: int | None = None

    @property
    def ok(self) -> bool:
        """Every row is as it was written, and none is missing."""
        return self.kind is None


def iso_utc(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds and ``+00:00``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def clean(text: str) -> str:
    """What every database takes: no NUL, no lone surrogates (both are shown escaped)."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def plain(value: Any) -> Any:
    """*value* in JSON's types; what JSON has no word for becomes text."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {clean(str(plain(key))): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return iso_utc(value)
    return clean(str(value))


def canonical(value: Any) -> str:
    """The one JSON text of *value*: sorted keys, no spaces, ASCII.

    :raises ValueError: on NaN or infinity; :func:`plain` has made them text before.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def event_hash(previous_hash: str, row: Row) -> str:
    """SHA-256 (hex) over the hash before and the canonical JSON of the row's hashed keys."""
    text = canonical({key: row[key] for key in HASHED_KEYS})
    return hashlib.sha256(f"{previous_hash}\n{text}".encode()).hexdigest()


def verify(rows: Iterable[Row], head: ChainHead | None) -> ChainReport:
    """Walks the chain and names the first row that is not as it was written.

    :param rows: in sequence order.
    :param head: ``None`` = it is missing; an empty chain needs none.
    """
    last, before = ChainHead(), None
    coming = chain(rows, (None,))
    row = next(coming)
    while row is not None:
        following = next(coming)
        if fault := _fault_at(row, following, last, before):
            return _moved(row, 1 + sum(1 for _ in coming), fault)
        before, last = last, ChainHead(row["sequence"], row["hash"])
        row = following
    return _fault_at_end(last, head) or ChainReport(
        checked=last.sequence, message=f"The chain holds: {last.sequence} events, none missing."
    )


def _fault_at(
    row: Row,
    following: Row | None,
    last: ChainHead,
    before: ChainHead | None,
) -> ChainReport | None:
    expected, found = last.sequence + 1, row["sequence"]
    if found != expected:
        return removed(expected, found - 1)
    own_hash_fits = _hash_fits(row)
    if own_hash_fits and row["previous_hash"] == last.hash:
        return None
    if following is not None and following["previous_hash"] == last.hash and _hash_fits(following):
        return added(found)
    if own_hash_fits and before is not None and row["previous_hash"] == before.hash:
        return added(last.sequence)  # this row goes on as if the one before did not stand there
    if own_hash_fits and before is not None:
        # This row is as it was written, so the hash that it quotes is the true one: the row before
        # was changed, and its hash made to fit.
        return _fault(FaultKind.CHANGED, last.sequence, "was changed and its hash made anew")
    return _fault(FaultKind.CHANGED, found, "was changed after it was written")


def _moved(row: Row, following: int, fault: ChainReport) -> ChainReport:
    """*fault*, unless *row* fits under another number.

    :param following: how many rows follow it at most.
    """
    found = row["sequence"]
    if fault.kind is not FaultKind.CHANGED or fault.sequence != found:
        return fault
    original = _original_sequence(row, found + following)
    if original is None:
        return fault
    words = f"holds what was written as event {original}: moved up or down"
    return _fault(FaultKind.MOVED, found, words)


def _fault_at_end(last: ChainHead, head: ChainHead | None) -> ChainReport | None:
    if head is None:
        if last.sequence == 0:
            return None
        return _fault(FaultKind.HEAD, last.sequence, "is the last, but the chain's head is missing")
    if head.sequence > last.sequence:
        return removed(last.sequence + 1, head.sequence)
    if head.sequence < last.sequence:
        return added(head.sequence + 1)
    if head.hash != last.hash:
        return _fault(FaultKind.CHANGED, last.sequence, "does not fit the hash in the chain's head")
    return None


def removed(first: int, last: int) -> ChainReport:
    """The report for missing rows *first* to *last*."""
    if first >= last:
        return _fault(FaultKind.REMOVED, first, "is missing")
    return _fault(FaultKind.REMOVED, first, f"is missing, and all up to {last}")


def _fault(kind: FaultKind, sequence: int, words: str) -> ChainReport:
    message = f"The chain is broken at event {sequence}: it {words}."
    return ChainReport(checked=sequence - 1, message=message, kind=kind, sequence=sequence)


def added(sequence: int) -> ChainReport:
    """The report for a row that the chain does not know."""
    return _fault(FaultKind.ADDED, sequence, "stands beside the chain: added by hand")


def changed(sequence: int, words: str) -> ChainReport:
    """The report for a row that is not as it was; *words* go on after "it"."""
    return _fault(FaultKind.CHANGED, sequence, words)


def _hash_fits(row: Row) -> bool:
    try:
        return event_hash(row["previous_hash"], row) == str(row["hash"])
    except (TypeError, ValueError):
        return False  # a value that we would not have written, such as NaN


def _original_sequence(row: Row, highest: int) -> int | None:
    """Under which number up to *highest* the row's hash fits, if any. Once per report.

    What stands before the number is hashed once: a row may hold megabytes.
    """
    mark = '"sequence":'  # quotes within a text are escaped, so that it stands nowhere else
    try:
        text = canonical({**{key: row[key] for key in HASHED_KEYS}, "sequence": 0})
    except (TypeError, ValueError):
        return None
    before, _, after = text.rpartition(f"{mark}0")
    begun = hashlib.sha256(f"{row['previous_hash']}\n{before}{mark}".encode())

    def fits(number: int) -> bool:
        whole = begun.copy()
        whole.update(f"{number}{after}".encode())
        return whole.hexdigest() == str(row["hash"])

    return next(filter(fits, range(1, highest + 1)), None)

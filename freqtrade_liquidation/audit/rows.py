"""The border for rows and lines: what was stored comes out as we wrote it, or not at all.

Whoever can write the database or the fallback file can put anything there, and a disk or a person
can spoil a row by accident. So no reader trusts a row. Each one passes a check here, which answers
with values of known types, sizes and ranges, or raises :class:`Misfit`. A :class:`Border` turns the
misfit into a row that is set aside: it costs itself, is told once, and ends nothing.

Two alternatives were worse. Checks in each reader are forgotten in one of them. Constraints in the
database do not hold in SQLite, which keeps text in a column of numbers, and do not reach the file.

A row that fits is *believed* only if its own hash fits, too; see :func:`is_believed`. The chain has
no key, so this keeps accidents and hasty hands out, not someone who computes the hashes.
"""

import hashlib
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

from freqtrade_liquidation.audit.chain import canonical, event_hash
from freqtrade_liquidation.audit.checks import (
    LARGEST,
    LARGEST_COUNT,
    Check,
    Misfit,
    each_having,
    fitting,
    having,
    json_list,
    json_mapping,
    moment,
    moment_text,
    number,
    one_of,
    optional,
    shown,
    text,
    texts,
    truth,
    whole,
)
from freqtrade_liquidation.audit.columns import ACTOR_LENGTH, ID_LENGTH, PAIR_LENGTH, WORD_LENGTH
from freqtrade_liquidation.audit.events import AuditEventType
from freqtrade_liquidation.audit.sink import RunRecord
from freqtrade_liquidation.model import PairState
from freqtrade_liquidation.state import LiquidationState

T = TypeVar("T")
Row = Mapping[str, Any]

TEXT_LENGTH: Final = 64_000
TOLD: Final = 50


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that was not believed.

    :param place: the table, or the fallback file.
    :param key: the row's own name there.
    """

    place: str
    key: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}, row {self.key}: {self.why}"


class Border:
    """Lets rows pass that fit, and tells once of each that does not.

    :ivar set_aside: the first ones, for ``status`` and the audit trail.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger(__name__)
        self.set_aside: list[SetAside] = []

    def passed(self, place: str, key: object, check: Callable[[], T]) -> T | None:
        """What *check* returns; ``None`` = it found a misfit, which is told."""
        try:
            return check()
        except Misfit as error:
            self.tell(SetAside(place, shown(key), str(error)))
            return None

    def tell(self, row: SetAside) -> None:
        """Once a row, and no more rows than a person reads."""
        if row in self.set_aside or len(self.set_aside) >= TOLD:
            return
        self.set_aside.append(row)
        self._logger.warning("Not believed and set aside: %s.", row)
        if len(self.set_aside) == TOLD:
            self._logger.warning("Further rows that are set aside are not told one by one.")


def _pair_state(value: Any) -> str:
    """One of our words, or of an earlier release's."""
    try:
        return str(PairState(value))
    except ValueError:
        raise Misfit(f"{shown(value)} is not one of our words") from None


_SIDE: Final = one_of("long", "short", "unknown")
_POSITION: Final[Mapping[str, Check]] = {
    "pair": text(PAIR_LENGTH),
    "side": _SIDE,
    "amount": number,
    "entry_price": optional(number),
    "trade_ids": json_list,
}
OUTCOME: Final[Mapping[str, Check]] = {
    "pair": text(PAIR_LENGTH),
    "side": _SIDE,
    "state": _pair_state,
    "amount": optional(number),
    "residual_amount": optional(number),
    "realized_pnl": optional(number),
    "tracked": optional(truth),
    "protected": optional(truth),
    "error": optional(text(TEXT_LENGTH, least=0)),
}

_HASH: Final = text(64)
_WORDS: Final = optional(text(TEXT_LENGTH, least=0))
_PAIRS: Final = optional(texts(PAIR_LENGTH))
_EVENT_LINE: Final[Mapping[str, Check]] = {
    "timestamp": moment_text,
    "event_type": one_of(*AuditEventType),
    "operation": text(WORD_LENGTH),
    "correlation_id": optional(text(ID_LENGTH)),
    "trigger": optional(text(WORD_LENGTH)),
    "pair": optional(text(PAIR_LENGTH)),
    "config": optional(json_mapping),
    "error": _WORDS,
    "additional_data": json_mapping,
}
_RUN_LINE: Final[Mapping[str, Check]] = {
    "correlation_id": text(ID_LENGTH),
    "trigger": text(WORD_LENGTH),
    "actor": optional(text(ACTOR_LENGTH)),
    "reason": _WORDS,
    "scope": optional(text(WORD_LENGTH)),
    "pairs": _PAIRS,
    "state": one_of(*LiquidationState),
    "started_at": moment_text,
    "finished_at": optional(moment_text),
    "positions_closed": whole(0, LARGEST_COUNT),
    "positions_failed": whole(0, LARGEST_COUNT),
    "orders_cancelled": whole(0, LARGEST_COUNT),
    "total_realized_pnl": optional(number),
    "duration_seconds": optional(number),
    "config": optional(json_mapping),
    "errors": texts(TEXT_LENGTH),
    "outcome": each_having(OUTCOME),
}
_EVENT: Final[Mapping[str, Check]] = {
    "sequence": whole(1, LARGEST),
    **_EVENT_LINE,
    "previous_hash": _HASH,
    "hash": _HASH,
}
_RUN: Final[Mapping[str, Check]] = {
    **_RUN_LINE,
    "last_sequence": whole(0, LARGEST),
    "last_hash": _HASH,
}


_LENGTHS: Final[Mapping[str, int]] = {
    "operation": WORD_LENGTH,
    "trigger": WORD_LENGTH,
    "scope": WORD_LENGTH,
    "correlation_id": ID_LENGTH,
    "pair": PAIR_LENGTH,
    "actor": ACTOR_LENGTH,
    "reason": TEXT_LENGTH,
    "error": TEXT_LENGTH,
}
_CUT: Final = "…"


def cut(row: dict[str, Any]) -> dict[str, Any]:
    """A row of ours before it is written, with foreign words no longer than they are read again."""
    short: dict[str, Any] = {
        name: value[: _LENGTHS[name] - 1] + _CUT
        for name, value in row.items()
        if isinstance(value, str) and len(value) > _LENGTHS.get(name, len(value))
    }
    if any(len(words) > TEXT_LENGTH for words in row.get("errors") or ()):
        short["errors"] = [words[:TEXT_LENGTH] for words in row["errors"]]
    return {**row, **short}


def event(row: Row) -> dict[str, Any]:
    """A row of ``liquidation_events`` in JSON's types.

    :raises Misfit: if it is none.
    """
    return fitting(row, _EVENT)


def run(row: Row) -> dict[str, Any]:
    """A row of ``liquidation_runs`` in JSON's types.

    :raises Misfit: if it is none.
    """
    return fitting(row, _RUN)


DIGEST: Final = "run_digest"


def run_digest(row: Row) -> str:
    """SHA-256 (hex) of a run's row without its place in the chain.

    The event that is recorded with the row keeps it, so that the chain covers the row, too.
    """
    values = {name: row[name] for name in _RUN_LINE}
    for name in ("total_realized_pnl", "duration_seconds"):  # a database makes 5.0 of 5
        if isinstance(values[name], int):
            values[name] = float(values[name])
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def tie(events: Sequence[dict[str, Any]], run_row: Row) -> None:
    """Puts the digest of a run's row into the last of the run's *events*."""
    own = [row for row in events if row["correlation_id"] == run_row["correlation_id"]]
    if own:
        own[-1]["additional_data"] = {
            **own[-1]["additional_data"], DIGEST: run_digest(run_row)
        }  # fmt: skip


def is_believed(row: Row, *, up_to: int) -> bool:
    """Whether an event that fits may be obeyed: as it was written, and within the chain.

    :param up_to: the head's sequence: what stands after it was put beside the chain.
    """
    own = event_hash(row["previous_hash"], row)
    return bool(row["sequence"] <= up_to and own == row["hash"])


def run_record(row: Row) -> RunRecord:
    """The record of which :func:`run` read the row."""
    known = {field.name for field in fields(RunRecord)}
    values = {key: value for key, value in row.items() if key in known}
    for key in ("started_at", "finished_at"):
        values[key] = None if row[key] is None else moment(row[key])
    return RunRecord(**values)


# -- lines ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An event or a run's row on its way into the database.

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


_LINE_ID: Final = text(48)


def line(row: Any) -> Line:
    """A line as the fallback file keeps it: a mapping with the fields of :class:`Line`.

    :raises Misfit: if it is none.
    """
    checks = {"line_id": _LINE_ID, "record_id": _LINE_ID, "kind": one_of("event", "run")}
    found = fitting(row, {**checks, "data": json_mapping})
    columns = _EVENT_LINE if found["kind"] == "event" else _RUN_LINE
    return Line(**{**found, "data": fitting(found["data"], columns)})


_BY: Final = optional(text(TEXT_LENGTH))
_DATA: Final[Mapping[str, Mapping[str, Check]]] = {
    AuditEventType.POSITIONS_QUERIED: {"positions": optional(each_having(_POSITION))},
    AuditEventType.VERIFIED: {"open_positions": optional(each_having(_POSITION))},
    AuditEventType.ORDERS_CANCELLED: {"cancelled_count": whole(0, LARGEST_COUNT)},
    AuditEventType.DISARMED: {"until": moment_text, "by": _BY},
    AuditEventType.ARMED: {"by": _BY},
    AuditEventType.LATCHED: {"by": _BY},
    AuditEventType.RELEASED: {"by": _BY},
}


def readable(row: Row) -> Row:
    """*row*, an event that fits, where its own data are what we read back of its kind.

    Other kinds are for people alone, or checked where they are read: a close that was sent must not
    go unnoticed because its row lacks a key (``host/sent.py``).

    :raises Misfit: if they are not.
    """
    if checks := _DATA.get(row["event_type"]):
        having(checks)(row["additional_data"])
    return row

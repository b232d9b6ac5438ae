"""The chain names the row at fault, whatever was done to it."""

from typing import Any

import pytest

from freqtrade_liquidation.audit.chain import (
    GENESIS_HASH,
    ChainHead,
    FaultKind,
    event_hash,
    plain,
    verify,
)


def chain(count: int = 6) -> tuple[list[dict[str, Any]], ChainHead]:
    rows, last = [], GENESIS_HASH
    for sequence in range(1, count + 1):
        row: dict[str, Any] = dict.fromkeys(("correlation_id", "trigger", "config", "error"))
        row |= {"sequence": sequence, "timestamp": f"2026-01-01T00:00:00.{sequence:06}+00:00"}
        row |= {"event_type": "t", "operation": "run", "pair": "A/B", "additional_data": {"n": 1.5}}
        row |= {"previous_hash": last, "hash": event_hash(last, row)}
        rows.append(row)
        last = row["hash"]
    return rows, ChainHead(count, last)


def test_verify_untouched_holds() -> None:
    rows, head = chain()
    assert verify(rows, head).ok
    assert verify([], None).ok
    assert verify(rows, head).checked == 6


@pytest.mark.parametrize(
    ("key", "value"),
    [("error", "x"), ("pair", None), ("additional_data", {"n": 2}), ("timestamp", "later"),
     ("previous_hash", "0" * 64), ("hash", "0" * 64), ("config", {"x": float("nan")})],
)  # fmt: skip
@pytest.mark.parametrize("at", [1, 4, 6])
def test_verify_changed_value_names_row(key: str, value: Any, at: int) -> None:
    rows, head = chain()
    rows[at - 1][key] = value
    report = verify(rows, head)
    assert (report.kind, report.sequence) == (FaultKind.CHANGED, at)


@pytest.mark.parametrize("at", [2, 4, 6])
def test_verify_changed_and_hashed_anew_names_row(at: int) -> None:
    rows, head = chain()
    rows[at - 1]["error"] = "x"
    rows[at - 1]["hash"] = event_hash(rows[at - 1]["previous_hash"], rows[at - 1])
    report = verify(rows, head)
    assert (report.kind, report.sequence) == (FaultKind.CHANGED, at)


@pytest.mark.parametrize("gone", [[1], [3], [6], [5, 6], [1, 2, 3, 4, 5, 6]])
def test_verify_removed_names_first(gone: list[int]) -> None:
    rows, head = chain()
    report = verify([row for row in rows if row["sequence"] not in gone], head)
    assert (report.kind, report.sequence) == (FaultKind.REMOVED, gone[0])


def test_verify_reordered_names_first() -> None:
    rows, head = chain()
    rows[2]["sequence"], rows[3]["sequence"] = 4, 3
    report = verify(sorted(rows, key=lambda row: row["sequence"]), head)
    assert (report.kind, report.sequence) == (FaultKind.MOVED, 3)
    assert "event 4" in report.message


def test_verify_added_after_head_names_it() -> None:
    rows, _ = chain()
    report = verify(rows, ChainHead(5, rows[4]["hash"]))
    assert (report.kind, report.sequence) == (FaultKind.ADDED, 6)


def test_verify_without_head_says_so() -> None:
    assert verify(chain()[0], None).kind is FaultKind.HEAD


def test_plain_foreign_text_is_storable() -> None:
    assert plain({"a\x00": ["\ud800", float("inf"), {2, 1}]}) == {
        "a\\x00": ["\\ud800", "inf", [1, 2]]
    }

"""The worst day as Markdown."""

from collections.abc import Sequence
from typing import Final

from benchmarks.cells import Way
from benchmarks.worst_day import Day, DayCell, Trouble

HEAD: Final = (
    "market", "positions", "answers", "executed", "last close", "floor", "flat, proven", "floor",
    "told", "told as", "left open", "exit code",
)  # fmt: skip


def rows_of(days: Sequence[Day], way: Way) -> list[list[str]]:
    """One row a cell, in the order of the troubles."""
    order = list(Trouble)
    chosen = [day for day in days if day.cell.way is way]
    return [_row(day) for day in sorted(chosen, key=lambda day: order.index(day.cell.trouble))]


def _row(day: Day) -> list[str]:
    cell = day.cell
    words = ["futures" if cell.futures else "spot", f"{cell.positions}", _answers(cell)]
    words.append(f"at {cell.executed}" if cell.executed == "arrival" else _executed(cell))
    if day.error:
        return [*words, day.error, *[""] * (len(HEAD) - len(words) - 1)]
    times = (day.closed_s, day.closed_floor_s, day.flat_s, day.flat_floor_s, day.told_s)
    return [
        *words, *map(_s, times), day.told or "–", f"{day.left}",
        "–" if day.exit_code is None else f"{day.exit_code}",
    ]  # fmt: skip


def _executed(cell: DayCell) -> str:
    return "midway" if cell.executed == "midway" else "with the answer"


def _answers(cell: DayCell) -> str:
    spread = f" ± {cell.spread_ratio:.0%}" if cell.spread_ratio else ""
    trouble = "" if cell.trouble is Trouble.NONE else f", {cell.trouble}"
    return f"{cell.answer_s:g} s{spread}{trouble}"


def _s(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.2f} s"

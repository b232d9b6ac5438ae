"""``python -m benchmarks``: measures; writes ``benchmarks/results/`` and docs/performance.md.

With ``--quick`` it prints the tables and writes nothing but ``benchmarks/results/quick.*``.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import idle, tables
from benchmarks.cells import Cell, every_cell, quick_cells
from benchmarks.measuring import measure
from benchmarks.path import commit_s
from benchmarks.plot import write_plot
from benchmarks.reading import Measured
from benchmarks.worst_day import Day, DayCell, day_cells, measure_day

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "performance.md"
RESULTS: Final = Path(__file__).parent / "results"


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--quick", action="store_true", help="a few cells, about two minutes")
    options.add_argument(
        "--only", metavar="TEXT",
        help="measure the cells again whose name has TEXT in it; the other results stay",
    )  # fmt: skip
    options.add_argument(
        "--minutes", type=float, default=25.0,
        help="begin no further cell after this long (default: %(default)g)",
    )  # fmt: skip
    return options


def main(argv: list[str] | None = None) -> int:
    """:return: 0, or 1 if a cell failed or could not be measured in time."""
    options = parser().parse_args(argv)
    began = time.monotonic()
    RESULTS.mkdir(exist_ok=True)
    name = "quick" if options.quick else "results"
    former = {} if options.only is None else json.loads((RESULTS / f"{name}.json").read_text())
    document: dict[str, Any] = former or _surroundings(2 if options.quick else 5)
    cells: list[Cell | DayCell] = [*(quick_cells() if options.quick else every_cell())]
    cells += [] if options.quick else day_cells()
    chosen = [cell for cell in cells if options.only is None or options.only in str(cell)]
    results = _measure(chosen, until=began + options.minutes * 60)
    by_name = {str(one.cell): one for one in (*_kept(former), *results)}
    if any(isinstance(one, Day) for one in results):
        document["worst_day_date"] = f"{datetime.now(UTC):%Y-%m-%d}"
    document.setdefault("took_s", round(time.monotonic() - began))
    _write(document, [by_name[str(cell)] for cell in cells if str(cell) in by_name], name=name)
    left_out = len(chosen) - len(results)
    say(f"{document['took_s']} s" + (f"; out of time for {left_out} cells" if left_out else ""))
    return 1 if left_out or any(one.error for one in results) else 0


def _kept(document: dict[str, Any]) -> Iterator[Measured | Day]:
    """What is measured already."""
    yield from (Measured.of(one) for one in document.get("cells", ()))
    yield from (Day.of(one) for one in document.get("worst_day", ()))


def _surroundings(starts: int) -> dict[str, Any]:
    """The machine, and what does not depend on an exchange."""
    document: dict[str, Any] = {"machine": _machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    document["idle"] = idle.compare(starts, say)
    with tempfile.TemporaryDirectory() as folder:
        document["commits"] = {n: commit_s(Path(folder), n) for n in (1, 10, 40, 100)}
    return document


def say(text: str) -> None:
    """Progress, with the time of day."""
    print(f"{datetime.now(UTC):%H:%M:%S}  {text}", flush=True)  # noqa: T201 - a command line


def _measure(cells: Sequence[Cell | DayCell], *, until: float) -> list[Measured | Day]:
    measured: list[Measured | Day] = []
    for number, cell in enumerate(cells, start=1):
        if time.monotonic() > until:
            break
        one = _measured(cell)
        measured.append(one)
        say(f"{number}/{len(cells)}  {cell}: {_in_short(one)}")
    return measured


def _measured(cell: Cell | DayCell) -> Measured | Day:
    try:
        return measure(cell) if isinstance(cell, Cell) else measure_day(cell)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        words = str(error).partition("\n")[0]
    if isinstance(cell, Cell):
        return Measured(cell=cell, error=words)
    return Day(cell=cell, error=words)


def _in_short(m: Measured | Day) -> str:
    if isinstance(m, Day):
        closed = "–" if m.closed_s is None else f"{m.closed_s:.2f} s"
        flat = "–" if m.flat_s is None else f"{m.flat_s:.2f} s"
        return m.error or f"closed {closed}, flat {flat}, told {m.told}, {m.left} left open"
    if m.error or not m.flat or m.closed_s is None:
        return m.error or "NOT FLAT"
    proof = "" if m.flat_s is None else f", proven flat {m.flat_s:.2f} s"
    floor = "" if m.of_floor is None else f" ({m.of_floor:.2f} × the floor)"
    refused = f", {m.refused} × 429" if m.refused else ""
    return f"closed {m.closed_s:.2f} s{proof}{floor}, {m.requests} requests{refused}"


def _write(document: dict[str, Any], every: Sequence[Measured | Day], *, name: str) -> None:
    measured = [one for one in every if isinstance(one, Measured)]
    days = [one for one in every if isinstance(one, Day)]
    document["cells"] = [one.to_json() for one in measured]
    document["worst_day"] = [one.to_json() for one in days]
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(document, indent=1) + "\n")
    text = tables.tables(document, measured, days)
    if name == "results":
        PAGE.write_text(tables.page_with(PAGE.read_text(), text))
        say(f"wrote {PAGE}")
    else:
        print(text)  # noqa: T201 - a command line
    say(f"wrote {file}; plot: {write_plot(file.with_suffix('.html'), measured)}")


def _machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


if __name__ == "__main__":
    sys.exit(main())

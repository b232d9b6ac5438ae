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
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import idle, tables
from benchmarks.cells import Cell, every_cell, quick_cells
from benchmarks.measuring import measure
from benchmarks.path import commit_s
from benchmarks.plot import write_plot
from benchmarks.reading import Measured

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "performance.md"
RESULTS: Final = Path(__file__).parent / "results"


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--quick", action="store_true", help="a few cells, about two minutes")
    options.add_argument(
        "--minutes", type=float, default=19.0,
        help="begin no further cell after this long (default: %(default)g)",
    )  # fmt: skip
    return options


def main(argv: list[str] | None = None) -> int:
    """:return: 0, or 1 if a cell failed or a book was not flat."""
    options = parser().parse_args(argv)
    began = time.monotonic()
    RESULTS.mkdir(exist_ok=True)
    document: dict[str, Any] = {"machine": _machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    document["idle"] = idle.compare(2 if options.quick else 7, say)
    with tempfile.TemporaryDirectory() as folder:
        document["commits"] = {n: commit_s(Path(folder), n) for n in (1, 10, 40, 100)}
    cells = list(quick_cells() if options.quick else every_cell())
    measured = _measure(cells, until=began + options.minutes * 60)
    document["cells"] = [m.to_json() for m in measured]
    document["took_s"] = round(time.monotonic() - began)
    _write(document, measured, name="quick" if options.quick else "results")
    left_out = len(cells) - len(measured)
    say(f"{document['took_s']} s" + (f"; out of time for {left_out} cells" if left_out else ""))
    return 1 if left_out or any(m.error or not m.flat for m in measured) else 0


def say(text: str) -> None:
    """Progress, with the time of day."""
    print(f"{datetime.now(UTC):%H:%M:%S}  {text}", flush=True)  # noqa: T201 - a command line


def _measure(cells: Iterable[Cell], *, until: float) -> list[Measured]:
    every, measured = list(cells), []
    for number, cell in enumerate(every, start=1):
        if time.monotonic() > until:
            break
        try:
            one = measure(cell)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            one = Measured(cell=cell, error=str(error).partition("\n")[0])
        measured.append(one)
        say(f"{number}/{len(every)}  {cell}: {_in_short(one)}")
    return measured


def _in_short(m: Measured) -> str:
    if m.error or not m.flat or m.closed_s is None:
        return m.error or "NOT FLAT"
    proof = "" if m.flat_s is None else f", proven flat {m.flat_s:.2f} s"
    floor = "" if m.of_floor is None else f" ({m.of_floor:.2f} × the floor)"
    refused = f", {m.refused} × 429" if m.refused else ""
    return f"closed {m.closed_s:.2f} s{proof}{floor}, {m.requests} requests{refused}"


def _write(document: dict[str, Any], measured: list[Measured], *, name: str) -> None:
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(document, indent=1) + "\n")
    text = tables.tables(document, measured)
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

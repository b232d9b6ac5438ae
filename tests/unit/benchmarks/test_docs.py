"""What docs/performance.md tells people to type exists."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import PAGE, parser
from benchmarks.cells import Cell, Way, every_cell, quick_cells
from benchmarks.measuring import STRATEGY
from benchmarks.processes import LoopProcess
from benchmarks.reading import Measured, floor_s
from benchmarks.tables import page_with, tables
from benchmarks.worst_day import Day, DayCell, Trouble, day_cells
from freqtrade_liquidation.drill.exchange.latency import SHARES_BEFORE

ROOT = Path(__file__).parents[3]
COMMANDS = re.findall(r"^    (make|python -m) (\w+)([^#\n]*)", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize(("kind", "name", "options"), COMMANDS)
def test_commands_of_the_page_exist(kind: str, name: str, options: str) -> None:
    if kind == "make":
        assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    else:
        assert (ROOT / name / "__main__.py").exists()
        parser().parse_args(options.split())


def test_the_page_names_commands_and_takes_the_tables() -> None:
    assert {name for _, name, _ in COMMANDS} == {"bench", "benchmarks"}
    assert "NEW" in page_with(PAGE.read_text(), "NEW")


def test_tables_hold_a_row_for_each_cell_and_its_error() -> None:
    cell = Cell(way=Way.SIGNAL, positions=40, round_trip_ms=100)
    rows = [
        Measured(cell=cell, flat=True, flat_s=0.3, closed_s=0.2),
        Measured(cell=cell, error="!"),
    ]
    text = tables({"machine": "here", "date": "today"}, rows)
    assert "0.20 s | 0.30 s" in text
    assert "| ! |" in text
    assert f"- {cell}: !" in text


def test_loop_is_found_from_the_folder_that_it_runs_in(tmp_path: Path) -> None:
    """Not only where PYTHONPATH names the project."""
    loop = LoopProcess(tmp_path, {}, strategy=STRATEGY)
    code = "import sys; from importlib.util import find_spec; sys.exit(not find_spec(sys.argv[1]))"
    find = [sys.executable, "-c", code, "benchmarks.loop"]
    subprocess.run(find, cwd=tmp_path, env=loop.environment(), check=True, timeout=60)


@pytest.mark.parametrize(
    ("round_trip_ms", "limit", "requests", "floor"),
    [
        (200, None, 104, 0.4),
        (200, 20, 14, 0.4),  # all at once
        (200, 50, 104, 2 + 0.4),  # the 103rd, the last close, is two seconds after the third
        (200, 50, 94, 1 + 0.4),  # the 93rd is one second after the 43rd
        (200, 50, 101, 2 + 0.2),  # the last close goes after one second, the look after two
        (0, 20, 104, 5.0),
    ],
)
def test_floor_is_what_no_run_can_do_sooner(
    round_trip_ms: int, limit: int | None, requests: int, floor: float
) -> None:
    cell = Cell(way=Way.SIGNAL, positions=100, round_trip_ms=round_trip_ms, limit=limit)
    assert floor_s(cell, requests) == pytest.approx(floor)


def test_worst_day_has_each_value_of_each_thing_that_may_be_wrong() -> None:
    cells = list(day_cells())
    assert len({str(cell) for cell in cells}) == len(cells)
    ours = [cell for cell in cells if cell.way is Way.SIGNAL]
    assert {cell.trouble for cell in ours} == set(Trouble)
    assert {cell.executed for cell in ours} == set(SHARES_BEFORE)
    assert {cell.positions for cell in ours} == {10, 40}
    for futures in (True, False):
        slow = {cell.answer_s for cell in ours if cell.futures is futures}
        assert {0.5, 1.0, 1.5, 2.0, 2.3} <= slow
        assert any(cell.spread_ratio for cell in ours if cell.futures is futures)
    beside = {cell.trouble for cell in cells if cell.way is Way.FORCEEXIT}
    assert beside == set(Trouble)


def test_results_are_read_back_as_they_were_written() -> None:
    """Measuring a few cells again keeps the others."""
    day = Day(cell=next(day_cells()), left=1, told="partial, 1 closed", told_s=4.9)
    assert Day.of(json.loads(json.dumps(day.to_json()))) == day
    one = Measured(cell=next(every_cell()), flat=True, closed_s=0.2)
    assert Measured.of(json.loads(json.dumps(one.to_json()))) == one


def test_worst_day_is_told_in_a_table_of_its_own() -> None:
    cell = DayCell(positions=10, futures=False, answer_s=1.4, executed="answer")
    day = Day(cell=cell, left=2, closed_s=4.2, told_s=5.0, told="partial, 8 closed, 2 not")
    text = tables({"machine": "here", "date": "today"}, [], [day])
    assert "| spot | 10 | 1.4 s | with the answer | 4.20 s |" in text
    assert "| partial, 8 closed, 2 not | 2 |" in text


def test_quick_cells_are_a_part_of_the_grid() -> None:
    assert set(quick_cells()) < set(every_cell())

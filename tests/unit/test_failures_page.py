"""docs/failures.md and docs/threats.md promise nothing without a test that exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("failures.md", "threats.md")


def named_in(folder: Path) -> set[str]:
    """The names of all test functions below *folder*."""
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in folder.rglob("test_*.py"))
    return {
        node.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def rows_of(page: str) -> Iterator[list[str]]:
    """The cells of each row, without heads and rules."""
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        is_row = line.startswith("|") and not line.startswith("|---")
        if is_row and not following.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def proofs_in(cell: str) -> list[str]:
    """What a cell names in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def exists(proof: str, tests: set[str]) -> bool:
    """Whether *proof* is a test, or a file of tests."""
    return proof in tests or (proof.startswith("tests/") and (ROOT / proof).is_file())


@pytest.mark.parametrize("page", PAGES)
def test_each_row_names_tests_and_each_of_them_exists(page: str) -> None:
    tests = named_in(ROOT / "tests")
    rows = list(rows_of(page))
    assert len(rows) >= 10
    bare = [row[0] for row in rows if not proofs_in(row[-1])]
    missing = [(row[0], p) for row in rows for p in proofs_in(row[-1]) if not exists(p, tests)]
    assert (bare, missing) == ([], [])


def test_each_row_of_the_failures_says_all_four_things() -> None:
    rows = list(rows_of("failures.md"))
    assert [row for row in rows if len(row) != 4 or not all(row)] == []


def test_no_fault_is_told_twice() -> None:
    faults = [row[0] for row in rows_of("failures.md") if not row[0].startswith("... ")]
    assert len(faults) == len(set(faults))

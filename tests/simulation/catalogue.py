"""The planted bugs, and the first seed that catches each: the table in docs/simulation.md."""

import functools
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.simulation.case import INVARIANTS
from tests.simulation.planted import PLANTED, planted
from tests.simulation.searching import judge

DOCS: Final = Path(__file__).parents[2] / "docs" / "simulation.md"
WITHIN: Final = 8_000
"""A bug that no seed below this catches is one that the net lets through."""
ROW: Final = re.compile(r"^\| `(\w+)` \| (.+) \| `(\w+)` \| (\d+) \|$", re.MULTILINE)


def catches(name: str, seed: int) -> bool:
    """Whether *seed*, with the bug planted, breaks the invariant that must break."""
    with planted(name):
        return any(breach.invariant == PLANTED[name].breaks for breach in judge(seed))


def first_seed(name: str) -> int | None:
    """The first seed that catches it and holds without it; ``None`` = none does."""
    return next((s for s in range(WITHIN) if _is_clean(s) and catches(name, s)), None)


@functools.cache
def _is_clean(seed: int) -> bool:
    return not judge(seed)


def table() -> str:
    """As docs/simulation.md shows it."""
    rows = [
        f"| `{name}` | {bug.words} | `{bug.breaks}` | {first_seed(name)} |"
        for name, bug in PLANTED.items()
    ]
    head = ["| planted bug | what it does | the invariant that breaks | first seed |"]
    return "\n".join([*head, "|---|---|---|---|", *rows])


def invariants() -> str:
    """As docs/simulation.md lists them: names and what they want, in the order of their files,
    whichever was imported first."""
    checks = sorted(
        INVARIANTS.values(), key=lambda check: (check.__module__, check.__code__.co_firstlineno)
    )
    wants = {check.__name__: " ".join((check.__doc__ or "").split()) for check in checks}
    return "\n".join(
        textwrap.fill(f"- `{name}`: {words}", 118, subsequent_indent="  ", break_on_hyphens=False)
        for name, words in wants.items()
    )


def documented() -> Mapping[str, tuple[str, str, int]]:
    """By bug: words, invariant and seed, as the docs have them."""
    text = DOCS.read_text(encoding="utf-8")
    return {name: (words, broken, int(seed)) for name, words, broken, seed in ROW.findall(text)}

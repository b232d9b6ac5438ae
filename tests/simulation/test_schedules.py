"""Every schedule of a fixed number of seeds: nothing that must never happen happens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.generator import generate
from tests.simulation.invariants import INVARIANTS
from tests.simulation.journal import What
from tests.simulation.play import play
from tests.simulation.schedule import Scope
from tests.simulation.searching import explain, how_to_replay, judge
from tests.simulation.story import tell

SEEDS = 3_000
PARTS = 10
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", range(PARTS))
def test_every_invariant_holds_in_every_schedule(part: int) -> None:
    failed = {seed: found for seed in range(part, SEEDS, PARTS) if (found := judge(seed))}
    if failed:
        first = min(failed)
        words = "\n".join(f"seed {seed}: {found[0]}" for seed, found in sorted(failed.items()))
        pytest.fail(f"{words}\n\n{explain(first)}\n\nreplay: {how_to_replay(first)}", pytrace=False)


def test_seed_is_the_same_schedule_and_the_same_course_in_every_process() -> None:
    """Else a command that replays a seed would tell another story. Hashes differ by process."""
    replay = [sys.executable, "-m", "tests.simulation", "--seed", "21"]
    told = {
        subprocess.run(
            replay,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(told) == 1


def test_schedules_are_as_varied_as_they_are_meant_to_be() -> None:
    """A generator that has gone calm proves nothing."""
    schedules = [generate(seed) for seed in range(400)]
    for scope in Scope:
        assert sum(s.scope is scope for s in schedules) > 60
    for trait in (
        [s for s in schedules if s.lags.positions],
        [s for s in schedules if s.lags.forgets],
        [s for s in schedules if s.lags.omits],
        [s for s in schedules if s.flights],
        [s for s in schedules if s.moves],
        [s for s in schedules if s.skew_s],
        [s for s in schedules if s.weather.dead],
        [s for s in schedules if s.rules.resting_claims],
        [s for s in schedules if len(s.asked) > 1],
        [s for s in schedules if not s.config.get("close_positions", True)],
        [s for s in schedules if any(book.bots < 0 for book in s.books)],
        [s for s in schedules if s.shared and any(book.users for book in s.books)],
        [s for s in schedules if any(book.trade and book.trade.dry_run for book in s.books)],
        [s for s in schedules if any(book.market.renamed for book in s.books)],
    ):
        assert len(trait) >= 10
    assert sum(len(s.books) for s in schedules) / len(schedules) >= 3


def test_runs_are_as_long_as_they_are_meant_to_be() -> None:
    """A simulation of runs that ask for little proves little."""
    played = [play(generate(seed)) for seed in range(400)]
    requests = sum(len(one.journal.of(What.REQUEST)) for one in played)
    assert requests / len(played) >= 30
    states = {str(a.result.state) for one in played for a in one.answers if a.result}
    assert states == {"completed", "partial", "failed", "skipped"}


def test_story_tells_who_asked_what_was_sent_and_what_came_of_it() -> None:
    story = tell(play(generate(21)))
    assert "asks for" in story
    assert "-> " in story
    assert "is told:" in story
    assert "in the end:" in story


def test_every_invariant_says_what_it_wants() -> None:
    assert all(check.__doc__ for check in INVARIANTS.values())

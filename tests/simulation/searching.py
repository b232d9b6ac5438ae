"""Plays seeds one after the other, in as many processes as there are cores, and counts."""

import gc
import logging
import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.generator import generate
from tests.simulation.invariants import Breach, breaches
from tests.simulation.play import play
from tests.simulation.story import tell

SLICE_S: Final = 5.0
"""How long each process plays before it reports."""
ENDLESS: Final = 1 << 62


@dataclass(slots=True)
class Tally:
    """What was played.

    :param cpu_s: of all processes together: what it took, whoever else used the machine.
    :param failed: by seed.
    """

    played: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    failed: dict[int, list[Breach]] = field(default_factory=dict)

    def rate(self, cores: int) -> str:
        """In words: schedules a minute, by the clock and by the time that the cores worked."""
        by_clock = self.played / self.wall_s * 60 if self.wall_s else 0.0
        by_core = self.played / self.cpu_s * 60 if self.cpu_s else 0.0
        return (
            f"{self.played} schedules in {self.wall_s:.1f} s: {by_clock:,.0f} a minute by the "
            f"clock, {by_core:,.0f} a minute and core by CPU time ({cores} processes)"
        )


def how_to_replay(seed: int) -> str:
    """One line to copy."""
    return f"python -m tests.simulation --seed {seed}"


def settle_memory(*_: object) -> None:
    """What is loaded by now stays: the garbage collector need not look at it again and again."""
    for seed in (0, 1):  # on spot and on futures
        play(generate(seed))
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    logging.disable(logging.CRITICAL)


def judge(seed: int) -> list[Breach]:
    """Plays *seed*; its breaches."""
    return breaches(play(generate(seed)))


def explain(seed: int) -> str:
    """What happens in the schedule of *seed*, and what is wrong with it."""
    played = play(generate(seed))
    found = breaches(played)
    verdict = [f"BROKEN {breach}" for breach in found] or ["every invariant holds"]
    return "\n".join([tell(played), *verdict])


@dataclass(frozen=True, slots=True)
class _Slice:
    """Every *step*-th seed from *first* on, for *seconds*; none from *end* on."""

    first: int
    step: int
    seconds: float
    end: int


def _play_slice(part: _Slice) -> tuple[int, float, dict[int, list[Breach]]]:
    """The seed that comes next, the CPU time it took, and what failed."""
    until, worked = time.monotonic() + part.seconds, time.process_time()
    seed, failed = part.first, {}
    while seed < part.end and time.monotonic() < until:
        if found := judge(seed):
            failed[seed] = found
        seed += part.step
    return seed, time.process_time() - worked, failed


def search(
    first: int, *, minutes: float, cores: int | None = None, most: int | None = None
) -> Iterator[Tally]:
    """Plays seeds from *first* on, on all *cores*, and yields the tally every few seconds.

    :param minutes: by the clock; :param most: seeds at most (``None`` = no bound).
    """
    processes = cores or os.cpu_count() or 1
    end = ENDLESS if most is None else first + most
    tally, nexts = Tally(), [first + number for number in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes, initializer=settle_memory) as pool:
        began = time.monotonic()
        while (left_s := minutes * 60 - (time.monotonic() - began)) > 0 and min(nexts) < end:
            seconds = min(SLICE_S, left_s)
            parts = [_Slice(seed, processes, seconds, end) for seed in nexts]
            for number, (seed, cpu_s, failed) in enumerate(pool.map(_play_slice, parts, 1)):
                tally.played += (seed - nexts[number]) // processes
                tally.cpu_s += cpu_s
                tally.failed |= failed
                nexts[number] = seed
            tally.wall_s = time.monotonic() - began
            yield tally

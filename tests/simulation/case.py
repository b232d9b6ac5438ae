"""What an invariant judges: a played schedule, its truth and its runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tests.simulation.journal import What
from tests.simulation.play import Played
from tests.simulation.runs import OPERATORS, OneRun, runs_of
from tests.simulation.schedule import Asked, Schedule
from tests.simulation.truth import Truth

CRUMB: Final = 1e-6
"""Base currency: differences below it come from binary floats."""
INSTANT_S: Final = 1e-6


@dataclass
class Case:
    """One played schedule."""

    played: Played

    @property
    def schedule(self) -> Schedule:
        return self.played.schedule

    @cached_property
    def truth(self) -> Truth:
        return Truth(self.played)

    @cached_property
    def runs(self) -> list[OneRun]:
        return list(runs_of(self.played))

    @cached_property
    def ended(self) -> list[OneRun]:
        """Runs that were not killed."""
        return [run for run in self.runs if run.ended is not None]

    @cached_property
    def pairs(self) -> frozenset[str]:
        return frozenset(market.pair for market in self.schedule.markets)

    def pairs_of(self, run: OneRun, seq: int | None = None) -> frozenset[str]:
        """What *run* may touch at that place of the journal (``None`` = at its end): what it was
        started for, or everything once somebody who asked for that has joined it."""
        first = run.events[0].additional_data["pairs"]
        if first is None or any(
            asked.pairs is None and (seq is None or place < seq)
            for place, asked in self._joined(run)
        ):
            return self.pairs
        return frozenset(first)

    def wants_nothing(self, asked: Asked) -> bool:
        """The configuration switches its trigger off: any run does all that it asks for."""
        switched_on = self.schedule.config.get("triggers", (asked.trigger,))
        return asked.trigger not in OPERATORS and asked.trigger not in switched_on

    def _joined(self, run: OneRun) -> list[tuple[int, Asked]]:
        return [
            (fact.seq, fact.payload.asked)
            for fact in run.facts
            if fact.what is What.ASKED
            and not self.wants_nothing(fact.payload.asked)
            and (
                run.ended is None  # killed before anybody was told
                if fact.payload.result is None
                else fact.payload.result.correlation_id == run.correlation_id
            )
        ]


Invariant = Callable[[Case], Iterator[str]]
"""Yields, in words, each breach; nothing = it holds."""

INVARIANTS: Final[dict[str, Invariant]] = {}


def invariant(check: Invariant) -> Invariant:
    """Makes *check* one of those that hold in every schedule; its docstring says what it wants."""
    INVARIANTS[check.__name__] = check
    return check

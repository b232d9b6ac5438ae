"""What holds in every schedule, whatever happens: the bars of the design, judged by the journal."""

from dataclasses import dataclass

from tests.simulation import bounds, honesty, protection, safety
from tests.simulation.case import INVARIANTS, Case
from tests.simulation.play import Played

__all__ = ["INVARIANTS", "Breach", "bounds", "breaches", "honesty", "protection", "safety"]


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that did not hold, and how, in words."""

    invariant: str
    words: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.words}"


def breaches(played: Played) -> list[Breach]:
    """Every breach in *played*."""
    case = Case(played)
    return [Breach(name, words) for name, check in INVARIANTS.items() for words in check(case)]

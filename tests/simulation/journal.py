"""What really happened in a schedule, in order: the one record that the invariants judge by."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.simulation.schedule import Verb


class What(StrEnum):
    """Kinds of facts."""

    ASKED = "somebody asks for a run"
    EVENT = "audit"
    REQUEST = "sent"
    ANSWERED = "answered"
    RAISED = "failed"
    NOT_SENT = "not sent"
    GIVEN_UP = "not waited for any longer"
    SHOWN = "positions shown"
    LISTED = "orders listed"
    LOOKED = "a look is complete"
    FILL = "position changes"
    PLACED = "order rests"
    GONE = "order is gone"
    RESULT = "result"
    CRASH = "the process is killed"


class Actor(StrEnum):
    """Who did it."""

    US = "us"
    MARKET = "market"
    USER = "user"


@dataclass(slots=True)
class Fact:
    """One thing that happened.

    :param at: the virtual loop's clock; :param seq: its place in the journal.
    :param request: the REQUEST fact that it answers or executes.
    :param amount: base currency; :param before, after: the position, signed.
    :param payload: the order, event, list or result itself.
    """

    at: float
    seq: int
    what: What
    pair: str = ""
    verb: Verb | None = None
    actor: Actor = Actor.US
    request: "Fact | None" = None
    order_id: str = ""
    amount: float = 0.0
    before: float = 0.0
    after: float = 0.0
    words: str = ""
    payload: Any = None


@dataclass(slots=True)
class Journal:
    """Facts in the order in which they happened; ties in time have an order, too."""

    facts: list[Fact] = field(default_factory=list)

    def add(self, at: float, what: What, **more: Any) -> Fact:
        """Writes one down."""
        fact = Fact(at, len(self.facts), what, **more)
        self.facts.append(fact)
        return fact

    def of(self, *kinds: What) -> list[Fact]:
        """Facts of *kinds*, oldest first."""
        return [fact for fact in self.facts if fact.what in kinds]

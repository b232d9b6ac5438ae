"""What really happened in a schedule, in order: the one record that the invariants judge by."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.simulation.schedule import Endpoint


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
    EXPLAINED = "asked about pairs alone"
    LISTED = "orders listed"
    CHANGE = "the account changes"
    RESULT = "result"


@dataclass(slots=True)
class Fact:
    """One thing that happened.

    :param at: the virtual loop's clock; :param seq: its place in the journal.
    :param request: the REQUEST fact that it answers.
    :param executed_at: of a request, when the exchange acted on it or read its answer.
    :param payload: the order, event, list or result itself.
    """

    at: float
    seq: int
    what: What
    endpoint: Endpoint | None = None
    pair: str = ""
    order_id: str = ""
    amount: float = 0.0
    words: str = ""
    request: "Fact | None" = None
    executed_at: float | None = None
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

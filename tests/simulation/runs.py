"""A played schedule, cut into its runs: what the invariants look at."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.manager import LiquidationResult
from tests.simulation.journal import Fact, What
from tests.simulation.play import Answer, Played
from tests.simulation.schedule import Endpoint

FINAL: Final = frozenset({Event.COMPLETED, Event.PARTIAL, Event.FAILED, Event.SKIPPED})
OPERATORS: Final = frozenset({"cli", "rest", "telegram", "recovery"})
WRITES: Final = (Endpoint.CLOSE, Endpoint.CANCEL, Endpoint.PUT_BACK)


@dataclass
class OneRun:
    """What one run did.

    :param facts: everything that happened from its start to its end, in order.
    """

    played: Played
    began: Fact
    facts: list[Fact] = field(default_factory=list)
    ended: Fact | None = None
    _read: dict[tuple[Endpoint, ...], list[Fact]] = field(default_factory=dict)

    @property
    def correlation_id(self) -> str:
        return str(self.began.payload.correlation_id)

    @property
    def trigger(self) -> str:
        return str(self.began.payload.trigger)

    @property
    def automatic(self) -> bool:
        return self.trigger not in OPERATORS

    @property
    def deadline(self) -> float:
        """On the virtual clock."""
        return self.began.at + self.played.schedule.timeout_s

    @cached_property
    def events(self) -> list[AuditEvent]:
        return [fact.payload for fact in self.facts if fact.what is What.EVENT]

    @cached_property
    def answers(self) -> list[Answer]:
        """Of everybody who was told this run's result."""
        return [
            answer
            for answer in self.played.answers
            if answer.result is not None and answer.result.correlation_id == self.correlation_id
        ]

    @property
    def result(self) -> LiquidationResult | None:
        return self.answers[0].result if self.answers else None

    @cached_property
    def requests(self) -> list[Fact]:
        return [fact for fact in self.facts if fact.what is What.REQUEST]

    def sent(self, *endpoints: Endpoint) -> list[Fact]:
        return [fact for fact in self.requests if fact.endpoint in endpoints]

    @cached_property
    def ends(self) -> dict[int, Fact]:
        """How each request ended for the run, by the request's place in the journal."""
        return {
            fact.request.seq: fact
            for fact in self.facts
            if fact.request is not None and fact.what in (What.ANSWERED, What.RAISED, What.GIVEN_UP)
        }

    def end_of(self, request: Fact) -> Fact | None:
        return self.ends.get(request.seq)

    def last_read(self, *endpoints: Endpoint) -> Fact | None:
        """The newest answered question of its kind, by when the exchange read its answer."""
        read = self.read(*endpoints)
        return max(read, key=lambda fact: fact.executed_at or 0.0, default=None)

    def first_read(self, *endpoints: Endpoint) -> Fact | None:
        """The oldest of them."""
        read = self.read(*endpoints)
        return min(read, key=lambda fact: fact.executed_at or 0.0, default=None)

    def read_of(self, pair: str, *endpoints: Endpoint) -> list[Fact]:
        """Those of *pair*."""
        return [fact for fact in self.read(*endpoints) if fact.pair == pair]

    def told_of_orders(self, pair: str) -> dict[str, float]:
        """Orders of *pair* that were asked for, each with the moment of its last answer."""
        told: dict[str, float] = {}
        for asked in self.sent(Endpoint.ORDER):
            if asked.pair != pair:
                continue
            end = self.end_of(asked)
            answered = end is not None and end.what is What.ANSWERED
            moment = (asked.executed_at or 0.0) if answered else self.began.at
            told[asked.order_id] = max(moment, told.get(asked.order_id, 0.0))
        return told

    def read(self, *endpoints: Endpoint) -> list[Fact]:
        """The answered questions of these kinds."""
        if endpoints in self._read:
            return self._read[endpoints]
        self._read[endpoints] = read = [
            fact
            for fact in self.sent(*endpoints)
            if fact.executed_at is not None
            and (end := self.end_of(fact)) is not None
            and end.what is What.ANSWERED
        ]
        return read

    def told_lost(self, pair: str) -> bool:
        """It is on record that a stop of *pair* is, or may be, lost."""
        return any(e.event_type is Event.STOP_LOST and e.pair == pair for e in self.events)


def runs_of(played: Played) -> Iterator[OneRun]:
    """The runs of *played*, one after the other."""
    current: OneRun | None = None
    for fact in played.journal.facts:
        event: AuditEvent | None = fact.payload if fact.what is What.EVENT else None
        if event is not None and event.event_type is Event.STARTED:
            if current is not None:
                yield current
            current = OneRun(played, fact)
        if current is None:
            continue
        current.facts.append(fact)
        if event is not None and event.event_type in FINAL:
            current.ended = fact
            yield current
            current = None
    if current is not None:
        yield current

"""Random true histories of a pair: what is heard of them never makes it flat while it is open.

The truth is a step function of the time. The run hears what it would hear: lists that are up to
two seconds late, its own fills, the fills of entries or only that an entry is gone, the exchange's
word, and answers about the pair alone; each some time after it happened, so that answers overtake
one another.
"""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from freqtrade_liquidation.model import AMOUNT_TOLERANCE, Position, Side
from freqtrade_liquidation.run.history import APART_AFTER_FILL_S, PairHistory
from freqtrade_liquidation.run.proof import Verdict

PAIR = "BTC/USDT:USDT"
LAG_S = 2.0
UNIT = 0.25
"""Amounts are multiples of it: so different paths lead to the same amount."""

amounts = st.integers(1, 4).map(lambda steps: steps * UNIT)
pauses = st.sampled_from([0.0, 0.05, 0.3, 1.0, 2.5])
trips = st.sampled_from([0.02, 0.1, 0.6, 1.5])


@dataclass(frozen=True)
class Step:
    """One thing that happens.

    :param pause_s: before it.
    :param trip_s: until its answer is heard.
    :param lag_s: how much older than the question the list is.
    """

    kind: str
    pause_s: float
    trip_s: float
    amount: float
    lag_s: float


steps = st.builds(
    Step,
    kind=st.sampled_from(
        ["close", "close, answer lost", "entry", "entry, fill not told", "by hand", "list", "alone"]
    ),
    pause_s=pauses,
    trip_s=trips,
    amount=amounts,
    lag_s=st.floats(0.0, LAG_S),
)


class World:
    """What is true, and what is heard of it, in the order in which it is heard."""

    def __init__(self, first: float) -> None:
        self.now = 1_000.0
        self.history = PairHistory()
        self._truth = [(0.0, first)]
        self._heard: list[tuple[float, int, str, tuple[float, ...]]] = []
        self._entries = self._unheard = 0
        self._list_asked_at = 0.0
        if first:
            self.history.claim(_long(first))

    def truth(self, at: float) -> float:
        """Base currency, long."""
        return next(amount for moment, amount in reversed(self._truth) if moment <= at)

    def do(self, step: Step) -> None:
        """One step: the exchange acts in the middle of the way, the answer comes at its end."""
        self._hear_until(self.now + step.pause_s)
        self.now += step.pause_s
        acts_at, heard_at = self.now + step.trip_s / 2, self.now + step.trip_s
        match step.kind:
            case "list":
                shown = self.truth(max(self.now - step.lag_s, 0.0))
                self._later(heard_at, "list", self.now, shown)
            case "alone":
                self._later(heard_at, "alone", self.now, self.truth(self.now))
            case "by hand":
                self._set(self.now, max(0.0, self.truth(self.now) - step.amount))
            case "close" | "close, answer lost":
                self._close(step, acts_at, heard_at)
            case _:
                self._set(acts_at, self.truth(acts_at) + step.amount)
                told = step.kind == "entry"
                self._later(heard_at, "opened" if told else "gone", heard_at, step.amount)
                self._unheard += 1
                self._hear_until(heard_at)
                self.now = heard_at

    def _close(self, step: Step, acts_at: float, heard_at: float) -> None:
        held = self.truth(acts_at)
        filled = min(step.amount, held)
        self._set(acts_at, held - filled)
        if not held:
            self._later(heard_at, "zero", self.now, heard_at)
        elif step.kind == "close":
            self._later(heard_at, "closed", filled, heard_at)

    def _set(self, at: float, amount: float) -> None:
        later = [(moment, held) for moment, held in self._truth if moment > at]
        assert not later, "the truth is told in order"
        self._truth.append((at, amount))
        self.now = max(self.now, at)

    def _later(self, at: float, what: str, *values: float) -> None:
        self._heard.append((at, len(self._heard), what, values))

    def _hear_until(self, until: float) -> None:
        due = sorted(entry for entry in self._heard if entry[0] <= until)
        self._heard = [entry for entry in self._heard if entry[0] > until]
        for at, _, what, values in due:
            self._hear(what, *values)
            self.check(at)

    def _hear(self, what: str, first: float, second: float) -> None:
        history = self.history
        match what:
            case "list":  # of two, the one that was asked for later counts
                if first >= self._list_asked_at:
                    self._list_asked_at = first
                    history.listed(_long(second) if second else None, asked_at=first)
            case "alone":
                if not second:
                    history.witnessed(asked_at=first)
            case "closed":
                history.closed(first, at=second)
            case "zero":
                history.said_zero(sent_at=first, at=second)
            case "opened":
                self._unheard -= 1
                history.opened(_long(second), at=first)
            case "gone":
                self._unheard -= 1
                self._entries += 1
                history.entry_is_gone(str(self._entries), at=first)

    def check(self, at: float) -> None:
        """Flat is said of what is flat, and what is closed by fills alone is closed."""
        held = self.truth(at)
        if held > AMOUNT_TOLERANCE and not self._unheard:  # else nobody can know yet
            assert not self.history.verdict().is_closed, (at, held, self.history)

    def end(self) -> None:
        """All answers are heard."""
        self._hear_until(float("inf"))


def _long(amount: float) -> Position:
    return Position(pair=PAIR, side=Side.LONG, amount=amount)


@given(st.sampled_from([0.0, UNIT, 2 * UNIT]), st.lists(steps, max_size=12))
def test_pair_is_never_called_closed_while_it_is_open(first: float, story: list[Step]) -> None:
    world = World(first)
    for step in story:
        world.do(step)
    world.end()


@given(st.sampled_from([UNIT, 2 * UNIT]), st.lists(steps, max_size=8))
def test_pair_that_is_flat_ends_as_flat_once_lists_and_the_answer_about_it_alone_agree(
    first: float, story: list[Step]
) -> None:
    """Whatever was heard before: no pair is stuck."""
    world = World(first)
    for step in story:
        world.do(step)
    world.end()
    world.do(Step("by hand", 3.0, 0.1, 100.0, 0.0))
    for pause_s in (LAG_S + 0.5, 1.0, APART_AFTER_FILL_S):
        world.do(Step("list", pause_s, 0.1, 1.0, LAG_S))
        world.do(Step("alone", 0.2, 0.1, 1.0, 0.0))
        world.end()
    assert world.history.verdict() is Verdict.FLAT

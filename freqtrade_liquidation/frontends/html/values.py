"""What a run's page is made of. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from freqtrade_liquidation.frontends.words import Row
from freqtrade_liquidation.model import PairState


class SentKind(StrEnum):
    """What a request was to do."""

    CANCEL = "cancel"
    CLOSE = "close"
    STOP = "stop"
    """Put a stop back."""


class Outcome(StrEnum):
    """What became of a request, as far as the trail says."""

    DONE = "done"
    REFUSED = "refused"
    UNAVAILABLE = "not acted"
    """Proven not to have acted."""
    UNKNOWN = "unknown"
    """It may have acted."""
    FAILED = "failed"
    """Not done; whether it acted is in its words."""
    UNANSWERED = "no answer on record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request that could change the book, and its answer.

    :param at_s: when it was announced in the trail, in seconds since the run began; it was sent
        right after that.
    :param answered_s: ``None`` = no answer is on record.
    """

    pair: str
    kind: SentKind
    at_s: float
    words: str
    answered_s: float | None = None
    outcome: Outcome = Outcome.UNANSWERED
    answer: str = ""

    @property
    def took_s(self) -> float | None:
        """Seconds until the answer; ``None`` = not known."""
        return None if self.answered_s is None else self.answered_s - self.at_s


class MarkKind(StrEnum):
    """What happened at one moment and took no time of its own."""

    LOOK = "look"
    """The exchange answered what is open."""
    OPEN = "open"
    """The exchange showed the position."""
    GONE = "gone"
    """The exchange showed it no more, for the first time since."""
    TROUBLE = "trouble"
    """A question failed, a stop was lost, the time was up."""
    BOOKED = "booked"
    """freqtrade's database is up to date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One moment.

    :param pair: ``None`` = it is about the whole book.
    :param at_s: seconds since the run began.
    """

    pair: str | None
    kind: MarkKind
    at_s: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An event of the trail, as the last table of the page shows it."""

    sequence: int | None
    at: datetime
    at_s: float
    kind: str
    pair: str | None
    words: str
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStory:
    """What became of one pair.

    :param amount: base currency, at the first look; ``residual_amount``: what was left.
    :param realized_pnl: quote currency; booked after the run counts, too.
    :param decision_price: quote currency, at the first look that showed the position.
    :param decision_price_is: its name: ``mark price`` or ``last price``.
    :param filled: base currency, of our closing orders; ``average``: at which price.
    :param gone_at_s: when the exchange first showed it no more, and did so to the end.
    """

    pair: str
    side: str | None
    state: str | None
    amount: float | None = None
    residual_amount: float | None = None
    realized_pnl: float | None = None
    booked_later: bool = False
    entry_price: float | None = None
    decision_price: float | None = None
    decision_price_is: str | None = None
    average: float | None = None
    filled: float | None = None
    gone_at_s: float | None = None
    tracked: bool | None = None
    protected: bool | None = None
    error: str | None = None

    @property
    def is_left(self) -> bool:
        """Open, or not shown closed. Dust is not: no order can be made of it."""
        return self.state not in (PairState.CLOSED, PairState.DUST)

    @property
    def slippage_ratio(self) -> float | None:
        """Of the price at the decision; negative = worse than it. ``None`` = not known."""
        if not self.decision_price or self.average is None or self.side not in ("long", "short"):
            return None
        sign = 1 if self.side == "long" else -1
        return sign * (self.average / self.decision_price - 1)

    @property
    def slippage(self) -> float | None:
        """Quote currency, of what was filled; negative = lost. ``None`` = not known."""
        ratio = self.slippage_ratio
        if ratio is None or self.filled is None or self.decision_price is None:
            return None
        return ratio * self.decision_price * self.filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One run.

    :param run: its row in ``liquidation_runs``.
    :param config: the settings in force; ``None`` = the trail does not say.
    :param expected: positions that freqtrade's database had at its beginning; ``None`` = not known.
    :param ended_s: its last own event, in seconds since it began. What was added to it later
        (booking, the end of one that was cut off) is in *later*.
    :param cut_off: the process was killed; how it stood was found out later.
    :param flat_s: when the exchange first showed nothing open any more, and did so to the end.
    """

    run: Row
    began: datetime
    config: Mapping[str, Any] | None
    expected: int | None
    pairs: tuple[PairStory, ...]
    requests: tuple[Sent, ...]
    marks: tuple[Mark, ...]
    moments: tuple[Moment, ...]
    later: tuple[Moment, ...]
    ended_s: float
    flat_s: float | None
    cut_off: bool

    @property
    def never_looked(self) -> bool:
        """Nothing of the book is known: the exchange was not asked, or did not answer."""
        return not self.pairs and not any(mark.kind is MarkKind.LOOK for mark in self.marks)

    @property
    def left(self) -> tuple[PairStory, ...]:
        """What is open, or not shown closed."""
        return tuple(pair for pair in self.pairs if pair.is_left)

    @property
    def total_realized_pnl(self) -> float | None:
        """Quote currency, of what was closed; ``None`` = not known for every pair of it."""
        profits = [pair.realized_pnl for pair in self.pairs if not pair.is_left]
        known = [profit for profit in profits if profit is not None]
        return sum(known) if known and len(known) == len(profits) else None

    @property
    def total_slippage(self) -> float | None:
        """Quote currency, of all that was filled; ``None`` = not known for every pair of it."""
        traded = [pair for pair in self.pairs if pair.filled != 0]
        known = [p.slippage for p in traded if p.slippage is not None]
        return sum(known) if known and len(known) == len(traded) else None

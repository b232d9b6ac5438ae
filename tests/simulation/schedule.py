"""A schedule: everything that will happen around a run, drawn from one seed beforehand.

Plain values only, so that a schedule can be printed, compared and made smaller.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

HORIZON_S: Final = 30.0
"""Virtual seconds after which nothing of a schedule is still to come."""


class Verb(StrEnum):
    """The requests that a run makes."""

    POSITIONS = "positions"
    ORDERS = "orders"
    CANCEL = "cancel"
    CLOSE = "close"
    PUT_BACK = "put_back"
    READ_BACK = "read_back"
    BOOK = "book"

    @property
    def is_write(self) -> bool:
        """It can change something on the exchange."""
        return self in (Verb.CANCEL, Verb.CLOSE, Verb.PUT_BACK)


class Fate(StrEnum):
    """What becomes of one request. Three outcomes, and the ways in which each comes about."""

    DONE = "done"
    NO_FILL_TOLD = "executed, its answer tells no fill"
    ACCEPTED = "accepted, executed later"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    NOTHING_TO_REDUCE = "nothing to reduce"
    ACCOUNT_REFUSED = "account refused"
    LOST_BEFORE = "lost before it was executed"
    LOST_AFTER = "executed, its answer lost"
    LATE = "its answer lost, executed late"
    HANGS = "never answered, never executed"
    HANGS_DONE = "executed, never answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fortune:
    """One request's way.

    :param out_s: until the exchange has it; :param back_s: until its answer is here again.
    :param late_s: seconds after it was sent, when a late one is executed.
    :param share: of what an order asks for, how much is filled (ratio).
    :param retry_after_s: what an unavailable exchange asks for.
    """

    fate: Fate = Fate.DONE
    out_s: float = 0.05
    back_s: float = 0.05
    late_s: float = 0.0
    share: float = 1.0
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """An order that rests when the schedule begins.

    :param role: of :class:`~freqtrade_liquidation.model.OrderRole`, as a plain word.
    """

    order_id: str
    role: str
    side: str
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One pair as the schedule finds it.

    :param amount: base currency, what the bot holds; negative = short, 0.0 = nothing.
    :param minimum: base currency, the smallest closing order; :param maximum: the largest.
    :param own_coins: base currency, the user's own (spot).
    :param obstacle: why it must not be closed, in words.
    """

    pair: str
    amount: float = 0.0
    minimum: float = 0.001
    maximum: float | None = None
    own_coins: float = 0.0
    obstacle: str | None = None
    resting: tuple[Resting, ...] = ()


class Deed(StrEnum):
    """What somebody else does."""

    FILL_ENTRY = "the entry fills"
    TRIGGER_STOP = "the price reaches the stop"
    FILL_EXIT = "the resting exit fills"
    USER_CLOSES = "a person closes by hand"
    USER_OPENS = "a person opens by hand"
    USER_CANCELS = "a person cancels the order"
    MARGIN_CALL = "the exchange liquidates the position"
    ENTRY_ARRIVES = "the entry in the air rests"
    ENTRY_EXECUTES = "the entry in the air fills"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Somebody else acts.

    :param at_s: after the beginning; :param share: of the order or position (ratio).
    :param amount: base currency, of something new; negative = short.
    """

    at_s: float
    deed: Deed
    pair: str
    order_id: str = ""
    share: float = 1.0
    amount: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Somebody triggers a run. *pairs*: ``None`` = the whole book."""

    at_s: float
    trigger: str
    pairs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What will happen.

    :param spot: no position list, no reduce-only, resting sells lock the coins.
    :param lag_s: how old the list of positions (spot: the balance) is when it is answered.
    :param usual: how each verb fares when nothing is said about a request of it.
    :param fortunes: by verb and pair (or ''), of its first, second, ... request.
    :param in_air: pairs whose entry request was under way at the beginning.
    :param crash_at_s: the process is killed then; another one follows a second later.
    """

    seed: int
    spot: bool = False
    markets: tuple[Market, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    asked: tuple[Asked, ...] = (Asked(at_s=0.0, trigger="cli"),)
    usual: Mapping[Verb, Fortune] = field(default_factory=dict)
    fortunes: Mapping[tuple[Verb, str], tuple[Fortune, ...]] = field(default_factory=dict)
    lag_s: float = 0.0
    moves: tuple[Move, ...] = ()
    in_air: tuple[str, ...] = ()
    crash_at_s: float | None = None

    @property
    def timeout_s(self) -> float:
        """The time of one run."""
        return float(self.config.get("timeout_seconds", 5.0))

    @property
    def max_retries(self) -> int:
        """Further attempts."""
        return int(self.config.get("max_retries", 3))

"""A schedule: everything that will happen around a run, drawn from one seed beforehand.

Plain values only, so that a schedule can be printed, compared and made smaller.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tests.simulation.world.account import Rules
from tests.simulation.world.answers import Lags
from tests.simulation.world.records import Kind, Market, Owner

HORIZON_S: Final = 30.0
"""Virtual seconds after which nothing of a schedule is still to come."""


class Scope(StrEnum):
    """Which order manager plays."""

    ACCOUNT = "futures, whole account"
    TRADES = "futures, the bot's trades"
    SPOT = "spot"


class Endpoint(StrEnum):
    """What is asked of the exchange."""

    POSITIONS = "positions"
    POSITION = "one position"
    FILLS = "fills"
    ORDERS = "orders"
    STOPS = "stop orders"
    ALGOS = "algorithmic orders"
    BALANCE = "balance"
    ORDER = "order"
    ALL_ORDERS = "all orders"
    CLOSE = "close"
    PUT_BACK = "put back"
    CANCEL = "cancel"
    OTHER = "other"


class Word(StrEnum):
    """What becomes of one request: three outcomes, and the ways in which each comes about."""

    ANSWERED = "answered"
    EMPTY = "answered with nothing"
    DELAYED = "accepted, executed later"
    THROTTLED = "too many requests"
    OVERLOADED = "overloaded"
    DOWN = "503"
    DOWN_DONE = "503, and executed"
    LOST = "lost on the way out"
    LOST_DONE = "executed, its answer lost"
    LATE = "its answer lost, executed late"
    HANGS = "never answered, never executed"
    HANGS_DONE = "executed, never answered"
    HANGS_LATE = "never answered, executed late"
    BUSY = "refused for the moment"
    REFUSED = "refused"
    ACCOUNT = "the key is refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One request's way.

    :param out_s: until the exchange acts on it; :param back_s: from then until its answer is here.
    :param late_s: seconds after it was sent, when a late one is executed.
    :param share: of what a market order asks for, how much is filled (ratio).
    """

    word: Word = Word.ANSWERED
    out_s: float = 0.05
    back_s: float = 0.05
    late_s: float = 0.0
    share: float = 1.0
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """An order that rests when the schedule begins.

    :param key: what the schedule calls it; :param filled: base currency, a part that it has filled.
    """

    key: str
    owner: Owner
    kind: Kind
    side: str
    amount: float
    filled: float = 0.0
    reduce_only: bool = False
    trigger: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A row of freqtrade's database.

    :param amount: base currency, as the database has it.
    :param open_orders: keys of resting orders that the database calls open.
    :param dry_run: it was never bought on this exchange.
    """

    side: str
    amount: float
    fee_open: float = 0.001
    open_orders: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One pair as the schedule finds it.

    :param bots: signed base currency that the bot holds; :param users: that the user holds beside.
    """

    market: Market
    bots: float = 0.0
    users: float = 0.0
    resting: tuple[Resting, ...] = ()
    trade: Trade | None = None

    @property
    def pair(self) -> str:
        """Its name."""
        return self.market.pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """A request of freqtrade's own loop that is under way when the run begins.

    :param kind: ``entry``, ``exit`` or ``stop``.
    :param noted_s: when it was noted, before the beginning.
    :param let_go_s: when its process gave up on it, after the beginning (negative: before);
        ``None`` = the loop waits for its answer.
    :param arrives_s: when the exchange has it, after the beginning; ``None`` = never.
    :param rests: it is a limit order that does not fill at once; :param share: what fills at once.
    :param repeats: how often it was noted, refused, and noted again.
    :param by_hand: base currency that a person bought of the pair after it, with an order of his
        own, and :param by_hand_s: how long after it was noted.
    """

    pair: str
    kind: str
    side: str
    amount: float
    noted_s: float = 0.0
    let_go_s: float | None = 0.0
    arrives_s: float | None = None
    rests: bool = False
    share: float = 1.0
    trigger: float | None = None
    repeats: int = 1
    by_hand: float = 0.0
    by_hand_s: float = 0.0


class Deed(StrEnum):
    """What somebody else does."""

    FILL = "a resting order fills"
    TRIGGER = "the price reaches the stop"
    USER_CANCELS = "a person cancels the order"
    USER_TRADES = "a person trades by hand"
    USER_RESTS = "a person places an order"
    MARGIN_CALL = "the exchange liquidates the position"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Somebody else acts.

    :param at_s: after the beginning; :param key: the resting order's; :param share: ratio.
    :param amount: base currency, signed, of what a person trades.
    :param order: what a person places.
    """

    at_s: float
    deed: Deed
    pair: str
    key: str = ""
    share: float = 1.0
    amount: float = 0.0
    order: Resting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Somebody triggers a run. *pairs*: ``None`` = the whole book."""

    at_s: float
    trigger: str
    pairs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How requests fare.

    :param faults: the part of them that goes wrong; :param pace_s: a usual round trip.
    :param dead: endpoints that never answer well, and how.
    :param script: by endpoint and pair (or ''), of its first, second, ... request.
    """

    faults: float = 0.0
    pace_s: float = 0.1
    dead: Mapping[Endpoint, Word] = field(default_factory=dict)
    script: Mapping[tuple[Endpoint, str], tuple[Fate, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What will happen.

    :param rules: of the exchange; :param lags: how old its answers are.
    :param database: what a question to freqtrade's database comes to during the run: it
        ``answers``, ``raises`` or ``hangs``.
    :param skew_s: how far the bot's clock is ahead of the exchange's.
    """

    seed: int
    scope: Scope = Scope.ACCOUNT
    books: tuple[Book, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    asked: tuple[Asked, ...] = (Asked(at_s=0.0, trigger="cli"),)
    rules: Rules = field(default_factory=Rules)
    lags: Lags = field(default_factory=Lags)
    weather: Weather = field(default_factory=Weather)
    moves: tuple[Move, ...] = ()
    flights: tuple[Flight, ...] = ()
    skew_s: float = 0.0
    database: str = "answers"

    @property
    def spot(self) -> bool:
        """No positions, no reduce-only, resting sells lock the coins."""
        return self.scope is Scope.SPOT

    @property
    def shared(self) -> bool:
        """What the account holds may be the user's own."""
        return self.scope is not Scope.ACCOUNT

    @property
    def timeout_s(self) -> float:
        """The time of one run."""
        return float(self.config.get("timeout_seconds", 5.0))

    @property
    def max_retries(self) -> int:
        """Further attempts."""
        return int(self.config.get("max_retries", 3))

"""What the exchange keeps: markets, orders, and whose they are."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

FOREVER: Final = float("inf")
CRUMB: Final = 1e-9
"""Base currency: differences below it come from binary floats."""


class Owner(StrEnum):
    """Who placed an order, or took it away."""

    RUN = "the run"
    BOT = "freqtrade"
    USER = "the user"
    EXCHANGE = "the exchange"


class Kind(StrEnum):
    """Types of orders, as far as they differ here."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"


class Status(StrEnum):
    """Source: Binance, "Enum definitions", order status."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


RESTING: Final = (Status.NEW, Status.PARTIALLY_FILLED)


class Refusal(Exception):
    """The exchange says no.

    :param code: of Binance's table of error codes; :param words: its message.
    """

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code} {words}")
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One pair's rules. Amounts in base currency, prices in quote currency.

    :param maximum: the largest market order; ``None`` = no limit.
    :param minimum_cost: the smallest value of an order (spot).
    :param renamed: what the exchange's market list calls the pair today, where its type changed.
    """

    pair: str
    base: str
    step: float = 0.001
    minimum: float = 0.001
    maximum: float | None = None
    minimum_cost: float = 0.0
    price: float = 100.0
    renamed: str | None = None

    @property
    def smallest(self) -> float:
        """Base currency: below it no order is taken."""
        return max(self.step, self.minimum, self.minimum_cost / self.price)


@dataclass(slots=True, kw_only=True)
class Order:
    """An order, resting or at its end.

    :param name: the client order id. :param trigger: of a stop; :param limit: of a limit order, and
        of a stop that becomes one.
    :param became: the order that a triggered conditional order placed (futures), and
        :param parent: of that order, the conditional one.
    :param request: what the run sent for it; :param ended_by: who took it away.
    """

    order_id: str
    name: str
    pair: str
    side: str
    kind: Kind
    amount: float
    owner: Owner
    placed_at: float
    reduce_only: bool = False
    trigger: float | None = None
    limit: float | None = None
    filled: float = 0.0
    average: float | None = None
    status: Status = Status.NEW
    ended_at: float = FOREVER
    ended_by: Owner | None = None
    became: str | None = None
    parent: str | None = None
    request: Any = None
    fills: list[tuple[float, float]] = field(default_factory=list)

    @property
    def rests(self) -> bool:
        """It can still fill."""
        return self.status in RESTING

    @property
    def left(self) -> float:
        """Base currency that it can still fill."""
        return round(self.amount - self.filled, 9)

    @property
    def sign(self) -> int:
        """Of what it does to a position."""
        return 1 if self.side == "buy" else -1

    def filled_at(self, moment: float) -> float:
        """Base currency that it had filled then."""
        total = 0.0
        for at, filled in self.fills:
            if at <= moment:
                total = filled
        return total


@dataclass(slots=True, kw_only=True)
class Change:
    """Something that happened to the account.

    :param what: ``fill``, ``placed`` or ``gone``.
    :param before, after: the position (spot: the coins), signed base currency.
    :param bot_before, bot_after: the part of it that the bot and the run traded.
    """

    what: str
    order: Order
    by: Owner
    amount: float = 0.0
    before: float = 0.0
    after: float = 0.0
    bot_before: float = 0.0
    bot_after: float = 0.0

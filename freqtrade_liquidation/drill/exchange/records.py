"""What the practice exchange keeps: orders, conditional orders, fills, positions."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

ZERO: Final = Decimal(0)
OPEN_STATUS: Final = frozenset({"NEW", "PARTIALLY_FILLED"})


@dataclass(slots=True, kw_only=True)
class Fill:
    """One execution. *realized_pnl* is before the commission, as Binance reports it."""

    fill_id: int
    order_id: int
    symbol: str
    side: str
    price: Decimal
    amount: Decimal
    commission: Decimal
    commission_asset: str
    realized_pnl: Decimal
    maker: bool
    time_ms: int


@dataclass(slots=True, kw_only=True)
class Order:
    """One order of the account; amounts in base currency.

    :param stop_price: spot's conditional orders only; futures keep theirs as `AlgoOrder`.
    :param working: False until a conditional order triggers.
    :param held: a `partial` fault left it half filled: it does not fill by itself any more.
    :param locked: what a spot order still locks, in *locked_asset*.
    """

    order_id: int
    client_order_id: str
    symbol: str
    side: str
    type: str
    amount: Decimal
    created_ms: int
    updated_ms: int
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    time_in_force: str = "GTC"
    reduce_only: bool = False
    close_position: bool = False
    working: bool = True
    status: str = "NEW"
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    locked: Decimal = ZERO
    locked_asset: str = ""
    held: bool = False
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it can still fill."""
        return self.status in OPEN_STATUS

    @property
    def remaining(self) -> Decimal:
        """What is not filled, base currency."""
        return self.amount - self.filled

    @property
    def average(self) -> Decimal:
        """The average price of what is filled; 0 before the first fill."""
        return self.cost / self.filled if self.filled else ZERO


@dataclass(slots=True, kw_only=True)
class AlgoOrder:
    """A conditional futures order: no order yet, until its trigger creates one.

    :param actual_order_id: the order that the trigger created; 0 before.
    """

    algo_id: int
    client_algo_id: str
    symbol: str
    side: str
    order_type: str
    amount: Decimal
    trigger_price: Decimal
    price: Decimal
    reduce_only: bool
    close_position: bool
    working_type: str
    created_ms: int
    updated_ms: int
    time_in_force: str = "GTC"
    status: str = "NEW"
    actual_order_id: int = 0
    triggered_ms: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its trigger."""
        return self.status == "NEW"


@dataclass(slots=True, kw_only=True)
class Position:
    """One symbol's position in one-way mode; *amount* is negative for a short."""

    symbol: str
    amount: Decimal = ZERO
    entry_price: Decimal = ZERO
    leverage: int = 20
    isolated: bool = False
    updated_ms: int = 0

"""What a run needs from outside: the order manager. Implemented by the host and by simulations."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from freqtrade_liquidation.model import (
    BookedPair,
    CancelAnswer,
    CloseAnswer,
    ClosingOrder,
    OpenOrder,
    Position,
)


class OrderManager(Protocol):
    """The exchange, as far as closing a book needs it.

    Every verb makes one attempt, waits at most *timeout_s* seconds and raises one of
    ``ExchangeUnavailable`` (not acted), ``ExchangeRefused`` (said no) or ``OutcomeUnknown``.
    Amounts are in base currency.
    """

    @property
    def scope(self) -> str:
        """``account`` or ``trades``: what :meth:`get_all_positions` shows."""

    @property
    def closes_need_orders(self) -> bool:
        """Resting orders lock what a close needs (spot): know them before closing."""

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        """Every open position in the account's (or the bot's) scope."""

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        """Every resting order in scope, stop orders included."""

    async def cancel_all_orders(
        self, pair: str, orders: Sequence[OpenOrder], *, timeout_s: float
    ) -> Sequence[CancelAnswer]:
        """Cancels exactly *orders*, all of *pair*. Raises nothing: each has its own answer."""

    async def execute_market_close(
        self, order: ClosingOrder, *, reduce_only: bool = True, timeout_s: float
    ) -> CloseAnswer:
        """Sends one closing order. On futures, a call without *reduce_only* is a ValueError."""

    async def put_back_stop(
        self, order: OpenOrder, amount: float, *, timeout_s: float
    ) -> CloseAnswer:
        """Places a cancelled protective order again, for *amount*."""

    async def host_lets_go(self, *, timeout_s: float) -> bool:
        """Waits until freqtrade's loop is out of what it was at when the run began.

        It may have placed a stop or an exit meanwhile, and written to the trades that are booked.

        :returns: whether it had to be waited for and has let go: what was seen before is old.
        """

    async def book(self, pairs: Sequence[str], *, timeout_s: float) -> Sequence[BookedPair]:
        """Writes what happened into freqtrade's trades and orders. Raises nothing."""

    def expected_positions(self) -> Sequence[Position]:
        """What freqtrade's database calls open: for the report when the exchange is silent."""

    def empty_trades(self) -> Sequence[str]:
        """Pairs of trades without a position. Booking ends those whose entry is gone: freqtrade
        cancelled it to replace it, and its successor was never sent."""

    def remarks(self) -> Mapping[str, str]:
        """By pair, in words: what the last look at the positions showed that counts neither as
        open nor as closed, and that a person must know of."""

    def unsettled_pairs(self) -> frozenset[str]:
        """Pairs with an entry request in the air that may still execute."""

    def new_client_order_id(self) -> str:
        """A name for one closing order, unique, in the form that the exchange takes."""

    def amount_pieces(self, position: Position) -> Sequence[float]:
        """*position*'s amount cut and rounded as the market takes it; empty = dust."""

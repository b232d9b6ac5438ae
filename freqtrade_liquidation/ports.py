"""What a run needs from outside: the order manager. Implemented by the host and by simulations."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from freqtrade_liquidation.model import (
    BookedPair,
    CancelAnswer,
    CloseAnswer,
    ClosingOrder,
    OpenOrder,
    Position,
)
from freqtrade_liquidation.plan import Book
from freqtrade_liquidation.round_trips import RoundTrips


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What was learned about a pair that a list does not show any more.

    :param left: base currency that the bot's own orders, read back, do not account for; ``None`` =
        they could not be read.
    :param held: as the exchange shows the pair when asked about it alone; ``None`` = nothing, or
        it was not answered.
    :param is_answered: that question was answered.
    :param entries: what cancelled entries have filled (positions that they opened), by order id.
    """

    left: float | None = None
    held: Position | None = None
    is_answered: bool = False
    entries: Mapping[str, Position | None] = field(default_factory=dict)


class OrderManager(Protocol):
    """The exchange, as far as closing a book needs it.

    Every verb ends within *timeout_s* seconds. A question is asked until it is answered; a change
    is sent once. They raise one of ``ExchangeUnavailable`` (not acted, or not answered),
    ``ExchangeRefused`` (said no) or ``OutcomeUnknown``. Amounts are in base currency.
    """

    @property
    def scope(self) -> str:
        """``account`` or ``trades``: what :meth:`get_all_positions` shows."""

    @property
    def closes_need_orders(self) -> bool:
        """Resting orders lock what a close needs (spot): know them before closing."""

    @property
    def acts_at_once(self) -> bool:
        """A close of what the bot knows may be sent before a look: it is reduce-only, and the
        account can neither hold both sides of a pair nor anything that is not to be closed."""

    @property
    def round_trips(self) -> RoundTrips:
        """Of this run's requests."""

    @property
    def recent_round_trips(self) -> RoundTrips:
        """Of the bot's own signed requests within the last minute."""

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        """Every open position in scope."""

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        """Every resting order in scope, stop orders included."""

    def recall(self) -> Book | None:
        """The book by what was answered last, without a question; ``None`` = only lists can tell
        (futures). Its orders are ``None`` where a list has to tell those."""

    def as_known_now(self, position: Position) -> Position:
        """*position* of a list, as far as the answers that were heard since tell more: whose it is,
        and whether that is certain."""

    async def explain(
        self, pairs: Collection[str], *, timeout_s: float
    ) -> Mapping[str, Explanation]:
        """Asks what else can be known of *pairs* that a list does not show. Raises nothing."""

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

    @property
    def may_book(self) -> bool:
        """freqtrade's loop writes to no trade now: a pair may be booked while others close."""

    async def book(
        self, pairs: Sequence[str], *, timeout_s: float, while_closing: bool = False
    ) -> Sequence[BookedPair]:
        """Writes what happened into freqtrade's trades and orders. Raises nothing.

        :param while_closing: other pairs close still, and stops that rest are cleared later.
        """

    def abandon(self) -> None:
        """The run is over: nobody waits for an answer any more."""

    def expected_positions(self) -> Sequence[Position]:
        """What freqtrade's database calls open, corrected by the fills that were seen since."""

    def known_orders(self) -> Sequence[OpenOrder]:
        """The bot's own orders that its database calls open."""

    def empty_trades(self) -> Sequence[str]:
        """Pairs of trades without a position. Booking ends those whose entry is gone: freqtrade
        cancelled it to replace it, and its successor was never sent."""

    def remarks(self) -> Mapping[str, str]:
        """By pair, in words: what the last look at the positions showed that counts neither as
        open nor as closed, and that a person must know of."""

    def found_entries(self) -> Mapping[str, Position]:
        """By order id, what entries have opened that the bot sent and its database never heard
        of. Where the answers to orders tell the positions (spot), they are in those."""

    def names_today(self, pairs: Collection[str]) -> frozenset[str]:
        """*pairs*, and what the exchange calls their contracts today, or may."""

    def has_found_entries_of(self, pair: str) -> bool:
        """Whether every entry into *pair* that was in the air is found: :meth:`found_entries` tells
        what they have opened, and nothing else will arrive."""

    def unsettled_pairs(self) -> frozenset[str]:
        """Pairs with an entry request in the air that may still execute."""

    def new_client_order_id(self) -> str:
        """A name for one closing order, unique, in the form that the exchange takes."""

    def amount_pieces(self, position: Position) -> Sequence[float]:
        """*position*'s amount cut and rounded as the market takes it, in no more orders than one
        round may send; empty = dust."""

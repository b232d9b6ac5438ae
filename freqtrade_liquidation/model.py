"""The values that a run thinks in. No I/O, no freqtrade, no ccxt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from freqtrade_liquidation.errors import NotSent

AMOUNT_TOLERANCE: Final = 1e-9
"""Relative slack when two amounts that went through binary floats are compared."""


UNLISTED: Final = "further positions or orders"
"""Stands for the pair of what a list that was cut off does not show. In every run's scope."""


class Side(StrEnum):
    """Direction of a position, and the order side that closes it."""

    LONG = "long"
    SHORT = "short"
    UNKNOWN = "unknown"
    """The exchange does not say. Such a position is reported, never closed."""

    @property
    def exit_side(self) -> str:
        """``sell`` closes a long, ``buy`` closes a short.

        :raises ValueError: where the side is not known: a guess could grow the position.
        """
        if self is Side.UNKNOWN:
            raise ValueError("no order closes a position whose side is not known")
        return "sell" if self is Side.LONG else "buy"


class OrderRole(StrEnum):
    """What a resting order would do to the book if it filled."""

    ENTRY = "entry"
    """Could open, grow or flip a position."""
    EXIT = "exit"
    """Can only reduce one (reduce-only, or a spot sell of the bot's own coins)."""
    PROTECTIVE = "protective"
    """A stop that can only reduce one. It goes last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open position as the exchange shows it (dry-run and spot: as freqtrade's trade and the
    orders read back leave it).

    :param amount: base currency, positive; not contracts. What is left, never what was asked.
    :param entry_price: quote currency; ``None`` = not known.
    :param minimum_amount: base currency; below it the exchange takes no closing order: dust.
    :param maximum_amount: base currency, largest market order; ``None`` = no limit published.
    :param trade_ids: freqtrade's trades for it; empty = the database does not know it.
    :param uncertain: an order of ours for it has no known outcome and sending another could sell
        twice (spot): look, do not send.
    :param at_least: *uncertain* in one direction: there may be more, and not less. So much may be
        closed.
    :param by_orders: what our orders are known to have closed of the bot's is taken off *amount*:
        however late the list is, those fills are not to be taken off once more.
    :param exclusive: spot: when last all of our orders were known, and at each look since, the
        account held no more of the coins than this: no order for them can take the user's own.
    :param obstacle: why we must not close it, in words a person can act on; ``None`` = nothing.
    :param mark_price: quote currency, told by the exchange with the position; ``None`` = not told.
    :param last_price: quote currency, where the exchange lists no positions: the price at which
        freqtrade last reckoned its exit, at most five minutes before; ``None`` = not known.
    :param row: what an order has to bear to meet this position and no other one of its pair (a
        side, a margin mode), in the exchange's words; ``None`` = no list has told it.
    :param has_others: the exchange lists further positions of this pair.
    :param is_shared: futures: the exchange lists more than *amount*, and the rest is not the bot's:
        an order that can only reduce would go on to reduce that.
    """

    pair: str
    side: Side
    amount: float
    entry_price: float | None = None
    minimum_amount: float = 0.0
    maximum_amount: float | None = None
    trade_ids: tuple[int, ...] = ()
    uncertain: bool = False
    at_least: bool = False
    by_orders: bool = False
    exclusive: bool = False
    obstacle: str | None = None
    mark_price: float | None = None
    last_price: float | None = None
    row: Mapping[str, Any] | None = None
    has_others: bool = False
    is_shared: bool = False

    def is_same_row(self, other: "Position") -> bool:
        """Whether it may be the same one as *other* of its pair."""
        known = self.row is not None and other.row is not None
        return self.side is other.side and (self.row == other.row or not known)

    @property
    def is_unreadable(self) -> bool:
        """Of a trade whose row makes no sense: only a person can look after it."""
        return self.uncertain and self.obstacle is not None and self.amount == 0

    @property
    def is_dust(self) -> bool:
        """Too small for the exchange to take an order for it."""
        return self.amount < self.minimum_amount * (1 - AMOUNT_TOLERANCE)

    @property
    def notional(self) -> float:
        """Quote currency, at the entry price; 0.0 where that is not known."""
        return self.amount * (self.entry_price or 0.0)

    def to_dict(self) -> dict[str, Any]:
        """As the audit trail shows it."""
        return {
            "pair": self.pair,
            "side": str(self.side),
            "amount": self.amount,
            "entry_price": self.entry_price,
            "mark_price": self.mark_price,
            "last_price": self.last_price,
            "trade_ids": list(self.trade_ids),
            "obstacle": self.obstacle,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """A resting order on the exchange.

    :param side: ``buy`` or ``sell``.
    :param amount: base currency, what is left to fill.
    :param conditional: it stands in a list of its own, apart from the ordinary orders.
    :param kind: what the exchange calls such an order; ``None`` = an ordinary one.
    :param blocks_close: it must be gone before a close is sent: it locks the asset that the close
        needs (spot), or would go on to reduce what is not the bot's (futures).
    :param stop_price: quote currency, of a stop; needed to put it back.
    :param limit_price: quote currency, of a stop-limit order; ``None`` = it sells at market.
    :param trigger_source: the price that a stop watches: ``last``, ``mark`` or ``index``;
        ``None`` = not told.
    :param takes_profit: a stop that waits for a better price.
    :param trade_id: freqtrade's trade for it; ``None`` = the database does not know it.
    :param unconfirmed: its cancel was acknowledged, and it has not been read since: it may be gone.
    """

    pair: str
    order_id: str
    role: OrderRole
    side: str
    amount: float
    conditional: bool = False
    kind: str | None = None
    blocks_close: bool = False
    stop_price: float | None = None
    limit_price: float | None = None
    trigger_source: str | None = None
    takes_profit: bool = False
    trade_id: int | None = None
    unconfirmed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As the audit trail shows it."""
        return {
            "pair": self.pair,
            "order_id": self.order_id,
            "role": str(self.role),
            "side": self.side,
            "amount": self.amount,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingOrder:
    """One market order of ours, before it is sent.

    :param amount: base currency.
    :param client_order_id: ours, unique: the handle by which an unanswered order is found again.
    :param row: see :class:`Position`; ``None`` = as freqtrade's configuration has it.
    """

    pair: str
    side: Side
    amount: float
    client_order_id: str
    row: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the audit trail shows it."""
        return {
            "side": self.side.exit_side,
            "amount": self.amount,
            "client_order_id": self.client_order_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAnswer:
    """What the exchange answered to a closing order: accepted, and perhaps how much is filled.

    :param filled: base currency; ``None`` = not known. Never 0 for "unknown".
    :param average: quote currency per base unit; ``None`` = not known.
    :param remark: in words: what stands is not what was asked for; ``None`` = no difference seen.
    Source: ccxt unified order, fields ``id``, ``filled`` and ``average``.
    """

    order_id: str
    filled: float | None = None
    average: float | None = None
    remark: str | None = None


class CancelStatus(StrEnum):
    """Done, refused or unknown; and between done and unknown, taken on."""

    CANCELLED = "cancelled"
    ACKNOWLEDGED = "acknowledged"
    """The exchange answered to the request and not with the order's end: a later look tells."""
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAnswer:
    """What became of one request to cancel.

    :param error: in words, where the status is not ``cancelled``.
    :param sendable: refused without having acted: another attempt is safe and may succeed.
    :param left: base currency that it had still to fill when it was cancelled; ``None`` = not told.
    :param not_sent: why it never left; ``None`` = it did.
    """

    order: OpenOrder
    status: CancelStatus
    error: str | None = None
    sendable: bool = False
    left: float | None = None
    not_sent: NotSent | None = None

    @property
    def may_help(self) -> bool:
        """Whether another attempt may help, should the order still be there."""
        return self.sendable or self.status in (CancelStatus.UNKNOWN, CancelStatus.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedPair:
    """What freqtrade's database says about a pair after booking.

    :param realized_pnl: stake currency, fees and funding included; ``None`` = not known.
    :param error: why (a part of) it is not booked and left to the repair, in words.
    :param missing: what it is booked without (fees, funding), in words; not to be booked again.
    :param filled: base currency, of this run's closing orders; ``None`` = not known of each.
    :param average: quote currency per base unit, of what they filled; ``None`` = not known.
    :param closed_meanwhile: a trade was closed since the run began, by whatever order.
    """

    pair: str
    realized_pnl: float | None = None
    error: str | None = None
    missing: str | None = None
    filled: float | None = None
    average: float | None = None
    closed_meanwhile: bool = False


class PairState(StrEnum):
    """How a pair stands at the end of a run, as read from the exchange."""

    CLOSED = "closed"
    DUST = "dust"
    OPEN = "open"
    NOT_PROVEN = "not_proven"
    """Neither shown open nor shown closed."""

    @classmethod
    def _missing_(cls, value: object) -> "PairState | None":
        """Earlier releases wrote ``unverified``."""
        return cls.NOT_PROVEN if value == "unverified" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOutcome:
    """The outcome for one pair.

    :param amount: base currency, at the first look.
    :param residual_amount: base currency, what is left; ``None`` = could not be read.
    :param realized_pnl: stake currency; ``None`` = not known.
    :param protected: a stop stands on the exchange for what is left; ``None`` = nothing is left,
        or it could not be read.
    :param error: why it is not closed, in words a person can act on.
    """

    pair: str
    side: Side
    state: PairState
    amount: float
    residual_amount: float | None
    realized_pnl: float | None = None
    tracked: bool = True
    protected: bool | None = None
    error: str | None = None

    @property
    def is_closed(self) -> bool:
        """Shown closed: all of it, or all but dust. What was dust from the start was not."""
        if self.state is PairState.DUST:
            return (self.residual_amount or 0.0) < self.amount
        return self.state is PairState.CLOSED

    @property
    def is_left(self) -> bool:
        """Open, or not proven to be closed."""
        return self.state in (PairState.OPEN, PairState.NOT_PROVEN)

    def to_dict(self) -> dict[str, Any]:
        """As ``liquidation_runs.outcome`` shows it."""
        return {
            "pair": self.pair,
            "side": str(self.side),
            "state": str(self.state),
            "amount": self.amount,
            "residual_amount": self.residual_amount,
            "realized_pnl": self.realized_pnl,
            "tracked": self.tracked,
            "protected": self.protected,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Why a run happens, and for what.

    :param trigger: shutdown, stop, fatal_error, telegram, rest, cli or recovery.
    :param pairs: ``None`` = the whole book.
    :param open_before: what the run that this one repeats has left open, or not proven closed.
    :param skip_reason: set = somebody decided before us that nothing is to be closed.
    :param details: for the audit trail: signal, ``lifecycle_state``, …
    """

    trigger: str = "unknown"
    actor: str | None = None
    reason: str | None = None
    pairs: frozenset[str] | None = None
    open_before: tuple[Position, ...] = ()
    skip_reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def automatic(self) -> bool:
        """Nobody asked for it just now; the configuration decides."""
        return self.trigger in AUTOMATIC_TRIGGERS

    def includes(self, pair: str) -> bool:
        """Whether *pair* is in scope."""
        return self.pairs is None or pair in self.pairs

    def covers(self, other: "Request") -> bool:
        """Whether a run for this one closes all that *other* asks for."""
        if self.pairs is None:
            return True
        return other.pairs is not None and other.pairs <= self.pairs


AUTOMATIC_TRIGGERS: Final = frozenset({"shutdown", "stop", "fatal_error"})


def remainder(outcomes: Sequence[PairOutcome]) -> list[dict[str, Any]]:
    """What is left, by pair, for the final audit event and the last message."""
    return [o.to_dict() for o in outcomes if o.is_left]


def still_open(outcomes: Iterable[Mapping[str, Any]]) -> tuple[Position, ...]:
    """What a run has left open or not proven, for the one that repeats it.

    :param outcomes: as ``liquidation_runs.outcome`` has them.
    """
    return tuple(
        Position(
            pair=outcome["pair"],
            side=Side(outcome["side"]),
            amount=float(outcome["residual_amount"] or outcome["amount"]),
        )
        for outcome in outcomes
        if PairState(outcome["state"]) in (PairState.OPEN, PairState.NOT_PROVEN)
        and outcome["pair"] != UNLISTED
    )

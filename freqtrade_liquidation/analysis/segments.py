"""Trades of a backtest, cut at their fills: between two fills a trade holds one amount.

Amounts, averages and profits are reckoned as freqtrade does it
(``LocalTrade.recalc_trade_from_orders`` and ``calculate_profit``), order by order. Loops over
orders only; nothing here knows of candles.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from freqtrade.persistence import LocalTrade, Order
from freqtrade.util import FtPrecise

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CRUMB: Final = 1e-12
"""Relative to what was bought: below it the rest of an amount is rounding, not a position."""


@dataclass(slots=True)
class Holding:
    """What a trade holds after one of its fills, and how it came there.

    :param amount: base currency.
    :param average: quote currency, of what is held.
    :param funding: stake currency, booked with the orders since the last exit; negative = paid.
    :param realized: stake currency, of the exits so far.
    """

    amount: float = 0.0
    average: float = 0.0
    funding: float = 0.0
    realized: float = 0.0

    def fill(self, trade: LocalTrade, order: Order) -> None:
        """Takes *order*'s fill in."""
        filled, price = float(order.safe_amount_after_fee), float(order.safe_price)
        self.funding += order.funding_fee or 0.0
        if order.ft_order_side == trade.entry_side:
            stake = self.amount * self.average + filled * price
            self.amount = float(FtPrecise(self.amount) + FtPrecise(filled))
            self.average = stake / self.amount
            return
        sign = -1.0 if trade.is_short else 1.0
        self.realized += (
            sign * filled * (price - self.average)
            - filled * self.average * (trade.fee_open or 0.0)
            - filled * price * (trade.fee_close or 0.0)
            + self.funding
        )
        self.amount = float(FtPrecise(self.amount) - FtPrecise(filled))
        self.funding = 0.0


@dataclass(frozen=True, slots=True)
class Segments:
    """One row for each stretch between two fills of a trade; columns of equal length.

    :param trade: index into the list of trades.
    :param pair: index into the list of pairs.
    :param sign: 1 long, -1 short.
    :param start_ns: the fill that begins it: the start of its candle, ns since 1970, UTC.
    :param end_ns: the fill that ends it.
    :param amount: base currency.
    :param average: quote currency.
    :param fee_open: ratio; what the entries cost.
    :param fee_close: ratio; what the close costs.
    :param funding: stake currency, since the last exit, up to *start_ns*.
    :param realized: stake currency, of the trade's exits before.
    :param going_on: stake currency, what the trade earns from here on if nothing stops it.
    """

    trade: Ints
    pair: Ints
    sign: Floats
    start_ns: Ints
    end_ns: Ints
    amount: Floats
    average: Floats
    fee_open: Floats
    fee_close: Floats
    funding: Floats
    realized: Floats
    going_on: Floats

    def __len__(self) -> int:
        return len(self.trade)

    def rows(self, which: npt.NDArray[Any]) -> "Segments":
        """Those that *which* (a mask or indices) chooses."""
        return Segments(*(getattr(self, column.name)[which] for column in fields(self)))


@dataclass(frozen=True, slots=True)
class Exits:
    """Profit that the strategy itself realised: when (ns since 1970), and how much."""

    at_ns: Ints
    profit: Floats


def cut(trades: Sequence[LocalTrade], pairs: Sequence[str]) -> tuple[Segments, Exits]:
    """*trades*, all closed, as segments; and the profit of each of their exits.

    :param pairs: those that may occur.
    """
    index = {pair: number for number, pair in enumerate(pairs)}
    rows: list[tuple[float, ...]] = []
    exits: list[tuple[int, float]] = []
    for number, trade in enumerate(trades):
        rows += _rows(number, trade, index[trade.pair], exits)
    return _segments(rows), _exits(exits)


def filled_orders(trade: LocalTrade) -> list[Order]:
    """Those that freqtrade reckons with, as it does."""
    return [order for order in trade.orders if not order.ft_is_open and order.filled]


def nanoseconds(moment: datetime) -> int:
    """Since 1970; freqtrade's naive dates are UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1_000_000_000 + aware.microsecond * 1000


def _rows(
    number: int, trade: LocalTrade, pair: int, exits: list[tuple[int, float]]
) -> Iterator[tuple[float, ...]]:
    held, sign = Holding(), -1.0 if trade.is_short else 1.0
    total = float(trade.close_profit_abs or 0.0)
    fee_open, fee_close = float(trade.fee_open or 0.0), float(trade.fee_close or 0.0)
    orders = filled_orders(trade)
    times = [_filled_at(order) for order in orders]
    for (order, at), (_, until) in pairwise([*zip(orders, times, strict=True), (None, None)]):
        assert order is not None, "only the last one is none"
        assert at is not None, "an order has its time"
        before, bought = held.realized, held.amount
        held.fill(trade, order)
        if held.realized != before:
            exits.append((at, held.realized - before))
        if until is None or until <= at or held.amount <= CRUMB * max(bought, held.amount):
            continue
        yield (
            number, pair, sign, at, until, held.amount, held.average, fee_open, fee_close,
            held.funding, held.realized, total - held.realized,
        )  # fmt: skip


def _filled_at(order: Order) -> int:
    at = order.order_filled_date or order.order_date
    return nanoseconds(at)


def _segments(rows: Iterable[tuple[float, ...]]) -> Segments:
    columns = list(zip(*rows, strict=True)) or [()] * len(fields(Segments))
    integers = {"trade", "pair", "start_ns", "end_ns"}
    values: dict[str, Any] = {
        field.name: np.array(column, dtype=np.int64 if field.name in integers else np.float64)
        for field, column in zip(fields(Segments), columns, strict=True)
    }
    return Segments(**values)


def _exits(exits: Sequence[tuple[int, float]]) -> Exits:
    return Exits(
        np.array([at for at, _ in exits], dtype=np.int64),
        np.array([profit for _, profit in exits], dtype=np.float64),
    )

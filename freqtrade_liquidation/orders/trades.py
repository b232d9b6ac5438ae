"""freqtrade's open trades, as plain values: read once, before the exchange is asked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from freqtrade.persistence import Order, Trade
from sqlalchemy import select

from freqtrade_liquidation.model import Side
from freqtrade_liquidation.threads import bounded

READ_WITHIN_S = 0.2
"""Longer, and the last loop's list must do (DESIGN 3.3)."""


DRY_RUN: Final = "dry_run_"
"""Source: freqtrade ``Exchange.create_dry_run_order``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOrder:
    """An order that freqtrade's database calls open.

    :param role_side: freqtrade's ``ft_order_side``: ``buy``, ``sell`` or ``stoploss``.
    :param amount: base currency, what it asks for.
    :param filled: base currency, as far as the database knows.
    :param stop_price: quote currency, of a stop; ``None`` = none is recorded.
    :param limit_price: quote currency, of a stop-limit order; ``None`` = it sells at market.
    """

    order_id: str
    role_side: str
    is_stop: bool
    amount: float = 0.0
    filled: float = 0.0
    stop_price: float | None = None
    limit_price: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTrade:
    """One of freqtrade's open trades.

    :param amount: base currency, fills that the database knows.
    :param fee_open: as a ratio, of the entry.
    :param order_ids: of all its orders, filled ones, too.
    :param highest_rate: quote currency, since it was opened, as far as freqtrade saw.
    :param is_dry_run: its orders were never sent: freqtrade names those ``dry_run_…``.
    """

    trade_id: int
    pair: str
    base_currency: str
    side: Side
    amount: float
    leverage: float
    open_rate: float
    fee_open: float
    opened_at: datetime
    last_fill_at: datetime
    open_orders: tuple[KnownOrder, ...]
    order_ids: frozenset[str] = frozenset()
    highest_rate: float = 0.0
    is_dry_run: bool = False


def open_trades() -> tuple[KnownTrade, ...]:
    """Every open trade. Uses (and gives back) the calling thread's session."""
    try:
        return tuple(known_trade(trade) for trade in Trade.get_open_trades())
    finally:
        Trade.session.remove()


def booked_ids(order_ids: Collection[str]) -> set[str]:
    """Those that are in freqtrade's table of orders, of open and of closed trades."""
    try:
        query = select(Order.order_id).where(Order.order_id.in_(order_ids))
        return set(Trade.session.scalars(query))
    finally:
        Trade.session.remove()


def open_trades_in_time(
    fallback: Sequence[KnownTrade],
) -> tuple[tuple[KnownTrade, ...], str | None]:
    """Every open trade, or *fallback* and why, if the database does not answer in time."""
    try:
        return bounded(open_trades, timeout_s=READ_WITHIN_S, name="trades"), None
    except Exception as error:  # noqa: BLE001 - whatever it is, the last list must do
        return tuple(fallback), f"{type(error).__name__}: {error}"


def known_trade(trade: Trade) -> KnownTrade:
    """*trade* as a plain value."""
    return KnownTrade(
        trade_id=trade.id,
        pair=trade.pair,
        base_currency=trade.safe_base_currency,
        side=Side.SHORT if trade.is_short else Side.LONG,
        amount=trade.amount,
        leverage=trade.leverage or 1.0,
        open_rate=trade.open_rate,
        fee_open=trade.fee_open or 0.0,
        opened_at=trade.open_date_utc,
        last_fill_at=trade.date_last_filled_utc,
        open_orders=tuple(
            KnownOrder(
                order_id=order.order_id,
                role_side=order.ft_order_side,
                is_stop=order.ft_order_side == "stoploss",
                amount=order.safe_amount or 0.0,
                filled=order.safe_filled or 0.0,
                stop_price=order.stop_price or None,
                limit_price=(order.price or None) if order.ft_order_side == "stoploss" else None,
            )
            for order in trade.orders
            if order.ft_is_open
        ),
        order_ids=frozenset(order.order_id for order in trade.orders),
        highest_rate=max(trade.open_rate, trade.max_rate or 0.0),
        is_dry_run=any(order.order_id.startswith(DRY_RUN) for order in trade.orders),
    )

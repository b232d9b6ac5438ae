"""freqtrade's open trades, as plain values: read once, before the exchange is asked.

A database may hold trades that this bot has never bought: those of a dry-run, of another exchange,
or of the other market (spot, futures). Each of them is read, and says why it is left alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from freqtrade.enums import TradingMode
from freqtrade.persistence import Order, Trade
from sqlalchemy import or_, select

from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, Side
from freqtrade_liquidation.orders.trade_rows import (
    EARLIEST,
    LONGEST_PAIR,
    OrderRow,
    moment,
    number,
    optional,
    order_row,
    read_rows,
    shown,
    text,
)
from freqtrade_liquidation.threads import bounded

Config = Mapping[str, Any]

UNREADABLE: Final = "its trade cannot be read"
CLOSE_BY_HAND: Final = (
    "Close by hand what the exchange still shows of it, and correct or delete the trade"
)
BY_FILLS: Final = "what its orders have bought and sold counts instead. Correct the trade"
HIGHEST_LEVERAGE: Final = 1000.0
ASSUMED_FEE: Final = 0.001
"""As a ratio, where the one that the trade has makes no sense."""

READ_WITHIN_S = 0.2
"""Longer, and the last loop's list must do (DESIGN 3.3)."""
DRY_RUN: Final = "dry_run_"
"""Source: freqtrade ``Exchange.create_dry_run_order``."""
DEMO: Final = "_demo"
"""A demo account is another account. Source: freqtrade ``Exchange.id``."""
SAME_EXCHANGE: Final = {
    "binanceusdm": "binance",
    "bybiteu": "bybit",
    "gateeu": "gate",
    "gateio": "gate",
    "huobi": "htx",
    "kucoineu": "kucoin",
    "kucoinfutures": "kucoin",
    "myokx": "okx",
    "okxus": "okx",
}
"""Other names of an exchange, by which the same account can be reached. Binance US is a company of
its own. Source: ccxt's classes, freqtrade's ``MAP_EXCHANGE_CHILDCLASS``."""


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

    def reduces(self, side: Side) -> bool:
        """Whether it closes (a part of) a trade of *side*."""
        return self.is_stop or self.role_side == side.exit_side


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTrade:
    """One of freqtrade's open trades.

    :param amount: base currency, fills that the database knows.
    :param fee_open: as a ratio, of the entry.
    :param order_ids: of all its orders, filled ones, too.
    :param highest_rate: quote currency, since it was opened, as far as freqtrade saw.
    :param net_fills: base currency that its orders at their end have bought less what they have
        sold, fees in coins taken off; ``None`` = the database has no order of it, or one that
        cannot be read.
    :param left_alone: why nothing is closed for it, in words; ``None`` = it is this bot's.
    :param is_unreadable: it is left alone because its row makes no sense: it may well be open.
    :param remark: what of its row was not believed, in words; ``None`` = nothing that matters.
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
    net_fills: float | None = None
    left_alone: str | None = None
    is_unreadable: bool = False
    remark: str | None = None

    @property
    def owned(self) -> float:
        """Base currency: no more than the trade says, and no more than its orders show. Without any
        order on record, nothing contradicts the trade."""
        return self.amount if self.net_fills is None else min(self.amount, max(0.0, self.net_fills))

    @property
    def is_overstated(self) -> bool:
        """It says that it has more than its orders have bought."""
        return self.amount * (1 - AMOUNT_TOLERANCE) > self.owned


def open_trades(config: Config) -> tuple[KnownTrade, ...]:
    """Every open trade, those that are left alone, too. Uses (and gives back) the calling thread's
    session.

    :param config: freqtrade's, of the running bot.
    """
    try:
        return tuple(known_trade(row, config) for row in read_rows(Trade.get_open_trades))
    finally:
        Trade.session.remove()


def ours(trades: Iterable[KnownTrade]) -> tuple[KnownTrade, ...]:
    """Those of *trades* that are this bot's."""
    return tuple(trade for trade in trades if trade.left_alone is None)


def of_pair(pair: str, trades: Iterable[KnownTrade]) -> list[KnownTrade]:
    """Those of *trades* that are this bot's, and of *pair*."""
    return [trade for trade in ours(trades) if trade.pair == pair]


def booked_ids(order_ids: Collection[str]) -> set[str]:
    """Those that are in freqtrade's table of orders, of open and of closed trades."""
    try:
        query = select(Order.order_id).where(Order.order_id.in_(order_ids))
        return set(Trade.session.scalars(query))
    finally:
        Trade.session.remove()


def booked_for(trade_id: int) -> set[str]:
    """The ids of the orders that the database has of a trade, whatever the calling thread has read
    of it before."""
    try:
        query = select(Order.order_id).where(Order.ft_trade_id == trade_id)
        return set(Trade.session.scalars(query))
    finally:
        Trade.session.remove()


def booked_amounts(order_ids: Collection[str]) -> dict[str, float]:
    """Base currency that trades, open and closed, have of orders, by the exchange's id of each: an
    order that several trades share has a row for each of them."""
    shares = (Order.order_id.startswith(f"{order_id}/", autoescape=True) for order_id in order_ids)
    query = select(Order.order_id, Order.filled).where(or_(Order.order_id.in_(order_ids), *shares))
    amounts: dict[str, float] = {}
    try:
        for row_id, filled in Trade.session.execute(query):
            order_id = row_id if row_id in order_ids else row_id.rpartition("/")[0]
            amounts[order_id] = sum_of(amounts.get(order_id, 0.0), number(filled) or 0.0)
        return amounts
    finally:
        Trade.session.remove()


def traded_pairs(config: Mapping[str, Any]) -> set[str]:
    """Pairs of the open trades that are this bot's."""
    return {trade.pair for trade in ours(open_trades(config))}


def open_trades_in_time(
    config: Config, fallback: Sequence[KnownTrade]
) -> tuple[tuple[KnownTrade, ...], str | None]:
    """Every open trade, or *fallback* and why, if the database does not answer in time."""
    try:
        return bounded(lambda: open_trades(config), timeout_s=READ_WITHIN_S, name="trades"), None
    except Exception as error:  # noqa: BLE001 - whatever it is, the last list must do
        return tuple(fallback), f"{type(error).__name__}: {error}"


def known_trade(trade: Trade, config: Config) -> KnownTrade:
    """*trade* as a plain value, for the bot of *config*. Raises nothing, whatever the row holds.

    :param trade: freqtrade's, or the bare values of its row.
    """
    live = [o for o in trade.orders if config["dry_run"] or not _is_dry_run(o)]
    rows = [order_row(order) for order in live]
    side = Side.SHORT if trade.is_short else Side.LONG
    net_fills = _net_fills(rows, side) if trade.orders else None
    pair, amount = text(trade.pair, LONGEST_PAIR), number(trade.amount)
    not_said = amount is None and net_fills is not None and net_fills >= 0
    open_rate = number(trade.open_rate) or _entry_price(rows, side)
    opened_at, last_fill_at = _dates(trade, rows)
    alone = _why_left_alone(trade, rows, config)
    unreadable = None
    if alone is None:
        odd = _what_is_odd(trade, rows, side, config, has_amount=amount is not None or not_said)
        unreadable = None if odd is None else f"{UNREADABLE}: {odd}. {CLOSE_BY_HAND}"
    ids = (text(order.order_id) for order in trade.orders)
    return KnownTrade(
        trade_id=trade.id,
        pair=pair or shown(trade.pair),
        base_currency=text(trade.base_currency, LONGEST_PAIR) or (pair or "").partition("/")[0],
        side=side,
        amount=(net_fills if not_said else amount) or 0.0,
        leverage=number(trade.leverage, most=HIGHEST_LEVERAGE) or 1.0,
        open_rate=open_rate,
        fee_open=ASSUMED_FEE if (fee := optional(trade.fee_open, 0.0, most=1.0)) is None else fee,
        opened_at=opened_at,
        last_fill_at=last_fill_at,
        open_orders=tuple(_known_order(row) for row in rows if row.is_open and row.is_usable),
        order_ids=frozenset(order_id for order_id in ids if order_id is not None),
        highest_rate=max(open_rate, number(trade.max_rate) or 0.0),
        net_fills=net_fills,
        left_alone=alone or unreadable,
        is_unreadable=unreadable is not None,
        remark=f"its trade's amount is {shown(trade.amount)}: {BY_FILLS}" if not_said else None,
    )


def _known_order(order: OrderRow) -> KnownOrder:
    is_stop = order.side == "stoploss"
    return KnownOrder(
        order_id=order.order_id or "",
        role_side=order.side or "",
        is_stop=is_stop,
        amount=order.amount or 0.0,
        filled=order.filled or 0.0,
        stop_price=order.stop_price,
        limit_price=order.price if is_stop else None,
    )


def _dates(trade: Trade, rows: Sequence[OrderRow]) -> tuple[datetime, datetime]:
    """When it was opened, and when an order of it last filled. What is opened at a time that cannot
    be read was opened early, and filled just now: neither lets an order go unseen."""
    placed = (row.placed_at for row in rows if row.placed_at is not None)
    opened_at = moment(trade.open_date) or min(placed, default=EARLIEST)
    filled = [row for row in rows if row.filled]
    if any(row.has_odd_date for row in filled):
        return opened_at, datetime.now(UTC)
    dates = (row.filled_at for row in filled if row.filled_at is not None)
    return opened_at, max([opened_at, *dates])


def _is_dry_run(order: Order) -> bool:
    return isinstance(order.order_id, str) and order.order_id.startswith(DRY_RUN)


def _net_fills(orders: Sequence[OrderRow], side: Side) -> float | None:
    """As freqtrade computes ``Trade.amount``, before it rounds; ``None`` = one of them cannot be
    read.

    Source: freqtrade ``LocalTrade.recalc_trade_from_orders``.
    """
    parts: list[float] = []
    for order in orders:
        if order.is_open or (order.side is None and order.net == 0):
            continue
        if order.net is None or order.side is None:
            return None
        parts.append(order.net if order.side == _entry_side(side) else -order.net)
    return sum_of(*parts)


def _entry_side(side: Side) -> str:
    return "sell" if side is Side.SHORT else "buy"


def _entry_price(orders: Sequence[OrderRow], side: Side) -> float:
    prices = (order.price for order in orders if order.side == _entry_side(side))
    return next((price for price in prices if price), 0.0)


def _what_is_odd(
    trade: Trade, rows: Sequence[OrderRow], side: Side, config: Config, *, has_amount: bool
) -> str | None:
    """Why nothing can be closed for a trade of this bot's, in words; ``None`` = it can."""
    sides = {row.side for row in rows} & {"buy", "sell"}
    is_spot = _mode_of(config) == TradingMode.SPOT
    faults = {
        f"its pair is {shown(trade.pair)}": text(trade.pair, LONGEST_PAIR) is None,
        "it is short, on spot": is_spot and side is Side.SHORT,
        f"it is {side}, and its orders are not": bool(sides) and _entry_side(side) not in sides,
        f"its amount is {shown(trade.amount)}, and its orders do not tell it": not has_amount,
        "an open order of it has no id or no side": any(
            row.is_open and not row.is_usable for row in rows
        ),
    }
    return next((words for words, holds in faults.items() if holds), None)


def _why_left_alone(trade: Trade, rows: Sequence[OrderRow], config: Config) -> str | None:
    """Why it is not this bot's. What cannot be read says nothing of that."""
    if trade.orders and not rows:
        return "its trade is of a dry-run, and nothing of it was ever bought: left alone"
    here = _exchange_of(config)
    is_told = trade.exchange in (None, "") or text(trade.exchange) is not None
    if is_told and _known_as(trade.exchange) != _known_as(here):
        there = shown(trade.exchange)
        return f"its trade is of {there}, and this bot trades on {here}: left alone"
    mode, trades_on = _mode_of(config), _trading_mode(trade.trading_mode)
    if trades_on is not None and trades_on != mode:
        return f"its trade is of {trades_on}, and this bot trades {mode}: left alone"
    return None


def _mode_of(config: Config) -> TradingMode:
    return TradingMode(config.get("trading_mode") or TradingMode.SPOT)


def _trading_mode(value: object) -> TradingMode | None:
    """``None`` = it makes no sense. Bare rows have the name of the mode."""
    if value is None:
        return TradingMode.SPOT
    return next((mode for mode in TradingMode if value in (mode, mode.name)), None)


def _exchange_of(config: Config) -> str:
    """As freqtrade writes it into its trades."""
    exchange = config["exchange"]
    return f"{exchange['name'].lower()}{DEMO if exchange.get('demo_trading') else ''}"


def _known_as(exchange: str | None) -> str:
    name = (exchange or "").lower()
    plain = name.removesuffix(DEMO)
    return SAME_EXCHANGE.get(plain, plain) + name[len(plain) :]

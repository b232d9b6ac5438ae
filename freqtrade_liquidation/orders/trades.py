"""freqtrade's open trades, as plain values: read once, before the exchange is asked.

A database may hold trades that this bot has never bought: those of a dry-run, of another exchange,
or of the other market (spot, futures). Each of them is read, and says why it is left alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from freqtrade.enums import TradingMode
from freqtrade.persistence import Order, Trade
from sqlalchemy import or_, select

from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, Side
from freqtrade_liquidation.orders.amounts import total
from freqtrade_liquidation.threads import bounded

Config = Mapping[str, Any]

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
        sold, fees in coins taken off; ``None`` = the database has no order of it.
    :param left_alone: why it is not this bot's, in words; ``None`` = it is.
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
        return tuple(known_trade(trade, config) for trade in Trade.get_open_trades())
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
            amounts[order_id] = sum_of(amounts.get(order_id, 0.0), filled or 0.0)
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
    """*trade* as a plain value, for the bot of *config*."""
    orders = [order for order in trade.orders if config["dry_run"] or not _is_dry_run(order)]
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
        last_fill_at=_last_fill_at(trade),
        open_orders=tuple(_known_order(order) for order in orders if order.ft_is_open),
        order_ids=frozenset(order.order_id for order in trade.orders),
        highest_rate=max(trade.open_rate, trade.max_rate or 0.0),
        net_fills=_net_fills(trade, orders),
        left_alone=_why_left_alone(trade, orders, config),
    )


def _known_order(order: Order) -> KnownOrder:
    is_stop = order.ft_order_side == "stoploss"
    return KnownOrder(
        order_id=order.order_id,
        role_side=order.ft_order_side,
        is_stop=is_stop,
        amount=order.safe_amount or 0.0,
        filled=order.safe_filled or 0.0,
        stop_price=order.stop_price or None,
        limit_price=(order.price or None) if is_stop else None,
    )


def _last_fill_at(trade: Trade) -> datetime:
    """freqtrade's ``date_last_filled_utc`` fails where a filled order has no date."""
    dates = [order.order_filled_utc for order in trade.orders if order.safe_filled]
    opened_at: datetime = trade.open_date_utc
    return max([opened_at, *(date for date in dates if date is not None)])


def _is_dry_run(order: Order) -> bool:
    return order.order_id.startswith(DRY_RUN)


def _net_fills(trade: Trade, orders: Sequence[Order]) -> float | None:
    """As freqtrade computes ``Trade.amount``, before it rounds.

    Source: freqtrade ``LocalTrade.recalc_trade_from_orders``.
    """
    if not trade.orders:
        return None
    ended = [order for order in orders if not order.ft_is_open]
    return total(
        _filled(order) * (1 if order.ft_order_side == trade.entry_side else -1) for order in ended
    )


def _filled(order: Order) -> float:
    """Less its fee in coins. Older releases of freqtrade left the fill of a whole order out."""
    told = order.filled is not None or order.status != "closed"
    return (order.safe_filled if told else order.safe_amount) - order.safe_fee_base


def _why_left_alone(trade: Trade, orders: Sequence[Order], config: Config) -> str | None:
    if trade.orders and not orders:
        return "its trade is of a dry-run, and nothing of it was ever bought: left alone"
    here = _exchange_of(config)
    if _known_as(trade.exchange) != _known_as(here):
        return f"its trade is of {trade.exchange}, and this bot trades on {here}: left alone"
    mode = TradingMode(config.get("trading_mode") or TradingMode.SPOT)
    if (trade.trading_mode or TradingMode.SPOT) != mode:
        return f"its trade is of {trade.trading_mode}, and this bot trades {mode}: left alone"
    return None


def _exchange_of(config: Config) -> str:
    """As freqtrade writes it into its trades."""
    exchange = config["exchange"]
    return f"{exchange['name'].lower()}{DEMO if exchange.get('demo_trading') else ''}"


def _known_as(exchange: str | None) -> str:
    name = (exchange or "").lower()
    plain = name.removesuffix(DEMO)
    return SAME_EXCHANGE.get(plain, plain) + name[len(plain) :]

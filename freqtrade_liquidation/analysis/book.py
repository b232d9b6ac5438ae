"""The book at one moment, trade by trade, with freqtrade's own records."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from freqtrade.exchange import Exchange
from freqtrade.persistence import LocalTrade, Order

from freqtrade_liquidation.analysis.closing import close_at
from freqtrade_liquidation.analysis.market import Market
from freqtrade_liquidation.analysis.segments import Segments, filled_orders, nanoseconds
from freqtrade_liquidation.analysis.slippage import Slippage
from freqtrade_liquidation.model import OpenOrder, OrderRole, Side

if TYPE_CHECKING:
    from pandas import DataFrame

OUR_REASON = "emergency_liquidation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One open trade at a moment, and what closing it comes to; stake currency.

    :param amount: base currency.
    :param average: quote currency, of the entries.
    :param price: quote currency, the open that it closes at.
    :param fill_price: quote currency, after slippage.
    :param going_on: what the trade earns from here on if nothing stops it.
    """

    pair: str
    side: Side
    trade: LocalTrade
    leverage: float
    amount: float
    average: float
    price: float
    fill_price: float
    exposure: float
    fee: float
    slippage: float
    funding: float
    profit: float
    going_on: float
    realized_before: float

    @property
    def cost(self) -> float:
        """What the stop costs; negative = it saves."""
        return self.going_on - self.profit


def lines_at(
    moment: int,
    trades: Sequence[LocalTrade],
    segments: Segments,
    market: Market,
    slippage: Slippage,
) -> list[Line]:
    """What is open at one moment, by pair."""
    return [
        line
        for pair in range(len(market.pairs))
        for line in _of_pair(
            moment, pair, trades, segments.rows(segments.pair == pair), market, slippage
        )
    ]


def _of_pair(
    moment: int,
    pair: int,
    trades: Sequence[LocalTrade],
    segments: Segments,
    market: Market,
    slippage: Slippage,
) -> list[Line]:
    cells = close_at(segments, market, pair, moment, slippage)
    found = []
    for cell, segment in enumerate(cells.segment):
        trade = trades[int(segments.trade[segment])]
        found.append(
            Line(
                pair=market.pairs[pair],
                side=Side.SHORT if trade.is_short else Side.LONG,
                trade=trade,
                leverage=float(trade.leverage or 1.0),
                amount=float(segments.amount[segment]),
                average=float(segments.average[segment]),
                price=float(cells.price[cell]),
                fill_price=float(cells.fill_price[cell]),
                exposure=float(cells.exposure[cell]),
                fee=float(cells.fee[cell]),
                slippage=float(cells.slippage[cell]),
                funding=float(cells.funding[cell]),
                profit=float(cells.profit[cell]),
                going_on=float(cells.going_on[cell]),
                realized_before=float(segments.realized[segment]),
            )
        )
    return found


def resting_orders(
    trades: Sequence[LocalTrade], at: datetime, lines: Sequence[Line], *, stops_on_exchange: bool
) -> list[OpenOrder]:
    """What rests on the exchange at a moment: the strategy's limit orders, as far as they filled
    later (freqtrade's backtest forgets the others), and the stops of what is open.

    A stop's price is that of the trade's first one: freqtrade keeps no history of it.
    """
    moment = nanoseconds(at)
    orders = [
        _resting(trade, order)
        for trade in trades
        for order in filled_orders(trade)
        if order.order_filled_date is not None
        and nanoseconds(order.order_date) < moment <= nanoseconds(order.order_filled_date)
    ]
    return orders + [_stop(line) for line in lines if stops_on_exchange]


def book_close(
    line: Line,
    at: datetime,
    rate: float,
    *,
    exchange: Exchange,
    funding: Mapping[str, "DataFrame"],
) -> float:
    """Books a close with freqtrade's own ``LocalTrade``, on a copy of the trade as it was.

    :param at: what was filled in candles before it counts.
    :returns: the profit of the whole trade, earlier exits included, as freqtrade's database would
        show it.
    """
    trade = _as_it_was(line.trade, at)
    if line.pair in funding:
        since = trade.date_last_filled_utc
        trade.set_funding_fees(
            exchange.calculate_funding_fees(
                funding[line.pair], trade.amount, bool(trade.is_short), since, at
            )
        )
    order = Order(
        ft_is_open=True, ft_pair=line.pair, order_id="close", ft_order_side=trade.exit_side,
        side=trade.exit_side, order_type="market", status="open", price=rate, average=rate,
        amount=trade.amount, ft_amount=trade.amount, ft_price=rate, filled=0.0, order_date=at,
    )  # fmt: skip
    order._trade_bt = trade
    trade.orders.append(order)
    order.close_bt_order(at, trade)
    trade.close_date, trade.exit_reason = at, OUR_REASON
    trade.close(rate, show_msg=False)
    return float(trade.close_profit_abs or 0.0)


def _as_it_was(trade: LocalTrade, at: datetime) -> LocalTrade:
    was = copy.copy(trade)
    moment = nanoseconds(at)
    was.orders = [
        order
        for order in filled_orders(trade)
        if nanoseconds(order.order_filled_date or order.order_date) < moment
    ]
    was.is_open, was.close_date, was.close_rate, was.exit_reason = True, None, None, None
    was.realized_profit, was.close_profit, was.close_profit_abs = 0.0, None, None
    was.funding_fee_running = 0.0
    was.recalc_trade_from_orders()
    return was


def _resting(trade: LocalTrade, order: Order) -> OpenOrder:
    entry = order.ft_order_side == trade.entry_side
    return OpenOrder(
        pair=trade.pair,
        order_id=str(order.order_id),
        role=OrderRole.ENTRY if entry else OrderRole.EXIT,
        side=str(order.side),
        amount=float(order.safe_amount),
        trade_id=trade.id,
    )


def _stop(line: Line) -> OpenOrder:
    return OpenOrder(
        pair=line.pair,
        order_id=f"stop-{line.trade.id}",
        role=OrderRole.PROTECTIVE,
        side=line.side.exit_side,
        amount=line.amount,
        conditional=True,
        stop_price=line.trade.initial_stop_loss,
        trade_id=line.trade.id,
    )

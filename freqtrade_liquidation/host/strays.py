"""Orders of the bot that its database never heard of: their answers were lost.

freqtrade gives up on an order request that is not answered, and the exchange may have executed it.
Then the trade says another amount than what the run closed, and its profit would be wrong.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.orders.executions import Close
from freqtrade_liquidation.orders.trades import KnownTrade

SAME_RATIO: Final = 1e-6
"""Amounts closer than this are one amount, added up in another order."""
EARLIER: Final = timedelta(seconds=10)
"""freqtrade dates a trade when its first entry is answered. Source: ``handle_onexchange_order``."""

Raw = dict[str, Any]


def unexplained(trade: KnownTrade, states: Iterable[Raw | None], closes: Iterable[Close]) -> float:
    """Base currency: what the closing orders sold beyond what *trade* had; negative = less.

    :param states: ccxt orders, of what the database calls open.
    :param closes: of its pair, not booked yet.
    """
    held = trade.amount + sum(_signed(state, trade) for state in states if state is not None)
    sold = sum(close.filled for close in closes)
    return 0.0 if abs(sold - held) <= SAME_RATIO * max(sold, held) else sold - held


async def find_strays(
    wire: ExchangeClient,
    trade: KnownTrade,
    beyond: float,
    ours: Collection[str],
    *,
    timeout_s: float,
) -> Sequence[Raw]:
    """Orders of *trade*'s pair that it does not know, oldest first, if they explain *beyond*.

    On futures only: there the account is the bot's alone.

    :param beyond: see :func:`unexplained`.
    :param ours: client order ids of the closing orders.
    :raises LiquidationError: if the exchange does not answer.
    """
    since = trade.opened_at - EARLIER

    def ask(exchange: Exchange) -> Any:
        return exchange.fetch_orders(trade.pair, since)

    orders = await wire.read(ask, timeout_s=timeout_s)
    known = [order["timestamp"] for order in orders if order["id"] in trade.order_ids]
    strays = [
        dict(order)
        for order in orders
        if order["id"] not in trade.order_ids
        and order.get("clientOrderId") not in ours
        and order.get("filled")
        and known
        and order["timestamp"] >= min(known)  # before its first, they are another trade's
    ]
    explained = sum(_signed(order, trade) for order in strays)
    largest = max(abs(explained), abs(beyond), trade.amount)
    return strays if abs(explained - beyond) <= SAME_RATIO * largest else []


def _signed(order: Raw, trade: KnownTrade) -> float:
    filled = float(order.get("filled") or 0.0)
    return -filled if order.get("side") == trade.side.exit_side else filled

"""The order manager that fits a market and a mode."""

from collections.abc import Sequence
from typing import Any

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.orders.dry_run import DryRunOrders
from freqtrade_liquidation.orders.futures import FuturesOrders
from freqtrade_liquidation.orders.spot import SpotOrders
from freqtrade_liquidation.orders.trades import KnownTrade

OrderManager = FuturesOrders | SpotOrders | DryRunOrders


def order_manager_for(
    exchange: Exchange,
    client: ExchangeClient,
    trades: Sequence[KnownTrade],
    *,
    account_scope: bool = True,
    **options: Any,
) -> OrderManager:
    """The order manager for *exchange*'s market and mode.

    :param account_scope: futures: the whole account; spot is always the bot's trades.
    :param options: see :class:`~freqtrade_liquidation.orders.base.OrderManagerBase`.
    """
    if exchange._config["dry_run"]:
        return DryRunOrders(exchange, client, trades, **options)
    if exchange.trading_mode == TradingMode.FUTURES:
        return FuturesOrders(exchange, client, trades, account_scope=account_scope, **options)
    return SpotOrders(exchange, client, trades, **options)

"""freqtrade's real exchange object on a practice exchange."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.exchange import Exchange
from freqtrade.resolvers import ExchangeResolver

from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.model import Side
from freqtrade_liquidation.orders.choosing import OrderManager, order_manager_for
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
SPOT = "BTC/USDT"


@contextmanager
def wrapper_on(practice: PracticeExchange, folder: Path, *, futures: bool) -> Iterator[Exchange]:
    """freqtrade's exchange in live mode, closed at the end."""
    pairs = [BTC, ETH] if futures else [SPOT]
    file = folder / "config.json"
    file.write_text(json.dumps(practice.freqtrade_config(futures=futures, pairs=pairs)))
    args = {"config": [str(file)], "user_data_dir": str(folder)}
    config = Configuration(args, RunMode.LIVE).get_config()
    exchange = ExchangeResolver.load_exchange(config, validate=True, load_leverage_tiers=True)
    yield exchange
    exchange.close()


def trade(pair: str, amount: float, *orders: KnownOrder, **values: Any) -> KnownTrade:
    """A trade as freqtrade's database knows it."""
    now = datetime.now(UTC)
    known: dict[str, Any] = {
        "trade_id": 1, "pair": pair, "base_currency": pair.split("/")[0], "side": Side.LONG,
        "amount": amount, "leverage": 1.0, "open_rate": 65_000.0, "fee_open": 0.001,
        "opened_at": now, "last_fill_at": now, "open_orders": orders,
    }  # fmt: skip
    return KnownTrade(**(known | values))


def known_order(order_id: str, side: str) -> KnownOrder:
    """An order that the database calls open; *side* is buy, sell or stoploss."""
    return KnownOrder(order_id=order_id, role_side=side, is_stop=side == "stoploss")


def on(
    exchange: Exchange,
    work: Callable[[OrderManager], Awaitable[Any]],
    *trades: KnownTrade,
    **options: Any,
) -> Any:
    """What *work* gets from a venue of its own."""

    async def main() -> Any:
        wire = ExchangeClient(exchange)
        try:
            return await work(
                order_manager_for(exchange, wire, trades, gate=EntryGate(), **options)
            )
        finally:
            wire.close()

    return asyncio.run(main())

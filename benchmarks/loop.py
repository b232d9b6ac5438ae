"""What a simple script would do: the same verbs of the same order manager, one after another.

    python -m benchmarks.loop CONFIG USER_DATA

Loads freqtrade's exchange, waits for SIGTERM, then closes the book and ends.
"""

import asyncio
import logging
import signal
import sys
import uuid
from pathlib import Path

from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.resolvers import ExchangeResolver

from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.model import ClosingOrder
from freqtrade_liquidation.orders.choosing import OrderManager, order_manager_for
from freqtrade_liquidation.orders.entry_gate import EntryGate

READY = "ready"
TIMEOUT_S = 2.0


async def close_one_by_one(venue: OrderManager) -> None:
    """Looks, closes each position and cancels its stop, looks again."""
    positions = await venue.get_all_positions(timeout_s=TIMEOUT_S)
    orders = await venue.get_open_orders(timeout_s=TIMEOUT_S)
    for position in positions:
        for amount in venue.amount_pieces(position):
            order = ClosingOrder(
                pair=position.pair,
                side=position.side,
                amount=amount,
                client_order_id=f"ftl{uuid.uuid4().hex[:15]}",
            )
            await venue.execute_market_close(order, timeout_s=TIMEOUT_S)
        stops = [order for order in orders if order.pair == position.pair]
        await venue.cancel_all_orders(position.pair, stops, timeout_s=TIMEOUT_S)
    await venue.get_all_positions(timeout_s=TIMEOUT_S)


def main(config_file: str, user_data: str) -> None:
    """See the module."""
    arguments = {"config": [config_file], "user_data_dir": user_data}
    config = Configuration(arguments, RunMode.LIVE).get_config()
    exchange = ExchangeResolver.load_exchange(config, validate=True, load_leverage_tiers=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    Path(user_data, READY).touch()
    signal.sigwait({signal.SIGTERM})

    async def run() -> None:
        wire = ExchangeClient(exchange)
        try:
            await close_one_by_one(order_manager_for(exchange, wire, (), gate=EntryGate()))
        finally:
            wire.close()

    asyncio.run(run())
    exchange.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    main(*sys.argv[1:])

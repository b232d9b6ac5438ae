"""What the lists of positions and orders mean for the run."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import ccxt
from freqtrade.enums import TradingMode

from freqtrade_liquidation.model import CancelStatus, OrderRole, Side
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.futures import FuturesOrders
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade
from freqtrade_liquidation.plan import Book, in_scope

BTC = "BTC/USDT:USDT"
CONFIG = {"stake_currency": "USDT", "dry_run": False, "db_url": "sqlite://"}


class Lists:
    """Answers every question with the same orders."""

    def __init__(self, *orders: dict[str, Any]) -> None:
        self.orders = orders

    async def read(self, call: Callable[[Any], Any], *, timeout_s: float) -> Any:
        return list(self.orders)


def trade_with_entry(order_id: str) -> KnownTrade:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return KnownTrade(
        trade_id=1, pair=BTC, base_currency="BTC", side=Side.LONG, amount=1.0, leverage=1.0,
        open_rate=1.0, fee_open=0.0, opened_at=moment, last_fill_at=moment,
        open_orders=(KnownOrder(order_id=order_id, role_side="buy", is_stop=False),),
    )  # fmt: skip


def test_list_of_positions_that_was_cut_off_never_looks_flat() -> None:
    """What the exchange did not show counts as open, and a person is told."""
    exchange: Any = SimpleNamespace(
        _api=ccxt.gate(), get_option=lambda name: False, markets={}, _config=CONFIG,
        _contracts_to_amount=lambda pair, contracts: contracts, trading_mode=TradingMode.FUTURES,
    )  # fmt: skip
    wire: Any = Lists(
        *({"symbol": BTC, "side": "long", "contracts": 0.0, "id": i} for i in range(100))
    )
    venue = FuturesOrders(exchange, wire, (), gate=EntryGate())
    [position] = asyncio.run(venue.get_all_positions(timeout_s=1.0))
    assert position.obstacle is not None
    assert not position.is_dust
    *listed, unlisted = asyncio.run(venue.get_open_orders(timeout_s=1.0))
    assert len({order.order_id for order in listed}) == 100, (
        "what is listed can be cancelled; then the rest is listed"
    )
    assert unlisted.role is OrderRole.ENTRY
    answers = asyncio.run(venue.cancel_all_orders(unlisted.pair, [unlisted], timeout_s=1.0))
    assert [(a.status, a.sendable) for a in answers] == [(CancelStatus.REFUSED, False)]
    book = Book(positions=(position,), orders=(unlisted,))
    assert in_scope(book, {BTC}) == book, "it may be of any pair"


def test_orders_in_other_markets_than_linear_swaps_are_left_alone() -> None:
    """As positions there: Hyperliquid lists all orders of the account, spot ones too."""
    exchange: Any = SimpleNamespace(
        _api=ccxt.hyperliquid(), get_option=lambda name: False, trading_mode=TradingMode.FUTURES,
        _config={**CONFIG, "stake_currency": "USDC"},
        markets={
            "BTC/USDC": {"swap": False}, BTC: {"swap": True, "linear": True, "settle": "USDT"},
        },
        _contracts_to_amount=lambda pair, contracts: contracts,
    )  # fmt: skip
    raw = {"side": "buy", "amount": 1.0, "remaining": 1.0}
    wire: Any = Lists({**raw, "id": "1", "symbol": "BTC/USDC"}, {**raw, "id": "2", "symbol": BTC})
    venue = FuturesOrders(exchange, wire, (), gate=EntryGate())
    assert {o.order_id for o in asyncio.run(venue.get_open_orders(timeout_s=1.0))} == {"2"}


def test_entry_that_freqtrades_loop_is_at_still_is_named_when_it_is_not_waited_for() -> None:
    """Older than what settles by itself: the loop asks for a price before it sends the order."""
    door, exits = EntryGate(), EntryGate()
    assert door.note(BTC, "buy") is not None
    exits.note_exit(BTC, "sell")

    class Busy:
        is_quiet = False

        async def lets_go(self, *, timeout_s: float) -> None:
            return None

    exchange: Any = SimpleNamespace(
        _api=ccxt.binance(), _config=CONFIG, trading_mode=TradingMode.FUTURES
    )
    nobody: Any = Lists()
    for gate, expected in ((door, {BTC}), (exits, set())):
        venue = FuturesOrders(exchange, nobody, (), gate=gate)
        venue._listed_at = venue._began
        venue._began -= 60
        venue.loop = Busy()
        assert venue.unsettled_pairs() == set()
        assert not asyncio.run(venue.host_lets_go(timeout_s=1.0))
        assert venue.unsettled_pairs() == expected
        assert set(venue.remarks()) == expected

"""Whatever fills when: what a run calls flat is flat."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from freqtrade_liquidation import LiquidationConfig, LiquidationManager
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.errors import ExchangeUnavailable, OutcomeUnknown
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import PairState, Request
from tests.simulation.exchange import SimulatedExchange, entry, position
from tests.simulation.virtual import run

PAIRS = [f"P{number}/USDT:USDT" for number in range(3)]
HELD = "HELD/USDT:USDT"
CANCELS = {"ok": None, "lost": OutcomeUnknown("lost"), "down": ExchangeUnavailable("503")}

fills_at_s = st.lists(st.integers(0, 60).map(lambda n: n / 40), min_size=1, max_size=3)
cancels = st.sampled_from(sorted(CANCELS))


@given(fills_at_s, cancels, cancels, st.booleans(), st.booleans())
def test_completed_is_flat_and_every_fill_is_told(
    fills: list[float], before: str, after: str, held: bool, may_cancel: bool
) -> None:
    """Entries fill at any moment of a run, their cancels answered, lost or never executed."""
    orders = [entry(pair) for pair in PAIRS[: len(fills)]]
    exchange = SimulatedExchange(
        positions={HELD: position(HELD)} if held else {},
        orders={order.order_id: order for order in orders},
        fault=lambda verb, pair: CANCELS[before] if verb == "cancel" else None,
        fault_after=lambda verb, pair: CANCELS[after] if verb == "cancel" else None,
    )
    filled: set[str] = set()

    def fill(order_id: str, pair: str) -> None:
        if order_id in exchange.orders:
            exchange.fill(order_id)
            filled.add(pair)

    async def go() -> LiquidationResult:
        for at_s, order in zip(fills, orders, strict=True):
            asyncio.get_running_loop().call_later(at_s, fill, order.order_id, order.pair)
        config = LiquidationConfig(max_retries=1, cancel_orders=may_cancel)
        manager = LiquidationManager(config, exchange, MemoryAuditLog())
        return await manager.execute_liquidation(request=Request(trigger="shutdown"))

    result = run(go())
    if result.success:
        assert exchange.positions == {}
        assert exchange.orders == {}
        assert {o.pair for o in result.outcomes} >= filled
    else:
        assert result.errors or any(o.state is PairState.OPEN for o in result.outcomes)

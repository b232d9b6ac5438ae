"""The formula for the time to flat against the live manager behind the live limiter."""

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from freqtrade_liquidation.analysis.pace import Pace
from freqtrade_liquidation.analysis.venue import BacktestVenue
from freqtrade_liquidation.analysis.virtual import run
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.manager import LiquidationManager
from freqtrade_liquidation.model import OpenOrder, OrderRole, Side

BOOKS = {
    "futures": {"futures": True},
    "spot": {"futures": False},
    "spot with stops": {"futures": False, "locked": True},
}
WINDOW_S = 1.1


class Whole:
    """A market without steps or limits."""

    def minimum(self, pair: str, *, price: float | None = None) -> float:
        return 0.0

    def maximum(self, pair: str) -> None:
        return None

    def pieces(self, position: Any) -> list[float]:
        return [position.amount]


def until_flat(count: int, pace: Pace) -> tuple[float, int]:
    """What the manager takes with *count* positions, each with its stop: seconds and requests."""
    lines: list[Any] = [
        SimpleNamespace(
            pair=f"P{n}/USDT", side=Side.LONG, amount=1.0, average=100.0, price=100.0,
            fill_price=99.0, exposure=100.0, trade=SimpleNamespace(id=n),
        )
        for n in range(count)
    ]  # fmt: skip
    stops = [
        OpenOrder(
            pair=line.pair, order_id=str(line.trade.id), role=OrderRole.PROTECTIVE, side="sell",
            amount=1.0, conditional=True, stop_price=90.0,
        )
        for line in lines
        if pace.futures or pace.locked
    ]  # fmt: skip

    async def main() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        flat: list[tuple[float, int]] = []

        def hear(event: AuditEvent) -> None:
            shown = event.event_type is AuditEventType.VERIFIED
            if shown and not event.additional_data["open_positions"]:
                flat.append((loop.time() - began, venue.requests))

        amounts: Any = Whole()
        venue = BacktestVenue(lines, stops, amounts, pace, book_close=lambda line: 1.0)
        manager = LiquidationManager(LiquidationConfig(timeout_seconds=60), venue, MemoryAuditLog())
        await manager.execute_liquidation("shutdown", listener=hear)
        return flat[0]

    return run(main())


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("rate_limit", [None, 4, 10, 20, 100])
@pytest.mark.parametrize("count", [1, 3, 10, 40])
def test_formula_agrees_with_the_manager(book: str, rate_limit: float | None, count: int) -> None:
    """Exactly without a limit; with one within a quarter, or one window of the limiter."""
    pace = Pace(rate_limit=rate_limit, **BOOKS[book])
    expected = float(pace.time_to_flat_s(np.array([count]))[0])
    found, _ = until_flat(count, pace)
    allowed = 1e-6 if rate_limit is None else max(0.25 * found, WINDOW_S)
    assert found == pytest.approx(expected, abs=allowed)


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("round_trip_ms", [10, 50, 75, 100, 300, 1000])
def test_without_a_limit_each_request_is_the_managers(book: str, round_trip_ms: float) -> None:
    """Whatever the round trip: the last look of spot with stops does not wait for the sells."""
    pace = Pace(round_trip_ms=round_trip_ms, **BOOKS[book])
    found, requests = until_flat(7, pace)
    assert found == pytest.approx(float(pace.time_to_flat_s(np.array([7]))[0]), abs=1e-6)
    assert requests == pace.requests(np.array([7]))[0]

"""What is told of a list that was never answered."""

import asyncio
from typing import Any, cast

from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import NotSent
from freqtrade_liquidation.plan import Rules
from freqtrade_liquidation.request_priority import CURRENT
from freqtrade_liquidation.run.book_reader import BookReader
from freqtrade_liquidation.run.request_runner import RequestRunner
from freqtrade_liquidation.trail import Trail

WAIT = "not sent: the exchange asked to wait 24.1 s"


class Silent:
    """Its lists are never answered: the exchange has asked to wait."""

    async def get_all_positions(self, *, timeout_s: float) -> Any:
        priority = CURRENT.get()
        assert priority is not None
        priority.failed(NotSent(WAIT))
        await asyncio.sleep(60)

    get_open_orders = get_all_positions


def test_list_that_is_never_answered_says_what_was_heard_last() -> None:
    """It said "no answer", though nothing had been asked."""

    async def read() -> list[tuple[str, str]]:
        trail = Trail(MemoryAuditLog(), correlation_id="liq_1", trigger="cli")
        runner = RequestRunner(Deadline.after(0.1), trail, reserved_s=lambda: 0.0)
        reader = BookReader(cast("Any", Silent()), trail, runner, Rules())
        reader.ask_positions()
        reader.ask_orders()
        await asyncio.sleep(0)
        during = reader.unread
        await asyncio.wait(reader.in_flight)
        reader.take_in()
        assert reader.unread == during
        return during

    assert asyncio.run(read()) == [("positions", WAIT), ("open orders", WAIT)]

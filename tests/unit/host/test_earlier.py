"""What earlier runs sold: looked up again, and given up only when it cannot arrive any more."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.errors import ExchangeRefused, ExchangeUnavailable
from freqtrade_liquidation.host.deeds import Close
from freqtrade_liquidation.host.earlier import earlier_closes
from freqtrade_liquidation.model import ClosingOrder, Side
from tests.integration.exchanges import SPOT, trade


class Exchange:
    """Audit trail and wire in one: nothing is recorded, *answer* is what the exchange says."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def unsettled(self, *_: Any) -> list[tuple[str, str]]:
        return []

    async def read(self, *_: Any, **__: Any) -> Any:
        if not isinstance(self.answer, Exception):
            return self.answer
        raise self.answer


def unknown_there() -> Exception:
    error = ExchangeRefused("Order does not exist.")
    error.__cause__ = ccxt.OrderNotFound("-2013")
    return error


@pytest.mark.parametrize(
    ("answer", "age_s", "kept", "final"),
    [
        # It never arrived, and cannot any more: the next repeat may sell.
        (unknown_there(), 61, False, None),
        (unknown_there(), 59, True, False),
        (ExchangeUnavailable("no answer"), 600, True, False),
        ({"id": "7", "status": "closed", "filled": 0.2, "average": 9.0}, 600, True, True),
    ],
)
def test_unanswered_sell_of_an_earlier_run_is_looked_up(
    answer: Any, age_s: float, kept: bool, final: bool | None
) -> None:
    order = ClosingOrder(pair=SPOT, side=Side.LONG, amount=0.2, client_order_id="ftl1")
    close = Close(order=order, sent_at=datetime.now(UTC) - timedelta(seconds=age_s))
    opened = trade(SPOT, 0.2, opened_at=datetime.now(UTC) - timedelta(hours=1))
    there: Any = Exchange(answer)
    found = asyncio.run(earlier_closes(there, there, [opened], known=[close]))
    assert found == ([close] if kept else [])
    assert [one.is_final for one in found] == ([] if final is None else [final])

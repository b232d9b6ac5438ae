"""What the exchange asked for outlives the run that was asked."""

import asyncio
import contextlib
from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.errors import ExchangeUnavailable, NotSent
from freqtrade_liquidation.exchange.line import HttpLine
from freqtrade_liquidation.exchange.waits import Waits, waits_of
from freqtrade_liquidation.plan import Urgency
from freqtrade_liquidation.request_priority import Priority, at
from tests.unit.host.bare_exchange import bare_exchange, client_of


def test_longer_wait_stays_and_ends_by_itself() -> None:
    now = 100.0
    waits = Waits(lambda: now)
    assert waits.left_s == 0.0
    waits.ask(30.0)
    waits.ask(5.0)
    assert waits.left_s == 30.0
    now = 131.0
    assert waits.left_s == 0.0


def exchange_with(**changes: Any) -> Any:
    """freqtrade's exchange with another key or address."""
    exchange = bare_exchange("binance")
    exchange._api.apiKey = changes.get("key", "waits")
    if "address" in changes:
        exchange._api.urls = {"api": {"public": changes["address"]}}
    return exchange


def test_same_account_has_one_memory_and_another_has_its_own() -> None:
    """A reload builds freqtrade's exchange anew."""
    known = waits_of(exchange_with())
    assert waits_of(exchange_with()) is known
    assert waits_of(exchange_with(key="another")) is not known
    assert waits_of(exchange_with(address="http://127.0.0.1:1")) is not known


def test_run_after_a_ban_sends_nothing() -> None:
    """The next run has a client of its own; before, it asked a banned exchange three times."""

    def banned(exchange: Any) -> None:
        exchange._api.on_rest_response(418, "", "u", "GET", {"Retry-After": "300"}, "", {}, None)
        raise ccxt.DDoSProtection("binance 418")

    sent: list[str] = []

    async def main() -> None:
        first = client_of("binance")
        with pytest.raises(ExchangeUnavailable) as asked:
            await first.attempt(banned, timeout_s=5.0, write=False)
        assert asked.value.retry_after_s == 300.0
        first.close()
        second = client_of("binance")
        with pytest.raises(ExchangeUnavailable, match="asked to wait"):
            await second.read(lambda _: sent.append("asked"), timeout_s=0.5)
        second.close()

    asyncio.run(main())
    assert sent == []


@pytest.mark.parametrize(
    ("urgency", "timeout_s", "goes"),
    [
        (Urgency.PUT_BACK, 5.0, True),
        (Urgency.PUT_BACK, 60.0, False),
        (Urgency.CLOSE, 5.0, False),
        (Urgency.LOOK, 5.0, False),
    ],
)
def test_stop_that_we_took_comes_back_where_the_wait_leaves_no_time_for_it(
    urgency: Urgency, timeout_s: float, goes: bool
) -> None:
    """A single 429 to a list left every pair of a spot book without its stop."""
    exchange = exchange_with(key=f"put back {urgency} {timeout_s}")
    waits_of(exchange).ask(30.0)
    sent: list[str] = []

    async def main() -> None:
        line = HttpLine(exchange, connections=0)
        priority = Priority(urgency=urgency, exposure=0.0, wait_until=5.0)
        with contextlib.suppress(NotSent), at(priority):
            await line.send(lambda _: sent.append("sent"), timeout_s=timeout_s, write=True)
        line.close()

    asyncio.run(main())
    assert bool(sent) is goes

"""Single attempts through freqtrade's real exchange, over real HTTP."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from freqtrade_liquidation.errors import ClockSkewed, ExchangeUnavailable
from freqtrade_liquidation.exchange.client import ExchangeClient
from tests.integration.exchanges import wrapper_on


@pytest.fixture
def practice() -> Iterator[PracticeExchange]:
    with PracticeExchange(Settings(moving_ratio=0)) as running:
        yield running


@pytest.fixture
def wrapper(practice: PracticeExchange, tmp_path: Path) -> Iterator[Exchange]:
    with wrapper_on(practice, tmp_path, futures=True) as exchange:
        yield exchange


def test_copies_leave_freqtrades_loop_session_and_settings_alone(wrapper: Exchange) -> None:
    timeout, throttled = wrapper._api.timeout, wrapper._api.enableRateLimit

    async def ask() -> None:
        wire = ExchangeClient(wrapper)
        await asyncio.gather(
            *(wire.read(lambda ex: ex.get_balances(), timeout_s=5) for _ in range(5))
        )
        wire.close()

    asyncio.run(ask())
    gc.collect()  # the copies' destructors have run
    assert not wrapper.loop.is_closed()
    assert wrapper.get_balances()
    assert wrapper.loop.run_until_complete(wrapper._api_async.fetch_time())
    assert (wrapper._api.timeout, wrapper._api.enableRateLimit) == (timeout, throttled)


def skew(practice: PracticeExchange, times: int | None = None) -> None:
    practice.add_fault(
        "error", path="positionRisk|/account|balance", code=-1021, times=times,
        msg="Timestamp for this request is outside of the recvWindow.",
    )  # fmt: skip


def test_wrong_clock_is_synchronised_once(practice: PracticeExchange, wrapper: Exchange) -> None:
    skew(practice)
    practice.clear_log()

    async def ask() -> None:
        wire = ExchangeClient(wrapper)
        for _ in range(3):
            with pytest.raises(ClockSkewed):
                await wire.read(lambda ex: ex.fetch_positions(), timeout_s=5)
        wire.close()

    asyncio.run(ask())
    assert len(practice.requests("/fapi/v1/time")) == 1
    assert "timeDifference" in wrapper._api.options


def test_one_attempt_is_one_request_and_tells_how_long_to_wait(
    practice: PracticeExchange, wrapper: Exchange
) -> None:
    wrapper.fetch_positions()  # ccxt asks for more the first time
    practice.add_fault(
        "error", path="positionRisk", status=429, code=-1003, headers={"Retry-After": "7"}
    )
    practice.clear_log()

    async def ask() -> ExchangeUnavailable:
        wire = ExchangeClient(wrapper)
        with pytest.raises(ExchangeUnavailable) as caught:
            await wire.read(lambda ex: ex.fetch_positions(), timeout_s=5)
        wire.close()
        return caught.value

    assert asyncio.run(ask()).retry_after_s == 7.0
    assert len(practice.requests("positionRisk")) == 1


def test_a_limit_is_kept_without_a_single_429(
    practice: PracticeExchange, wrapper: Exchange
) -> None:
    """Three times as much as fits into a second; ccxt's own throttle is not what slows it down."""
    rate = 20
    practice.set_limits(None, requests_per_second=rate)
    wrapper._config["exchange"]["ccxt_config"]["rateLimit"] = 1000 / rate
    practice.clear_log()

    async def ask() -> None:
        wire = ExchangeClient(wrapper)
        questions = (
            wire.read(lambda ex: ex._api.fetch_time(), timeout_s=10) for _ in range(3 * rate)
        )
        await asyncio.gather(*questions)
        wire.close()

    asyncio.run(ask())
    arrived = sorted(request["arrived"] for request in practice.requests("/time"))
    assert {request["status"] for request in practice.requests()} == {200}
    assert len(arrived) == 3 * rate
    assert arrived[rate - 1] - arrived[0] < (rate - 1) / rate, "ccxt would send one by one"
    assert arrived[-1] - arrived[0] < 3, "within 25 % of requests ÷ limit, and some for the load"

"""One question for all who ask it at the same time."""

import asyncio
from typing import Any

import pytest

from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.exchange.single_flight import SharedFlight
from tests.simulation.virtual import run


class Question:
    """Takes 1 s (virtual); counts how often it was asked, and how often called off."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self.called_off = 0
        self._error = error

    async def ask(self, timeout_s: float) -> None:
        self.asked += 1
        try:
            await asyncio.sleep(1.0)
        except asyncio.CancelledError:
            self.called_off += 1
            raise
        if self._error is not None:
            raise self._error


def test_who_asks_together_shares_one_flight_and_who_asks_later_has_a_new_one() -> None:
    question = Question()
    flight = SharedFlight(question.ask)

    async def go() -> None:
        await asyncio.gather(flight.join(5), flight.join(5))
        assert question.asked == 1
        first = asyncio.ensure_future(flight.join(5))
        await asyncio.sleep(0.5)
        await flight.join(5)  # what has happened since, the one in flight may not tell
        await first

    run(go())
    assert question.asked == 3


def test_its_error_reaches_everybody_who_waits() -> None:
    question = Question(ExchangeUnavailable("503"))
    flight = SharedFlight(question.ask)

    async def go() -> list[Any]:
        joins = (flight.join(5), flight.join(5))
        return list(await asyncio.gather(*joins, return_exceptions=True))

    assert [type(error) for error in run(go())] == [ExchangeUnavailable] * 2
    assert question.asked == 1


def test_it_goes_on_for_who_still_waits_and_is_called_off_when_nobody_does() -> None:
    question = Question()
    flight = SharedFlight(question.ask)

    async def impatient() -> None:
        async with asyncio.timeout(0.5):
            await flight.join(5)

    async def go() -> None:
        patient = asyncio.ensure_future(flight.join(5))
        with pytest.raises(TimeoutError):
            await impatient()
        assert question.asked == 1
        await patient
        assert question.called_off == 0
        with pytest.raises(TimeoutError):
            await impatient()
        await flight.join(5)

    run(go())
    assert (question.asked, question.called_off) == (3, 1)

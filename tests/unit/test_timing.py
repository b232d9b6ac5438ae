"""Backoff and deadline."""

import asyncio
from random import Random

import pytest

from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.retry import Backoff
from tests.simulation.virtual import run


class Highest(Random):
    """Jitter at its upper end."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Lowest(Random):
    """Jitter at its lower end."""

    def uniform(self, a: float, b: float) -> float:
        return a


def backoff(random: Random, base_s: float = 0.5, max_retries: int = 3) -> Backoff:
    return Backoff(base_s=base_s, max_retries=max_retries, random=random)


def test_backoff_doubles_from_its_base() -> None:
    delays = [backoff(Highest()).delay_s(made) for made in (1, 2, 3, 4)]
    assert delays == [0.5, 1.0, 2.0, 4.0]


def test_backoff_jitter_takes_at_most_half() -> None:
    assert backoff(Lowest()).delay_s(3) == 1.0


def test_backoff_before_any_attempt_is_the_base() -> None:
    assert backoff(Highest()).delay_s(0) == 0.5


def test_backoff_of_zero_is_at_once() -> None:
    assert backoff(Random(1), base_s=0.0).delay_s(5) == 0.0


@pytest.mark.parametrize(("asked_s", "waited_s"), [(None, 0.5), (0.1, 0.5), (7.0, 7.0)])
def test_backoff_never_waits_less_than_the_exchange_asked(
    asked_s: float | None, waited_s: float
) -> None:
    assert backoff(Highest()).delay_s(1, retry_after_s=asked_s) == waited_s


@pytest.mark.parametrize("retries", [0, 3])
def test_backoff_allows_the_first_attempt_and_as_many_further_ones(retries: int) -> None:
    allowed = [made for made in range(20) if backoff(Random(1), max_retries=retries).allows(made)]
    assert allowed == list(range(retries + 1))


def test_deadline_is_absolute_and_never_restarts() -> None:
    async def main() -> list[float]:
        deadline = Deadline.after(5.0)
        left = [deadline.left_s]
        for _ in range(3):
            await asyncio.sleep(2.0)
            left.append(deadline.left_s)
        assert deadline.passed
        return left

    assert run(main()) == [5.0, 3.0, 1.0, 0.0]


def test_deadline_passes_at_its_moment_not_before() -> None:
    async def main() -> None:
        deadline = Deadline.after(1.0)
        await asyncio.sleep(0.75)
        early = deadline.passed
        await asyncio.sleep(0.25)
        assert (early, deadline.passed) == (False, True)
        assert deadline.left_s == 0.0

    run(main())

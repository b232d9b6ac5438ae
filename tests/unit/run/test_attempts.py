"""How often a pair may be tried again, as the answers to its orders come in."""

import asyncio
import random
from dataclasses import replace

from freqtrade_liquidation.errors import ExchangeRefused
from freqtrade_liquidation.model import Position, Side
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.run.attempts import Attempts
from freqtrade_liquidation.run.request_runner import now
from tests.simulation.virtual import run

BTC = "BTC/USDT:USDT"


def long(amount: float) -> Position:
    return Position(pair=BTC, side=Side.LONG, amount=amount)


def attempts_of_the_second_close_after_the_first_is_refused(*, second: float) -> int:
    async def go() -> int:
        attempts = Attempts(Backoff(max_retries=0, base_s=0.1, random=random.Random(1)))
        attempts.count_close(long(1.0))
        first_at = now()
        await asyncio.sleep(0.5)
        attempts.count_close(long(second))
        attempts.failed(BTC, "no", ExchangeRefused("no"), unseen=True, sent_at=first_at)
        return attempts.closes_of(BTC)

    return run(go())


def test_refused_order_that_was_sent_before_any_look_spends_no_attempt() -> None:
    assert attempts_of_the_second_close_after_the_first_is_refused(second=1.0) == 1


def test_refusal_of_an_order_for_more_than_is_left_gives_no_attempt_back() -> None:
    """The count has begun anew since: the refused order is not in it."""
    assert attempts_of_the_second_close_after_the_first_is_refused(second=0.8) == 1


def test_fill_begins_the_count_anew() -> None:
    """However much was thought to be open: the account held more than the bot knew."""

    async def go() -> bool:
        attempts = Attempts(Backoff(max_retries=0, base_s=0.1, random=random.Random(1)))
        attempts.count_close(long(0.9))
        attempts.succeeded(BTC)
        return attempts.may_close(long(1.1), listed_at=now())

    assert run(go())


def test_position_on_the_other_side_is_another_one() -> None:
    """A person has turned it while a rest of it was being closed."""

    async def go() -> bool:
        attempts = Attempts(Backoff(max_retries=0, base_s=0.1, random=random.Random(1)))
        attempts.count_close(replace(long(0.1), side=Side.SHORT))
        return attempts.may_close(long(0.9), listed_at=now())

    assert run(go())

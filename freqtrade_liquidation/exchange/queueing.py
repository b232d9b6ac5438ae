"""Waiting for one's turn where the exchange takes only so many requests."""

import asyncio
from typing import Final

from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.exchange.limiter import (
    CANCEL,
    ORDER,
    READ,
    REQUEST,
    WRITE,
    Limiter,
    Sent,
)
from freqtrade_liquidation.place import CURRENT, Place
from freqtrade_liquidation.plan import Urgency

NOBODY_SAID: Final = (int(Urgency.BOOK), 0.0)
"""The rank of requests outside of a run's verbs."""


async def take_turn(limiter: Limiter, timeout_s: float, *, write: bool) -> tuple[Sent, float]:
    """Waits until the exchange's limits allow one more request, at the place of the verb that runs.

    :param write: it could change something on the exchange.
    :returns: the request, counted, and how long it may take.
    :raises ExchangeUnavailable: if that is too late.
    """
    place, now = CURRENT.get(), asyncio.get_running_loop().time
    kinds = _kinds_of(place, write=write)
    if limiter.may_pass(kinds):
        return await limiter.turn(kinds, NOBODY_SAID), timeout_s
    until = now() + timeout_s if place is None else place.wait_until
    try:
        async with asyncio.timeout_at(until):
            if place is None:
                return await limiter.turn(kinds, NOBODY_SAID), max(0.0, until - now())
            with place.queued():
                return await limiter.turn(kinds, place.rank), place.attempt_s()
    except TimeoutError:
        raise ExchangeUnavailable("not sent: the exchange's limits leave no time") from None


def _kinds_of(place: Place | None, *, write: bool) -> frozenset[str]:
    """Under which limits a request of the verb at *place* counts. A cancel that a close waits for
    has the close's urgency and counts as an order, where it should count as a cancel."""
    if not write:
        return frozenset((REQUEST, READ))
    places_order = place is not None and place.urgency in (Urgency.PUT_BACK, Urgency.CLOSE)
    return frozenset((REQUEST, WRITE, ORDER if places_order else CANCEL))

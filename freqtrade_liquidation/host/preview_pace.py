"""How often a preview may ask the exchange: what it uses up, a run that begins then lacks.

A dashboard that polls previews took all that binance allows in a minute, and every request of the
run that followed was refused. So there is one look at a time, which everybody who asks meanwhile
shares, and looks have a pace of their own. Who asks more often is answered from the newest one, and
told how old it is. Two looks a minute are kept for those who have pressed *Close*.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from freqtrade.exchange import Exchange

from freqtrade_liquidation.errors import ExchangeUnavailable, LiquidationError
from freqtrade_liquidation.exchange.limiter import READ, REQUEST
from freqtrade_liquidation.exchange.limits import limits_of
from freqtrade_liquidation.exchange.rules.lists import requests_of_a_look

T = TypeVar("T")

MINUTE_S: Final = 60.0
MOST: Final = 8
"""In a minute: a look weighs about 90 on binance, which takes 2,400; a third of that is 8 looks."""
FOR_CONFIRMING: Final = 2
QUICK: Final = 3
"""So many may follow each other after :data:`SHARED_S`; the others keep :data:`APART_S`."""
SHARED_S: Final = 2.0
APART_S: Final = 10.0
WAITED_S: Final = 30.0
"""For a look that is under way."""


def looks_a_minute(exchange: Exchange) -> int:
    """A third of what *exchange* publishes, at most."""
    each = requests_of_a_look(exchange) + 1  # and the prices
    reads = (w for w in limits_of(exchange) if w.counts((REQUEST, READ)))
    thirds = (w.limit * MINUTE_S / w.span_s / 3 / each for w in reads)
    return max(FOR_CONFIRMING + 1, int(min([MOST, *thirds])))


class PreviewPace(Generic[T]):
    """Lives as long as the bot; asked from several threads.

    :param clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._begun: deque[float] = deque()
        self._newest: tuple[float, object, T | LiquidationError] | None = None

    def look(
        self, ask: Callable[[], T], *, most: int, about: object = None, confirms: bool = False
    ) -> tuple[T, float]:
        """What *ask* answers, or the newest look, and its age in seconds.

        :param most: looks in a minute.
        :param about: a look about anything else (before a run, say) is not shown.
        :param confirms: a look that began before is too old, as long as the pace allows.
        :raises LiquidationError: where the exchange did not answer.
        """
        called_at = self._clock()
        if not self._turn.acquire(timeout=WAITED_S):
            raise ExchangeUnavailable("another look at the exchange is still under way: try again")
        try:
            if self._may_ask(most, about, called_at if confirms else None):
                self._ask(ask, about)
            assert self._newest is not None, "a first look is always allowed"
            at, _, answer = self._newest
        finally:
            self._turn.release()
        age_s = self._clock() - at
        if isinstance(answer, LiquidationError):
            raise answer
        return answer, age_s

    def _may_ask(self, most: int, about: object, confirmed_at: float | None) -> bool:
        now = self._clock()
        while self._begun and self._begun[0] <= now - MINUTE_S:
            self._begun.popleft()
        if self._newest is None or self._newest[1] != about:
            return True
        at, used = self._newest[0], len(self._begun)
        if confirmed_at is not None:
            return at < confirmed_at and used < most
        if used >= most - FOR_CONFIRMING:
            return False
        return now - at >= (SHARED_S if used < QUICK else APART_S)

    def _ask(self, ask: Callable[[], T], about: object) -> None:
        at = self._clock()
        self._begun.append(at)
        try:
            self._newest = at, about, ask()
        except LiquidationError as error:
            self._newest = at, about, error

"""The line to the simulated exchange: latencies, lost answers, late executions."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from freqtrade_liquidation.errors import (
    AccountRefused,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    NothingToReduce,
    OutcomeUnknown,
)
from freqtrade_liquidation.model import OpenOrder, Position
from tests.simulation.journal import Fact, Journal, What
from tests.simulation.schedule import Fate, Fortune, Schedule, Verb

T = TypeVar("T")

EXECUTED_IN_TIME: Final = frozenset(
    {Fate.DONE, Fate.NO_FILL_TOLD, Fate.LOST_AFTER, Fate.HANGS_DONE}
)
EXECUTED_LATE: Final = frozenset({Fate.LATE, Fate.ACCEPTED})
NEVER_ANSWERED: Final = frozenset({Fate.HANGS, Fate.HANGS_DONE})
ANSWERED_WELL: Final = frozenset({Fate.DONE, Fate.NO_FILL_TOLD, Fate.ACCEPTED})


class Line:
    """Sends one request its way. What the caller does meanwhile changes nothing on the other end:
    an order whose answer nobody waits for any longer is executed all the same."""

    def __init__(self, schedule: Schedule, journal: Journal) -> None:
        self._schedule = schedule
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._sent: Counter[tuple[Verb, str]] = Counter()
        self._asked_to_wait_until = 0.0
        self.is_cut = False
        """Its process is dead: what is cancelled with it sends nothing any more."""

    def _fortune(self, verb: Verb, pair: str) -> Fortune:
        key = (verb, pair)
        number, self._sent[key] = self._sent[key], self._sent[key] + 1
        scripted = self._schedule.fortunes.get(key, ())
        if number < len(scripted):
            return scripted[number]
        return self._schedule.usual.get(verb, _USUAL)

    async def ask(
        self,
        verb: Verb,
        pair: str,
        do: Callable[[Fortune, Fact], T],
        *,
        timeout_s: float,
        payload: Any = None,
        amount: float = 0.0,
        order_id: str = "",
    ) -> T:
        """One attempt; *do* is what the exchange does when it gets there.

        :raises LiquidationError: as an order manager does.
        """
        if self.is_cut:
            raise asyncio.CancelledError
        self._wait_if_asked_to(verb, pair)
        fortune = self._fortune(verb, pair)
        request = self._journal.add(
            self._loop.time(),
            What.REQUEST,
            verb=verb,
            pair=pair,
            amount=amount,
            order_id=order_id,
            words=str(fortune.fate),
            before=timeout_s,
            payload=payload,
        )
        answer: asyncio.Future[T] = self._loop.create_future()
        self._set_off(fortune, request, do, answer)
        try:
            result = await answer
        except LiquidationError as error:
            if isinstance(error, ExchangeUnavailable) and error.retry_after_s is not None:
                self._asked_to_wait_until = self._loop.time() + error.retry_after_s
            self._note(What.RAISED, request, words=f"{type(error).__name__}: {error}", of=error)
            raise
        except asyncio.CancelledError:
            self._note(What.GIVEN_UP, request)
            raise
        self._note(What.ANSWERED, request, of=result)
        return result

    def _wait_if_asked_to(self, verb: Verb, pair: str) -> None:
        """As the real line does: nothing at all is sent until then."""
        if (wait_s := self._asked_to_wait_until - self._loop.time()) > 0:
            words = f"not sent: the exchange asked to wait {wait_s:.1f} s"
            error = ExchangeUnavailable(words, retry_after_s=wait_s)
            self._journal.add(
                self._loop.time(), What.NOT_SENT, verb=verb, pair=pair, words=words, payload=error
            )
            raise error

    def _set_off(
        self,
        fortune: Fortune,
        request: Fact,
        do: Callable[[Fortune, Fact], T],
        answer: "asyncio.Future[T]",
    ) -> None:
        fate, back_at = fortune.fate, fortune.out_s + fortune.back_s
        if fate in EXECUTED_IN_TIME:
            self._loop.call_later(fortune.out_s, self._arrive, fortune, request, do, answer)
        elif fate in EXECUTED_LATE:
            self._loop.call_later(fortune.late_s, self._arrive, fortune, request, do, None)
            told: object = _error(fortune, request) if fate is Fate.LATE else None
            self._loop.call_later(back_at, _tell, answer, told)
        elif fate not in NEVER_ANSWERED:
            self._loop.call_later(back_at, _tell, answer, _error(fortune, request))

    def _arrive(
        self,
        fortune: Fortune,
        request: Fact,
        do: Callable[[Fortune, Fact], T],
        answer: "asyncio.Future[T] | None",
    ) -> None:
        try:
            told: object = do(fortune, request)
        except LiquidationError as error:
            told = error
        if fortune.fate is Fate.LOST_AFTER:
            told = _error(fortune, request)
        if answer is not None and fortune.fate is not Fate.HANGS_DONE:
            self._loop.call_later(fortune.back_s, _tell, answer, told)

    def note_shown(self, request: Fact, positions: Sequence[Position], *, known_at: float) -> None:
        """What the run is told of the answer to *request*. *known_at*: when the bot's own orders
        were read with it (spot)."""
        fact = self._note(What.SHOWN, request, of=positions)
        fact.before, fact.after = request.after, known_at

    def note_listed(self, orders: Sequence[OpenOrder], *, known_at: float) -> None:
        """What the run is told of the resting orders."""
        self._journal.add(self._loop.time(), What.LISTED, payload=orders, after=known_at)

    def _note(self, what: What, request: Fact, *, words: str = "", of: object = None) -> Fact:
        return self._journal.add(
            self._loop.time(),
            what,
            verb=request.verb,
            pair=request.pair,
            request=request,
            order_id=request.order_id,
            words=words,
            payload=of,
        )


_USUAL: Final = Fortune()


def _tell(answer: "asyncio.Future[T]", told: object) -> None:
    if answer.done():
        return  # nobody waits for it any longer
    if isinstance(told, Exception):
        answer.set_exception(told)
    else:
        answer.set_result(cast("T", told))


def _error(fortune: Fortune, request: Fact) -> LiquidationError:
    match fortune.fate:
        case Fate.REFUSED:
            return ExchangeRefused("refused")
        case Fate.NOTHING_TO_REDUCE:
            return NothingToReduce("nothing to reduce")
        case Fate.ACCOUNT_REFUSED:
            return AccountRefused("invalid key")
        case Fate.UNAVAILABLE:
            return ExchangeUnavailable("503", retry_after_s=fortune.retry_after_s)
        case _ if request.verb is not None and request.verb.is_write:
            return OutcomeUnknown("connection lost")
        case _:  # a question may be asked again
            return ExchangeUnavailable("connection lost")

"""The line to the simulated exchange: what carries a single attempt instead of HTTP.

Each call is made twice: once to hear what it is going to ask (nothing leaves then), and once at the
moment in which the exchange acts on it, whether or not anybody still waits for its answer.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import ccxt
from freqtrade.enums import MarginMode, TradingMode
from freqtrade.exceptions import FreqtradeException
from freqtrade.exchange import Binance

from freqtrade_liquidation.errors import ExchangeUnavailable, LiquidationError, NotSent
from freqtrade_liquidation.exchange.classify import translate
from freqtrade_liquidation.exchange.single_attempt import asking_once
from tests.simulation.fates import Fates
from tests.simulation.journal import Fact, Journal, What
from tests.simulation.schedule import Endpoint, Fate, Schedule, Word
from tests.simulation.unified import Asked, Attempt, SimulatedApi, unified_market
from tests.simulation.world.account import Account
from tests.simulation.world.records import Order, Refusal

T = TypeVar("T")
Call = Callable[[Any], T]

DATABASE: Final = "sqlite:///simulated.sqlite"
NEVER: Final = (Word.HANGS, Word.HANGS_DONE, Word.HANGS_LATE)
NOT_EXECUTED: Final = (Word.HANGS, Word.DOWN, Word.LOST, Word.THROTTLED, Word.OVERLOADED)
LATE: Final = (Word.LATE, Word.HANGS_LATE)
MOMENTARY: Final = {
    True: Refusal(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    False: Refusal(
        -4131,
        "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
    ),
}
"""On spot and on futures. Source: Binance, "Error Codes" and "Filters"."""
CLOSED: Final = {
    True: Refusal(-1013, "Market is closed."),
    False: Refusal(-4141, "Symbol is closed."),
}
GONE: Final = Refusal(-2011, "Unknown order sent.")


class SimulatedExchange(Binance):
    """freqtrade's class for Binance around the simulated API, without its start-up."""

    def __init__(self) -> None:
        """:func:`templates` fills it."""

    def __del__(self) -> None:
        """Nothing to close."""

    def close(self) -> None:
        """Nothing to close."""


class Templates:
    """What every copy of the exchange has, for each kind of market; made once a process."""

    def __init__(self, *, spot: bool) -> None:
        self.api = SimulatedApi(spot=spot)
        exchange = SimulatedExchange()
        exchange._config = {
            "dry_run": False,
            "stake_currency": "USDT",
            "exchange": {"name": "binance"},
            "margin_mode": "isolated",
            "db_url": DATABASE,
        }
        exchange.trading_mode = TradingMode.SPOT if spot else TradingMode.FUTURES
        exchange.margin_mode = MarginMode.NONE if spot else MarginMode.ISOLATED
        exchange.build_ft_has({})
        exchange._api = exchange._api_async = self.api
        exchange._params = {}
        exchange.log_responses = False
        exchange._cache_lock = threading.Lock()
        exchange._exit_rate_cache = {}  # type: ignore[assignment]
        self._fields = dict(exchange.__dict__)
        self._kind: Any = type(asking_once(exchange))

    def for_account(self, account: Account, *, spot: bool) -> Callable[[], Any]:
        """What makes copies of freqtrade's exchange that know *account*'s markets."""
        markets = [unified_market(market, spot=spot) for market in account.markets.values()]
        fields = {**self._fields, "_markets": {market["symbol"]: market for market in markets}}
        kind = self._kind

        def copy() -> Any:
            exchange = object.__new__(kind)
            exchange.__dict__.update(fields)
            return exchange

        return copy


_TEMPLATES: Final[dict[bool, Templates]] = {}


def templates(*, spot: bool) -> Templates:
    """Those of this process."""
    if spot not in _TEMPLATES:
        _TEMPLATES[spot] = Templates(spot=spot)
    return _TEMPLATES[spot]


class SimulatedLine:
    """Carries one attempt, as ``exchange/line.py`` does over HTTP."""

    def __init__(
        self, schedule: Schedule, journal: Journal, account: Account, api: SimulatedApi
    ) -> None:
        self._journal = journal
        self._account = account
        self._api = api
        self._spot = schedule.spot
        self._fates = Fates(schedule)
        self._loop = asyncio.get_running_loop()
        self._copy = templates(spot=schedule.spot).for_account(account, spot=schedule.spot)
        self._asked_to_wait_until = 0.0
        self.defects: list[str] = []
        self.exchange = self._copy()
        self.clock_offset_s = -schedule.skew_s

    async def ready(self, *, timeout_s: float) -> None:
        """The clock is set."""

    def close(self) -> None:
        """There are no connections."""

    async def send(self, call: Call[T], *, timeout_s: float, write: bool) -> T:
        """See :class:`~freqtrade_liquidation.exchange.client.Line`."""
        asked = self._hear(call)
        self._heed_the_exchange(asked)
        fate = self._fates.draw(asked.endpoint, asked.pair)
        request = self._journal.add(
            self._loop.time(),
            What.REQUEST,
            endpoint=asked.endpoint,
            pair=asked.pair,
            order_id=asked.order_id,
            amount=asked.amount,
            words=str(fate.word),
            payload=asked.more,
        )
        answer: asyncio.Future[T] = self._loop.create_future()
        self._set_off(call, fate, request, answer, write=write)
        if fate.word in NEVER or fate.out_s + fate.back_s >= timeout_s:
            self._loop.call_later(timeout_s, self._hang_up, answer, write)
        return await self._wait(answer, request)

    async def _wait(self, answer: "asyncio.Future[T]", request: Fact) -> T:
        try:
            result = await answer
        except LiquidationError as error:
            if isinstance(error, ExchangeUnavailable) and error.retry_after_s is not None:
                self._asked_to_wait_until = self._loop.time() + error.retry_after_s
            self._note(What.RAISED, request, error)
            raise
        except asyncio.CancelledError:
            self._note(What.GIVEN_UP, request, None)
            raise
        self._note(What.ANSWERED, request, result)
        return result

    def _hear(self, call: Call[T]) -> Asked:
        self._api.attempt = None
        try:
            call(self._copy())
        except Asked as asked:
            return asked.with_traceback(None)  # it would keep every frame of the call
        return Asked(Endpoint.OTHER, "")

    def _heed_the_exchange(self, asked: Asked) -> None:
        """As the real client does: nothing at all is sent until then."""
        if (wait_s := self._asked_to_wait_until - self._loop.time()) > 0:
            words = f"not sent: the exchange asked to wait {wait_s:.1f} s"
            self._journal.add(
                self._loop.time(),
                What.NOT_SENT,
                endpoint=asked.endpoint,
                pair=asked.pair,
                words=words,
                payload=wait_s,
            )
            raise NotSent(words, retry_after_s=wait_s)

    # -- on the way -------------------------------------------------------------------------

    def _set_off(
        self,
        call: Call[T],
        fate: Fate,
        request: Fact,
        answer: "asyncio.Future[T]",
        *,
        write: bool,
    ) -> None:
        word = fate.word
        later, back_at = self._loop.call_later, fate.out_s + fate.back_s
        if word in NOT_EXECUTED:
            if word not in NEVER:
                later(back_at, self._fail, answer, fate, write)
            return
        if word in LATE:
            later(fate.late_s, self._arrive, call, fate, request, None, write)
            if word not in NEVER:
                later(back_at, self._fail, answer, fate, write)
            return
        told = None if word in NEVER else answer
        later(fate.out_s, self._arrive, call, fate, request, told, write)

    def _arrive(
        self,
        call: Call[T],
        fate: Fate,
        request: Fact,
        answer: "asyncio.Future[T] | None",
        write: bool,
    ) -> None:
        """The exchange acts."""
        request.executed_at = self._loop.time()
        delayed = partial(self._execute_later, fate) if fate.word is Word.DELAYED else None
        fault = self._fault(fate, request)
        self._api.attempt = Attempt(
            fault=fault,
            empty=fate.word is Word.EMPTY,
            share=fate.share,
            delayed=delayed,
            request=request,
        )
        told: Any
        try:
            told = call(self._copy())
        except (ccxt.BaseError, FreqtradeException) as error:
            told = self._translated(error, fate, write)
        except Exception as error:  # noqa: BLE001 - a defect, of the call or of the simulation
            self.defects.append(f"{type(error).__name__}: {error}")
            told = self._translated(error, fate, write)
        finally:
            self._api.attempt = None
        if answer is None:
            return
        if fate.word in (Word.DOWN_DONE, Word.LOST_DONE):
            told = self._translated(self._error(fate), fate, write)
        self._loop.call_later(fate.back_s, _tell, answer, told)

    def _execute_later(self, fate: Fate, order: Order) -> None:
        self._loop.call_later(fate.late_s, self._account.execute, order)

    def _fault(self, fate: Fate, request: Fact) -> Callable[[], Exception] | None:
        """What the exchange says instead of doing it."""
        if fate.word is Word.ACCOUNT:
            words = "Invalid API-key, IP, or permissions for action."
            return partial(self._api.refused, Refusal(-2015, words))
        if fate.word is Word.BUSY:
            return partial(self._api.refused, MOMENTARY[self._spot])
        if fate.word is Word.REFUSED:
            refusal = GONE if request.endpoint is Endpoint.CANCEL else CLOSED[self._spot]
            return partial(self._api.refused, refusal)
        return None

    def _fail(self, answer: "asyncio.Future[T]", fate: Fate, write: bool) -> None:
        if not answer.done():
            _tell(answer, self._translated(self._error(fate), fate, write))

    def _hang_up(self, answer: "asyncio.Future[T]", write: bool) -> None:
        if not answer.done():
            error = ccxt.RequestTimeout("binance request timed out")
            _tell(answer, self._translated(error, Fate(), write))

    def _error(self, fate: Fate) -> Exception:
        match fate.word:
            case Word.THROTTLED:
                body = '{"code":-1003,"msg":"Too many requests."}'
                return ccxt.DDoSProtection(f"binance 429 Too Many Requests {body}")  # type: ignore[no-any-return]
            case Word.OVERLOADED:
                return self._api.refused(Refusal(-1008, "Server is currently overloaded."))
            case Word.DOWN | Word.DOWN_DONE:
                return ccxt.ExchangeNotAvailable("binance 503 Service Unavailable")  # type: ignore[no-any-return]
            case _:
                return ccxt.NetworkError("binance connection reset by peer")  # type: ignore[no-any-return]

    def _translated(self, error: Exception, fate: Fate, write: bool) -> LiquidationError:
        throttled = fate.word is Word.THROTTLED
        ours = translate(
            error,
            exchange_id="binance",
            write=write,
            retry_after_s=fate.retry_after_s if throttled else None,
        )
        ours.__cause__ = error
        return ours

    def _note(self, what: What, request: Fact, payload: object) -> None:
        self._journal.add(
            self._loop.time(),
            what,
            endpoint=request.endpoint,
            pair=request.pair,
            order_id=request.order_id,
            words=str(payload) if what is What.RAISED else "",
            request=request,
            payload=payload,
        )


def _tell(answer: "asyncio.Future[T]", told: Any) -> None:
    if answer.done():
        return  # nobody waits for it any longer
    if isinstance(told, Exception):
        answer.set_exception(told)
    else:
        answer.set_result(told)

"""The way to the exchange: one attempt a call, through freqtrade's wrapper, holding up nobody."""

import asyncio
import copy
import logging
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import requests
from freqtrade.exchange import Exchange
from requests.adapters import HTTPAdapter

from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.deadline import LONGEST_ATTEMPT_S
from freqtrade_liquidation.errors import ClockSkewed, ExchangeUnavailable, LiquidationError
from freqtrade_liquidation.exchange.answers import Answer, listen
from freqtrade_liquidation.exchange.classify import translate
from freqtrade_liquidation.exchange.codes import CODES, PHRASES
from freqtrade_liquidation.exchange.limiter import Limiter, limits_of
from freqtrade_liquidation.exchange.nonces import are_in_order, make_new
from freqtrade_liquidation.exchange.queueing import take_turn
from freqtrade_liquidation.exchange.rules.kin import lineage, rule_for
from freqtrade_liquidation.exchange.secrets import secrets_of_exchange
from freqtrade_liquidation.exchange.single_attempt import asking_once
from freqtrade_liquidation.place import CURRENT
from freqtrade_liquidation.threads import in_thread

T = TypeVar("T")
logger = logging.getLogger(__name__)

CONNECTIONS: Final = 64
"""Kept open at most; a run sends its requests side by side."""


class _SharedSession(requests.Session):
    """Outlives the copies of the ccxt object that use it: each copy's destructor closes it."""

    def close(self) -> None:
        """Nothing: :meth:`Wire.close` does it."""

    def really_close(self) -> None:
        super().close()


class Wire:
    """Sends single attempts to the exchange.

    Each attempt has its own shallow copy of freqtrade's exchange and of its ccxt object, for a
    timeout and answer headers of its own, without freqtrade's repeats and ccxt's throttle (serial,
    not thread-safe, and made for loops, not for an emergency) and with a session that keeps its
    connections.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._masker = Masker(secrets_of_exchange(exchange))
        self._session = _SharedSession()
        adapter = HTTPAdapter(pool_connections=8, pool_maxsize=CONNECTIONS)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._codes_of = rule_for({name: name for name in (*CODES, *PHRASES)}, exchange._api, "")
        self._one_at_a_time = are_in_order(exchange._api)
        self._slots = asyncio.Semaphore(1 if self._one_at_a_time else CONNECTIONS)
        self._limiter = Limiter(limits_of(exchange))
        self._clock: asyncio.Task[None] | None = None
        self._asked_to_wait_until = 0.0

    async def read(self, call: Callable[[Exchange], T], *, timeout_s: float) -> T:
        """One attempt at a question.

        :raises LiquidationError: ``ExchangeUnavailable`` where it may be asked again.
        """
        return await self._attempt(call, timeout_s=timeout_s, write=False)

    async def write(self, call: Callable[[Exchange], T], *, timeout_s: float) -> T:
        """One attempt at a change.

        :raises LiquidationError: ``OutcomeUnknown`` where it may have acted.
        """
        return await self._attempt(call, timeout_s=timeout_s, write=True)

    def close(self) -> None:
        """Drops the connections."""
        self._session.really_close()

    async def _attempt(self, call: Callable[[Exchange], T], *, timeout_s: float, write: bool) -> T:
        sent, timeout_s = await take_turn(self._limiter, timeout_s)
        with self._limiter.counted(sent):
            return await self._send(call, timeout_s=timeout_s, write=write)

    async def _send(self, call: Callable[[Exchange], T], *, timeout_s: float, write: bool) -> T:
        timeout_s = await self._take_a_slot(timeout_s)
        sent = False
        try:
            self._heed_the_exchange()
            exchange = self._copy(timeout_s)
            heard = listen(exchange._api)
            sent = True
            return await in_thread(
                lambda: heard.believed(call(exchange)), name="request", ended=self._thread_ended
            )
        except Exception as error:
            if not sent:
                raise
            raise self._translated(error, heard, write=write) from error
        finally:
            if not (sent and self._one_at_a_time):
                self._slots.release()

    async def _take_a_slot(self, timeout_s: float) -> float:
        """:returns: how long the request may take.

        :raises ExchangeUnavailable: if others had to go first: not to be taken for a request
            that may have acted.
        """
        place = CURRENT.get()
        try:
            async with asyncio.timeout(timeout_s / 2):
                if self._clock is not None:
                    await asyncio.shield(self._clock)
                if place is None or not self._slots.locked():
                    await self._slots.acquire()
                    return timeout_s
            async with asyncio.timeout_at(place.wait_until):
                with place.queued():
                    await self._slots.acquire()
            return place.attempt_s()
        except TimeoutError:
            raise ExchangeUnavailable("not sent: other requests had to go first") from None

    def _thread_ended(self) -> None:
        """Only then may the next one go: a request that nobody waits for is still on its way, and
        its nonce is the smaller one."""
        if self._one_at_a_time:
            self._slots.release()

    def _heed_the_exchange(self) -> None:
        if (wait_s := self._asked_to_wait_until - time.monotonic()) > 0:
            raise ExchangeUnavailable(
                f"not sent: the exchange asked to wait {wait_s:.1f} s", retry_after_s=wait_s
            )

    def _translated(self, error: Exception, heard: Answer, *, write: bool) -> LiquidationError:
        """*error* as one of ours, after what it means for all requests."""
        wait_s = heard.wait_s
        if wait_s is not None:
            # 429, or 418 after too many of them: whoever goes on asking is banned.
            self._asked_to_wait_until = time.monotonic() + wait_s
        ours = translate(
            error,
            exchange_id=self._codes_of,
            write=write,
            retry_after_s=wait_s,
            mask=self._masker.text,
        )
        if isinstance(ours, ClockSkewed) and self._clock is None:
            self._clock = asyncio.ensure_future(self._sync_clock())
        return ours

    def _copy(self, timeout_s: float) -> Exchange:
        exchange = asking_once(bare_copy(self._exchange))
        api: Any = copy.copy(self._exchange._api)
        api.session = self._session
        api.enableRateLimit = False
        api.timeout = max(1, int(timeout_s * 1000))
        # ccxt refuses to list all open orders on binance unless told that we know the weight.
        api.options = {**api.options, "warnOnFetchOpenOrdersWithoutSymbol": False}
        if "bybit" in lineage(api):
            # It refuses to look beyond the last 500 orders unless told that we know. freqtrade
            # tells it so, but not for bybiteu, whose class it does not find by its name.
            api.options["fetchOrder"] = {"acknowledged": True}
        make_new(api)
        exchange._api = api
        return exchange

    async def _sync_clock(self) -> None:
        """Once a run: freqtrade never does it, and a wrong clock refuses every request. The next
        attempts wait for it; the one that was refused does not."""
        exchange = self._copy(LONGEST_ATTEMPT_S)
        try:
            difference_ms = await in_thread(exchange._api.load_time_difference, name="clock")
        except Exception as error:  # noqa: BLE001 - whatever it is, the attempts go on without
            logger.warning("Could not synchronise the clock: %s", type(error).__name__)
            return
        self._exchange._api.options["timeDifference"] = difference_ms
        logger.warning("Clock differs from the exchange's by %s ms: corrected.", difference_ms)


def bare_copy(exchange: Exchange) -> Exchange:
    """A shallow copy whose destructor touches nothing of the original's.

    Source: freqtrade's ``Exchange.close``, which ends websocket and sessions and closes the loop.
    """
    clone: Any = copy.copy(exchange)
    clone.loop = clone._exchange_ws = clone._ws_async = None
    # freqtrade asks it what the exchange can do (``exchange_has``): it stays, without its sessions.
    clone._api_async = copy.copy(exchange._api_async)
    clone._api_async.session = clone._api_async.socks_proxy_sessions = None
    return clone  # type: ignore[no-any-return]

"""One attempt at one request, through freqtrade's wrapper, holding up nobody."""

import asyncio
import copy
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import requests
from freqtrade.exchange import Exchange
from requests.adapters import HTTPAdapter

from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.errors import ClockSkewed, LiquidationError, NotSent
from freqtrade_liquidation.exchange.answers import Answer, listen
from freqtrade_liquidation.exchange.classify import tables_of, translate
from freqtrade_liquidation.exchange.connections import EarlyAdapter
from freqtrade_liquidation.exchange.nonces import make_new
from freqtrade_liquidation.exchange.rules.kin import lineage, rule_for
from freqtrade_liquidation.exchange.secrets import secrets_of_exchange
from freqtrade_liquidation.exchange.single_attempt import asking_once
from freqtrade_liquidation.exchange.waits import waits_of
from freqtrade_liquidation.plan import Urgency
from freqtrade_liquidation.request_priority import CURRENT
from freqtrade_liquidation.threads import in_thread

T = TypeVar("T")
logger = logging.getLogger(__name__)

CONNECTIONS: Final = 256
"""Kept open at most; a run sends its requests side by side."""
CLOCK_WITHIN_S: Final = 2.0
RECEIVE_WINDOW: Final[Mapping[str, str]] = {
    # Binance, "Timing security": at most 60,000 ms. ccxt binance.sign: options.recvWindow
    "binance": "recvWindow",
    # Bybit V5, "Authentication": X-BAPI-RECV-WINDOW. ccxt bybit.sign: options.recvWindow
    "bybit": "recvWindow",
}
"""ccxt's option for how long after its signature the exchange may execute a request, in ms."""
EXPIRES_AT: Final[Mapping[str, str]] = {
    # OKX V5, "Transaction timeouts": header expTime, Unix time in ms
    "okx": "expTime",
    # Gate API v4, "x-gate-exptime": Unix time in ms, for orders
    "gate": "x-gate-exptime",
}
"""The header that says until when a request may be executed."""


class _SharedSession(requests.Session):
    """Outlives the copies of the ccxt object that use it: each copy's destructor closes it.

    :ivar own_adapters: those that no other session uses.
    """

    own_adapters: list[HTTPAdapter]

    def close(self) -> None:
        """Nothing: :meth:`HttpLine.close` does it."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """As its parent's, and a redirect is no answer: followed, it would send an order twice
        (307, 308), make a question of it (302), or take the key to another host."""
        kwargs["allow_redirects"] = False
        answer = super().request(method, url, *args, **kwargs)
        if answer.is_redirect or 300 <= answer.status_code < 400:
            raise requests.TooManyRedirects(f"redirected with {answer.status_code}: not followed")
        return answer

    def really_close(self) -> None:
        """Closes the adapters that are its own."""
        for adapter in self.own_adapters:
            adapter.close()


class HttpLine:
    """Sends single attempts to the exchange.

    Each attempt has its own shallow copy of freqtrade's exchange and of its ccxt object, for a
    timeout and answer headers of its own, without freqtrade's repeats and ccxt's throttle (serial,
    not thread-safe, and made for loops, not for an emergency) and with a session that keeps its
    connections.
    """

    def __init__(self, exchange: Exchange, *, connections: int = 0) -> None:
        """:param connections: to open at once, where the bot has asked the exchange before."""
        self._exchange = exchange
        self._masker = Masker(secrets_of_exchange(exchange))
        self._session = _session_like(exchange._api.session)
        self._codes_of = tables_of(exchange._api)
        self._clock: asyncio.Task[None] | None = None
        self._waits = waits_of(exchange)
        self._offset_s = 0.0
        self._open_ahead(min(connections, CONNECTIONS))

    def _open_ahead(self, count: int) -> None:
        """Opens *count* connections to the host that the bot asked last; none through a proxy.

        Source: ccxt ``Exchange.set_last_request``, and ``fetch`` for proxies and ``verify``.
        """
        api: Any = self._exchange._api
        url = api.last_request_url
        if not (count and url) or _has_proxy(api, url):
            return
        verify = api.verify and api.validateServerSsl
        path = self._session.merge_environment_settings(url, {}, None, verify, None)
        adapter = self._session.get_adapter(url)
        if isinstance(adapter, EarlyAdapter):
            adapter.open_ahead(
                count, url, verify=path["verify"], cert=path["cert"], proxies=path["proxies"]
            )

    def close(self) -> None:
        """Drops the connections."""
        self._session.really_close()

    async def ready(self, *, timeout_s: float) -> None:
        """Waits for the clock that is being set, at most *timeout_s*."""
        if self._clock is not None and not self._clock.done():
            await asyncio.wait([self._clock], timeout=timeout_s)

    async def send(self, call: Callable[[Exchange], T], *, timeout_s: float, write: bool) -> T:
        """See :class:`~freqtrade_liquidation.exchange.client.Line`."""
        self._heed_the_exchange(timeout_s)
        exchange = self._copy(timeout_s)
        if write:
            _expire(exchange._api, timeout_s)
        heard = listen(exchange._api)
        try:
            return await in_thread(lambda: heard.believed(call(exchange)), name="request")
        except Exception as error:
            raise self._translated(error, heard, write=write) from error
        finally:
            self._learn_offset(heard)

    @property
    def clock_offset_s(self) -> float:
        """See :class:`~freqtrade_liquidation.exchange.client.Line`."""
        return self._offset_s

    def _learn_offset(self, heard: Answer) -> None:
        """From the date of an answer, which is told in whole seconds."""
        date = heard.date
        if date is not None:
            self._offset_s = date.timestamp() + 0.5 - time.time()

    def _heed_the_exchange(self, timeout_s: float) -> None:
        """A stop that we took comes back, even so, where the wait leaves no time for it: a position
        without its stop is worse than a longer ban."""
        wait_s, priority = self._waits.left_s, CURRENT.get()
        puts_back = priority is not None and priority.urgency is Urgency.PUT_BACK
        if wait_s > 0 and not (puts_back and wait_s >= timeout_s):
            raise NotSent(
                f"not sent: the exchange asked to wait {wait_s:.1f} s", retry_after_s=wait_s
            )

    def _translated(self, error: Exception, heard: Answer, *, write: bool) -> LiquidationError:
        """*error* as one of ours, after what it means for all requests."""
        if heard.wait_s is not None:
            # 429, or 418 after too many of them: more requests make a ban of it, or a longer one.
            self._waits.ask(heard.wait_s)
        ours = translate(
            error,
            exchange_id=self._codes_of,
            write=write,
            retry_after_s=heard.retry_after_s,
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
        exchange = self._copy(CLOCK_WITHIN_S)
        try:
            difference_ms = await in_thread(exchange._api.load_time_difference, name="clock")
        except Exception as error:  # noqa: BLE001 - whatever it is, the attempts go on without
            logger.warning("Could not synchronise the clock: %s", type(error).__name__)
            return
        self._exchange._api.options["timeDifference"] = difference_ms
        logger.warning("Clock differs from the exchange's by %s ms: corrected.", difference_ms)


def _session_like(session: requests.Session) -> _SharedSession:
    """With the network path of ccxt's: its proxies, certificates, headers and adapters, and no
    more environment than it takes.

    Source: ccxt ``Exchange.__init__`` (``trust_env`` is False), ``prepare_request_headers``.
    """
    ours = _SharedSession()
    ours.trust_env, ours.verify, ours.cert = session.trust_env, session.verify, session.cert
    ours.proxies, ours.auth = dict(session.proxies), session.auth
    ours.headers.clear()
    ours.headers.update(session.headers)
    many = EarlyAdapter(pool_connections=8, pool_maxsize=CONNECTIONS)
    ours.own_adapters = [many]
    for prefix, theirs in session.adapters.items():
        plain = type(theirs) is HTTPAdapter  # else somebody put it there for a reason
        ours.mount(prefix, many if plain else theirs)
    return ours


def _has_proxy(api: Any, url: str) -> bool:
    settings = (
        api.proxies,
        api.check_proxy_url_settings(url, "GET"),
        *api.check_proxy_settings(url, "GET"),
    )
    return any(setting is not None for setting in settings)


def _expire(api: Any, timeout_s: float) -> None:
    """Lets the exchange refuse what *api* signs once the caller's time is over."""
    if (option := rule_for(RECEIVE_WINDOW, api, None)) is not None:
        api.options[option] = max(1, int(timeout_s * 1000))
    if (header := rule_for(EXPIRES_AT, api, None)) is not None:
        until_ms = api.milliseconds() + int(timeout_s * 1000)
        api.headers = {**(api.headers or {}), header: str(until_ms)}


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

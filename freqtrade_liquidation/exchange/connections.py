"""Connections to the exchange that cost a run no more than they must.

A run opens as many connections as it has orders, all in one instant, and on the worst day. What
that costs was measured, and decides what is done here:

- ``requests`` reads the certificate bundle anew for each connection. With certifi's, 40 connections
  take 1.6 s of two cores: more than ten round trips. Here all of them share one TLS context, which
  is made when the bot is armed.
- A handshake takes two round trips (TCP, TLS 1.3). As many connections as the bot has open trades
  are opened in the first instant, while the run still reads its database and writes its intents.
- Each connection asks for the exchange's address. A name server that hangs would hold up the run
  for longer than it has. So the address that last served is remembered, and used where the name is
  not resolved at once. TLS checks the certificate by name all the same.
- A connection that the exchange has closed meanwhile leaves an order with an unknown outcome. So a
  connection is used again only within a few seconds of its last answer, and freqtrade's own, which
  may have been idle for longer, carry nothing of a run. A look over one of them would be answered
  two round trips sooner; the closes beside it would not, and the proof waits for them.
- TLS 1.3 resumption saves no round trip, and Python's TLS cannot send early data: not used.

The path stays that of ccxt's session: proxies, certificates and headers are handed to the adapter
with each request, as to the one of ``requests``.
"""

import contextlib
import functools
import os
import socket
import ssl
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

from freqtrade_liquidation.threads import start_thread

USED_AGAIN_WITHIN_S: Final = 4.0
"""Of a connection's last answer. The shortest keep-alive of servers in wide use is five seconds.

Source: Node ``server.keepAliveTimeout``, uvicorn ``--timeout-keep-alive``.
"""
OPENED_WITHIN_S: Final = 5.0
"""Then a connection that is opened ahead is given up; the request that gets it opens another."""
RESOLVED_WITHIN_S: Final = 0.25
"""Then the address that last served is used."""

Verify = bool | str
Certificate = str | tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class _Lookup:
    began: float
    addresses: "Future[list[str]]" = field(default_factory=Future)


class Names:
    """The addresses of hosts that have served before. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._served: dict[tuple[str, int], str] = {}
        self._lookups: dict[tuple[str, int], _Lookup] = {}

    def served(self, host: str, port: int, connected: Any) -> None:
        """An answer came from *host* over the socket *connected*."""
        try:
            address = connected.getpeername()[0]
        except OSError:  # closed meanwhile
            return
        with self._lock:
            self._served[host, port] = address

    def addresses_of(self, host: str, port: int) -> list[str]:
        """Of a host that has served before, the address that did first; else none.

        As resolved now; where that fails or hangs, the one that last served.
        """
        with self._lock:
            last = self._served.get((host, port))
            if last is None:
                return []
            lookup = self._lookup(host, port)
        try:
            patience_s = lookup.began + RESOLVED_WITHIN_S - time.monotonic()
            found = lookup.addresses.result(max(0.0, patience_s))
        except (OSError, TimeoutError):
            return [last]
        return sorted(found, key=lambda address: address != last)

    def _lookup(self, host: str, port: int) -> _Lookup:
        """The one of now: shared by the connections that are opened at one moment."""
        known, now = self._lookups.get((host, port)), time.monotonic()
        if known is not None and now - known.began < USED_AGAIN_WITHIN_S:
            return known
        lookup = self._lookups[host, port] = _Lookup(now)
        if start_thread(lambda: _resolve(host, port, lookup), name="name") is None:
            lookup.addresses.set_result([])
        return lookup


def _resolve(host: str, port: int, lookup: _Lookup) -> None:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        lookup.addresses.set_result(list(dict.fromkeys(str(row[4][0]) for row in rows)))
    except Exception as error:  # noqa: BLE001 - handed to those who wait
        lookup.addresses.set_exception(error)


NAMES: Final = Names()
"""Of this process."""


def remember_address(response: requests.Response) -> None:
    """*response* shows where its host is. It must not have been read yet, as in a hook."""
    connection: Any = getattr(response.raw, "connection", None)
    if getattr(connection, "sock", None) is not None:
        NAMES.served(connection.host, connection.port, connection.sock)


class _Connection(HTTPSConnection):
    """Opens beside its user, finds its host where the name cannot be resolved, and knows how long
    it has been idle."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connecting = threading.Lock()
        self._used_at = 0.0

    def open_ahead(self) -> None:
        """Connects; where that fails, the request that gets this connection connects again."""
        with contextlib.suppress(Exception):  # whatever it is, the request meets it, too
            self.connect()

    def connect(self) -> None:
        """See the base class. Whoever comes second waits for the first."""
        with self._connecting:
            if self.sock is not None:
                return
            try:
                super().connect()
            except BaseException:
                self.close()
                raise
            self._used_at = time.monotonic()

    @property
    def is_closed(self) -> bool:
        """Whether it has yet to connect: before the handshakes are over, it carries nothing."""
        return self._connecting.locked() or super().is_closed

    @property
    def is_fresh(self) -> bool:
        """Whether it was opened or answered a moment ago."""
        return time.monotonic() - self._used_at < USED_AGAIN_WITHIN_S

    @property
    def is_connected(self) -> bool:
        """Whether it may carry another request."""
        return self.is_fresh and super().is_connected

    def getresponse(self) -> Any:
        """The answer, whose sender is remembered."""
        connected = self.sock
        response = super().getresponse()
        self._used_at = time.monotonic()
        NAMES.served(self.host, self.port, connected)
        return response

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        for address in NAMES.addresses_of(self.host, self.port):
            self._dns_host = address
            try:
                return super()._new_conn()
            except NewConnectionError:
                continue  # the next address, at last the name itself
            finally:
                self._dns_host = name
        return super()._new_conn()


class _Pool(HTTPSConnectionPool):
    """Gives the connections first that are being opened ahead."""

    ConnectionCls = _Connection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ahead: deque[Any] = deque()

    def open_ahead(self, count: int) -> None:
        """Opens *count* connections, each in a thread of its own."""
        for _ in range(count):
            connection: Any = super()._new_conn()
            connection.timeout = OPENED_WITHIN_S
            self._ahead.append(connection)
            if start_thread(connection.open_ahead, name="connection") is None:
                return

    def _new_conn(self) -> Any:
        try:
            connection = self._ahead.popleft()
        except IndexError:
            return super()._new_conn()
        # Not is_connected: a TLS 1.3 server sends tickets unasked, and what is unread looks like
        # the end of the connection.
        if not (connection.is_closed or connection.is_fresh):
            connection.close()  # it connects anew
        return connection

    def close(self) -> None:
        """See the base class; what was opened and not used is closed, too."""
        while self._ahead:
            self._ahead.popleft().close()
        super().close()


class EarlyAdapter(HTTPAdapter):
    """An adapter that can open connections ahead; they share one TLS context for each kind of
    verification."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opened: list[_Pool] = []

    def open_ahead(self, count: int, url: str, **path: Any) -> None:
        """Opens *count* connections to the host of *url*, beside whatever comes next.

        :param path: ``verify``, ``cert`` and ``proxies``, as for a request. Through a proxy nothing
            is opened ahead.
        """
        if select_proxy(url, path["proxies"]):
            return
        request = requests.Request("GET", url).prepare()
        pool = self.get_connection_with_tls_context(request, **path)
        if isinstance(pool, _Pool):
            self._opened.append(pool)
            pool.open_ahead(count)

    def close(self) -> None:
        """See the base class."""
        for pool in self._opened:
            pool.close()
        super().close()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """See the base class."""
        super().init_poolmanager(*args, **kwargs)
        _use_our_pool(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """See the base class."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        _use_our_pool(manager)
        return manager

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """See the base class. The context holds what it would tell each connection to load."""
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            tls = {"ssl_context": tls_context(verify, cert)}
        return host, tls

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing: the context has it."""


def _use_our_pool(manager: Any) -> None:
    """A SOCKS proxy brings a pool of its own, which stays."""
    classes = manager.pool_classes_by_scheme
    if classes["https"] is HTTPSConnectionPool:
        manager.pool_classes_by_scheme = {**classes, "https": _Pool}


def tls_context(verify: Verify, cert: Certificate = None) -> ssl.SSLContext:
    """The one for *verify* and *cert*, in the words of ``requests``; made anew if a file of theirs
    has changed.

    :raises OSError: if there is no such file, or it holds no certificate.
    """
    authorities = DEFAULT_CA_BUNDLE_PATH if verify is True else verify or None
    files = [authorities, *((cert,) if isinstance(cert, str) else cert or ())]
    versions = tuple(os.stat(file).st_mtime_ns for file in files if file)
    with _LOCK:  # the others wait for the first one instead of reading the same files
        return _context(authorities, cert, versions)


_LOCK: Final = threading.Lock()


@functools.lru_cache(maxsize=8)
def _context(
    authorities: str | None, cert: Certificate, versions: tuple[int, ...]
) -> ssl.SSLContext:
    """Source: ``HTTPAdapter.cert_verify`` and urllib3's ``ssl_wrap_socket``."""
    context = create_urllib3_context(
        cert_reqs=ssl.CERT_NONE if authorities is None else ssl.CERT_REQUIRED
    )
    if authorities is not None:
        is_folder = os.path.isdir(authorities)
        context.load_verify_locations(**{"capath" if is_folder else "cafile": authorities})
    if cert is not None:
        context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    # urllib3 sets them again for each connection; a context that is in use must not be changed.
    context.set_alpn_protocols = lambda alpn_protocols: None  # type: ignore[method-assign]
    return context

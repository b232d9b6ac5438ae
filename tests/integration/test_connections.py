"""The connections of a run: real sockets, real TLS, and a name server that does what it likes."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from freqtrade.exchange import Exchange
from urllib3.connection import HTTPSConnection
from urllib3.util.wait import wait_for_read

from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.exchange import connections
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.connections import (
    EarlyAdapter,
    Names,
    remember_address,
    tls_context,
)

TIME = "/fapi/v1/time"
BINANCE_LISTS = 4
"""Positions, orders, stops, and the orders of programs."""


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Of each test its own."""
    fresh = Names()
    monkeypatch.setattr(connections, "NAMES", fresh)
    return fresh


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """One as a run has it."""
    made = requests.Session()
    made.trust_env = False
    made.mount("https://", EarlyAdapter(pool_maxsize=64))
    yield made
    made.close()


def get(session: requests.Session, practice: PracticeExchange, host: str = "127.0.0.1") -> int:
    url = f"https://{host}:{practice.port}{TIME}"
    return session.get(url, verify=str(practice.ca_file), timeout=5).status_code


def side_by_side(count: int, work: Any) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[object]:
    """One entry for each call of *owner*'s method *name*, from now on."""
    calls: list[object] = []
    original = getattr(owner, name)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(self)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(owner, name, call)
    return calls


def test_side_by_side_connections_read_the_certificates_once(
    practice: PracticeExchange, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``requests`` reads them for each: with a real bundle that takes longer than the run has."""
    practice.add_fault("latency", path=TIME, latency_ms=300)
    reads = counted(monkeypatch, ssl.SSLContext, "load_verify_locations")
    side_by_side(12, lambda: get(session, practice))
    assert len(reads) == 1
    assert len({r["connection"] for r in practice.requests(TIME)}) == 12


def test_certificates_that_have_changed_are_read_anew(
    practice: PracticeExchange, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(practice.ca_file.read_bytes())
    first = tls_context(str(bundle))
    assert tls_context(str(bundle)) is first
    bundle.write_bytes(practice.ca_file.read_bytes() * 2)
    assert tls_context(str(bundle)) is not first


def test_certificate_of_a_stranger_is_refused(
    practice: PracticeExchange, session: requests.Session
) -> None:
    """By the bundle that every program has; and taken where the user wants no check."""
    url = f"https://127.0.0.1:{practice.port}{TIME}"
    with pytest.raises(requests.exceptions.SSLError):
        session.get(url, timeout=5)
    with pytest.warns(Warning, match="Unverified HTTPS request"):
        assert session.get(url, verify=False, timeout=5).ok


def test_idle_connection_is_not_used_again(
    practice: PracticeExchange, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange may have closed it; an order on it would have an unknown outcome."""
    get(session, practice)
    get(session, practice)
    monkeypatch.setattr(connections, "USED_AGAIN_WITHIN_S", 0.0)
    get(session, practice)
    numbers = [request["connection"] for request in practice.requests(TIME)]
    assert numbers[0] == numbers[1] != numbers[2]


# -- names --------------------------------------------------------------------------------------


@pytest.fixture(params=["hangs", "fails", "leads astray"])
def name_server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[threading.Event]:
    """What becomes of a question for a name once the event is set. Addresses are no names."""
    broken, over = threading.Event(), threading.Event()
    original = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not broken.is_set() or host == "127.0.0.1":
            return original("127.0.0.1", *args, **kwargs)
        if request.param == "hangs":
            over.wait(30)
        if request.param == "leads astray":  # nothing listens there
            return original("127.0.0.2", *args, **kwargs)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield broken
    over.set()


def bots_session(practice: PracticeExchange) -> requests.Session:
    """As freqtrade's, whose answers are watched."""
    theirs = requests.Session()
    theirs.trust_env = False
    theirs.hooks["response"].append(lambda response, *args, **kwargs: remember_address(response))
    return theirs


@pytest.mark.parametrize("name_server", ["hangs", "fails"], indirect=True)
def test_address_that_last_served_the_bot_is_used_where_its_name_is_not_resolved(
    practice: PracticeExchange, session: requests.Session, name_server: threading.Event
) -> None:
    with bots_session(practice) as theirs:
        get(theirs, practice, "localhost")
    name_server.set()
    side_by_side(5, lambda: get(session, practice, "localhost"))
    assert len(practice.requests(TIME)) == 6


@pytest.mark.parametrize("name_server", ["hangs"], indirect=True)
def test_certificate_is_checked_by_name_at_a_remembered_address(
    practice: PracticeExchange,
    session: requests.Session,
    names: Names,
    name_server: threading.Event,
) -> None:
    with socket.create_connection(("127.0.0.1", practice.port)) as connected:
        names.served("exchange.example", practice.port, connected)
    name_server.set()
    with pytest.raises(requests.exceptions.SSLError, match=r"exchange\.example"):
        get(session, practice, "exchange.example")


@pytest.mark.parametrize("name_server", ["leads astray"], indirect=True)
def test_name_that_is_resolved_leads_where_it_leads(
    practice: PracticeExchange, session: requests.Session, name_server: threading.Event
) -> None:
    """A remembered address is no reason to stay with a server that has moved."""
    get(session, practice, "localhost")
    session.close()
    name_server.set()
    with pytest.raises(requests.exceptions.ConnectionError):
        get(session, practice, "localhost")


# -- opened ahead -------------------------------------------------------------------------------


def wait_until(true: Callable[[], bool], *, within_s: float = 5.0) -> None:
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def ahead_of(client: ExchangeClient) -> list[Any]:
    line: Any = client._line
    [pool] = line._session.own_adapters[0]._opened
    return list(pool._ahead)


def has_tickets(connection: Any) -> bool:
    """TLS 1.3: the server has sent what nobody asked it for."""
    return not connection.is_closed and wait_for_read(connection.sock, timeout=0.0)


@pytest.mark.parametrize("opened_before", [False, True], ids=["while they open", "later"])
def test_orders_find_their_connections_opened_ahead(
    practice: PracticeExchange,
    futures: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    opened_before: bool,
) -> None:
    """As many as the lists and the orders need; none is opened besides, and none twice."""
    futures.fetch_positions()
    practice.clear_log()
    practice.add_fault("latency", path=TIME, latency_ms=300)
    opened = counted(monkeypatch, HTTPSConnection, "_new_conn")

    async def ask() -> None:
        client = ExchangeClient(futures, orders=5)
        if opened_before:
            wait_until(lambda: all(map(has_tickets, ahead_of(client))))
        questions = (
            client.attempt(lambda ex: ex._api.fapiPublicGetTime(), timeout_s=5, write=False)
            for _ in range(5 + BINANCE_LISTS)
        )
        await asyncio.gather(*questions)
        client.close()

    asyncio.run(ask())
    assert len(opened) == 5 + BINANCE_LISTS
    assert len({r["connection"] for r in practice.requests(TIME)}) == 5 + BINANCE_LISTS


def test_no_more_is_opened_than_the_limit_lets_pass(
    futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    futures.fetch_positions()
    futures._config["exchange"]["ccxt_config"]["rateLimit"] = 500
    asked: list[int] = []
    monkeypatch.setattr(EarlyAdapter, "open_ahead", lambda self, n, url, **path: asked.append(n))
    ExchangeClient(futures, orders=40).close()
    assert asked == [2]


def test_unused_connections_are_closed_with_the_run(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    futures.fetch_positions()
    opened = counted(monkeypatch, HTTPSConnection, "close")
    ExchangeClient(futures, orders=2).close()
    assert len(opened) >= 2 + BINANCE_LISTS


# -- the path of ccxt's session (CASES L1) ------------------------------------------------------


class Tunnel:
    """A proxy that leads every ``CONNECT`` to *port*.

    :ivar asked: for which hosts.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.asked: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._lead, args=(near,), daemon=True).start()

    def _lead(self, near: socket.socket) -> None:
        head = near.recv(65536)
        self.asked.append(head.split()[1].decode())
        far = socket.create_connection(("127.0.0.1", self._target))
        near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=(far, near), daemon=True).start()
        _pump(near, far)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def tunnel(practice: PracticeExchange) -> Iterator[Tunnel]:
    made = Tunnel(practice.port)
    yield made
    made.close()


def ask_once(exchange: Exchange, *, orders: int = 3) -> None:
    async def ask() -> None:
        client = ExchangeClient(exchange, orders=orders)
        await client.attempt(lambda ex: ex._api.fapiPublicGetTime(), timeout_s=5, write=False)
        client.close()

    asyncio.run(ask())


def test_proxy_of_ccxts_settings_is_used_and_nothing_opened_past_it(
    futures: Exchange, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    futures.fetch_positions()
    monkeypatch.setattr(futures._api, "httpsProxy", tunnel.url)
    opened = counted(monkeypatch, HTTPSConnection, "_new_conn")
    ask_once(futures)
    assert len(tunnel.asked) == len(opened) == 1


def test_proxy_of_the_environment_is_for_others(
    futures: Exchange, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ccxt's session does not trust the environment (freqtrade 609, 10804)."""
    futures.fetch_positions()
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, tunnel.url)
    ask_once(futures)
    assert not tunnel.asked

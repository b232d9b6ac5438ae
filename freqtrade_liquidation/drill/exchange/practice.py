"""The practice exchange as an object: start it, use it, stop it."""

import asyncio
import contextlib
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from freqtrade_liquidation.drill.exchange.connection import freqtrade_config
from freqtrade_liquidation.drill.exchange.control import Control
from freqtrade_liquidation.drill.exchange.core import Core, Settings
from freqtrade_liquidation.drill.exchange.facades import facade_of
from freqtrade_liquidation.drill.exchange.operator import Operator
from freqtrade_liquidation.drill.exchange.server import Front
from freqtrade_liquidation.drill.exchange.tls import make_certificate

_TICK_S = 0.25
_BACKLOG = 1024


class PracticeExchange(Operator):
    """Binance or Gate on loopback, in a thread of its own.

    ::

        with PracticeExchange() as exchange:
            exchange.seed_position("BTC/USDT:USDT", 0.05)
            config = exchange.freqtrade_config(strategy="MyStrategy")

    :param settings: what is fixed for its life.
    :param port: of the HTTPS side; 0 = any free one.
    :param control_port: of the plain-HTTP control side; 0 = any free one.
    """

    def __init__(
        self, settings: Settings | None = None, *, port: int = 0, control_port: int = 0
    ) -> None:
        self.settings = settings or Settings()
        self.facade = facade_of(self.settings.exchange)
        self.core = Core(self.settings)
        self._socket = _listen(port)
        self._control_socket = _listen(control_port)
        self.port: int = self._socket.getsockname()[1]
        self.control_port: int = self._control_socket.getsockname()[1]
        self._folder = tempfile.TemporaryDirectory(prefix="practice-exchange-")
        self.ca_file, self._tls = make_certificate(Path(self._folder.name))
        self._thread = threading.Thread(target=self._run, name="practice-exchange", daemon=True)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def control_url(self) -> str:
        """Where other processes reach the operator's side, see `control.call`."""
        return f"http://127.0.0.1:{self.control_port}"

    def start(self) -> Self:
        """Start serving; back when it answers."""
        self._thread.start()
        if not self._started.wait(10) or self._stop is None:
            raise RuntimeError("the practice exchange did not start within 10 s")
        return self

    def stop(self) -> None:
        """Stop serving; requests that hang are cut off."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
        for listening in (self._socket, self._control_socket):
            listening.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.stop()

    def ccxt_config(self, **overrides: Any) -> dict[str, Any]:
        """:return: a configuration for ccxt's class of the exchange, credentials included."""
        keys = {"apiKey": self.settings.key, "secret": self.settings.secret}
        return self.facade.ccxt_config(self.port, self.ca_file) | keys | overrides

    def freqtrade_config(
        self,
        *,
        futures: bool = True,
        pairs: list[str] | None = None,
        ccxt: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> dict[str, Any]:
        """:return: a complete live configuration; *overrides* replace its top-level keys.

        :param pairs: of the StaticPairList; all USDT pairs of that side, if not given.
        :param ccxt: further keys for ``exchange.ccxt_config``, as ``{"enableRateLimit": False}``.
        """
        config = freqtrade_config(
            name=self.facade.name,
            ccxt_config=self.facade.ccxt_config(self.port, self.ca_file),
            key=self.settings.key, secret=self.settings.secret, futures=futures,
            pairs=self.pairs(futures) if pairs is None else pairs,
        )  # fmt: skip
        config["exchange"]["ccxt_config"].update(ccxt or {})
        return config | overrides

    @contextlib.contextmanager
    def without_limits(self) -> Iterator[None]:
        """Counts and refuses no request; the exchange publishes its limits all the same."""
        self.core.limits_apply = False
        try:
            yield
        finally:
            self.core.limits_apply = True

    def _run(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        front = Front(self.core, self.facade)
        async with self._site(front):
            self._started.set()
            while not self._stop.is_set():
                self.core.tick()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _TICK_S)
            front.stopping.set()
        await front.cut()

    @contextlib.asynccontextmanager
    async def _site(self, front: Front) -> AsyncIterator[None]:
        exchange, control = web.Application(), web.Application()
        exchange.router.add_route("*", "/{tail:.*}", front.handle)
        control.router.add_post("/practice/{method}", Control(self).handle)
        runners = [
            web.AppRunner(app, access_log=None, shutdown_timeout=0.2, keepalive_timeout=300)
            for app in (exchange, control)
        ]
        sockets = [(self._socket, self._tls), (self._control_socket, None)]
        for runner, (listening, tls) in zip(runners, sockets, strict=True):
            await runner.setup()
            await web.SockSite(runner, listening, ssl_context=tls, backlog=_BACKLOG).start()
        try:
            yield
        finally:
            for runner in runners:
                await runner.cleanup()


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    return listening

"""The server behind the stand-in for Telegram: calls come in, are disturbed, and are answered."""

import asyncio
import contextlib
import json
import re
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from weakref import WeakSet

from aiohttp import web

from freqtrade_liquidation.drill.exchange.tls import make_certificate
from tests.integration.telegram_api import ApiError, Chats, Json
from tests.integration.telegram_proxy import Proxy

TOKEN = "1234567890:practice-token-of-no-bot-at-all"
Kind = Literal["latency", "error", "drop_before", "drop_after", "hang"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """What happens to calls of *method* (a regular expression), the next *times* times.

    :param words: only to those with *words* in their text.
    """

    method: str
    kind: Kind
    words: str = ""
    times: int | None = None
    delay_s: float = 0.0
    status: int = 500
    description: str = "Internal Server Error"
    parameters: Json = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request of the bot's. :ivar answered: it got a result, not an error or silence."""

    method: str
    params: dict[str, str]
    at: float = field(default_factory=time.monotonic)
    answered: bool = False


class TelegramService:
    """Lives in a thread of its own while the context is entered.

    :ivar calls: what the bot asked for, oldest first.
    :ivar changed: notified after each call.
    """

    def __init__(self, *, latency_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self.calls: list[Call] = []
        self.chats = Chats()
        self.faults: list[Fault] = []
        self._updates: list[Json] = []
        self.last_update = 0
        self.changed = threading.Condition()
        self._folder = tempfile.TemporaryDirectory(prefix="telegram-")
        self.ca_file, self._tls = make_certificate(Path(self._folder.name), "api.telegram.org")
        self._thread = threading.Thread(target=self._run, name="telegram-server", daemon=True)
        self._started = threading.Event()
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        self.proxy: Proxy
        self.proxy_port = 0
        self.loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._news: asyncio.Event

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10), "the stand-in for Telegram did not start within 10 s"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._folder.cleanup()

    def post(self, update: Json) -> None:
        """News for the bot."""
        self.last_update += 1
        self._updates.append({"update_id": self.last_update, **update})
        self.loop.call_soon_threadsafe(self._news.set)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop, self._news = asyncio.Event(), asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.proxy = Proxy(runner.addresses[0][1])
        listening = await asyncio.start_server(self.proxy.handle, "127.0.0.1", 0)
        self.proxy_port = listening.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        listening.close()
        self.proxy.cut()
        for transport in list(self._transports):
            transport.abort()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            self._transports.add(request.transport)
        params = {key: str(value) for key, value in (await request.post()).items()}
        call = Call(method=request.match_info["method"], params=params)
        try:
            if request.match_info["token"] != TOKEN:
                raise ApiError(401, "Unauthorized")
            return await self._answer(request, call)
        except ApiError as error:
            return web.json_response(error.body, status=error.status)
        finally:
            with self.changed:
                self.changed.notify_all()

    async def _answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        fault = self._strike(call)
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
        if call.method == "getUpdates" and fault is None:
            return _ok(await self._poll(call.params))
        await asyncio.sleep(self.latency_s / 2 + (fault.delay_s if fault else 0))
        kind = fault.kind if fault else "latency"
        if kind == "hang":
            await self._stop.wait()
        if kind in ("hang", "drop_before"):
            return self._drop(request)
        if fault is not None and kind == "error":
            raise ApiError(fault.status, fault.description, **fault.parameters)
        if call.method == "deleteWebhook" and call.params.get("drop_pending_updates"):
            self._updates.clear()
        result = self.chats.call(call.method, call.params)
        call.answered = True
        await asyncio.sleep(self.latency_s / 2)
        return self._drop(request) if kind == "drop_after" else _ok(result)

    def _strike(self, call: Call) -> Fault | None:
        for fault in self.faults:
            meant = re.search(fault.method, call.method)
            if meant and fault.words in call.params.get("text", "") and fault.times != 0:
                fault.times = None if fault.times is None else fault.times - 1
                return fault
        return None

    async def _poll(self, params: dict[str, str]) -> list[Json]:
        """Long polling: an answer as soon as there is news; *offset* confirms what came before."""
        offset = int(params.get("offset", 0))
        self._updates = [u for u in self._updates if u["update_id"] >= offset]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(params.get("timeout", 0))):
                while not self._updates:
                    self._news.clear()
                    await self._news.wait()
        return list(self._updates)

    @staticmethod
    def _drop(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def _ok(result: Any) -> web.Response:
    return web.Response(
        text=json.dumps({"ok": True, "result": result}), content_type="application/json"
    )

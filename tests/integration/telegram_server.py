"""Telegram on loopback: the unmodified freqtrade and python-telegram-bot talk to it over HTTPS.

freqtrade builds its application for ``https://api.telegram.org``. httpx takes its proxy and its
certificates from the environment, so a child process with :attr:`TelegramServer.environment`
reaches us with nothing patched, and the practice exchange (127.0.0.1) past the proxy.
"""

import asyncio
import contextlib
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from weakref import WeakSet

from aiohttp import web

from freqtrade_liquidation.drill.exchange.tls import make_certificate
from tests.integration.telegram_api import ApiError, Chats, Json, Sent, chat
from tests.integration.telegram_proxy import Proxy

T = TypeVar("T")
TOKEN = "1234567890:practice-token-of-no-bot-at-all"
OPERATOR = 777
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


class TelegramServer:
    """One bot's Telegram, in a thread of its own.

    :param chat_id: the chat that freqtrade is configured for; negative = a group.
    """

    def __init__(self, *, chat_id: int = OPERATOR, latency_s: float = 0.0) -> None:
        self.chat_id = chat_id
        self.latency_s = latency_s
        self.calls: list[Call] = []
        self.chats = Chats()
        self._faults: list[Fault] = []
        self._updates: list[Json] = []
        self._last_update = 0
        self._changed = threading.Condition()
        self._folder = tempfile.TemporaryDirectory(prefix="telegram-")
        self._ca_file, self._tls = make_certificate(Path(self._folder.name), "api.telegram.org")
        self._thread = threading.Thread(target=self._run, name="telegram-server", daemon=True)
        self._started = threading.Event()
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        self.proxy: Proxy
        self._proxy_port = 0
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._news: asyncio.Event

    # -- for the bot ----------------------------------------------------------------------------

    @property
    def config(self) -> Json:
        """The ``telegram`` block."""
        return {"enabled": True, "token": TOKEN, "chat_id": str(self.chat_id)}

    @property
    def environment(self) -> dict[str, str]:
        """What leads a child process here."""
        proxy = f"http://127.0.0.1:{self._proxy_port}"
        variables = {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost"}
        lower = {name.lower(): value for name, value in variables.items()}
        return variables | lower | {"SSL_CERT_FILE": str(self._ca_file)}

    # -- for the test: people -------------------------------------------------------------------

    def say(
        self, text: str, *, user: int | None = OPERATOR, chat_id: int | None = None,
        topic: int | None = None, age_s: float = 0, edited: bool = False,
    ) -> None:  # fmt: skip
        """Somebody writes *text*; *edited* = changes an earlier message into it."""
        message = self._message(chat_id, topic) | {"text": text}
        message["date"] = int(time.time() - age_s)
        if user is not None:
            message["from"] = _person(user)
        if text.startswith("/"):
            length = len(text.split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        self._post({"edited_message" if edited else "message": message})

    def press(
        self, sent: Sent, label: str, *, user: int = OPERATOR, inaccessible: bool = False
    ) -> str:
        """Somebody presses a button that *sent* shows, or showed.

        :returns: the id to give to :meth:`wait_for_answer`.
        """
        found = [data for text, data in sent.buttons.items() if label in text]
        assert len(found) == 1, f"{label!r} is not one of {list(sent.buttons)}"
        message = sent.to_json()
        if inaccessible:
            message = {"chat": message["chat"], "message_id": sent.message_id, "date": 0}
        query_id = f"press{self._last_update}"
        query = {
            "id": query_id, "from": _person(user), "message": message,
            "chat_instance": "1", "data": found[0],
        }  # fmt: skip
        self._post({"callback_query": query})
        return query_id

    # -- for the test: what the bot does --------------------------------------------------------

    def wait(self, condition: Callable[[], T | None], what: str, timeout_s: float = 30) -> T:
        """Until *condition*, looked at after every call, is true."""
        with self._changed:
            self._changed.wait_for(lambda: bool(condition()), timeout_s)
            result = condition()
        shown = "\n---\n".join(sent.text for sent in self.chats.sent.values())
        assert result, f"no {what} within {timeout_s} s; the bot has said:\n{shown}"
        return result

    def wait_until_polling(self, timeout_s: float = 60) -> None:
        """Until the bot listens: what is said before is dropped, as freqtrade asks for it."""
        self.wait(lambda: self.made("getUpdates"), "listening bot", timeout_s)

    def wait_for_message(
        self, words: str, *, since: int = 0, timeout_s: float = 30, buttons: bool | None = None
    ) -> Sent:
        """The first message with *words* in what it shows now, after the message *since*."""

        def find() -> Sent | None:
            for sent in self.chats.sent.values():
                fits = buttons is None or bool(sent.keyboard) == buttons
                if sent.message_id > since and words in sent.text and fits:
                    return sent
            return None

        return self.wait(find, f"message with {words!r}", timeout_s)

    def wait_for_answer(self, query_id: str, timeout_s: float = 30) -> str:
        """What the person who pressed sees pop up; empty = nothing."""

        def find() -> Call | None:
            answers = self.made("answerCallbackQuery")
            return next((c for c in answers if c.params["callback_query_id"] == query_id), None)

        return self.wait(find, "answer to a press", timeout_s).params.get("text", "")

    def made(self, method: str, words: str = "") -> list[Call]:
        """Calls of *method* with *words* in their text."""
        fits = [c for c in list(self.calls) if c.method == method]
        return [call for call in fits if words in call.params.get("text", "")]

    @property
    def last_id(self) -> int:
        """Of the newest message of the bot's."""
        return max(self.chats.sent, default=0)

    # -- for the test: disturbing ---------------------------------------------------------------

    def add_fault(self, method: str, kind: Kind, **values: Any) -> Fault:
        """From the next call on."""
        fault = Fault(method=method, kind=kind, **values)
        self._faults.append(fault)
        return fault

    def remove_fault(self, fault: Fault) -> None:
        """From the next call on."""
        self._faults.remove(fault)

    def go_down(self) -> None:
        """Nobody can reach us."""
        self.proxy.is_down = True
        self._loop.call_soon_threadsafe(self.proxy.cut)

    def come_up(self) -> None:
        """As before."""
        self.proxy.is_down = False

    # -- the server -----------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10), "the stand-in for Telegram did not start within 10 s"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._folder.cleanup()

    def _message(self, chat_id: int | None, topic: int | None) -> Json:
        message: Json = {
            "message_id": self.chats.new_id(), "date": int(time.time()),
            "chat": chat(self.chat_id if chat_id is None else chat_id),
        }  # fmt: skip
        if topic is not None:
            message |= {"message_thread_id": topic, "is_topic_message": True}
        return message

    def _post(self, update: Json) -> None:
        self._last_update += 1
        self._updates.append({"update_id": self._last_update, **update})
        self._loop.call_soon_threadsafe(self._news.set)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._news = asyncio.Event(), asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.proxy = Proxy(runner.addresses[0][1])
        listening = await asyncio.start_server(self.proxy.handle, "127.0.0.1", 0)
        self._proxy_port = listening.sockets[0].getsockname()[1]
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
            with self._changed:
                self._changed.notify_all()

    async def _answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        fault = self._strike(call)
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
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
        for fault in self._faults:
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


def _person(user: int) -> Json:
    return {"id": user, "is_bot": False, "first_name": f"Person {user}", "username": f"p{user}"}

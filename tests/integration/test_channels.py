"""Our messages on freqtrade's other channels: webhook, Discord, WebSocket."""

import asyncio
import json
import queue
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import websockets

from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import MakeBot, said, wait_until_invested
from tests.integration.operator import Operator

FLAT = "FLAT, verified on the exchange: 1 position(s) closed"


class Hook:
    """Takes what is posted to it; hangs on request."""

    def __init__(self) -> None:
        self.posted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.hangs = threading.Event()
        self.over = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if hook.hangs.is_set():
                    hook.over.wait(60)
                hook.posted.put(body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def wait_for(self, words: str) -> str:
        """The first post with *words* in it."""
        while words not in (body := self.posted.get(timeout=30)):
            pass
        return body

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hooks() -> Iterator[tuple[Hook, Hook]]:
    pair = Hook(), Hook()
    yield pair
    for hook in pair:
        hook.close()


def channels(webhook: Hook, discord: Hook) -> dict[str, Any]:
    return {
        "webhook": {
            "enabled": True,
            "url": webhook.url,
            "format": "json",
            "webhookstatus": {"text": "{status}"},
        },
        "discord": {
            "enabled": True,
            "webhook_url": discord.url,
            "status": [{"Status": "{status}"}],
            "warning": [{"Warning": "{status}"}],
        },
    }


def test_armed_and_outcome_arrive_on_webhook_and_discord(
    exchange: PracticeExchange, make_bot: MakeBot, hooks: tuple[Hook, Hook]
) -> None:
    webhook, discord = hooks
    with make_bot(pairs=1, **channels(webhook, discord)) as bot:
        wait_until_invested(bot, 1)
        for hook in hooks:
            hook.wait_for("closes its positions at market")
        bot.send(signal.SIGTERM)
        assert bot.wait(30) == 130
    for hook in hooks:
        hook.wait_for("Liquidation started (shutdown)")
        hook.wait_for(FLAT)
    assert exchange.positions() == {}
    assert "cannot hear" not in bot.log()


def test_channel_that_hangs_delays_neither_the_run_nor_the_others(
    exchange: PracticeExchange, make_bot: MakeBot, hooks: tuple[Hook, Hook]
) -> None:
    """Its loss is in the log; the process does not wait for it."""
    webhook, discord = hooks
    with make_bot(pairs=1, **channels(webhook, discord)) as bot:
        wait_until_invested(bot, 1)
        webhook.wait_for("closes its positions at market")
        webhook.hangs.set()
        bot.send(signal.SIGTERM)
        discord.wait_for(FLAT)
        assert bot.wait(8) == 130
    assert exchange.positions() == {}
    assert "Messages on webhook were not delivered in time" in said(bot)


def test_channel_that_cannot_hear_is_named_at_the_start(
    make_bot: MakeBot, hooks: tuple[Hook, Hook]
) -> None:
    settings = channels(*hooks)
    del settings["discord"]["status"]
    with make_bot(pairs=1, **settings) as bot:
        words = "cannot hear every outcome: discord (status)."
        bot.wait_for(lambda: words in said(bot), "a warning")


def test_outcome_is_published_to_websocket_listeners(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """What FreqUI and other listeners subscribe to."""
    operator = Operator()
    token = operator.config["ws_token"]
    url = f"ws://127.0.0.1:{operator.port}/api/v1/message/ws?token={token}"

    async def listen() -> str:
        async with websockets.connect(url) as socket:
            await socket.send(json.dumps({"type": "subscribe", "data": ["status", "warning"]}))
            await asyncio.to_thread(operator.ask, "stop")
            async with asyncio.timeout(30):
                while FLAT not in (message := str(await socket.recv())):
                    pass
                return message

    with make_bot(pairs=1, api_server=operator.config) as bot:
        wait_until_invested(bot, 1)
        bot.wait_for(lambda: operator.state() is not None, "REST")
        message = asyncio.run(listen())
    assert json.loads(message)["type"] == "status"
    assert exchange.positions() == {}

"""A redirect is no answer, and is not followed."""

import asyncio
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from freqtrade_liquidation.errors import ExchangeUnavailable, LiquidationError, OutcomeUnknown
from tests.unit.host.bare_exchange import client_of


@contextmanager
def redirecting(status: int, body: bytes) -> Iterator[tuple[int, list[str]]]:
    """A server that sends everybody to itself; its port, and the methods that it was asked with."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.command)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("body", [b"", b'{"orderId":7,"status":"FILLED"}'])
@pytest.mark.parametrize(
    ("method", "kind"), [("POST", OutcomeUnknown), ("GET", ExchangeUnavailable)]
)
def test_redirect_is_not_followed_and_says_nothing(
    status: int, body: bytes, method: str, kind: type[LiquidationError]
) -> None:
    """Followed, a 307 sends an order twice, and another host gets the key."""

    async def send(port: int) -> None:
        client = client_of("binance")

        def call(exchange: Any) -> Any:
            headers = {"X-MBX-APIKEY": "key"}
            return exchange._api.fetch(f"http://127.0.0.1:{port}/order", method, headers, "a=b")

        try:
            with pytest.raises(kind, match="ExchangeError"):
                await client.attempt(call, timeout_s=5.0, write=method == "POST")
        finally:
            client.close()

    with redirecting(status, body) as (port, asked):
        asyncio.run(send(port))
        assert asked == [method]

"""A slow line below HTTP: what a round trip costs when TCP and TLS have to shake hands over it.

The practice exchange waits before it answers: its round trips are those of requests. A relay in
front of it holds up every byte, and a new connection as long as a SYN and its answer would take; so
handshakes cost what they cost on a real line. (``tc netem`` in a network namespace does the same in
the kernel, where it has that module.)
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Final

CHUNK: Final = 65536


class SlowLine:
    """Relays connections to *port*, half a round trip each way.

    :ivar port: where it listens.
    """

    def __init__(self, exchange_port: int) -> None:
        self._exchange_port = exchange_port
        self.half_s = 0.0
        self.port = 0

    def set_latency(self, round_trip_ms: float) -> None:
        """From here on."""
        self.half_s = round_trip_ms / 2000

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        """Until *stop*."""
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stop.wait()

    async def _relay(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * self.half_s)  # SYN and its answer
        far, far_out = await asyncio.open_connection("127.0.0.1", self._exchange_port)
        await asyncio.gather(self._carry(near, far_out), self._carry(far, near_out))

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """In order, each piece as late as it came in plus half a round trip."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while piece := await source.read(CHUNK):
                loop.call_later(self.half_s, target.write, piece)
        await asyncio.sleep(self.half_s)
        target.close()


@contextlib.contextmanager
def slow_line(exchange_port: int) -> Iterator[SlowLine]:
    """A relay in a thread of its own; it delays nothing until told so."""
    line, ready = SlowLine(exchange_port), threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        await line.serve(ready, stop)

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield line
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)

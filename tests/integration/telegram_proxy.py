"""A loopback proxy that leads ``api.telegram.org`` to us, and nothing else anywhere."""

import asyncio
import contextlib

TELEGRAM = "api.telegram.org:443"


class Proxy:
    """Answers ``CONNECT``; TLS goes through it from end to end.

    :param port: of the server that speaks for ``api.telegram.org``, on 127.0.0.1.
    :ivar refused: other hosts that somebody wanted to reach: there must be none.
    :ivar is_down: every connection is cut off at once, as if Telegram could not be reached.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.refused: list[str] = []
        self.is_down = False
        self._open: set[asyncio.StreamWriter] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it or the server hangs up."""
        self._open.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        self._open.discard(writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        host = head.split()[1].decode()
        if host != TELEGRAM:
            self.refused.append(host)
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        if self.is_down:
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        pumps = [
            asyncio.ensure_future(_pump(reader, server_writer)),
            asyncio.ensure_future(_pump(server_reader, writer)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        server_writer.close()

    def cut(self) -> None:
        """Cuts every connection off, with no farewell."""
        for writer in list(self._open):
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

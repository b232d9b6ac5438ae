"""What a bot prints goes nowhere: the reader has gone, or does not read, or the disk hangs."""

import os
import select
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from freqtrade_liquidation.drill.bot import Process
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import ends_within, runs, said, wait_until_invested
from tests.integration.forking import ForkedBot, spawn

ENDS_WITHIN_S = 7.3
"""The deadline, the overrun, and what the end of the process may take."""


class Reader:
    """Reads what a bot prints into a file, until told otherwise."""

    def __init__(self, log: IO[bytes]) -> None:
        self._ours, self.theirs = os.pipe()
        self._copy = os.fdopen(os.dup(log.fileno()), "wb", buffering=0)
        self._lock = threading.Lock()
        self._reads = True
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        chunk = None
        while chunk != b"":
            with self._lock:
                if not self._reads:
                    return
                if select.select([self._ours], [], [], 0.05)[0]:
                    chunk = os.read(self._ours, 4096)
                    self._copy.write(chunk)

    def goes(self) -> None:
        """As ``tee`` at a Ctrl-C."""
        with self._lock:
            self._reads = False
            os.close(self._ours)

    def stops(self) -> None:
        """As a terminal at a Ctrl-S; the pipe is full."""
        with self._lock:
            self._reads = False
        end = os.open(f"/proc/self/fd/{self.theirs}", os.O_WRONLY | os.O_NONBLOCK)
        for size in (4096, 1):
            with suppress(BlockingIOError):
                while True:
                    os.write(end, b"." * size)
        os.close(end)


class ReadBot(ForkedBot):
    """A bot that prints to a pipe."""

    reader: Reader

    def spawn(self, log: IO[bytes]) -> Process:
        self.reader = Reader(log)
        with open(os.devnull) as nothing, open(self.reader.theirs, "wb", closefd=False) as end:
            return spawn(self.arguments(), (nothing, end, end), self.folder, self.environment())


@pytest.fixture
def bot(exchange: PracticeExchange, tmp_path: Path) -> ReadBot:
    pairs = exchange.pairs()[:2]
    config = exchange.freqtrade_config(pairs=pairs, ccxt={"enableRateLimit": False})
    return ReadBot(tmp_path / "bot", config)


@pytest.mark.parametrize("how", ["goes", "stops"])
def test_reader_of_the_log_that_goes_or_stops_reading_keeps_no_book_open(
    exchange: PracticeExchange, bot: ReadBot, how: str
) -> None:
    with bot:
        wait_until_invested(bot, 2)
        bot.wait_for(lambda: "Stopping this bot" in said(bot), "the message at the start")
        getattr(bot.reader, how)()
        exchange.clear_log()
        sent_at = time.monotonic()
        bot.send(signal.SIGINT)
        bot.wait_for(lambda: bool(exchange.requests(method="POST")), "a close", 5)
        print(f"reader {how}: first order after {time.monotonic() - sent_at:.2f} s")
        assert ends_within(bot, ENDS_WITHIN_S) == 130
    assert exchange.positions() == {}
    assert [run["state"] for run in runs(bot)] == ["completed"]

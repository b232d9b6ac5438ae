"""What strangers, broken clients and an exchange's gateway say to a running bot."""

import base64
import contextlib
import http.client
import json
import logging
import random
import socket
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.operator import Operator
from tests.integration.telegram_server import OPERATOR, TelegramServer
from tests.integration.test_rest_bodies import COMMANDS, JSON, ODD
from tests.strategies.loud import FOLDER

STRANGER: Final = 13
ANSWER_WITHIN_S: Final = 20.0
LOGGERS: Final = ("strategy", "freqtrade.worker", "freqtrade_liquidation.host", "ccxt", "urllib3",
                  "uvicorn.error", "telegram", "root")  # fmt: skip
STEERING: Final = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eTALF\u2066\u200b\x00\r\n2026-01-01 - FLAT"
FORMATS: Final = ("%s %d %n %(x)s", "%s" * 40, "{0.__class__} {x!r}", "%", "100 %", "%999999999d")


class Words:
    """Text to be logged or told: junk, format strings, control characters, secrets, much of it."""

    def __init__(self, secrets: Sequence[str], junk: Sequence[Any], dice: random.Random) -> None:
        self._secrets = [form for one in secrets for form in _spelt(one)]
        self._junk = junk
        self._dice = dice

    def text(self) -> str:
        """One of them."""
        dice, secret = self._dice, self._dice.choice(self._secrets)
        match dice.randint(0, 6):
            case 0:
                return str(dice.choice(self._junk))
            case 1:
                return dice.choice(FORMATS)
            case 2:
                return STEERING + dice.choice(FORMATS)
            case 3:
                return f"GET /?apiKey={secret}&signature=x HTTP/1.1"
            case 4:
                return secret[: dice.randint(12, len(secret))] + STEERING
            case 5:
                unit = dice.choice(("a-", secret[:11] + " ", "eyJa.", "\u202e", "%2"))
                return (unit * 50_000)[: dice.choice((1_000, 20_000, 100_000))]
            case _:
                return base64.b64encode(f"user:{secret}".encode()).decode()


class LogLines:
    """Calls of loggers in the bot's own process; see :mod:`tests.strategies.loud`."""

    def __init__(self, bot: BotProcess, words: Words, dice: random.Random) -> None:
        self._folder = bot.folder / "user_data" / FOLDER
        self._folder.mkdir()
        self._words = words
        self._dice = dice

    def once(self, count: int = 24) -> None:
        """*count* lines."""
        calls = [
            (
                self._dice.choice(LOGGERS),
                self._dice.choice((logging.INFO, logging.WARNING, logging.ERROR)),
                self._words.text(),
                [self._words.text() for _ in range(self._dice.choice((0, 0, 1, 2)))],
                self._dice.random() < 0.05,
            )
            for _ in range(count)
        ]
        file = self._folder / f"{uuid.uuid4().hex}.new"
        file.write_text(json.dumps(calls))
        file.rename(file.with_suffix(".json"))


class Requests:
    """To the API server.

    :ivar answers: how often which status was answered; 0 = the connection was closed.
    """

    def __init__(
        self, operator: Operator, bodies: Sequence[str], words: Words, dice: random.Random
    ) -> None:
        self._operator = operator
        self._bodies = [body.encode("utf-8", "surrogatepass") for body in bodies]
        self._words = words
        self._dice = dice
        self._open: list[socket.socket] = []
        self.answers: Counter[int] = Counter()

    def once(self) -> None:
        """One request."""
        dice = self._dice
        match dice.randint(0, 9):
            case 0:
                self._raw()
            case 1:
                self._half()
            case 2 | 3:
                self._send("GET", "/" + self._path(), b"", password=None)
            case 4:
                path = dice.choice(("/api/v1/liquidation", "/api/v1/show_config", "/docs"))
                self._send("GET", path, b"", password=dice.choice((None, "guess", "practice")))
            case 5:  # somebody's own mistakes: refused, though he may
                self._send("POST", self._command(), dice.choice(list(ODD.values())))
            case 6:
                body = b'{"reason": "' + b"x" * dice.choice((70_000, 2_000_000))
                self._send("POST", self._command(), body, password=dice.choice((None, "guess")))
            case _:
                self._send(
                    dice.choice(("POST", "PUT", "DELETE", "PATCH")), self._command(),
                    dice.choice(self._bodies), password=dice.choice((None, "guess", "")),
                    kind=dice.choice((JSON, JSON, "text/plain", "multipart/form-data; boundary=x")),
                )  # fmt: skip

    def close(self) -> None:
        """Lets go of what is held open."""
        while self._open:
            self._open.pop().close()

    def _command(self) -> str:
        return f"/api/v1/{self._dice.choice(COMMANDS)}"

    def _path(self) -> str:
        raw = self._words.text().encode("utf-8", "surrogatepass")[: self._dice.choice((50, 6_000))]
        return "".join(f"%{byte:02x}" if byte < 33 or byte > 126 else chr(byte) for byte in raw)

    def _send(
        self, method: str, path: str, body: bytes, *, password: str | None = "practice",
        kind: str = JSON,
    ) -> None:  # fmt: skip
        headers = {"Content-Type": kind}
        if password is not None:
            credentials = base64.b64encode(f"operator:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {credentials}"
        server = ("127.0.0.1", self._operator.port)
        connection = http.client.HTTPConnection(*server, timeout=ANSWER_WITHIN_S)
        status = 0
        try:
            connection.request(method, path, body, headers)
            status = connection.getresponse().status
        except (ConnectionError, http.client.HTTPException):
            pass  # it hangs up on what is too long
        finally:
            connection.close()
        self.answers[status] += 1
        assert status < 500 or "liquidat" not in path, (status, method, path, body[:200])

    def _raw(self) -> None:
        """What is no HTTP."""
        with contextlib.suppress(ConnectionError), self._connection() as talking:
            talking.sendall(self._dice.randbytes(self._dice.choice((5, 500, 70_000))) + b"\r\n\r\n")
            talking.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                talking.recv(100)
        self.answers[0] += 1

    def _half(self) -> None:
        """A request that does not end; forty of them are held open."""
        with contextlib.suppress(ConnectionError):
            talking = self._connection()
            self._open.append(talking)
            talking.sendall(b"POST /api/v1/liquidate HTTP/1.1\r\nContent-Length: 99999\r\n{")
        while len(self._open) > 40:
            self._open.pop(0).close()
        self.answers[0] += 1

    def _connection(self) -> socket.socket:
        address = ("127.0.0.1", self._operator.port)
        return socket.create_connection(address, timeout=ANSWER_WITHIN_S)


class Messages:
    """By Telegram: orders of people who may not give any, and junk of the one who may."""

    def __init__(
        self, telegram: TelegramServer, typed: Sequence[Sequence[str]], dice: random.Random
    ) -> None:
        self._telegram = telegram
        self._dice = dice
        self._typed = [
            " ".join(words) for words in typed if words and not {"disarm", "arm"} & _small(words)
        ]

    def once(self) -> None:
        """One message."""
        say, text = self._telegram.say, f"/liquidate {self._dice.choice(self._typed)}"
        orders = ("/liquidate now", "/liquidate disarm 24h", "/stop", "/forceexit all", text)
        order = self._dice.choice(orders)
        match self._dice.randint(0, 4):
            case 0:
                say(order, user=STRANGER, chat_id=STRANGER)
            case 1:
                say(self._dice.choice(("/liquidate now", text)), forwarded_from=STRANGER)
            case 2:
                say(order, edited=True, user=STRANGER, chat_id=STRANGER)
            case 3:
                data = f"liquidation:{self._dice.randbytes(8).hex()}:close"
                self._telegram.post({"callback_query": {
                    "id": uuid.uuid4().hex, "chat_instance": "1", "data": data,
                    "from": {"id": OPERATOR, "is_bot": False, "first_name": "x"},
                }})  # fmt: skip
            case _:  # nobody's order: it does not end in "now"
                say(f"{text} ?", age_s=self._dice.choice((0, 3600)))


class Answers:
    """Error pages in place of market data. Junk that freqtrade itself would stop at is left out:
    it has the bot closed, and rightly."""

    def __init__(self, exchange: PracticeExchange, words: Words, dice: random.Random) -> None:
        self._exchange = exchange
        self._words = words
        self._dice = dice

    def once(self) -> None:
        """To the next request that it concerns."""
        self._exchange.clear_faults()
        self._exchange.add_fault(
            "error", path=self._dice.choice(("klines", "depth", "ticker", "premiumIndex")),
            method="GET", times=1, status=self._dice.choice((500, 502, 503)),
            body=f"<html>{self._words.text()}",
        )  # fmt: skip


def _small(words: Sequence[str]) -> set[str]:
    return {word.lower() for word in words}


def _spelt(secret: str) -> list[str]:
    return [secret, secret.upper(), secret.encode().hex(), json.dumps(secret), f"{secret}x"]

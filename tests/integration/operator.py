"""An operator without Telegram: freqtrade's own REST server, the same RPC path."""

import base64
import json
import socket
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from freqtrade_liquidation.drill import sealed
from tests.integration.forking import ForkedBot


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class Operator:
    """Sends commands to one bot."""

    def __init__(self) -> None:
        self.port = free_port()

    @property
    def config(self) -> dict[str, Any]:
        """The ``api_server`` block."""
        return {
            "enabled": True,
            "listen_ip_address": "127.0.0.1",
            "listen_port": self.port,
            "username": "operator",
            "password": "practice",
            "jwt_secret_key": "a" * 40,
            "ws_token": "b" * 40,
        }

    def ask(self, command: str, data: dict[str, Any] | None = None, *, method: str = "POST") -> Any:
        """The answer, whatever its status; ``None`` while nobody answers."""
        return self.reply(command, data or {}, method=method)[1]

    def reply(
        self,
        command: str,
        data: dict[str, Any] | None,
        *,
        method: str = "POST",
        password: str = "practice",
    ) -> tuple[int | None, Any]:
        """Status and answer; ``None`` and ``None`` while nobody answers."""
        credentials = base64.b64encode(f"operator:{password}".encode()).decode()
        request = Request(
            f"http://127.0.0.1:{self.port}/api/v1/{command}",
            data=None if method == "GET" or data is None else json.dumps(data).encode(),
            method=method,
            headers={
                "Authorization": f"Basic {credentials}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, _parsed(error.read().decode())
        except (URLError, TimeoutError, ConnectionError):
            return None, None

    def page(self, path: str) -> Any:
        """What the server shows to anybody."""
        with urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=20) as answer:
            return json.load(answer)

    def state(self) -> str | None:
        """``running``, ``paused``, ``stopped`` or ``reload_config``."""
        shown = self.ask("show_config", method="GET")
        return None if shown is None else str(shown.get("state"))


def _parsed(body: str) -> Any:
    """JSON, or the text where the server had nothing else to say."""
    try:
        return json.loads(body)
    except ValueError:
        return body


class LaunchedBot(ForkedBot):
    """The same bot, started by a few lines of ours in place of the command."""

    launcher = ""

    def arguments(self) -> list[str]:
        words = ("-c", self.launcher, *self.trade_arguments())
        return sealed.command(*words, only=self.config_file, keep=self._environment)


class QuickRepeats(LaunchedBot):
    """A run that left something open is repeated after one second, not thirty."""

    launcher = (
        "from freqtrade_liquidation.__main__ import main\n"
        "from freqtrade_liquidation.host.protection import Protection\n"
        "main(make=lambda: Protection(repeat_after_s=1.0))"
    )


class NoSleepSeam(LaunchedBot):
    """A freqtrade whose worker has lost the method that a ``/stop`` wakes."""

    launcher = (
        "import freqtrade.worker\n"
        "del freqtrade.worker.Worker._sleep\n"
        "from freqtrade_liquidation.__main__ import main\n"
        "main()"
    )

"""The processes that our bot is measured against, and what is read of a process."""

import base64
import json
import os
import resource
import socket
import time
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from freqtrade_liquidation.drill import sealed
from freqtrade_liquidation.drill.bot import BotProcess

USER, PASSWORD = "benchmark", "practice"
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


class OurBot(BotProcess):
    """``freqtrade-liquidation trade``, loading nothing of freqtrade's but what it loads itself."""

    module = "freqtrade_liquidation"

    def arguments(self) -> list[str]:
        """Without a look at the configuration: that would import freqtrade first."""
        return sealed.command("-m", self.module, *self.trade_arguments())


class PlainBot(OurBot):
    """``freqtrade trade``."""

    module = "freqtrade"


class LoopProcess(BotProcess):
    """:mod:`benchmarks.loop` in place of a bot."""

    def arguments(self) -> list[str]:
        """The loop waits for a signal, as a bot would."""
        words = (str(self.config_file), str(self.folder / "user_data"))
        return sealed.command("-m", "benchmarks.loop", *words)

    def environment(self) -> dict[str, str]:
        """The benchmarks are not installed: they are found where these are."""
        return super().environment() | {"PYTHONPATH": str(Path(__file__).parents[1])}


class Rest:
    """freqtrade's REST server on a port of its own."""

    def __init__(self) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            self.port = int(listening.getsockname()[1])

    @property
    def config(self) -> dict[str, Any]:
        """The ``api_server`` block."""
        return {
            "enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": self.port,
            "username": USER, "password": PASSWORD, "jwt_secret_key": "a" * 40,
            "ws_token": "b" * 40, "verbosity": "error",
        }  # fmt: skip

    def ask(self, command: str, data: dict[str, Any] | None = None, *, timeout_s: float) -> Any:
        """The answer; ``None`` while nobody answers, or when it took longer than *timeout_s*."""
        credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = Request(
            f"http://127.0.0.1:{self.port}/api/v1/{command}",
            data=None if data is None else json.dumps(data).encode(),
            headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
                return json.load(answer)
        except (HTTPError, URLError, TimeoutError, ConnectionError):
            return None

    def has_looped(self) -> bool:
        """freqtrade's loop has been through once: from here on the bot sleeps."""
        health = self.ask("health", timeout_s=5)
        return bool(health and health.get("last_process"))


def cpu_s(pid: int) -> float:
    """CPU seconds that a living process has used, its own and the kernel's for it."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def cpu_of_ended_s() -> float:
    """CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wait_for_flat(positions: Any, until: float) -> bool:
    """Polls ``positions()`` until it is empty.

    :returns: ``False`` if ``time.monotonic()`` reached *until* first.
    """
    while positions():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True

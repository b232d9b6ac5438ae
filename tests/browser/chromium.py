"""A headless Chromium, driven over its own pipe: what a page shows, says and asks for."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

NAMES: Final = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome")
Screen: TypeAlias = Mapping[str, Any]
"""As ``Emulation.setDeviceMetricsOverride`` takes it; sizes in CSS pixels."""
PHONE: Final[Screen] = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
DESKTOP: Final[Screen] = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}


def find_chromium() -> str | None:
    """The first that is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser with one page.

    Source: Chrome DevTools Protocol over ``--remote-debugging-pipe``: JSON objects that end with a
    NUL, read by the browser from descriptor 3 and written to 4.
    """

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._last_id = 0
        self._buffer = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        to_browser, ours = os.pipe()
        from_browser, theirs = os.pipe()
        self._write, self._read = ours, from_browser
        # The shell puts the two ends where the browser expects them.
        command = f'exec 3<&{to_browser} 4>&{theirs}; exec "$0" "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", command, self._program, *self._arguments()],
            pass_fds=(to_browser, theirs),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(theirs)
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def _arguments(self) -> list[str]:
        return [
            "--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
            f"--user-data-dir={self._folder}", "--hide-scrollbars",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # it refuses to run as root with it
        ]  # fmt: skip

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        os.close(self._write)
        os.close(self._read)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of one command; what happens meanwhile goes to :attr:`events`."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._last_id:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise RuntimeError(f"{self._program} has ended")
            self._buffer += chunk
        text, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        return message

    def wait_for(self, meets: Callable[[dict[str, Any]], bool]) -> None:
        """Until an event *meets* it."""
        while not any(meets(event) for event in self.events):
            self.events.append(self._next())

    def show(self, path: Path, screen: Screen, *, dark: bool = False, scripts: bool = True) -> None:
        """Loads *path* on a screen of that size; returns when it is loaded."""
        self.events.clear()
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setDeviceMetricsOverride", **screen)
        self.ask("Emulation.setTouchEmulationEnabled", enabled=bool(screen["mobile"]))
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.ask("Page.navigate", url=path.as_uri())
        self.wait_for(lambda event: event.get("method") == "Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """What *expression* is in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def complaints(self) -> list[str]:
        """Everything in the console, and every exception."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(e["params"]) for e in self.events if e.get("method") in kinds]

    def requested(self) -> list[str]:
        """Every address that the page asked for, itself included."""
        sent = [e for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def screenshot(self, path: Path) -> None:
        """The whole page, as long as it is."""
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self, path: Path) -> None:
        """As it is printed."""
        path.write_bytes(base64.b64decode(self.ask("Page.printToPDF")["data"]))

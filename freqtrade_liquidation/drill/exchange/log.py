"""The request log: what arrived when, what it asked, what it was answered."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_SECRET = frozenset({"signature"})


@dataclass(slots=True, kw_only=True)
class LoggedRequest:
    """One request.

    :param params: without the signature; the API key travels in a header and is never kept.
    :param arrived: ``time.monotonic()``, comparable between processes of one machine.
    :param executed: when the engine acted; None = it did not (or has not yet).
    :param answered: when the answer left; None = never.
    :param faults: the kinds of the rules that struck it.
    :param weight: what it counts against the limits, as Binance says.
    :param connection: number of the connection that it came on, since the start of the exchange.
    """

    number: int
    method: str
    path: str
    params: dict[str, str]
    arrived: float
    arrived_wall: float
    executed: float | None = None
    answered: float | None = None
    status: int | None = None
    code: int | None = None
    faults: list[str] = field(default_factory=list)
    weight: int = 0
    connection: int = 0

    def to_json(self) -> dict[str, Any]:
        """:return: its fields."""
        return asdict(self)


class RequestLog:
    """All requests since the start or the last `clear`. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._entries: list[LoggedRequest] = []
        self._count = 0

    def arrived(self, method: str, path: str, params: Mapping[str, str]) -> LoggedRequest:
        """Keep a new request."""
        kept = {name: value for name, value in params.items() if name not in _SECRET}
        with self._changed:
            self._count += 1
            entry = LoggedRequest(
                number=self._count, method=method, path=path, params=kept,
                arrived=time.monotonic(), arrived_wall=time.time(),
            )  # fmt: skip
            self._entries.append(entry)
            self._changed.notify_all()
            return entry

    def executed(self, entry: LoggedRequest) -> None:
        """Note that the engine acted on *entry*."""
        with self._changed:
            entry.executed = time.monotonic()
            self._changed.notify_all()

    def refused(self, entry: LoggedRequest, code: int) -> None:
        """Note that the engine said no to *entry*."""
        with self._changed:
            entry.code = code
            self._changed.notify_all()

    def answered(self, entry: LoggedRequest, status: int) -> None:
        """Note that *entry* is being answered."""
        with self._changed:
            entry.answered = time.monotonic()
            entry.status = status
            self._changed.notify_all()

    def entries(self) -> list[dict[str, Any]]:
        """:return: a copy, oldest first."""
        with self._changed:
            return [entry.to_json() for entry in self._entries]

    def clear(self) -> None:
        """Forget all entries."""
        with self._changed:
            self._entries = []

    def wait_for(
        self, condition: Callable[[list[LoggedRequest]], bool], timeout_s: float = 10.0
    ) -> bool:
        """Wait until *condition* holds for the entries, which it must only read.

        :return: whether it does.
        """
        with self._changed:
            return self._changed.wait_for(lambda: condition(self._entries), timeout_s)

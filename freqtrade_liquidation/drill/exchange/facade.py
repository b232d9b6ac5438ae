"""What an exchange is on the wire: paths, parameters, signature, errors, headers.

The engine behind it is one and the same. Its own words are Binance's (symbols, order parameters,
error codes); a façade translates between them and what its exchange's clients send and expect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from freqtrade_liquidation.drill.exchange.core import Call, Core
from freqtrade_liquidation.drill.exchange.faults import FaultRule
from freqtrade_liquidation.drill.exchange.limits import Excess, Limits
from freqtrade_liquidation.drill.exchange.refusals import Refusal
from freqtrade_liquidation.drill.exchange.routing import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A request as it arrived.

    :param query: what followed the ``?``, still encoded.
    """

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]


class Facade(Protocol):
    """The wire format of one exchange."""

    @property
    def name(self) -> str:
        """ccxt's id of the exchange, which is freqtrade's name of it."""

    @property
    def order_path(self) -> str:
        """A regular expression for the path of a futures order that is placed."""

    @property
    def private_path(self) -> str:
        """A regular expression for the paths of futures orders, stops and positions."""

    @property
    def sends_retry_after(self) -> bool:
        """Whether a 429 says how long to wait in ``Retry-After``."""

    def ccxt_config(self, port: int, ca_file: Path | str) -> dict[str, Any]:
        """:return: what sends ccxt to the practice exchange, credentials apart."""

    def parse(self, arrived: Arrived) -> dict[str, str]:
        """:return: all parameters as text; of an order also the engine's ``symbol``, ``side``."""

    def route(self, method: str, path: str) -> Route | None:
        """:return: who answers; None = nobody."""

    def limits(self, core: Core, path: str) -> Limits:
        """:return: the limits that count a request to *path*."""

    def batch(self, call: Call) -> list[dict[str, str]] | None:
        """:return: the orders that one request places; None = it places no batch."""

    def check_signed(self, arrived: Arrived, call: Call, now_ms: int) -> None:
        """:raises Refusal: if the request is not the account's."""

    def refused(self, refusal: Refusal) -> dict[str, Any]:
        """:return: the body that says no."""

    def failed(self, rule: FaultRule) -> dict[str, Any]:
        """:return: the body of a fault rule's ``error``."""

    def exceeded(self, excess: Excess, limits: Limits, now_ms: int) -> dict[str, Any]:
        """:return: the body for who asks too often."""

    def key_of(self, arrived: Arrived) -> str | None:
        """:return: the caller's API key."""

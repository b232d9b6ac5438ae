"""The exchange itself, without HTTP: both venues, prices, clock, faults, limits, log, settings."""

import threading
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from freqtrade_liquidation.drill.exchange.faults import FaultBoard, FaultRule
from freqtrade_liquidation.drill.exchange.futures import FuturesVenue
from freqtrade_liquidation.drill.exchange.latency import Latency
from freqtrade_liquidation.drill.exchange.log import RequestLog
from freqtrade_liquidation.drill.exchange.markets import Market
from freqtrade_liquidation.drill.exchange.prices import Prices
from freqtrade_liquidation.drill.exchange.profiles import profile_of
from freqtrade_liquidation.drill.exchange.spot import SpotVenue

_TICK_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is fixed for the life of an exchange.

    :param exchange: whose wire format, markets and limits it has: ``binance`` or ``gate``.
    :param synthetic_markets: 0…250 further markets, ``P001USDT`` and so on, on both sides.
    :param moving_ratio: how far prices swing around their start; 0 = fixed prices.
    :param latency_ms: the round trip: half before execution, half after. Can be changed later.
    :param seed: of prices and synthetic markets.
    """

    exchange: str = "binance"
    synthetic_markets: int = 0
    seed: int = 1
    moving_ratio: float = 0.002
    latency_ms: float = 0.0
    key: str = "practice-api-key"
    secret: str = "practice-api-secret"  # noqa: S105 - opens nothing but the practice exchange


class Core:
    """Everything the routes and the operator act on. Hold `lock` while touching the venues."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.latency = Latency(round_trip_ms=settings.latency_ms)
        self.clock_offset_ms = 0
        self.limits_apply = True
        self._ticked = 0.0
        profile = profile_of(settings.exchange)
        markets = {
            side: profile.markets(
                futures=side == "futures", synthetic=settings.synthetic_markets, seed=settings.seed
            )
            for side in ("spot", "futures")
        }
        every: dict[str, Market] = markets["spot"] | markets["futures"]
        self.prices = Prices(every, settings.seed, settings.moving_ratio)
        self.futures = FuturesVenue(markets["futures"], self.prices, self.now_ms)
        self.spot = SpotVenue(markets["spot"], self.prices, self.now_ms)
        self.deliveries: dict[str, int] = {}
        self.unlisted: set[str] = set()
        self.faults = FaultBoard()
        self.log = RequestLog()
        self.futures_limits, self.spot_limits = profile.limits()

    def now_ms(self) -> int:
        """:return: the exchange's clock; `clock_offset_ms` makes it differ from ours."""
        return time.time_ns() // 1_000_000 + self.clock_offset_ms

    def open_account_anew(self) -> None:
        """Forget positions, orders, fills and balances, faults and logged requests."""
        with self.lock:
            self.futures = FuturesVenue(self.futures.markets, self.prices, self.now_ms)
            self.spot = SpotVenue(self.spot.markets, self.prices, self.now_ms)
            self.faults.clear()
            self.log.clear()

    def tick(self) -> None:
        """Let prices act on resting and conditional orders."""
        with self.lock:
            self._ticked = time.monotonic()
            self.futures.tick()
            self.spot.tick()

    def tick_if_due(self) -> None:
        """`tick`, but not at every one of many requests at once: hundreds of stops take 5 ms."""
        if time.monotonic() - self._ticked > _TICK_S:
            self.tick()


@dataclass(slots=True, kw_only=True)
class Call:
    """One request on its way through the routes."""

    core: Core
    method: str
    path: str
    params: dict[str, str]
    struck: list[FaultRule] = field(default_factory=list)

    @property
    def symbol(self) -> str | None:
        """The ``symbol`` parameter, None if it was not sent."""
        return self.params.get("symbol") or None

    @property
    def limit(self) -> int:
        """The ``limit`` parameter, Binance's 500 if it was not sent."""
        return int(self.params.get("limit") or 500)

    def share(self, struck: list[FaultRule] | None = None) -> Decimal | None:
        """:return: how much of the order may fill, if a ``partial`` rule says so."""
        for rule in self.struck if struck is None else struck:
            if rule.kind == "partial":
                return rule.decimal_share
        return None

    def is_within(self, time_ms: int) -> bool:
        """:return: whether *time_ms* is within ``startTime`` and ``endTime``."""
        start = int(self.params.get("startTime") or 0)
        end = int(self.params.get("endTime") or 2**62)
        return start <= time_ms <= end


Answer = dict[str, Any] | list[Any]

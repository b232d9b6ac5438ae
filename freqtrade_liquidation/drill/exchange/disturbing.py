"""The operator disturbs: prices, depth, latency, clock, limits, faults."""

from collections.abc import Mapping
from typing import Any

from freqtrade_liquidation.drill.exchange.book import Depth
from freqtrade_liquidation.drill.exchange.faults import FaultRule
from freqtrade_liquidation.drill.exchange.grip import Grip, Json, Number, decimal
from freqtrade_liquidation.drill.exchange.latency import Latency


class Disturbing(Grip):
    """Makes the exchange behave as it does on a bad day."""

    def set_price(self, pair: str, price: Number) -> None:
        """The price jumps to *price*, stands still, and resting orders and stops meet it at once.

        Spot and futures of one symbol share the price.
        """
        venue, symbol = self._venue(pair)
        rounded = venue.markets[symbol].round_price(decimal(price))
        with self.core.lock:
            self.core.prices.set_price(symbol, rounded, self.core.now_ms())
            self.core.tick()

    def set_depth(self, pair: str, levels: int, level_notional: Number) -> None:
        """Make the book of *pair* this deep: *levels* a side, quote currency on each."""
        venue, symbol = self._venue(pair)
        with self.core.lock:
            venue.depths[symbol] = Depth(levels, decimal(level_notional))

    def set_delivery(self, pair: str, delivery_ms: int | None) -> None:
        """Announce that the perpetual *pair* is delisted and delivered then; ``None`` = it is not.

        Binance gives it another ``contractType`` and a date, Gate a flag. It trades on.
        """
        _, symbol = self._venue(pair)
        with self.core.lock:
            self.core.deliveries.pop(symbol, None)
            if delivery_ms is not None:
                self.core.deliveries[symbol] = delivery_ms

    def set_listed(self, pair: str, listed: bool) -> None:
        """Leave the futures market *pair* out of the list of markets; positions and orders stay."""
        _, symbol = self._venue(pair)
        with self.core.lock:
            (self.core.unlisted.discard if listed else self.core.unlisted.add)(symbol)

    def set_latency(
        self, latency_ms: float, spread_ratio: float = 0.0, executed: str = "midway",
        reads_at_arrival: bool = False,
    ) -> None:  # fmt: skip
        """Set the round trip, and when within it a request is executed; see `Latency`."""
        self.core.latency = Latency(
            round_trip_ms=latency_ms, spread_ratio=spread_ratio, executed=executed,
            reads_at_arrival=reads_at_arrival,
        )  # fmt: skip

    def set_clock_offset(self, offset_ms: int) -> None:
        """Make the exchange's clock differ from ours (−1021)."""
        self.core.clock_offset_ms = offset_ms

    def set_limits(
        self, weight_per_minute: int | None = 2400, orders_per_second: int | None = None,
        ban_after: int = 10, requests_per_second: int | None = None,
    ) -> None:  # fmt: skip
        """Set the limits of both sides and start counting anew; None = no limit.

        Replaces the published limits of orders, too (300 in 10 s, 1,200 a minute).
        """
        with self.core.lock:
            for limits in (self.core.futures_limits, self.core.spot_limits):
                limits.weight_per_minute = weight_per_minute
                limits.orders_per_window = {1: orders_per_second} if orders_per_second else {}
                limits.requests_per_second = requests_per_second
                limits.ban_after = ban_after
                limits.reset()

    def set_strict_reduce_only(self, strict: bool) -> None:
        """Refuse reduce-only orders whose position resting reduce-only orders already cover
        (−4118); −2022 is the answer where there is nothing to reduce."""
        self.core.futures.strict_reduce_only = strict

    def add_fault(self, kind: str, **rule: Any) -> int:
        """Add a `FaultRule`.

        :return: its number, for `remove_fault`.
        """
        return self.core.faults.add(FaultRule(kind=kind, **rule))

    def remove_fault(self, number: int) -> None:
        """Take one fault rule out."""
        self.core.faults.remove(number)

    def clear_faults(self) -> None:
        """Take all fault rules out."""
        self.core.faults.clear()

    def faults(self) -> Mapping[str, Json]:
        """:return: the rules in force by number, with ``matched``."""
        return {str(number): rule for number, rule in self.core.faults.rules().items()}

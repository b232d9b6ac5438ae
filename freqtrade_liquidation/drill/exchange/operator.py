"""The operator's side: seed, read, disturb. Every method is thread-safe and takes plain values.

The same methods answer over HTTP, ``POST /practice/<method>`` with the arguments as JSON.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from freqtrade_liquidation.drill.exchange.book import Depth
from freqtrade_liquidation.drill.exchange.core import Core
from freqtrade_liquidation.drill.exchange.faults import FaultRule
from freqtrade_liquidation.drill.exchange.futures import FuturesVenue
from freqtrade_liquidation.drill.exchange.spot import SpotVenue
from freqtrade_liquidation.drill.exchange.venue import Venue
from freqtrade_liquidation.drill.exchange.wire import (
    algo_order,
    futures_fill,
    futures_order,
    spot_fill,
    spot_order,
    text,
)

Number = float | str | Decimal
Json = dict[str, Any]


def _decimal(value: Number) -> Decimal:
    return Decimal(str(value))


class Operator:
    """What a test or the drill does to the exchange behind the bot's back.

    A *pair* is ``BTC/USDT:USDT`` (futures), ``BTC/USDT`` (spot) or Binance's id (futures).
    """

    core: Core

    def _venue(self, pair: str) -> tuple[FuturesVenue | SpotVenue, str]:
        venue: FuturesVenue | SpotVenue = self.core.futures
        if "/" in pair and ":" not in pair:
            venue = self.core.spot
        symbol = pair.partition(":")[0].replace("/", "")
        if symbol not in venue.markets:
            raise ValueError(f"{pair!r} is no market of the practice exchange")
        return venue, symbol

    # Seed

    def seed_position(
        self, pair: str, amount: Number, entry_price: Number | None = None, leverage: int = 5,
        isolated: bool = True,
    ) -> None:  # fmt: skip
        """Set a futures position, without an order. *amount* < 0 is a short, 0 none."""
        venue, symbol = self._venue(pair)
        if not isinstance(venue, FuturesVenue):
            raise ValueError(f"{pair!r} is no futures market")
        with self.core.lock:
            position = venue.position(symbol)
            position.amount = _decimal(amount)
            entry = venue.price(symbol) if entry_price is None else _decimal(entry_price)
            position.entry_price = entry if position.amount else Decimal(0)
            position.leverage, position.isolated = leverage, isolated
            position.updated_ms = self.core.now_ms()

    def seed_order(
        self, pair: str, side: str, amount: Number, price: Number | None = None,
        reduce_only: bool = False, client_order_id: str | None = None,
        stop_price: Number | None = None,
    ) -> str:  # fmt: skip
        """Place an order as the account's owner would: limit with a *price*, market without.

        *stop_price* makes a spot order a STOP_LOSS_LIMIT; on futures it is `seed_stop`.

        :return: its order id.
        :raises Refusal: what the exchange says to it.
        """
        venue, symbol = self._venue(pair)
        kind = "STOP_LOSS_LIMIT" if stop_price is not None else "LIMIT" if price else "MARKET"
        params = {"symbol": symbol, "side": side.upper(), "type": kind, "quantity": str(amount)}
        optional = {"price": price, "stopPrice": stop_price, "newClientOrderId": client_order_id}
        params |= {name: str(value) for name, value in optional.items() if value is not None}
        if reduce_only:
            params["reduceOnly"] = "true"
        with self.core.lock:
            return str(venue.place(params).order_id)

    def seed_stop(
        self, pair: str, side: str, amount: Number, trigger_price: Number,
        reduce_only: bool = True, client_algo_id: str | None = None,
    ) -> str:  # fmt: skip
        """Place a futures STOP_MARKET.

        :return: its algo id.
        """
        _, symbol = self._venue(pair)
        params = {
            "symbol": symbol,
            "side": side.upper(),
            "type": "STOP_MARKET",
            "algoType": "CONDITIONAL",
            "quantity": str(amount),
            "triggerPrice": str(trigger_price),
            "reduceOnly": str(reduce_only).lower(),
        }
        if client_algo_id:
            params["clientAlgoId"] = client_algo_id
        with self.core.lock:
            return str(self.core.futures.algo.place(params).algo_id)

    def seed_balance(self, asset: str, amount: Number, futures: bool = False) -> None:
        """Set a spot balance, or a futures wallet."""
        with self.core.lock:
            held = self.core.futures.wallets if futures else self.core.spot.balances
            held[asset] = _decimal(amount)

    def seed_funding(self, pair: str, amount: Number) -> None:
        """Charge (< 0) or pay a funding fee now."""
        _, symbol = self._venue(pair)
        with self.core.lock:
            self.core.futures.add_income(symbol, "FUNDING_FEE", _decimal(amount))

    # Read

    def positions(self) -> dict[str, Json]:
        """:return: open futures positions by pair: ``amount`` (signed), ``entry_price``, …"""
        venue = self.core.futures
        with self.core.lock:
            self.core.tick()
            return {
                venue.markets[p.symbol].pair: {
                    "amount": text(p.amount),
                    "entry_price": text(p.entry_price),
                    "leverage": p.leverage,
                    "isolated": p.isolated,
                    "mark_price": text(venue.price(p.symbol)),
                    "unrealized_pnl": text(venue.unrealized(p)),
                }
                for p in venue.positions.values()
                if p.amount
            }

    def balances(self, futures: bool = False) -> dict[str, Json]:
        """:return: ``total``, ``free``, ``locked`` by asset."""
        with self.core.lock:
            if futures:
                held = self.core.futures
                return {
                    asset: {
                        "total": text(total),
                        "free": text(held.available(asset)),
                        "locked": text(total - held.available(asset)),
                    }
                    for asset, total in held.wallets.items()
                }
            spot = self.core.spot
            return {
                asset: {
                    "total": text(total),
                    "free": text(spot.free(asset)),
                    "locked": text(spot.locked(asset)),
                }
                for asset, total in spot.balances.items()
            }

    def orders(self, futures: bool = True, only_open: bool = False) -> list[Json]:
        """:return: orders as Binance writes them, with ``pair``, oldest first."""
        venue: Venue = self.core.futures if futures else self.core.spot
        write = futures_order if futures else spot_order
        with self.core.lock:
            return [
                write(order) | {"pair": venue.markets[order.symbol].pair}
                for order in venue.orders.values()
                if order.is_open or not only_open
            ]

    def open_orders(self, futures: bool = True) -> list[Json]:
        """:return: the orders that can still fill."""
        return self.orders(futures, only_open=True)

    def algo_orders(self, only_open: bool = False) -> list[Json]:
        """:return: conditional futures orders as Binance writes them, with ``pair``."""
        venue = self.core.futures
        with self.core.lock:
            return [
                algo_order(order) | {"pair": venue.markets[order.symbol].pair}
                for order in venue.algo.orders.values()
                if order.is_open or not only_open
            ]

    def open_algo_orders(self) -> list[Json]:
        """:return: conditional orders that still wait."""
        return self.algo_orders(only_open=True)

    def fills(self, futures: bool = True) -> list[Json]:
        """:return: fills as Binance writes them, with ``pair``, oldest first."""
        venue: Venue = self.core.futures if futures else self.core.spot
        write = futures_fill if futures else spot_fill
        with self.core.lock:
            return [write(f) | {"pair": venue.markets[f.symbol].pair} for f in venue.fills]

    def price(self, pair: str) -> float:
        """:return: the price now."""
        venue, symbol = self._venue(pair)
        return float(venue.price(symbol))

    def amount_for(self, pair: str, notional: Number) -> float:
        """:return: the amount of *pair* that is worth about *notional*, on its step."""
        venue, symbol = self._venue(pair)
        return float(venue.markets[symbol].round_amount(_decimal(notional) / venue.price(symbol)))

    def pairs(self, futures: bool = True, quote: str = "USDT") -> list[str]:
        """:return: the pairs of one side, in freqtrade's spelling."""
        venue: Venue = self.core.futures if futures else self.core.spot
        return [market.pair for market in venue.markets.values() if market.quote == quote]

    def requests(self, path: str = "", method: str | None = None) -> list[Json]:
        """:return: logged requests whose path contains *path*, oldest first."""
        return [
            entry
            for entry in self.core.log.entries()
            if path in entry["path"] and method in (None, entry["method"])
        ]

    def wait_for_requests(self, path: str, count: int = 1, timeout_s: float = 10.0) -> bool:
        """Wait until *count* requests whose path contains *path* have arrived.

        :return: whether they have.
        """
        return self.core.log.wait_for(
            lambda entries: sum(path in e["path"] for e in entries) >= count, timeout_s
        )

    def clear_log(self) -> None:
        """Forget the requests so far."""
        self.core.log.clear()

    # Disturb

    def set_price(self, pair: str, price: Number) -> None:
        """The price jumps to *price*, stands still, and resting orders and stops meet it at once.

        Spot and futures of one symbol share the price.
        """
        venue, symbol = self._venue(pair)
        rounded = venue.markets[symbol].round_price(_decimal(price))
        with self.core.lock:
            self.core.prices.set_price(symbol, rounded, self.core.now_ms())
            self.core.tick()

    def set_depth(self, pair: str, levels: int, level_notional: Number) -> None:
        """Make the book of *pair* this deep: *levels* a side, quote currency on each."""
        venue, symbol = self._venue(pair)
        with self.core.lock:
            venue.depths[symbol] = Depth(levels, _decimal(level_notional))

    def set_latency(self, latency_ms: float) -> None:
        """Set the round trip: half passes before a request is executed, half after."""
        self.core.latency_ms = latency_ms

    def set_clock_offset(self, offset_ms: int) -> None:
        """Make the exchange's clock differ from ours (−1021)."""
        self.core.clock_offset_ms = offset_ms

    def set_limits(
        self, weight_per_minute: int | None = 2400, orders_per_second: int | None = None,
        ban_after: int = 10,
    ) -> None:  # fmt: skip
        """Set the limits of both sides and start counting anew; None = no limit."""
        with self.core.lock:
            for limits in (self.core.futures_limits, self.core.spot_limits):
                limits.weight_per_minute = weight_per_minute
                limits.orders_per_second = orders_per_second
                limits.ban_after = ban_after
                limits.reset()

    def set_strict_reduce_only(self, strict: bool) -> None:
        """Refuse reduce-only orders whose position resting reduce-only orders already cover."""
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

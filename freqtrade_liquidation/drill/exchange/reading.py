"""The operator reads: positions, orders, fills, balances, requests."""

from freqtrade_liquidation.drill.exchange.binance.wire import (
    algo_order,
    futures_fill,
    futures_order,
    spot_fill,
    spot_order,
)
from freqtrade_liquidation.drill.exchange.decimals import text
from freqtrade_liquidation.drill.exchange.grip import Grip, Json, Number, decimal
from freqtrade_liquidation.drill.exchange.venue import Venue


class Reading(Grip):
    """Shows what the exchange knows, without a request of the bot."""

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

    def open_programs(self) -> list[Json]:
        """:return: orders that the exchange works off by itself, oldest first."""
        venue = self.core.futures
        with self.core.lock:
            return [
                {
                    "id": str(program.program_id),
                    "kind": program.kind,
                    "pair": venue.markets[program.symbol].pair,
                    "side": program.side,
                    "amount": text(program.amount),
                }
                for program in venue.programs.open("VP", "TWAP", "trail", "chase")
            ]

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
        return float(venue.markets[symbol].round_amount(decimal(notional) / venue.price(symbol)))

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
            lambda entries: sum(path in e.path for e in entries) >= count, timeout_s
        )

    def clear_log(self) -> None:
        """Forget the requests so far."""
        self.core.log.clear()

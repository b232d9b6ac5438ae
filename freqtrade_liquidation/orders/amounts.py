"""Amounts as a market takes them: steps, smallest and largest market orders."""

from collections.abc import Iterator

from ccxt.base.decimal_to_precision import TICK_SIZE
from freqtrade.exchange import Exchange
from freqtrade.util import FtPrecise

from freqtrade_liquidation.exchange.rules.maximum import market_order_maximum
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, Position


class Amounts:
    """The rules of *exchange*'s markets. All amounts are in base currency, not contracts."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._maximum: dict[str, float | None] = {}

    def minimum(self, pair: str, *, price: float | None = None) -> float:
        """The smallest closing order, by the market's step and lower limits.

        :param price: quote currency; given on spot, where a sell has a smallest notional, too
            (futures exchanges do not hold a reduce-only order to it).
        Source: ccxt market ``limits.amount.min`` and ``precision.amount`` (contracts), and
        ``limits.cost.min`` (quote currency).
        """
        limits = self._exchange.markets[pair].get("limits", {})
        smallest = float((limits.get("amount") or {}).get("min") or 0.0)
        amount = self._exchange._contracts_to_amount(pair, max(smallest, self._step(pair)))
        cost = float((limits.get("cost") or {}).get("min") or 0.0)
        return max(amount, cost / price) if price else amount

    def maximum(self, pair: str) -> float | None:
        """The largest market order; ``None`` = none published.

        Source: :func:`~freqtrade_liquidation.exchange.rules.maximum.market_order_maximum`.
        """
        if pair not in self._maximum:
            largest = market_order_maximum(self._exchange._api, self._exchange.markets[pair])
            in_base = self._exchange._contracts_to_amount(pair, largest) if largest else None
            self._maximum[pair] = in_base
        return self._maximum[pair]

    def pieces(self, position: Position) -> Iterator[float]:
        """*position*'s amount, cut at the maximum and rounded down to the step. Take as many as you
        want to send: of an absurd amount there is no end to them."""
        pair, left = position.pair, position.amount
        while left > 0:
            piece = min(left, position.maximum_amount or left)
            contracts = self._exchange.amount_to_precision(
                pair, self._exchange._amount_to_contracts(pair, piece)
            )
            rounded = self._exchange._contracts_to_amount(pair, contracts)
            if rounded <= 0 or rounded < position.minimum_amount * (1 - AMOUNT_TOLERANCE):
                return
            yield rounded
            left = float(FtPrecise(left) - FtPrecise(rounded))

    def step(self, pair: str) -> float:
        """Base currency: what an amount is a multiple of; 0.0 = not published."""
        return self._exchange._contracts_to_amount(pair, self._step(pair))

    def _step(self, pair: str) -> float:
        precision = self._exchange.get_precision_amount(pair)
        if precision is None:
            return 0.0
        # ccxt gives the step itself (TICK_SIZE), or the number of digits after the point
        is_step = self._exchange.precisionMode == TICK_SIZE
        return float(precision) if is_step else 10.0**-precision

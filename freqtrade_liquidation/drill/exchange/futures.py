"""The futures account: one-way positions, margin, reduce-only, conditional orders."""

import itertools
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from freqtrade_liquidation.drill.exchange.algo import AlgoBook
from freqtrade_liquidation.drill.exchange.markets import Market
from freqtrade_liquidation.drill.exchange.prices import Prices
from freqtrade_liquidation.drill.exchange.programs import Programs
from freqtrade_liquidation.drill.exchange.records import ZERO, Fill, Order, Position
from freqtrade_liquidation.drill.exchange.refusals import refuse
from freqtrade_liquidation.drill.exchange.venue import Venue

MAINTENANCE: Final = Decimal("0.01")
"""Maintenance margin, as a share of the notional."""


class FuturesVenue(Venue):
    """USDⓈ-M futures. Funding is charged only when the operator says so."""

    def __init__(
        self, markets: Mapping[str, Market], prices: Prices, now_ms: Callable[[], int]
    ) -> None:
        super().__init__(markets, prices, now_ms)
        self.wallets: dict[str, Decimal] = {"USDT": Decimal(100_000), "USDC": Decimal(10_000)}
        self.positions: dict[str, Position] = {}
        self.income: list[dict[str, Any]] = []
        self.strict_reduce_only = False  # resting reduce-only orders claim their part
        self.multi_assets = False
        self.algo = AlgoBook(self)
        self.programs = Programs(now_ms)
        self._income_ids = itertools.count(9_000_001)

    # Reading

    def position(self, symbol: str) -> Position:
        """:return: the position record of *symbol*; its amount may be 0."""
        return self.positions.setdefault(symbol, Position(symbol=symbol))

    def unrealized(self, position: Position) -> Decimal:
        """:return: profit of *position* at the mark price, in its quote currency."""
        return (self.price(position.symbol) - position.entry_price) * position.amount

    def position_margin(self, position: Position) -> Decimal:
        """:return: initial margin that *position* binds."""
        return abs(position.amount) * position.entry_price / position.leverage

    def order_margin(self, symbol: str) -> Decimal:
        """:return: initial margin that the resting orders of *symbol* bind."""
        notional = sum(
            (o.remaining * o.price for o in self.open_orders(symbol) if not o.reduce_only), ZERO
        )
        return notional / self.position(symbol).leverage

    def available(self, asset: str) -> Decimal:
        """:return: what of *asset* can back new orders."""
        held = [p for p in self.positions.values() if self.markets[p.symbol].quote == asset]
        bound = sum((self.position_margin(p) + self.order_margin(p.symbol) for p in held), ZERO)
        losses = sum((min(ZERO, self.unrealized(p)) for p in held), ZERO)
        return max(ZERO, self.wallets.get(asset, ZERO) - bound + losses)

    def liquidation_price(self, position: Position) -> Decimal:
        """:return: a price for display; the practice exchange never liquidates."""
        if not position.amount:
            return ZERO
        own = position.entry_price / position.leverage
        wallet = self.wallets[self.markets[position.symbol].quote] / abs(position.amount)
        room = (own if position.isolated else wallet) - position.entry_price * MAINTENANCE
        long = position.amount > 0
        return max(ZERO, position.entry_price - room if long else position.entry_price + room)

    # Rules

    def check_order(self, order: Order, market: Market) -> None:
        """Refuse duplicates, reduce-only without a position, post-only takers, missing margin."""
        if self.is_duplicate(order.client_order_id):
            raise refuse(-4116)
        if order.reduce_only and self._reducible(order) <= 0:
            raise refuse(-2022)
        if order.reduce_only and self._reducible(order, strict=self.strict_reduce_only) <= 0:
            raise refuse(-4118)
        if order.time_in_force == "GTX" and self.would_take(order):
            raise refuse(-5022)
        if not order.reduce_only:
            self._check_margin(order, market)

    def _reducible(self, order: Order, *, strict: bool = False) -> Decimal:
        amount = self.position(order.symbol).amount
        against = amount > 0 if order.side == "SELL" else amount < 0
        if not against:
            return ZERO
        taken = ZERO
        if strict:
            same = [o for o in self.open_orders(order.symbol) if o.side == order.side]
            taken = sum((o.remaining for o in same if o.reduce_only), ZERO)
        return abs(amount) - taken

    def _check_margin(self, order: Order, market: Market) -> None:
        position = self.position(order.symbol)
        growing = max(ZERO, order.amount - self._reducible(order))
        price = order.price or self.price(order.symbol)
        needed = growing * price / position.leverage + growing * price * self.taker_ratio
        if growing and needed > self.available(market.quote):
            raise refuse(-2019)

    def fillable(self, order: Order) -> Decimal:
        """Shrink a reduce-only order to what is left to reduce; it never flips a position."""
        if not order.reduce_only:
            return order.remaining
        left = self._reducible(order)
        if left <= 0:
            return ZERO
        order.amount = min(order.amount, order.filled + left)
        return order.remaining

    def settle(self, order: Order, fill: Fill) -> None:
        """Move position and wallet."""
        market = self.markets[order.symbol]
        position = self.position(order.symbol)
        signed = fill.amount if fill.side == "BUY" else -fill.amount
        fill.realized_pnl = _apply(position, signed, fill.price)
        position.updated_ms = fill.time_ms
        ratio = self.maker_ratio if fill.maker else self.taker_ratio
        fill.commission = fill.price * fill.amount * ratio
        fill.commission_asset = market.quote
        self.add_income(order.symbol, "COMMISSION", -fill.commission)
        if fill.realized_pnl:
            self.add_income(order.symbol, "REALIZED_PNL", fill.realized_pnl)

    def add_income(self, symbol: str, kind: str, amount: Decimal) -> None:
        """Change the wallet by *amount* and keep the row that ``income`` shows."""
        asset = self.markets[symbol].quote
        self.wallets[asset] = self.wallets.get(asset, ZERO) + amount
        number = next(self._income_ids)
        self.income.append({
            "symbol": symbol, "incomeType": kind, "income": f"{amount:f}", "asset": asset,
            "time": self.now_ms(), "info": kind, "tranId": number, "tradeId": "",
        })  # fmt: skip

    def tick(self) -> None:
        """Fill what the price has crossed and trigger conditional orders."""
        super().tick()
        self.algo.tick()


def _apply(position: Position, signed: Decimal, price: Decimal) -> Decimal:
    """Change *position* by *signed*.

    :return: the realized profit, before commission.
    """
    old = position.amount
    new = old + signed
    realized = ZERO
    if old and (old > 0) != (signed > 0):
        closed = min(abs(old), abs(signed))
        realized = (price - position.entry_price) * closed * (1 if old > 0 else -1)
        if abs(signed) > abs(old):
            position.entry_price = price
    else:
        position.entry_price = (abs(old) * position.entry_price + abs(signed) * price) / abs(new)
    position.amount = new
    if not new:
        position.entry_price = ZERO
    return realized

"""The spot account: balances, and the locks that resting sells and stops put on them."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from freqtrade_liquidation.drill.exchange.book import walk
from freqtrade_liquidation.drill.exchange.checks import check_price, required
from freqtrade_liquidation.drill.exchange.markets import Market
from freqtrade_liquidation.drill.exchange.prices import Prices
from freqtrade_liquidation.drill.exchange.records import ZERO, Fill, Order
from freqtrade_liquidation.drill.exchange.refusals import Refusal, insufficient_balance
from freqtrade_liquidation.drill.exchange.venue import Venue

_CONDITIONAL = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


class SpotVenue(Venue):
    """Spot. Buys pay their fee in the base asset, sells in the quote asset."""

    taker_ratio = Decimal("0.001")
    maker_ratio = Decimal("0.001")
    limit_types = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
    market_types = frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT"})

    def __init__(
        self, markets: Mapping[str, Market], prices: Prices, now_ms: Callable[[], int]
    ) -> None:
        super().__init__(markets, prices, now_ms)
        self.balances: dict[str, Decimal] = {"USDT": Decimal(100_000)}

    def locked(self, asset: str) -> Decimal:
        """:return: what open orders lock of *asset*."""
        return sum((o.locked for o in self.open_orders() if o.locked_asset == asset), ZERO)

    def free(self, asset: str) -> Decimal:
        """:return: what of *asset* no order locks."""
        return self.balances.get(asset, ZERO) - self.locked(asset)

    def check_order(self, order: Order, market: Market) -> None:
        """Refuse what the free balance does not cover; lock what it does."""
        if self.is_duplicate(order.client_order_id):
            raise Refusal(-2010, "Duplicate order sent.")
        if order.type == "LIMIT_MAKER" and self.would_take(order):
            raise Refusal(-2010, "Order would immediately match and take.")
        if order.type in _CONDITIONAL:
            order.working = False
            check_price(market, required({"stopPrice": str(order.stop_price or "")}, "stopPrice"))
            if self._crossed(order):
                raise Refusal(-2010, "Stop price would trigger immediately.")
        order.locked_asset = market.base if order.side == "SELL" else market.quote
        order.locked = self._needed(order)
        if order.locked > self.free(order.locked_asset):
            raise insufficient_balance()

    def _needed(self, order: Order) -> Decimal:
        if order.side == "SELL":
            return order.amount
        if order.price or order.stop_price:
            return order.amount * (order.price or order.stop_price)
        fills = walk(iter(self.book(order.symbol, "BUY")), "BUY", order.amount, None)
        return sum((price * amount for price, amount in fills), ZERO)

    def settle(self, order: Order, fill: Fill) -> None:
        """Move both balances and give back the part of the lock that was for this fill."""
        market = self.markets[order.symbol]
        ratio = self.maker_ratio if fill.maker else self.taker_ratio
        cost = fill.price * fill.amount
        if fill.side == "BUY":
            fill.commission, fill.commission_asset = fill.amount * ratio, market.base
            self._add(market.base, fill.amount - fill.commission)
            self._add(market.quote, -cost)
            order.locked = max(ZERO, order.locked - fill.amount * (order.price or fill.price))
        else:
            fill.commission, fill.commission_asset = cost * ratio, market.quote
            self._add(market.base, -fill.amount)
            self._add(market.quote, cost - fill.commission)
            order.locked -= fill.amount

    def _add(self, asset: str, amount: Decimal) -> None:
        self.balances[asset] = self.balances.get(asset, ZERO) + amount

    def release(self, order: Order) -> None:
        """Unlock what is left of *order*."""
        order.locked = ZERO

    def _crossed(self, order: Order) -> bool:
        price = self.price(order.symbol)
        falling = (order.side == "SELL") == order.type.startswith("STOP")
        return price <= order.stop_price if falling else price >= order.stop_price

    def tick(self) -> None:
        """Trigger conditional orders, then fill what the price has crossed."""
        for order in self.open_orders():
            if not order.working and self._crossed(order):
                order.working = True
                self._meet_book(order)
        super().tick()

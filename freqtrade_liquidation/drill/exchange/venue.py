"""What the futures and the spot side of the exchange share: taking, matching, cancelling orders."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from freqtrade_liquidation.drill.exchange.book import Depth, Level, levels, walk
from freqtrade_liquidation.drill.exchange.checks import (
    check_amount,
    check_notional,
    check_price,
    flag,
    number,
    required,
)
from freqtrade_liquidation.drill.exchange.markets import Market
from freqtrade_liquidation.drill.exchange.prices import Prices
from freqtrade_liquidation.drill.exchange.records import Fill, Order
from freqtrade_liquidation.drill.exchange.refusals import refuse

_EXPIRING = frozenset({"IOC", "FOK"})


class Venue(ABC):
    """Orders and fills of one account on one kind of market. Not thread-safe: its caller locks."""

    taker_ratio = Decimal("0.0005")
    maker_ratio = Decimal("0.0002")
    limit_types = frozenset({"LIMIT"})
    market_types = frozenset({"MARKET"})

    def __init__(
        self, markets: Mapping[str, Market], prices: Prices, now_ms: Callable[[], int]
    ) -> None:
        self.markets = markets
        self.prices = prices
        self.now_ms = now_ms
        self.default_depth = Depth()
        self.depths: dict[str, Depth] = {}
        self.orders: dict[int, Order] = {}
        self.fills: list[Fill] = []
        self._by_client_id: dict[str, Order] = {}
        self._open: dict[int, Order] = {}
        self._ids = itertools.count(1_000_001)

    # Reading

    def market(self, symbol: str | None) -> Market:
        """:raises Refusal: −1121, if there is no such market."""
        if not symbol or symbol not in self.markets:
            raise refuse(-1121)
        return self.markets[symbol]

    def price(self, symbol: str) -> Decimal:
        """:return: the price of *symbol* now."""
        return self.prices.at(symbol, self.now_ms())

    def book(self, symbol: str, side: str) -> Iterable[Level]:
        """:return: the levels that an order of *side* meets, best first."""
        depth = self.depths.get(symbol, self.default_depth)
        return levels(self.markets[symbol], self.price(symbol), side, depth)

    def best(self, symbol: str) -> tuple[Level, Level]:
        """:return: best bid and best ask."""
        return next(iter(self.book(symbol, "SELL"))), next(iter(self.book(symbol, "BUY")))

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """:return: the orders that can still fill, oldest first."""
        return [order for order in self._open.values() if symbol in (None, order.symbol)]

    def find(self, params: Mapping[str, str], missing_code: int) -> Order:
        """:return: the order that *params* name, by ``orderId`` or ``origClientOrderId``.

        :raises Refusal: *missing_code*, if there is none on that symbol.
        """
        order_id = params.get("orderId")
        if order_id:
            order = self.orders.get(int(order_id)) if order_id.isdigit() else None
        else:
            order = self._by_client_id.get(params.get("origClientOrderId", ""))
        if order is None or order.symbol != params.get("symbol"):
            raise refuse(missing_code)
        return order

    def named(self, client_order_id: str) -> Order | None:
        """:return: the newest order of that name, on whatever market."""
        return self._by_client_id.get(client_order_id)

    # Writing

    def place(self, params: dict[str, str], share: Decimal | None = None) -> Order:
        """Take an order and let it meet the book.

        :param share: a `partial` fault: fill only this share of it now.
        :raises Refusal: if a filter, the balance or the position forbids it.
        """
        order = self.new_order(params)
        market = self.markets[order.symbol]
        self.check_order(order, market)
        self._admit(order)
        if order.working:
            self._meet_book(order, share)
        return order

    def new_order(self, params: dict[str, str]) -> Order:
        """:return: the order that *params* describe, held against the market's filters."""
        market = self.market(params.get("symbol"))
        if params.get("side") not in ("BUY", "SELL"):
            raise refuse(-1117)
        kind = params.get("type", "")
        if kind not in self.limit_types | self.market_types:
            raise refuse(-1116)
        at_market = kind in self.market_types
        order_id = next(self._ids)
        now = self.now_ms()
        order = Order(
            order_id=order_id,
            client_order_id=params.get("newClientOrderId") or f"practice-{order_id}",
            symbol=market.symbol, side=params["side"], type=kind,
            amount=self._requested_amount(market, params), created_ms=now, updated_ms=now,
            price=Decimal(0) if at_market else required(params, "price"),
            stop_price=number(params, "stopPrice") or Decimal(0),
            time_in_force=params.get("timeInForce") or "GTC",
            reduce_only=flag(params, "reduceOnly"),
        )  # fmt: skip
        check_amount(market, order.amount, at_market=at_market)
        if not at_market:
            check_price(market, order.price)
        if not order.reduce_only:
            check_notional(market, order.amount * (order.price or self.price(market.symbol)))
        return order

    def _requested_amount(self, market: Market, params: dict[str, str]) -> Decimal:
        quote_amount = number(params, "quoteOrderQty")
        if quote_amount is None or market.futures:
            return required(params, "quantity")
        _, ask = self.best(market.symbol)
        return market.round_amount(quote_amount / ask.price)

    @abstractmethod
    def check_order(self, order: Order, market: Market) -> None:
        """Refuse what the account does not allow. The subclass knows."""

    @abstractmethod
    def settle(self, order: Order, fill: Fill) -> None:
        """Move balances and positions for *fill*. The subclass knows."""

    def fillable(self, order: Order) -> Decimal:
        """:return: how much of *order* may fill now; reduce-only orders shrink here."""
        return order.remaining

    def release(self, order: Order) -> None:  # noqa: B027 - futures lock nothing
        """Give back what *order* locked; it is no longer open."""

    def _admit(self, order: Order) -> None:
        self.orders[order.order_id] = order
        self._by_client_id[order.client_order_id] = order
        self._open[order.order_id] = order

    def is_duplicate(self, client_order_id: str) -> bool:
        """:return: whether an open order already has this id."""
        known = self._by_client_id.get(client_order_id)
        return known is not None and known.is_open

    def would_take(self, order: Order) -> bool:
        """:return: whether *order* would meet the book at once."""
        return bool(walk(iter(self.book(order.symbol, order.side)), order.side,
                         order.remaining, order.price))  # fmt: skip

    def _meet_book(self, order: Order, share: Decimal | None = None) -> None:
        market = self.markets[order.symbol]
        wanted = self.fillable(order)
        if share is not None:
            wanted = market.round_amount(wanted * share)
            order.held = True
        limit = order.price if order.type in self.limit_types else None
        fills = walk(iter(self.book(order.symbol, order.side)), order.side, wanted, limit)
        if order.time_in_force == "FOK" and sum(a for _, a in fills) < order.remaining:
            fills = []
        for price, amount in fills:
            self._fill(order, price, amount, maker=False)
        expires = order.type in self.market_types or order.time_in_force in _EXPIRING
        self._conclude(order, "EXPIRED" if expires else None)

    def _fill(self, order: Order, price: Decimal, amount: Decimal, *, maker: bool) -> None:
        now = self.now_ms()
        fill = Fill(
            fill_id=len(self.fills) + 1, order_id=order.order_id, symbol=order.symbol,
            side=order.side, price=price, amount=amount, commission=Decimal(0),
            commission_asset="", realized_pnl=Decimal(0), maker=maker, time_ms=now,
        )  # fmt: skip
        order.filled += amount
        order.cost += price * amount
        order.updated_ms = now
        order.fills.append(fill)
        self.settle(order, fill)
        self.fills.append(fill)

    def _conclude(self, order: Order, otherwise: str | None) -> None:
        if order.remaining <= 0:
            order.status = "FILLED"
        elif otherwise is not None:
            order.status = otherwise
        elif order.filled:
            order.status = "PARTIALLY_FILLED"
        if not order.is_open:
            order.updated_ms = self.now_ms()
            self._open.pop(order.order_id, None)
            self.release(order)

    def cancel(self, order: Order) -> Order:
        """:raises Refusal: −2011, if it is no longer open."""
        if not order.is_open:
            raise refuse(-2011)
        self._conclude(order, "CANCELED")
        return order

    def tick(self) -> None:
        """Fill resting orders that the price has crossed."""
        for order in list(self._open.values()):
            if order.is_open and order.working and not order.held:
                self._meet_resting(order)

    def _meet_resting(self, order: Order) -> None:
        bid, ask = self.best(order.symbol)
        crossed = ask.price <= order.price if order.side == "BUY" else bid.price >= order.price
        if not crossed:
            return
        amount = self.fillable(order)
        if amount > 0:
            self._fill(order, order.price, amount, maker=True)
        self._conclude(order, "EXPIRED")

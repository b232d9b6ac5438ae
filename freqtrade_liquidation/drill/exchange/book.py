"""An order book made from the price: finite, fresh for every order, the same on both sides."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from freqtrade_liquidation.drill.exchange.markets import Market


@dataclass(frozen=True, slots=True)
class Depth:
    """How much the book holds.

    :param levels: price levels on each side.
    :param level_notional: quote currency on each of them.
    """

    levels: int = 200
    level_notional: Decimal = Decimal(50_000)


@dataclass(frozen=True, slots=True)
class Level:
    """One price level of the book; *amount* in base currency."""

    price: Decimal
    amount: Decimal


def levels(market: Market, price: Decimal, side: str, depth: Depth) -> Iterator[Level]:
    """Yield the levels that an order of *side* (BUY or SELL) meets, best first.

    The best ask is one tick above *price*, the best bid one tick below it.
    """
    sign = 1 if side == "BUY" else -1
    gap = max(market.tick, market.round_price(price / 10_000))
    for number in range(depth.levels):
        level_price = price + sign * (market.tick + gap * number)
        if level_price <= 0:
            return
        amount = market.round_amount(depth.level_notional / level_price)
        yield Level(level_price, max(market.step, amount))


def walk(
    book: Iterator[Level], side: str, amount: Decimal, limit: Decimal | None
) -> list[tuple[Decimal, Decimal]]:
    """:return: price and amount of each fill that *amount* gets, no worse than *limit*."""
    fills: list[tuple[Decimal, Decimal]] = []
    for level in book:
        worse = limit is not None and (
            level.price > limit if side == "BUY" else level.price < limit
        )
        if amount <= 0 or worse:
            break
        taken = min(amount, level.amount)
        fills.append((level.price, taken))
        amount -= taken
    return fills

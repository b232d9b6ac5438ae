"""The table of endpoints: who answers, what it weighs, whether it must be signed."""

from collections.abc import Callable
from dataclasses import dataclass

from freqtrade_liquidation.drill.exchange.core import Answer, Call

Handler = Callable[[Call], Answer]
Weight = int | Callable[[Call], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint.

    :param weight: Binance's, or how it follows from the request.
    :param path: as it was entered, for limits that count each endpoint by itself.
    :param orders: order placements that it counts as.
    """

    handler: Handler
    path: str
    weight: Weight = 1
    signed: bool = False
    orders: int = 0

    def weigh(self, call: Call) -> int:
        """:return: the weight of *call*."""
        return self.weight if isinstance(self.weight, int) else self.weight(call)


class Routes:
    """A table that handlers enter themselves into."""

    def __init__(self) -> None:
        self.table: dict[tuple[str, str], Route] = {}

    def add(
        self, method: str, *paths: str, weight: Weight = 1, signed: bool = False, orders: int = 0
    ) -> Callable[[Handler], Handler]:
        """:return: a decorator that enters the handler for *method* and each of *paths*."""

        def enter(handler: Handler) -> Handler:
            for path in paths:
                self.table[method, path] = Route(
                    handler=handler, path=path, weight=weight, signed=signed, orders=orders
                )
            return handler

        return enter


def per_symbol(one: int, every: int) -> Callable[[Call], int]:
    """:return: weight *one* for a request about a symbol, *every* for one about all."""
    return lambda call: one if call.symbol else every


def per_limit(*steps: tuple[int, int]) -> Callable[[Call], int]:
    """:return: the weight of the first step whose limit covers the request's."""

    def weigh(call: Call) -> int:
        return next((weight for limit, weight in steps if call.limit <= limit), steps[-1][1])

    return weigh

"""Orders that the exchange works off by itself, piece by piece or at a moving price.

Binance's VP and TWAP, Gate's trailing and chase orders. They stand in lists of their own. Here they
rest and do nothing, which is what makes them easy to overlook.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from freqtrade_liquidation.drill.exchange.records import ZERO
from freqtrade_liquidation.drill.exchange.refusals import refuse


@dataclass(slots=True, kw_only=True)
class Program:
    """One such order; *amount* in base currency.

    :param kind: ``VP``, ``TWAP``, ``trail`` or ``chase``.
    :param trigger_price: from where on a trailing order follows the price; 0 = at once.
    """

    program_id: int
    kind: str
    symbol: str
    side: str
    amount: Decimal
    created_ms: int
    reduce_only: bool = False
    trigger_price: Decimal = ZERO
    is_open: bool = True


class Programs:
    """All of an account. Not thread-safe: its caller locks."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._all: dict[int, Program] = {}
        self._ids = itertools.count(7_000_001)

    def add(
        self, kind: str, symbol: str, side: str, amount: Decimal, *, reduce_only: bool,
        trigger_price: Decimal,
    ) -> Program:  # fmt: skip
        """:return: the new order."""
        program = Program(
            program_id=next(self._ids), kind=kind, symbol=symbol, side=side, amount=amount,
            created_ms=self._now_ms(), reduce_only=reduce_only, trigger_price=trigger_price,
        )  # fmt: skip
        self._all[program.program_id] = program
        return program

    def open(self, *kinds: str) -> list[Program]:
        """:return: those of *kinds* that are under way, oldest first."""
        return [p for p in self._all.values() if p.is_open and p.kind in kinds]

    def end(self, program_id: str | None, *kinds: str) -> Program:
        """:raises Refusal: −2011, if none of *kinds* under way has that id."""
        found = next((p for p in self.open(*kinds) if str(p.program_id) == program_id), None)
        if found is None:
            raise refuse(-2011)
        found.is_open = False
        return found

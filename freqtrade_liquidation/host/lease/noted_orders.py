"""Noted orders on record: what a process that dies knew of orders in the air."""

import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from freqtrade_liquidation.audit import shared_rows
from freqtrade_liquidation.audit.checks import Misfit
from freqtrade_liquidation.audit.tables import NOTED_ORDERS
from freqtrade_liquidation.exchange.rules.names import is_bots
from freqtrade_liquidation.host.lease.clock import Moment
from freqtrade_liquidation.host.lease.database import BookDatabase, BookUnavailable
from freqtrade_liquidation.orders.entry_gate import Asked, NotedOrder

logger = logging.getLogger(__name__)

READ_AT_MOST: Final = 1000
"""The newest ones: each is an order whose answer was lost."""
LOOKED_FOR: Final = timedelta(days=7)
"""An older one is told, not looked for: most exchanges list a week of orders at once."""
CLOCKS_DIFFER: Final = timedelta(days=1)


class NotedOrders:
    """See :class:`~freqtrade_liquidation.orders.entry_gate.Keeper`.

    A database that cannot be written stops no order: the loss is told once, until it is written
    again. What could not be struck is struck with the next write.
    """

    def __init__(self, book: BookDatabase) -> None:
        self._book = book
        self._to_strike: set[str] = set()
        self._told = False

    def write(self, order: NotedOrder) -> None:
        """Before it is sent."""
        asked = order.asked
        kind = "stop" if asked.is_stop else "exit" if order.is_exit else "entry"
        row = {
            "name": asked.name, "pair": order.pair, "side": order.side, "kind": kind,
            "amount": asked.amount, "price": asked.price, "noted_at": order.noted_at,
        }  # fmt: skip
        self._write(row)

    def strike(self, names: Collection[str]) -> None:
        """They are over."""
        self._to_strike |= set(names)
        self._write(None)

    def _write(self, row: Mapping[str, Any] | None) -> None:
        struck = set(self._to_strike)

        def work(connection: Connection, now: Moment) -> None:
            if struck:
                connection.execute(delete(NOTED_ORDERS).where(NOTED_ORDERS.c.name.in_(struck)))
            if row is not None:
                connection.execute(insert(NOTED_ORDERS).values(**row))

        if not self._book.is_shared:
            return
        try:
            self._book.write(work)
        except BookUnavailable as error:
            if not self._told:
                logger.warning(
                    "An order is not on record: %s. If its answer is lost and the process ends, "
                    "the next one does not know of it.", error,
                )  # fmt: skip
            self._told = True
            return
        self._told = False
        self._to_strike -= struck

    def read(self, pairs: Collection[str]) -> list[NotedOrder]:
        """What the last process left.

        :param pairs: those of the exchange.
        :raises BookUnavailable: if it cannot be read.
        """
        if not self._book.is_shared:
            return []

        def work(connection: Connection, now: Moment) -> list[dict[str, Any]]:
            if not connection.dialect.has_table(connection, NOTED_ORDERS.name):
                return []
            newest = select(NOTED_ORDERS).order_by(NOTED_ORDERS.c.noted_at.desc())
            return [dict(row) for row in connection.execute(newest.limit(READ_AT_MOST)).mappings()]

        nothing: list[dict[str, Any]] = []
        passed = (
            self._book.border.passed(NOTED_ORDERS.name, row["name"], partial(_order, row, pairs))
            for row in self._book.read(work, empty=nothing)
        )
        return [order for order in passed if order is not None]


def _order(row: Mapping[str, Any], pairs: Collection[str]) -> NotedOrder:
    """:raises Misfit: if *row* is no order of a bot of ours that can be looked for."""
    found = shared_rows.noted_order(row)
    if not is_bots(found["name"]):
        raise Misfit("its name is none that a bot of ours gives")
    if found["pair"] not in pairs:
        raise Misfit(f"the exchange does not list {found['pair']}")
    if not found["amount"] > 0 or not (found["price"] is None or found["price"] > 0):
        raise Misfit("its amount or its price is not positive")
    age = datetime.now(UTC) - found["noted_at"]
    if not -CLOCKS_DIFFER <= age <= LOOKED_FOR:
        raise Misfit(
            f"sent at {found['noted_at']:%Y-%m-%d %H:%M} UTC, and its answer was lost: look order "
            f"{found['name']} of {found['pair']} up on the exchange"
        )
    kind = found["kind"]
    return NotedOrder(
        pair=found["pair"],
        side=found["side"],
        is_exit=kind != "entry",
        asked=Asked(found["amount"], found["price"], found["name"], is_stop=kind == "stop"),
        noted_at=found["noted_at"],
    )

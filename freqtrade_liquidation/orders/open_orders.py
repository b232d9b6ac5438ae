"""What the exchange's lists of open orders say: what could add risk, what only reduces it."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.pagination import Listed, Row
from freqtrade_liquidation.exchange.rules.kinds import kind_of
from freqtrade_liquidation.exchange.rules.lists import Question
from freqtrade_liquidation.exchange.rules.marks import can_only_reduce
from freqtrade_liquidation.exchange.rules.renamed import (
    contract_name,
    is_linear_perpetual,
    may_be_of,
)
from freqtrade_liquidation.exchange.rules.stops import stop_terms
from freqtrade_liquidation.model import UNLISTED, OpenOrder, OrderRole
from freqtrade_liquidation.orders.positions import NAMELESS
from freqtrade_liquidation.orders.trades import KnownTrade

MORE: Final = OpenOrder(
    pair=UNLISTED, order_id="not listed", role=OrderRole.ENTRY, side="", amount=0.0
)
"""Stands for what a list that was cut off does not show: it could open a position."""


class OrderReader:
    """Reads ccxt's open orders.

    :param trades: freqtrade's open trades; their own orders are known by id.
    """

    def __init__(self, exchange: Exchange, trades: Sequence[KnownTrade]) -> None:
        self._exchange = exchange
        self.trades = trades

    def read(self, lists: Iterable[tuple[Question, Listed]]) -> list[OpenOrder]:
        """What *lists* show in linear swaps, as far as they go."""
        return [
            self._order(row, question)
            for question, listed in lists
            for row in listed.rows
            if self._is_in_scope(row, mixed=question.mixed)
        ]

    def known_role(self, pair: str, order_id: str) -> OrderRole | None:
        """As freqtrade's database has it; ``None`` = it does not know the order."""
        for trade in self._trades_of(pair):
            for order in trade.open_orders:
                if order.order_id == order_id:
                    if order.is_stop:
                        return OrderRole.PROTECTIVE
                    exits = order.role_side == trade.side.exit_side
                    return OrderRole.EXIT if exits else OrderRole.ENTRY
        return None

    def _order(self, row: Row, question: Question) -> OpenOrder:
        """:param question: for the list that shows it."""
        api: Any = self._exchange._api
        kind, symbol = question.kind, row["symbol"]
        if not question.mixed:
            symbol = contract_name(self._exchange.markets, symbol)
        pair, order_id = symbol or NAMELESS, str(row["id"])
        terms = stop_terms(self._exchange, row)
        known = self.known_role(pair, order_id)
        role = OrderRole.ENTRY  # what cannot be shown to reduce could add risk
        if can_only_reduce(api, row) or known in (OrderRole.EXIT, OrderRole.PROTECTIVE):
            waits = kind is not None and kind.protects
            is_stop = waits or terms["stop_price"] is not None
            role = OrderRole.PROTECTIVE if is_stop else OrderRole.EXIT
        contracts = row.get("remaining") or row.get("amount") or 0.0
        return OpenOrder(
            pair=pair,
            order_id=order_id,
            role=role,
            side=row.get("side") or "",
            amount=self._exchange._contracts_to_amount(pair, float(contracts)),
            conditional=kind is not None,
            kind=None if kind is None else kind_of(api, kind.name, row),
            trade_id=self._known_trade_id(pair, order_id),
            **terms,
        )

    def _is_in_scope(self, row: Row, *, mixed: bool) -> bool:
        """As positions: what is known to be no linear swap (spot, inverse, dated) is not in scope,
        unless a trade is in it, whatever it is called today."""
        markets, symbol = self._exchange.markets, row.get("symbol") or NAMELESS
        if not mixed:
            symbol = contract_name(markets, symbol)
        market: Any = markets.get(symbol)
        if market is None or is_linear_perpetual(market):
            return True
        pairs = {trade.pair for trade in self.trades}
        return symbol in pairs or may_be_of(markets, symbol, pairs) is not None

    def _known_trade_id(self, pair: str, order_id: str) -> int | None:
        return next(
            (
                trade.trade_id
                for trade in self._trades_of(pair)
                if any(order.order_id == order_id for order in trade.open_orders)
            ),
            None,
        )

    def _trades_of(self, pair: str) -> list[KnownTrade]:
        return [trade for trade in self.trades if trade.pair == pair]

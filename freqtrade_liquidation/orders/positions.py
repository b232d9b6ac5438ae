"""What the exchange's list of positions says: what to close, what only a person can close."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.digits import digits
from freqtrade_liquidation.exchange.rules.position_rows import closing_params
from freqtrade_liquidation.exchange.rules.renamed import (
    contract_name,
    is_linear_perpetual,
    may_be_of,
    names_today,
    trade_pair,
)
from freqtrade_liquidation.model import UNLISTED, Position, Side
from freqtrade_liquidation.orders.amounts import Amounts
from freqtrade_liquidation.orders.trades import KnownTrade

NAMELESS: Final = "unknown market"
"""Stands for the pair where the exchange names none."""
MORE: Final = Position(
    pair=UNLISTED,
    side=Side.UNKNOWN,
    amount=1.0,
    obstacle="the exchange lists no more than those seen, and there may be others: look there",
)
"""Stands for what a list that was cut off does not show: it counts as open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One list of positions, read.

    :param positions: in scope; those that we cannot close carry the reason as their obstacle.
    :param remarks: by pair, in words: open, and not in scope.
    """

    positions: list[Position] = field(default_factory=list)
    remarks: dict[str, str] = field(default_factory=dict)


class PositionReader:
    """Reads ccxt's positions. Drops none that is open and in scope, however odd it looks.

    :param account_scope: every linear swap position of the account; else only the trades'.
    """

    def __init__(
        self,
        exchange: Exchange,
        amounts: Amounts,
        trades: Sequence[KnownTrade],
        *,
        account_scope: bool,
    ) -> None:
        self._exchange = exchange
        self._amounts = amounts
        self.trades = trades
        self._account_scope = account_scope

    def read(self, raw: Sequence[Any], *, scope_pairs: Collection[str]) -> Listed:
        """What *raw* shows. Of a pair with several positions, the bot's own comes first.

        Source: ccxt unified position, fields ``symbol``, ``side``, ``contracts``, ``contractSize``,
        ``entryPrice`` and ``markPrice``; a position without ``contracts`` is none.
        """
        by_pair: dict[str, list[Any]] = {}
        for entry in raw:
            if entry.get("contracts"):
                name = contract_name(self._exchange.markets, entry.get("symbol"))
                by_pair.setdefault(name or NAMELESS, []).append(entry)
        listed = Listed()
        for pair, entries in by_pair.items():
            if not self._is_in_scope(pair, scope_pairs):
                continue
            market = self._exchange.markets.get(pair)
            obstacle = self._obstacle(pair, entries)
            if market and not is_linear_perpetual(market):
                trade = may_be_of(self._exchange.markets, pair, scope_pairs)
                if trade is None:
                    listed.remarks[pair] = "not a linear swap: not in scope, still open"
                    continue
                obstacle = f"it may be {trade}, which the exchange lists no more: close it by hand"
            positions = [self._position(pair, entry, obstacle) for entry in entries]
            listed.positions.extend(sorted(positions, key=_bots_own_first))
        return listed

    def _is_in_scope(self, pair: str, scope_pairs: Collection[str]) -> bool:
        api, markets = self._exchange._api, self._exchange.markets
        if self._account_scope or trade_pair(api, markets, pair, scope_pairs) in scope_pairs:
            return True
        # A market whose id is written in a way that no rule knows could be any trade's.
        return pair not in markets and any(not names_today(markets, p) for p in scope_pairs)

    def _obstacle(self, pair: str, entries: Sequence[Any]) -> str | None:
        """Why no closing order may be sent for *pair*, in words; ``None`` = nothing."""
        if pair not in self._exchange.markets:
            return "its market is not known to freqtrade: close it by hand (amount in contracts)"
        if any(_side(entry) is Side.UNKNOWN for entry in entries):
            return "the exchange does not say whether it is long or short: close it by hand"
        if len(entries) > 1 and not self._are_told_apart(entries):
            each = " and ".join(f"{_side(e)} {digits(self._amount(pair, e))}" for e in entries)
            return f"open as {each} at once, and no order can be sure to meet one: close by hand"
        return None

    def _are_told_apart(self, entries: Sequence[Any]) -> bool:
        """By the order that would close each of them; where the account is shared by their sides
        alone: nobody tells which one of a side is the bot's."""
        rows = [(_side(e), closing_params(self._exchange._api, e)) for e in entries]
        by_side = len({side for side, _ in rows}) == len(rows)
        return all(
            params is not None and rows.count((side, params)) == 1 for side, params in rows
        ) and (by_side or self._account_scope)

    def _position(self, pair: str, raw: Any, obstacle: str | None) -> Position:
        api, markets = self._exchange._api, self._exchange.markets
        side, known = _side(raw), pair in markets
        return Position(
            pair=pair,
            side=side,
            amount=self._amount(pair, raw),
            entry_price=raw.get("entryPrice"),
            minimum_amount=self._amounts.minimum(pair) if known else 0.0,
            maximum_amount=self._amounts.maximum(pair) if known else None,
            trade_ids=tuple(
                t.trade_id
                for t in self.trades
                if t.pair == trade_pair(api, markets, pair, {t.pair})
                and side in (t.side, Side.UNKNOWN)
            ),
            obstacle=obstacle,
            mark_price=raw.get("markPrice"),
            row=closing_params(self._exchange._api, raw),
        )

    def _amount(self, pair: str, raw: Any) -> float:
        """Base currency; contracts where the market is not known."""
        contracts = abs(float(raw["contracts"]))
        if pair in self._exchange.markets:
            return self._exchange._contracts_to_amount(pair, contracts)
        return contracts


def _bots_own_first(position: Position) -> tuple[bool, bool]:
    return not position.trade_ids, position.side is Side.SHORT


def _side(raw: Any) -> Side:
    return Side(raw["side"]) if raw.get("side") in ("long", "short") else Side.UNKNOWN

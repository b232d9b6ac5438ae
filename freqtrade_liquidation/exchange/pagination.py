"""Lists of positions and orders, page by page and part by part: whole, or known not to be."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import ccxt
from freqtrade.exchange import Exchange

from freqtrade_liquidation.errors import AccountRefused, ExchangeUnavailable
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rows import whole_orders, whole_positions
from freqtrade_liquidation.exchange.rules.lists import (
    Question,
    order_questions,
    position_questions,
)
from freqtrade_liquidation.exchange.rules.raw_lists import Params

MOST_PAGES: Final = 50
"""Of one list. Nobody has more; a list that never ends is no proof of anything."""

Row = Mapping[str, Any]
Ask = Callable[..., list[Any] | None]


@dataclass(slots=True, kw_only=True)
class Listed:
    """One list as it was read.

    :param cut_off: it may be longer than what was read: what is not in it is not proven gone.
    """

    rows: list[Row] = field(default_factory=list)
    cut_off: bool = False


class Lists:
    """Asks *exchange* for all that there is, each part by itself and all parts at once."""

    def __init__(self, exchange: Exchange, wire: ExchangeClient) -> None:
        self._exchange = exchange
        self._wire = wire

    async def positions(self, *, timeout_s: float) -> Listed:
        """ccxt's unified positions. :raises LiquidationError: if a part of them is not readable."""
        questions = position_questions(self._exchange)
        parts = await asyncio.gather(*(self._whole(q, ask_positions, timeout_s) for q in questions))
        return Listed(
            rows=[row for part in parts for row in part.rows],
            cut_off=any(part.cut_off for part in parts),
        )

    async def orders(
        self, pairs: Collection[str], *, timeout_s: float
    ) -> Sequence[tuple[Question, Listed]]:
        """ccxt's unified orders, with the question that each list answers.

        :param pairs: asked for one by one where the exchange lists no orders without a pair.
        :raises LiquidationError: if a part of them is not readable.
        """
        questions = order_questions(self._exchange)
        lists = await asyncio.gather(*(self._orders(q, pairs, timeout_s) for q in questions))
        return list(zip(questions, lists, strict=True))

    async def _orders(self, question: Question, pairs: Collection[str], timeout_s: float) -> Listed:
        try:
            return await self._whole(question, ask_of(question, None), timeout_s)
        except AccountRefused as error:
            if question.kind is None or not question.kind.own_permission:
                raise
            raise ExchangeUnavailable(
                f"orders of the kind {question.kind.name} cannot be listed: {error}"
            ) from error
        except _NeedsPair:
            asks = [ask_of(question, pair) for pair in sorted(pairs)]
            each = await asyncio.gather(*(self._whole(question, ask, timeout_s) for ask in asks))
        return Listed(
            rows=[row for of_pair in each for row in of_pair.rows],
            cut_off=any(of_pair.cut_off for of_pair in each),
        )

    async def _whole(self, question: Question, ask: Ask, timeout_s: float) -> Listed:
        """*question*'s list, all pages."""
        paging, listed, seen = question.paging, Listed(), set[str]()
        following: Params = {}
        for _ in range(MOST_PAGES):
            params = {**first_page(question), **following}
            page = await self._wire.read(partial(ask, params=params), timeout_s=timeout_s)
            if page is None:
                raise _NeedsPair
            new = [row for row in page if _key(row) not in seen]
            seen |= {_key(row) for row in new}
            listed.rows += new
            if paging is None:
                listed.cut_off = question.full is not None and len(page) >= question.full
                return listed
            if len(page) < paging.size:
                return listed
            after = paging.next_page(page, len(listed.rows))
            if after is None:
                return listed
            if not new:
                break  # the same page again: what comes after it cannot be reached
            following = after
        listed.cut_off = True
        return listed


class _NeedsPair(Exception):
    """The exchange lists no orders without a pair."""


def _key(row: Row) -> str:
    """What tells two rows apart: an order's id; a position's pair and side."""
    return f"{row.get('id')} {row.get('symbol')} {row.get('side')}"


def ask_of(question: Question, pair: str | None) -> Ask:
    """What asks for a page of *question*'s list of orders."""
    raw = question.ask
    if raw is None:
        return partial(ask_orders, pair)
    return lambda exchange, params: raw(exchange._api, params)


def first_page(question: Question) -> Params:
    """ccxt's ``params`` for the beginning of *question*'s list."""
    size: Params = {"limit": question.paging.size} if question.paging else {}
    return {**question.params, **size}


def ask_positions(exchange: Exchange, params: Params) -> list[Any]:
    """One page. ccxt's own: freqtrade's Hyperliquid takes a part without an answer for empty."""
    api: Any = exchange._api
    return whole_positions(api, api.fetch_positions(None, params=params))


def ask_orders(pair: str | None, exchange: Exchange, params: Params) -> list[Any] | None:
    """One page; ``None`` = they are not listed without a *pair*."""
    api: Any = exchange._api
    try:
        rows = api.fetch_open_orders(pair, params=params)
    except (ccxt.ArgumentsRequired, ccxt.NotSupported):
        if pair is not None:
            raise
        return None
    return whole_orders(api, rows, of_pair=pair is not None)

"""The requests of a run, each as one call on freqtrade's exchange.

freqtrade's own class decides what is sent (margin mode, position side, order type, contracts): its
``create_order``, ``_get_params``, ``create_stoploss`` and ``cancel_stoploss_order``. Ours are the
client order id and that a futures close is reduce-only.
"""

from collections.abc import Callable, Mapping
from typing import Any

import ccxt
from freqtrade.constants import BuySell
from freqtrade.enums import PriceType, TradingMode
from freqtrade.exchange import Exchange

from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.exchange.rules.endings import ended
from freqtrade_liquidation.exchange.rules.kinds import cancel_rule
from freqtrade_liquidation.exchange.rules.lookup import find_order
from freqtrade_liquidation.model import ClosingOrder, OpenOrder, Side
from freqtrade_liquidation.orders.executions import Close

Request = Callable[[Exchange], Any]
"""Called with a copy of the exchange that is used for nothing else."""


def cancel(order: OpenOrder) -> Request:
    """Takes *order* off the book, as its kind wants it; a stop as freqtrade takes its own off."""

    def send(exchange: Exchange) -> Any:
        own_way = cancel_rule(exchange, order.kind)
        if own_way is not None:
            return own_way(exchange, str(order.kind), order.order_id, order.pair)
        if order.conditional:
            return exchange.cancel_stoploss_order(order.order_id, order.pair)
        return exchange.cancel_order(order.order_id, order.pair)

    return send


def needs_price(exchange: Exchange, order: ClosingOrder) -> bool:
    """Whether a market order has to carry a price here (hyperliquid: its slippage limit)."""
    return bool(exchange._config["dry_run"] or exchange._order_needs_price(_side(order), "market"))


def price(order: ClosingOrder) -> Request:
    """What the other side of the book asks now, in quote currency."""

    def ask(exchange: Exchange) -> float:
        short = order.side is Side.SHORT
        return float(exchange.get_rate(order.pair, side="exit", is_short=short, refresh=True))

    return ask


def close(order: ClosingOrder, *, leverage: float, rate: float) -> Request:
    """A market order; on futures reduce-only, and for the position's own side and margin mode.

    freqtrade sets leverage and margin mode before an order that is not reduce-only, and leaves
    them alone before this one. Source: ``Exchange.create_order``.

    :param rate: quote currency; used where :func:`needs_price` says so.
    """

    def send(exchange: Exchange) -> Any:
        params_of = exchange._get_params

        def ours(*args: Any, **kwargs: Any) -> dict[str, Any]:
            own = {**(order.row or {}), "clientOrderId": order.client_order_id}
            return {**params_of(*args, **kwargs), **own}

        exchange._get_params = ours  # type: ignore[method-assign]
        answer = exchange.create_order(
            pair=order.pair,
            ordertype="market",
            side=_side(order),
            amount=order.amount,
            rate=rate,
            leverage=leverage,
            reduceOnly=exchange.trading_mode == TradingMode.FUTURES,
            initial_order=False,
        )
        return ended(exchange._api, answer) if answer else answer

    return send


def stop(order: OpenOrder, amount: float, stop_price: float, *, leverage: float) -> Request:
    """*order* again, for *amount* (base currency): the same trigger, watched in the same price, and
    the same limit, or none."""

    def send(exchange: Exchange) -> Any:
        _as_it_was(exchange, order, stop_price)
        types: dict[str, Any] = {"stoploss": "market" if order.limit_price is None else "limit"}
        if order.trigger_source is not None:
            types["stoploss_price_type"] = PriceType(order.trigger_source)
        return exchange.create_stoploss(
            pair=order.pair,
            amount=amount,
            stop_price=stop_price,
            order_types=types,
            side="sell" if order.side == "sell" else "buy",
            leverage=leverage,
        )

    return send


def _as_it_was(exchange: Exchange, order: OpenOrder, stop_price: float) -> None:
    """Makes the copy *exchange* place *order* and not what the configuration asks of a stop.

    Source: freqtrade ``Exchange.create_stoploss``: its limit is a ratio of the stop price, its type
    the only one where the exchange's list has but one, and it sets leverage and margin mode first.
    """
    copied: Any = exchange
    copied._lev_prep = lambda *args, **kwargs: None
    kind = "market" if order.limit_price is None else "limit"
    own_types: Mapping[str, str] = exchange.get_option("stoploss_order_types") or {}
    types = {kind: kind} if order.takes_profit or kind not in own_types else own_types
    limit = order.limit_price
    if (
        kind == "market"
        and "market" not in own_types
        and exchange._order_needs_price("sell" if order.side == "sell" else "buy", "market")
    ):
        types, limit = {"limit": "market"}, stop_price  # a market order that bears a price
    copied._ft_has = {**exchange._ft_has, "stoploss_order_types": types}
    copied._get_stop_limit_rate = lambda *args, **kwargs: limit
    if order.takes_profit:
        params_of, own = exchange._get_stop_params, exchange._ft_has["stop_price_param"]

        def params(*args: Any, **kwargs: Any) -> dict[str, Any]:
            sent = params_of(*args, **kwargs)
            return {"takeProfitPrice": sent.pop(own), **sent}

        copied._get_stop_params = params


def read_back(sent: Close) -> Request:
    """What became of *sent*: by the exchange's id, else by the name that we gave it."""
    order, answer = sent.order, sent.answer

    def ask(exchange: Exchange) -> Any:
        if answer is not None or exchange._config["dry_run"]:
            found = exchange.fetch_order(str((answer or {})["id"]), order.pair)
        else:
            found = find_order(exchange, order.pair, order.client_order_id, sent.sent_at)
        return ended(exchange._api, found) if found else found

    return ask


def checked(ask: Request, check: Callable[[Any], Any]) -> Request:
    """*ask*, whose answer is none where *check* does not take it: the question is asked again.

    :param check: raises ``ExchangeUnavailable``.
    """

    def ask_and_check(exchange: Exchange) -> Any:
        answer = ask(exchange)
        try:
            return check(answer)
        except ExchangeUnavailable as error:
            raise ccxt.BadResponse(str(error)) from error

    return ask_and_check


def stop_state(order_id: str, pair: str) -> Request:
    """A stop order, and what it became once triggered, as freqtrade reads its own."""
    return lambda exchange: exchange.fetch_stoploss_order(order_id, pair)


def _side(order: ClosingOrder) -> BuySell:
    return "sell" if order.side is Side.LONG else "buy"

"""What a liquidation would do now. Sends nothing but questions."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange
from freqtrade.persistence import Trade

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.model import OpenOrder, OrderRole, Position, Side
from freqtrade_liquidation.orders.choosing import order_manager_for
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.trades import open_trades
from freqtrade_liquidation.threads import in_thread

if TYPE_CHECKING:
    from freqtrade.freqtradebot import FreqtradeBot

logger = logging.getLogger(__name__)

Prices = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLine:
    """One position that would be closed.

    :param amount: base currency.
    :param price: quote currency, best bid for a long, best ask for a short, else the last price;
        ``None`` = not known.
    :param tracked: ``False`` = freqtrade's database does not know it.
    :param estimated_profit: stake currency, fees included; ``None`` = not known.
    :param estimated_cost: stake currency, the taker fee of the close; ``None`` = not known.
    :param protected: a stop stands on the exchange.
    :param dust: too small for the exchange to take an order: it stays.
    :param obstacle: why it cannot be closed by us, in words; ``None`` = it can.
    """

    pair: str
    side: Side
    amount: float
    price: float | None
    tracked: bool
    estimated_profit: float | None
    estimated_cost: float | None
    protected: bool
    dust: bool
    obstacle: str | None = None

    @property
    def can_be_closed(self) -> bool:
        """A run would send an order for it."""
        return not self.dust and self.obstacle is None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "pair": self.pair,
            "side": str(self.side),
            "amount": self.amount,
            "price": self.price,
            "tracked": self.tracked,
            "estimated_profit": self.estimated_profit,
            "estimated_cost": self.estimated_cost,
            "protected": self.protected,
            "dust": self.dust,
            "obstacle": self.obstacle,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a liquidation asked for by a person would do now.

    :param pairs: asked for; ``None`` = the whole book.
    :param entry_orders: resting orders that would be cancelled.
    :param not_open: asked for, and nothing is open there.
    :param overrides: what of the configuration the command overrides, in words.
    :param state_after: of the bot, in words.
    :param currency: the stake currency.
    :param age_s: seconds since the exchange was asked.
    """

    scope: str
    pairs: frozenset[str] | None
    lines: tuple[PreviewLine, ...]
    entry_orders: int
    not_open: tuple[str, ...]
    overrides: tuple[str, ...]
    state_now: str
    state_after: str
    currency: str
    age_s: float = 0.0

    @property
    def to_close(self) -> int:
        """How many positions a run would send an order for."""
        return sum(line.can_be_closed for line in self.lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "scope": self.scope,
            "pairs": None if self.pairs is None else sorted(self.pairs),
            "positions": [line.to_dict() for line in self.lines],
            "entry_orders": self.entry_orders,
            "not_open": list(self.not_open),
            "overrides": list(self.overrides),
            "state_now": self.state_now,
            "state_after": self.state_after,
            "currency": self.currency,
            "age_s": round(self.age_s, 1),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The whole book, as the exchange showed it at one time."""

    lines: tuple[PreviewLine, ...]
    orders: tuple[OpenOrder, ...]


async def look_ahead(
    bot: "FreqtradeBot", config: LiquidationConfig, pairs: frozenset[str] | None
) -> Preview:
    """Asks the exchange once, side by side, within the time of a run.

    :raises LiquidationError: if it does not answer.
    """
    return preview_of(bot, config, await look(bot, config, pairs), pairs)


async def look(
    bot: "FreqtradeBot", config: LiquidationConfig, pairs: frozenset[str] | None = None
) -> Look:
    """See :func:`look_ahead`."""
    trades = await in_thread(lambda: open_trades(bot.config), name="trades")
    wire = ExchangeClient(bot.exchange)
    venue = order_manager_for(
        bot.exchange, wire, trades, gate=EntryGate(), account_scope=config.scope == "account"
    )
    each_s = config.timeout_seconds / 2
    try:
        positions, orders = await asyncio.gather(
            venue.get_all_positions(timeout_s=each_s), venue.get_open_orders(timeout_s=each_s)
        )
        positions = [p for p in positions if pairs is None or p.pair in pairs]
        priced = sorted({p.pair for p in positions if p.obstacle is None})
        prices = await _prices(wire, priced, each_s) if priced else {}
    finally:
        wire.close()
    lines = await in_thread(
        lambda: tuple(_line(bot, position, orders, prices) for position in positions),
        name="preview",
    )
    return Look(lines=lines, orders=tuple(orders))


def preview_of(
    bot: "FreqtradeBot",
    config: LiquidationConfig,
    seen: Look,
    pairs: frozenset[str] | None,
    *,
    age_s: float = 0.0,
) -> Preview:
    """What *seen* shows of *pairs*."""
    lines = tuple(line for line in seen.lines if pairs is None or line.pair in pairs)
    return Preview(
        scope=scope_of(bot, config),
        pairs=pairs,
        lines=lines,
        entry_orders=_entries(seen.orders, pairs),
        not_open=tuple(sorted((pairs or frozenset()) - {line.pair for line in lines})),
        overrides=overrides(config),
        state_now=bot.state.name,
        state_after=state_after(bot, pairs),
        currency=bot.config["stake_currency"],
        age_s=age_s,
    )


def scope_of(bot: "FreqtradeBot", config: LiquidationConfig) -> str:
    """``account`` or ``trades``.

    Spot is always the bot's trades, for coins may be anybody's; a dry-run, for it has no others.
    """
    of_trades = bot.exchange.trading_mode == TradingMode.SPOT or bot.config["dry_run"]
    return "trades" if of_trades else config.scope


def overrides(config: LiquidationConfig) -> tuple[str, ...]:
    """What of *config* a person's command overrides, in words."""
    switched_off = {
        "emergency_liquidation is false": not config.emergency_liquidation,
        "close_positions is false": not config.close_positions,
        "cancel_orders is false": not config.cancel_orders,
    }
    return tuple(words for words, holds in switched_off.items() if holds)


def state_after(bot: "FreqtradeBot", pairs: frozenset[str] | None) -> str:
    """What becomes of *bot*, in words."""
    if pairs is None:
        return "STOPPED, latched until /start or release"
    barred = ", ".join(sorted(pairs))
    return f"{bot.state.name} as now; no entries into {barred} until /start"


def _entries(orders: Sequence[OpenOrder], pairs: frozenset[str] | None) -> int:
    return sum(
        order.role is OrderRole.ENTRY and (pairs is None or order.pair in pairs) for order in orders
    )


async def _prices(wire: ExchangeClient, pairs: list[str], timeout_s: float) -> Prices:
    def ask(exchange: Exchange) -> Prices:
        api: Any = exchange._api
        for ability, question in (
            ("fetchBidsAsks", "fetch_bids_asks"),
            ("fetchTickers", "fetch_tickers"),
        ):
            if exchange.exchange_has(ability):
                return dict(getattr(api, question)(pairs))
        return {pair: api.fetch_ticker(pair) for pair in pairs}

    return await wire.read(ask, timeout_s=timeout_s)


def _line(
    bot: "FreqtradeBot", position: Position, orders: Sequence[OpenOrder], prices: Prices
) -> PreviewLine:
    price = _price(position, prices.get(position.pair, {}))
    return PreviewLine(
        pair=position.pair,
        side=position.side,
        amount=position.amount,
        price=price,
        tracked=bool(position.trade_ids),
        estimated_profit=None if price is None else _profit(bot, position, price),
        estimated_cost=None if price is None else _fee(bot, position, price),
        protected=any(o.role is OrderRole.PROTECTIVE and o.pair == position.pair for o in orders),
        dust=position.is_dust,
        obstacle=position.obstacle,
    )


def _price(position: Position, ticker: Mapping[str, Any]) -> float | None:
    best = ticker.get("bid" if position.side is Side.LONG else "ask") or ticker.get("last")
    return float(best) if best else None


def _profit(bot: "FreqtradeBot", position: Position, price: float) -> float | None:
    """freqtrade's own reckoning for its trades; price difference less the fee for the others."""
    if position.trade_ids:
        try:
            trades = Trade.get_trades([Trade.id.in_(position.trade_ids)]).all()
            return float(sum(trade.calculate_profit(price).profit_abs for trade in trades))
        except Exception:  # a row that makes no sense costs its estimate, not the preview
            logger.warning("No profit is estimated for %s.", position.pair, exc_info=True)
            return None
        finally:
            Trade.session.remove()
    fee = _fee(bot, position, price)
    if fee is None or position.entry_price is None:
        return None
    gain = (price - position.entry_price) * position.amount
    return (gain if position.side is Side.LONG else -gain) - fee


def _fee(bot: "FreqtradeBot", position: Position, price: float) -> float | None:
    if bot.exchange.get_pair_quote_currency(position.pair) != bot.config["stake_currency"]:
        return None
    ratio = bot.exchange.get_fee(symbol=position.pair, taker_or_maker="taker")
    return float(ratio * position.amount * price)

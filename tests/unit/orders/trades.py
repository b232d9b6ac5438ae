"""Trades as freqtrade's database has them, made small."""

from datetime import UTC, datetime

from freqtrade_liquidation.model import Side
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade


def known_trade(pair: str, *, amount: float, orders: tuple[KnownOrder, ...] = ()) -> KnownTrade:
    """A long, opened on the first of January."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return KnownTrade(
        trade_id=1, pair=pair, base_currency=pair.partition("/")[0], side=Side.LONG,
        amount=amount, leverage=1.0, open_rate=1.0, fee_open=0.0, opened_at=moment,
        last_fill_at=moment, open_orders=orders,
    )  # fmt: skip

"""An open book, put into the exchange and into freqtrade's database without trading it.

It is put there when the bot sleeps: freqtrade asks about each open trade when it starts, at the
pace of ccxt's throttle (1.5 s for the funding fees of one).
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from freqtrade.enums import TradingMode
from freqtrade.persistence import Order, Trade, init_db

from freqtrade_liquidation.drill.exchange import PracticeExchange

STAKE: Final = 200.0
LEVERAGE: Final = 3
STOP_RATIO: Final = 0.5 / LEVERAGE
"""Of the price: what the benchmark's strategy asks for."""


def seed(
    exchange: PracticeExchange, database: Path, pairs: list[str], *, futures: bool = True
) -> None:
    """A position with its stop in each of *pairs*, known to the bot; on futures long and short in
    turn."""
    init_db(f"sqlite:///{database}")
    try:
        for number, pair in enumerate(pairs):
            trade = _open(exchange, pair, is_short=number % 2 == 1) if futures else None
            Trade.session.add(trade or _bought(exchange, pair))
        Trade.commit()
    finally:
        Trade.session.remove()
        Trade.session.get_bind().dispose()  # type: ignore[union-attr]


def _bought(exchange: PracticeExchange, pair: str) -> Trade:
    """On spot, where the stop locks the coins."""
    amount = exchange.amount_for(pair, STAKE)
    entry_id = exchange.seed_order(pair, "buy", amount)
    rate = float(next(f for f in exchange.fills(futures=False) if f["pair"] == pair)["price"])
    exchange.seed_balance(pair.split("/")[0], str(amount))
    stop_price = float(f"{rate * (1 - STOP_RATIO):.4g}")
    stop_id = exchange.seed_order(
        pair, "sell", amount, price=f"{stop_price * 0.99:.4g}", stop_price=f"{stop_price:.4g}"
    )
    trade = _trade(pair, amount, rate, is_short=False, futures=False)
    trade.adjust_stop_loss(rate, -STOP_RATIO, initial=True)
    trade.orders.append(_order(pair, entry_id, "buy", "buy", amount, rate, filled=True))
    trade.orders.append(_order(pair, stop_id, "stoploss", "sell", amount, stop_price))
    trade.update_fee(0.001 * STAKE, "USDT", 0.001, "buy")
    trade.recalc_trade_from_orders()
    return trade


def _open(exchange: PracticeExchange, pair: str, *, is_short: bool) -> Trade:
    entry_side, exit_side = ("sell", "buy") if is_short else ("buy", "sell")
    exchange.seed_position(pair, 0, leverage=LEVERAGE)
    amount = exchange.amount_for(pair, STAKE * LEVERAGE)
    entry_id = exchange.seed_order(pair, entry_side, amount)
    fill = next(f for f in reversed(exchange.fills()) if str(f["orderId"]) == entry_id)
    rate = float(fill["price"])
    stop_price = float(f"{rate * (1 + STOP_RATIO if is_short else 1 - STOP_RATIO):.4g}")
    stop_id = exchange.seed_stop(pair, exit_side, amount, stop_price)
    trade = _trade(pair, amount, rate, is_short=is_short)
    trade.adjust_stop_loss(rate, -STOP_RATIO * LEVERAGE, initial=True)
    trade.orders.append(_order(pair, entry_id, entry_side, entry_side, amount, rate, filled=True))
    trade.orders.append(_order(pair, stop_id, "stoploss", exit_side, amount, stop_price))
    trade.update_fee(float(fill["commission"]), "USDT", 0.0005, entry_side)
    trade.recalc_trade_from_orders()
    return trade


def _trade(pair: str, amount: float, rate: float, *, is_short: bool, futures: bool = True) -> Trade:
    return Trade(
        pair=pair, base_currency=pair.split("/")[0], stake_currency="USDT", stake_amount=STAKE,
        amount=amount, amount_requested=amount, is_open=True, fee_open=0.0005, fee_close=0.0005,
        open_rate=rate, open_rate_requested=rate, open_date=datetime.now(UTC), exchange="binance",
        strategy="BenchmarkStrategy", timeframe=5, leverage=float(LEVERAGE) if futures else 1.0,
        trading_mode=TradingMode.FUTURES if futures else TradingMode.SPOT, is_short=is_short,
        funding_fees=0.0,
    )  # fmt: skip


def _order(
    pair: str, order_id: str, role: str, side: str, amount: float, price: float, *,
    filled: bool = False,
) -> Order:  # fmt: skip
    now = datetime.now(UTC)
    answer: dict[str, Any] = {
        "id": order_id, "symbol": pair, "status": "closed" if filled else "open", "side": side,
        "type": "market" if filled else "stop_market", "amount": amount, "price": price,
        "average": price if filled else None, "filled": amount if filled else 0.0,
        "remaining": 0.0 if filled else amount, "cost": amount * price if filled else 0.0,
        "timestamp": int(now.timestamp() * 1000), "datetime": now.isoformat(),
        "stopPrice": None if filled else price,
    }  # fmt: skip
    return Order.parse_from_ccxt_object(answer, pair, role, amount, price)

"""The markets of the practice exchange, with limits as Binance has them."""

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

D = Decimal
_ONE: Final = D(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One market: a perpetual or a spot pair.

    :param symbol: Binance's id, as ``BTCUSDT``; spot and futures share it.
    :param price: where the price starts.
    :param max_amount: ``LOT_SIZE``, for limit orders; base currency.
    :param max_market_amount: ``MARKET_LOT_SIZE``, for market orders; base currency.
    :param min_notional: quote currency; futures do not apply it to reduce-only orders.
    :param contract_size: base currency of one contract, where the exchange counts in contracts.
    """

    symbol: str
    base: str
    quote: str
    futures: bool
    price: Decimal
    tick: Decimal
    step: Decimal
    max_amount: Decimal
    max_market_amount: Decimal
    min_notional: Decimal
    max_leverage: int = 125
    contract_size: Decimal = _ONE

    @property
    def pair(self) -> str:
        """freqtrade's name, as ``BTC/USDT:USDT`` or ``BTC/USDT``."""
        pair = f"{self.base}/{self.quote}"
        return f"{pair}:{self.quote}" if self.futures else pair

    def round_price(self, price: Decimal) -> Decimal:
        """:return: *price* on the tick below or at it; at least one tick."""
        return max(self.tick, price // self.tick * self.tick)

    def round_amount(self, amount: Decimal) -> Decimal:
        """:return: *amount* on the step below or at it."""
        return amount // self.step * self.step


#: base, price, tick, step, MARKET_LOT_SIZE, futures' minimum notional
_REAL: Final = [
    ("BTC", "65000", "0.1", "0.001", "120", "100"),
    ("ETH", "3200", "0.01", "0.001", "2000", "20"),
    ("SOL", "150", "0.01", "0.01", "30000", "5"),
    ("XRP", "0.6", "0.0001", "0.1", "2000000", "5"),
    ("ADA", "0.45", "0.0001", "1", "1000000", "5"),
    ("DOGE", "0.12", "0.00001", "1", "30000000", "5"),
    ("LTC", "80", "0.01", "0.001", "5000", "20"),
    ("BNB", "580", "0.01", "0.01", "2000", "5"),
    ("LINK", "14", "0.001", "0.01", "30000", "20"),
    ("AVAX", "28", "0.001", "0.1", "20000", "5"),
    ("DOT", "6", "0.001", "0.1", "50000", "5"),
    ("TRX", "0.13", "0.00001", "1", "5000000", "5"),
]


def _market(row: tuple[str, str, str, str, str, str], *, futures: bool, quote: str) -> Market:
    base, price, tick, futures_step, market_max, notional = row
    step = D(futures_step) / (1 if futures else 100 if D(price) > 1000 else 10)  # spot is finer
    return Market(
        symbol=f"{base}{quote}", base=base, quote=quote, futures=futures, price=D(price),
        tick=D(tick), step=step, max_amount=D(market_max) * 10,
        max_market_amount=D(market_max), min_notional=D(notional) if futures else D(5),
    )  # fmt: skip


def synthetic_row(number: int, seed: int) -> tuple[str, str, str, str, str, str]:
    """:return: base, price, tick, step, maximum at market, minimum notional of ``P001`` …"""
    rng = random.Random(f"{seed}/{number}")
    price = rng.choice(["0.25", "1.8", "7.5", "32", "110", "900"])
    tick = {"0.25": "0.0001", "1.8": "0.0001", "7.5": "0.001", "32": "0.01"}.get(price, "0.01")
    step = "1" if D(price) < 2 else "0.1" if D(price) < 50 else "0.001"
    market_max = str(int(D(2_000_000) / D(price)))
    return (f"P{number:03d}", price, tick, step, market_max, "5")


def check_synthetic(count: int) -> None:
    """:raises ValueError: if *count* is not within 0…250."""
    if not 0 <= count <= 250:
        raise ValueError(f"synthetic markets: {count} is not within 0…250")


def default_markets(*, futures: bool, synthetic: int = 0, seed: int = 1) -> dict[str, Market]:
    """:return: twelve USDT markets, futures also BTCUSDC, and *synthetic* ones named ``P001USDT``.

    :raises ValueError: if *synthetic* is not within 0…250.
    """
    check_synthetic(synthetic)
    rows = _REAL + [synthetic_row(number, seed) for number in range(1, synthetic + 1)]
    markets = [_market(row, futures=futures, quote="USDT") for row in rows]
    if futures:
        markets.append(_market(_REAL[0], futures=True, quote="USDC"))
    return {market.symbol: market for market in markets}

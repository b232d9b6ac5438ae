"""One run of the real manager on a practice exchange, and what that exchange saw of it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation import LiquidationConfig, LiquidationManager
from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.host.bookkeeping import Bookkeeper
from freqtrade_liquidation.host.facts import FactFinder
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import BookedPair, Side
from freqtrade_liquidation.orders.choosing import OrderManager
from freqtrade_liquidation.orders.executions import filled_by
from freqtrade_liquidation.orders.trades import KnownTrade
from tests.integration.exchanges import BTC, ETH, SPOT, known_order, on, trade
from tests.stopwatch import Stopwatch

SOL, SPOT_ETH, SPOT_SOL = "SOL/USDT:USDT", "ETH/USDT", "SOL/USDT"
OWN: Final = {"BTC": Decimal(1), "ETH": Decimal(10), "SOL": Decimal(100)}
"""Coins of the user's own on the spot account, beside the bot's."""


class TimedAuditLog(MemoryAuditLog):
    """Notes when each batch was on record, on the clock of the exchange's log."""

    def __init__(self) -> None:
        super().__init__()
        self.timed: list[tuple[float, AuditEvent]] = []

    def record(self, events: Sequence[AuditEvent], run: RunRecord | None = None) -> Durability:
        durability = super().record(events, run)
        self.timed += [(time.monotonic(), event) for event in events]
        return durability


class NoDatabase:
    """Asks all that booking asks, of the exchange, and writes it nowhere."""

    def __init__(self, exchange: Exchange, venue: OrderManager) -> None:
        self._venue = venue
        self._finder = FactFinder(exchange, venue._client, venue)

    async def book(
        self, pairs: Sequence[str], *, timeout_s: float, while_closing: bool = False
    ) -> list[BookedPair]:
        """As ``host.booker.Booker``."""
        await self._finder.gather(pairs, self._venue.trades, timeout_s=timeout_s / 2)
        closes = [c for c in self._venue.executions.closes if not c.refused]
        of_pair = {pair: [c for c in closes if c.order.pair == pair] for pair in pairs}
        return [
            BookedPair(pair=pair, error=Bookkeeper._why_unbooked(found), filled=filled_by(found)[0])
            for pair, found in of_pair.items()
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What is on the exchange before a run.

    :param trades: as freqtrade's database knows them.
    :param held: base currency by pair, signed: what the run has to close.
    """

    futures: bool
    trades: tuple[KnownTrade, ...]
    held: Mapping[str, Decimal] = field(default_factory=dict)


def futures_book(practice: PracticeExchange) -> Book:
    """A long and a short with a stop each, and an entry that rests."""
    practice.seed_position(BTC, 0.5)
    practice.seed_position(ETH, -2)
    stops = [
        practice.seed_stop(BTC, "sell", 0.5, 60_000),
        practice.seed_stop(ETH, "buy", 2, 5_000),
    ]
    entry = practice.seed_order(SOL, "buy", 5, 100)
    return Book(
        futures=True,
        trades=(
            trade(BTC, 0.5, known_order(stops[0], "stoploss"), leverage=5.0),
            trade(ETH, 2.0, known_order(stops[1], "stoploss"), trade_id=2, side=Side.SHORT),
            trade(SOL, 0.0, known_order(entry, "buy"), trade_id=3, open_rate=100.0),
        ),
        held={BTC: Decimal("0.5"), ETH: Decimal(-2)},
    )


def big_futures_book(practice: PracticeExchange, count: int) -> Book:
    """*count* longs with a stop each; none of the fills is needed."""
    trades, held = [], {}
    for number, pair in enumerate(practice.pairs()[:count], start=1):
        amount, price = practice.amount_for(pair, 1_000), practice.price(pair)
        market = practice.core.futures.markets[pair.partition(":")[0].replace("/", "")]
        at = market.round_price(Decimal(str(price)) * Decimal("0.9"))
        practice.seed_position(pair, amount)
        stop = practice.seed_stop(pair, "sell", amount, at)
        trades.append(trade(pair, amount, known_order(stop, "stoploss"), trade_id=number))
        held[pair] = Decimal(str(amount))
    return Book(futures=True, trades=tuple(trades), held=held)


def spot_book(practice: PracticeExchange, *, stop: bool = True) -> Book:
    """Coins with a stop (unless not *stop*), coins without, an entry that rests; and the user's own
    coins of each."""
    for asset, bought in {"BTC": "0.2", "ETH": "3", "SOL": "0"}.items():
        practice.seed_balance(asset, OWN[asset] + Decimal(bought))
    orders = []
    if stop:
        stop_id = practice.seed_order(SPOT, "sell", 0.2, 59_000, stop_price=60_000)
        orders = [known_order(stop_id, "stoploss")]
    entry = practice.seed_order(SPOT_SOL, "buy", 5, 100)
    return Book(
        futures=False,
        trades=(
            trade(SPOT, 0.2, *orders),
            trade(SPOT_ETH, 3.0, trade_id=2, open_rate=3_000.0),
            trade(SPOT_SOL, 0.0, known_order(entry, "buy"), trade_id=3, open_rate=100.0),
        ),
        held={SPOT: Decimal("0.2"), SPOT_ETH: Decimal(3)},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A run that is over.

    :param began: ``time.monotonic()`` at its start; *ended* likewise.
    :param withheld_s: how long this process waited for a core meanwhile.
    """

    practice: PracticeExchange
    book: Book
    config: LiquidationConfig
    result: LiquidationResult
    audit: TimedAuditLog
    began: float
    ended: float
    withheld_s: float

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What the exchange was asked, oldest first."""
        return self.practice.requests()

    @property
    def writes(self) -> list[dict[str, Any]]:
        """Those that could change something."""
        return [request for request in self.requests if request["method"] != "GET"]

    def left(self, pair: str) -> Decimal:
        """Base currency, what is there now and the run had to close."""
        if self.book.futures:
            return Decimal(self.practice.positions().get(pair, {}).get("amount", "0"))
        base = pair.split("/", maxsplit=1)[0]
        return Decimal(self.practice.balances()[base]["total"]) - OWN[base]

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Orders that could open a position and rest now."""
        return [o for o in self.practice.open_orders(self.book.futures) if o["side"] == "BUY"]

    @property
    def is_flat(self) -> bool:
        """Nothing is left to close, and nothing could open, now."""
        return not self.entries and all(self.left(pair) == 0 for pair in self.book.held)


def play(
    practice: PracticeExchange,
    exchange: Exchange,
    book: Book,
    *,
    trigger: str = "cli",
    **config: Any,
) -> Played:
    """One run over *book*, until it and what it sent are over."""
    settings = {"max_retries": 2, "retry_delay_seconds": 0.01, "timeout_seconds": 5.0} | config
    checked = LiquidationConfig(**settings)
    audit = TimedAuditLog()
    practice.clear_log()

    async def run(venue: OrderManager) -> tuple[LiquidationResult, float, float, float]:
        venue.booker = NoDatabase(exchange, venue)
        with Stopwatch() as watch:
            began = time.monotonic()
            result = await LiquidationManager(checked, venue, audit).execute_liquidation(trigger)
            ended = time.monotonic()
        return result, began, ended, watch.withheld_s

    result, began, ended, withheld_s = on(exchange, run, *book.trades)
    assert practice.core.log.wait_for(
        lambda rows: all(row.executed or row.code or "late" not in row.faults for row in rows)
    ), "what the exchange does late is done"
    return Played(
        practice=practice, book=book, config=checked, result=result, audit=audit, began=began,
        ended=ended, withheld_s=withheld_s,
    )  # fmt: skip

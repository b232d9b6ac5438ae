"""The live run's own manager and state machine at moments of a backtest, on virtual time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from freqtrade_liquidation.analysis.book import Line, book_close, lines_at, resting_orders
from freqtrade_liquidation.analysis.choosing import Choice
from freqtrade_liquidation.analysis.engine import Backtest
from freqtrade_liquidation.analysis.pace import Pace
from freqtrade_liquidation.analysis.segments import Segments
from freqtrade_liquidation.analysis.slippage import Slippage
from freqtrade_liquidation.analysis.venue import BacktestVenue
from freqtrade_liquidation.analysis.virtual import run
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.sink import AuditSink, Durability, RunRecord
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.manager import LiquidationManager, LiquidationResult
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.orders.amounts import Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One run of the manager.

    :param at: the moment, aware UTC.
    :param flat_after_s: from its beginning until the exchange showed no position; ``None`` = it
        never did.
    :param requests: that it sent.
    :param lines: what it had to close.
    :param profit: realised by its closes, without what the trades had earned before; stake
        currency; ``None`` = not all of it was closed.
    """

    at: datetime
    why: str
    result: LiquidationResult
    flat_after_s: float | None
    requests: int
    lines: tuple[Line, ...]
    profit: float | None
    events: tuple[AuditEvent, ...]


class Replayer:
    """Runs the manager at one moment after the other.

    :param config: the user's own; it decides as it would live.
    :param audit: where the events go, too; never the bot's database. ``None`` = nowhere else.
    :param keep_events: in each replay. A year of moments has gigabytes of them.
    """

    def __init__(
        self,
        backtest: Backtest,
        segments: Segments,
        slippage: Slippage,
        pace: Pace,
        config: LiquidationConfig,
        audit: AuditSink | None = None,
        *,
        keep_events: bool = True,
    ) -> None:
        self._backtest = backtest
        self._segments = segments
        self._slippage = slippage
        self._pace = pace
        self._config = config
        self._audit = audit
        self._keep_events = keep_events
        self._amounts = Amounts(backtest.exchange)

    def replay(self, choice: Choice) -> Replay:
        """One run, from the first look to the report."""
        at, trades = self._backtest.market.moment(choice.index), self._backtest.trades
        lines = lines_at(
            choice.index, trades, self._segments, self._backtest.market, self._slippage
        )
        orders = resting_orders(
            trades, at, lines, stops_on_exchange=self._backtest.stops_on_exchange
        )
        venue = BacktestVenue(
            lines, orders, self._amounts, self._pace,
            book_close=lambda line: self._book_close(line, at),
        )  # fmt: skip
        record = _Record(self._audit, at)
        result = run(self._execute(venue, record))
        return Replay(
            at=at,
            why=choice.why,
            result=result,
            flat_after_s=record.flat_after_s,
            requests=venue.requests,
            lines=tuple(lines),
            profit=_profit(result, lines),
            events=tuple(record.events) if self._keep_events else (),
        )

    async def _execute(self, venue: BacktestVenue, record: "_Record") -> LiquidationResult:
        record.begin()
        manager = LiquidationManager(self._config, venue, record, utcnow=record.now)
        trigger = self._config.triggers[0] if self._config.triggers else "shutdown"
        request = Request(trigger=trigger, reason="liquidation-analysis")
        return await manager.execute_liquidation(request=request, listener=record.hear)

    def _book_close(self, line: Line, at: datetime) -> float:
        return book_close(
            line, at, line.fill_price, exchange=self._backtest.exchange,
            funding=self._backtest.funding,
        )  # fmt: skip


def replay_all(
    replayer: Replayer, choices: Sequence[Choice], *, progress: Callable[[], None] = lambda: None
) -> list[Replay]:
    """Each of *choices* in turn; *progress* hears of each that is done."""
    done = []
    for choice in choices:
        done.append(replayer.replay(choice))
        progress()
    return done


class _Record:
    """Hands events on with the backtest's time on them instead of today's."""

    def __init__(self, audit: AuditSink | None, at: datetime) -> None:
        self._audit = audit
        self._at = at
        self._began_s = 0.0
        self._heard: dict[int, datetime] = {}
        self.events: list[AuditEvent] = []
        self.flat_after_s: float | None = None

    def begin(self) -> None:
        """From here on the virtual clock counts from the moment."""
        self._began_s = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The backtest's time, aware UTC."""
        return self._at + timedelta(seconds=self._since_s())

    def hear(self, event: AuditEvent) -> None:
        """Each event, when it happens."""
        self._heard[id(event)] = self.now()
        shows_flat = event.event_type is AuditEventType.VERIFIED and not _still_open(event)
        if shows_flat and self.flat_after_s is None:
            self.flat_after_s = self._since_s()

    def record(self, events: Sequence[AuditEvent], run: RunRecord | None = None) -> Durability:
        """See :class:`~freqtrade_liquidation.audit.sink.AuditSink`."""
        stamped = [replace(event, timestamp=self._heard[id(event)]) for event in events]
        self.events += stamped
        return self._audit.record(stamped, run) if self._audit else Durability.LOG

    def _since_s(self) -> float:
        return asyncio.get_running_loop().time() - self._began_s


def _still_open(event: AuditEvent) -> Any:
    return event.additional_data.get("open_positions")


def _profit(result: LiquidationResult, lines: Sequence[Line]) -> float | None:
    if result.total_realized_pnl is None or not result.success:
        return None
    return result.total_realized_pnl - sum(line.realized_before for line in lines)

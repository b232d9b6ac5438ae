"""A report of a backtest, as the command makes it."""

from collections.abc import Callable

from freqtrade_liquidation.analysis import engine, segments
from freqtrade_liquidation.analysis.choosing import Choice
from freqtrade_liquidation.analysis.market import Market
from freqtrade_liquidation.analysis.moments import Moments, analyse
from freqtrade_liquidation.analysis.pace import Pace
from freqtrade_liquidation.analysis.replay import Replayer, replay_all
from freqtrade_liquidation.analysis.report import Report
from freqtrade_liquidation.analysis.slippage import Slippage
from freqtrade_liquidation.analysis.summary import summarise
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.config import LiquidationConfig


def report_of(
    backtest: engine.Backtest,
    choose: Callable[[Market, Moments], list[Choice]] | None,
    *,
    rate_limit: float | None = None,
) -> Report:
    """With the manager's runs at what *choose* chooses."""
    slippage, settings = Slippage(), LiquidationConfig()
    pace = Pace(futures=backtest.futures, locked=backtest.stops_on_exchange, rate_limit=rate_limit)
    rows, exits = segments.cut(backtest.trades, backtest.market.pairs)
    moments = analyse(rows, exits, backtest.market, slippage)
    choices = choose(backtest.market, moments) if choose else None
    replayer = Replayer(backtest, rows, slippage, pace, settings, MemoryAuditLog())
    return Report(
        backtest=backtest, slippage=slippage, pace=pace, moments=moments,
        summary=summarise(backtest.market, moments, pace), choices=choices,
        replays=replay_all(replayer, choices or []), timeout_seconds=settings.timeout_seconds,
    )  # fmt: skip

"""The report as one HTML file."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from freqtrade_liquidation.analysis import words
from freqtrade_liquidation.analysis.figures import figures
from freqtrade_liquidation.analysis.report import Report
from freqtrade_liquidation.audit.free_text import visible
from freqtrade_liquidation.files import write_whole
from freqtrade_liquidation.pages import ENDINGS, render

ROOM: Final = "freqtrade_liquidation.analysis"
LISTED: Final = 100
OPENED: Final = 1
"""So many of the runs show their positions unasked."""


def write(report: Report, path: Path) -> None:
    """Writes the page to *path*; a page that stands there is replaced.

    :raises OSError: if *path* cannot be written.
    :raises PlotlyMissing: without the extra ``plot``.
    """
    write_whole(path, [page(report)], replaces=ENDINGS)


def page(report: Report) -> str:
    """The page. See :func:`write`."""
    return render(
        ROOM,
        "report.html",
        clean=visible,
        figures=figures(report),
        w=words,
        report=report,
        head=report.head(),
        currency=report.backtest.stake_currency,
        sentences=list(words.head(report)),
        answers=list(words.answers(report)),
        rows=list(words.distribution(report)),
        settings=list(_settings(report)),
        runs=report.replays[:LISTED],
        opened=OPENED,
        made_at=words.when(datetime.now(UTC)),
    )


def _settings(report: Report) -> Iterator[tuple[str, str]]:
    slippage, pace = report.slippage, report.pace
    yield "Slippage", f"{slippage.bps:g} bps"
    if slippage.impact_bps:
        yield "Impact", f"{slippage.impact_bps:g} bps × √(share of the candle's volume)"
    yield "Round trip", f"{pace.round_trip_ms:g} ms"
    yield "Rate limit", f"{pace.rate_limit:g} requests/s" if pace.rate_limit else "none"
    yield "timeout_seconds", f"{report.timeout_seconds:g}"
    yield "Stops on the exchange", "yes" if report.backtest.stops_on_exchange else "no"
    yield "Starting balance", f"{report.backtest.starting_balance:,.2f}"
    yield "Pairs", ", ".join(report.backtest.market.pairs)

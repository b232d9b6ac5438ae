"""The report for people: sentences first, then tables."""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from freqtrade_liquidation.analysis.replay import Replay
from freqtrade_liquidation.analysis.report import Report
from freqtrade_liquidation.analysis.words import (
    answers,
    distribution,
    head,
    hour,
    money,
    percent,
    seconds,
    time,
    when,
)
from freqtrade_liquidation.digits import digits

LISTED: Final = 30
BY_POSITION: Final = 5
"""With more runs than this, their positions are left to --print-json and --html."""


def show(report: Report, console: Console) -> None:
    """Prints the whole report."""
    for sentence in head(report):
        console.print(Text(sentence), soft_wrap=True)
    for note in report.backtest.notes:
        console.print(Text(f"Note: {note}", style="yellow"), soft_wrap=True)
    console.print(_distribution(report))
    for sentence in (*answers(report), hour(report), time(report)):
        console.print(Text(sentence), soft_wrap=True)
    if report.replays:
        console.print(_runs(report.replays))
        if len(report.replays) > LISTED:
            console.print(
                f"The first {LISTED} of {len(report.replays)}; --export and --print-json have all.",
                style="dim",
            )
    for words in _reasons(report.replays):
        console.print(Text(words, style="yellow"), soft_wrap=True)
    if len(report.replays) <= BY_POSITION:
        for replay in report.replays:
            console.print(_positions(replay))


def _distribution(report: Report) -> Table:
    currency = report.backtest.stake_currency
    table = _table(f"What a stop costs, in {currency}")
    table.add_column("")
    _numbers(table, "Cost", "Of exposure")
    table.add_column("When (UTC)")
    for row in distribution(report):
        style = "red" if row.point.cost > 0 else "green"
        table.add_row(
            row.name, Text(money(row.point.cost), style=style), percent(row.point.ratio), row.when
        )
    return table


def _runs(replays: Sequence[Replay]) -> Table:
    table = _table("The live run's manager at these moments")
    table.add_column("When (UTC)", no_wrap=True)
    table.add_column("State", no_wrap=True)
    _numbers(table, "Pairs", "Exposure", "Profit", "Cost", "Flat after")
    for replay in replays[:LISTED]:
        words = f"{when(replay.at)}\n{replay.why}" if replay.why != "every" else when(replay.at)
        table.add_row(
            words,
            str(replay.result.state),
            str(len({line.pair for line in replay.lines})),
            f"{sum(line.exposure for line in replay.lines):,.2f}",
            "-" if replay.profit is None else money(replay.profit),
            money(sum(line.cost for line in replay.lines)),
            "-" if replay.flat_after_s is None else seconds(replay.flat_after_s),
        )
    return table


def _reasons(replays: Sequence[Replay]) -> list[str]:
    """Why the manager left something open, each once."""
    skipped = [f"Skipped: {r.result.skip_reason}." for r in replays if r.result.skip_reason]
    errors = [error for replay in replays for error in replay.result.errors]
    return list(dict.fromkeys(skipped + errors))[:BY_POSITION]


def _positions(replay: Replay) -> Table:
    table = _table(f"Closed at {when(replay.at)} UTC ({replay.why})", gap=0)
    table.add_column("Pair", overflow="fold")  # gives way to the numbers
    table.add_column("Side", no_wrap=True)
    _numbers(table, "Amount", "Price", "Fee", "Slip", "Funding", "Profit", "Cost")
    for line in replay.lines:
        table.add_row(
            line.pair, str(line.side), digits(line.amount), f"{line.fill_price:.6g}",
            f"{line.fee:.2f}", f"{line.slippage:.2f}", money(line.funding), money(line.profit),
            money(line.cost),
        )  # fmt: skip
    return table


def _table(title: str, *, gap: int = 1) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0), title_justify="left")


def _numbers(table: Table, *names: str) -> None:
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)

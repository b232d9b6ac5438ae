"""The preview, for people: a table on a terminal, a line a position elsewhere."""

from collections.abc import Iterator
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from freqtrade_liquidation.digits import digits
from freqtrade_liquidation.host.preview import Preview, PreviewLine

NOT_KNOWN: Final = "not known"


def show(preview: Preview, console: Console) -> None:
    """Prints *preview*: what would be closed, and what else would happen."""
    if preview.lines and console.is_terminal:
        console.print(_table(preview))
        for line in preview.lines:
            for remark in _remarks(line):
                console.print(Text(f"{line.pair}: {remark}", style="yellow"), soft_wrap=True)
    elif preview.lines:
        for line in preview.lines:
            console.print(Text(_plain(line, preview.currency)), soft_wrap=True)
    for words in _around(preview):
        console.print(Text(words), soft_wrap=True)


def _table(preview: Preview) -> Table:
    title = f"A liquidation would close (profit and cost in {preview.currency})"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0)
    table.add_column("Pair", overflow="fold")
    table.add_column("Side", no_wrap=True)
    for name in ("Amount", "Price", "Profit", "Cost"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Stop", no_wrap=True)
    for line in preview.lines:
        table.add_row(
            Text(line.pair),
            str(line.side),
            digits(line.amount),
            _price(line),
            _sum(line.estimated_profit, "+.2f"),
            _sum(line.estimated_cost, ".2f"),
            _stop(line),
        )
    return table


def _plain(line: PreviewLine, currency: str) -> str:
    parts = [
        f"{line.pair} {line.side} {digits(line.amount)} at {_price(line)}",
        f"profit {_sum(line.estimated_profit, '+.2f')} {currency}",
        f"cost {_sum(line.estimated_cost, '.2f')} {currency}",
        f"stop: {_stop(line)}",
        *_remarks(line),
    ]
    return ", ".join(parts)


def _price(line: PreviewLine) -> str:
    return NOT_KNOWN if line.price is None else digits(line.price)


def _sum(value: float | None, form: str) -> str:
    return NOT_KNOWN if value is None else format(value, form)


def _stop(line: PreviewLine) -> str:
    return {True: "yes", False: "none", None: NOT_KNOWN}[line.protected]


def _remarks(line: PreviewLine) -> Iterator[str]:
    if not line.tracked:
        yield "unknown to the database"
    if line.obstacle is not None:
        yield f"CANNOT BE CLOSED, {line.obstacle}"
    elif line.dust:
        yield "dust: too small for an order, stays"


def _around(preview: Preview) -> Iterator[str]:
    if not preview.lines:
        yield "No position is open" + (" there." if preview.pairs else ".")
    if preview.not_open:
        yield f"Nothing is open in: {', '.join(preview.not_open)}"
    profits = [line.estimated_profit for line in preview.lines]
    known = [profit for profit in profits if profit is not None]
    if known:
        rest = "" if len(known) == len(profits) else f", {len(profits) - len(known)} not known"
        yield f"Estimated profit in all: {sum(known):+.2f} {preview.currency}{rest}"
    if preview.entry_orders:
        yield f"Resting entry orders that would be cancelled: {preview.entry_orders}"
    yield from (f"Overrides the configuration: {words}" for words in preview.overrides)
    yield f"Afterwards the bot is: {preview.state_after}"

"""The preview, for people: a table on a terminal, a line a position elsewhere."""

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from freqtrade_liquidation.host.preview import Preview, PreviewLine


def show(preview: Preview, console: Console) -> None:
    """Prints *preview*: what would be closed, and what else would happen."""
    if preview.lines and console.is_terminal:
        console.print(_table(preview))
    elif preview.lines:
        for line in preview.lines:
            console.print(Text(_plain(line, preview.currency)), soft_wrap=True)
    for words in _around(preview):
        console.print(Text(words), soft_wrap=True)


def _table(preview: Preview) -> Table:
    table = Table(title="A liquidation would close", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("Pair", overflow="fold")
    table.add_column("Side")
    for name in ("Amount", "Price", f"Profit {preview.currency}", f"Cost {preview.currency}"):
        table.add_column(name, justify="right")
    table.add_column("Stop")
    table.add_column("", overflow="fold")
    for line in preview.lines:
        table.add_row(
            Text(line.pair),
            str(line.side),
            f"{line.amount:g}",
            _number(line.price, "{:g}"),
            _number(line.estimated_profit, "{:+.2f}"),
            _number(line.estimated_cost, "{:.2f}"),
            _stop(line),
            Text(", ".join(_remarks(line)), style="yellow"),
        )
    return table


def _plain(line: PreviewLine, currency: str) -> str:
    parts = [
        f"{line.pair} {line.side} {line.amount:g} at {_number(line.price, '{:g}')}",
        f"profit {_number(line.estimated_profit, '{:+.2f}')} {currency}",
        f"cost {_number(line.estimated_cost, '{:.2f}')} {currency}",
        f"stop: {_stop(line)}",
        *_remarks(line),
    ]
    return ", ".join(parts)


def _number(value: float | None, form: str) -> str:
    return "not known" if value is None else form.format(value)


def _stop(line: PreviewLine) -> str:
    return {True: "yes", False: "none", None: "not known"}[line.protected]


def _remarks(line: PreviewLine) -> Iterator[str]:
    if not line.tracked:
        yield "unknown to the database"
    if line.dust:
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

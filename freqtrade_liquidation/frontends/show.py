"""``show-liquidations``: runs, their outcome by pair, and the timeline of what happened."""

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from freqtrade_liquidation.audit.export import export_events, to_line
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.frontends.html.report import write_report
from freqtrade_liquidation.frontends.terminal import Terminal
from freqtrade_liquidation.frontends.words import (
    CUT_OFF,
    Row,
    is_cut_off,
    note,
    number,
    profit,
    profit_of,
    seconds,
    sentence,
    who,
)
from freqtrade_liquidation.pages import plotly_source

OK: Final = 0
BROKEN: Final = 1
USAGE: Final = 2
LISTED: Final = 50
STYLES: Final = {
    "completed": "green",
    "partial": "yellow",
    "failed": "bold red",
    "in_progress": "cyan",
    "skipped": "dim",
    "closed": "green",
    "open": "bold red",
    "not_proven": "yellow",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", nargs="?", metavar="ID", help="One run; a unique beginning is enough")
    parser.add_argument(
        "--limit", type=_count_of_runs, default=LISTED, metavar="N",
        help=f"List the newest N runs; 0 = all (default: {LISTED})",
    )  # fmt: skip
    parser.add_argument("--print-json", action="store_true", help="Events as JSON Lines on stdout")
    parser.add_argument("--export", type=Path, metavar="FILE.jsonl", help="Write events to a file")
    parser.add_argument(
        "--html", type=Path, metavar="FILE.html",
        help="Draw one run (without an ID the newest) as a page that needs no network",
    )  # fmt: skip
    parser.add_argument("--verify", action="store_true", help="Check the chain of the whole trail")


def run(args: argparse.Namespace, audit: AuditLog, console: Console) -> int:
    """Shows what *args* ask for.

    :returns: 0; 1 if the chain is broken, a file cannot be written or there is no run to draw; 2
        for an unknown ID.
    :raises AuditUnreadable: if the trail cannot be read.
    :raises PlotlyMissing: for a page, without the extra ``plot``.
    """
    try:
        return _run(args, audit, console)
    except OSError as error:
        words = f"Cannot write {error.filename}: {error.strerror}"
        console.print(Text(words, style="bold red"), soft_wrap=True)
    return BROKEN


def _run(args: argparse.Namespace, audit: AuditLog, console: Console) -> int:
    if args.html is not None:
        plotly_source()  # says at once that it is missing
    code = OK
    if args.verify:
        code = _verify(audit, Terminal(stderr=True) if args.print_json else console)
        if not (args.html or args.export or args.print_json):
            return code
    chosen = None
    if args.id is not None:
        matches = [row for row in audit.runs() if row["correlation_id"].startswith(args.id)]
        exact = [row for row in matches if row["correlation_id"] == args.id]
        if len(exact or matches) != 1:
            console.print(Text(_no_such_run(args.id, matches), style="red"))
            return USAGE
        chosen = (exact or matches)[0]
    return _show(args, audit, console, chosen) or code


def _verify(audit: AuditLog, console: Console) -> int:
    report = audit.verify()
    style = "green" if report.ok else "bold red"
    console.print(Text(report.message, style=style), soft_wrap=True)
    return OK if report.ok else BROKEN


def _no_such_run(wanted: str, matches: list[dict[str, Any]]) -> str:
    if not matches:
        return f"No run begins with {wanted!r}. Without an ID all runs are listed."
    names = ", ".join(row["correlation_id"] for row in matches[:5])
    return f"{wanted!r} is not unique: {names}{', …' if len(matches) > 5 else ''}"


def _show(
    args: argparse.Namespace, audit: AuditLog, console: Console, chosen: dict[str, Any] | None
) -> int:
    correlation_id = chosen["correlation_id"] if chosen else None
    if args.export:
        count = export_events(audit.events(correlation_id, as_stored=True), args.export)
        if not args.print_json:
            console.print(Text(f"{count} events written to {args.export}"), soft_wrap=True)
    if args.print_json:
        for row in audit.events(correlation_id, as_stored=True):
            console.file.write(to_line(row))
    if args.html:
        return _draw(args, audit, console, chosen)
    if not (args.export or args.print_json):
        if chosen is None:
            _print_runs(audit, args.limit, console)
        else:
            _print_run(chosen, audit, console)
    return OK


def _draw(
    args: argparse.Namespace, audit: AuditLog, console: Console, chosen: dict[str, Any] | None
) -> int:
    run = chosen or next(audit.runs(1), None)
    if run is None:
        console.print("No liquidation has run yet: there is nothing to draw.")
        return BROKEN
    write_report(audit, run, args.html)
    if not args.print_json:
        words = f"Run {run['correlation_id']} drawn to {args.html}: open it in a browser."
        console.print(Text(words), soft_wrap=True)
    return OK


def _count_of_runs(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs: 0 (all), 1, 2, …")
    return int(text)


def _print_runs(audit: AuditLog, limit: int, console: Console) -> None:
    runs = list(audit.runs(limit + 1 if limit else None))
    if not runs:
        console.print("No liquidation has run yet.")
        return
    older = bool(limit) and len(runs) > limit
    runs = runs[:limit] if limit else runs
    table = Table(title="Liquidations", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("ID", overflow="fold", width=28)  # only the next two give way
    table.add_column("Trigger", overflow="fold")
    table.add_column("State", overflow="fold")
    for name in ("Closed", "Left", "Orders", "Profit"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in runs:
        table.add_row(
            Text(f"{row['correlation_id']}\n{_when(row)}, {seconds(row['duration_seconds'])}"),
            Text("\n".join(str(by) for by in (row["trigger"], row["actor"]) if by)),
            _state(row),
            str(row["positions_closed"]),
            _styled_count(row["positions_failed"]),
            str(row["orders_cancelled"]),
            profit_of(row),
        )
    console.print(table)
    console.print(
        "Positions closed and left, orders cancelled, profit in stake currency. Times are UTC.",
        style="dim",
    )
    if older:
        console.print(f"The newest {limit}. There are older ones: --limit 0 lists all.")


def _print_run(row: dict[str, Any], audit: AuditLog, console: Console) -> None:
    summary = Table.grid(padding=(0, 2))
    for name, value in (
        ("Run", Text(row["correlation_id"])),
        ("State", _state(row)),
        ("When", Text(f"{_when(row)} UTC, took {seconds(row['duration_seconds'])}")),
        ("Trigger", Text(who(row))),
        ("Positions", Text(f"{row['positions_closed']} closed, {row['positions_failed']} failed")),
        ("Orders", Text(f"{row['orders_cancelled']} cancelled")),
        ("Profit", Text(profit_of(row))),
        *([("Note", Text(CUT_OFF, style="red"))] if is_cut_off(row) else []),
        *(("Error", Text(str(error), style="red")) for error in row["errors"] or ()),
    ):
        summary.add_row(Text(name, style="bold"), value)
    console.print(summary)
    if row["outcome"]:
        console.print(_outcome_table(row["outcome"]))
    console.print(_timeline(row, audit))


def _outcome_table(outcome: list[dict[str, Any]]) -> Table:
    table = Table(title="Outcome by pair", box=box.SIMPLE_HEAD, padding=0)
    for name in ("Pair", "Side", "State"):
        table.add_column(name, overflow="fold")
    for name in ("Amount", "Left", "Profit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Note", overflow="fold")
    for pair in outcome:
        table.add_row(
            Text(str(pair.get("pair"))),
            Text(str(pair.get("side"))),
            _styled(pair.get("state")),
            number(pair.get("amount")),
            number(pair.get("residual_amount")),
            profit(pair.get("realized_pnl")),
            Text(note(pair)),
        )
    return table


def _timeline(run_row: dict[str, Any], audit: AuditLog) -> Table:
    began = datetime.fromisoformat(run_row["started_at"])
    table = Table(title="Timeline", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("ms", justify="right")
    table.add_column("Event", overflow="fold")
    table.add_column("Pair", overflow="fold")
    table.add_column("What", overflow="fold")
    # What two processes wrote at once stands in the order in which they were let in.
    events = audit.events(run_row["correlation_id"], as_stored=True)
    rows = sorted(events, key=lambda row: str(row["timestamp"]))
    for row in rows:
        offset_ms = (datetime.fromisoformat(row["timestamp"]) - began).total_seconds() * 1000
        kind = str(row["event_type"]).removeprefix("liquidation_").replace("_", " ")
        style = "red" if row["error"] else ""
        pair = Text(str(row["pair"] or ""))
        table.add_row(f"{offset_ms:+,.0f}", Text(kind), pair, Text(sentence(row), style=style))
    return table


def _state(row: Row) -> Text:
    return Text("cut off", style="bold red") if is_cut_off(row) else _styled(row["state"])


def _styled(state: Any) -> Text:
    return Text(str(state), style=STYLES.get(str(state), ""))


def _when(row: Row) -> str:
    return datetime.fromisoformat(row["started_at"]).strftime("%Y-%m-%d %H:%M:%S")


def _styled_count(left: int) -> Text:
    return Text(str(left), style="bold red" if left else "")

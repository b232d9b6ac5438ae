"""``show-liquidations``: runs, their outcome by pair, and the timeline of what happened."""

import argparse
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.export import export_events, to_line
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable

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
    "unverified": "yellow",
}
Row = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", nargs="?", metavar="ID", help="One run; a unique beginning is enough")
    parser.add_argument(
        "--limit", type=_count_of_runs, default=LISTED, metavar="N",
        help=f"List the newest N runs; 0 = all (default: {LISTED})",
    )  # fmt: skip
    parser.add_argument("--print-json", action="store_true", help="Events as JSON Lines on stdout")
    parser.add_argument("--export", type=Path, metavar="FILE.jsonl", help="Write events to a file")
    parser.add_argument("--verify", action="store_true", help="Check the chain of the whole trail")


def run(args: argparse.Namespace, audit: AuditLog, console: Console) -> int:
    """Shows what *args* ask for.

    :returns: 0; 1 if the chain is broken or the trail unreadable; 2 for an unknown ID.
    """
    try:
        return _run(args, audit, console)
    except (AuditUnreadable, OSError) as error:
        console.print(Text(str(error), style="bold red"))
        return BROKEN


def _run(args: argparse.Namespace, audit: AuditLog, console: Console) -> int:
    if args.verify:
        report = audit.verify()
        style = "green" if report.ok else "bold red"
        console.print(Text(report.message, style=style), soft_wrap=True)
        return OK if report.ok else BROKEN
    chosen = None
    if args.id is not None:
        matches = [row for row in audit.runs() if row["correlation_id"].startswith(args.id)]
        exact = [row for row in matches if row["correlation_id"] == args.id]
        if len(exact or matches) != 1:
            console.print(Text(_no_such_run(args.id, matches), style="red"))
            return USAGE
        chosen = (exact or matches)[0]
    return _show(args, audit, console, chosen)


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
        count = export_events(audit.events(correlation_id), args.export)
        if not args.print_json:
            console.print(Text(f"{count} events written to {args.export}"), soft_wrap=True)
    if args.print_json:
        for row in audit.events(correlation_id):
            console.file.write(to_line(row))
    elif not args.export and chosen is None:
        _print_runs(audit, args.limit, console)
    elif not args.export and chosen is not None:
        _print_run(chosen, audit, console)
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
    table = Table(title="Liquidations", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("ID", overflow="fold", min_width=28)
    table.add_column("Trigger", overflow="fold")
    table.add_column("State")
    table.add_column("Closed", justify="right")
    table.add_column("Left", justify="right")
    table.add_column("Orders", justify="right")
    table.add_column("Profit", justify="right")
    for row in runs:
        table.add_row(
            Text(f"{row['correlation_id']}\n{_when(row)}, {_seconds(row['duration_seconds'])}"),
            Text("\n".join(str(by) for by in (row["trigger"], row["actor"]) if by)),
            _styled(row["state"]),
            str(row["positions_closed"]),
            _styled_count(row["positions_failed"]),
            str(row["orders_cancelled"]),
            _profit_of(row),
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
        ("State", _styled(row["state"])),
        ("When", Text(f"{_when(row)} UTC, took {_seconds(row['duration_seconds'])}")),
        ("Trigger", Text(_who(row))),
        ("Positions", Text(f"{row['positions_closed']} closed, {row['positions_failed']} failed")),
        ("Orders", Text(f"{row['orders_cancelled']} cancelled")),
        ("Profit", Text(_profit_of(row))),
        *(("Error", Text(str(error), style="red")) for error in row["errors"] or ()),
    ):
        summary.add_row(Text(name, style="bold"), value)
    console.print(summary)
    if row["outcome"]:
        console.print(_outcome_table(row["outcome"]))
    console.print(_timeline(row, audit))


def _outcome_table(outcome: list[dict[str, Any]]) -> Table:
    table = Table(title="Outcome by pair", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("Pair", "Side", "State"):
        table.add_column(name, overflow="fold")
    for name in ("Amount", "Left", "Profit"):
        table.add_column(name, justify="right")
    table.add_column("Note", overflow="fold")
    for pair in outcome:
        table.add_row(
            Text(str(pair.get("pair"))),
            Text(str(pair.get("side"))),
            _styled(pair.get("state")),
            _number(pair.get("amount")),
            _number(pair.get("residual_amount")),
            _profit(pair.get("realized_pnl")),
            Text(_note(pair)),
        )
    return table


def _timeline(run_row: dict[str, Any], audit: AuditLog) -> Table:
    began = datetime.fromisoformat(run_row["started_at"])
    table = Table(title="Timeline", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("ms", justify="right")
    table.add_column("Event", overflow="fold")
    table.add_column("Pair", overflow="fold")
    table.add_column("What", overflow="fold")
    for row in audit.events(run_row["correlation_id"]):
        offset_ms = (datetime.fromisoformat(row["timestamp"]) - began).total_seconds() * 1000
        kind = str(row["event_type"]).removeprefix("liquidation_").replace("_", " ")
        style = "red" if row["error"] else ""
        pair = Text(str(row["pair"] or ""))
        table.add_row(f"{offset_ms:+,.0f}", Text(kind), pair, Text(sentence(row), style=style))
    return table


def sentence(row: Row) -> str:
    """What an event says, for people; one short sentence."""
    data = row["additional_data"] if isinstance(row["additional_data"], Mapping) else {}
    make = SENTENCES.get(row["event_type"])
    words = make(data) if make else str(data.get("reason") or "")
    return ": ".join(part for part in (words, str(row["error"] or "")) if part)


def _count(data: Row, key: str, word: str) -> str:
    number = len(data.get(key) or ())
    return f"{number} {word}{'' if number == 1 else 's'}"


def _order(data: Row) -> str:
    return f"{data.get('side', '?')} {_number(data.get('amount'))}"


SENTENCES: Final[dict[str, Callable[[Row], str]]] = {
    Event.STARTED: lambda d: f"{d.get('positions_count_expected', '?')} positions expected",
    Event.SKIPPED: lambda d: f"nothing closed, {d.get('reason', 'reason unknown')}",
    Event.POSITIONS_QUERIED: lambda d: f"the exchange shows {_count(d, 'positions', 'position')}",
    Event.ORDERS_QUERIED: lambda d: f"the exchange shows {_count(d, 'orders', 'order')}",
    Event.CANCEL_INTENDED: lambda d: f"about to cancel {_count(d, 'orders', 'order')}",
    Event.ORDERS_CANCELLED: lambda d: f"{d.get('cancelled_count', '?')} cancelled",
    Event.CANCEL_FAILED: lambda d: f"order {d.get('order_id', '?')} {d.get('outcome', 'failed')}",
    Event.CLOSE_INTENDED: lambda d: f"about to {_order(d)} at market",
    Event.CLOSE_ANSWERED: lambda d: f"accepted, filled {_number(d.get('filled'))}",
    Event.ATTEMPT_FAILED: lambda d: f"attempt {d.get('attempt', '?')} {d.get('outcome', 'failed')}",
    Event.VERIFIED: lambda d: f"{_count(d, 'open_positions', 'position')} open on the exchange",
    Event.POSITION_CLOSED: lambda d: (
        f"closed {_number(d.get('quantity'))}, profit {_profit(d.get('realized_pnl'))}"
    ),
    Event.POSITION_CLOSE_FAILED: lambda d: f"{_number(d.get('residual_amount'))} left",
    Event.STOP_INTENDED: lambda d: f"about to put the stop back at {_number(d.get('stop_price'))}",
    Event.STOP_PUT_BACK: lambda d: f"stop back for {_number(d.get('amount'))}",
    Event.STOP_LOST: lambda _: "the stop could not be put back",
    Event.BOOKED: lambda d: f"booked, profit {_profit(d.get('realized_pnl'))}",
    Event.BOOKING_FAILED: lambda _: "not booked in full",
    Event.TIMEOUT: lambda d: f"out of time, {_count(d, 'in_the_air', 'pair')} under way",
    Event.COMPLETED: lambda _: "flat, as the exchange shows it",
    Event.PARTIAL: lambda d: f"{_count(d, 'remainder', 'position')} left",
    Event.FAILED: lambda d: f"none closed, {_count(d, 'remainder', 'position')} left",
}


def _styled(state: Any) -> Text:
    return Text(str(state), style=STYLES.get(str(state), ""))


def _when(row: Row) -> str:
    return datetime.fromisoformat(row["started_at"]).strftime("%Y-%m-%d %H:%M:%S")


def _who(row: Row) -> str:
    by = f" by {row['actor']}" if row["actor"] else ""
    return f"{row['trigger']}{by}{': ' + row['reason'] if row['reason'] else ''}"


def _profit(value: Any) -> str:
    return f"{value:+.2f}" if isinstance(value, (int, float)) else "unknown"


def _profit_of(run: Row) -> str:
    """Of a run that closed nothing there is none, neither known nor unknown."""
    return _profit(run["total_realized_pnl"]) if run["positions_closed"] else "-"


def _styled_count(left: int) -> Text:
    return Text(str(left), style="bold red" if left else "")


def _number(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, (int, float)) else "unknown"


def _seconds(value: Any) -> str:
    return f"{value:.2f} s" if isinstance(value, (int, float)) else "unknown"


def _note(pair: Row) -> str:
    notes = [str(pair["error"])] if pair.get("error") else []
    if pair.get("tracked") is False:
        notes.append("not in the database")
    if pair.get("protected") is not None:
        notes.append("a stop stands" if pair["protected"] else "NO STOP")
    return ", ".join(notes)

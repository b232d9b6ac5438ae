"""What a person sees of a drill."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from freqtrade_liquidation.digits import digits
from freqtrade_liquidation.drill.scenarios import SCENARIOS

if TYPE_CHECKING:
    from freqtrade_liquidation.drill.drill import DrillResult
    from freqtrade_liquidation.drill.plan import Plan

FIRST_SHOWN: Final = 20
LAST_SHOWN: Final = 4


def opening(console: Console, options: argparse.Namespace, planned: "Plan") -> None:
    """What is about to happen."""
    console.print(
        "[bold]Fire drill[/bold] on the built-in practice exchange: no money, no network. The bot "
        "is sealed off from your environment and your accounts."
    )
    for note in planned.notes:
        console.print(note, style="yellow", markup=False)
    if options.config:
        keys = ", ".join(f"{key} {_short(value)}" for key, value in _changed(planned))
        console.print(f"Of your configuration: {keys or 'every key at its default'}.", markup=False)
    console.print(
        f"{options.exchange.capitalize()}, {_count(len(planned.pairs), 'position')}, "
        f"{options.latency_ms:g} ms round trip, {planned.settings.timeout_seconds:g} s for the "
        f"run, faults: {options.faults} ({SCENARIOS[options.faults].text})."
    )


def _changed(planned: "Plan") -> list[tuple[str, Any]]:
    default = type(planned.settings)().to_dict()
    return [(k, v) for k, v in planned.settings.to_dict().items() if v != default[k]]


def positions(console: Console, shown: dict[str, Any], stops: int) -> None:
    """The book before the signal."""
    text = ", ".join(
        f"{pair.split(':')[0]} {'short' if float(p['amount']) < 0 else 'long'}"
        for pair, p in shown.items()
    )
    held = f"{_count(len(shown), 'position')} and {_count(stops, 'stop')}"
    console.print(f"The bot holds {held}: {escape(text)}.")


def signal_sent(console: Console, pid: int) -> None:
    """The moment."""
    console.print(f"[bold]SIGTERM[/bold] sent to the bot (process {pid}).")


def closing(console: Console, result: "DrillResult") -> None:
    """The verdict, the time it took, pair by pair, and the audit trail."""
    console.print()
    _verdict(console, result)
    console.print()
    console.print(_by_pair(result))
    console.print(_trail(result))


def _by_pair(result: "DrillResult") -> Table:
    table = Table(title="Outcome by pair", title_justify="left")
    for name in ("pair", "side"):
        table.add_column(name)
    for name in ("amount", "left", "profit (USDT)"):
        table.add_column(name, justify="right")
    table.add_column("freqtrade's trade")
    trades = {trade["pair"]: trade for trade in result.trades}
    for pair, before in result.before.items():
        amount = float(before["amount"])
        left = float(result.after.get(pair, {}).get("amount", 0.0))
        trade = trades.get(pair, {})
        profit = trade.get("close_profit_abs")
        closed = "open" if trade.get("is_open") else "closed"
        table.add_row(
            escape(pair.split(":")[0]),
            "short" if amount < 0 else "long",
            digits(abs(amount)),
            f"[red]{digits(abs(left))}[/red]" if left else "[green]0[/green]",
            "" if profit is None or trade.get("is_open") else f"{profit:+.2f}",
            closed,
        )
    return table


def _trail(result: "DrillResult") -> Table:
    table = Table(title="Audit trail (from the bot's database)", title_justify="left")
    table.add_column("ms", justify="right")
    table.add_column("event")
    table.add_column("pair")
    table.add_column("what", overflow="fold")
    began = moment(result.events[0]) if result.events else None
    hidden = max(0, len(result.events) - FIRST_SHOWN - LAST_SHOWN)
    for number, event in enumerate(result.events):
        if hidden and number == FIRST_SHOWN:
            table.add_row("", f"… {hidden} more", "", "")
        if FIRST_SHOWN <= number < FIRST_SHOWN + hidden:
            continue
        offset = (moment(event) - began).total_seconds() * 1000 if began else 0.0
        table.add_row(
            f"{offset:.0f}",
            event["event_type"].removeprefix("liquidation_"),
            escape((event["pair"] or "").split(":")[0]),
            escape(_what(event)),
        )
    return table


def moment(event: dict[str, Any]) -> datetime:
    """When *event* was recorded (aware UTC)."""
    return datetime.fromisoformat(str(event["timestamp"])).replace(tzinfo=UTC)


def _what(event: dict[str, Any]) -> str:
    if event["error"]:
        return str(event["error"])[:120]
    data = json.loads(event["additional_data"] or "{}")
    keys = (
        "signal", "amount", "filled", "average", "cancelled_count", "quantity", "realized_pnl",
        "positions_closed", "positions_failed", "orders_cancelled",
    )  # fmt: skip
    words = [f"{key} {_short(data[key])}" for key in keys if data.get(key) is not None]
    for key in ("positions", "orders", "open_positions"):
        if isinstance(data.get(key), list):
            words.append(_count(len(data[key]), key.replace("_", " ").removesuffix("s")))
    return ", ".join(words)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _verdict(console: Console, result: "DrillResult") -> None:
    if result.flat:
        console.print("[bold green]FLAT[/bold green]: the exchange shows no position and no order.")
    else:
        left = (
            f"{_count(len(result.after), 'position')} and {_count(result.orders_left, 'order')} "
            "remain on the exchange."
        )
        if result.as_expected:
            console.print(
                "[bold green]NOT FLAT, as expected[/bold green] "
                f"({escape(result.plan.why)}): {left}"
            )
        else:
            console.print(f"[bold red]NOT FLAT[/bold red]: {left}")
    for left_open in json.loads((result.run or {}).get("outcome") or "[]"):
        if left_open["state"] in ("open", "not_proven"):
            console.print(f"{escape(left_open['pair'])}: {escape(_why_open(left_open))}")
    console.print(
        f"From the signal: {_times(result)}, process ended after {result.ended_s:.2f} s with exit "
        f"code {result.exit_code}; {result.requests} requests."
    )
    unbooked = [
        trade["pair"].split(":")[0]
        for trade in result.trades
        if trade["is_open"] and trade["pair"] not in result.after
    ]
    if unbooked:
        console.print(
            f"[bold yellow]{len(unbooked)} of {_count(len(result.trades), 'trade')} not booked"
            "[/bold yellow] in the time that was left: the next start of the bot books "
            f"{'it' if len(unbooked) == 1 else 'them'}. A larger timeout_seconds leaves more."
        )


def _times(result: "DrillResult") -> str:
    closed, proven = result.closed_s, result.proven_s
    executed = "no close executed" if closed is None else f"last close after {closed:.2f} s"
    return f"{executed}, " + ("not proven flat" if proven is None else f"flat after {proven:.2f} s")


def _why_open(left: dict[str, Any]) -> str:
    stop = {
        True: "its stop stands",
        False: "without a stop",
        None: "its stop could not be seen",
    }[left["protected"]]
    return f"{left['state']}, {stop}: {left['error']}"

"""``disarm``, ``arm``, ``release`` and ``status``: what a person decides for later."""

import argparse
import getpass
import re
import socket
from datetime import UTC, datetime, timedelta
from typing import Final

from rich.console import Console

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.frontends.database import add_database_arguments, open_audit
from freqtrade_liquidation.host.control import LONGEST_WINDOW, Control

OK, DISARMED, LATCHED = 0, 4, 5
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours"}


def run(arguments: list[str]) -> int:
    """Carries out one of the four; the exit code of ``status`` is for monitors."""
    options = _parser(arguments[0]).parse_args(arguments[1:])
    console = Console()
    audit = open_audit(options)
    try:
        return _carry_out(arguments[0], options, audit, console)
    finally:
        audit.close()


def _parser(command: str) -> argparse.ArgumentParser:
    about = {
        "disarm": "Maintenance window: the next automatic trigger within it leaves positions open.",
        "arm": "Ends a maintenance window.",
        "release": "Lifts the latch: the bot may be started again. Starts nothing.",
        "status": "Armed (0), disarmed (4) or latched (5), and the last run.",
    }[command]
    parser = argparse.ArgumentParser(prog=f"freqtrade-liquidation {command}", description=about)
    add_database_arguments(parser)
    if command == "disarm":
        parser.add_argument(
            "--for",
            dest="duration",
            type=duration,
            required=True,
            metavar="15m",
            help="how long: a number and s, m or h; at most 24h",
        )
    if command != "status":
        parser.add_argument("--reason", metavar="TEXT", help="for the audit trail")
    return parser


def _carry_out(command: str, options: argparse.Namespace, audit: AuditLog, console: Console) -> int:
    control = Control(audit)
    by = f"cli {getpass.getuser()}@{socket.gethostname()}"
    if command == "disarm":
        until = control.disarm(options.duration, by=by, reason=options.reason)
        console.print(
            f"Disarmed until {until:%Y-%m-%d %H:%M:%S} UTC: the next automatic trigger before "
            "then leaves positions open."
        )
    elif command == "arm":
        control.arm(by=by, reason=options.reason)
        console.print("Armed: stopping the bot closes its positions.")
    elif command == "release":
        control.release(by=by, reason=options.reason)
        console.print("Released: the bot may be started again.")
    else:
        return _status(control, audit, console)
    return OK


def _status(control: Control, audit: AuditLog, console: Console) -> int:
    state = control.state(datetime.now(UTC))
    for run in audit.runs(limit=1):
        console.print(
            f"Last run: {run['correlation_id']} ({run['trigger']}): {run['state']}", markup=False
        )
    if state.latched_by is not None:
        console.print(f"Latched by {state.latched_by}: the bot stays stopped.", markup=False)
        return LATCHED
    if state.disarmed_until is not None:
        console.print(
            f"Disarmed by {state.disarmed_by} until {state.disarmed_until:%Y-%m-%d %H:%M} UTC.",
            markup=False,
        )
        return DISARMED
    console.print("Armed, as far as the database says; what the configuration says is not read.")
    return OK


def duration(text: str) -> timedelta:
    """``90s``, ``15m`` or ``2h``.

    :raises argparse.ArgumentTypeError: for anything else, and above 24 hours.
    """
    match = re.fullmatch(r"(\d+)([smh])", text)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no duration: a number and s, m or h, such as 15m"
        )
    value = timedelta(**{UNITS[match[2]]: int(match[1])})
    if not timedelta(0) < value <= LONGEST_WINDOW:
        raise argparse.ArgumentTypeError(f"{text} is not within 1s…24h")
    return value

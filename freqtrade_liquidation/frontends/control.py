"""``disarm``, ``arm`` and ``release``: what a person decides for later."""

import argparse
from datetime import timedelta
from typing import Final

from freqtrade.exceptions import ConfigurationError
from rich.text import Text

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.frontends.database import (
    add_database_arguments,
    again,
    config_if_needed,
    freqtrade_arguments,
    open_audit,
)
from freqtrade_liquidation.frontends.terminal import Terminal, who_asks
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.control import Control, patiently, window

OK: Final = 0


def run(arguments: list[str]) -> int:
    """Carries out ``disarm``, ``arm`` or ``release``."""
    options = _parser(arguments[0]).parse_args(arguments[1:])
    audit = open_audit(options)
    try:
        words = _carry_out(arguments[0], options, audit)
        _check_heard(audit)
    finally:
        audit.close()
    Terminal(highlight=False).print(Text(words), soft_wrap=True)
    return OK


def _check_heard(audit: AuditLog) -> None:
    """What reached the file alone is heard only by a bot that can read its database, too.

    :raises LiquidationError: if it cannot be read: whether the bot hears of it is not known.
    """
    try:
        patiently(Control(audit).state)
    except AuditUnreadable as error:
        raise AuditUnreadable(
            f"Written to {audit.fallback} alone, and not known to be in force: a bot that cannot "
            f"read its database, or has another user_data, does not hear of it. {error}"
        ) from error


def _parser(command: str) -> argparse.ArgumentParser:
    about = {
        "disarm": "Maintenance window: every automatic trigger within it leaves positions open.",
        "arm": "Ends a maintenance window. Starts nothing.",
        "release": "Lifts the latch: the bot may be started again. Starts nothing.",
    }[command]
    parser = argparse.ArgumentParser(prog=f"freqtrade-liquidation {command}", description=about)
    if command == "disarm":
        parser.add_argument(
            "--for",
            dest="duration",
            type=duration,
            required=True,
            metavar="15m",
            help="How long: a number and s, m or h; at most 24h.",
        )
    parser.add_argument("--reason", metavar="TEXT", help="For the audit trail.")
    add_database_arguments(parser)
    return parser


def _carry_out(command: str, options: argparse.Namespace, audit: AuditLog) -> str:
    control = Control(audit)
    by = f"cli {who_asks()}"
    if command == "disarm":
        until = control.disarm(options.duration, by=by, reason=options.reason)
        return (
            f"Disarmed until {until:%Y-%m-%d %H:%M:%S} UTC: every automatic trigger before "
            f"then leaves positions open. To end it: {again('arm', options)}"
        )
    if command == "arm":
        control.arm(by=by, reason=options.reason)
        return f"No maintenance window is open. {_what_stopping_does(options)}"
    control.release(by=by, reason=options.reason)
    return "Released: the bot may be started again."


def _what_stopping_does(options: argparse.Namespace) -> str:
    """A configuration that is wrong must not keep a bot disarmed: it is told afterwards."""
    if not config_if_needed(options):
        return "Name the bot's configuration with -c to hear what stopping the bot does."
    try:
        settings = configuration.validate_before_start(freqtrade_arguments(options))
        return messages.what_stopping_does(settings)
    except ConfigurationError as error:
        return f"What stopping the bot does is not known: {error}"


def duration(text: str) -> timedelta:
    """``90s``, ``15m`` or ``2h``.

    :raises argparse.ArgumentTypeError: for anything else, and above 24 hours.
    """
    try:
        return window(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error

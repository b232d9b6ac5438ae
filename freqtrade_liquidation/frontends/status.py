"""``status``: armed, disarmed or latched, who runs and what ran last. Exit codes for monitors."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import ccxt
from rich.text import Text
from sqlalchemy import Boolean, Connection, column, func, select, table

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.exchange.time_needed import too_slow
from freqtrade_liquidation.frontends.database import (
    add_database_arguments,
    again,
    config_if_needed,
    database_url,
    fallback_file,
    freqtrade_arguments,
)
from freqtrade_liquidation.frontends.terminal import Terminal
from freqtrade_liquidation.frontends.words import CUT_OFF, is_cut_off
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.control import Control
from freqtrade_liquidation.host.lease import BookDatabase, BookUnavailable, Lease, RunClaims
from freqtrade_liquidation.host.outside.asking import nobody
from freqtrade_liquidation.host.outside.parts import check_database

ARMED: Final = 0
DISARMED: Final = 4
LATCHED: Final = 5


def run(arguments: Sequence[str]) -> int:
    """Says how things stand.

    :returns: 0 armed, 4 disarmed or disabled, 5 latched.
    :raises FreqtradeException: if the configuration cannot be used.
    :raises LiquidationError: if the database does not answer.
    """
    parser = argparse.ArgumentParser(
        prog="freqtrade-liquidation status",
        description="Armed (0), disarmed or disabled (4), latched (5); the bot and the last run.",
    )
    add_database_arguments(parser)
    options = parser.parse_args(arguments)
    config = config_if_needed(options)
    settings = configuration.validate_before_start(freqtrade_arguments(options)) if config else None
    url = database_url(options, config)
    check_database({"db_url": url})
    audit = AuditLog(url, fallback=fallback_file(options, config, url), masker=Masker([]))
    audit.import_fallback()
    book = BookDatabase(url)
    try:
        words = list(_who_runs(book)) + list(_last_run(audit))
        code, verdict = _verdict(options, audit, settings)
        words += _set_aside(audit, book)
        words += _too_slow(config, book)
    except BookUnavailable as error:
        raise AuditUnreadable(f"The database cannot be read: {error}") from error
    finally:
        audit.close()
        book.close()
    console = Terminal(highlight=False)
    style = "bold green" if code == ARMED else "bold yellow" if code == DISARMED else "bold red"
    console.print(Text(verdict, style=style), soft_wrap=True)
    for line in words:
        console.print(Text(line), soft_wrap=True)
    return code


def _verdict(
    options: argparse.Namespace, audit: AuditLog, settings: LiquidationConfig | None
) -> tuple[int, str]:
    state = Control(audit).state(datetime.now(UTC))
    if state.latched_by is not None:
        return LATCHED, (
            f"Latched by {state.latched_by}: the bot stays stopped. When you have looked: /start, "
            f"or {again('release', options)}"
        )
    if settings is not None and not settings.emergency_liquidation:
        return DISARMED, (
            "Disabled: emergency_liquidation is false in the configuration, so no trigger closes "
            "anything."
        )
    if state.disarmed_until is not None:
        return DISARMED, (
            f"Disarmed by {state.disarmed_by} until {state.disarmed_until:%Y-%m-%d %H:%M} UTC. "
            f"To end it: {again('arm', options)}"
        )
    if settings is None:
        return ARMED, "Armed, as far as the database says. Name the bot's configuration with -c."
    if not settings.triggers:
        return DISARMED, "Disabled: the configuration's list of triggers is empty."
    on = ", ".join(settings.triggers)
    if not settings.closing_triggers:
        return DISARMED, (
            f"Not armed: close_positions is false, orders are cancelled and positions kept on {on}."
        )
    return ARMED, f"Armed: positions are closed on {on}."


def _who_runs(book: BookDatabase) -> Iterator[str]:
    sight = Lease(book).look()
    if sight is None or not sight.is_fresh:
        yield nobody(sight)
    else:
        yield f"The bot runs on {sight.host}, renewed {max(0.0, sight.age_s):.0f} s ago."
        if (answers := Lease(book).answers_told()) is not None:
            yield from messages.exchange_answers(answers)
    claim = RunClaims(book).under_way()
    if claim is not None:
        what = "the whole book" if claim.pairs is None else ", ".join(sorted(claim.pairs))
        yield f"Under way on {claim.host}: liquidation {claim.correlation_id} of {what}."


def _set_aside(audit: AuditLog, book: BookDatabase) -> list[str]:
    rows = [*audit.border.set_aside, *book.border.set_aside]
    if not rows:
        return []
    return [
        f"{len(rows)} row(s) are not believed, see show-liquidations --verify. First: {rows[0]}."
    ]


def _too_slow(config: dict[str, Any], book: BookDatabase) -> Iterator[str]:
    """As the bot says it when it is armed; from the files alone, without asking the exchange."""
    name = str(config.get("exchange", {}).get("name", "")).lower()
    if config.get("dry_run", True) or name not in ccxt.exchanges:
        return
    open_now = book.read(_open_trades, empty=0)
    api = getattr(ccxt, name)()
    words = too_slow(config, api, open_now=open_now, name=api.name)
    if words is not None:
        yield words


def _open_trades(connection: Connection, now: object) -> int:
    trades = table("trades", column("is_open", Boolean))
    if not connection.dialect.has_table(connection, trades.name):
        return 0
    count = select(func.count()).select_from(trades).where(trades.c.is_open.is_(True))
    return connection.scalar(count) or 0


def _last_run(audit: AuditLog) -> Iterator[str]:
    run: dict[str, Any]
    for run in audit.runs(limit=1):
        name = f"Last run: {run['correlation_id']} ({run['trigger']}): {run['state']}"
        if is_cut_off(run):
            yield f"{name}. {CUT_OFF}"
            return
        failed = f", {run['positions_failed']} not" if run["positions_failed"] else ""
        yield f"{name}, {run['positions_closed']} closed{failed}."

"""``liquidation-analysis``, from the options to the exit code."""

import argparse
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from freqtrade.constants import Config
from freqtrade.exceptions import OperationalException
from rich.console import Console

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.analysis import choosing, engine, segments
from freqtrade_liquidation.analysis.choosing import Choice
from freqtrade_liquidation.analysis.engine import Backtest
from freqtrade_liquidation.analysis.moments import Moments, analyse
from freqtrade_liquidation.analysis.pace import Pace, configured_rate
from freqtrade_liquidation.analysis.replay import Replay, Replayer, replay_all
from freqtrade_liquidation.analysis.report import Report, check_suffix, export
from freqtrade_liquidation.analysis.slippage import Slippage
from freqtrade_liquidation.analysis.summary import summarise
from freqtrade_liquidation.audit.free_text import to_json
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import AuditSink
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.frontends.analysis import example, tables
from freqtrade_liquidation.frontends.analysis.options import freqtrade_arguments, parser

OK: Final = 0
NOT_DONE: Final = 1


def run(arguments: Sequence[str]) -> int:
    """Carries out the command.

    :returns: 0; 1 if it was interrupted, or a file could not be written.
    :raises FreqtradeException: for anything wrong with options, configuration or data.
    """
    options = parser().parse_args(arguments)
    console = Console(highlight=False, no_color=options.print_colorized is False or None)
    _check_files(options)
    errors = Console(stderr=True, highlight=False)
    try:
        with _quiet(verbose=bool(options.verbosity)):
            report = _analysed(options, show_progress=errors.is_terminal)
        _hand_over(report, options, console)
    except KeyboardInterrupt:
        errors.print("\nInterrupted.")
        return NOT_DONE
    except OSError as error:
        errors.print(f"Error: {error}", markup=False, soft_wrap=True)
        return NOT_DONE
    return OK


def _analysed(options: argparse.Namespace, *, show_progress: bool) -> Report:
    with example.arguments(options) if options.example else _given(options) as args:
        configuration.install_schema()
        settings = configuration.validate_before_start(args)
        config = engine.load_config(args)
        _check_export(options.export, config)
        _check_audit(options.audit, config)
        backtest = engine.run(config, show_progress=show_progress)
        return _report(options, backtest, settings, show_progress=show_progress)


@contextmanager
def _given(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    yield freqtrade_arguments(options)


def _report(
    options: argparse.Namespace,
    backtest: Backtest,
    settings: LiquidationConfig,
    *,
    show_progress: bool,
) -> Report:
    slippage = Slippage(bps=options.slippage_bps, impact_bps=options.impact_bps)
    pace = Pace(
        round_trip_ms=options.round_trip_ms,
        rate_limit=options.rate_limit or configured_rate(backtest.exchange),
        futures=backtest.futures,
        locked=backtest.stops_on_exchange,
    )
    rows, exits = segments.cut(backtest.trades, backtest.market.pairs)
    moments = analyse(rows, exits, backtest.market, slippage)
    choices = _choose(options, backtest, moments)
    replays: list[Replay] = []
    if choices is not None:
        with _audit(options.audit) as audit, _bar(len(choices), shown=show_progress) as done:
            replayer = Replayer(
                backtest, rows, slippage, pace, settings, audit, keep_events=_wants_events(options)
            )
            replays = replay_all(replayer, choices, progress=done)
    # A handful of chosen moments has no distribution: then it is that of every candle.
    among = [choice.index for choice in choices or ()] if options.every else None
    return Report(
        backtest=backtest,
        slippage=slippage,
        pace=pace,
        moments=moments,
        summary=summarise(backtest.market, moments, pace, among=among),
        among=among,
        choices=choices,
        replays=replays,
        timeout_seconds=settings.timeout_seconds,
    )


def _wants_events(options: argparse.Namespace) -> bool:
    as_json = options.export is not None and options.export.suffix == ".json"
    return bool(options.print_json or as_json)


def _choose(
    options: argparse.Namespace, backtest: Backtest, moments: Moments
) -> list[Choice] | None:
    if options.at:
        return choosing.at(backtest.market, options.at)
    if options.every:
        return choosing.every(backtest.market, options.every)
    return choosing.that_matter(backtest.market, moments) if options.at_worst else None


def _hand_over(report: Report, options: argparse.Namespace, console: Console) -> None:
    written = []
    if options.export:
        written.append(f"{export(report, options.export):,} moments written to {options.export}")
    if options.html:
        from freqtrade_liquidation.analysis.page import write

        write(report, options.html)
        written.append(f"Report written to {options.html}")
    if options.print_json:
        console.file.write(to_json(report.to_dict()) + "\n")
        return
    tables.show(report, console)
    if options.audit:
        written.append(
            "Audit trail: freqtrade-liquidation show-liquidations --db-url sqlite:///"
            f"{options.audit}"
        )
    for words in written:
        console.print(words, markup=False, soft_wrap=True)


def _check_files(options: argparse.Namespace) -> None:
    """Before the work, not after it.

    :raises OperationalException: if a file could not be written.
    """
    if options.export:
        check_suffix(options.export)
    if options.html:
        from freqtrade_liquidation.pages import plotly_source

        plotly_source()
    for path in (options.export, options.html, options.audit):
        if path is not None and not path.parent.is_dir():
            raise OperationalException(f"There is no folder {path.parent} for {path.name}.")


def _check_export(path: Path | None, config: Config) -> None:
    """:raises OperationalException: if it is a file of the configuration."""
    if path is not None and path.resolve() in map(Path.resolve, map(Path, config["config_files"])):
        raise OperationalException(f"--export {path} is the configuration; name another file.")


def _check_audit(path: Path | None, config: Config) -> None:
    """It must not be the bot's database, nor another one of freqtrade's.

    :raises OperationalException: if it is one.
    """
    if path is None or not path.exists():
        return
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError as error:
        raise OperationalException(f"--audit {path} is no SQLite file: {error}") from error
    if "trades" in names:
        raise OperationalException(
            f"--audit {path} is a bot's database; name another file: what is only reckoned does "
            "not belong among real runs."
        )


@contextmanager
def _audit(path: Path | None) -> Iterator[AuditSink | None]:
    if path is None:
        yield None
        return
    fallback = path.with_suffix(".fallback.sqlite")
    log = AuditLog(f"sqlite:///{path}", fallback=fallback, masker=Masker([]))
    try:
        yield log
    finally:
        log.close()


@contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    from freqtrade.util import get_progress_tracker

    with get_progress_tracker(disable=not shown) as progress:
        task = progress.add_task("Liquidating", total=total)
        yield lambda: progress.update(task, advance=1)


@contextmanager
def _quiet(*, verbose: bool) -> Iterator[None]:
    """freqtrade's log hides what matters here; what matters of it comes as an error or a note."""
    if verbose:
        yield
        return
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)

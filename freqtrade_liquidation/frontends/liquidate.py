"""``liquidate``: closes the book now, with a bot running, hanging or dead."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from freqtrade.constants import Config
from freqtrade.exceptions import OperationalException
from freqtrade.exchange import Exchange
from rich.console import Console
from rich.prompt import Confirm
from rich.text import Text

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.identity import fallback_path
from freqtrade_liquidation.audit.log import IN_A_RUN_S, AuditLog
from freqtrade_liquidation.audit.masked_log import mask_log
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.bounded import bounded, start_thread
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.secrets import secrets_in
from freqtrade_liquidation.frontends import foresight
from freqtrade_liquidation.frontends.database import (
    add_database_arguments,
    again,
    freqtrade_arguments,
)
from freqtrade_liquidation.frontends.progress import Progress
from freqtrade_liquidation.frontends.terminal import Terminal, forget_what_was_typed, who_asks
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.control import Control
from freqtrade_liquidation.host.lease import BookDatabase
from freqtrade_liquidation.host.outside.asking import Asker
from freqtrade_liquidation.host.outside.parts import (
    check_database,
    load_config,
    open_exchange,
    read_trades,
    stand_in,
)
from freqtrade_liquidation.host.outside.running import OutsideRun
from freqtrade_liquidation.host.preview import Preview, look_ahead
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.state import LiquidationState

OK: Final = 0
ANYTHING_ELSE: Final = 1
USAGE: Final = 2
POSITIONS_REMAIN: Final = 3
PATIENCE_S: Final = 2.0
LATCH_READ_WITHIN_S: Final = 1.0


class Failed(LiquidationError):
    """It could not be begun; the words are fit to be seen."""


def run(arguments: Sequence[str]) -> int:
    """Carries out the command.

    :returns: 0 done and flat, or declined; 2 usage; 3 positions remain; 1 anything else.
    :raises FreqtradeException: if the configuration cannot be used.
    :raises LiquidationError: if nothing could be begun.
    """
    options = _parser().parse_args(arguments)
    console, errors = Terminal(highlight=False), Terminal(stderr=True, highlight=False)
    if not (options.yes or options.preview or _is_terminal()):
        errors.print(
            "Error: nobody is there to ask. Add --yes to close the positions, or --preview to "
            "see what that would do.",
            soft_wrap=True,
        )
        return USAGE
    with _quiet(verbose=bool(options.verbosity)):
        try:
            return _Command(options, console).execute()
        except (KeyboardInterrupt, EOFError):
            errors.print("\nInterrupted before a run of this process began.")
            return ANYTHING_ELSE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="freqtrade-liquidation liquidate",
        description="Closes the bot's book now. A bot that answers does it itself; else it is done "
        "from here, and booked. Exit code: 0 flat, 3 positions remain, 2 usage, 1 anything else.",
    )
    parser.add_argument(
        "-p", "--pairs", nargs="+", metavar="PAIR", help="Only these (default: the whole book)."
    )
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--preview", action="store_true", help="Show what it would do, and end.")
    one.add_argument("-y", "--yes", action="store_true", help="Do not ask.")
    parser.add_argument("--reason", metavar="TEXT", help="For the audit trail.")
    add_database_arguments(parser)
    return parser


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def _quiet(*, verbose: bool) -> Iterator[None]:
    """freqtrade's log hides what matters here; what matters of it comes as an error."""
    if verbose:
        yield
        return
    theirs, before = logging.getLogger("freqtrade"), logging.root.manager.disable
    logging.disable(logging.WARNING)  # loading the configuration sets up freqtrade's own log
    try:
        yield
    finally:
        logging.disable(before)
        theirs.propagate = True


def _hush() -> None:
    """After :func:`_quiet`, with the log set up: our own warnings are heard again."""
    theirs = logging.getLogger("freqtrade")
    theirs.propagate = False
    if not any(isinstance(handler, logging.NullHandler) for handler in theirs.handlers):
        theirs.addHandler(logging.NullHandler())
    logging.disable(logging.INFO)


class _Opening:
    """The exchange, opened in the background: a bot that answers does not need it."""

    def __init__(self, config: Config) -> None:
        self._future: Future[Exchange] = Future()
        if start_thread(partial(self._open, config), name="exchange") is None:
            self._open(config)

    def _open(self, config: Config) -> None:
        try:
            self._future.set_result(open_exchange(config))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for it
            self._future.set_exception(error)

    def exchange(self, say: Callable[[str], None] = lambda words: None) -> Exchange:
        """The exchange, however long that takes.

        :raises LiquidationError: if it does not answer.
        """
        try:
            return self._future.result(PATIENCE_S)
        except TimeoutError:
            say("Waiting for the exchange's list of markets…")
            return self._future.result()


class _Command:
    """One ``liquidate``, from the configuration to the exit code."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self._options = options
        self._console = console
        self._pairs = frozenset(options.pairs) if options.pairs else None
        args = freqtrade_arguments(options)
        configuration.install_schema()
        read, self._settings = configuration.read_before_start(args)
        mask_log(Masker(secrets_in(read)))  # before freqtrade logs any of it
        self._config = load_config(args)
        if not options.verbosity:
            _hush()
        check_database(self._config)
        self._masker = Masker(secrets_in(self._config))
        mask_log(self._masker)
        self._opening = _Opening(self._config)

    def execute(self) -> int:
        """See :func:`run`. What an error says may be the exchange's words: masked."""
        try:
            return self._execute()
        except LiquidationError as error:
            raise Failed(self._masker.text(str(error))) from error

    def _execute(self) -> int:
        if self._pairs is not None:
            self._check_pairs(self._pairs)
        if not self._options.yes and not self._show_and_ask():
            return OK
        result = self._liquidate()
        show = again("show-liquidations", self._options)
        text = messages.outcome(result, self._config["stake_currency"], show=show)
        style = "bold green" if result.success else "bold red"
        self._console.print(Text(self._masker.text(text), style=style), soft_wrap=True)
        remain = result.state in (LiquidationState.PARTIAL, LiquidationState.FAILED)
        return POSITIONS_REMAIN if remain else OK

    def _check_pairs(self, pairs: frozenset[str]) -> None:
        """A misspelt pair has no position, and "flat" would be a lie.

        :raises OperationalException: naming those that the exchange does not know.
        """
        exchange = self._opening.exchange()
        wrong = sorted(pair for pair in pairs if not self._is_market(exchange, pair))
        if wrong:
            meant = {p.lower() for pair in wrong for p in (pair, f"{pair}:{pair.split('/')[-1]}")}
            names = (name for name in exchange.markets if name.lower() in meant)
            likely = sorted(name for name in names if self._is_market(exchange, name))
            hint = f" Did you mean {', '.join(likely)}?" if likely else ""
            raise OperationalException(
                f"The exchange's {exchange.trading_mode.value} market has no {', '.join(wrong)}."
                f"{hint}"
            )

    @staticmethod
    def _is_market(exchange: Exchange, pair: str) -> bool:
        market = exchange.markets.get(pair)
        return market is not None and exchange.market_is_tradable(market)

    # -- asking -------------------------------------------------------------------------------

    def _show_and_ask(self) -> bool:
        """Whether to go on."""
        try:
            preview = self._look_ahead()
        except LiquidationError as error:
            hint = "" if self._options.preview else " --yes closes without one."
            raise Failed(f"No preview: {error}.{hint}") from error
        foresight.show(preview, self._console)
        if self._options.preview:
            return False
        count = preview.to_close
        question = f"Close {count} position(s) at market now?" if count else "Go on all the same?"
        forget_what_was_typed()
        return Confirm.ask(question, console=self._console, default=False)

    def _look_ahead(self) -> Preview:
        exchange = self._opening.exchange()
        read_trades(self._config)
        bot = stand_in(self._config, exchange)
        preview = asyncio.run(look_ahead(bot, self._settings, self._pairs))
        return preview if self._pairs is None else replace(preview, state_after="as it is now")

    # -- acting -------------------------------------------------------------------------------

    def _liquidate(self) -> LiquidationResult:
        request = Request(
            trigger="cli",
            actor=who_asks(),
            reason=self._options.reason,
            pairs=self._pairs,
        )
        fallback = fallback_path(Path(self._config["user_data_dir"]), self._config["db_url"])
        audit = AuditLog(
            self._config["db_url"], fallback=fallback, masker=self._masker, patience_s=IN_A_RUN_S
        )
        book = BookDatabase(self._config["db_url"])
        try:
            with Progress(self._console) as progress:
                return self._ask_or_run(request, audit, book, progress)
        finally:
            audit.close()
            book.close()

    def _ask_or_run(
        self, request: Request, audit: AuditLog, book: BookDatabase, progress: Progress
    ) -> LiquidationResult:
        def say(words: str) -> None:
            progress.say(self._masker.text(words))

        def hear(event: AuditEvent) -> None:
            error = None if event.error is None else self._masker.text(event.error)
            progress.hear(replace(event, error=error))

        asker = Asker(book, audit, say=say, run_s=self._settings.timeout_seconds)
        handed = asker.hand_over(request, hear)
        if handed.result is not None:
            return handed.result
        say(handed.words)
        try:
            exchange = self._opening.exchange(say)
        except LiquidationError:
            say("NOTHING WAS CLOSED.")
            raise
        run = OutsideRun(self._config, self._settings, exchange, audit=audit, book=book, say=say)
        result = run.execute(request, books=handed.books, listener=hear)
        if request.pairs is None:
            say(_about_the_latch(audit))
        return result


def _about_the_latch(audit: AuditLog) -> str:
    """Whether a bot that answers or starts will find it, as far as this process can read."""
    try:
        state = bounded(Control(audit).state, timeout_s=LATCH_READ_WITHIN_S, name="latch")
    except (LiquidationError, TimeoutError) as error:
        return (
            f"The latch stands in {audit.fallback} alone: a bot that has another user_data "
            f"does not find it, and trades again. {error}"
        )
    if state.latched_by is None:
        return "NOT LATCHED: a bot that starts trades again."
    return "Latched: a bot that answers or starts tells its channels, and stays stopped."

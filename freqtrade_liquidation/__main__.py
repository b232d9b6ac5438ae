"""``freqtrade-liquidation``: freqtrade's command line, armed, and a few commands of our own."""

import argparse
import gc
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freqtrade_liquidation.host.protection import Protection

from freqtrade_liquidation.exit_codes import ERROR, POSITIONS_REMAIN, SIGNALLED, USAGE


def main(
    argv: Sequence[str] | None = None, *, make: "Callable[[], Protection] | None" = None
) -> None:
    """Runs one command and exits with its code.

    :param make: makes the protection of a bot; ``None`` = with our usual times.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    from freqtrade_liquidation.frontends import commands

    if arguments and arguments[0] in commands.OWN:
        sys.exit(commands.run(arguments))
    if not arguments or arguments[0] in ("-h", "--help", "-V", "--version"):
        print(commands.about(), end="", flush=True)  # noqa: T201 - it is what was asked for
    _leave(_run_freqtrade(arguments, make))


def _run_freqtrade(arguments: list[str], make: "Callable[[], Protection] | None" = None) -> int:
    """freqtrade's own ``main``, with our classes in place where it trades."""
    trades = arguments[:1] == ["trade"]
    with _no_garbage():
        from freqtrade.exceptions import FreqtradeException

        try:
            if trades:
                _check_freqtrade()
            from freqtrade_liquidation import config as configuration

            configuration.install_schema()
            protection = _protect(arguments, make) if trades else None
        except FreqtradeException as error:
            sys.stderr.write(f"Error: {error}\n")
            return USAGE
        from freqtrade.main import main as freqtrade_main

        from freqtrade_liquidation.host.signals import exit_now

    code = 1
    try:
        freqtrade_main(arguments)
    except SystemExit as end:
        code = _code_of(end)
        if _is_unknown_command(end):
            from freqtrade_liquidation.frontends import commands

            sys.stderr.write(commands.suggestion(arguments))
    if protection is not None:
        protection.signals.exiting()
        # Python's own end would close a database on a disk that hangs, and a signal can kill it.
        exit_now(_code_of_bot(code, protection, arguments))
    return code


def _is_unknown_command(end: BaseException | None) -> bool:
    """Whether freqtrade's parser has refused the command itself, not what follows it."""
    while end is not None:
        if isinstance(end, argparse.ArgumentError) and end.argument_name == "command":
            return True
        end = end.__context__
    return False


def _code_of(end: SystemExit) -> int:
    """freqtrade ends without a code where its parser ended with one: 2 for an unknown command."""
    if end.code is None and isinstance(end.__context__, SystemExit):
        return _code_of(end.__context__)
    return end.code if isinstance(end.code, int) else 0 if end.code is None else 1


def _code_of_bot(code: int, protection: "Protection", arguments: list[str]) -> int:
    """What a service manager is told: whether to start the bot again, and whether to wake a person.

    :param code: freqtrade's own. It says 0 for a configuration error, and 2 for every error that it
        knows, the exchange's and the database's, too.
    """
    if protection.positions_remain:
        return POSITIONS_REMAIN
    if protection.signals.first is not None:
        return SIGNALLED
    if code == 0 and not _asks_for_help(arguments):
        return USAGE  # trading never ends well
    if code == USAGE and protection.is_armed:
        return ERROR  # it has run: whatever ended it now, its configuration was right
    if code == USAGE and _comes_from_outside(protection.start_failed_by):
        return ERROR
    return code


def _comes_from_outside(error: BaseException | None) -> bool:
    """An exchange or a database that may answer the next time, not a configuration."""
    from freqtrade.exceptions import TemporaryError
    from sqlalchemy.exc import SQLAlchemyError

    from freqtrade_liquidation.errors import LiquidationError

    outside = (TemporaryError, SQLAlchemyError, LiquidationError)
    seen: list[BaseException] = []  # freqtrade raises an error from itself
    while error is not None and error not in seen:
        # freqtrade keeps no cause of this one.
        if isinstance(error, outside) or "Could not load markets" in str(error):
            return True
        seen.append(error)
        error = error.__context__ if error.__cause__ in (None, error) else error.__cause__
    return False


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Loading a thousand modules makes next to none, and to look for it takes a tenth of a second
    of a start. Nor is it looked for among them later.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _check_freqtrade() -> None:
    """Before anything of ours is loaded that would fail for a name that is missing.

    :raises OperationalException: if this freqtrade does not fit.
    """
    # From as few frames down as freqtrade loads it, not from beneath our own modules: where calls
    # cross a page of its stack, Python 3.11 maps and unmaps it each time (0.1 s of a start).
    import freqtrade.worker  # noqa: F401

    from freqtrade_liquidation.host import seams

    seams.check()


def _protect(arguments: list[str], make: "Callable[[], Protection] | None") -> "Protection":
    """Our classes in freqtrade's place.

    :raises FreqtradeException: if the configuration does not fit.
    """
    from freqtrade_liquidation.audit.queued_log import queue_log
    from freqtrade_liquidation.host import protection as protections
    from freqtrade_liquidation.host import seams

    protection = protections.install(make or protections.Protection)
    _validate(arguments, protection)
    queue_log()
    seams.substitute()
    from freqtrade_liquidation.frontends import channels

    protection.prepare_channels = channels.substitute
    return protection


def _asks_for_help(arguments: list[str]) -> bool:
    return bool({"-h", "--help", "-V", "--version"} & set(arguments))


def _validate(arguments: list[str], protection: "Protection") -> None:
    """freqtrade ends with 0 on a configuration error, after loading the exchange: look first."""
    if _asks_for_help(arguments):
        return
    from freqtrade.commands import Arguments

    protection.validate(Arguments(arguments).get_parsed_arg())


def _leave(code: int) -> None:
    """Exits with *code*; threads of freqtrade's that still sleep do not hold up the process."""
    from freqtrade_liquidation.host.signals import exit_now

    others = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
    if others:
        exit_now(code)
    sys.exit(code)


if __name__ == "__main__":
    main()

"""Our own subcommands: their parsers and what they call."""

import argparse
import difflib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from freqtrade_liquidation.frontends.terminal import Terminal


def run(arguments: Sequence[str]) -> int:
    """Parses and carries out one of :data:`OWN`.

    :returns: its exit code; 2 for bad usage, 1 where the database does not answer, or after Ctrl-C.
    """
    from freqtrade.exceptions import FreqtradeException

    from freqtrade_liquidation.errors import LiquidationError

    try:
        return OWN[arguments[0]](list(arguments[1:]))
    except (FreqtradeException, LiquidationError) as error:
        text = f"Error: {error}"
        Terminal(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)
        return 2 if isinstance(error, FreqtradeException) else 1
    except KeyboardInterrupt:
        Terminal(stderr=True).print(f"Interrupted: {arguments[0]} was not finished.")
        return 1


def about() -> str:
    """Our version and our own commands; freqtrade's own help follows it."""
    from importlib.metadata import version

    width = max(map(len, ABOUT))
    lines = [f"  {name:<{width}}  {words}" for name, words in ABOUT.items()]
    return (
        f"freqtrade-liquidation {version('freqtrade-liquidation')}: brings a bot's book to flat "
        "when it must stop.\n\nIts own commands (each has --help):\n"
        + "\n".join(lines)
        + "\n\nEvery command of freqtrade passes through. freqtrade:\n\n"
    )


def suggestion(arguments: Sequence[str]) -> str:
    """What somebody who wrote *arguments*, which freqtrade does not know, may have meant."""
    meant = [word for word in arguments if word in OWN]
    meant = meant or difflib.get_close_matches(arguments[0].lower(), ABOUT, n=1)
    words = f"Did you mean: freqtrade-liquidation {meant[0]} …? " if meant else ""
    own = ", ".join(ABOUT)
    return f"\n{words}The command comes first. Beside freqtrade's, there are: {own}.\n"


ABOUT: Final = {
    "trade": "freqtrade's bot, armed",
    "liquidate": "closes the book now, with no bot running or while it hangs",
    "drill": "fire drill on the built-in practice exchange",
    "liquidation-analysis": "backtest: what a liquidation at each candle would have cost",
    "show-liquidations": "runs and their audit trail",
    "status": "armed, disarmed or latched; the last run",
    "disarm": "maintenance window: automatic triggers leave positions open",
    "arm": "ends a maintenance window",
    "release": "lifts the latch that keeps a bot stopped",
    "exchange-support": "what each exchange can do, and what is tested",
}


def _show(arguments: Sequence[str]) -> int:
    from freqtrade_liquidation.frontends import show
    from freqtrade_liquidation.frontends.database import add_database_arguments, open_audit

    parser = argparse.ArgumentParser(
        prog="freqtrade-liquidation show-liquidations",
        description="Shows liquidation runs and their audit trail.",
    )
    add_database_arguments(parser)
    show.add_arguments(parser)
    options = parser.parse_args(arguments)
    audit = open_audit(options)
    try:
        return show.run(options, audit, Terminal())
    finally:
        audit.close()


def _control(command: str, arguments: Sequence[str]) -> int:
    from freqtrade_liquidation.frontends import control

    return control.run([command, *arguments])


def _status(arguments: Sequence[str]) -> int:
    from freqtrade_liquidation.frontends import status

    return status.run(arguments)


def _liquidate(arguments: Sequence[str]) -> int:
    from freqtrade_liquidation.frontends import liquidate

    return liquidate.run(arguments)


def _drill(arguments: Sequence[str]) -> int:
    from freqtrade_liquidation.drill import seal

    seal.seal_this_process()  # before freqtrade and what it imports
    from freqtrade_liquidation.drill import drill

    return drill.main(arguments)


def _analysis(arguments: Sequence[str]) -> int:
    from freqtrade_liquidation.drill import seal

    example = argparse.ArgumentParser(add_help=False)
    example.add_argument("--example", action="store_true")
    if example.parse_known_args(arguments)[0].example:
        seal.seal_this_process()  # before freqtrade and what it imports

    from freqtrade_liquidation.frontends.analysis import command

    return command.run(arguments)


def _exchange_support(arguments: Sequence[str]) -> int:
    from freqtrade_liquidation.frontends import exchange_support

    return exchange_support.run(arguments)


OWN: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    "liquidate": _liquidate,
    "liquidation-analysis": _analysis,
    "show-liquidations": _show,
    "drill": _drill,
    "status": _status,
    "exchange-support": _exchange_support,
    **{name: partial(_control, name) for name in ("disarm", "arm", "release")},
}

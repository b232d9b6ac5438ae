"""Our own subcommands: their parsers and what they call."""

import argparse
from collections.abc import Callable, Sequence
from typing import Final

from rich.console import Console

from freqtrade_liquidation.frontends import show


def run(arguments: Sequence[str]) -> int:
    """Parses and carries out one of :data:`OWN`; the exit code is DESIGN 2.1's."""
    return OWN[arguments[0]](list(arguments[1:]))


def _show(arguments: Sequence[str]) -> int:
    from freqtrade_liquidation.audit.log import AuditLog
    from freqtrade_liquidation.audit.masking import Masker
    from freqtrade_liquidation.frontends.database import (
        add_database_arguments,
        database_url,
        fallback_file,
    )

    parser = argparse.ArgumentParser(
        prog="freqtrade-liquidation show-liquidations",
        description="Shows liquidation runs and their audit trail.",
    )
    add_database_arguments(parser)
    show.add_arguments(parser)
    options = parser.parse_args(arguments)
    audit = AuditLog(database_url(options), fallback=fallback_file(options), masker=Masker([]))
    try:
        return show.run(options, audit, Console())
    finally:
        audit.close()


def _drill(arguments: Sequence[str]) -> int:
    from freqtrade_liquidation.drill import drill

    return drill.main(arguments)


OWN: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    "show-liquidations": _show,
    "drill": _drill,
}

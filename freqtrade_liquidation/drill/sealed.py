"""Runs Python code in a sealed process, see :mod:`freqtrade_liquidation.drill.seal`.

    python -m freqtrade_liquidation.drill.sealed [--only FILE] [--keep NAME]… -m MODULE [ARGUMENT]…
    python -m freqtrade_liquidation.drill.sealed …                            -c CODE [ARGUMENT]…

``--only``: freqtrade's worker must not find any configuration but this file's. ``--keep``: an
environment variable that the caller has set on purpose. The process ends with 1, and says why in
its standard error, before anything leaves the machine.
"""

import argparse
import runpy
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from freqtrade_liquidation.drill import seal

MODULE: Final = "freqtrade_liquidation.drill.sealed"


def command(*code: str, only: Path | None = None, keep: Iterable[str] = ()) -> list[str]:
    """What follows ``python`` for a sealed process.

    :param code: ``-m MODULE …`` or ``-c CODE …``, as for Python itself.
    """
    locked = ["--only", str(only)] if only else []
    kept = [word for name in keep for word in ("--keep", name)]
    return ["-m", MODULE, *locked, *kept, *code]


def main(arguments: Sequence[str]) -> None:
    """Seals this process, then is what *arguments* say."""
    parser = argparse.ArgumentParser(prog="sealed", allow_abbrev=False)
    parser.add_argument("--only", type=Path)
    parser.add_argument("--keep", action="append", default=[])
    parser.add_argument("-m", dest="code", action="store_const", const="-m")
    parser.add_argument("-c", dest="code", action="store_const", const="-c")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    seal.seal_this_process(keep=["HOME", *options.keep])
    if options.only:
        from freqtrade_liquidation.drill import lock

        lock.install(options.only, seal.end_process)
    run(options.code, *options.rest)


def run(kind: str, what: str, *arguments: str) -> None:
    """Does what ``python -m WHAT`` or ``python -c WHAT`` does."""
    if (kind, what) == ("-m", MODULE):
        main(arguments)  # runpy would load this module a second time, and warn
    elif kind == "-m":
        sys.argv = [what, *arguments]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *arguments]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - Python's -c


if __name__ == "__main__":
    main(sys.argv[1:])

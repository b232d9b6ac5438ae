"""``python -m tests.soak --minutes N``: a day of hostile input in half an hour, on a real bot."""

from freqtrade_liquidation.drill import seal

seal.seal_this_process()

import argparse  # noqa: E402 - the process is sealed before anything reads the environment
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from tests.soak.soak import MOST_GROWTH_MB, Broken, Soak  # noqa: E402


def main() -> int:
    """:return: 0, or 1 if the bot did not live through it or its memory grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="default: %(default)g, a day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keeps what the bot leaves behind")
    options = parser.parse_args()
    try:
        report = Soak(options.minutes * 60, options.seed, say=say, folder=options.folder).run()
    except Broken as error:
        print(f"BROKEN: {error} {error.__cause__ or ''}")
        return 1
    print("\n".join(report.lines()))
    if options.minutes >= 10 and report.growth_mb > MOST_GROWTH_MB:
        print(f"BROKEN: more than {MOST_GROWTH_MB:g} MB in the second half")
        return 1
    return 0


def say(text: str) -> None:
    """At once, also into a file."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

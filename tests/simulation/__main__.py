"""``python -m tests.simulation``: replays a seed, or plays new ones for as long as you like."""

import argparse
import os
import random
import sys

from tests.simulation.catalogue import invariants, table
from tests.simulation.planted import PLANTED, planted
from tests.simulation.searching import Tally, explain, how_to_replay, judge, search


def main(argv: list[str] | None = None) -> int:
    """0 = every invariant held in everything that was played, 1 = not."""
    options = _parser().parse_args(argv)
    if options.planted:
        print(f"{invariants()}\n\n{table()}")
        return 0
    if options.seed is not None:
        with planted(options.bug):
            print(explain(options.seed))
            return 1 if judge(options.seed) else 0
    first = random.SystemRandom().randrange(1 << 40) if options.first is None else options.first
    return _play(first, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this seed and tell what happens")
    parser.add_argument("--bug", choices=sorted(PLANTED), help="with --seed: plant this bug")
    parser.add_argument("--minutes", type=float, default=1.0, help="play new seeds (default: 1)")
    parser.add_argument("--first", type=int, help="the first of them (default: drawn by lot)")
    parser.add_argument("--most", type=int, help="so many seeds at most")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="default: all")
    parser.add_argument(
        "--planted", action="store_true", help="print the lists of docs/simulation.md"
    )
    return parser


def _play(first: int, options: argparse.Namespace) -> int:
    tally, told = Tally(), set[int]()
    for tally in search(first, minutes=options.minutes, cores=options.cores, most=options.most):
        for seed in sorted(tally.failed.keys() - told):
            print(f"seed {seed}: {tally.failed[seed][0]}\n  {how_to_replay(seed)}", flush=True)
        told = set(tally.failed)
        if sys.stderr.isatty():
            print(f"\r{tally.rate(options.cores)}", end="", file=sys.stderr, flush=True)
    print(f"from seed {first}: {tally.rate(options.cores)}, {len(tally.failed)} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())

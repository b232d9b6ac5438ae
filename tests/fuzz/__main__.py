"""``python -m tests.fuzz --minutes N``: fresh junk until the time is over."""

import argparse
import os
import subprocess
import sys
import time


def main() -> int:
    """Runs the properties again and again; 1 as soon as one fails, with hypothesis's own words."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument(
        "--examples", type=int, default=200,
        help="in one round, of each property that needs a database or an exchange; of the others "
        "ten times as many",
    )  # fmt: skip
    parser.add_argument("--rest-seconds", type=int, default=60, help="in one round, for REST")
    options = parser.parse_args()
    until, rounds = time.monotonic() + options.minutes * 60, 0
    environment = {
        **os.environ,
        "TESTS_FUZZ_EXAMPLES": str(options.examples),
        "TESTS_FUZZ_REST_S": str(options.rest_seconds),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--show-capture=no", "tests/fuzz"]
    while rounds == 0 or time.monotonic() < until:
        ended = subprocess.run(command, env=environment, check=False)
        if ended.returncode:
            return 1
        rounds += 1
        count = rounds * options.examples
        print(f"{rounds} round(s), {count} or {count * 10} inputs to each property: none got out")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Schemathesis reads our part of a real bot's OpenAPI page, and sends what it allows or forbids.

It fails for an answer of 500, a status, a content type or a body that the page does not promise, a
body that the page forbids and the server takes, and a stranger who is let in.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import MakeBot
from tests.integration.operator import Operator

SECONDS: Final = os.environ.get("TESTS_FUZZ_REST_S", "15")
BY_DESIGN: Final = (
    # The page cannot list the pairs of an exchange, nor that 24h is the longest window.
    "positive_data_acceptance",
    # freqtrade's user interface takes every GET that is left, and answers 404.
    "unsupported_method",
)


def test_server_does_what_its_page_says_and_no_body_breaks_it(
    make_bot: MakeBot, exchange: PracticeExchange, tmp_path: Path
) -> None:
    exchange.set_limits(weight_per_minute=None)  # a preview that it refuses is a 502
    operator = Operator()
    bot = make_bot(api_server=operator.config | {"enable_openapi": True}, initial_state="stopped")
    bot.start()
    bot.wait_for(lambda: operator.state() == "stopped", "REST")
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"http://127.0.0.1:{operator.port}/openapi.json",
            *("--include-path-regex", "/liquidat", "--auth", "operator:practice"),
            *("--checks", "all", "--exclude-checks", ",".join(BY_DESIGN)),
            *("--max-time", SECONDS, "--no-color"),
        ],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    print(ended.stdout)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Selected: 4/" in ended.stdout, "our four routes"
    tried = re.search(r"(\d+) generated", ended.stdout)
    assert tried is not None, ended.stdout
    assert int(tried[1]) >= 100
    assert "Traceback" not in bot.log()

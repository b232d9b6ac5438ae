"""A liquidation at random moments of a bot that never rests: flat, and the books are right.

``STORM_ROUNDS`` and ``STORM_SEED`` in the environment ask for more rounds, and for other moments.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import STRATEGIES, runs
from tests.integration.forking import ForkedBot
from tests.integration.operator import Operator
from tests.integration.storm_rounds import PAIRS, Storm, storm_config
from tests.integration.test_main_job import assert_chain

ROUNDS = int(os.environ.get("STORM_ROUNDS", "12"))
RESTARTS = max(2, ROUNDS // 5)
SEED = int(os.environ.get("STORM_SEED", "1"))
STRATEGY = (STRATEGIES / "storm.py", "Storm")
OWN_COINS = 5.0


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture(params=["futures", "spot"])
def storm(
    request: pytest.FixtureRequest, exchange: PracticeExchange, operator: Operator, tmp_path: Path
) -> Iterator[Storm]:
    """A bot of `Storm` that trades; on spot, the account holds coins of its user, too."""
    futures = request.param == "futures"
    pairs = exchange.pairs(futures)[:PAIRS]
    for pair in pairs if not futures else []:
        exchange.seed_balance(pair.split("/")[0], OWN_COINS)
    config = exchange.freqtrade_config(
        futures=futures, pairs=pairs, **storm_config(operator, futures=futures, seed=SEED)
    )
    with ForkedBot(tmp_path / "bot", config, strategy=STRATEGY) as bot:
        bot.wait_for(lambda: operator.state() == "running", "REST")
        yield Storm(exchange=exchange, bot=bot, futures=futures, seed=SEED)


def test_liquidation_at_random_moments_is_flat_and_booked_each_time(
    storm: Storm, operator: Operator
) -> None:
    """No entry after a run's start survives it, and trades and orders agree with the exchange."""
    for _ in range(ROUNDS):
        answer = storm.liquidate(operator)
        storm.check_truth(answer["outcome"])
        assert operator.ask("start") == {"status": "starting trader ..."}
    assert [run["state"] for run in runs(storm.bot)] == ["completed"] * ROUNDS
    if storm.futures:  # on spot the coins that are too few to sell rest at changing prices
        told, is_so = storm.truth.total()
        assert told == pytest.approx(is_so, abs=0.01), "all rounds together"
    assert_chain(storm.bot)


def test_signal_at_random_moments_ends_flat_and_booked_each_time(
    storm: Storm, operator: Operator
) -> None:
    """Each time with a new process on the same database; the signal hits whatever it is at."""
    for number in range(RESTARTS):
        if number:
            storm.bot.start()
            storm.bot.wait_for(lambda: operator.state() == "running", "REST")
        storm.end(signal.SIGTERM)
        (run,) = storm.bot.query("SELECT * FROM liquidation_runs ORDER BY started_at DESC LIMIT 1")
        storm.check_truth(json.loads(run["outcome"]))
    assert [run["trigger"] for run in runs(storm.bot)] == ["shutdown"] * RESTARTS
    assert_chain(storm.bot)

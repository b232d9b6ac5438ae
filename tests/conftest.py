"""What all tests begin with: nothing of the user's enters them, and nothing leaves the machine."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

from freqtrade_liquidation.drill import seal

OURS = ("PYTEST", "HYPOTHESIS_", "STORM_", "TESTS_")
"""Prefixes of the variables that steer the tests themselves; ``CI`` is read by hypothesis."""
_tried: list[str] = []


def _refuse(what: str) -> NoReturn:
    """Kept as well: whatever swallows the exception, the test fails."""
    _tried.append(what)
    raise RuntimeError(what)


# Before anything is imported that reads the environment or opens a connection.
seal.seal_this_process(_refuse, keep=["HOME", "CI", *(n for n in os.environ if n.startswith(OURS))])

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Started by nohup. Bots would inherit it, and rightly not heed the signal that a test sends;
    # a handler outlives the terminal as well, and what is executed does not inherit it.
    signal.signal(signal.SIGHUP, lambda *_: None)

# An example takes as long as the machine likes. How time grows, test_growth asks by CPU time.
settings.register_profile(
    "tests", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")


@pytest.fixture(autouse=True)
def _exchange_has_asked_for_nothing() -> None:
    """Runs of one process share what the exchange asked for; tests do not."""
    if (waits := sys.modules.get("freqtrade_liquidation.exchange.waits")) is not None:
        waits._KNOWN.clear()


@pytest.fixture(autouse=True)
def own_log_records() -> Iterator[None]:
    """A command that runs in this process masks its log: not that of the next test."""
    before = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(before)


@pytest.fixture
def tried() -> list[str]:
    """What was refused since the last test; a test that provokes it empties the list."""
    return _tried


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Fails the test in which something asked for another machine."""
    yield
    if found := list(_tried):
        _tried.clear()
        pytest.fail("; ".join(found))

"""What all tests begin with."""

import logging
import signal
from collections.abc import Iterator

import pytest

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Started by nohup. Bots would inherit it, and rightly not heed the signal that a test sends;
    # a handler outlives the terminal as well, and what is executed does not inherit it.
    signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(autouse=True)
def own_log_records() -> Iterator[None]:
    """A command that runs in this process masks its log: not that of the next test."""
    before = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(before)

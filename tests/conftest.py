"""What all tests begin with."""

import signal
import sys

import pytest

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Started by nohup. Bots would inherit it, and rightly not heed the signal that a test sends;
    # a handler outlives the terminal as well, and what is executed does not inherit it.
    signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(autouse=True)
def _exchange_has_asked_for_nothing() -> None:
    """Runs of one process share what the exchange asked for; tests do not."""
    if (waits := sys.modules.get("freqtrade_liquidation.exchange.waits")) is not None:
        waits._KNOWN.clear()

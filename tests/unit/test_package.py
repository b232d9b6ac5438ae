"""Importing starts nothing and brings in no more than it must."""

import subprocess
import sys

import pytest

import freqtrade_liquidation

PURE = ("errors", "model", "state", "plan", "retry", "deadline", "ports", "run", "manager")


def fresh(source: str) -> str:
    """What *source* prints in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def foreign_after(module: str) -> str:
    return fresh(
        f"import sys, threading, {module}\n"
        "print(sorted({'freqtrade', 'ccxt', 'sqlalchemy'} & sys.modules.keys()),"
        " threading.active_count())"
    )


def test_importing_the_package_starts_no_thread_and_brings_no_freqtrade() -> None:
    assert foreign_after("freqtrade_liquidation") == "[] 1"


@pytest.mark.parametrize("name", PURE)
def test_rules_of_a_run_import_neither_freqtrade_nor_ccxt(name: str) -> None:
    assert foreign_after(f"freqtrade_liquidation.{name}") == "[] 1"


@pytest.mark.parametrize("name", freqtrade_liquidation.__all__)
def test_public_name_exists(name: str) -> None:
    assert getattr(freqtrade_liquidation, name).__name__ == name


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        freqtrade_liquidation.__getattr__("Nonsense")


def test_armed_bot_has_loaded_what_a_run_needs_and_collects_garbage() -> None:
    """Nothing is left to be loaded between the signal and the first request."""
    told = fresh(
        "import gc, sys, freqtrade.main as host\n"
        "from freqtrade_liquidation.__main__ import main\n"
        "def started(sysargv=None):\n"
        "    needed = {'run.run', 'orders.futures', 'orders.spot', 'host.bookkeeping',\n"
        "              'audit.store'}\n"
        "    print(gc.isenabled(), {n for n in needed\n"
        "          if f'freqtrade_liquidation.{n}' not in sys.modules})\n"
        "    sys.exit(0)\n"
        "host.main = started\n"
        "main(['trade', '--help'])\n"
    )
    assert told == "True set()"

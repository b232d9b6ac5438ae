"""Real signals, in a process of their own."""

import subprocess
import sys

import pytest

START = """
import os, signal, sys, threading
if {ignore_hup}: signal.signal(signal.SIGHUP, signal.SIG_IGN)
from freqtrade_liquidation.host.signals import Signals
def say(word): print(word, flush=True)
told = threading.Event()
def second(): say("second"); told.set()
signals = Signals(on_held=second, on_third=lambda: say("third"))
signals.install()
def raised(number):
    try:
        signal.raise_signal(number)
    except KeyboardInterrupt:
        say("interrupted")
"""


def play(script: str, *, ignore_hup: bool = False) -> tuple[int, list[str]]:
    """Exit code and printed words of *script*."""
    source = START.format(ignore_hup=ignore_hup) + script
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.split()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_first_signal_ends_the_bot_and_is_named(name: str) -> None:
    assert play(f"raised(signal.{name}); say(signals.first)") == (0, ["interrupted", name])


def test_second_signal_of_a_run_is_told_how_things_stand() -> None:
    script = "raised(signal.SIGINT); signals.exiting(); raised(signal.SIGTERM)"
    script += "; told.wait(10); say('goes-on')"
    assert play(script) == (0, ["interrupted", "second", "goes-on"])


def test_third_signal_is_put_on_record_and_forces_the_exit() -> None:
    script = "raised(signal.SIGINT); signals.exiting()\n"
    script += "raised(signal.SIGINT); told.wait(10); raised(signal.SIGINT); say('not reached')"
    assert play(script) == (3, ["interrupted", "second", "third"])


def test_ignored_hangup_stays_ignored() -> None:
    """``nohup freqtrade-liquidation trade``."""
    assert play("raised(signal.SIGHUP); say(signals.first)", ignore_hup=True) == (0, ["None"])


def test_swallowed_interrupt_is_raised_again() -> None:
    script = """
raised(signal.SIGTERM)
try: signals.check()
except KeyboardInterrupt: say("again")
signals.exiting(); signals.check(); say("quiet")
"""
    assert play(script) == (0, ["interrupted", "again", "quiet"])


def test_signal_while_held_interrupts_nothing_and_is_raised_after_it() -> None:
    """A bot that is being built would otherwise end without its exit, its positions open."""
    script = """
with signals.held():
    raised(signal.SIGTERM); told.wait(10); say("built")
try: signals.check()
except KeyboardInterrupt: say("ends")
"""
    assert play(script) == (0, ["second", "built", "ends"])


def test_third_signal_before_the_exit_has_begun_is_on_record_too() -> None:
    script = "raised(signal.SIGINT); raised(signal.SIGINT); raised(signal.SIGINT)"
    assert play(script) == (3, ["interrupted", "third"])

"""Real signals, in a process of their own."""

import subprocess
import sys
import time

import pytest

from freqtrade_liquidation.host.presses import Presses

START = """
import os, signal, sys, threading, time
if {ignore_hup}: signal.signal(signal.SIGHUP, signal.SIG_IGN)
from freqtrade_liquidation.host.signals import Signals
def say(word): print(word, flush=True)
told = threading.Event()
def second(): say("second"); told.set()
begun = threading.Event(); begun.set()
def no_thread(self): raise RuntimeError("can't start new thread")
signals = Signals(on_held=second, on_third=lambda: say("third"), has_begun=begun.is_set)
{before}
signals.install()
def raised(number):
    try:
        signal.raise_signal(number)
    except KeyboardInterrupt:
        say("interrupted")
def again(after_s):
    told.clear(); time.sleep(after_s); signal.raise_signal(signal.SIGINT); told.wait(10)
"""


def play(script: str, *, ignore_hup: bool = False, before: str = "") -> tuple[int, list[str]]:
    """Exit code and printed words of *script*."""
    source = START.format(ignore_hup=ignore_hup, before=before) + script
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.split()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP"])
def test_first_signal_ends_the_bot_and_is_named(name: str) -> None:
    assert play(f"raised(signal.{name}); say(signals.first)") == (0, ["interrupted", name])


@pytest.mark.parametrize("name", ["SIGUSR1", "SIGUSR2"])
def test_signal_that_is_no_trigger_kills_no_bot(name: str) -> None:
    """Its default does, at once: a log rotation gone wrong would leave the book open."""
    script = f"""
raised(signal.{name}); time.sleep(0.2); say(signals.first); say(signals.received)
child = subprocess.run(["sh", "-c", "kill -{name[3:]} $$; echo lives"], capture_output=True)
say(-child.returncode == signal.{name})
if not os.fork(): signal.raise_signal(signal.{name}); os._exit(0)
say(os.waitstatus_to_exitcode(os.wait()[1]) == -signal.{name})
raised(signal.SIGTERM)
"""
    assert play(script, before="import subprocess") == (
        0, ["None", "[]", "True", "True", "interrupted"]
    )  # fmt: skip


def test_handler_of_a_strategys_own_for_such_a_signal_stays() -> None:
    script = "raised(signal.SIGUSR1); signals.check(); say(signals.first)"
    before = "signal.signal(signal.SIGUSR1, lambda *_: say('own'))"
    assert play(script, before=before) == (0, ["own", "None"])


def test_second_signal_of_a_run_is_told_how_things_stand() -> None:
    script = "raised(signal.SIGINT); signals.exiting(); again(0.6); say('goes-on')"
    assert play(script) == (0, ["interrupted", "second", "goes-on"])


def test_third_signal_is_put_on_record_and_forces_the_exit() -> None:
    script = "raised(signal.SIGINT); signals.exiting()\n"
    script += "again(1); again(2); time.sleep(10); say('not reached')"
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


def test_third_signal_forces_nothing_before_a_run_has_begun() -> None:
    """Three times Ctrl-C while a strategy is slow: the run is still to come."""
    script = """
begun.clear()
raised(signal.SIGINT); again(1); told.clear()
again(1); told.wait(10); say("goes-on")
begun.set()
again(1); time.sleep(10)
"""
    words = ["interrupted", "second", "second", "goes-on", "third"]
    assert play(script) == (3, words)


def test_signal_is_heard_within_a_second_though_its_interrupt_is_swallowed() -> None:
    script = """
def end(): say("ends-without"); told.set(); return True
signals.on_unheard = end
began = time.monotonic()
try: signal.raise_signal(signal.SIGTERM)
except: pass
told.wait(10); say(time.monotonic() - began < 1.0)
"""
    assert play(script) == (0, ["ends-without", "True"])


def test_signal_is_heard_within_a_second_in_c_code_that_lets_go_of_the_gil() -> None:
    """A long calculation: Python calls no handler before it is over."""
    script = """
import hashlib
def end(): say("ends-without"); os._exit(0)
signals.on_unheard = end
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
hashlib.pbkdf2_hmac("sha256", b"a", b"b", 50_000_000)
"""
    began = time.monotonic()
    assert play(script) == (0, ["ends-without"])
    assert time.monotonic() - began < 10, "the calculation alone takes longer"


def test_main_thread_that_ends_in_time_is_left_to_it() -> None:
    script = """
def end(): say("ends-without"); return True
signals.on_unheard = end
raised(signal.SIGTERM); signals.exiting(); time.sleep(1.2); say("in-peace")
"""
    assert play(script) == (0, ["interrupted", "in-peace"])


def test_end_without_the_main_thread_waits_for_a_run_in_it_and_is_tried_again() -> None:
    script = """
answers = iter([False, True])
def end(): answer = next(answers); say(answer); answer and told.set(); return answer
signals.on_unheard = end
told.clear()
with signals.held():
    signal.raise_signal(signal.SIGTERM); time.sleep(1.0); say("run-over"); told.clear()
told.wait(10)
"""
    assert play(script) == (0, ["second", "run-over", "False", "True"])


def test_loop_of_asyncio_that_takes_the_descriptor_does_not_make_it_deaf() -> None:
    script = """
import asyncio
signals.on_unheard = lambda: say("unheard")
async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: None)
    signal.raise_signal(signal.SIGTERM)
    await asyncio.sleep(0)
try: asyncio.run(main())
except KeyboardInterrupt: say("interrupted")
signals.exiting(); again(1); say("goes-on")
"""
    assert play(script) == (0, ["interrupted", "second", "goes-on"])


def test_handlers_that_somebody_replaced_are_put_back_by_the_next_loop() -> None:
    script = """
signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.set_wakeup_fd(-1)
signals.check()
raised(signal.SIGTERM); signals.exiting(); again(1)
"""
    assert play(script) == (0, ["interrupted", "second"])


def test_signals_of_a_forked_child_are_its_own() -> None:
    """A strategy's worker process that is ended must not end the bot."""
    script = """
signals.on_unheard = lambda: say("unheard")
reading, writing = os.pipe()
child = os.fork()
if not child:
    try: os.write(writing, b"."); time.sleep(60)
    except KeyboardInterrupt: os._exit(7)
os.read(reading, 1)
os.kill(child, signal.SIGTERM)
say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
time.sleep(1.0); say(signals.received)
"""
    assert play(script) == (0, ["7", "[]"])


def test_without_a_thread_the_handler_counts() -> None:
    start = "threading.Thread.start = no_thread\n"
    script = "raised(signal.SIGINT); signals.exiting(); again(1); again(1)"
    code, words = play(script, before=start)
    assert (code, words) == (3, ["interrupted", "second", "third"])


PRESSES = [
    ("a terminal is closed after Ctrl-C", [("INT", 0.0), ("HUP", 0.4), ("HUP", 2.0)], 1),
    ("kernel and shell each hang up", [("HUP", 0.0), ("HUP", 0.1)], 1),
    ("systemd with SendSIGHUP", [("TERM", 0.0), ("HUP", 0.0)], 1),
    ("a supervisor passes on what the group got, too", [("INT", 0.0), ("INT", 0.01)], 1),
    ("an impatient person", [("INT", 0.0), ("INT", 1.0), ("INT", 1.5), ("INT", 1.9)], 2),
    ("a patient one", [("INT", 0.0), ("INT", 1.0), ("TERM", 2.0)], 3),
    ("a hangup is no third one", [("INT", 0.0), ("INT", 1.0), ("HUP", 5.0)], 2),
]


@pytest.mark.parametrize(("what", "pressed", "count"), PRESSES, ids=[p[0] for p in PRESSES])
def test_what_counts_as_second_and_third(
    what: str, pressed: list[tuple[str, float]], count: int
) -> None:
    presses = Presses()
    for name, at_s in pressed:
        presses.press(f"SIG{name}", at_s + 100.0, may_force=True)
    assert presses.count == count, what

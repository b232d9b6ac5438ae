"""What a bar measures: our own sleeping and waiting, and not the turn of others."""

import os
import subprocess
import sys
import time

import pytest

from tests.stopwatch import Stopwatch


def burn(seconds: float) -> None:
    """Keeps a core busy for so much CPU time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


ENDLESS = (
    "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); print(flush=True)\nwhile 1: 1"
)
"""Keeps one core busy."""


def test_sleep_counts() -> None:
    with Stopwatch() as watch:
        time.sleep(0.3)
    assert watch.stop() > 0.2


def test_wait_for_a_core_does_not_count() -> None:
    """Another process wants the same one: half of the time is its."""
    if not hasattr(os, "sched_setaffinity") or not os.path.exists("/proc/self/schedstat"):
        pytest.skip("this system does not tell how long a thread waits for a core")
    cores = os.sched_getaffinity(0)
    core = min(cores)
    words = [sys.executable, "-c", ENDLESS, str(core)]
    other = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert other.stdout is not None
    try:
        other.stdout.readline()
        os.sched_setaffinity(0, {core})
        began = time.monotonic()
        with Stopwatch() as watch:
            burn(0.4)
        whole_s = time.monotonic() - began
    finally:
        os.sched_setaffinity(0, cores)
        other.kill()
        other.communicate()
    assert whole_s > 0.6, "the other one had its share"
    assert watch.stop() < 0.4 + (whole_s - 0.4) / 2

"""What a bar measures: our own sleeping and waiting, and not the turn of others."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from tests.stopwatch import Stopwatch

ROOT: Final = Path(__file__).parents[2]


def burn(seconds: float) -> None:
    """Keeps a core busy for so much CPU time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


ENDLESS = (
    "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); print(flush=True)\nwhile 1: 1"
)
"""Keeps one core busy."""


SLEEPER = """
import time
from tests.stopwatch import Stopwatch
with Stopwatch() as watch: time.sleep(0.3)
print(watch.stop())
"""


def test_sleep_counts() -> None:
    """In a process without other threads, whose waits would be taken off."""
    words = [sys.executable, "-c", SLEEPER]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    assert float(done.stdout) > 0.25


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

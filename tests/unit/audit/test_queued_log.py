"""The log is written beside the process's work, in a process of its own with real pipes."""

import subprocess
import sys

START = """
import logging, os, sys, threading, time
from freqtrade_liquidation.audit.queued_log import KEPT, flush_log, queue_log
class Stuck(logging.Handler):
    free = threading.Event()
    lines = []
    def emit(self, record): self.free.wait(20); self.lines.append(record.getMessage())
class Leaving(logging.Handler):
    def emit(self, record): raise SystemExit(1)
root = logging.getLogger()
root.setLevel(logging.INFO)
queue_log()
"""


def play(script: str) -> list[str]:
    """What *script* prints, line by line."""
    done = subprocess.run(
        [sys.executable, "-c", START + script],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


def test_lines_keep_their_order_and_none_is_lost_at_the_end() -> None:
    script = """
root.addHandler(logging.StreamHandler(sys.stdout))
for number in range(3000): root.info("%d", number)
assert flush_log(20)
root.info("after")
"""
    assert play(script) == [*(str(number) for number in range(3000)), "after"]


def test_handler_that_ends_its_thread_ends_nothing() -> None:
    """As rich's does where the reader of a pipe has gone."""
    script = """
root.addHandler(Leaving())
root.addHandler(logging.StreamHandler(sys.stdout))
for number in range(3): root.info("%d", number)
assert flush_log(20)
"""
    assert play(script) == ["0", "1", "2"]


def test_handler_that_hangs_holds_up_neither_its_caller_nor_another_handler() -> None:
    script = """
root.addHandler(Stuck())
root.addHandler(logging.StreamHandler(sys.stdout))
began = time.monotonic()
root.info("first")
assert not flush_log(0.3)
root.info("second")
assert time.monotonic() - began < 10
Stuck.free.set()
assert flush_log(20)
print(Stuck.lines)
"""
    assert play(script) == ["first", "second", "['first', 'second']"]


def test_lines_that_are_left_out_are_counted() -> None:
    script = """
root.addHandler(Stuck())
for number in range(KEPT + 8): root.info("%d", number)
Stuck.free.set()
assert flush_log(20)
print(*Stuck.lines, sep="\\n")
"""
    lines = play(script)
    assert lines[-1].endswith("lines are missing here: the log was not read, or its disk hung.")
    missing = int(lines[-1].split()[0])
    assert len(lines) - 1 + missing == 10_008
    assert missing in (7, 8), "one may have left the queue before it was full"


def test_handlers_that_are_made_anew_keep_the_order() -> None:
    """freqtrade makes all of them anew with every reload."""
    script = """
for number in range(50):
    root.handlers[:] = [logging.StreamHandler(sys.stdout)]
    root.info("%d", number)
assert flush_log(20)
print(sum(thread.name == "liquidation-log" for thread in threading.enumerate()))
"""
    assert play(script) == [*(str(number) for number in range(50)), "1"]


def test_forked_child_writes_its_lines_itself() -> None:
    script = """
root.addHandler(logging.StreamHandler(sys.stdout))
root.info("before")
if os.fork() == 0:
    root.info("child")
    sys.stdout.flush()
    os._exit(0)
os.wait()
assert flush_log(20)
"""
    assert play(script) == ["before", "child"]

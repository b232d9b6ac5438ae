"""The fire drill as a person starts it."""

import subprocess
import sys


def drill(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "freqtrade_liquidation", "drill", "--positions", "2"]
    return subprocess.run(
        [*command, "--latency-ms", "20", *arguments],
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip


def test_drill_ends_flat_with_0() -> None:
    done = drill()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FLAT: the exchange shows no position and no order." in done.stdout
    assert "NOT FLAT" not in done.stdout


def test_drill_on_gate_with_a_refused_pair_says_not_flat_and_ends_with_3() -> None:
    done = drill("--exchange", "gate", "--faults", "refused")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "NOT FLAT: 1 position and 1 order" in done.stdout

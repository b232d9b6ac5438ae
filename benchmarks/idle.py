"""What it costs while nothing happens: our bot and freqtrade's own, started in turn."""

import compileall
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import freqtrade_liquidation
from benchmarks.measuring import READY_WITHIN_S, STRATEGY, configuration
from benchmarks.processes import OurBot, PlainBot, Rest, cpu_s
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings

PACKAGE: Final = Path(freqtrade_liquidation.__file__).parent
QUIET_S: Final = 1.0
FIRST_LOOP: Final = "/fapi/v1/klines"
"""The first request of freqtrade's loop: start-up ends when it arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start.

    :param started_s: from the start of the process to the first request of freqtrade's loop.
    :param cpu_s: used until the loop sleeps.
    :param memory_mb: resident, then.
    :param threads: of the process, then.
    :param requests: up to then.
    :param requests_asleep: within a second of sleep.
    """

    started_s: float
    cpu_s: float
    memory_mb: float
    threads: int
    requests: int
    requests_asleep: int


def compare(times: int, say: Callable[[str], None]) -> dict[str, Any]:
    """*times* starts of each, in turn.

    :returns: the medians of both and of the differences from one start to the next.
    """
    compileall.compile_dir(PACKAGE, quiet=1)  # as pip does when it installs
    plain: list[Start] = []
    ours: list[Start] = []
    for number in range(times):
        plain.append(_start(PlainBot))
        ours.append(_start(OurBot))
        gap_ms = (ours[-1].started_s - plain[-1].started_s) * 1000
        say(f"start {number + 1}/{times}: {gap_ms:+.0f} ms over plain freqtrade")
    names = list(asdict(plain[0]))
    return {
        "starts": times,
        "plain": {name: _median(plain, name) for name in names},
        "ours": {name: _median(ours, name) for name in names},
        "difference": {
            name: statistics.median(
                getattr(o, name) - getattr(p, name) for o, p in zip(ours, plain, strict=True)
            )
            for name in names
        },
    }


def _median(starts: list[Start], name: str) -> float:
    return float(statistics.median(getattr(start, name) for start in starts))


def _start(kind: type[OurBot]) -> Start:
    rest = Rest()
    with (
        tempfile.TemporaryDirectory(prefix="liquidation-benchmark-") as folder,
        PracticeExchange(Settings(moving_ratio=0.0)) as exchange,
    ):
        exchange.set_limits(None)
        config = configuration(exchange, exchange.pairs(futures=True)[:1], rest)
        bot = kind(Path(folder), config, strategy=STRATEGY)
        began = time.monotonic()
        with bot:
            bot.wait_for(rest.has_looped, "a first loop", READY_WITHIN_S)
            pid, requests = bot.process.pid, exchange.requests()
            exchange.clear_log()
            time.sleep(QUIET_S)
            first_loop = min(r["arrived"] for r in requests if r["path"] == FIRST_LOOP)
            return Start(
                started_s=first_loop - began,
                cpu_s=cpu_s(pid),
                memory_mb=_resident_mb(pid),
                threads=len(os.listdir(f"/proc/{pid}/task")),
                requests=len(requests),
                requests_asleep=len(exchange.requests()),
            )


def _resident_mb(pid: int) -> float:
    """Source: ``proc(5)``, the second field of ``statm`` counts pages."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

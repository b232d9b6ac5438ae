"""One cell: a process with an open book, the trigger, and what the exchange saw of it."""

import json
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import certifi

from benchmarks import processes
from benchmarks.cells import Cell, Way
from benchmarks.line import slow_line
from benchmarks.loop import READY
from benchmarks.path import path_times
from benchmarks.reading import Measured, read
from benchmarks.seeding import seed
from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings

STRATEGY: Final = (Path(__file__).with_name("strategy.py"), "BenchmarkStrategy")
LONGEST_FORCEEXIT_S: Final = 240.0
LONGEST_RUN_S: Final = 60.0
"""``timeout_seconds`` of a run under a limit; without one it has its usual five seconds."""
READY_WITHIN_S: Final = 120.0
BOTS: Final[Mapping[Way, type[BotProcess]]] = {
    Way.SIGNAL: BotProcess,
    Way.REST: BotProcess,
    Way.LOOP: processes.LoopProcess,
    Way.FORCEEXIT: processes.PlainBot,
}


def measure(cell: Cell) -> Measured:
    """Runs *cell* from a fresh exchange to the end of its process.

    :raises RuntimeError: if the process does not come up.
    :raises subprocess.TimeoutExpired: if it does not end.
    """
    settings = Settings(moving_ratio=0.0, synthetic_markets=max(0, cell.positions - 10))
    with (
        tempfile.TemporaryDirectory(prefix="liquidation-benchmark-") as folder,
        PracticeExchange(settings) as exchange,
        slow_line(exchange.port) as line,
    ):
        exchange.set_limits(None)
        pairs = exchange.pairs(futures=True)[: cell.positions]
        rest = processes.Rest()
        config = configuration(exchange, pairs, rest, limit=cell.limit)
        config = with_real_certificates(config, exchange, Path(folder))
        if cell.below_http:
            config = _changed(config, f":{exchange.port}/", f":{line.port}/")
        with BOTS[cell.way](Path(folder), config, strategy=STRATEGY) as bot:
            _wait_until_ready(bot, cell, rest)
            seed(exchange, bot.database, pairs)
            delay = line if cell.below_http else exchange
            delay.set_latency(cell.round_trip_ms)
            return _pull(cell, exchange, bot, rest)


def _changed(config: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """*config* with *new* for each *old* in its texts."""
    changed: dict[str, Any] = json.loads(json.dumps(config).replace(old, new))
    return changed


def with_real_certificates(
    config: dict[str, Any], exchange: PracticeExchange, folder: Path
) -> dict[str, Any]:
    """*config* with a bundle as large as the one that a real bot reads for each connection."""
    bundle = folder / "certificates.pem"
    bundle.write_bytes(exchange.ca_file.read_bytes() + Path(certifi.where()).read_bytes())
    return _changed(config, str(exchange.ca_file), str(bundle))


def configuration(
    exchange: PracticeExchange,
    pairs: list[str],
    rest: processes.Rest,
    *,
    limit: int | None = None,
    futures: bool = True,
) -> dict[str, Any]:
    """ccxt's settings are its own, but for the limit that a user would set there."""
    config = exchange.freqtrade_config(
        futures=futures,
        pairs=pairs[:1],
        max_open_trades=len(pairs),
        ccxt={} if limit is None else {"enableRateLimit": True, "rateLimit": 1000 / limit},
        api_server=rest.config,
        internals={"process_throttle_secs": 3600},
    )
    if limit is not None:
        config["liquidation"] = {"timeout_seconds": LONGEST_RUN_S}
    return config


def _wait_until_ready(bot: BotProcess, cell: Cell, rest: processes.Rest) -> None:
    if cell.way is Way.LOOP:
        ready = bot.folder / "user_data" / READY
        bot.wait_for(ready.exists, "a loaded exchange", READY_WITHIN_S)
    else:
        bot.wait_for(rest.has_looped, "a first loop", READY_WITHIN_S)


def _pull(
    cell: Cell, exchange: PracticeExchange, bot: BotProcess, rest: processes.Rest
) -> Measured:
    exchange.set_limits(None, requests_per_second=cell.limit)
    exchange.clear_log()
    pid, dead_before_s = bot.process.pid, processes.cpu_of_ended_s()
    used_before_s, triggered = processes.cpu_s(pid), time.time()
    ends = cell.way in (Way.SIGNAL, Way.LOOP)
    if ends:
        bot.send(signal.SIGTERM)
        bot.wait(LONGEST_RUN_S + 30)
    else:
        _ask(cell, exchange, rest)
    over = time.monotonic()
    requests = exchange.requests()
    measured = read(cell, requests, flat=not exchange.positions())
    used_s = processes.cpu_of_ended_s() - dead_before_s if ends else processes.cpu_s(pid)
    measured.cpu_s = used_s - used_before_s
    if ends and requests:
        measured.ended_s = over - min(r["arrived"] for r in requests)
    if cell.way in (Way.SIGNAL, Way.REST):
        times = path_times(bot, requests, triggered=triggered, flat_s=measured.flat_s)
        measured.path = asdict(times)
        if measured.flat_s is not None and times.booked_after_flat_s is not None:
            measured.booked_s = measured.flat_s + times.booked_after_flat_s
    return measured


def _ask(cell: Cell, exchange: PracticeExchange, rest: processes.Rest) -> None:
    """By REST; freqtrade answers when it is through, we do after eight seconds at the latest."""
    within_s = LONGEST_FORCEEXIT_S if cell.way is Way.FORCEEXIT else LONGEST_RUN_S
    until = time.monotonic() + within_s
    if cell.way is Way.FORCEEXIT:
        rest.ask("forceexit", {"tradeid": "all"}, timeout_s=within_s)
    else:
        rest.ask("liquidate", {}, timeout_s=within_s)
    processes.wait_for_flat(exchange.positions, until)

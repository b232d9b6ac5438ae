"""The worst day: an exchange that answers in seconds, half of the time, or not at all from a list.

Every answer takes L, the lists are of the moment when they were asked for, and the trigger is
SIGTERM, with ``timeout_seconds`` at its default of five.
"""

import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from benchmarks import processes
from benchmarks.cells import Way
from benchmarks.measuring import BOTS, READY_WITHIN_S, configuration, with_real_certificates
from benchmarks.path import seconds_of
from benchmarks.seeding import seed
from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings

STRATEGY: Final = Path(__file__).with_name("strategy.py")
FORCEEXIT_WITHIN_S: Final = 45.0
"""Then freqtrade's own way is looked at and ended: nine times what a run has."""
ENDED_WITHIN_S: Final = 60.0
SLOW_S: Final = 0.3
"""Of an answer, where something else is wrong with the exchange."""


class Trouble(StrEnum):
    """What is wrong beside the answers' time."""

    NONE = "slow"
    HALF_503 = "half of all answers 503"
    POSITIONS_DEAD = "list of positions dead"
    ORDERS_DEAD = "lists of orders dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCell:
    """One measurement.

    :param answer_s: of each request, whole.
    :param spread_ratio: by how much it differs from request to request.
    :param executed: at ``arrival``, ``midway``, or with the ``answer``.
    """

    positions: int
    futures: bool = True
    answer_s: float = SLOW_S
    spread_ratio: float = 0.0
    executed: str = "midway"
    trouble: Trouble = Trouble.NONE
    way: Way = Way.SIGNAL

    def __str__(self) -> str:
        market = "futures" if self.futures else "spot"
        spread = f" ± {self.spread_ratio:.0%}" if self.spread_ratio else ""
        return (
            f"{self.way}: {market}, {self.positions} positions, {self.trouble}, "
            f"{self.answer_s:g} s{spread}, executed {self.executed}"
        )


@dataclass(slots=True, kw_only=True)
class Day:
    """What one cell took. Seconds count from the arrival of the run's first request.

    :param left: positions that are open on the exchange when the process has ended.
    :param stops_left: stops that rest there still.
    :param closed_s: the exchange executed the last closing order.
    :param flat_s: the run saw what proves a flat book; ``None`` = it did not.
    :param told_s: the outcome was on record.
    :param told: its state, and how many pairs it calls closed and not closed.
    :param closed_floor_s: no run can close the last position sooner.
    :param flat_floor_s: no run can prove it sooner.
    """

    cell: DayCell
    left: int = -1
    stops_left: int = -1
    closed_s: float | None = None
    flat_s: float | None = None
    told_s: float | None = None
    told: str = ""
    ended_s: float | None = None
    exit_code: int | None = None
    closed_floor_s: float | None = None
    flat_floor_s: float | None = None
    requests: int = 0
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """From :meth:`to_json`."""
        cell = document["cell"]
        kinds = {"trouble": Trouble(cell["trouble"]), "way": Way(cell["way"])}
        return cls(**{**document, "cell": DayCell(**{**cell, **kinds})})


def day_cells() -> Iterator[DayCell]:
    """A part of the product of all that may be wrong, with each value of each: see the page."""
    for answer_s in (0.5, 1.0, 1.5, 2.0, 2.3):
        yield DayCell(positions=40, answer_s=answer_s)
        yield DayCell(positions=40, answer_s=answer_s, spread_ratio=0.5)
        yield DayCell(positions=10, answer_s=answer_s, futures=False)
    for answer_s in (1.0, 2.3):
        yield DayCell(positions=10, answer_s=answer_s)
    for executed in ("arrival", "answer"):
        yield DayCell(positions=40, answer_s=2.3, executed=executed)
        yield DayCell(positions=10, answer_s=1.4, executed=executed, futures=False)
    yield DayCell(positions=10, answer_s=1.4, futures=False)
    yield DayCell(positions=40, answer_s=1.4, futures=False)
    yield DayCell(positions=10, answer_s=1.0, spread_ratio=0.5, futures=False)
    yield DayCell(positions=10, answer_s=1.4, spread_ratio=0.5, futures=False)
    for trouble in (Trouble.HALF_503, Trouble.POSITIONS_DEAD, Trouble.ORDERS_DEAD):
        for positions in (10, 40):
            yield DayCell(positions=positions, trouble=trouble)
        yield DayCell(positions=10, trouble=trouble, futures=False)
        yield DayCell(positions=10, trouble=trouble, way=Way.FORCEEXIT)
    yield DayCell(positions=10, answer_s=1.0, way=Way.FORCEEXIT)
    yield DayCell(positions=10, answer_s=1.0, futures=False, way=Way.FORCEEXIT)


def measure_day(cell: DayCell) -> Day:
    """Runs *cell* from a fresh exchange to the end of its process.

    :raises RuntimeError: if the process does not come up.
    :raises subprocess.TimeoutExpired: if it does not end.
    """
    settings = Settings(moving_ratio=0.0, synthetic_markets=max(0, cell.positions - 10))
    with (
        tempfile.TemporaryDirectory(prefix="liquidation-benchmark-") as folder,
        PracticeExchange(settings) as exchange,
    ):
        exchange.set_limits(None)
        pairs = exchange.pairs(futures=cell.futures)[: cell.positions]
        rest = processes.Rest()
        config = configuration(exchange, pairs, rest, futures=cell.futures)
        config = with_real_certificates(config, exchange, Path(folder))
        name = "BenchmarkStrategy" if cell.futures else "SpotBenchmarkStrategy"
        made = BOTS[cell.way](Path(folder), config, strategy=(STRATEGY, name))
        if not cell.futures:  # its first loop asks for each stop: how fast, a run on spot must know
            seed(exchange, made.database, pairs, futures=False)
        with made as bot:
            bot.wait_for(rest.has_looped, "a first loop", READY_WITHIN_S)
            if cell.futures:
                seed(exchange, bot.database, pairs)
            spoil(exchange, cell)
            exchange.clear_log()
            return _pull(cell, exchange, bot, rest)


def spoil(exchange: PracticeExchange, cell: DayCell) -> None:
    """Makes the day as bad as *cell* says."""
    exchange.set_latency(
        cell.answer_s * 1000, cell.spread_ratio, cell.executed, reads_at_arrival=True
    )
    match cell.trouble:
        case Trouble.HALF_503:
            exchange.add_fault("error", status=503, chance=0.5, body="<html>503</html>")
        case Trouble.POSITIONS_DEAD:
            exchange.add_fault("hang", method="GET", path="positionRisk|api/v3/account")
        case Trouble.ORDERS_DEAD:
            exchange.add_fault("hang", method="GET", path="penOrders|openAlgo|api/v3/order")
        case Trouble.NONE:
            pass


def _pull(cell: DayCell, exchange: PracticeExchange, bot: BotProcess, rest: processes.Rest) -> Day:
    day = Day(cell=cell)
    if cell.way is Way.FORCEEXIT:
        ask = threading.Thread(
            target=rest.ask,
            args=("forceexit", {"tradeid": "all"}),
            kwargs={"timeout_s": FORCEEXIT_WITHIN_S},
            daemon=True,
        )
        ask.start()
        processes.wait_for_flat(
            lambda: _open(exchange, cell), time.monotonic() + FORCEEXIT_WITHIN_S
        )
    else:
        bot.send(signal.SIGTERM)
        day.exit_code = bot.wait(ENDED_WITHIN_S)
    over, requests = time.monotonic(), exchange.requests()
    day.left, day.requests = len(_open(exchange, cell)), len(requests)
    stops = exchange.open_algo_orders() if cell.futures else exchange.open_orders(futures=False)
    day.stops_left = len(stops)
    if requests:
        if cell.way is Way.SIGNAL:
            day.ended_s = over - min(r["arrived"] for r in requests)
        _read_requests(day, requests)
        _read_trail(day, bot, first=min(r["arrived_wall"] for r in requests))
    return day


def _open(exchange: PracticeExchange, cell: DayCell) -> list[str]:
    if cell.futures:
        return list(exchange.positions())
    coins = exchange.balances().items()
    return [asset for asset, held in coins if asset != "USDT" and float(held["total"]) > 0]


def _read_requests(day: Day, requests: Sequence[dict[str, Any]]) -> None:
    """When the last position was closed, and what of the answers' times no run can do without."""
    orders = [r for r in requests if r["method"] == "POST" and r["executed"]]
    closes = [r for r in orders if r["params"].get("type") == "MARKET"]  # not a stop put back
    if not closes:
        return
    day.closed_s = max(r["executed"] for r in closes) - min(r["arrived"] for r in requests)
    cell = day.cell
    cancels = [r for r in requests if r["method"] == "DELETE" and r["answered"]]
    gone_s = {r["params"]["symbol"]: r["answered"] - r["arrived"] for r in cancels}
    before_s = {} if cell.futures else gone_s
    waits = [before_s.get(r["params"]["symbol"], 0.0) - r["arrived"] for r in closes]
    day.closed_floor_s = max(wait + r["executed"] for wait, r in zip(waits, closes, strict=True))
    answered = [w + r["answered"] for w, r in zip(waits, closes, strict=True) if r["answered"]]
    if answered and cell.trouble in (Trouble.NONE, Trouble.HALF_503):
        day.flat_floor_s = max(answered) + cell.answer_s * (1 - cell.spread_ratio)


def _read_trail(day: Day, bot: BotProcess, *, first: float) -> None:
    events = bot.query(
        "SELECT event_type, timestamp, additional_data FROM liquidation_events ORDER BY sequence"
    )
    rows = bot.query("SELECT * FROM liquidation_runs")
    if not rows:
        return
    [row] = rows
    day.told = f"{row['state']}, {row['positions_closed']} closed"
    if row["positions_failed"]:
        day.told += f", {row['positions_failed']} not"
    final = f"liquidation_{row['state']}"
    for event in events:
        at = seconds_of(event["timestamp"]) - first
        if event["event_type"] == final:
            day.told_s = at
        shows_flat = '"open_positions":[]' in (event["additional_data"] or "").replace(" ", "")
        if event["event_type"] == "liquidation_verified" and shows_flat and day.flat_s is None:
            day.flat_s = at
    if row["state"] != "completed":
        day.flat_s = None

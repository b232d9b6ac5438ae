"""What lies on the path between the trigger and a flat book, and what comes after it.

Read from two records that share one machine's clock: the exchange's log of requests and the audit
trail of the bot.
"""

import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.reading import ORDER, POSITIONS
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.drill.bot import BotProcess

COMMITS: Final = 15
Request = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class PathTimes:
    """Seconds of one run.

    :param to_first_request_s: from the trigger to the first request at the exchange.
    :param to_first_close_s: from the answer about the positions to the first closing order at the
        exchange: decision, audit commit, signature, and a connection if none is open.
    :param booked_after_flat_s: from the proof that the book is flat to the last trade booked.
    :param intents_first: each closing order had its event before it arrived.
    """

    to_first_request_s: float | None = None
    to_first_close_s: float | None = None
    booked_after_flat_s: float | None = None
    intents_first: bool | None = None


def path_times(
    bot: BotProcess, requests: list[dict[str, Any]], *, triggered: float, flat_s: float | None
) -> PathTimes:
    """The times of the bot's last run.

    :param triggered: ``time.time()`` of the trigger.
    :param flat_s: see :class:`~benchmarks.reading.Measured`.
    """
    closes = [r for r in requests if (r["method"], r["path"]) == ("POST", ORDER)]
    looks = [r for r in requests if POSITIONS in r["path"] and r["answered"]]
    if not closes or not looks:
        return PathTimes()
    first = min(r["arrived_wall"] for r in requests)
    times = PathTimes(to_first_request_s=first - triggered)
    times.to_first_close_s = min(r["arrived"] for r in closes) - looks[0]["answered"]
    events = bot.query("SELECT event_type, timestamp, additional_data FROM liquidation_events")
    booked = [seconds_of(e["timestamp"]) for e in events if e["event_type"] == "liquidation_booked"]
    if booked and flat_s is not None:
        times.booked_after_flat_s = max(booked) - first - flat_s
    times.intents_first = _intents_first(events, closes)
    return times


def _intents_first(events: Iterable[Mapping[str, Any]], closes: Iterable[Request]) -> bool:
    intended = [e for e in events if e["event_type"] == "liquidation_close_intended"]

    def announced(request: Request) -> bool:
        name = str(request["params"].get("newClientOrderId"))
        return any(
            name in event["additional_data"] and seconds_of(event["timestamp"]) <= arrived(request)
            for event in intended
        )

    def arrived(request: Request) -> float:
        return float(request["arrived_wall"])

    return all(announced(request) for request in closes)


def seconds_of(timestamp: str) -> float:
    """A row's moment as ``time.time()``."""
    moment = datetime.fromisoformat(timestamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def commit_s(folder: Path, events: int) -> float:
    """Median of `COMMITS`: seconds to make *events* intents durable in SQLite, in one commit."""
    log = AuditLog(
        f"sqlite:///{folder / f'audit{events}.sqlite'}",
        fallback=folder / "audit.sqlite",
        masker=Masker([]),
    )
    took = []
    for number in range(COMMITS + 1):
        batch = [_intent(number, order) for order in range(events)]
        began = time.perf_counter()
        log.record(batch)
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])  # the first one made the tables


def _intent(number: int, order: int) -> AuditEvent:
    return AuditEvent(
        event_type=AuditEventType.CLOSE_INTENDED,
        operation="close",
        correlation_id="liq_20260101_000000_benchmark",
        trigger="shutdown",
        pair=f"P{order:03}/USDT:USDT",
        additional_data={"side": "sell", "amount": 1.0, "client_order_id": f"{number}-{order}"},
    )

"""What the exchange's log says of one cell."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from benchmarks.cells import Cell, Way

ORDER, POSITIONS, ORDERS = "/fapi/v1/order", "positionRisk", "openOrders"


@dataclass(slots=True, kw_only=True)
class Measured:
    """What one cell took. Seconds count from the arrival of the run's first request.

    :param flat: nothing was left at the end of the measurement.
    :param closed_s: the exchange executed the last closing order.
    :param flat_s: it sent the answer that shows no position any more.
    :param booked_s: freqtrade's database holds the last trade's exit.
    :param ended_s: the process had ended; ``None`` where it lives on (REST).
    :param requests_to_flat: up to the answer that shows a flat book.
    :param refused: answers with 429 or 418.
    :param cpu_s: of the process, from the trigger to its end (REST: to the answer).
    :param floor_s: no run can know earlier that the book is flat, see `floor_s`.
    :param path: see :class:`~benchmarks.path.PathTimes`.
    :param error: why there is nothing to tell, in words.
    """

    cell: Cell
    flat: bool = False
    closed_s: float | None = None
    flat_s: float | None = None
    booked_s: float | None = None
    ended_s: float | None = None
    requests: int = 0
    requests_to_flat: int = 0
    weight: int = 0
    connections: int = 0
    refused: int = 0
    cpu_s: float | None = None
    floor_s: float = 0.0
    by_kind: dict[str, int] = field(default_factory=dict)
    path: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def of_floor(self) -> float | None:
        """``flat_s`` as a multiple of the floor; ``None`` without one."""
        return self.flat_s / self.floor_s if self.flat_s and self.floor_s else None

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """From :meth:`to_json`."""
        cell = document["cell"]
        return cls(**{**document, "cell": Cell(**{**cell, "way": Way(cell["way"])})})


def floor_s(cell: Cell, requests_to_flat: int) -> float:
    """Two round trips in a row: the closes beside the first look, then the look that proves it.

    Under a limit of R a second R requests go at once, and each later one a second after the R-th
    before it. So the last close, the last request but one, waits for whole seconds, and so does the
    look that follows its answer.
    """
    trip_s = cell.round_trip_ms / 1000
    if not cell.limit:
        return 2 * trip_s
    closed_s = max(0, requests_to_flat - 2) // cell.limit + trip_s
    return max(closed_s, max(0, requests_to_flat - 1) // cell.limit) + trip_s


def read(cell: Cell, requests: list[dict[str, Any]], *, flat: bool) -> Measured:
    """What the log of *requests* says of *cell*."""
    measured = Measured(cell=cell, flat=flat, requests=len(requests))
    measured.weight = sum(r["weight"] for r in requests)
    measured.connections = len({r["connection"] for r in requests})
    measured.refused = sum(r["status"] in (418, 429) for r in requests)
    measured.by_kind = dict(Counter(f"{r['method']} {r['path']}" for r in requests))
    closes = [r for r in requests if (r["method"], r["path"]) == ("POST", ORDER) and r["executed"]]
    if flat and closes:
        _read_times(measured, requests, last_close=max(r["executed"] for r in closes))
    measured.floor_s = floor_s(cell, measured.requests_to_flat)
    return measured


def _read_times(
    measured: Measured, requests: list[dict[str, Any]], *, last_close: float
) -> None:  # fmt: skip
    first = min(r["arrived"] for r in requests)
    measured.closed_s = last_close - first
    if measured.cell.way is Way.FORCEEXIT:
        return  # it looks after each trade, and never at the whole book
    if (proven := _proven_at(requests, last_close)) is not None:
        measured.flat_s = proven - first
        measured.requests_to_flat = sum(r["arrived"] <= proven for r in requests)


def _proven_at(requests: list[dict[str, Any]], last_close: float) -> float | None:
    """When the exchange has sent the last of what proves a flat book: the answer to the last close,
    and positions that were asked for after the resting orders were known, and after that close."""
    known = [r["answered"] for r in requests if ORDERS in r["path"] and r["status"] == 200]
    proofs = [
        r["answered"]
        for r in requests
        if POSITIONS in r["path"] and r["status"] == 200
        and r["executed"] >= last_close and known and r["arrived"] >= min(known)
    ]  # fmt: skip
    closes = [r["answered"] for r in requests if r["executed"] == last_close and r["answered"]]
    return max(min(proofs), *closes) if proofs and closes else None

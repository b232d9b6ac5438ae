"""What is measured: the cells of the benchmark, and which of them ``--quick`` takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

POSITIONS: Final = (1, 10, 40, 100)
ROUND_TRIPS_MS: Final = (0, 100, 200)
LIMITS: Final = (None, 20, 50)
"""Requests a second that the exchange takes; ``None`` = its usual limits (by the minute)."""


class Way(StrEnum):
    """How a book is closed."""

    SIGNAL = "ours, SIGTERM"
    REST = "ours, REST"
    LOOP = "loop over our verbs"
    FORCEEXIT = "freqtrade /forceexit all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One measurement.

    :param round_trip_ms: of each request; half of it before the exchange executes it.
    :param limit: requests a second; ``None`` = none beyond the exchange's usual ones.
    :param below_http: the round trip is that of the line: handshakes cost it, too.
    """

    way: Way
    positions: int
    round_trip_ms: int
    limit: int | None = None
    below_http: bool = False

    def __str__(self) -> str:
        limit = "no limit" if self.limit is None else f"{self.limit} requests/s"
        line = " on the line" if self.below_http else ""
        return f"{self.way}: {self.positions} positions, {self.round_trip_ms} ms{line}, {limit}"


def every_cell() -> Iterator[Cell]:
    """The grid. Under a limit the ways in do the same: REST is measured without one, where a round
    trip takes as long as on a usual line. So are the loop, and freqtrade's own."""
    for positions in (1, 10, 40):
        yield Cell(way=Way.SIGNAL, positions=positions, round_trip_ms=100, below_http=True)
    for positions in (10, 40):
        yield _cell(Way.FORCEEXIT, positions, 100)
        yield _cell(Way.LOOP, positions, 100)
    for positions in POSITIONS:
        yield _cell(Way.REST, positions, 100)
        for round_trip_ms in ROUND_TRIPS_MS:
            yield _cell(Way.SIGNAL, positions, round_trip_ms)
    for limit in LIMITS[1:]:
        for positions in (40, 100):
            for round_trip_ms in (100, 200):
                yield _cell(Way.SIGNAL, positions, round_trip_ms, limit)


def quick_cells() -> Iterator[Cell]:
    """About two minutes of it: growth, both ways in, one limit, and freqtrade's own."""
    for positions in (10, 40):
        yield _cell(Way.SIGNAL, positions, 100)
        yield _cell(Way.LOOP, positions, 100)
    yield _cell(Way.REST, 40, 100)
    yield _cell(Way.SIGNAL, 40, 100, 50)
    yield Cell(way=Way.SIGNAL, positions=40, round_trip_ms=100, below_http=True)
    yield _cell(Way.FORCEEXIT, 10, 100)


def _cell(way: Way, positions: int, round_trip_ms: int, limit: int | None = None) -> Cell:
    return Cell(way=way, positions=positions, round_trip_ms=round_trip_ms, limit=limit)

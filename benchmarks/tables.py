"""The results as Markdown, put between two markers of a page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.cells import LIMITS, Way
from benchmarks.reading import Measured
from benchmarks.worst_day import Day
from benchmarks.worst_day_table import HEAD as DAY_HEAD
from benchmarks.worst_day_table import rows_of

BEGIN, END = "<!-- benchmark -->", "<!-- /benchmark -->"
HEAD: Final = (
    "positions", "round trip", "closed", "flat, proven", "floor", "× floor", "booked",
    "process ends", "requests to flat / all", "weight", "connections", "CPU", "429",
)  # fmt: skip


def page_with(page: str, text: str) -> str:
    """*page* with *text* between its markers.

    :raises ValueError: if it has none.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{text.strip()}\n{END}{after}"


def tables(
    document: Mapping[str, Any], measured: Sequence[Measured], days: Sequence[Day] = ()
) -> str:
    """Everything of one run of the benchmark."""
    parts = [f"Measured on {document['machine']}, {document['date']}."]
    at_http = [m for m in measured if not m.cell.below_http]
    for limit in LIMITS:
        for way in (Way.SIGNAL, Way.REST):
            if rows := [m for m in at_http if (m.cell.way, m.cell.limit) == (way, limit)]:
                name = "no limit" if limit is None else f"{limit} requests a second"
                parts += [f"**{way}, {name}**", _table(HEAD, map(_row, rows))]
    parts += ["**Side by side, no limit**", _side_by_side(at_http)]
    parts += ["**The same round trip below HTTP**", _below_http(measured)]
    if idle := document.get("idle"):
        parts += [f"**Idle, medians of {idle['starts']} starts each**", _idle(idle)]
    if commits := document.get("commits"):
        took = ([f"{events}", f"{seconds * 1000:.1f} ms"] for events, seconds in commits.items())
        parts += ["**Audit commit (SQLite)**", _table(("intents", "one commit"), took)]
    parts += ["**On the path and after it**", _path(at_http)]
    for name, way in (("ours", Way.SIGNAL), ("freqtrade /forceexit all", Way.FORCEEXIT)):
        if worst := rows_of(days, way):
            when = document.get("worst_day_date", document["date"])
            parts += [f"**The worst day, {name}, {when}**", _table(DAY_HEAD, worst)]
    failed = [f"- {m.cell}: {m.error}" for m in measured if m.error]
    failed += [f"- {day.cell}: {day.error}" for day in days if day.error]
    if failed:
        parts += ["**Failed**", "\n".join(failed)]
    return "\n\n".join(parts)


def _row(m: Measured) -> list[str]:
    if m.error:
        return [f"{m.cell.positions}", f"{m.cell.round_trip_ms} ms", m.error, *[""] * 10]
    times = [_s(m.closed_s), _s(m.flat_s), _s(m.floor_s)]
    return [
        f"{m.cell.positions}", f"{m.cell.round_trip_ms} ms", *times, _times(m.of_floor),
        _s(m.booked_s), _s(m.ended_s), f"{m.requests_to_flat} / {m.requests}", f"{m.weight}",
        f"{m.connections}", _s(m.cpu_s), f"{m.refused}",
    ]  # fmt: skip


def _side_by_side(measured: Sequence[Measured]) -> str:
    """Seconds until the last position was closed, and how often ours fits into that."""
    free = {
        (m.cell.way, m.cell.positions, m.cell.round_trip_ms): m
        for m in measured
        if m.cell.limit is None
    }
    head = ("positions", "round trip", *Way, "loop ÷ ours", "freqtrade ÷ ours")
    rows = []
    for place in _places(free):
        closed = [_closed(free.get((way, *place))) for way in Way]
        ours, _, loop, forced = closed
        cells = [_s(value) for value in closed]
        rows.append(
            [f"{place[0]}", f"{place[1]} ms", *cells, _ratio(loop, ours), _ratio(forced, ours)]
        )
    return _table(head, rows)


def _below_http(measured: Sequence[Measured]) -> str:
    """Round trips from the trigger on, to the arrival of the last answer at the bot: the first
    handshakes come before the first request, and half a round trip after the last answer."""
    head = ("positions", "round trip", "trigger → flat, proven", "round trips", "connections")
    rows = []
    for m in measured:
        if m.cell.below_http and m.flat_s is not None and m.path.get("to_first_request_s"):
            half_trip_s = m.cell.round_trip_ms / 2000
            whole_s = m.path["to_first_request_s"] + m.flat_s + half_trip_s
            trips = whole_s * 1000 / m.cell.round_trip_ms
            rows.append(
                [f"{m.cell.positions}", f"{m.cell.round_trip_ms} ms", _s(whole_s), f"{trips:.1f}",
                 f"{m.connections}"]
            )  # fmt: skip
    return _table(head, rows)


def _places(free: Iterable[tuple[Way, int, int]]) -> list[tuple[int, int]]:
    return sorted({(positions, ms) for _, positions, ms in free}, key=lambda p: (p[1], p[0]))


def _closed(measured: Measured | None) -> float | None:
    return None if measured is None else measured.closed_s


def _path(measured: Sequence[Measured]) -> str:
    head = ("positions", "round trip", "trigger → first request", "positions known → first close",
            "flat → booked", "each intent before its order")  # fmt: skip
    rows = [
        [
            f"{m.cell.positions}", f"{m.cell.round_trip_ms} ms",
            _s(m.path.get("to_first_request_s")), _s(m.path.get("to_first_close_s")),
            _s(m.path.get("booked_after_flat_s")), "yes" if m.path.get("intents_first") else "NO",
        ]
        for m in measured
        if m.cell.way is Way.SIGNAL and m.cell.limit is None and m.path
    ]  # fmt: skip
    return _table(head, rows)


def _idle(idle: Mapping[str, Any]) -> str:
    words = {
        "started_s": "start to first loop, s", "cpu_s": "CPU until then, s",
        "memory_mb": "resident memory, MB", "threads": "threads",
        "requests": "exchange requests until then", "requests_asleep": "requests in 1 s of sleep",
    }  # fmt: skip
    rows = [
        [text, *(f"{idle[column][name]:.3g}" for column in ("plain", "ours", "difference"))]
        for name, text in words.items()
    ]
    return _table(("", "plain freqtrade", "ours", "median difference"), rows)


def _table(head: Sequence[object], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _s(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.2f} s"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _ratio(theirs: float | None, ours: float | None) -> str:
    return "–" if not theirs or not ours else f"{theirs / ours:.0f}×"

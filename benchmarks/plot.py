"""Time to flat over the number of positions, as one page that needs no network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cells import Way
from benchmarks.reading import Measured


def write_plot(file: Path, measured: Sequence[Measured]) -> str:
    """Writes *file*, and a PNG beside it where kaleido is installed.

    :returns: what was written, or why nothing was.
    """
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        return "no plot: pip install 'freqtrade-liquidation[plot]'"
    figure = Figure(data=_lines(measured))
    figure.update_layout(
        title="Time until the last position is closed",
        xaxis={"title": "positions", "type": "log"},
        yaxis={"title": "seconds from the first request", "type": "log"},
        template="plotly_white",
    )
    figure.write_html(file, include_plotlyjs=True)
    try:
        figure.write_image(file.with_suffix(".png"), width=1000, height=600)
    except Exception as error:  # noqa: BLE001 - kaleido missing or without a browser: the page is there
        return f"{file} (no PNG: {type(error).__name__})"
    return f"{file} and PNG"


def _lines(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    lines: dict[tuple[Way, int, int | None], dict[int, float]] = {}
    for m in measured:
        if m.closed_s:
            line = lines.setdefault((m.cell.way, m.cell.round_trip_ms, m.cell.limit), {})
            line[m.cell.positions] = m.closed_s
    return [
        {
            "type": "scatter", "mode": "lines+markers", "x": sorted(line),
            "y": [line[n] for n in sorted(line)], "visible": True if ms == 100 else "legendonly",
            "name": f"{way}, {ms} ms{f', {limit}/s' if limit else ''}",
        }
        for (way, ms, limit), line in sorted(lines.items(), key=lambda item: item[0][1] != 100)
    ]  # fmt: skip

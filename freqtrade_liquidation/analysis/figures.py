"""The pictures of a report. Years of candles are drawn by the extremes of each stretch."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from freqtrade_liquidation.analysis.report import Report
from freqtrade_liquidation.analysis.words import when
from freqtrade_liquidation.pages import Figure, picture_text

POINTS: Final = 1500
BARS: Final = 40
BLUE, RED, GREEN, GREY, ORANGE = "#3b82f6", "#e5484d", "#2f9e5f", "#8b949e", "#d9822b"
Layout = dict[str, Any]


def figures(report: Report) -> dict[str, Figure]:
    """By the name by which the template places them."""
    return {
        "spread": _spread(report),
        "cost": _cost(report),
        "equity": _equity(report),
        "book": _book(report),
        "time": _time(report),
    }


def extremes(values: npt.NDArray[Any], points: int = POINTS) -> npt.NDArray[np.int64]:
    """Indices, ascending: of each stretch its lowest and its highest; all, where there are few."""
    if len(values) <= points:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), points // 2 + 1).astype(int)
    stretches = pairwise(edges)
    found = [
        (a + int(np.argmin(values[a:b])), a + int(np.argmax(values[a:b]))) for a, b in stretches
    ]
    return np.unique(np.array([0, len(values) - 1, *(i for pair in found for i in pair)]))


def _spread(report: Report) -> Figure:
    """How often which cost."""
    indices = np.array(report.distribution_indices(), dtype=np.int64)
    costs = report.moments.cost[indices]
    counts, edges = np.histogram(costs, int(np.clip(2 * np.sqrt(len(costs)), 8, BARS)))
    middles, width = (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0])
    share = counts / max(1, counts.sum()) * 100
    bars = {
        "type": "bar", "x": _list(middles), "y": _list(share), "width": width,
        "marker": {"color": [RED if middle > 0 else GREEN for middle in middles]},
        "hovertemplate": "about %{x:.2f}: %{y:.1f} % of the moments<extra></extra>",
    }  # fmt: skip
    lines = [
        _line(point.cost, name, GREY)
        for name, point in report.summary.points.items()
        if name in ("5 %", "median", "95 %")
    ]
    layout = _layout(
        280, _currency(report, "cost of a stop"), "% of moments",
        shapes=[line["shape"] for line in lines],
        annotations=[line["label"] for line in lines],
        margin={"l": 48, "r": 12, "t": 28, "b": 44},
    )  # fmt: skip
    return Figure(data=[bars], layout=layout, about="Distribution of the cost of a stop")


def _cost(report: Report) -> Figure:
    held = np.where(report.moments.positions > 0, report.moments.cost, 0.0)
    trace = _over_time(report, held, BLUE, name="cost of a stop")
    layout = _dated(report, 280, _currency(report, ""))
    return Figure(data=[trace, *_marks(report, held)], layout=layout, about="Cost over time")


def _equity(report: Report) -> Figure:
    equity = report.moments.equity
    trace = _over_time(report, equity, BLUE, name="profit so far")
    layout = _dated(report, 260, _currency(report, ""))
    if hour := report.summary.worst_hour:
        market = report.backtest.market
        layout["shapes"] = [
            {
                "type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1,
                "x0": _iso(report, hour.start), "x1": _iso(report, hour.end),
                "fillcolor": RED, "opacity": 0.35, "line": {"color": RED, "width": 1},
            }
        ]  # fmt: skip
        layout["annotations"] = [
            {
                "x": _iso(report, hour.start), "y": 1, "xref": "x", "yref": "paper", "text":
                "worst hour", "showarrow": False, "yanchor": "bottom",
                "xanchor": "right" if hour.start > len(market.moments_ns) / 2 else "left",
            }
        ]  # fmt: skip
    return Figure(data=[trace, *_marks(report, equity)], layout=layout, about="Profit over time")


def _book(report: Report) -> Figure:
    exposure = _over_time(report, report.moments.exposure, ORANGE, name="exposure")
    layout = _dated(report, 240, _currency(report, ""))
    layout["yaxis"]["rangemode"] = "tozero"
    return Figure(data=[exposure], layout=layout, about="What a liquidation would close, over time")


def _time(report: Report) -> Figure:
    """Seconds to flat by the size of the book."""
    most = max(report.summary.most_positions, 1)
    within = report.pace.positions_within(report.timeout_seconds) or 0
    sizes = np.unique(
        np.linspace(1, max(20, 2 * most, min(within + within // 4, 400)), 60).astype(int)
    )
    line = {
        "type": "scatter", "mode": "lines", "x": _list(sizes), "line": {"color": BLUE, "width": 2},
        "y": _list(report.pace.time_to_flat_s(sizes)),
        "hovertemplate": "%{x} positions: %{y:.2f} s<extra></extra>",
    }  # fmt: skip
    mark = {
        "type": "scatter", "mode": "markers", "x": [most],
        "y": _list(report.pace.time_to_flat_s(np.array([most]))),
        "marker": {"color": ORANGE, "size": 10},
        "hovertemplate": "most at once: %{x} positions, %{y:.2f} s<extra></extra>",
    }  # fmt: skip
    layout = _layout(
        240, "positions", "seconds",
        shapes=[
            {
                "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": report.timeout_seconds,
                "y1": report.timeout_seconds, "line": {"color": RED, "width": 1.5, "dash": "dash"},
            }
        ],
        annotations=[
            {
                "xref": "paper", "x": 0, "y": report.timeout_seconds, "xanchor": "left",
                "yanchor": "bottom", "showarrow": False, "text": "timeout_seconds",
            }
        ],
    )  # fmt: skip
    layout["yaxis"]["rangemode"] = "tozero"
    return Figure(data=[line, mark], layout=layout, about="Time to flat by number of positions")


def _over_time(
    report: Report, values: npt.NDArray[Any], colour: str, *, name: str
) -> dict[str, Any]:
    chosen = extremes(values)
    return {
        "type": "scatter", "mode": "lines", "name": name, "line": {"color": colour, "width": 1.5},
        "x": [_iso(report, int(index)) for index in chosen], "y": _list(values[chosen]),
        "hovertemplate": "%{x|%Y-%m-%d %H:%M}: %{y:,.2f}<extra></extra>",
    }  # fmt: skip


def _marks(report: Report, values: npt.NDArray[Any]) -> list[dict[str, Any]]:
    """The moments that were asked for."""
    if not report.choices:
        return []
    at = [choice.index for choice in report.choices]
    return [
        {
            "type": "scatter", "mode": "markers", "x": [_iso(report, index) for index in at],
            "y": _list(values[at]), "marker": {"color": ORANGE, "size": 8},
            "text": [choice.why for choice in report.choices],
            "hovertemplate": "%{x|%Y-%m-%d %H:%M}, %{text}: %{y:,.2f}<extra></extra>",
        }
    ]  # fmt: skip


def _line(x: float, name: str, colour: str) -> dict[str, Layout]:
    shape = {
        "type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1,
        "line": {"color": colour, "width": 1.5, "dash": "dot"},
    }  # fmt: skip
    label = {
        "x": x, "y": 1, "yref": "paper", "yanchor": "bottom", "text": name, "showarrow": False,
        "xanchor": "right" if name == "5 %" else "left",
    }  # fmt: skip
    return {"shape": shape, "label": label}


def _layout(height: int, x: str, y: str, **more: Any) -> Layout:
    return {
        "height": height, "showlegend": False, "margin": {"l": 56, "r": 12, "t": 22, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12}, "bargap": 0.05,
        "xaxis": {"title": {"text": x, "standoff": 8}, "automargin": True},
        "yaxis": {"title": {"text": y}, "automargin": True},
    } | more  # fmt: skip


def _dated(report: Report, height: int, y: str) -> Layout:
    layout = _layout(height, "", y)
    last = len(report.moments) - 1
    layout["xaxis"] = {"type": "date", "range": [_iso(report, 0), _iso(report, last)], "nticks": 6}
    layout["margin"] = {"l": 56, "r": 12, "t": 22, "b": 36}
    return layout


def _currency(report: Report, words: str) -> str:
    unit = picture_text(report.backtest.stake_currency)
    return f"{words}, {unit}" if words else unit


def _iso(report: Report, index: int) -> str:
    return when(report.backtest.market.moment(index))


def _list(values: npt.NDArray[Any] | Sequence[float] | Mapping[str, Any]) -> list[float]:
    return [float(f"{value:.6g}") for value in values]

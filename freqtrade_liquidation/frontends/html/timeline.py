"""The picture: one row a pair, what was sent and answered, and what the exchange showed."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from freqtrade_liquidation.frontends.html.formats import offset, short_pairs, span
from freqtrade_liquidation.frontends.html.values import (
    Mark,
    MarkKind,
    Outcome,
    Sent,
    SentKind,
    Story,
)
from freqtrade_liquidation.pages import Figure, picture_text

BOOK: Final = "whole book"
ROW_PX: Final = 26
LABEL_PX: Final = 16
ABOVE_PX: Final = 28
BELOW_PX: Final = 44

# Readable on white and on black, and told apart without colour: by their place and their hatching.
COLOURS: Final = {SentKind.CLOSE: "#3b82f6", SentKind.CANCEL: "#a78bfa", SentKind.STOP: "#d97706"}
BAD: Final = "#ef4444"
GOOD: Final = "#16a34a"
QUIET: Final = "#8a93a0"
LANES: Final = {SentKind.CLOSE: -0.36, SentKind.CANCEL: 0.04, SentKind.STOP: 0.04}
LANE_WIDTH: Final = 0.32
SYMBOLS: Final = {
    MarkKind.LOOK: ("line-ns-open", QUIET),
    MarkKind.OPEN: ("circle-open", QUIET),
    MarkKind.GONE: ("diamond", GOOD),
    MarkKind.TROUBLE: ("x", BAD),
    MarkKind.BOOKED: ("square", QUIET),
}


def timeline(story: Story) -> Figure:
    """The picture of *story*, as wide as the page."""
    rows = _rows(story)
    return Figure(
        data=[*_bars(story, rows), *_marks(story, rows)],
        layout=_layout(story, rows),
        about=f"Timeline of {len(rows) - 1} pairs; the tables below say the same.",
    )


def _rows(story: Story) -> dict[str | None, str]:
    """Label by pair, from the top: the whole book, what is left, the others."""
    known = [pair.pair for pair in story.pairs]
    others = {sent.pair for sent in story.requests} | {m.pair for m in story.marks if m.pair}
    pairs = known + sorted(others - set(known))
    return {None: BOOK, **{p: picture_text(s) for p, s in short_pairs(pairs).items()}}


def _bars(story: Story, rows: Mapping[str | None, str]) -> Iterable[dict[str, Any]]:
    for kind in SentKind:
        of_kind = [sent for sent in story.requests if sent.kind is kind]
        if of_kind:
            yield _bars_of(kind, of_kind, _right_s(story), rows)


def _bars_of(
    kind: SentKind, requests: Sequence[Sent], right_s: float, rows: Mapping[str | None, str]
) -> dict[str, Any]:
    # What has no answer on record is open to the right.
    ends = [right_s if sent.answered_s is None else sent.answered_s for sent in requests]
    done = [sent.outcome is Outcome.DONE for sent in requests]
    return {
        "type": "bar",
        "orientation": "h",
        "name": str(kind),
        "y": [rows[sent.pair] for sent in requests],
        "base": [sent.at_s for sent in requests],
        "x": [end - sent.at_s for sent, end in zip(requests, ends, strict=True)],
        "offset": LANES[kind],
        "width": LANE_WIDTH,
        "marker": {
            "color": [COLOURS[kind] if ok else BAD for ok in done],
            "pattern": {"shape": ["" if ok else "/" for ok in done], "fgcolor": "#ffffff"},
        },
        "customdata": [_told(_about(sent)) for sent in requests],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _marks(story: Story, rows: Mapping[str | None, str]) -> Iterable[dict[str, Any]]:
    for kind, (symbol, colour) in SYMBOLS.items():
        of_kind = [mark for mark in story.marks if mark.kind is kind]
        if of_kind:
            yield {
                "type": "scatter",
                "mode": "markers",
                "name": str(kind),
                "x": [mark.at_s for mark in of_kind],
                "y": [rows[mark.pair] for mark in of_kind],
                "marker": {
                    "symbol": symbol,
                    "color": colour,
                    "size": 9,
                    "line": {"width": 1.5 if symbol.endswith("-open") else 0},
                },
                "customdata": [_told(_about_mark(mark)) for mark in of_kind],
                "hovertemplate": "%{customdata}<extra></extra>",
            }


def _right_s(story: Story) -> float:
    """The right edge, in seconds since the run began."""
    return 1.03 * max(story.ended_s, 0.05)


def _about(sent: Sent) -> Iterable[str]:
    yield f"{sent.pair}: {sent.words}"
    took = "" if sent.took_s is None else f", answered after {span(sent.took_s)}"
    yield f"at {offset(sent.at_s)}{took}"
    yield f"{sent.outcome}: {sent.answer}" if sent.answer else str(sent.outcome)


def _about_mark(mark: Mark) -> Iterable[str]:
    yield f"{mark.pair or BOOK}: {mark.words}"
    yield f"at {offset(mark.at_s)}"


def _told(lines: Iterable[str]) -> str:
    """Wrapped for a phone; what comes from outside stays text."""
    short = [textwrap.shorten(line, 240, placeholder=" …") for line in lines]
    wrapped = (part for line in short for part in textwrap.wrap(line, 44))
    return "<br>".join(picture_text(part) for part in wrapped)


def _layout(story: Story, rows: Mapping[str | None, str]) -> dict[str, Any]:
    right_s = _right_s(story)
    lines = list(_lines(story))
    above_px = ABOVE_PX + LABEL_PX * len(lines)
    return {
        "height": len(rows) * ROW_PX + above_px + BELOW_PX,
        "margin": {"l": 8, "r": 14, "t": above_px, "b": BELOW_PX},
        "barmode": "overlay",
        "showlegend": False,
        "hovermode": "closest",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "hoverlabel": {"bgcolor": "#1b1f24", "bordercolor": "#1b1f24", "align": "left"},
        "xaxis": {
            "range": [-0.02 * right_s, right_s],
            "ticksuffix": " s",
            "nticks": 6,
            "zeroline": False,
            "title": {"text": "since the run began", "standoff": 6},
        },
        "yaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": list(rows.values()),
            "range": [len(rows) - 0.5, -0.5],
            "automargin": True,
            "fixedrange": True,
            "showgrid": True,
            "ticks": "",
        },
        "shapes": [_line(at_s, colour, dash) for at_s, colour, dash, _ in lines],
        "annotations": [
            _label(at_s, words, level, right_s) for level, (at_s, _, _, words) in enumerate(lines)
        ],
    }


def _lines(story: Story) -> Iterable[tuple[float, str, str, str]]:
    """Moments of the whole run: seconds, colour, dash, words."""
    if story.flat_s is not None:
        yield story.flat_s, GOOD, "dot", f"nothing open {offset(story.flat_s)}"
    end = "cut off" if story.cut_off else "end"
    yield story.ended_s, QUIET, "solid", f"{end} {offset(story.ended_s)}"
    timeout_s = (story.config or {}).get("timeout_seconds")
    if isinstance(timeout_s, (int, float)) and timeout_s <= _right_s(story):
        yield float(timeout_s), BAD, "dash", f"deadline +{timeout_s:g} s"


def _line(at_s: float, colour: str, dash: str) -> dict[str, Any]:
    return {
        "type": "line", "x0": at_s, "x1": at_s, "yref": "paper", "y0": 0, "y1": 1,
        "line": {"color": colour, "width": 1.5, "dash": dash}, "layer": "below",
    }  # fmt: skip


def _label(at_s: float, words: str, level: int, right_s: float) -> dict[str, Any]:
    """Above the rows, one level a label: they may stand close together."""
    return {
        "x": at_s, "yref": "paper", "y": 1, "yanchor": "bottom", "yshift": LABEL_PX * level,
        "xanchor": "left" if at_s < right_s / 2 else "right",
        "text": words, "showarrow": False,
    }  # fmt: skip

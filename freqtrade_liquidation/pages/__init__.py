"""Reports as HTML: one file each, readable offline, on a phone and on paper."""

from freqtrade_liquidation.pages.page import (
    ENDINGS,
    Figure,
    PlotlyMissing,
    picture_text,
    plotly_source,
    render,
)

__all__ = ["ENDINGS", "Figure", "PlotlyMissing", "picture_text", "plotly_source", "render"]

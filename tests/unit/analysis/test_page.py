"""The report's page: everything in it, nothing foreign alive in it."""

from dataclasses import replace

import pytest

from freqtrade_liquidation.analysis import choosing, engine
from freqtrade_liquidation.analysis.page import page
from tests.unit.analysis.reports import report_of

EVIL = "<script>alert(1)</script>"


def test_page_says_what_the_table_says(futures: engine.Backtest) -> None:
    text = page(report_of(futures, choosing.that_matter))
    for words in ("What an unneeded stop costs", "Worst hour:", "Time to flat:", "dearest stop"):
        assert words in text
    assert text.count("data-figure=") == 5


def test_foreign_words_are_text(futures: engine.Backtest) -> None:
    backtest = replace(futures, strategy=EVIL, notes=(EVIL,))
    assert EVIL not in page(report_of(backtest, choosing.that_matter))


def test_page_without_a_single_position(futures: engine.Backtest) -> None:
    """At the first moment nothing can be open."""
    report = report_of(futures, lambda market, _: choosing.at(market, [market.moment(0)]))
    assert "Nothing was open." in page(replace(report, among=[0]))


@pytest.mark.parametrize("limit", [None, 3.0])
def test_page_of_every_candle(spot: engine.Backtest, limit: float | None) -> None:
    assert "live run" not in page(report_of(spot, None, rate_limit=limit))

"""The analysis in a real browser: it draws, it asks for nothing, it fits a phone.

Skipped where there is no Chromium (Debian: ``apt-get install chromium``).
"""

from pathlib import Path

import pytest

from freqtrade_liquidation.frontends import commands
from tests.browser.chromium import DESKTOP, PHONE, Chromium, find_chromium


def test_report_draws_fits_and_asks_for_nothing(tmp_path: Path) -> None:
    """One report of the example, on both screens."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium is installed")
    path = tmp_path / "report.html"
    arguments = ["--example", "--at-worst", "--rate-limit", "15", "--html", str(path)]
    assert commands.run(["liquidation-analysis", *arguments]) == 0
    with Chromium(program, tmp_path / "profile") as browser:
        for screen in (PHONE, DESKTOP):
            browser.show(path, screen)
            assert browser.complaints() == []
            assert browser.requested() == [path.as_uri()]
            assert browser.value("document.documentElement.scrollWidth") == screen["width"]
            assert browser.value("document.querySelectorAll('.figure .main-svg').length") >= 5
            assert browser.value("document.querySelectorAll('.figure .trace').length") >= 8

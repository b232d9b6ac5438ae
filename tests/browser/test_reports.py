"""Reports in a real browser: they draw, they ask for nothing, they fit a phone.

Skipped where there is no Chromium (Debian: ``apt-get install chromium``).
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from freqtrade_liquidation.frontends.html.report import write_report
from tests.browser.chromium import DESKTOP, PHONE, Chromium, Screen, find_chromium
from tests.unit.frontends.html.recording import Recording, recorded, trail_of

EVIL = "</script><script>document.title='taken'</script><img src=x onerror=document.title='taken'>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium is installed")
    with Chromium(program, tmp_path_factory.mktemp("profile")) as running:
        yield running


def report(folder: Path, recording: Recording) -> Path:
    trail = trail_of(folder, recording)
    write_report(trail, next(trail.runs()), folder / "report.html")
    return folder / "report.html"


def with_evil(recording: Recording) -> Recording:
    """Markup wherever a person or an exchange can put it."""
    recording.run.update(reason=EVIL, errors=[EVIL])
    for row in recording.events:
        row["error"] = row["error"] and EVIL
    for outcome in recording.run["outcome"]:
        outcome["error"] = outcome["error"] and EVIL
    return recording


@pytest.mark.parametrize(
    ("name", "screen"),
    [("refused", PHONE), ("silent", PHONE), ("cut_off", PHONE), ("spot", PHONE), ("spot", DESKTOP)],
)
def test_page_draws_fits_and_asks_for_nothing(
    browser: Chromium, tmp_path: Path, name: str, screen: Screen
) -> None:
    path = report(tmp_path, with_evil(recorded(name)))
    browser.show(path, screen)
    assert browser.complaints() == []
    assert browser.requested() == [path.as_uri()]
    assert browser.value("document.documentElement.scrollWidth") == screen["width"]
    assert browser.value("document.querySelectorAll('.figure .trace').length") > 0
    assert browser.value("document.title").endswith(recorded(name).run["correlation_id"])
    buttons = "Array.from(document.querySelectorAll('.modebar-btn'), b => b.dataset.title)"
    assert len(browser.value(buttons)) == (0 if screen["mobile"] else 4), "none that uploads"


def test_page_is_whole_where_scripts_are_blocked(browser: Chromium, tmp_path: Path) -> None:
    browser.show(report(tmp_path, recorded("spot")), PHONE, scripts=False)
    assert browser.complaints() == []
    nodes = browser.ask("DOM.getDocument", depth=-1)["root"]["nodeId"]
    tables = browser.ask("DOM.querySelectorAll", nodeId=nodes, selector="table")["nodeIds"]
    drawn = browser.ask("DOM.querySelectorAll", nodeId=nodes, selector=".figure svg")["nodeIds"]
    assert (len(tables), drawn) == (6, [])


def test_colours_follow_the_scheme(browser: Chromium, tmp_path: Path) -> None:
    path = report(tmp_path, recorded("refused"))
    ink = "getComputedStyle(document.querySelector('.figure .ytick text')).fill"
    found = []
    for dark in (False, True):
        browser.show(path, DESKTOP, dark=dark)
        found.append(
            (browser.value("getComputedStyle(document.body).backgroundColor"), browser.value(ink))
        )
    assert found == [
        ("rgb(255, 255, 255)", "rgb(27, 31, 36)"),
        ("rgb(20, 23, 27)", "rgb(230, 233, 237)"),
    ]


def test_picture_fits_the_paper_and_is_as_it_was_afterwards(
    browser: Chromium, tmp_path: Path
) -> None:
    browser.show(report(tmp_path, recorded("refused")), PHONE)
    size = "JSON.stringify(document.querySelector('.figure .main-svg').getBoundingClientRect())"
    before = browser.value(size)
    browser.value("dispatchEvent(new Event('beforeprint'))")
    assert json.loads(browser.value(size))["width"] == 680
    browser.value("dispatchEvent(new Event('afterprint'))")
    assert browser.value(size) == before

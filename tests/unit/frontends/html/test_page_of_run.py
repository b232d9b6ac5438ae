"""The page of a run: what it says first, what it never says, and how the command ends."""

import argparse
import contextlib
import html
import io
import re
import sqlite3
import sys
from pathlib import Path

import plotly.graph_objects
import pytest
from rich.console import Console

from freqtrade_liquidation.audit.free_text import STEERING
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.frontends import commands, show
from freqtrade_liquidation.frontends.html.report import page
from freqtrade_liquidation.frontends.html.timeline import timeline
from tests.unit.audit.secrets_of_tests import masker
from tests.unit.frontends.html.recording import NAMES, Recording, recorded, trail_of

EVIL = "</script><script>alert(1)</script>"


def page_of(folder: Path, *recordings: Recording) -> str:
    """The page of the first, from a trail that holds all."""
    with_trail = trail_of(folder, *recordings)
    run = with_trail.run(recordings[0].run["correlation_id"])
    assert run is not None
    return without_scripts(page(with_trail, run))


def without_scripts(text: str) -> str:
    """As a browser that runs no script reads it: plotly alone holds about every word."""
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def text_of(page: str) -> str:
    """What a person reads."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def shown(audit: AuditLog, *arguments: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    show.add_arguments(parser)
    file = io.StringIO()
    code = show.run(parser.parse_args(arguments), audit, Console(file=file, width=200))
    return code, file.getvalue()


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("refused", "Not flat: 1 of 5 left At the end of the run: 1 shown open."),
        ("retried", "Flat The exchange showed no position in the run's scope, and no order that"),
        ("silent", "Not flat: 5 of 5 left At the end of the run: 5 could not be shown closed."),
        ("spot", "Not flat: 2 of 4 left At the end of the run: 1 shown open, 1 could not be"),
        ("cut_off", "Not flat: 1 of 4 left When it was found cut off: 1 shown open."),
    ],
)
def test_first_thing_said_is_whether_it_is_flat(tmp_path: Path, name: str, verdict: str) -> None:
    text = text_of(page_of(tmp_path, recorded(name)))
    assert text.index(verdict) < text.index("Timeline")
    assert ("What is left" in text) == verdict.startswith("Not flat")


def test_dust_is_not_left_and_is_named(tmp_path: Path) -> None:
    recording = recorded("retried")
    recording.run["outcome"][0].update(state="dust", residual_amount=1e-6)
    text = text_of(page_of(tmp_path, recording))
    assert "1 left dust, below what the exchange takes an order for." in text
    assert "What is left" not in text


def test_run_that_saw_nothing_does_not_say_that_nothing_is_left(tmp_path: Path) -> None:
    recording = recorded("silent")
    recording.run.update(outcome=[], positions_failed=0)
    recording.events[0]["additional_data"]["positions_count_expected"] = 0
    recording.events[:] = [row for row in recording.events if row["pair"] is None]
    text = text_of(page_of(tmp_path, recording))
    assert "Not flat The exchange did not show what is open." in text


def test_whole_page_is_readable_without_scripts(tmp_path: Path) -> None:
    text = text_of(page_of(tmp_path, recorded("spot")))
    for words in (
        "ETH/USDT HAS LOST ITS STOP at 2561.92", "NO STOP", "not known", "64976.5 last",
        "put the stop back: 1.334 at 119.76", "it stands again", "8 (default: 5)",
        "The chain holds: 47 events, none missing.", "This picture needs scripts.",
    ):  # fmt: skip
        assert words in text, words


def test_foreign_words_stay_text(tmp_path: Path) -> None:
    """In the reason that a person typed, in an exchange's error, and in the name of a pair."""
    recording = recorded("refused")
    recording.run.update(reason=EVIL, actor=EVIL, errors=[EVIL])
    for row in recording.events:
        row["error"] = row["error"] and EVIL
        if str(row["pair"]).startswith("BTC"):
            row["pair"] = EVIL
    recording.run["outcome"][0].update(pair=EVIL, error=EVIL)
    trail = trail_of(tmp_path, recording)
    whole = page(trail, next(trail.runs()))
    assert EVIL not in whole
    assert whole.count("&lt;script&gt;alert(1)") > 5
    assert len(re.findall("<script", without_scripts(whole))) == 0
    data = timeline(recording.story())
    assert "<script" not in str(data.data), "plotly takes markup, too"


def test_secrets_are_masked_as_in_the_trail(tmp_path: Path) -> None:
    recording = recorded("refused")
    recording.run["errors"] = ["binance said apiKey=abcdef123456"]
    trail = trail_of(tmp_path, recording, masker=masker("abcdef123456"))
    whole = page(trail, next(trail.runs()))
    assert "abcdef123456" not in whole
    assert "apiKey=***" in whole


def test_page_of_a_changed_trail_says_not_to_rely_on_it(tmp_path: Path) -> None:
    trail = trail_of(tmp_path, recorded("retried"))
    with sqlite3.connect(tmp_path / "trail.sqlite") as other:
        other.execute("UPDATE liquidation_events SET error = 'x' WHERE sequence = 7")
    text = text_of(page(trail, next(trail.runs())))
    assert "Do not rely on this page: the audit trail has been changed. The chain is broken" in text
    assert 'class="verdict bad"' in page(trail, next(trail.runs()))
    code, _ = shown(trail, "--verify", "--html", str(tmp_path / "x.html"))
    assert (code, (tmp_path / "x.html").exists()) == (1, True)


def test_run_with_a_newer_one_names_it(tmp_path: Path) -> None:
    older, newer = recorded("refused"), recorded("spot")
    text = text_of(page_of(tmp_path, older, newer))
    assert f"Since then: {newer.run['correlation_id']} (shutdown) partial" in text


@pytest.mark.parametrize(("state", "words"), [
    ("skipped", "Nothing was closed, on purpose"),
    ("in_progress", "The end of this run is not on record"),
])  # fmt: skip
def test_run_that_closed_nothing_or_has_no_end_says_so(
    tmp_path: Path, state: str, words: str
) -> None:
    recording = recorded("silent")
    recording.run.update(state=state, outcome=[], errors=[], positions_failed=0)
    del recording.events[1:]
    text = text_of(page_of(tmp_path, recording))
    assert words in text
    assert "Left 5 as freqtrade's database had it" in text
    assert "Timeline" not in text


@pytest.mark.parametrize("name", NAMES)
def test_picture_is_one_that_plotly_takes(name: str) -> None:
    figure = timeline(recorded(name).story())
    plotly.graph_objects.Figure({"data": figure.data, "layout": figure.layout})


# The command.


def test_without_an_id_the_newest_run_is_drawn_and_the_file_replaced(tmp_path: Path) -> None:
    trail = trail_of(tmp_path, recorded("refused"), recorded("spot"))
    path = tmp_path / "report.html"
    path.write_text("old")
    code, text = shown(trail, "--html", str(path))
    newest = recorded("spot").run["correlation_id"]
    assert code == 0
    assert f"Run {newest} drawn to {path}" in text
    assert f"<title>Not flat: 2 of 4 left – {newest}</title>" in path.read_text()


def test_with_an_id_that_run_is_drawn_beside_its_export(tmp_path: Path) -> None:
    trail = trail_of(tmp_path, recorded("refused"), recorded("spot"))
    wanted = recorded("refused").run["correlation_id"]
    page_file, lines = tmp_path / "x.html", tmp_path / "x.jsonl"
    code, _ = shown(trail, wanted[:19], "--html", str(page_file), "--export", str(lines))
    assert code == 0
    assert f"{wanted}</title>" in page_file.read_text()
    assert len(lines.read_text().splitlines()) == len(recorded("refused").events)


@pytest.mark.parametrize("value", ['"soon"', "[]", "2", "{}", "1", "null"])
@pytest.mark.parametrize("key", ["protected", "tracked", "error"])
def test_odd_outcome_costs_its_run_and_no_traceback(tmp_path: Path, key: str, value: str) -> None:
    """``protected`` ended the command with a KeyError."""
    trail = trail_of(tmp_path, recorded("refused"))
    with contextlib.closing(sqlite3.connect(next(tmp_path.glob("*.sqlite")))) as other, other:
        path = f"$[0].{key}"
        other.execute(
            "UPDATE liquidation_runs SET outcome = json_set(outcome, ?, json(?))", (path, value)
        )
    code, text = shown(trail, "--html", str(tmp_path / "x.html"))
    assert (code, "drawn" in text) in ((0, True), (1, False))


def test_page_holds_nothing_that_steers_a_terminal(tmp_path: Path) -> None:
    steering = "\x1b[2J\u202e\x9b"
    trail = trail_of(tmp_path, recorded("refused"))
    with contextlib.closing(sqlite3.connect(next(tmp_path.glob("*.sqlite")))) as other, other:
        other.execute("UPDATE liquidation_runs SET actor = ?, reason = ?", (steering, steering))
    assert shown(trail, "--html", str(tmp_path / "x.html"))[0] == 0
    page = without_scripts((tmp_path / "x.html").read_text())
    assert "\\x1b[2J\\u202e" in page
    assert not STEERING.search(page)


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    trail = trail_of(tmp_path, recorded("refused"))
    beyond = tmp_path / "no" / "x.html"
    assert shown(trail, "--html", str(beyond)) == (
        1, f"Cannot write {beyond}: No such file or directory\n",
    )  # fmt: skip
    assert shown(trail, "nonsense", "--html", str(tmp_path / "x.html"))[0] == 2
    assert not (tmp_path / "x.html").exists()


def test_empty_trail_has_nothing_to_draw(tmp_path: Path) -> None:
    empty = trail_of(tmp_path)
    code, text = shown(empty, "--html", str(tmp_path / "x.html"))
    assert (code, text) == (1, "No liquidation has run yet: there is nothing to draw.\n")


def test_without_plotly_the_extra_is_named_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trail_of(tmp_path, recorded("refused"))
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/trail.sqlite"
    code = commands.run(["show-liquidations", "--db-url", url, "--html", "x.html"])
    assert code == 2
    assert capsys.readouterr().err == (
        "Error: an HTML report needs plotly: pip install 'freqtrade-liquidation[plot]'\n"
    )
    assert not (tmp_path / "x.html").exists()

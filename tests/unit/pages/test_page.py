"""The frame of every report: nothing foreign runs, nothing is fetched, nothing is missing."""

import base64
import hashlib
import importlib
import json
import math
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from freqtrade.exceptions import OperationalException

from freqtrade_liquidation import pages
from freqtrade_liquidation.files import write_whole
from freqtrade_liquidation.pages import ENDINGS, Figure, picture_text, render

EVIL = "</script><script>alert(1)</script>"
TEMPLATE = """{% extends "frame.html" %}
{% block title %}{{ words }}{% endblock %}
{% block lead %}<h1>{{ words }}</h1>{% endblock %}
{% block body %}{% for name in names %}{{ figure(name) }}{% endfor %}{% endblock %}
"""


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A room with one template, as an importable package."""
    package = tmp_path / "some_room"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "report.html").write_text(TEMPLATE)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "some_room", raising=False)
    return "some_room"


def test_page_shows_foreign_words_as_text_everywhere(room: str) -> None:
    figure = Figure(data=[{"type": "scatter", "name": EVIL}], layout={"height": 300}, about=EVIL)
    page = render(
        room, "report.html", clean=str, figures={"one": figure}, names=["one"], words=EVIL
    )
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)" in page
    [text] = re.findall(r'<script type="application/json" id="figure-one">(.*?)</script>', page)
    assert json.loads(text)["data"][0]["name"] == EVIL


def test_number_that_is_none_is_a_gap_in_the_picture(room: str) -> None:
    marks = {"x": (0.5, math.nan), "y": [math.inf, 1], "marker": {"size": -math.inf}}
    page = render(
        room, "report.html", clean=str, figures={"one": Figure(data=[marks])}, names=[], words="x"
    )
    [text] = re.findall(r'<script type="application/json" id="figure-one">(.*?)</script>', page)
    assert json.loads(text)["data"] == [
        {"x": [0.5, None], "y": [None, 1], "marker": {"size": None}}
    ]


def test_page_allows_its_own_scripts_by_hash_and_nothing_from_the_network(room: str) -> None:
    figure = Figure(data=[], layout={"height": 300})
    page = render(room, "report.html", clean=str, figures={"one": figure}, names=["one"], words="x")
    [policy] = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert policy.startswith("default-src &#39;none&#39;")
    assert policy.split("script-src ")[1] == " ".join(f"&#39;sha256-{h}&#39;" for h in hashes)
    assert len(scripts) == 2
    assert not re.findall(r'(?:src|href)="(?!data:)', page.replace(scripts[0], ""))


def test_page_without_figures_needs_no_plotly(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    page = render(room, "report.html", clean=str, names=[], words="x")
    assert "script-src &#39;none&#39;" in page
    assert "<script" not in page


def test_page_with_figures_and_no_plotly_names_the_extra(
    room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    figures = {"one": Figure(data=[])}
    with pytest.raises(OperationalException, match=r"freqtrade-liquidation\[plot\]") as raised:
        render(room, "report.html", clean=str, figures=figures, names=["one"], words="x")
    assert isinstance(raised.value, pages.PlotlyMissing)


def test_picture_text_leaves_no_markup_to_plotly() -> None:
    assert picture_text('<a href="x">&') == '&lt;a href="x"&gt;&amp;'


def test_file_appears_whole_for_its_owner_only_and_replaces_the_old(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def breaks() -> Iterator[str]:
        yield "half"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(path, breaks(), replaces=ENDINGS)
    assert path.read_text() == "old"
    write_whole(path, ["new", "er"], replaces=ENDINGS)
    assert path.read_text() == "newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["tradesv3.sqlite", "config.json", "pipe.html", "link.html"])
def test_what_is_no_page_is_not_replaced(tmp_path: Path, name: str) -> None:
    """``--html`` with the wrong file's name behind it; as root, ``/dev/stdout``."""
    path = tmp_path / name
    (tmp_path / "theirs").write_text("theirs")
    if name == "pipe.html":
        os.mkfifo(path)
    elif name == "link.html":
        path.symlink_to(tmp_path / "theirs")
    else:
        path.write_text("theirs")
    before = path.lstat()
    with pytest.raises(FileExistsError, match=r"something else than a \.html or \.htm file"):
        write_whole(path, ["new"], replaces=ENDINGS)
    assert path.lstat() == before
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        write_whole(tmp_path / "none" / "report.html", ["x"], replaces=ENDINGS)
    assert raised.value.filename == str(tmp_path / "none" / "report.html")


@pytest.mark.parametrize("path", [".", "/"])
def test_folder_is_no_file_to_write(path: str) -> None:
    with pytest.raises(OSError, match="directory"):
        write_whole(Path(path), ["x"], replaces=ENDINGS)


def test_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """In a folder that others may write to, its name could be known before."""
    other = tmp_path / "other"
    other.write_text("theirs")
    (tmp_path / f".report.html.{os.getpid()}.part").symlink_to(other)
    write_whole(tmp_path / "report.html", ["new"], replaces=ENDINGS)
    assert other.read_text() == "theirs"
    assert not (tmp_path / "report.html").is_symlink()

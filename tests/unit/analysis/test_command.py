"""The command as a user types it: what it prints and writes, and what it says when it cannot."""

import csv
import json
import re
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from freqtrade_liquidation.analysis.report import COLUMNS
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.frontends import commands
from tests.unit.analysis.backtests import BEGAN, STRATEGIES, store_opens, write_config

SOL, ETH = "SOL/USDT:USDT", "ETH/USDT:USDT"
SCRIPT = {
    SOL: {"enter_long": [5], "exit_long": [30], "stake": 1000},
    ETH: {"enter_short": [3], "stake": 500, "leverage": 3},
}
OPENS = {SOL: [100] * 10 + [110] * 30, ETH: [100] * 20 + [90] * 20}


class User:
    """Somebody with a user directory, who types."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def types(self, *more: str, timerange: str = "20250101-20250102") -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        arguments = [
            "liquidation-analysis", "-c", str(self.folder / "config.json"),
            "--userdir", str(self.folder), "--strategy-path", str(STRATEGIES),
            "--strategy", "ScriptedFutures", "--timerange", timerange, *more,
        ]  # fmt: skip
        try:
            code = commands.run(arguments)
        except SystemExit as end:
            code = int(str(end.code))
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err

    def gets(self, *more: str) -> dict[str, Any]:
        """The report as JSON."""
        code, out, _ = self.types(*more, "--print-json")
        assert code == 0
        report: dict[str, Any] = json.loads(out)
        return report


@pytest.fixture(scope="module")
def data(markets: PracticeExchange, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("user")
    write_config(
        folder, markets, futures=True, pairs=list(SCRIPT), script=SCRIPT,
        script_began=BEGAN.isoformat(),
    )  # fmt: skip
    store_opens(folder / "data" / "binance", OPENS, rates={0: 0.0001, 1: 0.0002})
    return folder


@pytest.fixture
def user(data: Path, capsys: pytest.CaptureFixture[str]) -> User:
    return User(data, capsys)


@pytest.fixture
def other(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> User:
    """One whose files the test may change."""
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    return User(tmp_path, capsys)


def test_every_candle_as_table_csv_and_json(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    table, plain = tmp_path / "stops.csv", tmp_path / "stops.json"
    code, out, err = user.types("--export", str(table))
    assert (code, err) == (0, "")
    assert "\x1b" not in out, "no colours in a pipe"
    assert "What a stop costs, in USDT" in out
    assert "worst (costs most)" in out
    assert "39 moments written to" in out
    user.types("--export", str(plain))
    rows = list(csv.DictReader(table.open()))
    assert tuple(rows[0]) == COLUMNS
    written = json.loads(plain.read_text())
    assert written["moments"] == [
        {name: text if name == "moment" else float(text) for name, text in row.items()}
        for row in rows
    ]
    # by hand, candle 30: test_hand_computed; there is no partial exit here, so SOL is 10 × 110
    [row] = [row for row in rows if row["moment"] == "2025-01-01T02:30:00+00:00"]
    assert row["positions"] == "2"
    assert float(row["exposure"]) == pytest.approx(10 * 110 + 15 * 90)
    assert float(row["time_to_flat_s"]) == pytest.approx(0.2)


def test_chosen_moment_runs_the_manager_at_the_next_open(user: User, tmp_path: Path) -> None:
    file = tmp_path / "analysis.sqlite"
    report = user.gets("--at", "2025-01-01T02:28", "--audit", str(file))
    [run] = report["runs"]
    assert run["moment"] == "2025-01-01T02:30:00+00:00"
    assert run["result"]["state"] == "completed"
    assert {line["pair"] for line in run["positions"]} == {SOL, ETH}
    assert run["events"][-1]["event_type"] == "liquidation_completed"
    with sqlite3.connect(file) as database:
        [stored] = database.execute("SELECT state, started_at FROM liquidation_runs").fetchall()
        [count] = database.execute("SELECT count(*) FROM liquidation_events").fetchone()
    assert stored[0] == "completed"
    assert stored[1].startswith("2025-01-01 02:30")
    assert count == len(run["events"])


def test_every_and_at_worst(user: User) -> None:
    assert [run["moment"][11:16] for run in user.gets("--every", "1h")["runs"]] == [
        "01:00", "02:00", "03:00",
    ]  # fmt: skip
    whys = ", ".join(run["why"] for run in user.gets("--at-worst")["runs"])
    assert "dearest stop" in whys
    assert "most positions" in whys


def test_rate_limit_of_the_user_holds(other: User) -> None:
    """ccxt's ``rateLimit`` is in milliseconds."""
    file = other.folder / "config.json"
    config = json.loads(file.read_text())
    config["exchange"]["ccxt_config"] |= {"enableRateLimit": True, "rateLimit": 40}
    file.write_text(json.dumps(config))
    assert other.gets()["model"]["pace"]["rate_limit"] == 25.0
    assert other.gets("--rate-limit", "7")["model"]["pace"]["rate_limit"] == 7.0


def test_settings_of_the_user_decide_the_run(other: User) -> None:
    file = other.folder / "config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"liquidation": {"close_positions": False}}))
    [run] = other.gets("--at", "2025-01-01T02:30")["runs"]
    assert run["result"]["state"] == "skipped"
    assert run["result"]["skip_reason"] == "close_positions is false"
    assert "Skipped: close_positions is false." in other.types("--at", "2025-01-01T02:30")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--at", "yesterday"], "'yesterday' is no moment; write it as 2025-01-31"),
        (["--at", "2025-02-01"], "outside of what was backtested: 2025-01-01 00:05 to 2025-01-01"),
        (["--every", "1m"], "--every is shorter than a candle"),
        (["--every", "1h", "--at-worst"], "not allowed with"),
        (["--slippage-bps", "-1"], "'-1' is no number from 0 up"),
        (["--rate-limit", "0"], "must be more than 0"),
        (["--export", "stops.xlsx"], "must end in .csv or .json"),
        (["--export", "nowhere/stops.csv"], "There is no folder nowhere for stops.csv."),
        (["--strategy", "Nothing"], "Impossible to load Strategy 'Nothing'"),
    ],
)
def test_what_is_wrong_is_said_and_is_2(user: User, arguments: list[str], words: str) -> None:
    code, out, err = user.types(*arguments)
    assert (code, out) == (2, "")
    assert words in " ".join(err.split())


def test_export_spares_the_configuration(other: User) -> None:
    config = other.folder / "config.json"
    before = config.read_bytes()
    code, _, err = other.types("--export", str(config))
    assert code == 2
    assert "is the configuration; name another file" in " ".join(err.split())
    assert config.read_bytes() == before


def test_bad_and_empty_timeranges(user: User) -> None:
    code, _, err = user.types(timerange="January")
    assert code == 2
    assert "timerange" in err
    code, _, err = user.types(timerange="20300101-20300201")
    assert code == 2
    assert "download-data -c" in err
    assert "--timerange 20300101-20300201 --timeframes 5m --pairs SOL/USDT:USDT" in err


def test_strategy_without_trades_and_pair_without_data(other: User) -> None:
    file = other.folder / "config.json"
    config = json.loads(file.read_text())
    script = {pair: {"stake": 1000} for pair in SCRIPT}
    file.write_text(json.dumps(config | {"script": script}))
    code, _, err = other.types()
    assert code == 2
    assert "ScriptedFutures made no trade between 2025-01-01 00:00 and 2025-01-01 03:15" in err
    file.write_text(json.dumps(config))
    for path in (other.folder / "data" / "binance" / "futures").glob("ETH*"):
        path.unlink()
    code, out, _ = other.types()
    assert code == 0
    assert "No candles for ETH/USDT:USDT: left out." in out
    for path in (other.folder / "data" / "binance" / "futures").glob("*funding_rate*"):
        path.unlink()
    assert "No funding rates for SOL/USDT:USDT: counted as 0." in other.types()[1]


def test_docs_name_every_column() -> None:
    page = (Path(__file__).parents[3] / "docs" / "analysis.md").read_text(encoding="utf-8")
    table = page.split("## Columns")[1].split("## ")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(COLUMNS)


def test_audit_never_goes_to_a_bots_database(user: User, tmp_path: Path) -> None:
    file = tmp_path / "tradesv3.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE trades (id INTEGER)")
    code, _, err = user.types("--at-worst", "--audit", str(file))
    assert code == 2
    assert "is a bot's database" in err
    (tmp_path / "text.sqlite").write_text("no database, " * 100)
    assert user.types("--audit", str(tmp_path / "text.sqlite"))[0] == 2


def test_html_without_plotly_names_the_extra(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    code, _, err = user.types("--html", "report.html")
    assert code == 2
    assert "freqtrade-liquidation[plot]" in err


def test_nothing_is_written_to_the_user_directory(other: User) -> None:
    before = {path for path in other.folder.rglob("*") if path.is_file()}
    other.types("--at-worst")
    assert {path for path in other.folder.rglob("*") if path.is_file()} == before

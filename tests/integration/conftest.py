"""A practice exchange and real bots on it: real processes, real HTTP, real signals."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation.drill.bot import STRATEGY, BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from tests.integration.exchanges import wrapper_on
from tests.integration.forking import ForkedBot
from tests.integration.mariadb import programs, server_at
from tests.integration.telegram_server import TelegramServer
from tests.stopwatch import Stopwatch

MakeBot = Callable[..., BotProcess]
STRATEGIES = Path(__file__).parents[1] / "strategies"
FUTURES_STRATEGY = (STRATEGY, "DrillStrategy")
SPOT_STRATEGY = (STRATEGIES / "spot_always_in.py", "SpotAlwaysIn")


@pytest.fixture
def exchange() -> Iterator[PracticeExchange]:
    """Fixed prices: profits can be checked to the cent."""
    with PracticeExchange(Settings(moving_ratio=0.0, synthetic_markets=3)) as running:
        yield running


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    """Give a bot its ``config`` and its ``environment``."""
    with TelegramServer() as server:
        yield server


@pytest.fixture
def make_bot(exchange: PracticeExchange, tmp_path: Path) -> Iterator[MakeBot]:
    """Makes a bot on *exchange* that takes a position in each of *pairs*; kills it at the end.

    Without ccxt's throttle, unless *throttled*: it makes each start of freqtrade's sleep for 3 s.
    """
    bots: list[BotProcess] = []

    def make(
        *,
        futures: bool = True,
        pairs: int = 3,
        folder: str = "bot",
        strategy: tuple[Path, str] | None = None,
        environment: Mapping[str, str] | None = None,
        throttled: bool = False,
        ccxt: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> BotProcess:
        config = exchange.freqtrade_config(
            futures=futures,
            pairs=exchange.pairs(futures)[:pairs],
            ccxt=({} if throttled else {"enableRateLimit": False}) | dict(ccxt or {}),
            **overrides,
        )
        strategy = strategy or (FUTURES_STRATEGY if futures else SPOT_STRATEGY)
        bot = ForkedBot(tmp_path / folder, config, strategy=strategy, environment=environment)
        bots.append(bot)
        return bot

    yield make
    for bot in bots:
        bot.kill()


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database on a server of its own."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server: initdb is not in /usr/lib/postgresql/*/bin")
    pytest.importorskip("psycopg", reason="freqtrade documents psycopg for PostgreSQL")
    home = Path("/tmp") / f"pg_{os.getpid()}_{tmp_path.name[-8:]}"
    home.mkdir()
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    control = [*as_user, str(found[-1].parent / "pg_ctl"), "-D", str(home / "d")]
    subprocess.run(
        [*control, "initdb", "-o", "-A trust -U bot"], check=True, capture_output=True, cwd="/"
    )
    options = f"-c listen_addresses='' -k {home} -c fsync=off"
    subprocess.run(
        [*control, "-w", "-l", str(home / "log"), "-o", options, "start"], check=True, cwd="/",
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"postgresql+psycopg://bot:practice@/postgres?host={home}"
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/"
        )
        shutil.rmtree(home)


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database on a server of its own."""
    found = programs()
    if found is None:
        pytest.skip("no MariaDB server: mariadbd is not on the path (Debian: mariadb-server)")
    pytest.importorskip("pymysql", reason="the driver by which the tests speak to MariaDB")
    with server_at(Path("/tmp") / f"mdb_{os.getpid()}_{tmp_path.name[-8:]}", *found) as url:
        yield url


def wait_until_invested(bot: BotProcess, count: int, *, stops: bool = True) -> None:
    """Until the database shows *count* trades with a position (and a stop each)."""

    def invested() -> bool:
        open_stops = bot.query(
            "SELECT id FROM orders WHERE ft_order_side = 'stoploss' AND ft_is_open = 1"
        )
        return len(bot.open_trades()) == count and (not stops or len(open_stops) == count)

    bot.wait_for(invested, f"{count} open trades")


def ends_within(bot: BotProcess, seconds: float) -> int:
    """The exit code of a bot that ends in so many *seconds*, waits for a core not counted."""
    watch = Stopwatch(bot.process.pid)
    code = bot.wait(60)
    assert watch.stop() < seconds
    return code


def said(bot: BotProcess) -> str:
    """The log without the line breaks of a narrow terminal."""
    return " ".join(bot.log().split())


def events(bot: BotProcess) -> list[dict[str, Any]]:
    """The audit trail, oldest first, payloads parsed."""
    rows = bot.query("SELECT * FROM liquidation_events ORDER BY sequence")
    return [{**row, "additional_data": json.loads(row["additional_data"] or "{}")} for row in rows]


def event_types(bot: BotProcess) -> list[str]:
    return [event["event_type"] for event in events(bot)]


def runs(bot: BotProcess) -> list[dict[str, Any]]:
    """Runs, oldest first."""
    return bot.query("SELECT * FROM liquidation_runs ORDER BY started_at")


@pytest.fixture
def practice() -> Iterator[PracticeExchange]:
    with PracticeExchange(Settings(moving_ratio=0)) as running:
        yield running


@pytest.fixture
def futures(practice: PracticeExchange, tmp_path: Path) -> Iterator[Exchange]:
    with wrapper_on(practice, tmp_path, futures=True) as exchange:
        yield exchange


@pytest.fixture
def spot(practice: PracticeExchange, tmp_path: Path) -> Iterator[Exchange]:
    practice.seed_balance("BTC", 0)
    with wrapper_on(practice, tmp_path, futures=False) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def running() -> Iterator[PracticeExchange]:
    """One for a whole file, without limits; open the account anew for each test."""
    with PracticeExchange(Settings(moving_ratio=0, synthetic_markets=40)) as practice:
        practice.set_limits(weight_per_minute=None)
        yield practice


@pytest.fixture(scope="module")
def wrappers(
    running: PracticeExchange, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[bool, Exchange]]:
    """freqtrade's exchange, by whether it is for futures."""
    folders = {futures: tmp_path_factory.mktemp("wrapper") for futures in (True, False)}
    with (
        wrapper_on(running, folders[True], futures=True) as swap,
        wrapper_on(running, folders[False], futures=False) as spot,
    ):
        yield {True: swap, False: spot}

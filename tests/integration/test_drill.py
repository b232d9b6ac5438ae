"""The fire drill as a person starts it, with everything that a person may have lying around."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from freqtrade_liquidation.drill import seal
from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from tests.integration.conftest import MakeBot
from tests.unit.drill.test_seal import variables

ROOT = Path(__file__).parents[2]
FLAT = "FLAT: the exchange shows no position and no order."
SECRET = "geheim"


def ours(*arguments: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """``freqtrade-liquidation ARGUMENTS`` in *folder*."""
    return subprocess.run(
        [sys.executable, "-m", "freqtrade_liquidation", *arguments],
        capture_output=True, text=True, timeout=150, check=False, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "300"} | environment,
    )  # fmt: skip


def drill(*arguments: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    words = ("drill", "--positions", "2", "--latency-ms", "20", *arguments)
    return ours(*words, folder=folder, **environment)


def test_drill_on_gate_with_a_refused_pair_ends_with_3_as_expected(tmp_path: Path) -> None:
    done = drill("--exchange", "gate", "--faults", "refused", folder=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    words = "NOT FLAT, as expected (--faults refused): 1 position and 1 order remain"
    assert words in done.stdout
    assert done.stdout.index(words) < done.stdout.index("Outcome by pair")


def test_drill_that_leaves_too_much_is_not_as_expected(tmp_path: Path) -> None:
    """Nothing is refused: there was just no time."""
    done = drill("--timeout-seconds", "0.3", "--latency-ms", "600", folder=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "NOT FLAT: " in done.stdout
    assert "as expected" not in done.stdout


def test_drill_on_a_slow_exchange_waits_for_what_is_on_its_way(tmp_path: Path) -> None:
    """The last cancels act a moment after the bot's end: NOT FLAT was told for five stops."""
    done = drill("--positions", "5", "--latency-ms", "2000", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FLAT: the exchange shows no position and no order." in done.stdout


# ---- the user's


class Outside:
    """Stands for whatever is out there: it listens, and counts who comes."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.calls = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def outside() -> Iterator[Outside]:
    listening = Outside()
    yield listening
    listening.close()


class User:
    """A folder as a bot's owner has it, and an environment as from a Docker env file."""

    def __init__(self, folder: Path, outside: Outside) -> None:
        url = f"http://user:{SECRET}@127.0.0.1:{outside.port}"
        self.folder = folder
        self.database = folder / "tradesv3.sqlite"
        with sqlite3.connect(self.database) as connection:
            connection.execute("CREATE TABLE trades (id INTEGER PRIMARY KEY, pair TEXT)")
            connection.execute("INSERT INTO trades (pair) VALUES ('mine')")
        self.config = self._config(url)
        for file in (folder / "config.json", folder / "user_data" / "config.json"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(self.config))
        (folder / ".netrc").write_text(f"default login me password {SECRET}\n")
        self.environment = self._environment(url)
        (folder / ".env").write_text("\n".join("=".join(i) for i in self.environment.items()))
        self.before = self.files()

    def files(self) -> dict[str, bytes]:
        """Every file below the folder with its content."""
        every = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in every}

    def _config(self, url: str) -> dict[str, Any]:
        return {
            "exchange": {
                "name": "okx", "key": SECRET, "secret": SECRET, "password": SECRET,
                "pair_whitelist": ["ETH/USDT:USDT", "PEPE/USDT:USDT"],
                "ccxt_config": {"httpsProxy": url},
            },
            "db_url": f"sqlite:///{self.database}", "dry_run": False, "bot_name": "mine",
            "telegram": {"enabled": True, "token": f"1:{SECRET}", "chat_id": "1"},
            "webhook": {"enabled": True, "url": url}, "strategy": "Mine",
            "liquidation": {"max_retries": 7},
        }  # fmt: skip

    def _environment(self, url: str) -> dict[str, str]:
        return {
            "FREQTRADE__EXCHANGE__NAME": "okx",
            "FREQTRADE__EXCHANGE__KEY": SECRET,
            "FREQTRADE__EXCHANGE__SECRET": SECRET,
            "FREQTRADE__EXCHANGE__PASSWORD": SECRET,
            "FREQTRADE__EXCHANGE__CCXT_CONFIG__httpsProxy": url,
            "FREQTRADE__DB_URL": f"sqlite:///{self.database}",
            "FREQTRADE__DRY_RUN": "false",
            "FREQTRADE__TELEGRAM__ENABLED": "true",
            "FREQTRADE__TELEGRAM__TOKEN": f"1:{SECRET}",
            "FREQTRADE__TELEGRAM__CHAT_ID": "1",
            "FREQTRADE__USER_DATA_DIR": str(self.folder / "user_data"),
            "HTTPS_PROXY": url,
            "https_proxy": url,
            "HOME": str(self.folder),
            "NETRC": str(self.folder / ".netrc"),
        }

    def has(self, what: str) -> dict[str, str]:
        """``docker``: the environment of a live bot; ``database``: of it; ``every`` variable."""
        if what == "database":
            return {name: value for name, value in self.environment.items() if "DB_URL" in name}
        return (dict.fromkeys(variables(), "1") if what == "every" else {}) | self.environment


@pytest.fixture
def user(tmp_path: Path, outside: Outside) -> User:
    folder = tmp_path / "user"
    folder.mkdir()
    return User(folder, outside)


def check_untouched(user: User, outside: Outside, done: "subprocess.CompletedProcess[str]") -> None:
    assert user.files() == user.before
    assert outside.calls == 0
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("what", ["docker", "database", "every"])
def test_nothing_of_the_users_reaches_the_drill(what: str, user: User, outside: Outside) -> None:
    """A real exchange would have been asked, the database written to, a chat told."""
    done = drill(folder=user.folder, **user.has(what))
    assert done.returncode == 0, done.stdout + done.stderr
    assert FLAT in done.stdout
    assert "Binance, 2 positions, 20 ms round trip, 5 s for the run" in done.stdout
    check_untouched(user, outside, done)


def test_file_gives_block_and_pairs_and_nothing_else(user: User, outside: Outside) -> None:
    """`max_retries` and one of the pairs arrive; exchange, keys, database and chat do not."""
    done = drill("-c", "config.json", folder=user.folder, **user.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert FLAT in done.stdout
    assert "does not list them as USDT futures: 'PEPE/USDT:USDT'." in done.stdout
    assert "--positions 2: only 1 pairs take part." in done.stdout
    assert "Of your configuration: max_retries 7." in done.stdout
    assert "The bot holds 1 position and 1 stop: ETH/USDT long." in done.stdout
    check_untouched(user, outside, done)


def test_file_that_turns_the_run_off_leaves_all_as_expected(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"liquidation": {"emergency_liquidation": False}}))
    done = drill("-c", str(file), folder=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    why = "liquidation.emergency_liquidation is false"
    assert f"NOT FLAT, as expected ({why}): 2 positions and 2 orders remain" in done.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [({"liquidation": {"timeout_seconds": "5"}}, 'liquidation.timeout_seconds is "5" (a text)'),
     ({"liquidations": {"timeout_seconds": 5}}, 'did you mean "liquidation"?'),
     (None, "not found")],
)  # fmt: skip
def test_wrong_file_ends_with_2_before_anything_starts(
    content: dict[str, Any] | None, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_text(json.dumps(content))
    done = drill("-c", str(file), folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert str(file) in done.stderr
    assert "Fire drill" not in done.stdout


def test_example_of_the_analysis_is_sealed_off_too(user: User, outside: Outside) -> None:
    done = ours("liquidation-analysis", "--example", folder=user.folder, **user.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 pairs, 164 trades" in done.stdout
    check_untouched(user, outside, done)


# ---- the second lock


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [("FREQTRADE__EXCHANGE__NAME", "okx", "exchange.name"),
     ("FREQTRADE__EXCHANGE__KEY", SECRET, "exchange.key"),
     ("FREQTRADE__DB_URL", "sqlite:///mine.sqlite", "db_url"),
     ("FREQTRADE__TELEGRAM__ENABLED", "true", "telegram.enabled")],
)  # fmt: skip
def test_variable_that_reached_the_bot_stops_it_before_it_is_built(
    name: str, value: str, key: str, make_bot: MakeBot, exchange: PracticeExchange
) -> None:
    bot = make_bot(environment={name: value})
    with bot:
        assert bot.wait() == 1
    (line,) = [line for line in bot.log().splitlines() if line.startswith(seal.MARK)]
    assert f"Different: {key}. No bot was started." in line
    assert SECRET not in line
    assert exchange.requests() == []
    with pytest.raises(RuntimeError, match="No bot was started"):
        bot.wait_for(lambda: False, "anything")


def test_bot_that_is_led_to_another_machine_ends_before_it_sends(
    tmp_path: Path, exchange: PracticeExchange
) -> None:
    """Its configuration is the drill's; the address in it is not this machine."""
    config = exchange.freqtrade_config(pairs=["BTC/USDT:USDT"])
    elsewhere = json.dumps(config).replace("127.0.0.1", "192.0.2.1")
    assert elsewhere != json.dumps(config)
    bot = BotProcess(tmp_path, json.loads(elsewhere))
    with bot, pytest.raises(RuntimeError, match=r"192\.0\.2\.1.*, which is not this machine"):
        bot.wait_for(lambda: False, "anything")
    assert bot.wait() == 1


# ---- many positions


def test_limits_are_lifted_while_the_drill_sets_up_and_apply_again_afterwards() -> None:
    """A hundred entries go over what the exchange takes in a minute."""
    import ccxt

    with PracticeExchange(Settings()) as exchange:
        exchange.set_limits(1)
        options = {"defaultType": "swap"}
        client = ccxt.binance(exchange.ccxt_config(enableRateLimit=False, options=options))
        with exchange.without_limits():
            for _ in range(3):
                client.fetch_positions()
        with pytest.raises(ccxt.DDoSProtection):  # noqa: PT012
            for _ in range(3):
                client.fetch_positions()
        client.session.close()


def test_waiting_goes_on_while_there_is_progress(tmp_path: Path) -> None:
    """The bot may take as long as it needs, as long as it gets somewhere."""
    bot = Idle(tmp_path, {})
    seen = iter(range(100))
    with bot:
        bot.wait_for(lambda: next(seen) == 20, "the twentieth", 0.2, progress=lambda: next(seen))
        with pytest.raises(RuntimeError, match="no further one within 0 s"):
            bot.wait_for(lambda: False, "further one", 0.2, progress=lambda: 1)


class Idle(BotProcess):
    """A process that does nothing."""

    def arguments(self) -> list[str]:
        return ["-c", "import signal; signal.pause()"]

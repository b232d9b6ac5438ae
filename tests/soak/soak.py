"""The soak: a bot with open positions, hostile input from six sides at once, then a real SIGTERM.

Half an hour of it holds a day: by kind, as much as a machine on the open internet, with somebody
who can write its database beside it, might meet in 24 hours (:data:`A_DAY`). It goes on until the
process has ended: the run that closes the book has it, too.
"""

import random
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from tests.fuzz import test_answers, test_rows, test_telegram
from tests.fuzz.rows import junk
from tests.integration import command
from tests.integration.conftest import wait_until_invested
from tests.integration.operator import Operator
from tests.integration.telegram_server import TelegramServer
from tests.integration.telegram_service import TOKEN
from tests.soak.corpus import drawn
from tests.soak.memory import Samples, resident_mb
from tests.soak.rows import GOOD, SpoiltFile, SpoiltRows
from tests.soak.talk import Answers, LogLines, Messages, Requests, Words
from tests.strategies import loud

DAY_IN_S: Final = 1800.0
LINES_AT_ONCE: Final = 24
A_DAY: Final = {
    "log lines": 86_400,
    "REST requests": 43_200,
    "error pages of the exchange": 4_320,
    "rows": 2_880,
    "fallback lines, one good and one bad": 2_880,
    "things in the fallback file's place": 288,
    "Telegram messages": 1_440,
}
"""Inputs by kind."""
POSITIONS: Final = 3
KEY, SECRET = "Kq7vT2mWz8XcR4nB6yLpJ3hF9dS5gA1e", "uE3rY7tQ9wP1oI5aS8dF2gH6jK4lZ0xC"
JWT_KEY, WS_TOKEN = "jwt-Zx81mQp47VtLw02RkYs5Nc9Bd6Fg", "ws-7GhTq29LmXv58PdRz03KbWc"
SECRETS: Final = (KEY, SECRET, TOKEN, JWT_KEY, WS_TOKEN)
OUR_DEADLINE_S: Final = 5.0
ENDS_WITHIN_S: Final = OUR_DEADLINE_S + 0.3 + 2.0
HEARD_WITHIN_S: Final = 30.0
"""An operator's question; what it took is told."""
MOST_GROWTH_MB: Final = 10.0
"""From the middle to the end."""


class Broken(AssertionError):
    """What the soak is there to find."""


@dataclass(kw_only=True)
class Source:
    """One kind of input, in a thread of its own, at a pace of its own.

    :ivar unheard: how often a lock, a file or the server did not answer in time.
    """

    name: str
    send: Callable[[], None]
    per_s: float
    at_once: int = 1
    sent: int = 0
    unheard: int = 0
    error: BaseException | None = None

    def run(self, stop: threading.Event) -> None:
        """Until *stop*. What is behind is made up for."""
        began = time.monotonic()
        try:
            while not stop.wait(max(0.0, began + self.sent / self.per_s - time.monotonic())):
                try:
                    self.send()
                except (OSError, sqlite3.Error):
                    self.unheard += 1
                self.sent += self.at_once
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            self.error = error


@dataclass(kw_only=True)
class Report:
    """What was done, and what came of it.

    :param longest_answer_s: of an operator's questions, asked once a second.
    :param flat_s: from SIGTERM until the exchange held no position; *ended_s*: until the end.
    """

    seconds: float
    inputs: dict[str, int]
    unheard: dict[str, int]
    statuses: dict[int, int]
    loops: int
    memory: Samples
    longest_answer_s: float
    status: str
    flat_s: float = 0.0
    ended_s: float = 0.0
    log_mb: float = 0.0

    @property
    def growth_mb(self) -> float:
        """In the second half."""
        return self.memory.at(1.0) - self.memory.at(0.5)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.seconds:.0f} s, {sum(self.inputs.values())} inputs"
        yield from (f"  {count:>7} {name}" for name, count in self.inputs.items())
        yield f"not heard in time: {self.unheard or 'none'}"
        yield f"REST answers by status (0 = hung up): {dict(sorted(self.statuses.items()))}"
        yield f"loops of the bot: {self.loops}; its log: {self.log_mb:.1f} MB"
        places = {"start": 0.0, "quarter": 0.25, "middle": 0.5, "three quarters": 0.75, "end": 1.0}
        told = (f"{name} {self.memory.at(share):.1f}" for name, share in places.items())
        yield f"resident memory, MB: {', '.join(told)}; second half {self.growth_mb:+.1f}"
        yield f"longest wait of an operator's question: {self.longest_answer_s:.2f} s"
        yield f"status before SIGTERM: {self.status}"
        yield f"after SIGTERM: flat in {self.flat_s:.2f} s, process ended in {self.ended_s:.2f} s"


@dataclass
class Soak:
    """One bot, from its start to its end.

    :param say: progress.
    :param folder: of the bot; ``None`` = one that is removed at the end.
    :param make_bot: :class:`BotProcess`, or one like it.
    """

    seconds: float
    seed: int = 1
    say: Callable[[str], None] = print
    folder: Path | None = None
    make_bot: Callable[..., BotProcess] = BotProcess
    operator: Operator = field(default_factory=Operator)

    def run(self) -> Report:
        """:raises Broken: if the bot does not live through it, or does what nobody ordered."""
        dice = random.Random(self.seed)
        with ExitStack() as stack:
            folder = self.folder or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-"))
            )
            settings = Settings(moving_ratio=0.0, key=KEY, secret=SECRET)
            exchange = stack.enter_context(PracticeExchange(settings))
            exchange.set_limits(weight_per_minute=None)
            telegram = stack.enter_context(TelegramServer())
            bot = self._bot(folder, exchange, telegram)
            sources, requests, file = self._sources(bot, exchange, telegram, dice)
            stack.callback(requests.close)
            with bot:
                wait_until_invested(bot, POSITIONS)
                telegram.wait_until_polling()
                with _sending(sources):
                    report = self._watch(bot, exchange, sources)
                    self._end(bot, exchange, report)
            report.statuses = dict(requests.answers)
            report.log_mb = bot.log_file.stat().st_size / 1e6
            _check_after(bot, file)
        return report

    def _bot(
        self, folder: Path, exchange: PracticeExchange, telegram: TelegramServer
    ) -> BotProcess:
        api = {"jwt_secret_key": JWT_KEY, "ws_token": WS_TOKEN, "verbosity": "info"}
        config = exchange.freqtrade_config(
            pairs=exchange.pairs()[:POSITIONS],
            ccxt={"enableRateLimit": False},
            api_server=self.operator.config | api | {"enable_openapi": True},
            telegram=telegram.config,
        )
        strategy = (Path(loud.__file__), loud.Loud.__name__)
        environment = telegram.environment
        return self.make_bot(folder / "bot", config, strategy=strategy, environment=environment)

    def _sources(
        self,
        bot: BotProcess,
        exchange: PracticeExchange,
        telegram: TelegramServer,
        dice: random.Random,
    ) -> tuple[list[Source], Requests, SpoiltFile]:
        def more_dice() -> random.Random:
            return random.Random(dice.random())

        texts = [str(value) for value in drawn(st.text(max_size=200), 200, self.seed)]
        words = Words(SECRETS, texts, more_dice())
        requests = Requests(
            self.operator, drawn(test_answers.bodies, 500, self.seed), words, more_dice()
        )
        file = SpoiltFile(bot, drawn(test_rows.lines, 500, self.seed), more_dice())
        rows = SpoiltRows(bot, drawn(junk, 500, self.seed), more_dice())
        typed = drawn(test_telegram.words, 200, self.seed)
        log = LogLines(bot, Words(SECRETS, texts, more_dice()), more_dice())
        send: Mapping[str, Callable[[], Any]] = {
            "log lines": lambda: log.once(LINES_AT_ONCE),
            "REST requests": requests.once,
            "error pages of the exchange": Answers(
                exchange, Words(SECRETS, texts, more_dice()), more_dice()
            ).once,
            "rows": rows.once,
            "fallback lines, one good and one bad": file.line,
            "things in the fallback file's place": file.thing,
            "Telegram messages": Messages(telegram, typed, more_dice()).once,
        }
        at_once = {"log lines": LINES_AT_ONCE, "fallback lines, one good and one bad": 2}
        sources = [
            Source(name=name, send=send[name], per_s=count / DAY_IN_S, at_once=at_once.get(name, 1))
            for name, count in A_DAY.items()
        ]
        return sources, requests, file

    def _watch(self, bot: BotProcess, exchange: PracticeExchange, sources: list[Source]) -> Report:
        """Alive, and nothing closed, all the time; armed at the end of it."""
        memory = Samples(lambda: resident_mb(bot.process.pid))
        longest_s, told_at = 0.0, 0.0
        while (now := time.monotonic() - memory.began) < self.seconds:
            _check_alive(bot, exchange, sources)
            longest_s = max(longest_s, self._answer_s(bot))
            memory.take_if_due()
            if now - told_at >= 60:
                told_at = now
                counts = sum(source.sent for source in sources)
                self.say(f"{now:6.0f} s  {counts:>6} inputs  {memory.taken[-1][1]:.1f} MB")
            exchange.clear_log()
            time.sleep(1.0)
        ended = command.run(bot, "status")
        verdict = ended.stdout.splitlines()[0] if ended.stdout else ended.stderr
        if ended.returncode != 0:
            raise Broken(f"status {ended.returncode}: {ended.stdout}{ended.stderr}")
        return Report(
            seconds=time.monotonic() - memory.began,
            inputs={source.name: source.sent for source in sources},
            unheard={source.name: source.unheard for source in sources if source.unheard},
            statuses={},
            loops=int((bot.folder / "user_data" / loud.LOOPS).read_text()),
            memory=memory,
            longest_answer_s=longest_s,
            status=verdict,
        )

    def _answer_s(self, bot: BotProcess) -> float:
        """An honest operator's question: armed, not latched, running.

        Asked again where the server or the database is busy, as the operator would.
        """
        began = time.monotonic()
        code: int | None = None
        found: Any = None
        while code != 200 and time.monotonic() - began < HEARD_WITHIN_S:
            code, found = self.operator.reply("liquidation", None, method="GET")
        took_s = time.monotonic() - began
        if code != 200 or not found["armed"] or found["latched_by"]:
            raise Broken(f"after {took_s:.1f} s {code}: {found}\n{_tail(bot)}")
        if found["bot_state"] != "RUNNING" or found["running"] or found["last_run"]:
            raise Broken(f"nobody ordered that: {found}\n{_tail(bot)}")
        return took_s

    def _end(self, bot: BotProcess, exchange: PracticeExchange, report: Report) -> None:
        began = time.monotonic()
        bot.send(signal.SIGTERM)
        while exchange.positions() and time.monotonic() - began < ENDS_WITHIN_S:
            time.sleep(0.01)
        report.flat_s = time.monotonic() - began
        left = exchange.positions()
        code = bot.wait(60)
        report.ended_s = time.monotonic() - began
        if left or code != 130 or report.ended_s > ENDS_WITHIN_S:
            raise Broken(f"exit {code} after {report.ended_s:.1f} s, left {left}:\n{_tail(bot)}")


@contextmanager
def _sending(sources: list[Source]) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=s.run, args=(stop,), daemon=True) for s in sources]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def _tail(bot: BotProcess) -> str:
    """Its last lines are long: they are what was put into it."""
    return bot.log_tail()[-4000:]


def _check_alive(bot: BotProcess, exchange: PracticeExchange, sources: list[Source]) -> None:
    for source in sources:
        if source.error is not None:
            raise Broken(f"{source.name}: the soak itself failed") from source.error
    code = bot.process.poll()
    if code is not None:
        raise Broken(f"the bot ended with {code}:\n{_tail(bot)}")
    if len(exchange.positions()) != POSITIONS:
        raise Broken(f"nobody has closed anything:\n{_tail(bot)}")


def _check_after(bot: BotProcess, file: SpoiltFile) -> None:
    """One run, complete; each good line taken in; no secret anywhere; the bad rows named."""
    started = bot.query(
        "SELECT e.correlation_id, state FROM liquidation_events e LEFT JOIN liquidation_runs r "
        "ON e.correlation_id = r.correlation_id WHERE event_type = 'liquidation_started' AND "
        "e.correlation_id LIKE 'liq_2%'"
    )
    if [row["state"] for row in started] != ["completed"]:
        raise Broken(f"one run, completed: {started}")
    taken_in = bot.query("SELECT count(*) AS n FROM liquidation_events WHERE pair = ?", [GOOD])
    waiting = file.waiting()
    if not 0 <= taken_in[0]["n"] + waiting - file.good <= file.doubtful:
        raise Broken(f"{file.good} good lines, taken in {taken_in}, waiting {waiting}")
    verified = command.run(bot, "show-liquidations", "--verify")
    if verified.returncode == 0:
        raise Broken(f"the trail was spoilt, and --verify says it holds: {verified.stdout}")
    for written in (*bot.folder.glob("*.log*"), bot.database):
        content = written.read_bytes().lower()
        if found := [secret for secret in SECRETS if secret.lower().encode() in content]:
            raise Broken(f"in {written.name}: {found}")
        if b"a part of its protection failed" in b" ".join(content.split()):
            raise Broken("a part of the protection failed, see the log")

"""The fire drill: a real bot on the practice exchange, a real SIGTERM, and the truth after it.

The bot is sealed off, see :mod:`freqtrade_liquidation.drill.seal`: the only way for something of
the user's to reach it leads through :mod:`freqtrade_liquidation.drill.plan`.
"""

import argparse
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from freqtrade.exceptions import ConfigurationError
from rich.console import Console
from rich.status import Status

from freqtrade_liquidation.config import BLOCK, LiquidationConfig
from freqtrade_liquidation.drill import plan, report
from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import FACADES, PracticeExchange, Settings
from freqtrade_liquidation.drill.plan import Plan
from freqtrade_liquidation.drill.scenarios import SCENARIOS, rules_of

FLAT, NOT_FLAT, FAILED = 0, 3, 1
ON_ITS_WAY_S = 5.0
"""So long, what a bot that has ended had sent may take to act on the exchange."""
STANDSTILL_S = 90.0
"""The bot is given up if it neither starts nor takes a further position for so long."""
REQUESTS_OF_AN_EXIT = 20
"""Round trips, one after another, that freqtrade's own exit may take beside the run."""


@dataclass(slots=True, kw_only=True)
class DrillResult:
    """What the drill saw.

    :param before: positions by pair, as the exchange showed them before the signal.
    :param after: the same, after the process had ended.
    :param orders_left: resting and stop orders after it.
    :param closed_s: seconds from the signal until the exchange had executed the last close.
    :param proven_s: seconds from the signal until the run had seen that the book was flat;
        ``None`` = it has not.
    :param ended_s: seconds from the signal to the end of the process.
    """

    plan: Plan
    before: dict[str, Any]
    after: dict[str, Any]
    orders_left: int
    exit_code: int
    closed_s: float | None
    proven_s: float | None
    ended_s: float
    requests: int
    run: dict[str, Any] | None
    events: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        """Nothing is left on the exchange."""
        return not self.after and not self.orders_left

    @property
    def as_expected(self) -> bool:
        """What is left, each position with its stop, is what the plan leaves."""
        needless = self.orders_left - len(self.after)
        return self.after.keys() == self.plan.leaves and (
            needless == 0 or (needless > 0 and self.plan.keeps_orders)
        )


def parser() -> argparse.ArgumentParser:
    """The drill's options."""
    options = argparse.ArgumentParser(
        prog="freqtrade-liquidation drill",
        description="Fire drill: a real bot on the built-in practice exchange, a real SIGTERM, "
        "and what is left after it. No money and no network are involved.",
    )
    options.add_argument(
        "--exchange", choices=sorted(FACADES), default="binance",
        help="whose API the practice exchange speaks (default: binance)",
    )  # fmt: skip
    options.add_argument(
        "--positions", type=_positions, metavar="N",
        help="how many (default: 5, or as many as -c names if those are fewer)",
    )  # fmt: skip
    options.add_argument(
        "--latency-ms", type=_latency, default=100.0, metavar="L",
        help="round trip to the exchange (default: 100)",
    )  # fmt: skip
    options.add_argument(
        "--faults",
        choices=sorted(SCENARIOS),
        default="none",
        help="; ".join(f"{name}: {scenario.text}" for name, scenario in SCENARIOS.items()),
    )
    options.add_argument("--seed", type=int, default=1, metavar="S", help="of the prices")
    options.add_argument(
        "--timeout-seconds", type=_timeout, metavar="T",
        help="of the run, in place of liquidation.timeout_seconds (default: 5)",
    )  # fmt: skip
    options.add_argument(
        "-c", "--config", action="append", metavar="FILE",
        help="takes the liquidation block and exchange.pair_whitelist of freqtrade's configuration "
        "FILE, and nothing else of it; may be given more than once, as for freqtrade",
    )  # fmt: skip
    return options


def main(arguments: Sequence[str]) -> int:
    """Runs the drill; 0 = flat, 3 = positions or orders remain, 1 = the drill itself failed."""
    options = parser().parse_args(arguments)
    console = Console()
    settings = Settings(
        exchange=options.exchange,
        synthetic_markets=plan.MOST_POSITIONS,
        seed=options.seed,
    )
    with (
        tempfile.TemporaryDirectory(prefix="liquidation-drill-") as folder,
        PracticeExchange(settings) as exchange,
    ):
        planned = plan.make(options, exchange.pairs(futures=True))
        report.opening(console, options, planned)
        try:
            result = run(options, planned, exchange, Path(folder), console)
        except RuntimeError as error:
            console.print(f"The drill could not be run: {error}", style="red", markup=False)
            return FAILED
    report.closing(console, result)
    return FLAT if result.flat else NOT_FLAT


def run(
    options: argparse.Namespace,
    planned: Plan,
    exchange: PracticeExchange,
    folder: Path,
    console: Console,
) -> DrillResult:
    """One drill on *exchange*, in *folder*.

    :raises RuntimeError: if the bot does not come up, does not end, or tries to leave its seal.
    """
    bot = BotProcess(folder, _config(exchange, planned))
    with bot, console.status("freqtrade starts …") as status:
        with exchange.without_limits():
            _wait_until_invested(bot, len(planned.pairs), status)
        before = exchange.positions()
        report.positions(console, before, len(exchange.open_algo_orders()))
        exchange.set_latency(options.latency_ms)
        for rule in rules_of(options.faults, options.exchange, planned.pairs[0]):
            exchange.add_fault(**rule)
        ends_within_s = planned.settings.timeout_seconds + 30
        ends_within_s += REQUESTS_OF_AN_EXIT * options.latency_ms / 1000
        return _pull_the_plug(bot, exchange, planned, before, console, ends_within_s)


def _config(exchange: PracticeExchange, planned: Plan) -> dict[str, Any]:
    """ccxt's throttle is off: it would take a second for each entry, and no run uses it."""
    config = exchange.freqtrade_config(
        pairs=list(planned.pairs),
        ccxt={"enableRateLimit": False},
        internals={"process_throttle_secs": 1},
    )
    return config | {BLOCK: planned.settings.to_dict()}


def _wait_until_invested(bot: BotProcess, count: int, status: Status) -> None:
    def taken() -> tuple[int, int]:
        trades, stops = len(bot.open_trades()), len(bot.query(OPEN_STOPS))
        if trades:
            status.update(f"freqtrade takes positions: {trades} of {count}, {stops} with a stop …")
        return trades, stops

    bot.wait_for(
        lambda: taken() == (count, count),
        f"{count} open positions, or a further one,",
        STANDSTILL_S,
        progress=taken,
    )


OPEN_STOPS = "SELECT id FROM orders WHERE ft_order_side = 'stoploss' AND ft_is_open = 1"


def _pull_the_plug(
    bot: BotProcess,
    exchange: PracticeExchange,
    planned: Plan,
    before: dict[str, Any],
    console: Console,
    ends_within_s: float,
) -> DrillResult:
    exchange.clear_log()
    pulled, pulled_at = time.monotonic(), datetime.now(UTC)
    bot.send(signal.SIGTERM)
    report.signal_sent(console, bot.process.pid)
    try:
        code = bot.wait(ends_within_s)
    except subprocess.TimeoutExpired:
        raise RuntimeError(
            f"the bot did not end within {ends_within_s:.0f} s of the signal:\n{bot.log_tail()}"
        ) from None
    ended = time.monotonic()
    # What the bot has sent and not waited for acts on a slow exchange after the bot's end.
    exchange.core.log.wait_for(
        lambda rows: all(r.executed or r.answered or r.code for r in rows), ON_ITS_WAY_S
    )
    bot.check_seal()
    exchange.clear_faults()
    runs = bot.query("SELECT * FROM liquidation_runs ORDER BY started_at DESC LIMIT 1")
    run_row = runs[0] if runs else None
    events = bot.query(
        "SELECT * FROM liquidation_events WHERE correlation_id = ? ORDER BY sequence",
        [run_row["correlation_id"] if run_row else ""],
    )
    return DrillResult(
        plan=planned,
        before=before,
        after=exchange.positions(),
        orders_left=len(exchange.open_orders()) + len(exchange.open_algo_orders()),
        exit_code=code,
        closed_s=_last_close(exchange, pulled),
        proven_s=_proven(events, pulled_at),
        ended_s=ended - pulled,
        requests=len(exchange.requests()),
        run=run_row,
        events=events,
        trades=bot.query("SELECT * FROM trades ORDER BY id"),
    )


def _last_close(exchange: PracticeExchange, pulled: float) -> float | None:
    """Seconds from the signal until the exchange executed the last closing order."""
    closes = [
        request["executed"]
        for request in exchange.requests(method="POST")
        if re.search(exchange.facade.order_path, request["path"])
        and request["executed"] is not None
        and request["arrived"] >= pulled
    ]
    return max(closes) - pulled if closes and not exchange.positions() else None


def _proven(events: Sequence[dict[str, Any]], pulled_at: datetime) -> float | None:
    """Seconds from the signal until the look that showed a flat book, if the run ended with it."""
    if not any(event["event_type"] == "liquidation_completed" for event in events):
        return None
    looks = [e for e in events if e["event_type"] == "liquidation_verified"]
    return (report.moment(looks[-1]) - pulled_at).total_seconds() if looks else None


def _positions(text: str) -> int:
    within = f"within 1…{plan.MOST_POSITIONS}"
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {within}") from None
    if not 1 <= number <= plan.MOST_POSITIONS:
        raise argparse.ArgumentTypeError(f"{number} is not {within}")
    return number


def _timeout(text: str) -> float:
    try:
        return LiquidationConfig(timeout_seconds=float(text)).timeout_seconds
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _latency(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of milliseconds") from None
    if not 0 <= number <= 5000:
        raise argparse.ArgumentTypeError(f"{number:g} ms is not within 0…5000")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

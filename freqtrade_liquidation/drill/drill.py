"""The fire drill: a real bot on the practice exchange, a real SIGTERM, and the truth after it."""

import argparse
import re
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from freqtrade_liquidation.drill import report
from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import FACADES, PracticeExchange, Settings
from freqtrade_liquidation.drill.scenarios import SCENARIOS, rules_of

FLAT, NOT_FLAT, FAILED = 0, 3, 1
TIMEOUT_S = 5.0


@dataclass(slots=True, kw_only=True)
class DrillResult:
    """What the drill saw.

    :param before: positions by pair, as the exchange showed them before the signal.
    :param after: the same, after the process had ended.
    :param orders_left: resting and stop orders after it.
    :param flat_s: seconds from the signal until the exchange had executed the last close.
    :param ended_s: seconds from the signal to the end of the process.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    orders_left: int
    exit_code: int
    flat_s: float | None
    ended_s: float
    requests: int
    run: dict[str, Any] | None
    events: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        """Nothing is left on the exchange."""
        return not self.after and not self.orders_left


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
        "--positions", type=_positions, default=5, metavar="N", help="how many (default: 5)"
    )
    options.add_argument(
        "--latency-ms", type=_latency, default=100.0, metavar="L",
        help="round trip to the exchange (default: 100)",
    )  # fmt: skip
    options.add_argument(
        "--faults",
        choices=sorted(SCENARIOS),
        default="none",
        help="; ".join(f"{name}: {text}" for name, (text, _) in SCENARIOS.items()),
    )
    options.add_argument("--seed", type=int, default=1, metavar="S", help="of the prices")
    return options


def main(arguments: Sequence[str]) -> int:
    """Runs the drill; 0 = flat, 3 = positions or orders remain, 1 = the drill itself failed."""
    options = parser().parse_args(arguments)
    console = Console()
    report.opening(console, options)
    with tempfile.TemporaryDirectory(prefix="liquidation-drill-") as folder:
        try:
            result = run(options, Path(folder), console)
        except RuntimeError as error:
            console.print(f"The drill could not be run: {error}", style="red", markup=False)
            return FAILED
    report.closing(console, result)
    return FLAT if result.flat else NOT_FLAT


def run(options: argparse.Namespace, folder: Path, console: Console) -> DrillResult:
    """One drill in *folder*.

    :raises RuntimeError: if the bot does not come up or does not end.
    """
    synthetic = max(0, options.positions - 10)
    settings = Settings(exchange=options.exchange, synthetic_markets=synthetic, seed=options.seed)
    with PracticeExchange(settings) as exchange:
        pairs = exchange.pairs(futures=True)[: options.positions]
        bot = BotProcess(folder, _config(exchange, pairs))
        with bot, console.status("freqtrade starts and takes positions …"):
            bot.wait_for(lambda: _is_ready(bot, len(pairs)), "open positions", timeout_s=90)
            before = exchange.positions()
            report.positions(console, before, len(exchange.open_algo_orders()))
            exchange.set_latency(options.latency_ms)
            for rule in rules_of(options.faults, options.exchange):
                exchange.add_fault(**rule)
            return _pull_the_plug(bot, exchange, before, console)


def _config(exchange: PracticeExchange, pairs: list[str]) -> dict[str, Any]:
    return exchange.freqtrade_config(
        pairs=pairs,
        liquidation={"timeout_seconds": TIMEOUT_S},
        internals={"process_throttle_secs": 1},
    )


def _is_ready(bot: BotProcess, count: int) -> bool:
    stops = bot.query("SELECT id FROM orders WHERE ft_order_side = 'stoploss' AND ft_is_open = 1")
    return len(bot.open_trades()) == count == len(stops)


def _pull_the_plug(
    bot: BotProcess, exchange: PracticeExchange, before: dict[str, Any], console: Console
) -> DrillResult:
    exchange.clear_log()
    pulled = time.monotonic()
    bot.send(signal.SIGTERM)
    report.signal_sent(console, bot.process.pid)
    code = bot.wait(30)
    ended = time.monotonic()
    exchange.clear_faults()
    runs = bot.query("SELECT * FROM liquidation_runs ORDER BY started_at DESC LIMIT 1")
    run_row = runs[0] if runs else None
    return DrillResult(
        before=before,
        after=exchange.positions(),
        orders_left=len(exchange.open_orders()) + len(exchange.open_algo_orders()),
        exit_code=code,
        flat_s=_last_close(exchange, pulled),
        ended_s=ended - pulled,
        requests=len(exchange.requests()),
        run=run_row,
        events=bot.query(
            "SELECT * FROM liquidation_events WHERE correlation_id = ? ORDER BY sequence",
            [run_row["correlation_id"] if run_row else ""],
        ),
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


def _positions(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 200:
        raise argparse.ArgumentTypeError(f"{number} is not within 1…200")
    return number


def _latency(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 5000:
        raise argparse.ArgumentTypeError(f"{number:g} ms is not within 0…5000")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

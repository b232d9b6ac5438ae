"""All that was found, in one place; as plain values and as rows."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from freqtrade.exceptions import OperationalException

from freqtrade_liquidation.analysis.book import Line
from freqtrade_liquidation.analysis.choosing import Choice
from freqtrade_liquidation.analysis.engine import Backtest
from freqtrade_liquidation.analysis.moments import Moments
from freqtrade_liquidation.analysis.pace import Pace
from freqtrade_liquidation.analysis.replay import Replay
from freqtrade_liquidation.analysis.slippage import Slippage
from freqtrade_liquidation.analysis.summary import Summary, to_dict
from freqtrade_liquidation.files import write_whole

SUFFIXES: Final = (".csv", ".json")
COLUMNS: Final = (
    "moment", "positions", "exposure", "fees", "slippage", "funding", "profit", "going_on", "cost",
    "equity", "time_to_flat_s",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The analysis of one backtest.

    :param choices: the moments that were asked for; ``None`` = every candle.
    :param replays: one for each of *choices*.
    :param timeout_seconds: of the user's configuration.
    :param among: the moments that the distribution is about; ``None`` = every candle.
    """

    backtest: Backtest
    slippage: Slippage
    pace: Pace
    moments: Moments
    summary: Summary
    choices: Sequence[Choice] | None
    replays: Sequence[Replay]
    timeout_seconds: float
    among: Sequence[int] | None = None

    def distribution_indices(self) -> list[int]:
        """Of the moments with a position that the distribution is about."""
        indices = range(len(self.moments)) if self.among is None else self.among
        return [int(index) for index in indices if self.moments.positions[index]]

    def indices(self) -> list[int]:
        """Of the moments that the report is about."""
        if self.choices is None:
            return list(range(len(self.moments)))
        return [choice.index for choice in self.choices]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One for each moment, keys as :data:`COLUMNS`."""
        flat = self.pace.time_to_flat_s(self.moments.positions)
        for index in self.indices():
            values = {
                name: getattr(self.moments, name)[index].item()
                for name in COLUMNS
                if name not in ("moment", "time_to_flat_s")
            }
            moment = self.backtest.market.moment(index).isoformat()
            yield {
                name: {"moment": moment, "time_to_flat_s": float(flat[index])}.get(
                    name, values.get(name)
                )
                for name in COLUMNS
            }

    def head(self) -> dict[str, Any]:
        """Without the single moments."""
        market, total = (
            self.backtest.market,
            sum(float(t.close_profit_abs or 0.0) for t in self.backtest.trades),
        )
        return {
            "strategy": self.backtest.strategy,
            "trading_mode": "futures" if self.backtest.futures else "spot",
            "stake_currency": self.backtest.stake_currency,
            "timeframe": self.backtest.config["timeframe"],
            "pairs": list(market.pairs),
            "first_moment": market.moment(0).isoformat(),
            "last_moment": market.moment(len(self.moments) - 1).isoformat(),
            "trades": len(self.backtest.trades),
            "profit": total,
            "starting_balance": self.backtest.starting_balance,
            "model": {"slippage": self.slippage.to_dict(), "pace": self.pace.to_dict()},
            "timeout_seconds": self.timeout_seconds,
            "positions_within_timeout": self.pace.positions_within(self.timeout_seconds),
            "summary": to_dict(self.summary, market),
            "unpriced": self.moments.unpriced,
            "notes": list(self.backtest.notes),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the rows."""
        return self.head() | {"runs": [_replay(replay) for replay in self.replays]}


def check_suffix(path: Path) -> None:
    """Before the work is done.

    :raises OperationalException: if *path* is neither CSV nor JSON by its name.
    """
    if path.suffix not in SUFFIXES:
        raise OperationalException(f"--export {path}: the name must end in .csv or .json.")


def export(report: Report, path: Path) -> int:
    """Writes one row a moment, as CSV or (with all the rest) as JSON; returns how many.

    :raises OSError: if *path* cannot be written.
    """
    rows = list(report.rows())
    if path.suffix == ".csv":
        write_whole(path, _csv(rows), replaces=SUFFIXES)
    else:
        text = json.dumps(report.to_dict() | {"moments": rows}, ensure_ascii=False)
        write_whole(path, [text], replaces=SUFFIXES)
    return len(rows)


def _csv(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row)
    yield buffer.getvalue()


def _replay(replay: Replay) -> dict[str, Any]:
    return {
        "moment": replay.at.isoformat(),
        "why": replay.why,
        "time_to_flat_s": replay.flat_after_s,
        "requests": replay.requests,
        "profit": replay.profit,
        "cost": float(np.sum([line.cost for line in replay.lines])),
        "result": replay.result.to_dict(),
        "positions": [line_dict(line) for line in replay.lines],
        "events": [
            {
                "timestamp": event.timestamp.isoformat(),
                "event_type": str(event.event_type),
                "operation": event.operation,
                "pair": event.pair,
                "error": event.error,
                "additional_data": dict(event.additional_data),
            }
            for event in replay.events
        ],
    }


def line_dict(line: Line) -> dict[str, Any]:
    """One closed position, plain values."""
    numbers = (
        "leverage", "amount", "average", "price", "fill_price", "exposure", "fee", "slippage",
        "funding", "profit", "going_on", "cost",
    )  # fmt: skip
    return {"pair": line.pair, "side": str(line.side)} | {n: getattr(line, n) for n in numbers}

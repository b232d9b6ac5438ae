"""The report's tables on a narrow terminal."""

import io
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from freqtrade_liquidation.frontends.analysis import tables


def test_positions_of_many_coins_stand_whole_on_80_columns() -> None:
    line = SimpleNamespace(
        pair="1000PEPE/USDT:USDT", side="short", amount=1234567.8, fill_price=0.0123456,
        fee=123.45, slippage=123.45, funding=-123.4, profit=-12345.6, cost=1234.5,
    )  # fmt: skip
    at = datetime(2025, 1, 7, tzinfo=UTC)
    replay: Any = SimpleNamespace(at=at, why="--at", lines=[line])
    file = io.StringIO()
    Console(file=file, width=80, _environ={}).print(tables._positions(replay))
    shown = set(file.getvalue().split())
    assert {"short", "1234567.8", "0.0123456", "-12,345.60", "+1,234.50", "-123.40"} <= shown

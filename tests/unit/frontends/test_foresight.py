"""The preview as people read it."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from freqtrade_liquidation.frontends import foresight
from freqtrade_liquidation.host.preview import Preview, PreviewLine
from freqtrade_liquidation.model import Side

LINE = PreviewLine(
    pair="BTC/USDT:USDT", side=Side.LONG, amount=0.5, price=65000.0, tracked=True,
    estimated_profit=-1.25, estimated_cost=0.5, protected=True, dust=False,
)  # fmt: skip
STRANGER = PreviewLine(
    pair="ETH/USDT:USDT", side=Side.SHORT, amount=2.0, price=None, tracked=False,
    estimated_profit=None, estimated_cost=None, protected=False, dust=True,
)  # fmt: skip


def preview(*lines: PreviewLine, not_open: tuple[str, ...] = ()) -> Preview:
    return Preview(
        scope="account",
        pairs=frozenset(not_open) or None,
        lines=lines,
        entry_orders=2,
        not_open=not_open,
        overrides=("close_positions is false",),
        state_now="RUNNING",
        state_after="STOPPED, latched",
        currency="USDT",
    )


def shown(what: Preview, *, terminal: bool, width: int = 120) -> str:
    file = io.StringIO()
    foresight.show(what, Console(file=file, force_terminal=terminal, width=width, _environ={}))
    return file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_shows_positions_the_unknown_and_what_is_overridden(*, terminal: bool) -> None:
    text = shown(preview(LINE, STRANGER), terminal=terminal)
    for words in ("BTC/USDT:USDT", "-1.25", "unknown to the database", "dust", "not known"):
        assert words in text
    assert "Overrides the configuration: close_positions is false" in text
    assert "would be cancelled: 2" in text
    assert "Afterwards the bot is: STOPPED, latched" in text
    assert "-1.25 USDT, 1 not known" in text


def test_large_amounts_small_prices_and_obstacles_stand_whole_on_80_columns() -> None:
    coins = replace(
        LINE, pair="1000PEPE/USDT:USDT", amount=1234567.8, price=0.0000123456,
        estimated_profit=-12345.67,
    )  # fmt: skip
    both = replace(STRANGER, dust=False, obstacle="hedge mode is not supported")
    what = preview(coins, both)
    text = shown(what, terminal=True, width=80)
    assert {"1000PEPE/USDT:USDT", "1234567.8", "0.0000123456", "-12345.67"} <= set(text.split())
    assert "ETH/USDT:USDT: CANNOT BE CLOSED, hedge mode is not supported" in text
    assert "CANNOT BE CLOSED, hedge mode" in shown(what, terminal=False)
    assert what.to_close == 1


def test_piped_is_one_plain_line_a_position() -> None:
    lines = shown(preview(LINE, STRANGER), terminal=False).splitlines()
    assert lines[0] == (
        "BTC/USDT:USDT long 0.5 at 65000, profit -1.25 USDT, cost 0.50 USDT, stop: yes"
    )
    assert lines[1].startswith("ETH/USDT:USDT short 2 at not known")


def test_nothing_open_is_said() -> None:
    text = shown(preview(not_open=("SOL/USDT:USDT",)), terminal=False)
    assert "Nothing is open in: SOL/USDT:USDT" in text

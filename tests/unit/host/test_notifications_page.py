"""docs/notifications.md shows the messages as they are."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.host import history, messages
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import PairOutcome, PairState, Side
from freqtrade_liquidation.state import LiquidationState
from tests.unit.orders.trades import known_trade

PAGE = Path(__file__).parents[3] / "docs" / "notifications.md"
SHOWN = re.findall(r"```text\n(.*?)\n```", PAGE.read_text(), re.DOTALL)
ID = "liq_20261124_120000_0a1b2c3d"
UNTIL = datetime(2026, 11, 24, 12, 15, tzinfo=UTC)
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"


def flat() -> LiquidationResult:
    outcomes = (
        PairOutcome(
            pair=BTC, side=Side.LONG, state=PairState.CLOSED, amount=0.5, residual_amount=0.0,
            realized_pnl=-12.0,
        ),
        PairOutcome(
            pair=ETH, side=Side.SHORT, state=PairState.CLOSED, amount=2.0, residual_amount=0.0,
            realized_pnl=-0.34, tracked=False,
        ),
        PairOutcome(
            pair=SOL, side=Side.LONG, state=PairState.DUST, amount=0.001, residual_amount=0.001
        ),
    )  # fmt: skip
    return LiquidationResult(
        state=LiquidationState.COMPLETED, correlation_id=ID, positions_closed=3,
        orders_cancelled=4, total_realized_pnl=-12.34, duration_seconds=0.4, outcomes=outcomes,
    )  # fmt: skip


def not_flat() -> LiquidationResult:
    outcomes = (
        PairOutcome(
            pair="ETH/USDT", side=Side.LONG, state=PairState.OPEN, amount=2.0, residual_amount=2.0,
            protected=False, error="the exchange said no",
        ),
        PairOutcome(
            pair="SOL/USDT", side=Side.LONG, state=PairState.NOT_PROVEN, amount=4.0,
            residual_amount=None, tracked=False, protected=True, error="no answer within 2.00 s",
        ),
        PairOutcome(
            pair="BTC/USDT", side=Side.LONG, state=PairState.CLOSED, amount=0.5,
            residual_amount=0.0, realized_pnl=-12.0,
        ),
    )  # fmt: skip
    lost = (
        "ETH/USDT HAS LOST ITS STOP at 3000.0: putting it back failed (refused). "
        "Set a stop by hand now."
    )
    return LiquidationResult(
        state=LiquidationState.PARTIAL, correlation_id=ID, positions_closed=1, positions_failed=2,
        total_realized_pnl=-12.0, duration_seconds=5.0, outcomes=outcomes, errors=(lost,),
    )  # fmt: skip


def cut_off() -> str:
    outcomes = (
        PairOutcome(
            pair=BTC, side=Side.LONG, state=PairState.CLOSED, amount=0.5, residual_amount=0.0
        ),
        PairOutcome(
            pair=ETH, side=Side.LONG, state=PairState.OPEN, amount=2.0, residual_amount=2.0
        ),
    )
    return history._words({"correlation_id": ID, "trigger": "shutdown"}, outcomes)


SKIPPED = LiquidationResult(
    state=LiquidationState.SKIPPED,
    correlation_id=ID,
    skip_reason="disarmed by cli me@server until 2026-11-24 12:15 UTC",
)
OF_A_DRY_RUN = replace(
    known_trade("BTC/USDT", amount=1.0),
    trade_id=3,
    left_alone="its trade is of a dry-run, and nothing of it was ever bought: left alone",
)
TEXTS = {
    "armed": messages.armed(
        LiquidationConfig(), scope="account", untracked=[SOL], by_telegram=True
    ),
    "started": messages.started("shutdown", 3),
    "flat": messages.outcome(flat(), "USDT"),
    "not flat": messages.outcome(not_flat(), "USDT"),
    "skipped": messages.outcome(SKIPPED, "USDT").splitlines()[0],
    "disarmed": messages.disarmed(UNTIL, "cli me@server"),
    "armed again": messages.armed_again(LiquidationConfig()),
    "dry-run": messages.trades_left_alone([OF_A_DRY_RUN]),
    "latched": messages.latched(f"rest operator ({ID})"),
    "stays stopped": messages.stays_stopped(),
    "repaired": messages.repaired([BTC, ETH]),
    "another's": messages.anothers_runs([(ID, "server")]),
    "cut off": cut_off(),
    "second signal": messages.second_signal([BTC, ETH], 2.34),
    "signal waits": messages.signal_waits(),
}


@pytest.mark.parametrize("name", TEXTS)
def test_message_is_shown_as_it_is(name: str) -> None:
    assert TEXTS[name] in SHOWN


def test_page_shows_nothing_that_is_not_said() -> None:
    assert set(SHOWN) <= set(TEXTS.values())

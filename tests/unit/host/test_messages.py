"""What people read claims nothing more than was done."""

from datetime import UTC, datetime
from typing import Any

import pytest

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import PairOutcome, PairState, Side
from freqtrade_liquidation.state import LiquidationState

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def pair(state: PairState, name: str = BTC, **values: Any) -> PairOutcome:
    residual = {PairState.CLOSED: 0.0, PairState.NOT_PROVEN: None}.get(state, 0.5)
    defaults: dict[str, Any] = {"side": Side.LONG, "amount": 2.0, "residual_amount": residual}
    return PairOutcome(pair=name, state=state, **(defaults | values))


def told(state: LiquidationState, *outcomes: PairOutcome, **values: Any) -> str:
    result = LiquidationResult(state=state, correlation_id="liq_x", outcomes=outcomes, **values)
    return messages.outcome(result, "USDT")


def test_completed_says_flat_and_verified_and_the_profit() -> None:
    text = told(
        LiquidationState.COMPLETED,
        pair(PairState.CLOSED, realized_pnl=-1.5),
        positions_closed=1,
        total_realized_pnl=-1.5,
    )
    assert text.startswith("FLAT, verified on the exchange: 1 position(s) closed")
    assert "profit -1.50 USDT" in text
    assert "WHAT REMAINS" not in text
    assert "show-liquidations liq_x" in text


@pytest.mark.parametrize("state", [LiquidationState.PARTIAL, LiquidationState.FAILED])
def test_what_is_not_flat_says_so_first_and_names_what_remains(state: LiquidationState) -> None:
    text = told(
        state,
        pair(PairState.OPEN, protected=False, error="market closed"),
        pair(PairState.NOT_PROVEN, ETH, error="no answer"),
        positions_failed=2,
    )
    assert text.startswith("NOT FLAT")
    assert f"- {BTC} long 0.5: open, NO STOP (market closed)" in text
    assert f"- {ETH} long 2: not shown closed (no answer)" in text


def test_closed_and_not_proven_flat_is_not_told_as_if_positions_were_left() -> None:
    why = "FLAT IS NOT PROVEN: no list was answered"
    text = told(LiquidationState.PARTIAL, pair(PairState.CLOSED), positions_closed=1, errors=(why,))
    assert text.startswith("NOT FLAT, as far as is proven: 1 position(s) closed, ")
    assert "0 not shown closed" not in text
    assert f"! {why}" in text


def test_what_remains_is_told_to_the_last_coin() -> None:
    """Somebody closes it by hand."""
    text = told(
        LiquidationState.PARTIAL,
        pair(PairState.OPEN, amount=9e6, residual_amount=1234567.8, error="refused"),
        pair(PairState.CLOSED, ETH, amount=7654321.5),
    )
    assert f"- {BTC} long 1234567.8: open" in text
    assert f"- {ETH} long 7654321.5 closed" in text


def test_only_completed_says_flat() -> None:
    for state in set(LiquidationState) - {LiquidationState.COMPLETED}:
        assert not told(state).startswith("FLAT"), state


def test_skipped_says_why_and_that_positions_stay() -> None:
    text = told(LiquidationState.SKIPPED, skip_reason="disarmed")
    assert text.startswith("Liquidation skipped, positions stay open: disarmed.")


def test_unknown_profit_is_not_zero() -> None:
    text = told(LiquidationState.COMPLETED, pair(PairState.CLOSED), positions_closed=1)
    assert text.count("profit not known") == 2
    assert "0.00" not in text


def test_stop_that_stands_and_unknown_to_the_database_are_said() -> None:
    text = told(
        LiquidationState.FAILED, pair(PairState.OPEN, protected=True, tracked=False, error="x")
    )
    assert "its stop stands" in text
    assert "unknown to the database" in text


def test_errors_are_told() -> None:
    assert "! HAS LOST ITS STOP" in told(LiquidationState.PARTIAL, errors=("HAS LOST ITS STOP",))


@pytest.mark.parametrize(("scope", "fate"), [("account", "closed, too"), ("trades", "left alone")])
def test_armed_says_how_to_keep_positions_and_what_is_unknown(scope: str, fate: str) -> None:
    text = messages.armed(LiquidationConfig(), scope=scope, untracked=[ETH, BTC], by_telegram=True)
    assert "/liquidate disarm 15m" in text
    assert f"{fate}: {BTC}, {ETH}" in text
    assert "Unknown" not in messages.armed(
        LiquidationConfig(), scope=scope, untracked=[], by_telegram=True
    )


@pytest.mark.parametrize(
    ("settings", "words", "keeps"),
    [
        ({}, "Stopping this bot, also by /stop or a restart, closes its positions", True),
        (
            {"triggers": ["shutdown"]},
            "also by a restart, closes its positions at market; /stop",
            True,
        ),
        ({"triggers": ["stop"]}, "/stop closes its positions at market; ending or", True),
        ({"triggers": ["fatal_error"]}, "leaves its positions open (see triggers)", False),
        ({"close_positions": False}, "cancels its entry orders; positions stay open", False),
    ],
)
def test_armed_says_what_this_configuration_does(
    settings: dict[str, Any], words: str, keeps: bool
) -> None:
    """Nobody disarms what closes nothing, and nobody relies on a trigger that is switched off."""
    config = LiquidationConfig(**settings)
    text = messages.armed(config, scope="account", untracked=[BTC], by_telegram=True)
    assert words in text
    assert ("To keep them" in text) == keeps
    assert ("closed, too" in text) == keeps
    assert BTC in text


def test_second_signal_names_what_is_open_and_the_time_left() -> None:
    text = messages.second_signal([BTC, ETH], 2.34)
    assert f"{BTC}, {ETH}" in text
    assert "2.3 s left" in text


@pytest.mark.parametrize(
    ("by_telegram", "command"),
    [(True, "/liquidate disarm 15m"), (False, "freqtrade-liquidation disarm --for 15m")],
)
def test_armed_names_a_command_that_can_be_given(by_telegram: bool, command: str) -> None:
    text = messages.armed(
        LiquidationConfig(), scope="account", untracked=[], by_telegram=by_telegram
    )
    assert f"To keep them: {command}" in text


def test_disarmed_and_latched_name_time_and_person() -> None:
    assert "2026-01-02 03:04 UTC" in messages.disarmed(
        datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "cli me"
    )
    assert "Latched by telegram:7" in messages.latched("telegram:7")


def test_dust_that_was_not_sold_is_not_told_as_closed() -> None:
    dust = pair(PairState.DUST, amount=0.5, residual_amount=0.5)
    assert "0.5 closed" not in told(LiquidationState.COMPLETED, dust)


def test_failed_does_not_claim_to_know_that_nothing_was_closed() -> None:
    text = told(LiquidationState.FAILED, pair(PairState.NOT_PROVEN), positions_failed=1)
    assert "no position was closed" not in text


def test_armed_message_ends_with_what_the_exchange_cannot_do() -> None:
    text = messages.armed(
        LiquidationConfig(), scope="account", untracked=[], by_telegram=True,
        shortcomings=["Kraken takes one request at a time."],
    )  # fmt: skip
    assert text.splitlines()[-1] == "Kraken takes one request at a time."

"""A bot is called armed only where an automatic trigger would close positions."""

from datetime import UTC, datetime
from typing import Any

import pytest

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.standing import Standing

UNTIL = datetime(2026, 11, 24, 12, 15, tzinfo=UTC)
CLOSED = "Its positions are closed at market."


def standing(config: LiquidationConfig, disarmed_until: datetime | None = None) -> Standing:
    return Standing(
        enabled=config.emergency_liquidation,
        closing_triggers=config.closing_triggers,
        disarmed_until=disarmed_until,
        disarmed_by=None,
        latched_by=None,
        running=None,
        bot_state="RUNNING",
        last_run=None,
    )


@pytest.mark.parametrize(
    ("settings", "armed", "stop_closes"),
    [
        ({}, True, True),
        ({"triggers": ["shutdown"]}, True, False),
        ({"triggers": ["fatal_error"]}, True, False),
        ({"triggers": []}, False, False),
        ({"close_positions": False}, False, False),
        ({"emergency_liquidation": False}, False, False),
    ],
)
def test_armed_is_where_an_automatic_trigger_closes_positions(
    settings: dict[str, Any], armed: bool, stop_closes: bool
) -> None:
    config = LiquidationConfig(**settings)
    now = standing(config)
    assert (now.armed, now.to_dict()["armed"]) == (armed, armed)
    assert (messages.what_a_stop_does(now, config) == CLOSED) is stop_closes
    assert not standing(config, UNTIL).armed

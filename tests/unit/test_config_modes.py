"""What no run is made for is refused before a bot believes that it is protected."""

import json
from pathlib import Path
from typing import Any

import pytest
from freqtrade.exceptions import ConfigurationError

from freqtrade_liquidation.config import validate_before_start
from freqtrade_liquidation.config.modes import refuse_unsupported


def config(block: str = "ccxt_config", **options: Any) -> dict[str, Any]:
    return {"trading_mode": "futures", "exchange": {"name": "okx", block: {"options": options}}}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"portfolioMargin": True}, "portfolio margin"),
        ({"papi": True}, "portfolio margin"),
        ({"defaultSubType": "inverse"}, "inverse"),
        ({"defaultType": "delivery"}, "'delivery'"),
        ({"defaultType": "margin"}, "'margin'"),
        ({"defaultType": "spot"}, "'spot'"),
        ({"hedged": True}, "hedge mode"),
        ({"createOrder": {"hedged": True}}, "hedge mode"),
    ],
)
@pytest.mark.parametrize("block", ["ccxt_config", "ccxt_sync_config"])
def test_option_for_another_book_is_refused(
    block: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        refuse_unsupported(config(block, **options))


def test_future_is_refused_where_it_is_another_market() -> None:
    gate = config(defaultType="future")
    gate["exchange"]["name"] = "Gate"
    with pytest.raises(ConfigurationError, match="'future'"):
        refuse_unsupported(gate)


@pytest.mark.parametrize(
    "usual",
    [
        {},
        {"exchange": {"name": "binance"}},
        {"exchange": {"name": "binance", "ccxt_config": None}},
        config(defaultType="future"),
        config(defaultType="swap", portfolioMargin=False, createOrder="x"),
        {**config(defaultType="margin"), "trading_mode": "spot"},
    ],
)
def test_usual_configuration_is_not(usual: dict[str, Any]) -> None:
    refuse_unsupported(usual)


def test_start_and_reload_are_told_before_anything_is_torn_down(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config(portfolioMargin=True) | {"liquidation": {}}))
    with pytest.raises(
        ConfigurationError, match=r"exchange\.ccxt_config\.options\.portfolioMargin"
    ):
        validate_before_start({"config": [str(file)]})

"""The lock on the configuration: whatever is merged into it, beside it or over it, is named."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from freqtrade.configuration import Configuration, environment_vars
from freqtrade.enums import RunMode

from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from freqtrade_liquidation.drill.lock import differences

STRANGE: dict[str, tuple[str, str]] = {
    "FREQTRADE__EXCHANGE__NAME": ("okx", "exchange.name"),
    "freqtrade__exchange__name": ("okx", ""),  # freqtrade does not read it
    "FREQTRADE__exchange__KEY": ("k", "exchange.key"),
    "FREQTRADE__EXCHANGE__SECRET": ("s", "exchange.secret"),
    "FREQTRADE__EXCHANGE__PASSWORD": ("p", "exchange.password"),
    "FREQTRADE__EXCHANGE__CCXT_CONFIG__hostname": ("x", "exchange.ccxt_config.hostname"),
    "FREQTRADE__EXCHANGE__CCXT_SYNC_CONFIG__verify": ("x", "exchange.ccxt_sync_config"),
    "FREQTRADE__DB_URL": ("sqlite:///mine.sqlite", "db_url"),
    "FREQTRADE__DRY_RUN": ("true", "dry_run"),
    "FREQTRADE__TRADING_MODE": ("spot", "trading_mode"),
    "FREQTRADE__TELEGRAM__ENABLED": ("true", "telegram.enabled"),
    "FREQTRADE__TELEGRAM__TOKEN": ("1:t", "telegram.token"),
    "FREQTRADE__API_SERVER__ENABLED": ("true", "api_server"),
    "FREQTRADE__WEBHOOK__URL": ("http://192.0.2.1", "webhook"),
    "FREQTRADE__DISCORD__WEBHOOK_URL": ("http://192.0.2.1", "discord"),
    "FREQTRADE__EXTERNAL_MESSAGE_CONSUMER__ENABLED": ("true", "external_message_consumer"),
    "FREQTRADE__LIQUIDATION__EMERGENCY_LIQUIDATION": ("false", "liquidation"),
    "FREQTRADE__STRATEGY_PATH": ("/home", "strategy_path"),
    "FREQTRADE__USER_DATA_DIR": ("/home", "user_data_dir"),
    "FREQTRADE__UNHEARD_OF": ("1", "unheard_of"),
}


@pytest.fixture(scope="module")
def only() -> dict[str, Any]:
    with PracticeExchange(Settings()) as exchange:
        return exchange.freqtrade_config() | {"db_url": "sqlite:///drill.sqlite"}


def built(only: dict[str, Any], folder: Path, *more: str) -> dict[str, Any]:
    """As freqtrade builds it for a bot."""
    file = folder / "drill.json"
    file.write_text(json.dumps(only))
    args = {"config": [str(file), *more], "user_data_dir": str(folder), "strategy": "Any"}
    config: dict[str, Any] = Configuration(args, RunMode.LIVE).get_config()
    return config


def test_drill_s_own_configuration_passes(only: dict[str, Any], tmp_path: Path) -> None:
    assert differences(only, built(only, tmp_path)) == []


@pytest.mark.parametrize("name", STRANGE)
def test_variable_is_named_by_its_key(
    name: str, only: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, key = STRANGE[name]
    monkeypatch.setenv(name, value)
    (tmp_path / "data").mkdir()
    config = built(only, tmp_path)
    assert differences(only, config) == ([key] if key else [])
    assert bool(key) == bool(environment_vars.environment_vars_to_dict())


def test_further_file_is_named_by_its_keys(only: dict[str, Any], tmp_path: Path) -> None:
    more = tmp_path / "config.json"
    more.write_text(json.dumps({"exchange": {"key": "k"}, "bot_name": "mine"}))
    config = built(only, tmp_path, str(more))
    assert sorted(differences(only, config)) == ["bot_name", "exchange.key"]


@pytest.mark.parametrize("key", ["exchange", "db_url", "dry_run", "telegram", "stake_currency"])
def test_option_that_overrides_the_file_is_named(
    key: str, only: dict[str, Any], tmp_path: Path
) -> None:
    """freqtrade applies options after it has kept a copy of what it merged."""
    config = deepcopy(built(only, tmp_path))
    config[key] = "of an option"
    assert differences(only, config) == [key]

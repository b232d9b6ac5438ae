"""Every secret that a bot holds is handed to the masker."""

from types import SimpleNamespace
from typing import Any

import ccxt

from freqtrade_liquidation.host.secrets import API_FIELDS, secrets_of


def bot(config: dict[str, Any], **credentials: Any) -> Any:
    return SimpleNamespace(
        exchange=SimpleNamespace(_api=SimpleNamespace(**credentials)), config=config
    )


def test_credentials_are_found_where_freqtrade_leaves_them() -> None:
    found = secrets_of(bot({}, apiKey="key", secret="hush", password="", uid=None))
    assert found == ["key", "hush"]


def test_secrets_of_the_channels_are_found() -> None:
    config = {
        "telegram": {"token": "tg", "chat_id": "1"},
        "api_server": {"password": "pw", "jwt_secret_key": "jwt", "ws_token": ["w1", "w2"]},
        "discord": {"webhook_url": "https://discord/x"},
    }
    assert set(secrets_of(bot(config))) == {"tg", "pw", "jwt", "w1", "w2", "https://discord/x"}


def test_every_credential_that_ccxt_knows_is_a_secret() -> None:
    """A wallet's address is public."""
    assert set(ccxt.Exchange.requiredCredentials) - {"walletAddress"} <= set(API_FIELDS)

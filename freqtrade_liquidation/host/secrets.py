"""What must never be seen: collected once, for the masker."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from freqtrade.freqtradebot import FreqtradeBot

API_FIELDS: Final = (
    "apiKey",
    "secret",
    "password",
    "uid",
    "privateKey",
    "accountId",
    "token",
    "login",
    "twofa",
)
"""Credentials of ccxt's ``requiredCredentials``; freqtrade removes them from its config."""
CONFIG_KEYS: Final = (
    ("telegram", "token"),
    ("api_server", "password"),
    ("api_server", "jwt_secret_key"),
    ("api_server", "ws_token"),
    ("discord", "webhook_url"),
    ("webhook", "url"),
)


def secrets_of(bot: "FreqtradeBot") -> list[str]:
    """Every secret that *bot* holds."""
    return [secret for secret in _candidates(bot) if secret]


def _candidates(bot: "FreqtradeBot") -> Iterator[str]:
    for field in API_FIELDS:
        value = getattr(bot.exchange._api, field, None)
        if isinstance(value, str):
            yield value
    for block, key in CONFIG_KEYS:
        yield from _strings(bot.config.get(block, {}).get(key))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)

"""What must never be seen: collected once, for the masker."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.manager import LiquidationResult

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


EXCHANGE_KEYS: Final = (
    *("key", "api_key", "apiKey", "secret", "password", "uid"),
    *("account_id", "accountId", "private_key", "privateKey"),
)
"""Source: freqtrade ``Exchange._init_ccxt``."""


def secrets_in(config: Mapping[str, Any]) -> list[str]:
    """Every secret in *config*, before an exchange is built that takes some of them out."""
    exchange = config.get("exchange", {})
    extra = [exchange.get(f"ccxt{kind}_config", {}) for kind in ("", "_sync", "_async")]
    found = [exchange.get(key) for key in EXCHANGE_KEYS]
    found += [block.get(key) for block in extra for key in API_FIELDS]
    found += [config.get(block, {}).get(key) for block, key in CONFIG_KEYS]
    return [secret for value in found for secret in _strings(value) if secret]


def secrets_of(bot: "FreqtradeBot") -> list[str]:
    """Every secret that *bot* holds."""
    return [secret for secret in _candidates(bot) if secret]


def secrets_of_exchange(exchange: Exchange) -> list[str]:
    """The credentials that *exchange* signs with."""
    values = (getattr(exchange._api, field, None) for field in API_FIELDS)
    return [value for value in values if isinstance(value, str) and value]


def without_secrets(result: LiquidationResult, masker: Masker) -> LiquidationResult:
    """*result* as people may see it, whatever text an error brought along."""
    outcomes = tuple(
        replace(outcome, error=None if outcome.error is None else masker.text(outcome.error))
        for outcome in result.outcomes
    )
    errors = tuple(masker.text(error) for error in result.errors)
    return replace(result, errors=errors, outcomes=outcomes)


def _candidates(bot: "FreqtradeBot") -> Iterator[str]:
    yield from secrets_of_exchange(bot.exchange)
    for producer in bot.config.get("external_message_consumer", {}).get("producers", ()):
        yield from _strings(producer.get("ws_token"))
    for block, key in CONFIG_KEYS:
        yield from _strings(bot.config.get(block, {}).get(key))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)

"""What must never be seen: collected once, for the masker.

Secrets are found by where they stand in the configuration: by the name of their key, which is the
user's, or freqtrade's or ccxt's word for it. An address contributes its password; a webhook's
address contributes its path, which is all that protects it. Not secret are a user name, a chat's
id and a host: they name who did what, and masking a user called ``freqtrade`` would eat the log.
"""

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from freqtrade.constants import ENV_VAR_PREFIX
from freqtrade.exchange import Exchange

from freqtrade_liquidation.audit.masking import SHORTEST_SECRET, Masker, Secret
from freqtrade_liquidation.manager import LiquidationResult

if TYPE_CHECKING:
    from freqtrade.freqtradebot import FreqtradeBot

API_FIELDS: Final = (
    "apiKey",
    "secret",
    "password",
    "uid",
    "privateKey",
    "walletAddress",
    "accountId",
    "token",
    "login",
    "twofa",
)
"""ccxt's ``requiredCredentials``; freqtrade removes most of them from its config."""
EXCHANGE_NAMES: Final = frozenset({"key", *(name.lower() for name in API_FIELDS)})
"""Names of keys that are credentials anywhere in the exchange's block, without ``_`` and ``-``."""
ENDINGS: Final = (
    *("password", "passphrase", "passwd", "secret", "token"),
    *("apikey", "privatekey", "secretkey", "accesskey"),
)
"""How names of keys end that are credentials wherever they stand, a strategy's own included."""
HOOKS: Final = frozenset({("webhook", "url"), ("discord", "webhook_url")})
HARMLESS_HEADERS: Final = frozenset(
    {"accept", "acceptencoding", "acceptlanguage", "connection", "contenttype", "host", "origin"}
    | {"referer", "useragent"}
)
TOKEN_IN_PATH: Final = 16
"""Characters from which a part of a webhook's path is taken for a token of its own."""


def secrets_in(config: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> list[Secret]:
    """Every secret in *config* and in the environment, before an exchange is built that takes some
    of them out."""
    found = [*_walk(config, ()), *_environment(os.environ if environ is None else environ)]
    api = config.get("api_server")
    if isinstance(api, Mapping) and api.get("password"):
        found += _login("api_server.password", str(api.get("username")), str(api["password"]))
    return found


def secrets_of(bot: "FreqtradeBot") -> list[Secret]:
    """Every secret that *bot* holds."""
    return [*secrets_of_exchange(bot.exchange), *secrets_in(bot.config)]


def secrets_of_exchange(exchange: Exchange) -> list[Secret]:
    """The credentials that *exchange* signs with."""
    values = ((field, getattr(exchange._api, field, None)) for field in API_FIELDS)
    return [Secret(key=f"exchange.{field}", value=str(value)) for field, value in values if value]


def without_secrets(result: LiquidationResult, masker: Masker) -> LiquidationResult:
    """*result* as people may see it, whatever text an error brought along."""
    outcomes = tuple(
        replace(outcome, error=None if outcome.error is None else masker.text(outcome.error))
        for outcome in result.outcomes
    )
    errors = tuple(masker.text(error) for error in result.errors)
    return replace(result, errors=errors, outcomes=outcomes)


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[Secret]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            # freqtrade keeps a copy of what it read there, credentials included.
            yield from _walk(item, () if key == "original_config" else (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _walk(item, path)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield from _leaf(path, str(value))


def _environment(environ: Mapping[str, str]) -> Iterator[Secret]:
    """As it stands there: freqtrade makes numbers and lists of some of it."""
    for name, value in environ.items():
        if name.startswith(ENV_VAR_PREFIX):
            path = tuple(name.removeprefix(ENV_VAR_PREFIX).lower().split("__"))
            yield from _leaf(path, value)
        elif "://" in value:  # HTTPS_PROXY and its like
            yield from _address(name, value)


def _leaf(path: tuple[str, ...], value: str) -> Iterator[Secret]:
    key = ".".join(path)
    if path in HOOKS:
        yield from _hook(key, value)
    elif _is_secret(path):
        yield Secret(key=key, value=value)
    if "://" in value:
        yield from _address(key, value)


def _is_secret(path: tuple[str, ...]) -> bool:
    names = [name.lower().replace("_", "").replace("-", "") for name in path]
    if names[-1].endswith(ENDINGS):
        return True
    if names[0] != "exchange":
        return False
    is_header = "headers" in names[1:-1] and names[-1] not in HARMLESS_HEADERS
    return is_header or names[-1] in EXCHANGE_NAMES


def _hook(key: str, url: str) -> Iterator[Secret]:
    """The path as clients log it, and what looks like a token in it, wherever else it is echoed."""
    parts = _split(url)
    if parts is None:
        yield Secret(key=key, value=url)
        return
    if parts.path.strip("/"):
        yield Secret(key=key, value=parts.path, in_parts=False)
    if parts.query:
        target = f"{parts.path or '/'}?{parts.query}"
        yield Secret(key=key, value=target, in_parts=False)
    tokens = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    yield from (Secret(key=key, value=token) for token in tokens if len(token) >= TOKEN_IN_PATH)


def _address(key: str, url: str) -> Iterator[Secret]:
    """The password in an address, and what its query names as a secret."""
    parts = _split(url)
    if parts is None:
        return
    if parts.password:
        yield from _login(key, unquote(parts.username or ""), unquote(parts.password))
        yield Secret(key=key, value=parts.password)
    for name, value in parse_qsl(parts.query):
        if name.lower().replace("_", "").replace("-", "").endswith(ENDINGS):
            yield Secret(key=key, value=value)


def _login(key: str, user: str, password: str) -> Iterator[Secret]:
    """*password*, and as a header of basic authentication carries it."""
    yield Secret(key=key, value=password)
    if len(password) >= SHORTEST_SECRET:
        basic = b64encode(f"{user}:{password}".encode("utf-8", "surrogatepass")).decode()
        yield Secret(key=key, value=basic, in_parts=False)


def _split(url: str) -> SplitResult | None:
    """``None`` = no address."""
    try:
        return urlsplit(url)
    except ValueError:
        return None

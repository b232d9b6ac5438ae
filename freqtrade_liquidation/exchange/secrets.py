"""What must never be seen: collected once, for the masker.

Secrets are found by where they stand in the configuration: by the name of their key, which is the
user's, or freqtrade's or ccxt's word for it. An address contributes its password; a webhook's
address contributes its path, which is all that protects it. Not secret are a user name, a chat's
id and a host: they name who did what, and masking a user called ``freqtrade`` would eat the log.
"""

import os
import re
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
"""How names of keys and of environment variables end that are credentials wherever they stand, a
strategy's own included."""
OPTION_PARTS: Final = ("auth", "credential", "pass", "private", "secret", "sign", "token")
OPTION_NAMES: Final = frozenset({"mnemonic", "otp", "pin", "seed", "totp"})
"""What an option that is handed to ccxt is called that may be a credential: there are hundreds, and
each exchange has its own."""
NO_SECRETS: Final = frozenset({"true", "false", "none", "null", "default", "basic", "bearer"})
"""Values of such options and variables that are ordinary words."""
HOOKS: Final = frozenset({("webhook", "url"), ("discord", "webhook_url")})
HARMLESS_HEADERS: Final = frozenset(
    {"accept", "acceptencoding", "acceptlanguage", "connection", "contenttype", "host", "origin"}
    | {"referer", "useragent"}
)
WEB: Final = ("http", "ws", "socks")
_END: Final = re.compile("[/?#]")
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
            continue
        if _plain(name).endswith(ENDINGS) or name.upper().endswith("_PWD"):  # PGPASSWORD, MYSQL_PWD
            yield from _word(name, value)
        if "://" in value or name.lower().endswith("proxy"):
            yield from _address(name, value)


def _leaf(path: tuple[str, ...], value: str) -> Iterator[Secret]:
    key = ".".join(path)
    if path in HOOKS:
        yield from _hook(key, value)
    elif _is_secret(path):
        yield Secret(key=key, value=value)
    elif _may_be_secret(path):
        yield from _word(key, value)
    if "://" in value or "proxy" in path[-1].lower():
        yield from _address(key, value)


def _is_secret(path: tuple[str, ...]) -> bool:
    names = [_plain(name) for name in path]
    if names[-1].endswith(ENDINGS):
        return True
    if names[0] != "exchange":
        return False
    is_header = "headers" in names[1:-1] and names[-1] not in HARMLESS_HEADERS
    # Whatever stands within a credential is one: a secret may be an object.
    return is_header or any(n in EXCHANGE_NAMES or n.endswith(ENDINGS) for n in names[1:])


def _may_be_secret(path: tuple[str, ...]) -> bool:
    """Within what ccxt gets as options."""
    names = [_plain(name) for name in path]
    if names[0] != "exchange" or "options" not in names:
        return False
    inside = names[names.index("options") + 1 :]
    return any(n in OPTION_NAMES or any(part in n for part in OPTION_PARTS) for n in inside)


def _word(key: str, value: str) -> Iterator[Secret]:
    """*value*, unless it is too short to be masked, or an ordinary word."""
    if len(value) >= SHORTEST_SECRET and value.lower() not in NO_SECRETS:
        yield Secret(key=key, value=value)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


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
    scheme, _, rest = url.rpartition("://")
    for user, password in _logins(rest, is_web=scheme.startswith(WEB) or not scheme):
        yield from _login(key, unquote(user), unquote(password))
        yield Secret(key=key, value=password)
    parts = _split(url)
    for name, value in parse_qsl(parts.query if parts else ""):
        if _plain(name).endswith(ENDINGS):
            yield Secret(key=key, value=value)


def _logins(address: str, *, is_web: bool) -> Iterator[tuple[str, str]]:
    """User and password in *address*, without its scheme, as any reader of addresses finds them.

    One ends them at the last ``@`` before a ``/``, ``?`` or ``#``. SQLAlchemy ends them at the
    first ``@`` and lets a password hold what it likes; a port of the web's, with an ``@`` further
    on, is not taken for one.
    """
    user, colon, rest = address.partition(":")
    if not colon or "@" not in rest or _END.search(user):
        return
    authority = _END.split(rest, maxsplit=1)[0]
    if "@" in authority:
        yield user, authority.rpartition("@")[0]
    if not (is_web and authority.isdecimal()) and (first := rest.partition("@")[0]):
        yield user, first


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

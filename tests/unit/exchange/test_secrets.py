"""Every secret that a bot holds is handed to the masker."""

import contextlib
from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
import requests
from freqtrade.config_schema.config_schema import CONF_SCHEMA
from freqtrade.configuration.config_secrets import _SENSITIVE_KEYS
from freqtrade.configuration.environment_vars import _flat_vars_to_nested_dict
from freqtrade.misc import parse_db_uri_for_logging

from freqtrade_liquidation.audit.masking import MASK, Masker, Secret
from freqtrade_liquidation.exchange.secrets import (
    API_FIELDS,
    secrets_in,
    secrets_of,
    secrets_of_exchange,
    without_secrets,
)
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import PairOutcome, PairState, Side
from freqtrade_liquidation.state import LiquidationState


def bot(config: dict[str, Any], **credentials: Any) -> Any:
    return SimpleNamespace(
        exchange=SimpleNamespace(_api=SimpleNamespace(**credentials)), config=config
    )


def values_in(config: dict[str, Any], environ: dict[str, str] | None = None) -> set[str]:
    return {secret.value for secret in secrets_in(config, environ or {})}


def b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def nested(path: str, value: Any) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


def test_credentials_are_found_where_freqtrade_leaves_them() -> None:
    holder = bot({}, apiKey="key", secret="hush", password="", uid=None)
    assert [secret.value for secret in secrets_of_exchange(holder.exchange)] == ["key", "hush"]
    assert {"key", "hush"} <= {secret.value for secret in secrets_of(holder)}


def test_every_credential_that_ccxt_knows_is_a_secret() -> None:
    assert set(ccxt.Exchange.requiredCredentials) <= set(API_FIELDS)


NOT_SECRET = {"telegram.chat_id"}
"""It says who did what."""
OF_HOOKS = {"webhook.url", "discord.webhook_url"}


@pytest.mark.parametrize("path", sorted(set(_SENSITIVE_KEYS) - NOT_SECRET - OF_HOOKS))
def test_what_freqtrade_hides_is_found(path: str) -> None:
    assert Secret(key=path, value="hush") in secrets_in(nested(path, "hush"), {})


def names_in(schema: Any, path: str = "") -> list[str]:
    if not isinstance(schema, dict):
        return []
    if "$ref" in schema:
        definitions: Any = CONF_SCHEMA["definitions"]
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    inside = [
        name
        for key, value in schema.get("properties", {}).items()
        for name in [f"{path}{key}", *names_in(value, f"{path}{key}.")]
    ]
    return inside + names_in(schema.get("items"), path)


def test_every_key_of_freqtrades_schema_that_sounds_secret_is_decided_upon() -> None:
    words = ("key", "secret", "token", "pass", "auth", "cred", "private", "login")
    names = names_in(CONF_SCHEMA)
    sounds = {name for name in names if any(word in name.split(".")[-1] for word in words)}
    found = {name for name in sounds if values_in(nested(name, "hush-hush"))}
    assert sounds - found == {"telegram.authorized_users"}
    assert "external_message_consumer.producers.ws_token" in found


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (nested("api_server.ws_token", ["w1", "w2"]), {"w1", "w2"}),
        (nested("exchange.ccxt_config.apiKey", "k"), {"k"}),
        (nested("exchange.ccxt_sync_config.privateKey", "k"), {"k"}),
        (nested("exchange.uid", 12345678), {"12345678"}),
        (nested("exchange.ccxt_config.headers", {"X-Api-Token": "t", "User-Agent": "ft"}), {"t"}),
        (nested("exchange.ccxt_config.headers.Proxy-Authorization", "Basic x"), {"Basic x"}),
        ({"pairlists": [{"method": "RemotePairList", "bearer_token": "b"}]}, {"b"}),
        ({"original_config": nested("exchange.key", "k")}, {"k"}),
        (nested("my_strategy.openai_api_key", "k"), {"k"}),
        (nested("db_url", "postgresql://bot:p%40ss@db/x"), {"p%40ss", "p@ss", b64("bot:p@ss")}),
        (nested("db_url", "sqlite:///user_data/t.sqlite"), set()),
        (nested("exchange.ccxt_config.proxies.https", "http://me:hush@proxy:3128"),
         {"hush", b64("me:hush")}),
        (nested("exchange.ccxt_config.aiohttp_proxy", "socks5://me:hush@proxy:1"),
         {"hush", b64("me:hush")}),
        ({"api_server": {"username": "freqtrader", "password": "hush"}},
         {"hush", b64("freqtrader:hush")}),
        (nested("pairlists.pairlist_url", "https://x/y?access_token=abc&n=5"), {"abc"}),
        (nested("db_url", "postgresql://bot:se#cret@db/x"), {"se#cret", b64("bot:se#cret")}),
        (nested("db_url", "postgresql://bot:1/2?3[4@db/x"), {"1/2?3[4", b64("bot:1/2?3[4")}),
        (nested("proxy", "me:hush@proxy:3128"), {"hush", b64("me:hush")}),
        (nested("pairlist_url", "http://host:8080/list?by=a@b"), set()),
        (nested("pairlist_url", "https://host/a:b/@c"), set()),
        (nested("exchange.secret", {"deep": ["er-hush"]}), {"er-hush"}),
        (nested("exchange.ccxt_config.options", {
            "brokerSign": "hush-1", "auth": {"pin": "hush-2"}, "defaultType": "swap",
            "signIn": True, "authentication": "none"}), {"hush-1", "hush-2"}),
        ({"dry_run": True, "max_open_trades": 5, "stake_currency": "USDT"}, set()),
        (nested("telegram.token", None), set()),
        (nested("telegram.enable_token", True), set()),
    ],
)  # fmt: skip
def test_secrets_are_found(config: dict[str, Any], found: set[str]) -> None:
    assert values_in(config) == found


def test_environment_gives_secrets_as_they_stand_there() -> None:
    """freqtrade makes a number of ``0012345``, and a list of ``["a"]``."""
    environ = {
        "FREQTRADE__EXCHANGE__KEY": "0012345678", "FREQTRADE__API_SERVER__PASSWORD": "2026",
        "HTTPS_PROXY": "http://me:hush@proxy:3128", "PATH": "/bin", "LONG": "x" * 100,
    }  # fmt: skip
    config = _flat_vars_to_nested_dict(environ, "FREQTRADE__")
    found = values_in(config, environ)
    assert {"0012345678", "12345678", "2026", "hush"} <= found
    assert not found & {"/bin", "x" * 100, "me", "proxy"}


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("PGPASSWORD", "hush-hush", "hush-hush"),
        ("MYSQL_PWD", "hush-hush", "hush-hush"),
        ("BINANCE_API_KEY", "hush-hush", "hush-hush"),
        ("https_proxy", "me:hush-hush@proxy:3128", "hush-hush"),
        ("HTTPS_PROXY", "http://me:p#ss/w0rd@proxy:3128", "p#ss/w0rd"),
        ("PWD", "/home/bot", None),
        ("OLDPWD", "/home/bot", None),
        ("USE_TOKEN", "true", None),
        ("CSRF_SECRET", "abc", None),
        ("no_proxy", "localhost,127.0.0.1", None),
        ("LANG", "C.UTF-8", None),
    ],
)
def test_variables_of_other_programs(name: str, value: str, found: str | None) -> None:
    assert (found in values_in({}, {name: value})) is (found is not None)
    assert found is not None or not values_in({}, {name: value})


def test_whatever_sqlalchemy_takes_for_a_password_is_masked() -> None:
    """freqtrade's own line about its database shows what its own reader does not find."""
    for special in "#/?[]:;%&=+ \\\"'<>^`{|}~!$*(),":
        password = f"se{special}cret-{special}x"
        address = f"postgresql://bot:{password}@db/x"
        with contextlib.suppress(ValueError):
            address = parse_db_uri_for_logging(address)
        shown = Masker(secrets_in({"db_url": f"postgresql://bot:{password}@db/x"}, {})).text(
            address
        )
        assert "cret" not in shown, shown


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/hooks/abc123def",
        "http://127.0.0.1:9/services/T00/B00/XXXXXXXXXXXXXXXXXXXXXXXX",
        "http://127.0.0.1:9/api/webhooks/123456789012345678/a-Long_token.of-Discord0123456789",
        "http://127.0.0.1:9/hook?token=abc123def",
        "http://127.0.0.1:9/?t=abc123def",
        "http://me:abc123def@127.0.0.1:9/hook",
        "http://127.0.0.1:9/übung/abc 123def",
    ],
)
@pytest.mark.parametrize("path", sorted(OF_HOOKS))
def test_unreachable_webhook_is_logged_without_its_token(path: str, url: str) -> None:
    with pytest.raises(requests.RequestException) as failed:
        requests.post(url, timeout=1)
    assert any(word in str(failed.value) for word in ("hook", "services", "t=", "bung"))
    shown = Masker(secrets_in(nested(path, url), {})).text(f"Exception: {failed.value} {url}")
    assert MASK in shown
    for token in ("abc123", "123def", "XXXXXXXX", "a-Long_token", "hook", "services"):
        assert token not in shown.replace("webhook", "")
    assert "127.0.0.1" in shown


def test_token_of_a_webhook_is_masked_outside_of_its_address() -> None:
    token = "a-Long_token.of-Discord0123456789"
    config = nested("discord.webhook_url", f"https://discord.com/api/webhooks/12/{token}")
    shown = Masker(secrets_in(config, {})).text(f"freqtrade webhooks discord.com {token}")
    assert shown == f"freqtrade webhooks discord.com {MASK}"


@pytest.mark.parametrize("url", ["http://[", "not an address", ""])
def test_address_that_is_none_harms_nothing(url: str) -> None:
    assert url not in Masker(secrets_in(nested("webhook.url", url), {})).text("x") or not url
    assert values_in(nested("db_url", url)) == set()


def test_secrets_too_short_are_named_by_their_keys() -> None:
    config = {"api_server": {"password": "abc", "username": "x"}, "telegram": {"token": "1:ab"}}
    assert Masker(secrets_in(config, {})).too_short == ("api_server.password",)


def test_nobody_is_told_a_secret_that_an_error_brought_along() -> None:
    outcome = PairOutcome(
        pair="BTC/USDT:USDT", side=Side.LONG, state=PairState.OPEN, amount=1.0,
        residual_amount=1.0, error="rejected for key hush-hush",
    )  # fmt: skip
    result = LiquidationResult(
        state=LiquidationState.FAILED, correlation_id="liq_1", outcomes=(outcome,),
        errors=("could not sign with hush-hush",),
    )  # fmt: skip
    known = Masker([Secret(key="exchange.key", value="hush-hush")])
    shown = str(without_secrets(result, known).to_dict())
    assert "hush-hush" not in shown
    assert "rejected for key ***" in shown
    assert "could not sign with ***" in shown

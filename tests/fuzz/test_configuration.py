"""Whatever stands in files or variables is refused by freqtrade's error, or is what it says."""

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

from freqtrade.exceptions import ConfigurationError
from hypothesis import given
from hypothesis import strategies as st

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.audit.masking import SHORTEST_SECRET, Masker
from freqtrade_liquidation.config import KEYS, LiquidationConfig
from freqtrade_liquidation.exchange.secrets import secrets_in
from tests.fuzz.bounds import bounded, cheap

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(["true", "false", "5", "nan", "shutdown", "account", "trades", "\ud800"]),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)
names = st.one_of(st.sampled_from(sorted(KEYS)), st.text(max_size=12))
blocks = st.one_of(st.dictionaries(names, values, max_size=4), values)


def assert_it_fits(found: LiquidationConfig, given: Mapping[str, Any]) -> None:
    """By DESIGN's table of keys, written down once more."""
    for key, kind in {
        "emergency_liquidation": bool, "close_positions": bool, "cancel_orders": bool,
        "timeout_seconds": float, "max_retries": int, "retry_delay_seconds": float,
    }.items():  # fmt: skip
        assert type(getattr(found, key)) is kind, key
    assert 0 < found.timeout_seconds <= 60
    assert 0 <= found.max_retries <= 10
    assert 0 <= found.retry_delay_seconds <= 5
    assert math.isfinite(found.retry_delay_seconds)
    assert set(found.triggers) <= {"shutdown", "stop", "fatal_error"}
    assert found.scope in ("account", "trades")
    assert set(given) <= set(KEYS), "an unknown key"
    for key, value in given.items():
        assert getattr(found, key) == (tuple(value) if isinstance(value, list) else value)


@cheap
@given(blocks)
def test_block_is_refused_in_words_or_is_what_it_says(block: Any) -> None:
    with refused_in_words():
        assert_it_fits(configuration.load({"liquidation": block}), block)


@contextmanager
def refused_in_words() -> Iterator[None]:
    """Lets pass what freqtrade's command line knows how to tell."""
    try:
        yield
    except ConfigurationError as error:
        words = str(error)
    else:
        words = "accepted"
    assert words.strip()


@contextmanager
def file_with(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.json"
        file.write_bytes(content)
        yield file


OF_FREQTRADE: Final = st.sampled_from(
    ["liquidation", "Liquidation", "liqudation", "exchange", "dry_run", "add_config_files",
     "telegram", "api_server", "db_url", "strategy"]
)  # fmt: skip


@cheap
@given(st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass")),
    st.dictionaries(OF_FREQTRADE | st.text(max_size=5), values | blocks, max_size=3).map(
        lambda config: json.dumps(config).encode()
    ),
    values.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b'{"liquidation":' * 3000, b"[" * 3000, b"1" * 5000]),
))  # fmt: skip
def test_file_is_refused_in_words_or_read(content: bytes) -> None:
    with file_with(content) as file, refused_in_words():
        configuration.validate_before_start({"config": [str(file)], "command": "trade"})


secret_places = st.sampled_from(
    ["exchange", "telegram", "api_server", "discord", "webhook", "db_url", "password", "key",
     "secret", "token", "url", "webhook_url", "ccxt_config", "ws_token",
     "external_message_consumer", "producers", "jwt_secret_key", "accounts", "headers"]
)  # fmt: skip


@cheap
@given(st.recursive(
    st.dictionaries(secret_places, scalars, max_size=4),
    lambda inner: st.dictionaries(secret_places, inner | st.lists(inner | scalars), max_size=3),
))  # fmt: skip
def test_secrets_of_any_configuration_are_masked(config: dict[str, Any]) -> None:
    masker = Masker(secrets_in(config))
    told = masker.text(f"the exchange said {config}")
    exchange = config.get("exchange")
    secret = exchange.get("secret") if isinstance(exchange, dict) else None
    if isinstance(secret, str) and len(secret) >= SHORTEST_SECRET:
        assert secret not in told


variables = st.dictionaries(
    st.builds(
        "FREQTRADE__{}".format,
        st.one_of(
            st.sampled_from(sorted(f"LIQUIDATION__{key.upper()}" for key in KEYS)),
            st.sampled_from(["LIQUIDATION", "LIQUIDATION__", "EXCHANGE", "EXCHANGE__NAME", "_"]),
            st.text(st.characters(categories=["Lu", "Nd"]) | st.just("_"), max_size=12),
        ),
    ),
    st.one_of(
        st.sampled_from(["true", "0", "1", "8", "-1", "nan", "inf", "1e9", "[]", "{}", "null",
                         '["stop"]', '{"a": 1}', "[" * 3000, "trades", ""]),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    ),
    max_size=3,
)  # fmt: skip


@bounded
@given(variables)
def test_environment_is_refused_in_words_or_read(environment: dict[str, str]) -> None:
    with file_with(b"{}") as file, mock.patch.dict(os.environ, environment), refused_in_words():
        assert_it_fits(
            configuration.validate_before_start({"config": [str(file)], "command": "trade"}), {}
        )

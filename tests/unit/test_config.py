"""The ``liquidation`` block: what is refused, in which words, and where freqtrade found it."""

import io
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from freqtrade.commands import Arguments
from freqtrade.config_schema import CONF_SCHEMA
from freqtrade.configuration import Configuration, environment_vars, load_config
from freqtrade.configuration.config_validation import validate_config_schema
from freqtrade.exceptions import ConfigurationError, OperationalException
from pydantic import ValidationError

from freqtrade_liquidation.config import (
    ALLOWED,
    BLOCK,
    KEYS,
    LiquidationConfig,
    Trigger,
    changes,
    install_schema,
    load,
    origin_of,
    pipes,
    read_files,
    validate_before_start,
)
from freqtrade_liquidation.model import AUTOMATIC_TRIGGERS

SCHEMA = cast("dict[str, Any]", CONF_SCHEMA["properties"])
ROOT = Path(__file__).parents[2]
NAN, INF = float("nan"), float("inf")
DEFAULTS: dict[str, Any] = {
    "emergency_liquidation": True,
    "close_positions": True,
    "cancel_orders": True,
    "timeout_seconds": 5.0,
    "max_retries": 3,
    "retry_delay_seconds": 0.5,
    "triggers": ["shutdown", "stop", "fatal_error"],
    "scope": "account",
}
NOT_A_BOOL = [1, 0, 5, 1.0, "true", "false", "", None, [], {}]
NOT_A_NUMBER = ["5", "", True, False, NAN, INF, -INF, None, [5], {}]
WRONG: dict[str, list[Any]] = {
    "emergency_liquidation": NOT_A_BOOL,
    "close_positions": NOT_A_BOOL,
    "cancel_orders": NOT_A_BOOL,
    "timeout_seconds": [*NOT_A_NUMBER, 0, 0.0, -1, 60.01, 61, 10**400],
    "max_retries": [*NOT_A_NUMBER, 5.0, 0.5, -1, 11, 10**400],
    "retry_delay_seconds": [*NOT_A_NUMBER, -0.1, 5.01, 10**400],
    "triggers": [
        "stop",
        True,
        5,
        None,
        {},
        {"stop": True},
        ["Stop"],
        ["reload"],
        ["stop", "stop"],
        ["stop", 5],
        [None],
        [["stop"]],
    ],
    "scope": ["Account", "all", "", True, 5, None, ["account"]],
}
EDGES: dict[str, list[Any]] = {
    "emergency_liquidation": [True, False],
    "close_positions": [True, False],
    "cancel_orders": [True, False],
    "timeout_seconds": [0.001, 8, 60, 60.0],
    "max_retries": [0, 10],
    "retry_delay_seconds": [0, 0.0, 5, 5.0],
    "triggers": [[], ["stop"], ["fatal_error", "shutdown", "stop"]],
    "scope": ["account", "trades"],
}
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a freqtrade configuration file and returns its path."""

    def _write(name: str = "config.json", **content: Any) -> str:
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return str(path)

    return _write


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FREQTRADE__")]:
        monkeypatch.delenv(name)


@pytest.fixture
def schema() -> Iterator[None]:
    """Puts freqtrade's schema back as it was."""
    before = SCHEMA.pop(BLOCK, None)
    yield
    SCHEMA.pop(BLOCK, None)
    if before is not None:
        SCHEMA[BLOCK] = before


def trade_args(*files: str) -> dict[str, Any]:
    """As ``freqtrade trade -c …`` hands them on."""
    return {"command": "trade", "config": list(files)}


def refused(config: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(config)
    return str(caught.value)


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(key, value, id=f"{key}-{i}")
        for key, values in table.items()
        for i, value in enumerate(values)
    ]


# ---- values


def test_defaults_are_those_of_the_design() -> None:
    assert LiquidationConfig().to_dict() == DEFAULTS
    assert tuple(DEFAULTS) == KEYS == tuple(ALLOWED) == tuple(WRONG) == tuple(EDGES)


def test_triggers_are_the_automatic_ones_of_a_run() -> None:
    assert set(get_args(Trigger)) == AUTOMATIC_TRIGGERS


@pytest.mark.parametrize(("key", "value"), cases(WRONG))
def test_value_wrong_is_refused_naming_key_value_and_range(key: str, value: Any) -> None:
    message = refused({BLOCK: {key: value}})
    assert message.startswith(f"liquidation.{key}")
    assert f"allowed: {ALLOWED[key]}." in message
    assert len(message.splitlines()) == 1
    assert len(message) < 250
    if isinstance(value, str):
        assert json.dumps(value) in message


@pytest.mark.parametrize(("key", "value"), cases(EDGES))
def test_value_at_the_edge_is_taken_as_it_is(key: str, value: Any) -> None:
    config = LiquidationConfig(**{key: value})
    assert config.to_dict() == {**DEFAULTS, key: value}
    assert load({BLOCK: {key: value}}) == config


@pytest.mark.parametrize(
    ("create", "expected"),
    [
        (lambda: LiquidationConfig(timeout_seconds=0), "timeout_seconds is 0;"),
        (lambda: LiquidationConfig.model_validate({"max_retries": "3"}), "max_retries is"),
        (lambda: LiquidationConfig().model_copy(update={"scope": "all"}), "scope is"),
        (lambda: LiquidationConfig.model_validate_json('{"triggers": 1}'), "triggers is 1"),
    ],
)
def test_creation_by_any_door_raises_configuration_error(
    create: Callable[[], object], expected: str
) -> None:
    with pytest.raises(ConfigurationError, match=expected) as caught:
        create()
    assert isinstance(caught.value, OperationalException)
    assert not isinstance(caught.value, ValidationError)


def test_several_errors_are_all_listed_one_per_line() -> None:
    message = refused({BLOCK: {"timeout_seconds": "5", "max_retries": True, "retries": 1}})
    assert message.splitlines() == [
        'liquidation.timeout_seconds is "5" (a text); allowed: '
        "a number above 0 (0.001 at least) and at most 60.",
        "liquidation.max_retries is true; allowed: a whole number from 0 to 10.",
        'liquidation.retries is not a known key; did you mean "max_retries"?',
    ]


def test_unknown_key_is_refused_without_its_value() -> None:
    """Nobody knows what an unknown key holds: it may be a secret in the wrong block."""
    message = refused({BLOCK: {"api_secret": "hunter2"}})
    assert "liquidation.api_secret is not a known key" in message
    assert "timeout_seconds" in message
    assert "hunter2" not in message


def test_config_is_frozen_and_hashable() -> None:
    config = LiquidationConfig()
    with pytest.raises(ValidationError):
        setattr(config, "max_retries", 5)  # noqa: B010 - mypy would refuse the plain form
    assert hash(config) == hash(LiquidationConfig())


@pytest.mark.parametrize("block", [True, None, 5, "true", [], ["stop"]])
def test_block_not_an_object_is_refused(block: Any) -> None:
    assert refused({BLOCK: block}).startswith(f"liquidation is {json.dumps(block)}")


# ---- warnings


def critical(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]


@pytest.mark.parametrize(
    "create",
    [
        lambda: LiquidationConfig(emergency_liquidation=False),
        lambda: load({BLOCK: {"emergency_liquidation": False}}),
        lambda: LiquidationConfig().model_copy(update={"emergency_liquidation": False}),
    ],
)
def test_disabled_is_logged_critical_on_every_creation(
    create: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    create()
    (message,) = critical(caplog)
    assert "SECURITY WARNING" in message
    assert "HIGH-RISK" in message


def test_enabled_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    load({BLOCK: {}})
    assert not caplog.records


def test_no_block_means_defaults_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert load({"dry_run": True}) == LiquidationConfig()
    assert [r.levelno for r in caplog.records] == [logging.WARNING]


# ---- given twice


def refused_text(tmp_path: Path, text: str) -> str:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        validate_before_start(trade_args(str(path)))
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_block_given_twice_is_refused_not_dropped(tmp_path: Path) -> None:
    """JSON would take the last one: the first one's timeout would be gone without a word."""
    text = """{
        "liquidation": {"timeout_seconds": 10}, // as freqtrade takes it
        "dry_run": true,
        "liquidation": {"scope": "trades",},
    }"""
    assert refused_text(tmp_path, text) == (
        '"liquidation" stands 2 times in one file: only the last would count. Put all its keys '
        "into one block. Found in file config.json."
    )


def test_key_given_twice_within_the_block_is_refused(tmp_path: Path) -> None:
    text = '{"liquidation": {"max_retries": 1, "scope": "trades", "max_retries": 1}}'
    assert refused_text(tmp_path, text).startswith(
        "liquidation.max_retries stands 2 times in one block: only the last would count. Keep one."
    )


def test_block_given_twice_in_a_file_that_another_names_or_on_standard_input(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = '{"liquidation": {}, "liquidation": {}}'
    (tmp_path / "more.json").write_text(twice)
    with pytest.raises(ConfigurationError, match=r"Found in file .*more\.json"):
        validate_before_start(trade_args(write(add_config_files=["more.json"])))
    monkeypatch.setattr(sys, "stdin", io.StringIO(twice))
    with pytest.raises(ConfigurationError, match=r"Found in standard input"):
        validate_before_start(trade_args("-"))


def test_block_in_two_files_is_merged_and_other_keys_are_freqtrades_affair(
    tmp_path: Path, write: Write
) -> None:
    (tmp_path / "more.json").write_text('{"bot_name": "a", "bot_name": "b", "liquidation": {}}')
    main = write(liquidation={"scope": "trades"}, add_config_files=["more.json"])
    assert validate_before_start(trade_args(main)).scope == "trades"


# ---- a misspelt block


@pytest.mark.parametrize(
    "key",
    [
        "liquidaton",
        "Liquidation",
        "LIQUIDATION",
        "liquidations",
        "liquidation_",
        "liqudation",
        "liquidate",
        "emergency_liquidation",
        "emergency-liquidation",
        "emergencyLiquidation",
    ],
)
@pytest.mark.parametrize("beside", [{}, {BLOCK: {}}])
def test_block_misspelt_is_refused_with_the_right_name(key: str, beside: dict[str, Any]) -> None:
    message = refused({**beside, key: {"timeout_seconds": 8}})
    assert message.startswith(f'"{key}" at the top level is not a known key; ')
    assert '"liquidation"' in message


def test_block_under_another_liquidation_name_is_recognised_by_its_keys() -> None:
    assert 'did you mean "liquidation"' in refused({"liquidation_config": {"max_retries": 1}})
    load({"liquidation_levels": {"a": 1}, "liquidity": 5, "scope": "x", "triggers": {"rsi": 30}})


@pytest.mark.parametrize("key", sorted(SCHEMA.keys() - {BLOCK}))
def test_key_that_freqtrade_knows_is_no_near_miss(key: str) -> None:
    for value in (1, {}, {"timeout_seconds": 1}):
        load({BLOCK: {}, key: value})


def test_key_near_the_block_is_accepted_once_freqtrade_knows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The test above proves little while no key of freqtrade's is near: make one."""
    refused({"liquidations": 1})
    monkeypatch.setitem(SCHEMA, "liquidations", {})
    load({BLOCK: {}, "liquidations": 1})


def test_key_misspelt_but_nearer_to_one_of_freqtrades_is_not_ours_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused({"liquidations_ma": 1})
    monkeypatch.setitem(SCHEMA, "liquidations_max", {})
    load({BLOCK: {}, "liquidations_ma": 1})


def test_full_config_as_freqtrade_builds_it_has_no_near_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """freqtrade adds keys of its own (runmode, original_config, …): none may stop the start."""
    monkeypatch.setattr("freqtrade.configuration.configuration.setup_logging", lambda config: None)
    argv = ["show-config", "-c", str(ROOT / "config.json"), "--userdir", str(tmp_path)]
    args = Arguments(argv).get_parsed_arg()
    full = Configuration(args, None).get_config()
    assert load(full).to_dict() == DEFAULTS


def test_config_json_in_the_checkout_shows_every_key_and_is_dry() -> None:
    content = json.loads((ROOT / "config.json").read_text())
    assert content[BLOCK] == DEFAULTS
    assert content["dry_run"] is True


# ---- files and environment variables


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("TIMEOUT_SECONDS", "8", "timeout_seconds", 8.0),
        ("RETRY_DELAY_SECONDS", "0.25", "retry_delay_seconds", 0.25),
        ("MAX_RETRIES", "0", "max_retries", 0),
        ("CLOSE_POSITIONS", "false", "close_positions", False),
        ("CANCEL_ORDERS", "F", "cancel_orders", False),
        ("TRIGGERS", '["stop"]', "triggers", ["stop"]),
        ("TRIGGERS", "[]", "triggers", []),
        ("SCOPE", "trades", "scope", "trades"),
    ],
)
def test_variable_beats_the_file(
    variable: str, text: str, key: str, value: Any, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FREQTRADE__LIQUIDATION__{variable}", text)
    config = validate_before_start(trade_args(write(liquidation={key: DEFAULTS[key]})))
    assert config.to_dict() == {**DEFAULTS, key: value}


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("LIQUIDATION__TIMEOUT_SECONDS", "90", "liquidation.timeout_seconds is 90;"),
        ("LIQUIDATION__TIMEOUT_SECONDS", "nan", "is NaN (not a finite number);"),
        ("LIQUIDATION__MAX_RETRIES", "3.0", "liquidation.max_retries is 3.0;"),
        ("LIQUIDATION__EMERGENCY_LIQUIDATION", "1", "liquidation.emergency_liquidation is 1;"),
        ("LIQUIDATION__EMERGENCY_LIQUIDATION", "no", '"no" (a text)'),
        ("LIQUIDATION__TRIGGERS", "stop", 'liquidation.triggers is "stop" (a text);'),
        ("LIQUIDATION__TRIGGERS", '["stop", "x"]', 'liquidation.triggers[1] is "x" (a text);'),
        ("LIQUIDATION__TIMEOUT", "8", 'did you mean "timeout_seconds"'),
        ("LIQUIDATON__TIMEOUT_SECONDS", "8", '"liquidaton" at the top level'),
        ("EMERGENCY_LIQUIDATION", "true", '{"emergency_liquidation": …}'),
        ("LIQUIDATION", '{"max_retries": 1}', "one for each key, FREQTRADE__LIQUIDATION__<KEY>"),
    ],
)
@pytest.mark.parametrize("in_file", [{}, {BLOCK: {"timeout_seconds": 4}}])
def test_variable_wrong_is_named(
    variable: str,
    text: str,
    expected: str,
    in_file: dict[str, Any],
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"FREQTRADE__{variable}", text)
    with pytest.raises(ConfigurationError) as caught:
        validate_before_start(trade_args(write(**in_file)))
    assert expected in str(caught.value)
    assert str(caught.value).endswith(f"Found in environment variable FREQTRADE__{variable}.")


def test_variables_that_differ_in_case_name_the_one_that_wins() -> None:
    environ = {
        "FREQTRADE__LIQUIDATION__TIMEOUT_SECONDS": "1",
        "FREQTRADE__LIQUIDATION__timeout_seconds": "2",
    }
    where = origin_of((BLOCK, "timeout_seconds"), trade_args(), environ)
    assert where == "environment variable FREQTRADE__LIQUIDATION__timeout_seconds"


def test_variables_are_not_read_where_freqtrade_does_not() -> None:
    args = {"command": "create-userdir"}
    environ = {"FREQTRADE__LIQUIDATION__TIMEOUT_SECONDS": "1"}
    assert origin_of((BLOCK, "timeout_seconds"), args, environ) is None


def test_origin_follows_freqtrades_precedence(write: Write) -> None:
    """Each key is wrong in one way per file; the value in the message and the file must agree."""
    sub_first = write("sub1.json", liquidation={"max_retries": 21, "timeout_seconds": 901})
    sub_last = write("sub2.json", liquidation={"max_retries": 22, "scope": "sub2"})
    first = write("first.json", liquidation={"timeout_seconds": 91, "scope": "first"})
    last = write(
        "last.json", add_config_files=["sub1.json", "sub2.json"], liquidation={"scope": "last"}
    )
    args = trade_args(first, last)
    with pytest.raises(ConfigurationError) as caught:
        validate_before_start(args)
    assert re.findall(r"is (\S+?)(?: \(a text\))?; .* Found in file (.*)\.", str(caught.value)) == [
        ("901", sub_first),
        ("22", sub_last),
        ('"last"', last),
    ]
    assert origin_of((BLOCK, "triggers"), args) is None


def test_origin_of_each_file_is_the_one_freqtrade_took(write: Write) -> None:
    first, last = write("a.json", liquidation={"max_retries": 1}), write("b.json", dry_run=True)
    where = partial(origin_of, args=trade_args(first, last))
    assert where((BLOCK, "max_retries")) == f"file {first}"
    assert where(("dry_run",)) == f"file {last}"


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (True, {"max_retries": 1}, "liquidation is true; allowed: an object"),
        (None, {"max_retries": 1}, "liquidation is null; allowed: an object"),
    ],
)
def test_block_that_freqtrade_cannot_merge_names_the_plain_value(
    lower: Any, upper: Any, expected: str, write: Write
) -> None:
    """freqtrade itself dies of a TypeError here."""
    bad = write("a.json", liquidation=lower)
    with pytest.raises(ConfigurationError) as caught:
        validate_before_start(trade_args(bad, write("b.json", liquidation=upper)))
    assert str(caught.value).startswith(expected)
    assert str(caught.value).endswith(f"Found in file {bad}.")


def test_block_plain_in_one_variable_and_keyed_in_another_is_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FREQTRADE__LIQUIDATION", "true")
    monkeypatch.setenv("FREQTRADE__LIQUIDATION__MAX_RETRIES", "1")
    with pytest.raises(ConfigurationError, match=r"variable FREQTRADE__LIQUIDATION\.$"):
        validate_before_start(trade_args(write()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "not found"),
        ("{", "config.json is not valid JSON, line 1: Parse error"),
        ("[]", "does not hold a JSON object"),
        ('{"exchange": 5}', "cannot be merged"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_file_unusable_is_a_configuration_error(
    text: str | bytes | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FREQTRADE__EXCHANGE__NAME", "binance")
    path = tmp_path / "config.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError, match=expected):
        validate_before_start(trade_args(str(path)))


def test_file_with_a_json_error_is_named_without_its_text(write: Write, tmp_path: Path) -> None:
    """freqtrade's own message quotes what stands around the error: keys and secrets."""
    (tmp_path / "private.json").write_text('{\n "exchange": {\n  "secret": "hunter2"\n  x\n }}')
    args = trade_args(write(add_config_files=["private.json"]), write("other.json"))
    with pytest.raises(ConfigurationError) as caught:
        validate_before_start(args)
    assert f"File {tmp_path / 'private.json'} is not valid JSON, line 4: " in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_standard_input_with_a_json_error_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("{"))
    with pytest.raises(ConfigurationError, match="Standard input is not valid JSON: Parse error"):
        validate_before_start(trade_args("-"))


def test_standard_input_is_read_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({BLOCK: {"max_retries": 7}})
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert validate_before_start(trade_args("-")).max_retries == 7
    assert sys.stdin.read() == text
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"liquidation": {"max_retries": 70}}'))
    with pytest.raises(ConfigurationError, match=r"Found in standard input\.$"):
        validate_before_start(trade_args("-"))


def test_standard_input_gone_on_reload_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = io.StringIO("")
    gone.close()
    monkeypatch.setattr(sys, "stdin", gone)
    with pytest.raises(ConfigurationError, match="standard input"):
        validate_before_start(trade_args("-"))


@pytest.mark.parametrize("variable", ["FREQTRADE__LIQUIDATION__MAX_RETRIES", "FREQTRADE__BOT_NAME"])
def test_validation_creates_nothing_and_says_nothing(
    variable: str,
    write: Write,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """freqtrade reads the same files again a moment later, and says so itself; so do we, when the
    bot is built.
    """
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(variable, "1")
    monkeypatch.chdir(tmp_path)
    block = {"emergency_liquidation": False}
    args = trade_args(write(dry_run=True, liquidation=block)) | {
        "user_data_dir": str(tmp_path / "user_data")
    }
    validate_before_start(args)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    assert not caplog.records, "of the warning that it is off, too: it is said when it is loaded"
    assert not load_config.logger.disabled
    assert not environment_vars.logger.disabled


# ---- freqtrade's schema


@pytest.mark.usefixtures("schema")
def test_schema_leaves_the_message_to_us() -> None:
    """freqtrade's validation must not refuse first what we would refuse in better words."""
    install_schema()
    install_schema()
    assert tuple(SCHEMA[BLOCK]["properties"]) == KEYS
    content = json.loads((ROOT / "config.json").read_text())
    blocks: list[Any] = [DEFAULTS, True, None, [], {"timeout_seconds": "5"}, {"unknown": 1}]
    for block in blocks:
        assert validate_config_schema({**content, BLOCK: block})[BLOCK] == block


@pytest.mark.usefixtures("schema")
def test_schema_installed_does_not_hide_a_misspelt_block() -> None:
    install_schema()
    refused({"liquidaton": {}})


# ---- changes


def test_changes_names_old_and_new_of_what_differs() -> None:
    new = LiquidationConfig(timeout_seconds=8, triggers=["stop"])
    assert changes(DEFAULTS, new) == {
        "timeout_seconds": {"old": 5.0, "new": 8.0},
        "triggers": {"old": ["shutdown", "stop", "fatal_error"], "new": ["stop"]},
    }
    assert changes(new.to_dict(), new) == changes(None, new) == {}


def test_changes_shows_keys_that_came_or_went_with_a_version() -> None:
    old = {**DEFAULTS, "gone": 1}
    del old["scope"]
    assert changes(old, LiquidationConfig()) == {
        "scope": {"old": None, "new": "account"},
        "gone": {"old": 1, "new": None},
    }


# ---- the page for users


def test_table_in_the_docs_equals_the_code() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    assert rows == [
        (
            f"`{key}`",
            f"`{json.dumps(DEFAULTS[key])}`",
            ALLOWED[key],
            LiquidationConfig.model_fields[key].description,
        )
        for key in KEYS
    ]


EXAMPLES = re.findall(
    r"```(json|bash)\n([^`]*)```\n+```text\n([^`]*)```",
    (ROOT / "docs" / "configuration.md").read_text(),
)


def test_docs_show_examples_of_both_kinds() -> None:
    kinds = [kind for kind, _, _ in EXAMPLES]
    assert kinds.count("json") >= 8
    assert kinds.count("bash") >= 3


@pytest.mark.parametrize(("kind", "text", "expected"), EXAMPLES)
def test_message_shown_in_the_docs_is_really_produced(
    kind: str, text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.json"
    path.write_text(text if kind == "json" else "{}")
    if kind == "bash":
        for name, value in re.findall(r"export (\w+)='(.*)'", text):
            monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        validate_before_start(trade_args(str(path)))
    assert str(caught.value).replace(f"{tmp_path}/", "") == expected.strip()


@pytest.mark.parametrize("place", ["file", "option"])
def test_database_address_that_freqtrade_cannot_log_is_refused_with_words(
    tmp_path: Path, place: str
) -> None:
    """It ended in a traceback, with the password in it."""
    address = "postgresql://bot:se[cret@db/x"
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"db_url": address} if place == "file" else {}))
    args = {"command": "trade", "config": [str(file)]}
    args |= {"db_url": address} if place == "option" else {}
    with pytest.raises(ConfigurationError, match="db_url cannot be read") as refused:
        validate_before_start(args)
    assert "cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def read(tmp_path: Path, text: str) -> LiquidationConfig:
    file = tmp_path / "config.json"
    file.write_text(text)
    return validate_before_start({"command": "trade", "config": [str(file)]})


@pytest.mark.parametrize(
    "name",
    ["FREQTRADE__LIQUIDATION_SCOPE", "FREQTRADE_LIQUIDATION__SCOPE",
     "freqtrade__liquidation__scope", "FREQTRADE__LIQUIDATION____SCOPE",
     "Freqtrade_Liquidation_Close_Positions", "FREQTRADE__TIMEOUT_SECONDS",
     "FREQTRADE__LIQUIDATION_CLOSE_POSITIONS",
     "FREQTRADE__EXCHANGE__LIQUIDATION__SCOPE", "FREQTRADE__EMERGENCY__EMERGENCY_LIQUIDATION"],
)  # fmt: skip
def test_variable_that_misses_the_block_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """freqtrade passes over it, and the defaults were in force."""
    monkeypatch.setenv(name, "trades")
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, "{}")
    assert f"environment variable {name}" in str(refused.value)


@pytest.mark.parametrize(
    "name",
    ["FREQTRADE__LIQUIDATION__SCOPE", "FREQTRADE__Liquidation__scope",
     "FREQTRADE_LIQUIDATION_IMAGE", "FREQTRADE_LIQUIDATION_VERSION", "LIQUIDATION_SCOPE",
     "LIQUIDATION__SCOPE", "SCOPE", "TIMEOUT_SECONDS", "FREQTRADE_USERDIR",
     "FREQTRADE__LIQUIDATION_BUFFER"],
)  # fmt: skip
def test_variable_of_its_own_meaning_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "trades")
    assert read(tmp_path, "{}").scope in ("account", "trades")


@pytest.mark.parametrize(
    "config",
    [*({key: value} for key, value in DEFAULTS.items()),
     *({f"liquidation_{key}": value} for key, value in DEFAULTS.items()),
     {"emergency": {"emergency_liquidation": False}},
     {"my": {"own": {"block": {"emergency_liquidation": False}}}},
     {"exchange": {"liquidation": {"scope": "trades"}}},
     {"exchange": {"ccxt_config": {"liquidation": {"timeout_seconds": 9}}}}],
)  # fmt: skip
def test_key_of_ours_outside_of_the_block_is_refused(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="is not a known key"):
        read(tmp_path, json.dumps(config))


@pytest.mark.parametrize(
    "config",
    [{key: {} for key in SCHEMA if key not in ("db_url", "add_config_files", BLOCK)},
     {"liquidation_buffer": 0.05, "exchange": {"liquidation": True}},
     {"my_strategy": {"timeout_seconds": 9, "scope": "x", "close_positions": True}},
     {"scope": "x", "triggers": {"rsi": 30}},
     {"exchange": {"ccxt_config": {"options": {"liquidation": {"method": "x"}}}}}],
)  # fmt: skip
def test_ordinary_configuration_is_no_near_miss(tmp_path: Path, config: dict[str, Any]) -> None:
    assert read(tmp_path, json.dumps(config)) == LiquidationConfig()


@pytest.mark.parametrize(
    "text",
    ['{"add_config_files": [5]}', '{"add_config_files": 5}', '{"a":' * 5000 + "1" + "}" * 5000,
     '{"a": ' + "9" * 5000 + "}", '{"liquidation": {"timeout_seconds": ' + "9" * 5000 + "}}",
     '{"liquidation": {"timeout_seconds": 1e-320}}', '{"a": 1e999}', "[" * 100_000],
)  # fmt: skip
def test_file_that_cannot_be_read_is_refused_with_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, text)
    assert 20 < len(str(refused.value)) < 400


def test_no_further_files_are_no_error(tmp_path: Path) -> None:
    """As for freqtrade. The start ended in a traceback."""
    assert read(tmp_path, '{"add_config_files": null}') == LiquidationConfig()


def test_words_of_a_file_steer_no_terminal(tmp_path: Path) -> None:
    for text in (
        '{"liquidation": {"\\u001b[2J\\u202escope": 1}}',
        '{"liquid\\u001b]0;ation": {"scope": 1}}',
    ):
        with pytest.raises(ConfigurationError) as refused:
            read(tmp_path, text)
        assert str(refused.value).isprintable()


@pytest.mark.parametrize("nested", [False, True])
def test_pipe_that_nobody_writes_ends_a_drills_start_with_words(
    tmp_path: Path, nested: bool
) -> None:
    """It hung."""
    file = tmp_path / "pipe.json"
    os.mkfifo(file)
    if nested:
        file = tmp_path / "config.json"
        file.write_text('{"add_config_files": ["pipe.json"]}')
    with pytest.raises(ConfigurationError, match="not a regular file"):
        read_files([str(file)])


@pytest.fixture
def pipe() -> Iterator[Callable[[str], str]]:
    """A pipe that a program has written and left: ``-c <(program)``."""
    descriptors: list[int] = []

    def holding(text: str) -> str:
        out, into = os.pipe()
        descriptors.append(out)
        os.write(into, text.encode())
        os.close(into)
        return f"/dev/fd/{out}"

    yield holding
    for descriptor in descriptors:
        os.close(descriptor)
    pipes.forget()


def test_pipe_is_read_once_and_freqtrade_is_given_what_it_held(
    pipe: Callable[[str], str], write: Write
) -> None:
    """It ended with 2: "the document is empty"."""
    args = trade_args(write(dry_run=True), pipe(json.dumps({BLOCK: {"max_retries": 7}})))
    assert validate_before_start(args).max_retries == 7
    assert origin_of((BLOCK, "max_retries"), args) == f"file {args['config'][1]}"
    for _ in range(2):
        assert load_config.load_from_files(args["config"])[BLOCK] == {"max_retries": 7}
    pipes.forget()
    with pytest.raises(ConfigurationError, match="gives nothing"):
        validate_before_start(args)


def test_named_fifo_among_the_files_that_one_names_is_read_once(
    write: Write, tmp_path: Path
) -> None:
    os.mkfifo(fifo := tmp_path / "secret.json")
    text = json.dumps({BLOCK: {"max_retries": 7}})
    writer = threading.Thread(target=fifo.write_text, args=(text,))
    writer.start()
    try:
        args = trade_args(write(add_config_files=["secret.json"]))
        assert validate_before_start(args).max_retries == 7
        assert load_config.load_from_files(args["config"])[BLOCK] == {"max_retries": 7}
    finally:
        writer.join(10)
        pipes.forget()


def test_pipe_with_a_json_error_is_named_without_its_text(pipe: Callable[[str], str]) -> None:
    name = pipe('{\n "secret": "hunter2"\n x}')
    with pytest.raises(ConfigurationError) as caught:
        validate_before_start(trade_args(name))
    assert f"File {name} is not valid JSON, line 3: " in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("written", [None, '{"liquidation": '])
def test_fifo_that_is_not_written_to_its_end_ends_the_start_with_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str | None
) -> None:
    monkeypatch.setattr(pipes, "WAIT_S", 0.2)
    os.mkfifo(fifo := tmp_path / "pipe.json")
    held = None if written is None else os.open(fifo, os.O_RDWR)
    if held is not None and written is not None:
        os.write(held, written.encode())
    with pytest.raises(ConfigurationError, match=r"pipe\.json is a pipe that nothing has written"):
        validate_before_start(trade_args(str(fifo)))
    if held is not None:
        os.close(held)


def test_pipe_without_end_is_not_taken_in() -> None:
    with pytest.raises(ConfigurationError, match="gives more than"):
        validate_before_start(trade_args("/dev/zero"))

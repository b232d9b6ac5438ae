"""The ``liquidation`` block of freqtrade's configuration: keys, defaults, ranges, origins.

Source: freqtrade 2026.9, ``configuration.py``, ``load_config.py`` and ``environment_vars.py`` in
``freqtrade/configuration``.
"""

import difflib
import io
import json
import logging
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from freqtrade.config_schema.config_schema import CONF_SCHEMA
from freqtrade.configuration import environment_vars, load_config
from freqtrade.constants import ENV_VAR_PREFIX
from freqtrade.exceptions import ConfigurationError, OperationalException
from freqtrade.misc import deep_merge_dicts
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from rapidjson import JSONDecodeError

logger = logging.getLogger(__name__)

BLOCK: Final = "liquidation"
FREQTRADE_KEYS: Final = cast("dict[str, Any]", CONF_SCHEMA["properties"])
"""What freqtrade's schema knows at the top level; the same object, so an addition counts."""
STDIN: Final = "-"
DISABLED_WARNING: Final = (
    "SECURITY WARNING: liquidation.emergency_liquidation is false. This is a HIGH-RISK setting: "
    "a shutdown, stop or fatal error leaves every position open and unmanaged."
)

Origin = Callable[[Sequence[str]], str | None]
"""Names the file or environment variable that a key path came from; ``None`` = not known."""

Trigger = Literal["shutdown", "stop", "fatal_error"]
Scope = Literal["account", "trades"]

ALLOWED: Final[dict[str, str]] = {
    "emergency_liquidation": "true or false",
    "close_positions": "true or false",
    "cancel_orders": "true or false",
    "timeout_seconds": "a number above 0 and at most 60",
    "max_retries": "a whole number from 0 to 10",
    "retry_delay_seconds": "a number from 0 to 5",
    "triggers": 'a list of "shutdown", "stop", "fatal_error", each at most once',
    "scope": '"account" or "trades"',
}
"""The range of each key in words: for messages and for the table in docs/configuration.md."""


def _list_to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _unique(values: tuple[Trigger, ...]) -> tuple[Trigger, ...]:
    if len(set(values)) < len(values):
        raise ValueError("duplicate")
    return values


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and the key path where it is."""

    path: tuple[str, ...]
    text: str

    def located(self, origin: Origin | None) -> str:
        """One line, with the place it was found in, where that is known."""
        place = origin(self.path) if origin else None
        return f"{self.text} Found in {place}." if place else self.text


class InvalidLiquidationConfig(ConfigurationError):
    """The block cannot be used; one line per problem.

    :param problems: in the order of the keys.
    :param origin: names where a key came from.
    """

    def __init__(self, problems: Sequence[Problem], origin: Origin | None = None) -> None:
        super().__init__("\n".join(problem.located(origin) for problem in problems))
        self.problems = tuple(problems)


class LiquidationConfig(BaseModel):
    """How the book is closed on an automatic trigger. Frozen; types are never converted.

    :raises ConfigurationError: on creation, one line per wrong key; never pydantic's own error.
    ``emergency_liquidation: false`` is logged as CRITICAL each time such a config is created.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    emergency_liquidation: bool = Field(
        default=True, description="Close the book on automatic triggers."
    )
    close_positions: bool = Field(
        default=True,
        description="false: only orders that could add risk are cancelled, stops stay.",
    )
    cancel_orders: bool = Field(
        default=True, description="false: only what blocks a close is cancelled."
    )
    timeout_seconds: float = Field(default=5.0, gt=0, le=60, description="The whole run.")
    max_retries: int = Field(default=3, ge=0, le=10, description="Further attempts per operation.")
    retry_delay_seconds: float = Field(
        default=0.5, ge=0, le=5, description="Base of the exponential backoff, with jitter."
    )
    triggers: Annotated[
        tuple[Trigger, ...], BeforeValidator(_list_to_tuple), AfterValidator(_unique)
    ] = Field(
        default=("shutdown", "stop", "fatal_error"),
        description="The events that close the book without being asked.",
    )
    scope: Scope = Field(
        default="account",
        description="Futures: every linear swap position of the account, or only the bot's trades. "
        "Spot is always `trades`.",
    )

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as e:
            raise InvalidLiquidationConfig(_problems(e)) from None
        if not self.emergency_liquidation:
            logger.critical(DISABLED_WARNING)

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> "LiquidationConfig":
        """A changed copy, validated like any other (pydantic's own would not be)."""
        return LiquidationConfig(**{**self.to_dict(), **(update or {})})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in config.json and the audit trail."""
        return self.model_dump(mode="json")


KEYS: Final = tuple(LiquidationConfig.model_fields)


def load(
    config: Mapping[str, Any], *, origin: Origin | None = None, warn_if_missing: bool = True
) -> LiquidationConfig:
    """The block out of freqtrade's full configuration.

    :param origin: names where a key came from, e.g. ``partial(origin_of, args=args)``.
    :param warn_if_missing: log a WARNING when there is no block and the defaults protect.
    :raises ConfigurationError: a wrong value or key, or a key that looks like a misspelt block.
    """
    misspelt = [problem for key in config if (problem := _misspelt_block(key, config[key]))]
    if misspelt:
        raise InvalidLiquidationConfig(misspelt, origin)
    if BLOCK not in config:
        if warn_if_missing:
            logger.warning(
                "No `liquidation` block in the configuration: the safe defaults apply, and "
                "positions are closed at market on shutdown, stop and fatal errors."
            )
        return LiquidationConfig()
    block = config[BLOCK]
    if not isinstance(block, Mapping):
        raise InvalidLiquidationConfig([_not_an_object(block)], origin)
    try:
        return LiquidationConfig(**block)
    except InvalidLiquidationConfig as e:
        raise InvalidLiquidationConfig(e.problems, origin) from None


def validate_before_start(args: Mapping[str, Any]) -> LiquidationConfig:
    """Reads the configuration as freqtrade will, and validates the block. Creates nothing.

    freqtrade's ``main()`` ends with 0 on a ConfigurationError and a reload tears the bot down
    first, so both ask here beforehand. Standard input (``-c -``) is read and put back.

    :param args: as ``freqtrade.commands.Arguments(argv).get_parsed_arg()`` returns it.
    :raises ConfigurationError: the files cannot be read or merged, or the block is wrong.
    """
    with _stdin_kept(args), _quiet(load_config.logger, environment_vars.logger):
        try:
            config = _merged(args)
        except ConfigurationError as e:
            raise _without_excerpt(args, e) from None
        except OperationalException as e:
            raise ConfigurationError(str(e)) from e
        except (OSError, UnicodeDecodeError) as e:
            raise ConfigurationError(f"The configuration cannot be read: {e}") from e
        except (AttributeError, TypeError) as e:
            raise _merge_error(args, e) from e
        return load(config, origin=partial(origin_of, args=args), warn_if_missing=False)


def origin_of(
    key_path: Sequence[str], args: Mapping[str, Any], environ: Mapping[str, str] | None = None
) -> str | None:
    """Where freqtrade took the value at *key_path* from, in words; ``None`` = not found.

    An environment variable wins over every file; of several files the last one wins, and a file
    over those that it names in ``add_config_files``.
    """
    path = tuple(key_path)
    variable = _variable_of(path, args, os.environ if environ is None else environ)
    if variable:
        return f"environment variable {variable}"
    if STDIN in _files(args):  # freqtrade takes it alone and drops the files around it
        return "standard input"
    return next((label for label, layer in _layers(args) if _has(layer, path)), None)


def install_schema() -> None:
    """Makes the block known to freqtrade's JSON schema. It constrains nothing there: freqtrade
    would refuse a wrong value first, and in worse words than ours. May be called again.
    """
    FREQTRADE_KEYS[BLOCK] = {
        "description": "Emergency liquidation (freqtrade-liquidation).",
        "properties": {
            key: {"description": field.description}
            for key, field in LiquidationConfig.model_fields.items()
        },
    }


def changes(old: Mapping[str, Any] | None, new: LiquidationConfig) -> dict[str, dict[str, Any]]:
    """What differs from the last start: ``{key: {"old": …, "new": …}}``, plain values.

    :param old: ``to_dict()`` of then; ``None`` = there was no last start, nothing has changed.
    """
    if old is None:
        return {}
    now = new.to_dict()
    keys = [*now, *(key for key in old if key not in now)]
    return {
        key: {"old": old.get(key), "new": now.get(key)}
        for key in keys
        if old.get(key) != now.get(key)
    }


def _problems(error: ValidationError) -> list[Problem]:
    return [_problem(e["loc"], e["type"], e["input"]) for e in error.errors(include_url=False)]


def _problem(location: tuple[int | str, ...], kind: str, found: object) -> Problem:
    key = str(location[0])
    path = (BLOCK, key)
    if kind == "extra_forbidden":
        # The value stays out of the message: nobody knows what an unknown key holds.
        return Problem(path, f"{BLOCK}.{key} is not a known key; {_did_you_mean(key)}")
    where = "".join(f"[{index}]" for index in location[1:])
    return Problem(path, f"{BLOCK}.{key}{where} is {_shown(found)}; allowed: {ALLOWED[key]}.")


def _did_you_mean(key: str) -> str:
    close = difflib.get_close_matches(key.lower(), KEYS, n=1)
    return f'did you mean "{close[0]}"?' if close else f"known keys: {', '.join(KEYS)}."


def _shown(value: object) -> str:
    text = json.dumps(list(value) if isinstance(value, tuple) else value, default=str)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    if isinstance(value, str):
        return f"{text} (a text)"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{text} (not a finite number)"
    return text


def _not_an_object(found: object) -> Problem:
    return Problem(
        (BLOCK,),
        f"{BLOCK} is {_shown(found)}; allowed: an object with keys out of {', '.join(KEYS)} "
        f"(as environment variables: one for each key, {ENV_VAR_PREFIX}{BLOCK.upper()}__<KEY>).",
    )


def _misspelt_block(key: str, value: object) -> Problem | None:
    """Says so if *key*, at the top level, was meant to be ours: freqtrade ignores what it does not
    know, so a misspelt block would silently leave the defaults in force.
    """
    if key == BLOCK or key in FREQTRADE_KEYS:
        return None
    name = key.lower().replace("-", "_").replace(" ", "_")
    ours = (BLOCK, "emergency_liquidation")
    known = (*ours, *FREQTRADE_KEYS)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    ours_inside = isinstance(value, Mapping) and any(own in value for own in KEYS)
    if (close and close[0] in ours) or ("liquid" in name and ours_inside):
        if close and close[0] != BLOCK:
            meant = f'write it inside the block: "{BLOCK}": {{"{close[0]}": …}}.'
        else:
            meant = f'did you mean "{BLOCK}"?'
        return Problem((key,), f'"{key}" at the top level is not a known key; {meant}')
    return None


def _always(place: str) -> Origin:
    return lambda _: place


def _merged(args: Mapping[str, Any]) -> dict[str, Any]:
    """freqtrade's own files and variables, merged in freqtrade's own order."""
    config: dict[str, Any] = load_config.load_from_files(_files(args))
    if _reads_environment(args):
        config = deep_merge_dicts(environment_vars.environment_vars_to_dict(), config)
    return config


def _merge_error(args: Mapping[str, Any], error: Exception) -> ConfigurationError:
    """freqtrade merges an object over a plain value with a bare TypeError: find the plain value."""
    for label, layer in _layers(args):
        if not isinstance(layer, Mapping):
            return ConfigurationError(f"{label} does not hold a JSON object.")
        if BLOCK in layer and not isinstance(layer[BLOCK], Mapping):
            return InvalidLiquidationConfig([_not_an_object(layer[BLOCK])], _always(label))
    plain = next((v for v in os.environ if v.upper() == f"{ENV_VAR_PREFIX}{BLOCK.upper()}"), None)
    if plain:
        problem = _not_an_object(os.environ[plain])
        return InvalidLiquidationConfig([problem], _always(f"environment variable {plain}"))
    return ConfigurationError(
        f"The configuration cannot be merged ({error}): a key is an object in one file or "
        "environment variable and a plain value in another."
    )


def _without_excerpt(args: Mapping[str, Any], error: ConfigurationError) -> ConfigurationError:
    """freqtrade quotes the text around a JSON error, secrets and all: say file and line instead."""
    if not isinstance(error.__context__, JSONDecodeError):
        return error
    try:
        for _ in _layers(args):
            pass
    except ConfigurationError as located:
        return located
    return ConfigurationError(f"Standard input is not valid JSON: {error.__context__}")


def _read(file: Path) -> Any:
    try:
        return load_config.load_config_file(str(file))
    except ConfigurationError as e:
        offset = re.search(r"offset (\d+)", str(e.__context__))
        before = file.read_bytes()[: int(offset[1])] if offset else b""
        line = before.count(b"\n") + 1
        raise ConfigurationError(
            f"File {file} is not valid JSON, line {line}: {e.__context__}"
        ) from None


def _files(args: Mapping[str, Any]) -> list[str]:
    return list(args.get("config") or [])


def _reads_environment(args: Mapping[str, Any]) -> bool:
    # As freqtrade: imported late, it draws in all of freqtrade's commands.
    from freqtrade.commands.arguments import NO_CONF_ALLOWED

    return args.get("command") not in NO_CONF_ALLOWED


def _variable_of(
    path: tuple[str, ...], args: Mapping[str, Any], environ: Mapping[str, str]
) -> str | None:
    if not _reads_environment(args):
        return None
    found = None
    for name in sorted(environ):  # the last one in this order wins, as in freqtrade
        if name.startswith(ENV_VAR_PREFIX):
            parts = name.replace(ENV_VAR_PREFIX, "").lower().split("__")
            if tuple(parts[: len(path)]) == path:
                found = name
    return found


def _layers(args: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every file with its content, the one that wins first; none for standard input."""
    files = _files(args)
    return iter(()) if STDIN in files else _file_layers(files, None, 0)


def _file_layers(files: list[str], base: Path | None, level: int) -> Iterator[tuple[str, Any]]:
    for name in reversed(files):
        file = base / name if base else Path(name)
        content = _read(file)
        yield f"file {file}", content
        below = content.get("add_config_files", []) if isinstance(content, Mapping) else []
        if level < 5:  # freqtrade's own limit; it has refused deeper ones by now
            yield from _file_layers(below, file.resolve().parent, level + 1)


def _has(layer: object, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(layer, Mapping) or key not in layer:
            return False
        layer = layer[key]
    return True


@contextmanager
def _quiet(*loggers: logging.Logger) -> Iterator[None]:
    """freqtrade reads the same files again and says so itself: not twice."""
    before = [(each, each.disabled) for each in loggers]
    for each in loggers:
        each.disabled = True
    try:
        yield
    finally:
        for each, disabled in before:
            each.disabled = disabled


@contextmanager
def _stdin_kept(args: Mapping[str, Any]) -> Iterator[None]:
    """Lets standard input be read now and by freqtrade afterwards, which closes it when done."""
    if STDIN not in _files(args):
        yield
        return
    if sys.stdin.closed:
        raise ConfigurationError("The configuration came from standard input and cannot be reread.")
    text = sys.stdin.read()
    sys.stdin = io.StringIO(text)
    try:
        yield
    finally:
        sys.stdin = io.StringIO(text)

"""Where the configuration comes from: files, files that they name, environment, standard input.

Source: freqtrade 2026.9, ``configuration.py``, ``load_config.py`` and ``environment_vars.py`` in
``freqtrade/configuration``.
"""

import io
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from freqtrade.configuration import environment_vars, load_config
from freqtrade.constants import DEFAULT_DB_PROD_URL, ENV_VAR_PREFIX
from freqtrade.exceptions import ConfigurationError, OperationalException
from freqtrade.misc import deep_merge_dicts, parse_db_uri_for_logging
from rapidjson import JSONDecodeError

from freqtrade_liquidation.config import pipes, settings
from freqtrade_liquidation.config.block import load
from freqtrade_liquidation.config.modes import refuse_unsupported
from freqtrade_liquidation.config.repeated import repeated_keys
from freqtrade_liquidation.config.settings import (
    BLOCK,
    KEYS,
    InvalidLiquidationConfig,
    LiquidationConfig,
    Origin,
    Problem,
    not_an_object,
)

STDIN: Final = "-"
FILES_ALONE: Final = "files alone"
"""Stands in place of freqtrade's command where no environment variable counts."""


def validate_before_start(args: Mapping[str, Any]) -> LiquidationConfig:
    """Reads the configuration as freqtrade will, and validates the block. Creates nothing.

    freqtrade's ``main()`` ends with 0 on a ConfigurationError and a reload tears the bot down
    first, so both ask here beforehand. Standard input (``-c -``) is read and put back; what a pipe
    gives is kept for freqtrade, see :mod:`.pipes`.

    :param args: as ``freqtrade.commands.Arguments(argv).get_parsed_arg()`` returns it.
    :raises ConfigurationError: the files cannot be read or merged, the block is wrong, or ccxt is
        configured for an account mode that no run is made for.
    """
    return read_before_start(args)[1]


def read_before_start(args: Mapping[str, Any]) -> tuple[dict[str, Any], LiquidationConfig]:
    """As :func:`validate_before_start`, with all of the configuration: for who must know its
    secrets before freqtrade logs any of it.
    """
    config, block = _validated(args)
    if address := args.get("db_url"):
        config["db_url"] = address
    _refuse_unreadable_address(config.get("db_url"))
    refuse_unsupported(config)
    return config, block


def _refuse_unreadable_address(address: object) -> None:
    """What freqtrade's own log line about its database would end in a traceback on."""
    try:
        parse_db_uri_for_logging(str(address or DEFAULT_DB_PROD_URL))
    except (ValueError, IndexError):
        raise ConfigurationError(
            "db_url cannot be read as an address. Percent-encode what is special in its password: "
            "[ as %5B, ] as %5D, / as %2F, ? as %3F, # as %23, @ as %40."
        ) from None


def read_files(files: Sequence[str]) -> tuple[dict[str, Any], LiquidationConfig]:
    """The configuration that *files* alone make, with no environment variable, and its block.

    :raises ConfigurationError: the files cannot be read or merged, or the block is wrong.
    """
    args = {"command": FILES_ALONE, "config": list(files)}
    with _quiet(load_config.logger):
        for file in _pipes(args):
            raise ConfigurationError(f"{file} is not a regular file: it might never be read.")
    return _validated(args)


def _pipes(args: Mapping[str, Any]) -> Iterator[Path]:
    """What is no regular file, here or among the files that these name."""
    named = [Path(name) for name in _files(args) if name != STDIN]
    yield from (file for file in named if file.exists() and not file.is_file())
    for file, content in _file_layers([str(file) for file in named if file.is_file()], None, 0):
        below = content.get("add_config_files") if isinstance(content, Mapping) else None
        beside = [file.resolve().parent / name for name in below or ()]
        yield from (each for each in beside if each.exists() and not each.is_file())


def _validated(args: Mapping[str, Any]) -> tuple[dict[str, Any], LiquidationConfig]:
    # freqtrade reads the same files again, says so itself, and the bot loads what is in them.
    readers = (load_config.logger, environment_vars.logger, settings.logger)
    with _stdin_kept(args) as text, _quiet(*readers):
        try:
            config = merged(args)
        except ConfigurationError as e:
            raise _without_excerpt(args, e) from None
        except OperationalException as e:
            raise ConfigurationError(str(e)) from e
        except (OSError, ValueError, RecursionError) as e:
            raise ConfigurationError(f"The configuration cannot be read: {e}") from e
        except (AttributeError, TypeError) as e:
            raise _merge_error(args, e) from e
        _refuse_repeated(args, text)
        if _reads_environment(args):
            _refuse_misspelt_variables(os.environ)
        return config, load(config, origin=partial(origin_of, args=args), warn_if_missing=False)


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


def _refuse_repeated(args: Mapping[str, Any], stdin: str | None) -> None:
    """:param stdin: what came from there; ``None`` = the files count."""
    layers = _file_layers(_files(args), None, 0) if stdin is None else ()
    texts = [(f"file {file}", pipes.text_of(file)) for file, _ in layers]
    for place, text in texts if stdin is None else [("standard input", stdin)]:
        if problems := list(repeated_keys(text)):
            raise InvalidLiquidationConfig(problems, _always(place))


def _refuse_misspelt_variables(environ: Mapping[str, str]) -> None:
    """Names that are ours but for case and underscores: freqtrade reads ``FREQTRADE__A__B`` alone,
    and passes over all others.
    """
    ours = {f"FREQTRADE_{BLOCK}_{key}".upper(): key for key in KEYS}
    for name in sorted(environ):
        key = ours.get(re.sub("_+", "_", name.upper()).strip("_"))
        right = f"{ENV_VAR_PREFIX}{BLOCK}__{key}".upper()
        if key is not None and not (name.startswith(ENV_VAR_PREFIX) and name.upper() == right):
            problem = Problem((BLOCK, key), f"{name} is not read; did you mean {right}?")
            raise InvalidLiquidationConfig([problem], _always(f"environment variable {name}"))


def _always(place: str) -> Origin:
    return lambda _: place


def merged(args: Mapping[str, Any]) -> dict[str, Any]:
    """freqtrade's own files and variables, merged in freqtrade's own order; nothing is checked.

    :raises OperationalException: if a file cannot be read.
    """
    pipes.install()
    with _stdin_kept(args):
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
            return InvalidLiquidationConfig([not_an_object(layer[BLOCK])], _always(label))
    plain = next((v for v in os.environ if v.upper() == f"{ENV_VAR_PREFIX}{BLOCK.upper()}"), None)
    if plain:
        problem = not_an_object(os.environ[plain])
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
        before = pipes.text_of(file).encode()[: int(offset[1])] if offset else b""
        line = before.count(b"\n") + 1
        raise ConfigurationError(
            f"File {file} is not valid JSON, line {line}: {e.__context__}"
        ) from None


def _files(args: Mapping[str, Any]) -> list[str]:
    return list(args.get("config") or [])


def _reads_environment(args: Mapping[str, Any]) -> bool:
    # As freqtrade: imported late, it draws in all of freqtrade's commands.
    from freqtrade.commands.arguments import NO_CONF_ALLOWED

    return args.get("command") not in (*NO_CONF_ALLOWED, FILES_ALONE)


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
    layers = () if STDIN in files else _file_layers(files, None, 0)
    return ((f"file {file}", content) for file, content in layers)


def _file_layers(files: list[str], base: Path | None, level: int) -> Iterator[tuple[Path, Any]]:
    for name in reversed(files):
        file = base / name if base else Path(name)
        content = _read(file)
        yield file, content
        below = content.get("add_config_files") if isinstance(content, Mapping) else None
        below = [] if below is None else below  # freqtrade takes null for none
        if not isinstance(below, list) or not all(isinstance(name, str) for name in below):
            raise ConfigurationError(f"File {file}: add_config_files is not a list of file names.")
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
    before = [(each, each.disabled) for each in loggers]
    for each in loggers:
        each.disabled = True
    try:
        yield
    finally:
        for each, disabled in before:
            each.disabled = disabled


@contextmanager
def _stdin_kept(args: Mapping[str, Any]) -> Iterator[str | None]:
    """Lets standard input be read now and by freqtrade afterwards, which closes it when done.

    What it gives is its text; ``None`` where the configuration does not come from there.
    """
    if STDIN not in _files(args):
        yield None
        return
    if sys.stdin.closed:
        raise ConfigurationError("The configuration came from standard input and cannot be reread.")
    text = sys.stdin.read()
    sys.stdin = io.StringIO(text)
    try:
        yield text
    finally:
        sys.stdin = io.StringIO(text)

"""Which bot is meant: freqtrade's options, and the database that they name."""

import argparse
import shlex
from pathlib import Path
from typing import Any, Final

from freqtrade.commands.cli_options import AVAILABLE_CLI_OPTIONS
from freqtrade.constants import DEFAULT_CONFIG, DEFAULT_DB_DRYRUN_URL, DEFAULT_DB_PROD_URL

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.audit.identity import fallback_path
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.config.pipes import is_pipe
from freqtrade_liquidation.host.outside.parts import check_database

SHOWN: Final = ("config", "user_data_dir", "db_url", "dry_run", "verbosity", "logfile")
TAKEN: Final = ("datadir", "print_colorized", "strategy", "strategy_path")
"""Options of ``trade`` that change nothing here: a bot's own command line can be used as it is."""


def add_database_arguments(parser: argparse.ArgumentParser) -> None:
    """freqtrade's own options, as its ``trade`` takes them."""
    group = parser.add_argument_group("the bot", "as its trade command names it")
    for name in (*SHOWN, *TAKEN):
        option = AVAILABLE_CLI_OPTIONS[name]
        kwargs = dict(option.kwargs)
        if name in TAKEN:
            kwargs["help"] = argparse.SUPPRESS
        group.add_argument(*option.cli, dest=name, **kwargs)


def config_files(options: argparse.Namespace) -> list[str]:
    """``-c``, else ``config.json`` in the user directory or here, as freqtrade looks for it."""
    if options.config:
        return list(options.config)
    beside = Path(options.user_data_dir or "user_data") / DEFAULT_CONFIG
    return [str(beside) if beside.is_file() else DEFAULT_CONFIG]


def freqtrade_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """*options* as freqtrade's own parser would hand them on."""
    names = (*SHOWN, *TAKEN)
    found = {name: getattr(options, name, None) for name in names if name != "strategy"}
    return {**found, "config": config_files(options), "command": "trade"}


def read_config(options: argparse.Namespace) -> dict[str, Any]:
    """Files and environment, merged as freqtrade does; nothing is made or checked.

    :raises OperationalException: if a file cannot be read.
    """
    config = configuration.merged(freqtrade_arguments(options))
    if options.dry_run:
        config["dry_run"] = True
    return config


def fallback_file(options: argparse.Namespace, config: dict[str, Any], db_url: str) -> Path:
    """Where the bot writes its audit trail when the database cannot be written."""
    folder = options.user_data_dir or config.get("user_data_dir") or "user_data"
    return fallback_path(Path(folder), db_url)


def database_url(options: argparse.Namespace, config: dict[str, Any]) -> str:
    """``--db-url``, else the configuration's ``db_url``, else freqtrade's default for its mode."""
    if options.db_url and options.db_url != DEFAULT_DB_PROD_URL:
        return str(options.db_url)
    if not config.get("dry_run", True):
        return str(config.get("db_url") or DEFAULT_DB_PROD_URL)
    named = config.get("db_url")
    return DEFAULT_DB_DRYRUN_URL if named in (None, DEFAULT_DB_PROD_URL) else str(named)


def config_if_needed(options: argparse.Namespace) -> dict[str, Any]:
    """The configuration, unless ``--db-url`` says all that is needed and no file is to be found.

    :raises OperationalException: if it cannot be read.
    """
    files_are_there = options.config or Path(config_files(options)[0]).is_file()
    return {} if options.db_url and not files_are_there else read_config(options)


def again(command: str, options: argparse.Namespace) -> str:
    """*command* for the same bot, to be copied. Without ``--db-url``'s value: it may be secret.

    Nor does it name a pipe, which is gone by then.
    """
    words = f"freqtrade-liquidation {command}"
    for file in options.config or ():
        words += " -c " + ("<(…)" if is_pipe(Path(file)) else shlex.quote(file))
    if options.user_data_dir:
        words += f" --userdir {shlex.quote(options.user_data_dir)}"
    return words + (" --db-url …" if options.db_url else "")


def open_audit(options: argparse.Namespace) -> AuditLog:
    """The audit log of the bot that *options* name, with the lines that waited in its file.

    :raises OperationalException: if the configuration cannot be read, or there is no database.
    """
    config = config_if_needed(options)
    url = database_url(options, config)
    check_database({"db_url": url})
    audit = AuditLog(url, fallback=fallback_file(options, config, url), masker=Masker([]))
    audit.import_fallback()  # else what is shown would be from before them
    return audit

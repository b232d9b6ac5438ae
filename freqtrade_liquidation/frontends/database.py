"""Which database the bot uses, found as freqtrade finds it."""

import argparse
from pathlib import Path
from typing import Any

from freqtrade.constants import DEFAULT_DB_DRYRUN_URL, DEFAULT_DB_PROD_URL
from freqtrade.exceptions import OperationalException
from sqlalchemy import make_url

from freqtrade_liquidation.audit.fallback import FALLBACK_NAME
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker


def add_database_arguments(parser: argparse.ArgumentParser) -> None:
    """freqtrade's own option names."""
    parser.add_argument(
        "-c",
        "--config",
        action="append",
        metavar="PATH",
        help="Configuration file of the bot (default: config.json). May be repeated.",
    )
    parser.add_argument("--db-url", metavar="PATH", help="Trades database URL of the bot.")
    parser.add_argument("-d", "--datadir", metavar="PATH", help=argparse.SUPPRESS)
    parser.add_argument("--userdir", "--user-data-dir", dest="user_data_dir", metavar="PATH")


def fallback_file(options: argparse.Namespace) -> Path:
    """Where the bot writes its audit trail when the database cannot be written."""
    return Path(options.user_data_dir or "user_data") / FALLBACK_NAME


def database_url(options: argparse.Namespace) -> str:
    """``--db-url``, else the configuration's ``db_url``, else freqtrade's default for its mode.

    :raises OperationalException: if the configuration cannot be read.
    """
    if options.db_url:
        return str(options.db_url)
    from freqtrade.configuration.environment_vars import environment_vars_to_dict
    from freqtrade.configuration.load_config import load_from_files

    config: dict[str, Any] = load_from_files(options.config or ["config.json"])
    config |= environment_vars_to_dict()
    if config.get("db_url"):
        return str(config["db_url"])
    return DEFAULT_DB_DRYRUN_URL if config.get("dry_run", True) else DEFAULT_DB_PROD_URL


def _must_exist(url: str) -> str:
    """*url*, unless it is an SQLite file that is not there: a wrong path must not look like a bot.

    :raises OperationalException: naming the file.
    """
    file = make_url(url).database
    if url.startswith("sqlite") and file and not Path(file).exists():
        raise OperationalException(
            f"There is no database {file!r}. Name the bot's with --db-url, or run this where the "
            "bot runs, with its -c."
        )
    return url


def open_audit(options: argparse.Namespace) -> AuditLog:
    """The audit log of the bot that *options* name.

    :raises OperationalException: if the configuration cannot be read, or there is no database.
    """
    url = _must_exist(database_url(options))
    return AuditLog(url, fallback=fallback_file(options), masker=Masker([]))

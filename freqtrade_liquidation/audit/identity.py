"""Which database a fallback file belongs to, in words that hold no password."""

import hashlib
import os
from pathlib import Path
from typing import Final

from sqlalchemy import URL
from sqlalchemy.engine import make_url

from freqtrade_liquidation.audit.engine import is_in_memory, sqlite_file

PORTS: Final = {"postgresql": 5432, "mysql": 3306}
HIDDEN: Final = "pass"
"""In the name of an option of an address, such as ``sslpassword`` or ``passfile``."""


def fallback_path(folder: Path, db_url: str, *, bot_name: str = "") -> Path:
    """The fallback file of the database *db_url* in *folder*, freqtrade's user_data.

    :param bot_name: tells bots apart that keep their database in memory.
    :raises sqlalchemy.exc.ArgumentError: if *db_url* is no address.
    """
    name = identity(db_url, folder)
    if is_in_memory(db_url):
        name += f" {bot_name}"
    digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()
    return folder / f"liquidation_fallback_{digest[:12]}.sqlite"


def identity(db_url: str, folder: Path) -> str:
    """The same for every way to write the address of one database, and for no other database.

    An SQLite file is named as seen from *folder*: in a container and on its host both have other
    paths and the same place to each other. The user stays in: his search path chooses the schema.
    """
    if is_in_memory(db_url):
        return "memory"
    url = make_url(db_url)
    backend = url.get_backend_name().replace("mariadb", "mysql")
    if backend == "sqlite":
        # ``resolve`` follows links, so that two names of one file are one database.
        return f"sqlite {os.path.relpath(sqlite_file(db_url).resolve(), folder.resolve())}"
    host = (url.host or "").lower()
    port = url.port or PORTS.get(backend)
    return f"{backend} {url.username or ''}@{host}:{port}/{url.database or ''}{_options(url)}"


def _options(url: URL) -> str:
    """Those that may lead to another server or schema, in one order."""
    told = {key: value for key, value in url.query.items() if HIDDEN not in key.lower()}
    return "".join(f" {key}={value}" for key, value in sorted(told.items()))

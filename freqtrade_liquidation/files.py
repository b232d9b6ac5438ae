"""Files that appear whole or not at all."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path


def write_whole(path: Path, parts: Iterable[str], *, replaces: tuple[str, ...]) -> None:
    """Writes *parts* to *path* (UTF-8), replacing what stands there only when all is written.

    The file is readable by its owner only: trails and reports tell what somebody owns.

    :param replaces: endings of what may be replaced: a slip must not cost a database, a device or
        a configuration.
    :raises OSError: if *path* cannot be written; it names *path*.
    """
    if not path.name:
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    _check_in_the_way(path, replaces)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            unfinished.unlink(missing_ok=True)  # a link that somebody laid there is not followed
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.writelines(parts)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _check_in_the_way(path: Path, replaces: tuple[str, ...]) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return  # nothing there; what else is wrong comes up in writing
    if not stat.S_ISREG(mode) or path.suffix not in replaces:
        words = f"something else than a {' or '.join(replaces)} file stands there, it is kept"
        raise FileExistsError(errno.EEXIST, words, str(path))

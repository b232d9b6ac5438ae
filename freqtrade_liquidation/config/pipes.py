"""Configuration files that can be read only once: ``-c <(sops -d config.json)``, a FIFO.

The configuration is read several times, by us before the start and by freqtrade at it. What a pipe
gives is therefore kept in memory, and freqtrade's own loader is given it from there. A private file
would serve as well, but a process that is killed would leave the secrets on the disk.

A named FIFO is read without blocking: its opening would otherwise wait for a writer for ever.
"""

import os
import select
import stat
import time
from pathlib import Path
from typing import Any, Final

import rapidjson
from freqtrade.configuration import load_config
from freqtrade.exceptions import ConfigurationError

WAIT_S: Final = 30.0
"""For what writes the pipe: it may ask a key server."""
MOST_BYTES: Final = 16 * 2**20

_theirs: Final = load_config.load_config_file
_kept: Final[dict[Path, str]] = {}


def install() -> None:
    """Makes freqtrade's loader read pipes from here. May be called again."""
    load_config.load_config_file = _load


def forget() -> None:
    """The next reading asks the pipes again, which a named FIFO may answer."""
    _kept.clear()


def is_pipe(file: Path) -> bool:
    """Whether *file* gives its content to the first who reads it."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def text_of(file: Path) -> str:
    """The content of *file*; a pipe's is as it was at the first reading.

    :raises ConfigurationError: a pipe gives nothing, too much, or does not end in time.
    """
    if not is_pipe(file):
        return file.read_text()
    if file not in _kept:
        _kept[file] = _read(file)
    return _kept[file]


def _load(path: str) -> dict[str, Any]:
    """In the place of freqtrade's ``load_config_file``."""
    if path == "-" or not is_pipe(Path(path)):
        return _theirs(path)
    try:
        config: dict[str, Any] = rapidjson.loads(
            text_of(Path(path)), parse_mode=load_config.CONFIG_PARSE_MODE
        )
    except rapidjson.JSONDecodeError as error:
        raise ConfigurationError(f"{path} is not valid JSON: {error}") from error
    return config


def _read(file: Path) -> str:
    until, content = time.monotonic() + WAIT_S, bytearray()
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while poll.poll(max(0.0, until - time.monotonic()) * 1000):
            chunk = os.read(descriptor, 2**16)
            content += chunk
            if not chunk:
                break
            if len(content) > MOST_BYTES:
                raise ConfigurationError(f"{file} gives more than {MOST_BYTES} bytes.")
        else:
            raise ConfigurationError(
                f"{file} is a pipe that nothing has written to its end within {WAIT_S:.0f} s."
            )
    finally:
        os.close(descriptor)
    if not content:
        raise ConfigurationError(
            f"{file} is a pipe that gives nothing: what writes it has failed, or it has been read "
            "before. To read the configuration again, restart with a new pipe."
        )
    return content.decode()

"""The drill's configuration is the bot's: nothing was merged into it on the way."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from freqtrade_liquidation.drill.seal import Refuse

LATER: Final = ("config_files", "internals")
"""Keys that freqtrade adds by itself when it loads the files."""


def install(file: Path, refuse: Refuse) -> None:
    """Looks at each configuration that freqtrade's worker builds, before a bot is built from it.

    :param file: the only file that may have a part in it; read anew each time.
    :param refuse: told which keys differ. Their values stay out of it: they may be a user's keys.
    """
    import freqtrade.worker

    class OnlyConfiguration(freqtrade.worker.Configuration):
        """freqtrade's own, checked when it is complete."""

        def get_config(self) -> dict[str, Any]:
            config: dict[str, Any] = super().get_config()
            if found := differences(json.loads(file.read_text()), config):
                refuse(
                    f"the bot's configuration is not the one of {file}. "
                    f"Different: {', '.join(found[:10])}. No bot was started."
                )
            return config

    freqtrade.worker.Configuration = OnlyConfiguration  # type: ignore[misc]


def differences(only: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Key paths at which freqtrade's complete *config* is not what *only* says.

    The merged files and variables must equal *only* key for key. What freqtrade made of them
    afterwards (options, defaults) may be more, but must agree with *only* wherever both speak.
    """
    merged = {key: value for key, value in config["original_config"].items() if key not in LATER}
    given = {key: value for key, value in only.items() if key not in LATER}
    different = dict.fromkeys(_paths(given, merged, extra=True))
    return list(different | dict.fromkeys(_paths(given, config, extra=False)))


def _paths(
    expected: Mapping[str, Any], found: Mapping[str, Any], *, extra: bool, above: str = ""
) -> Iterator[str]:
    for key in expected.keys() | (found.keys() if extra else set()):
        one, other = expected.get(key, _ABSENT), found.get(key, _ABSENT)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _paths(one, other, extra=extra, above=f"{above}{key}.")
        elif one != other:
            yield f"{above}{key}"


_ABSENT: Final = object()

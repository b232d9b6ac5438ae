"""The block within freqtrade's whole configuration, and within its schema."""

import difflib
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from freqtrade.config_schema.config_schema import CONF_SCHEMA

from freqtrade_liquidation.config.settings import (
    BLOCK,
    KEYS,
    InvalidLiquidationConfig,
    LiquidationConfig,
    Origin,
    Problem,
    not_an_object,
)

logger = logging.getLogger(__name__)

FREQTRADE_KEYS: Final = cast("dict[str, Any]", CONF_SCHEMA["properties"])
"""What freqtrade's schema knows at the top level; the same object, so an addition counts."""


COMMON_WORDS: Final = ("scope", "triggers")
"""Keys of ours by whose names a strategy may call something of its own: with a value that would be
wrong in the block they are not ours."""


def load(
    config: Mapping[str, Any], *, origin: Origin | None = None, warn_if_missing: bool = True
) -> LiquidationConfig:
    """The block out of freqtrade's full configuration.

    :param origin: names where a key came from, e.g. ``partial(origin_of, args=args)``.
    :param warn_if_missing: log a WARNING when there is no block and the defaults protect.
    :raises ConfigurationError: a wrong value or key, or a key that looks like a misspelt block.
    """
    if missed := list(_near_misses(config)):
        raise InvalidLiquidationConfig(missed, origin)
    if BLOCK not in config:
        if warn_if_missing:
            logger.warning(
                "No `liquidation` block in the configuration: the safe defaults apply, and "
                "positions are closed at market on shutdown, stop and fatal errors."
            )
        return LiquidationConfig()
    block = config[BLOCK]
    if not isinstance(block, Mapping):
        raise InvalidLiquidationConfig([not_an_object(block)], origin)
    try:
        return LiquidationConfig(**block)
    except InvalidLiquidationConfig as e:
        raise InvalidLiquidationConfig(e.problems, origin) from None


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


def _near_misses(config: Mapping[str, Any]) -> Iterator[Problem]:
    """What was meant to be the block, or a key of it, and stands elsewhere: freqtrade ignores what
    it does not know, so the defaults would silently be in force.
    """
    for key, value in config.items():
        if key != BLOCK and key not in FREQTRADE_KEYS:
            yield from _misspelt_block(str(key), value)
    yield from _misplaced(config)


def _misspelt_block(key: str, value: object) -> Iterator[Problem]:
    """At the top level."""
    name = key.lower().replace("-", "_").replace(" ", "_")
    bare = name.removeprefix(f"{BLOCK}_")
    if bare in KEYS and (bare not in COMMON_WORDS or bare != name or _fits(bare, value)):
        yield Problem((key,), f'"{key}" {_AT_TOP} {_write_inside(bare)}')
        return
    ours = (BLOCK, "emergency_liquidation")
    known = (*ours, *FREQTRADE_KEYS)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    ours_inside = isinstance(value, Mapping) and any(own in value for own in KEYS)
    if (close and close[0] in ours) or ("liquid" in name and ours_inside):
        meant = f'did you mean "{BLOCK}"?'
        if close and close[0] != BLOCK:
            meant = _write_inside(close[0])
        yield Problem((key,), f'"{key}" {_AT_TOP} {meant}')


def _fits(key: str, value: object) -> bool:
    try:
        LiquidationConfig(**{key: value})
    except InvalidLiquidationConfig:
        return False
    return True


def _misplaced(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Deeper down, what cannot be anybody else's: the block with keys of ours in it, and the key
    that nothing but this package is called by."""
    level: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [
        ((str(key),), value)
        for key, value in config.items()
        if key not in (BLOCK, "original_config") and isinstance(value, Mapping)
    ]
    while level:
        path, block = level.pop()
        for key, value in block.items():
            inside = isinstance(value, Mapping)
            if key == "emergency_liquidation":
                meant = _write_inside(key)
            elif key == BLOCK and inside and any(own in value for own in KEYS):
                meant = f'"{BLOCK}" stands at the top level.'
            else:
                if inside:
                    level.append(((*path, str(key)), value))
                continue
            yield Problem((*path, key), f'"{".".join((*path, key))}" is not a known key; {meant}')


_AT_TOP: Final = "at the top level is not a known key;"


def _write_inside(key: str) -> str:
    return f'write it inside the block: "{BLOCK}": {{"{key}": …}}.'

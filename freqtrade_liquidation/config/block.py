"""The block within freqtrade's whole configuration, and within its schema."""

import difflib
import logging
from collections.abc import Mapping
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

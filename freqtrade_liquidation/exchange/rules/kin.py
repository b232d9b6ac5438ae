"""A rule for an exchange holds for those that ccxt derives from it, too."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def rule_for(table: Mapping[str, T], api: Any, default: T) -> T:
    """*table*'s entry for ccxt's exchange *api*, or for the nearest one that it derives from.

    ``gateeu`` is a subclass of ``gate``, ``binanceusdm`` of ``binance``, ``myokx`` of ``okx``.
    """
    for name in lineage(api):
        if name in table:
            return table[name]
    return default


def lineage(api: Any) -> Sequence[str]:
    """ccxt's exchange id of *api*, then those of the classes that it derives from."""
    kind: Any = type(api)
    return (api.id, *_names(kind))


@functools.cache
def _names(kind: Any) -> Sequence[str]:
    return tuple(parent.__name__ for parent in kind.__mro__)

"""What a drill plays: its pairs and its ``liquidation`` block, and what must be left at the end."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from freqtrade.exceptions import ConfigurationError
from freqtrade.plugins.pairlist.pairlist_helpers import expand_pairlist

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.drill.scenarios import SCENARIOS, Leaves

POSITIONS: Final = 5
MOST_POSITIONS: Final = 200
MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a drill plays.

    :param notes: what of the user's file does not take part, in words.
    :param leaves: the pairs whose positions must be open at the end.
    :param keeps_orders: stops of closed positions stay, as the block says.
    :param why: what leaves something open, in words; empty if the book must be flat.
    """

    pairs: tuple[str, ...]
    settings: LiquidationConfig
    notes: tuple[str, ...] = ()
    leaves: frozenset[str] = frozenset()
    keeps_orders: bool = False
    why: str = ""


def make(options: argparse.Namespace, listed: Sequence[str]) -> Plan:
    """Out of the options and, with ``-c``, of two things in the user's files.

    :param listed: the pairs that the practice exchange lists.
    :raises ConfigurationError: for a file that cannot be read, or a wrong block or list of pairs.
    """
    pairs, settings = tuple(listed), LiquidationConfig()
    notes: tuple[str, ...] = ()
    if options.config:
        config, settings = configuration.read_files(options.config)
        pairs, notes = _chosen(config, listed)
    if options.timeout_seconds is not None:
        settings = settings.model_copy(update={"timeout_seconds": options.timeout_seconds})
    if options.positions is not None and options.positions > len(pairs):
        notes += (f"--positions {options.positions}: only {len(pairs)} pairs take part.",)
    pairs = pairs[: options.positions or POSITIONS]
    why, leaves = _left_open(settings, options.faults, pairs)
    keeps_orders = not settings.cancel_orders
    if keeps_orders and not why:
        why = "liquidation.cancel_orders is false"
    return Plan(
        pairs=pairs, settings=settings, notes=notes, leaves=leaves, keeps_orders=keeps_orders,
        why=why,
    )  # fmt: skip


def _chosen(
    config: Mapping[str, Any], listed: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pairs of the user's whitelist that the practice exchange lists, and words on the rest."""
    whitelist = _whitelist(config)
    found: dict[str, None] = {}
    missing = []
    for name in whitelist:
        try:
            matching = expand_pairlist([name], list(listed))
        except ValueError as error:
            raise ConfigurationError(
                f"exchange.pair_whitelist: {name!r} is neither a pair nor a valid pattern."
            ) from error
        found |= dict.fromkeys(matching)
        if not matching:
            missing.append(repr(name))
    notes = []
    if missing:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        notes.append(
            "Left out, because the practice exchange does not list them as USDT futures: "
            f"{', '.join(missing[:MOST_NAMED])}{more}."
        )
    if not found:
        notes.append(
            "The file names no pair that can take part; the practice exchange's own are used."
        )
    return tuple(found or listed), tuple(notes)


def _whitelist(config: Mapping[str, Any]) -> list[str]:
    exchange = config.get("exchange", {})
    names = exchange.get("pair_whitelist", []) if isinstance(exchange, Mapping) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(
            'exchange.pair_whitelist must be a list of pairs, each a text, as in ["BTC/USDT:USDT"].'
        )
    return names


def _left_open(
    settings: LiquidationConfig, faults: str, pairs: Sequence[str]
) -> tuple[str, frozenset[str]]:
    if not settings.emergency_liquidation:
        return "liquidation.emergency_liquidation is false", frozenset(pairs)
    if "shutdown" not in settings.triggers:
        return 'liquidation.triggers does not name "shutdown"', frozenset(pairs)
    if not settings.close_positions:
        return "liquidation.close_positions is false", frozenset(pairs)
    leaves = SCENARIOS[faults].leaves
    if leaves is Leaves.NONE:
        return "", frozenset()
    return f"--faults {faults}", frozenset(pairs[:1] if leaves is Leaves.FIRST else pairs)

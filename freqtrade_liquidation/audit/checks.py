"""Checks of single values that come from outside: each answers with the value, or raises.

The blocks of :mod:`.rows`, and of whatever else reads a table of ours.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from freqtrade_liquidation.audit.chain import iso_utc

Check = Callable[[Any], Any]

JSON_LENGTH: Final = 4_000_000
"""A look at a thousand positions writes about 300 kB."""
JSON_DEPTH: Final = 16
LARGEST: Final = 2**53
"""Of a sequence or a number of ours: JSON's readers keep whole numbers up to here."""
LARGEST_COUNT: Final = 2**31 - 1
YEARS: Final = range(2009, 2200)
"""Beyond these a time is an accident, and adding a day to it may overflow."""
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00", re.ASCII)


class Misfit(ValueError):
    """The row is not what its table holds; says which column, and why."""


def shown(value: object) -> str:
    """A foreign value in a few harmless letters."""
    return ascii(value)[:60]


def text(limit: int, *, least: int = 1) -> Check:
    """Text of *least* to *limit* characters that every database takes."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) < least:
            raise Misfit(f"{shown(value)} is no text")
        if len(value) > limit:
            raise Misfit(f"{len(value)} characters are more than {limit}")
        if not _is_clean(value):
            raise Misfit("its text is not valid Unicode")
        return value

    return check


def name(limit: int) -> Check:
    """Text that people are shown as it is: on one line, and with nothing that steers a terminal."""
    is_text = text(limit)

    def check(value: Any) -> str:
        found: str = is_text(value)
        if not found.isprintable():
            raise Misfit(f"{shown(found)} holds characters that cannot be shown")
        return found

    return check


def optional(check: Check) -> Check:
    """*check*, or nothing at all."""
    return lambda value: None if value is None else check(value)


def whole(least: int, most: int) -> Check:
    """A whole number from *least* to *most*."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Misfit(f"{shown(value)} is no whole number from {least} to {most}")
        return value

    return check


def number(value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Misfit(f"{shown(value)} is no number")
    if not (abs(value) < 1e18 and math.isfinite(value)):
        raise Misfit(f"{shown(value)} is no number that we write")
    return value


def truth(value: Any) -> bool:
    """A boolean, as each database keeps it."""
    if not isinstance(value, (bool, int)) or value not in (0, 1):
        raise Misfit(f"{shown(value)} is neither true nor false")
    return bool(value)


def moment(value: Any) -> datetime:
    """An aware time in UTC, from the text that :func:`iso_utc` writes or as a database gives it."""
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise Misfit(f"{shown(value)} is no time") from error
    if not isinstance(value, datetime) or value.tzinfo is None or value.year not in YEARS:
        raise Misfit(f"{shown(value)} is no time in UTC")
    return value.astimezone(UTC)


def moment_text(value: Any) -> str:
    """As :func:`moment`, as text."""
    return iso_utc(moment(value))


def one_of(*words: str) -> Check:
    """One of *words*."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise Misfit(f"{shown(value)} is not one of our words")
        return value

    return check


def json_mapping(value: Any) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise Misfit(f"{shown(value)} is no JSON object")
    _check_json(value)
    return value


def json_list(value: Any) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise Misfit(f"{shown(value)} is no JSON array")
    _check_json(value)
    return value


def texts(limit: int) -> Check:
    """A JSON array of texts."""
    return lambda value: [text(limit, least=0)(item) for item in json_list(value)]


def _check_json(value: Any) -> None:
    """Bounded in size and depth, without what our own writer never makes."""
    level, size = [value], 0
    for _ in range(JSON_DEPTH):
        deeper: list[Any] = []
        for item in level:
            size += 1
            if isinstance(item, str):
                size += len(item)
                if not _is_clean(item):
                    raise Misfit("its text is not valid Unicode")
            elif isinstance(item, dict):
                deeper += [*item, *item.values()]
            elif isinstance(item, list):
                deeper += item
            elif isinstance(item, float) and not math.isfinite(item):
                raise Misfit("a number in it is not finite")
        if size > JSON_LENGTH:
            raise Misfit("it is larger than any that we write")
        if not deeper:
            return
        level = deeper
    raise Misfit("it is nested deeper than any that we write")


def _is_clean(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\x00" not in value


def fitting(row: Any, checks: Mapping[str, Check]) -> dict[str, Any]:
    """*row* by *checks*, column by column.

    :raises Misfit: naming the first column that does not fit.
    """
    if not isinstance(row, Mapping) or set(row) != set(checks):
        raise Misfit("its columns are not ours")
    found = {}
    for name, check in checks.items():
        try:
            found[name] = check(row[name])
        except Misfit as error:
            raise Misfit(f"{name}: {error}") from error
    return found


def having(checks: Mapping[str, Check]) -> Check:
    """A JSON object that has these, whatever else it has."""

    def check(value: Any) -> dict[str, Any]:
        row = json_mapping(value)
        fitting({name: row.get(name) for name in checks}, checks)
        return row

    return check


def each_having(checks: Mapping[str, Check]) -> Check:
    """A JSON array of such objects."""
    check = having(checks)
    return lambda value: [check(row) for row in json_list(value)]

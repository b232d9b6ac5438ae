"""Numbers and times as the page shows them. ``None`` is always "not known", never 0."""

from datetime import datetime
from typing import Final

from freqtrade_liquidation.digits import digits

NOT_KNOWN: Final = "not known"
NONE: Final = "–"
"""There is none, and that is known."""


def amount(value: float | None) -> str:
    """Base currency, or a price."""
    return NOT_KNOWN if value is None else digits(value)


def money(value: float | None, unit: str = "") -> str:
    """Signed; small sums get more digits."""
    if value is None:
        return NOT_KNOWN
    places = 2 if abs(value) >= 0.1 or value == 0 else 4
    return f"{value:+.{places}f} {unit}".rstrip()


def basis_points(ratio: float | None) -> str:
    """Signed hundredths of a percent."""
    if ratio is None:
        return NOT_KNOWN
    points = round(ratio * 10_000, 1)
    return f"{points:+.1f} bps" if points else "0.0 bps"


def offset(seconds: float | None) -> str:
    """Since the run began."""
    return NOT_KNOWN if seconds is None else f"+{span(seconds)}" if seconds >= 0 else span(seconds)


def span(seconds: float | None) -> str:
    """A duration: milliseconds where they matter."""
    if seconds is None:
        return NOT_KNOWN
    return f"{seconds * 1000:.0f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"


def moment(when: datetime) -> str:
    """UTC, to the second."""
    return f"{when:%Y-%m-%d %H:%M:%S}"


def short_pairs(pairs: list[str]) -> dict[str, str]:
    """Without the settle currency, where nothing is confused by that: phones are narrow."""
    short = {pair: pair.split(":")[0] for pair in pairs}
    return short if len(set(short.values())) == len(pairs) else {pair: pair for pair in pairs}


def currency_of(pairs: list[str]) -> str:
    """The quote currency that all *pairs* share; empty where they share none."""
    found = {pair.split(":")[0].partition("/")[2] for pair in pairs}
    return found.pop() if len(found) == 1 else ""
